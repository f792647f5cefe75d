/**
 * A Marathon that keeps to the recorded contract, without tasks: what it refuses and how it answers is what `site/marathon` says of
 * the real one (held against recordings in the contract tier); instances start in a moment, unless a label says otherwise.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { randomUUID } from "node:crypto";
import {
    absoluteId,
    type App,
    checkApp,
    checkPod,
    classifyChange,
    keepServerChosen,
    normalizeApp,
    normalizePod,
    type MarathonFacts,
    refusalOf,
} from "../../site/marathon";
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import { HttpFake } from "./httpFake";

type Kind = "app" | "pod";

interface Held {
    kind: Kind;
    definition: App;
    version: string;
    before: App | undefined;
    healthy: number;
    failure?: JsonObject;
}

interface Deployment {
    readonly id: string;
    readonly target: string;
    readonly version: string;
    /** What is there again after a rollback; undefined when nothing was. */
    readonly back: Held | undefined;
    timer: NodeJS.Timeout | undefined;
}

export interface FakeMarathonOptions {
    readonly facts?: MarathonFacts;
    /** How long a deployment takes, milliseconds. @default 20 */
    readonly deployMs?: number;
    /** `user:password` that must be given. */
    readonly credentials?: string;
}

/** Labels that make an app ill. */
const NEVER_HEALTHY = "TEST_NEVER_HEALTHY";
const CRASHES = "TEST_CRASHES";
/** More than any agent has. */
const MAX_CPUS = 16;

export class FakeMarathon extends HttpFake {
    public readonly held = new Map<string, Held>();
    public readonly groups = new Map<string, JsonObject>();
    public readonly deployments = new Map<string, Deployment>();
    /** Requests that change something, in order. */
    public readonly changes: string[] = [];
    public requests = 0;
    /** Answers as a follower does whose leader is gone. */
    public leaderless = false;
    /** Refuses the event stream. */
    public deaf = false;
    private readonly streams = new Set<ServerResponse>();
    private nextPort = 10000;
    private clock = 0;

    public constructor(private readonly options: FakeMarathonOptions = {}) {
        super();
    }

    public override async stop(): Promise<void> {
        for (const { timer } of this.deployments.values()) clearTimeout(timer);
        for (const stream of this.streams) stream.end();
        await super.stop();
    }

    private get facts(): MarathonFacts {
        return this.options.facts ?? { role: "*", features: ["secrets"] };
    }

    private version(): string {
        return new Date(1_800_000_000_000 + this.clock++).toISOString();
    }

    private emit(name: string): void {
        for (const stream of this.streams) stream.write(`event: ${name}\ndata: {"eventType":"${name}"}\n\n`);
    }

    private withPorts(definition: App): App {
        const fill = (list: unknown, key: string): unknown =>
            Array.isArray(list)
                ? list.map((item: JsonObject) => (item[key] === 0 ? { ...item, [key]: this.nextPort++ } : item))
                : list;
        const { container } = definition;
        return {
            ...definition,
            ...(definition["portDefinitions"] === undefined
                ? {}
                : { portDefinitions: fill(definition["portDefinitions"], "port") }),
            ...(isObject(container) && container["portMappings"] !== undefined
                ? { container: { ...container, portMappings: fill(container["portMappings"], "servicePort") } }
                : {}),
        } as App;
    }

    private instancesOf({ kind, definition }: Held): number {
        const scaling = definition["scaling"];
        return Number(kind === "pod" && isObject(scaling) ? scaling["instances"] : definition["instances"]);
    }

    private isIll({ definition }: Held): boolean {
        const labels = isObject(definition["labels"]) ? definition["labels"] : {};
        return labels[NEVER_HEALTHY] !== undefined || labels[CRASHES] !== undefined || this.isTooLarge(definition);
    }

    private isTooLarge(definition: App): boolean {
        return Number(definition["cpus"] ?? 0) > MAX_CPUS;
    }

    private deploy(target: string, version: string, back: Held | undefined): Deployment {
        const id = randomUUID();
        const deployment: Deployment = { id, target, version, back, timer: undefined };
        this.deployments.set(id, deployment);
        this.emit("deployment_info");
        this.schedule(deployment);
        return deployment;
    }

    private schedule(deployment: Deployment): void {
        deployment.timer = setTimeout(() => {
            const held = this.held.get(deployment.target);
            if (held !== undefined) {
                const labels = isObject(held.definition["labels"]) ? held.definition["labels"] : {};
                if (labels[CRASHES] !== undefined)
                    held.failure = { state: "TASK_FAILED", message: "Command exited with status 7", host: "w1" };
                if (this.isIll(held)) return;
                held.healthy = this.instancesOf(held);
            }
            this.deployments.delete(deployment.id);
            this.emit("status_update_event");
            this.emit("deployment_success");
        }, this.options.deployMs ?? 20);
    }

