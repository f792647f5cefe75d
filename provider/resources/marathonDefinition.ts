/** Marathon's apps and pods: one resource type each, the same way of life. */
import {
    type App,
    appSets,
    checkFit,
    classifyChange,
    demandOfApp,
    demandOfPod,
    factsSaid,
    type Finding,
    formatFindings,
    inspectApp,
    inspectPod,
    isRefused,
    keepServerChosen,
    type MarathonFacts,
    normalizeApp,
    normalizePod,
} from "../../site/marathon";
import { sorted } from "../../site/definitions/compare";
import { isObject, type JsonObject } from "../../site/definitions/fields";
import { Findings } from "../../site/definitions/finding";
import type { Accepted, DefinitionKind, MarathonClient } from "../clients/marathon";
import type { Endpoint, Gate } from "../clients/http";
import { type DeploymentWatch, isWell, type Outcome } from "../deployments/await";
import { capacitiesFor, type LiveAgent } from "./liveAgents";
import { type MastersInputs, mastersOf } from "./mesosOperator";
import { differences, type Difference, type Plain, type Properties, UNKNOWN } from "../wire";
import {
    type CheckResult,
    type Context,
    type DiffResult,
    InitError,
    type ResourceType,
    type State,
    UserError,
} from "./resource";

/** Where a server is and what is known of it before it answers. */
export interface ServerInputs extends Endpoint {
    readonly role?: string;
    readonly features?: readonly string[];
    readonly defaultNetworkName?: string;
    /** Top-level groups that enforce their role, or will when this stack has made them. */
    readonly enforcedGroups?: readonly string[];
}

export interface Connected {
    readonly client: MarathonClient;
    readonly watch: DeploymentWatch;
    /** Bounds how many deployments of ours run at a time. */
    readonly deploys: Gate;
}

export interface MarathonDependencies {
    /** The connection to a server; the same one for the same server. Without inputs, the one of the plugin's configuration. */
    connect(server: ServerInputs | undefined): Connected;
    /** Agents that take tasks now, asked once for all; undefined when no master answers. */
    agents(masters: MastersInputs): Promise<readonly LiveAgent[] | undefined>;
}

interface Inputs {
    readonly server: ServerInputs | undefined;
    readonly definition: JsonObject;
    /** The masters whose agents it must fit on; undefined where the stack declares its agents. */
    readonly agents: MastersInputs | undefined;
    readonly timeoutSec: number;
    readonly onFailure: "keep" | "rollBack";
}

/** How long a deployment may take when nothing else is said, seconds. */
export const DEFAULT_TIMEOUT_SEC = 600;

function parse(properties: Properties): Inputs {
    const { server, definition, agents, timeoutSec, onFailure } = properties;
    return {
        server: isObject(server) ? (server as unknown as ServerInputs) : undefined,
        definition: isObject(definition) ? definition : {},
        agents: isObject(agents) ? mastersOf(agents) : undefined,
        timeoutSec: typeof timeoutSec === "number" ? timeoutSec : DEFAULT_TIMEOUT_SEC,
        onFailure: onFailure === "rollBack" ? "rollBack" : "keep",
    };
}

/** What the stack says of the server, overruled by what the server says itself. */
async function factsFor({ server }: Inputs, { client }: Pick<Connected, "client">): Promise<MarathonFacts> {
    const live = await client.info();
    const enforcedGroups = [...(server?.enforcedGroups ?? []), ...(live?.enforcedGroups ?? [])];
    return { ...factsSaid(server), ...live, enforcedGroups };
}

/** Lists whose order says nothing, in one order: a preview must not show that they were moved. */
function inOrder(app: App): App {
    return Object.fromEntries(
        Object.entries(app).map(([key, value]) => [
            key,
            (appSets as readonly string[]).includes(key) ? sorted(value) : value,
        ]),
    ) as App;
}

export const isControlOnly = (key: string | number | undefined): boolean =>
    key === "server" || key === "timeoutSec" || key === "onFailure" || key === "agents";

/** The live definition with 0 where the declared one lets the server choose. */
function forgetChosen(live: App, declared: JsonObject): App {
    const zeros = (has: unknown, wanted: unknown, key: string): unknown =>
        Array.isArray(has) && Array.isArray(wanted)
            ? has.map((item: unknown, index) =>
                  isObject(item) && isObject(wanted[index]) && wanted[index][key] === 0 ? { ...item, [key]: 0 } : item,
              )
            : has;
    const [container, wanted] = [live["container"], declared["container"]];
    return {
        ...live,
        ...(live["portDefinitions"] === undefined
            ? {}
            : { portDefinitions: zeros(live["portDefinitions"], declared["portDefinitions"], "port") as Plain }),
        ...(isObject(container) && container["portMappings"] !== undefined
            ? {
                  container: {
                      ...container,
                      portMappings: zeros(
                          container["portMappings"],
                          isObject(wanted) ? wanted["portMappings"] : undefined,
                          "servicePort",
                      ) as Plain,
                  },
              }
            : {}),
    };
}

