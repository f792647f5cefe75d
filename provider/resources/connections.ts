/** One connection to each server for all of its resources: they share its gathered reads, its event stream and its limits. */
import { readFileSync } from "node:fs";
import { type Endpoint, Gate, type Patience } from "../clients/http";
import { type LockPatience, MarathonClient } from "../clients/marathon";
import { HttpMesosClient, type OperatorApi } from "../clients/mesos";
import { MetronomeClient } from "../clients/metronome";
import { DeploymentWatch } from "../deployments/await";
import type { Connected, MarathonDependencies, ServerInputs } from "./marathonDefinition";
import type { MastersInputs, OperatorDependencies } from "./mesosOperator";
import type { MetronomeDependencies } from "./metronome";
import { liveAgents, type LiveAgent } from "./liveAgents";
import type { Path, Properties } from "../wire";
import { UserError } from "./resource";

/** Deployments at a time: Marathon's own limit is 100, and others deploy as well. */
const DEPLOYS = 60;
const RUNS_MS = 600_000;
/** A preview does not wait longer for masters that it could do without, milliseconds. */
const AGENTS_MS = 5000;

export interface Waiting {
    readonly http?: Patience;
    readonly locks?: LockPatience;
    readonly pollMs?: number;
    readonly restMs?: number;
    readonly runsMs?: number;
}

/** What `pulumi config set mesos:NAME` says: for imports, which have no inputs of their own. */
export type PluginConfig = Readonly<Record<string, string>>;

/** The configuration's texts: it has nothing else. */
export function textsOf(config: Properties): PluginConfig {
    return Object.fromEntries(
        Object.entries(config).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
}

/** @throws {UserError} when the file cannot be read */
function authorities(file: string): string {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        throw new UserError(`certificates of authorities cannot be read: ${(error as Error).message}`);
    }
}

/** Where a server is, as inputs of a resource. */
export interface Remembered {
    readonly inputs: Properties;
    readonly secrets: readonly Path[];
}

export type Dependencies = MarathonDependencies & MetronomeDependencies & OperatorDependencies;

export class Connections implements Dependencies {
    public readonly runsMs: number;
    private config: PluginConfig = {};
    private readonly marathons = new Map<string, Connected>();
    private readonly metronomes = new Map<string, MetronomeClient>();
    private readonly operators = new Map<string, OperatorApi>();
    private readonly running = new Map<string, Promise<readonly LiveAgent[] | undefined>>();
    private readonly turns = new Map<string, Promise<unknown>>();

    public constructor(private readonly waiting: Waiting = {}) {
        this.runsMs = waiting.runsMs ?? RUNS_MS;
    }

    public configure(config: PluginConfig): void {
        this.config = config;
    }

    /** The environment comes first: an import goes on with the configuration of the last up. */
    private setting(name: string): string | undefined {
        const variable = `PULUMI_MESOS_${name.replace(/(?=[A-Z])/, "_").toUpperCase()}`;
        return process.env[variable] ?? this.config[name];
    }

    private configured(name: "marathon" | "metronome" | "masters"): Endpoint {
        const urls = this.setting(name);
        if (urls === undefined)
            throw new UserError(
                `the plugin does not know where ${name === "masters" ? "the masters are" : `${name} is`}\n  fix: pulumi config set mesos:${name} http://HOST:PORT, and up; or PULUMI_MESOS_${name.toUpperCase()}=http://HOST:PORT in the environment`,
            );
        const [username, ...password] = (this.setting(`${name}Credentials`) ?? "").split(":");
        const ca = this.setting(`${name}Ca`);
        return {
            urls: urls.split(",").map((url) => url.trim()),
            ...(ca === undefined ? {} : { ca: authorities(ca) }),
            ...(username === undefined || username === "" ? {} : { username, password: password.join(":") }),
        };
    }

    public connect(server: ServerInputs | undefined): Connected {
        const endpoint = server ?? this.configured("marathon");
        const key = JSON.stringify([endpoint.urls, endpoint.username, endpoint.password, endpoint.ca]);
        const present = this.marathons.get(key);
        if (present !== undefined) return present;
        const client = new MarathonClient(endpoint, this.waiting.http, this.waiting.locks);
        const made: Connected = {
            client,
            watch: new DeploymentWatch(client, this.waiting.pollMs, this.waiting.restMs),
            deploys: new Gate(DEPLOYS),
        };
        this.marathons.set(key, made);
        return made;
    }

    public metronome(server: Endpoint | undefined): MetronomeClient {
        const endpoint = server ?? this.configured("metronome");
        const key = JSON.stringify(endpoint);
        const client = this.metronomes.get(key) ?? new MetronomeClient(endpoint, this.waiting.http);
        this.metronomes.set(key, client);
        return client;
    }

    /** What an import was told by configuration or environment, as a program would say it: from then on the state knows. */
    public remembered(name: "marathon" | "metronome" | "masters"): Remembered {
        if (name === "masters") {
            const { masters, operator } = this.mastersOf(undefined);
            return {
                inputs: {
                    masters: masters.map((one) => ({ ...one })),
                    ...(operator === undefined ? {} : { operator: { ...operator } }),
                },
                secrets: [["operator", "secret"]],
            };
        }
        const { urls, ...login } = this.configured(name);
        return { inputs: { server: { urls: [...urls], ...login } }, secrets: [["server", "password"]] };
    }

    private mastersOf(inputs: MastersInputs | undefined): MastersInputs {
        if (inputs !== undefined) return inputs;
        const { urls, username, password } = this.configured("masters");
        return {
            masters: urls.map((url) => {
                const { hostname, port } = new URL(url);
                return { name: hostname, address: hostname, port: Number(port === "" ? 5050 : port) };
            }),
            ...(username === undefined ? {} : { operator: { principal: username, secret: password ?? "" } }),
        };
    }

    public readonly operator = (inputs: MastersInputs | undefined): OperatorApi => {
        const { masters, operator, connection } = this.mastersOf(inputs);
        const key = JSON.stringify([masters, operator]);
        const api = this.operators.get(key) ?? new HttpMesosClient(masters, operator, connection ?? {});
        this.operators.set(key, api);
        return api;
    };

    public agents(inputs: MastersInputs): Promise<readonly LiveAgent[] | undefined> {
        const key = JSON.stringify(inputs.masters);
        const asked = this.running.get(key) ?? liveAgents(this.operator(inputs), AGENTS_MS);
        this.running.set(key, asked);
        return asked;
    }

    public readonly exclusive = <T>(inputs: MastersInputs | undefined, work: () => Promise<T>): Promise<T> => {
        const key = JSON.stringify(this.mastersOf(inputs).masters);
        const turn = (this.turns.get(key) ?? Promise.resolve()).then(work, work);
        this.turns.set(key, turn);
        return turn;
    };
}