    private lockOf(id: string): Deployment[] {
        return [...this.deployments.values()].filter(({ target }) => target === id);
    }

    private locked(id: string): [number, JsonObject] {
        return [
            409,
            {
                message:
                    "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
                deployments: this.lockOf(id).map((deployment) => ({ id: deployment.id })),
            },
        ];
    }

    private shownApp(held: Held): JsonObject {
        const instances = this.instancesOf(held);
        const labels = isObject(held.definition["labels"]) ? held.definition["labels"] : {};
        const running = labels[NEVER_HEALTHY] === undefined ? held.healthy : instances;
        return {
            ...held.definition,
            version: held.version,
            versionInfo: { lastScalingAt: held.version, lastConfigChangeAt: held.version },
            tasksStaged: 0,
            tasksRunning: running,
            tasksHealthy: Array.isArray(held.definition["healthChecks"]) ? held.healthy : 0,
            tasksUnhealthy: Array.isArray(held.definition["healthChecks"]) ? running - held.healthy : 0,
            deployments: this.lockOf(held.definition.id).map(({ id }) => ({ id })),
            ...(held.failure === undefined ? {} : { lastTaskFailure: held.failure }),
        };
    }

    protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const url = new URL(request.url ?? "/", "http://fake");
        const method = request.method ?? "GET";
        const { credentials } = this.options;
        this.requests++;
        if (this.leaderless) {
            response.writeHead(502, { "Content-Type": "text/html" }).end("<html>Connection to leader refused.</html>");
            return;
        }
        if (
            credentials !== undefined &&
            request.headers.authorization !== `Basic ${Buffer.from(credentials).toString("base64")}`
        ) {
            response
                .writeHead(401, { "Content-Type": "application/json" })
                .end('{"message":"Invalid username or password."}');
            return;
        }
        if (url.pathname === "/v2/events") {
            if (this.deaf) {
                response.writeHead(503).end();
                return;
            }
            response.writeHead(200, { "Content-Type": "text/event-stream" });
            response.write("event: event_stream_attached\ndata: {}\n\n");
            this.streams.add(response);
            response.on("close", () => this.streams.delete(response));
            return;
        }
        if (method !== "GET") this.changes.push(`${method} ${url.pathname}${url.search}`);
        const text = Buffer.concat(chunks).toString();
        const [status, body, headers = {}] = this.answer(
            method,
            url,
            text === "" ? {} : (JSON.parse(text) as JsonObject),
        );
        response
            .writeHead(status, { "Content-Type": "application/json", ...headers })
            .end(body === undefined ? "" : JSON.stringify(body));
    }

    private answer(method: string, url: URL, body: JsonObject): [number, unknown, Record<string, string>?] {
        const [, kind = "", id = ""] = /^\/v2\/(apps|pods)(\/.*)?$/.exec(url.pathname) ?? [];
        if (url.pathname === "/v2/info")
            return [
                200,
                {
                    name: "marathon",
                    version: this.facts.version ?? "1.11.24",
                    marathon_config: { mesos_role: this.facts.role, features: this.facts.features },
                },
            ];
        if (url.pathname === "/v2/deployments")
            return [
                200,
                [...this.deployments.values()].map(({ id: deployment, target }) => ({
                    id: deployment,
                    affectedApps: this.held.get(target)?.kind === "app" ? [target] : [],
                    affectedPods: this.held.get(target)?.kind === "pod" ? [target] : [],
                })),
            ];
        if (method === "DELETE" && url.pathname.startsWith("/v2/deployments/"))
            return this.takeBack(url.pathname.slice(16));
        if (url.pathname === "/v2/queue") return [200, { queue: this.queue() }];
        if (url.pathname.startsWith("/v2/groups")) return this.group(method, url.pathname.slice(10) || "/", body);
        if (kind === "") return [500, { message: "URI not found" }];
        return this.definition(kind === "apps" ? "app" : "pod", method, id, url, body);
    }

    private queue(): JsonObject[] {
        return [...this.held.values()]
            .filter(({ definition }) => this.isTooLarge(definition))
            .map((held) => ({
                count: this.instancesOf(held),
                app: { id: held.definition.id },
                processedOffersSummary: {
                    rejectSummaryLastOffers: [
                        { reason: "UnfulfilledRole", declined: 0, processed: 3 },
                        { reason: "InsufficientCpus", declined: 3, processed: 3 },
                    ],
                },
            }));
    }

    private takeBack(id: string): [number, unknown] {
        const deployment = this.deployments.get(id);
        if (deployment === undefined) return [404, { message: `DeploymentPlan ${id} does not exist` }];
        clearTimeout(deployment.timer);
        this.deployments.delete(id);
        const version = this.version();
        if (deployment.back === undefined) this.held.delete(deployment.target);
        else this.held.set(deployment.target, { ...deployment.back, version });
        const back = this.deploy(deployment.target, version, deployment.back);
        return [200, { deploymentId: back.id, version }];
    }

    private group(method: string, id: string, body: JsonObject): [number, unknown] {
        const inside = [...this.held.values()].filter(
            ({ definition }) => id === "/" || definition.id.startsWith(`${id}/`),
        );
        const known = this.groups.get(id);
        if (method === "PUT") {
            this.groups.set(id, { ...known, ...body });
            return [200, { deploymentId: randomUUID(), version: this.version() }];
        }
        if (known === undefined && inside.length === 0 && id !== "/")
            return [404, { message: `Group '${id}' does not exist` }];
        if (method === "DELETE") {
            this.groups.delete(id);
            for (const { definition } of inside) this.held.delete(definition.id);
            return [200, { deploymentId: randomUUID(), version: this.version() }];
        }
        const apps = inside.filter(({ kind }) => kind === "app").map((held) => this.shownApp(held));
        return [
            200,
            {
                id,
                apps,
                pods: [],
                groups: id === "/" ? this.subgroups() : [],
                dependencies: [],
                enforceRole: false,
                ...known,
            },
        ];
    }

    private subgroups(): JsonObject[] {
        return [...this.groups].map(([id, settings]) => ({ id, enforceRole: false, ...settings }));
    }

    private definition(
        kind: Kind,
        method: string,
        path: string,
        url: URL,
        body: JsonObject,
    ): [number, unknown, Record<string, string>?] {
        if (method === "GET" && path === "")
            return [
                200,
                {
                    apps: [...this.held.values()]
                        .filter((held) => held.kind === kind)
                        .map((held) => this.shownApp(held)),
                },
            ];
        const isStatus = path.endsWith("::status");
        const id = absoluteId(path.replace("::status", "") || word(body["id"]));
        const held = this.held.get(id);
        const missing =
            kind === "app"
                ? { message: `App '${id}' does not exist` }
                : { message: `{"message": "pod with ${id} does not exist"}` };
        if (method === "GET") {
            if (held === undefined) return [404, missing];
            return [
                200,
                kind === "app" ? { app: this.shownApp(held) } : isStatus ? this.podStatus(held) : held.definition,
            ];
        }
        if (method === "DELETE") {
            if (held === undefined) return [404, missing];
            this.held.delete(id);
            const deployment = this.deploy(id, this.version(), held);
            return kind === "app"
                ? [200, { deploymentId: deployment.id, version: deployment.version }]
                : [202, undefined, { "Marathon-Deployment-Id": deployment.id }];
        }
        const given = { ...body, id };
        const refusal = refusalOf((kind === "app" ? checkApp : checkPod)(given, this.facts));
        if (refusal !== undefined) return [refusal.status, refusal.body];
        if (method === "POST" && held !== undefined)
            return [409, { message: `An app with id [${id}] already exists.` }];
        if (method === "PUT" && kind === "app" && url.searchParams.get("partialUpdate") !== "false")
            return [422, { message: "the tests send whole definitions only" }];
        return this.put(kind, given, held, url.searchParams.get("force") === "true");
    }

    private put(
        kind: Kind,
        given: JsonObject,
        held: Held | undefined,
        force: boolean,
    ): [number, unknown, Record<string, string>?] {
        const normal = (kind === "app" ? normalizeApp : normalizePod)(given, this.facts);
        const id = normal.id;
        const wanted = keepServerChosen(normal, held?.definition);
        if (held !== undefined && classifyChange(held.definition, wanted).causes.length === 0) {
            return [200, { deploymentId: randomUUID(), version: held.version }];
        }
        if (!force && this.lockOf(id).length > 0) return this.locked(id);
        const definition = this.withPorts(wanted);
        const version = this.version();
        this.held.set(id, { kind, definition, version, before: held?.definition, healthy: 0 });
        const deployment = this.deploy(id, version, held);
        const headers = { "Marathon-Deployment-Id": deployment.id };
        if (held === undefined || kind === "pod")
            return [
                held === undefined ? 201 : 200,
                { ...definition, version, deployments: [{ id: deployment.id }] },
                headers,
            ];
        return [200, { deploymentId: deployment.id, version }, headers];
    }

    private podStatus(held: Held): JsonObject {
        const reference = `/v2/pods${held.definition.id}::versions/${held.version}`;
        return {
            id: held.definition.id,
            spec: { ...held.definition, version: held.version },
            status: "STABLE",
            instances: Array.from({ length: held.healthy }, () => ({ status: "STABLE", specReference: reference })),
            terminationHistory: [],
        };
    }
}