export function marathonDefinition(kind: DefinitionKind, dependencies: MarathonDependencies): ResourceType {
    const normalize = kind === "app" ? normalizeApp : normalizePod;
    const inspect = (definition: JsonObject, facts: MarathonFacts): { findings: readonly Finding[]; normal: App } => {
        if (kind === "app") {
            const { findings, app } = inspectApp(definition, facts);
            return { findings, normal: app };
        }
        const { findings, pod } = inspectPod(definition, facts);
        return { findings, normal: pod };
    };

    /** Where the server itself keeps it, if it does; its own answer, made normal. */
    async function live(inputs: Inputs, { client }: Connected, id: string): Promise<App | undefined> {
        const running = await client.get(kind, id);
        if (running === undefined) return undefined;
        return inOrder(normalize(running.definition, await factsFor(inputs, { client })));
    }

    /** What no agent that runs can hold. Agents come and go: it is told, not refused. */
    async function misfits({ agents }: Inputs, normal: App): Promise<Finding[]> {
        const running = agents === undefined ? undefined : await dependencies.agents(agents);
        if (running === undefined) return [];
        const demand = kind === "app" ? demandOfApp(normal) : demandOfPod(normal);
        const found = new Findings();
        checkFit(kind.toUpperCase(), demand, capacitiesFor(running, demand), found, "running agent");
        return found.all.map((finding) => ({ ...finding, severity: "warning" }));
    }

    const outputsOf = (definition: JsonObject, accepted: Accepted | undefined, unseen: Plain = ""): Properties => ({
        appId: definition["id"] ?? "",
        version: accepted?.version ?? unseen,
    });

    async function settle(
        inputs: Inputs,
        connected: Connected,
        definition: App,
        accepted: Accepted,
        context: Context,
    ): Promise<Outcome> {
        const { timeoutSec } = inputs;
        const facts = await factsFor(inputs, connected);
        return connected.watch.wait({
            differs: ({ definition: now }) => {
                const there = inOrder(normalize(now, facts));
                return classifyChange(there, keepServerChosen(definition, there)).causes;
            },
            kind,
            id: definition.id,
            accepted,
            timeoutSec,
            say: (line) => context.log("info", `${definition.id}: ${line}`),
        });
    }

    /** What is said when a deployment did not come to its end, after taking it back where that is wished. */
    async function failed(
        inputs: Inputs,
        connected: Connected,
        id: string,
        accepted: Accepted,
        { kind: how, reason }: Exclude<Outcome, { kind: "done" }>,
    ): Promise<string> {
        if (how !== "late" || accepted.deploymentId === undefined) return `${id}: ${reason}`;
        if (inputs.onFailure !== "rollBack")
            return `${id}: ${reason}\n  the deployment ${accepted.deploymentId} goes on; the next up waits for it`;
        const back = await connected.client.rollBack(accepted.deploymentId);
        if (back === undefined) return `${id}: ${reason}`;
        const gone = await connected.watch.waitGone(back.deploymentId, inputs.timeoutSec);
        return `${id}: ${reason}\n  ${gone ? "rolled back: the version before serves" : `the rollback ${back.deploymentId ?? ""} still runs`}`;
    }

    return {
        async check(properties, previous, context): Promise<CheckResult> {
            const inputs = parse(properties);
            if (properties["definition"] === UNKNOWN) return { failures: [] };
            const connected = dependencies.connect(inputs.server);
            const facts = await factsFor(inputs, connected);
            const { findings, normal } = inspect(inputs.definition, facts);
            const of = `${kind} ${normal.id}`;
            const [refused, warned] = [
                findings.filter(({ severity }) => severity === "refused"),
                findings.filter(({ severity }) => severity === "warning"),
            ];
            if (isRefused(refused))
                return {
                    failures: [{ property: "", reason: `refused; nothing was sent\n${formatFindings(refused, of)}` }],
                };
            // Warnings that the last deployment already had are old news.
            const old = previous?.["definition"];
            const isSame = isObject(old) && differences(old, keepServerChosen(inOrder(normal), old)).length === 0;
            const all = isSame ? [] : [...warned, ...(await misfits(inputs, normal))];
            if (all.length > 0) context.log("warning", formatFindings(all, of));
            return { failures: [], inputs: { ...properties, definition: inOrder(normal) } };
        },

        diff(before, after): DiffResult {
            const [old, wanted] = [parse(before).definition as App, parse(after).definition as App];
            const kept = keepServerChosen(wanted, old);
            const changes: Difference[] = differences(old, kept, ["definition"]);
            if (changes.length === 0) return { changes };
            const { kind: what } = classifyChange(old, kept);
            if (what !== "replace") return { changes };
            const isSameId = old.id === wanted.id;
            return {
                changes,
                replaces: isSameId ? changes.map(({ path }) => path) : [["definition", "id"]],
                // With the same id the new one cannot be made beside the old one.
                deleteBeforeReplace: isSameId,
            };
        },

        async create(properties, preview, context): Promise<State> {
            const inputs = parse(properties);
            const definition = inputs.definition as App;
            const { id } = definition;
            if (preview) {
                const count = instancesOf(definition);
                context.log("info", `${id}: starts ${count} task${count === 1 ? "" : "s"}`);
                return { id, outputs: outputsOf(definition, undefined, UNKNOWN) };
            }
            const connected = dependencies.connect(inputs.server);
            return connected.deploys.run(async () => {
                const there = await live(inputs, connected, id);
                if (there !== undefined && classifyChange(there, keepServerChosen(definition, there)).causes.length > 0)
                    throw new UserError(
                        `${id} is there already, and is another one than declared; it was not changed\n  fix: take it over first: pulumi import mesos:index:Marathon${kind === "app" ? "App" : "Pod"} ${context.name} ${id}, or delete it`,
                    );
                // The same one: a run that was stopped left it. It is waited for like a new one.
                const accepted =
                    there === undefined ? await connected.client.create(kind, definition, say(context, id)) : {};
                const outcome = await settle(inputs, connected, definition, accepted, context);
                if (outcome.kind === "done")
                    return { id, outputs: outputsOf(definition, { version: outcome.running.version }) };
                const message = await failed(inputs, connected, id, accepted, outcome);
                if ((await connected.client.get(kind, id)) === undefined) throw new UserError(message);
                throw new InitError(message, { id, outputs: outputsOf(definition, accepted) });
            });
        },

        async update(id, before, properties, preview, context): Promise<State> {
            const inputs = parse(properties);
            const old = parse(before).definition as App;
            const wanted = keepServerChosen(inputs.definition as App, old);
            if (preview) {
                context.log("info", `${id}: ${classifyChange(old, wanted).text}`);
                return { id, outputs: outputsOf(wanted, undefined, UNKNOWN) };
            }
            const connected = dependencies.connect(inputs.server);
            return connected.deploys.run(async () => {
                const there = await live(inputs, connected, id);
                if (there === undefined)
                    throw new UserError(`${id} is not there any more\n  fix: pulumi refresh, then up makes it again`);
                const definition = keepServerChosen(wanted, there);
                const isThere = classifyChange(there, definition).causes.length === 0;
                const accepted = isThere ? {} : await connected.client.replace(kind, definition, say(context, id));
                const outcome = await settle(inputs, connected, definition, accepted, context);
                if (outcome.kind !== "done")
                    throw new UserError(await failed(inputs, connected, id, accepted, outcome));
                return { id, outputs: outputsOf(definition, { version: outcome.running.version }) };
            });
        },

        async read(id, properties, _outputs, context): Promise<State | undefined> {
            const inputs = parse(properties);
            const appId = id.startsWith("/") ? id : `/${id}`;
            const connected = dependencies.connect(inputs.server);
            const running = await connected.client.get(kind, appId);
            if (running === undefined) return undefined;
            const facts = await factsFor(inputs, connected);
            const normal = inOrder(normalize(running.definition, facts));
            if (!isWell(running) && running.deployments.length === 0)
                context.log("warning", `${appId}: ${running.healthy} of ${running.instances} instances are healthy`);
            return {
                id: appId,
                outputs: outputsOf(normal, { version: running.version }),
                inputs: { ...properties, definition: forgetChosen(normal, inputs.definition) },
            };
        },

        async delete(id, properties, _outputs, context): Promise<void> {
            const inputs = parse(properties);
            const connected = dependencies.connect(inputs.server);
            await connected.deploys.run(async () => {
                const accepted = await connected.client.delete(kind, id);
                if (accepted === undefined) return;
                if (!(await connected.watch.waitGone(accepted.deploymentId, inputs.timeoutSec)))
                    context.log("warning", `${id}: is deleted, but its tasks still end`);
            });
        },
    };
}

const say =
    (context: Context, id: string) =>
    (line: string): void =>
        context.log("info", `${id}: ${line}`);

function instancesOf(definition: JsonObject): number {
    const scaling = definition["scaling"];
    const count = isObject(scaling) ? scaling["instances"] : definition["instances"];
    return typeof count === "number" ? count : 1;
}
