/** Marathon's REST API, as far as declarations need it. */
import { type App, factsOfInfo, type MarathonFacts } from "../../site/marathon";
import { isObject, type JsonObject } from "../../site/definitions/fields";
import { type Answer, type Endpoint, HttpError, HttpGroup, type Patience } from "./http";
import { EventStream } from "./eventStream";

export type DefinitionKind = "app" | "pod";

export interface Newest {
    readonly running: number;
    readonly healthy: number;
    /** What their health checks said last, each once. */
    readonly causes: readonly string[];
}

/** What runs of an app or pod. */
export interface Running {
    readonly definition: JsonObject;
    readonly version: string;
    readonly instances: number;
    readonly running: number;
    readonly healthy: number;
    readonly unhealthy: number;
    /** Deployments that hold it. */
    readonly deployments: readonly string[];
    /** Those of the newest version alone, where the server tells them apart from former ones. */
    readonly newest?: Newest;
    /** The last task of this version that failed. */
    readonly lastFailure?: { readonly state: string; readonly message: string; readonly host: string };
}

export interface Accepted {
    readonly deploymentId?: string;
    readonly version?: string;
}

/** How long a lock of others is waited for, milliseconds. */
export interface LockPatience {
    readonly lockMs: number;
    readonly retryMs: number;
}

const usualLocks: LockPatience = { lockMs: 120_000, retryMs: 1000 };
/** Reads that come within this time share one request. */
const GATHER_MS = 25;
/** From so many on the whole list is cheaper than each alone. */
const MANY = 8;

const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const idsOf = (value: unknown): string[] =>
    Array.isArray(value)
        ? value
              .filter(isObject)
              .map(({ id }) => text(id))
              .filter(Boolean)
        : [];

const objectsOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** By the tasks where they are told, else by their sums. Tasks of before a mere scaling are of the newest version as well. */
function newestOf(app: JsonObject, changedAt: string, hasChecks: boolean): Newest | undefined {
    if (Array.isArray(app["tasks"]) && changedAt !== "") {
        const tasks = objectsOf(app["tasks"]).filter(
            ({ version, state }) => text(version) >= changedAt && state === "TASK_RUNNING",
        );
        const results = tasks.map((task) => objectsOf(task["healthCheckResults"]));
        const isHealthy = (all: readonly JsonObject[]): boolean =>
            !hasChecks || (all.length > 0 && all.every(({ alive }) => alive === true));
        const causes = results
            .flat()
            .flatMap(({ alive, lastFailureCause }) =>
                alive === true || text(lastFailureCause) === "" ? [] : [text(lastFailureCause)],
            );
        return { running: tasks.length, healthy: results.filter(isHealthy).length, causes: [...new Set(causes)] };
    }
    const stats = app["tasksStats"] ?? app["taskStats"];
    if (!isObject(stats)) return undefined;
    const latest = isObject(stats["withLatestConfig"]) ? stats["withLatestConfig"]["stats"] : undefined;
    const counts = isObject(latest) && isObject(latest["counts"]) ? latest["counts"] : {};
    const running = number(counts["running"]);
    return { running, healthy: hasChecks ? number(counts["healthy"]) : running, causes: [] };
}

function runningApp(app: JsonObject): Running {
    const hasChecks = Array.isArray(app["healthChecks"]) && app["healthChecks"].length > 0;
    const info = app["versionInfo"];
    const changedAt = isObject(info) ? text(info["lastConfigChangeAt"]) : "";
    const newest = newestOf(app, changedAt, hasChecks);
    // A failure of the version before says nothing of this one.
    const last = app["lastTaskFailure"];
    const failure =
        isObject(last) && (last["version"] === undefined || text(last["version"]) >= changedAt) ? last : undefined;
    return {
        definition: app,
        version: text(app["version"]),
        instances: number(app["instances"]),
        running: number(app["tasksRunning"]),
        healthy: hasChecks ? number(app["tasksHealthy"]) : number(app["tasksRunning"]),
        unhealthy: number(app["tasksUnhealthy"]),
        deployments: idsOf(app["deployments"]),
        ...(newest === undefined ? {} : { newest }),
        ...(failure !== undefined
            ? {
                  lastFailure: {
                      state: text(failure["state"]),
                      message: text(failure["message"]),
                      host: text(failure["host"]),
                  },
              }
            : {}),
    };
}

function runningPod(status: JsonObject, holds: readonly string[]): Running {
    const spec = isObject(status["spec"]) ? status["spec"] : {};
    const scaling = isObject(spec["scaling"]) ? spec["scaling"] : {};
    const instances = Array.isArray(status["instances"]) ? status["instances"].filter(isObject) : [];
    const version = text(spec["version"]);
    const ours = instances.filter(({ specReference }) => sameVersion(text(specReference), version));
    const [last] = Array.isArray(status["terminationHistory"]) ? status["terminationHistory"].filter(isObject) : [];
    const count = (state: string): number => ours.filter(({ status: is }) => is === state).length;
    return {
        definition: spec,
        version,
        instances: number(scaling["instances"]),
        running: instances.filter(({ status: is }) => is === "STABLE" || is === "DEGRADED").length,
        healthy: count("STABLE"),
        unhealthy: count("DEGRADED"),
        deployments: holds,
        newest: { running: count("STABLE") + count("DEGRADED"), healthy: count("STABLE"), causes: [] },
        ...(last === undefined
            ? {}
            : { lastFailure: { state: "terminated", message: text(last["message"]), host: "" } }),
    };
}

/** Some servers write more digits of a second in one place than in the other. */
function sameVersion(reference: string, version: string): boolean {
    const at = reference.slice(reference.lastIndexOf("/") + 1);
    return at.slice(0, 23) === version.slice(0, 23);
}

/** The reasons a refused request gives, one line each. */
export function refusalText(body: unknown): string {
    if (!isObject(body))
        return typeof body === "string"
            ? body
                  .replace(/<[^>]*>/g, " ")
                  .trim()
                  .slice(0, 200)
            : "";
    const details = Array.isArray(body["details"]) ? body["details"].filter(isObject) : [];
    const lines = details.map(
        ({ path, errors }) => `\n  ${text(path)}: ${Array.isArray(errors) ? errors.map(String).join("; ") : ""}`,
    );
    return `${text(body["message"])}${lines.join("")}`;
}

interface Question {
    readonly id: string;
    readonly answer: (running: Running | undefined) => void;
    readonly fail: (error: unknown) => void;
}

export class MarathonClient {
    public readonly events: EventStream;
    public readonly http: HttpGroup;
    private questions: Question[] = [];
    private facts: Promise<MarathonFacts | undefined> | undefined;

    public constructor(
        endpoint: Endpoint,
        patience?: Patience,
        private readonly locks: LockPatience = usualLocks,
    ) {
        this.http = new HttpGroup("Marathon", endpoint, patience);
        this.events = new EventStream(this.http);
    }

    /** What the server says of itself, asked once; undefined when it does not answer. */
    public info(): Promise<MarathonFacts | undefined> {
        this.facts ??= this.askFacts();
        return this.facts;
    }

    private async askFacts(): Promise<MarathonFacts | undefined> {
        const info = await this.http.tryGet("/v2/info", 3000);
        if (info === undefined) return undefined;
        const root = await this.http.tryGet("/v2/groups?embed=group.groups", 10_000);
        const groups = isObject(root) && Array.isArray(root["groups"]) ? root["groups"].filter(isObject) : [];
        const enforced = groups.filter(({ enforceRole }) => enforceRole === true).map(({ id }) => text(id).slice(1));
        return { ...factsOfInfo(info), ...(enforced.length === 0 ? {} : { enforcedGroups: enforced }) };
    }

    private refused(what: string, { status, body }: Answer): HttpError {
        if (status === 401 || status === 403)
            return new HttpError(
                status,
                body,
                `${what}: Marathon refuses these credentials (HTTP ${status}) ${refusalText(body)}`,
            );
        return new HttpError(status, body, `${what}: HTTP ${status} ${refusalText(body)}`);
    }

    /** An app as it is; the reads of many at a time share one request. */
    public app(id: string): Promise<Running | undefined> {
        return new Promise((answer, fail) => {
            this.questions.push({ id, answer, fail });
            if (this.questions.length === 1) setTimeout(() => void this.answerAll(), GATHER_MS);
        });
    }

    private async answerAll(): Promise<void> {
        const asked = this.questions;
        this.questions = [];
        if (asked.length < MANY) {
            for (const { id, answer, fail } of asked) void this.oneApp(id).then(answer, fail);
            return;
        }
        try {
            const reply = await this.http.ask(
                "GET",
                "/v2/apps?embed=apps.counts&embed=apps.deployments&embed=apps.lastTaskFailure&embed=apps.taskStats",
            );
            if (reply.status !== 200) throw this.refused("reading the apps", reply);
            const { apps } = reply.body as { apps: JsonObject[] };
            const byId = new Map(apps.map((app) => [text(app["id"]), app]));
            for (const { id, answer } of asked) {
                const app = byId.get(id);
                answer(app === undefined ? undefined : runningApp(app));
            }
        } catch (error) {
            for (const { fail } of asked) fail(error);
        }
    }

    private async oneApp(id: string): Promise<Running | undefined> {
        const reply = await this.http.ask("GET", `/v2/apps${id}`);
        if (reply.status === 404) return undefined;
        if (reply.status !== 200) throw this.refused(`reading ${id}`, reply);
        return runningApp((reply.body as { app: JsonObject }).app);
    }

    public async pod(id: string): Promise<Running | undefined> {
        const reply = await this.http.ask("GET", `/v2/pods${id}::status`);
        if (reply.status === 404) return undefined;
        if (reply.status !== 200) throw this.refused(`reading ${id}`, reply);
        const deployments = await this.deployments();
        const holds = deployments
            .filter(({ affectedPods }) => affectedPods.includes(id))
            .map((deployment) => deployment.id);
        return runningPod(reply.body as JsonObject, holds);
    }

    /** With all that the server tells of its tasks: a request of its own. */
    public alone(kind: DefinitionKind, id: string): Promise<Running | undefined> {
        return kind === "app" ? this.oneApp(id) : this.pod(id);
    }

    public get(kind: DefinitionKind, id: string): Promise<Running | undefined> {
        return kind === "app" ? this.app(id) : this.pod(id);
    }

    /** Sends a change; a lock that others hold is waited for, then named. Never forced. */
    private async change(
        what: string,
        method: string,
        path: string,
        body?: unknown,
        say?: (line: string) => void,
    ): Promise<Answer> {
        const deadline = Date.now() + this.locks.lockMs;
        let told = false;
        for (;;) {
            const reply = await this.http.ask(method, path, body);
            if (reply.status < 300 || reply.status === 404) return reply;
            const holders = isObject(reply.body) ? idsOf(reply.body["deployments"]) : [];
            const isLocked = reply.status === 409 && holders.length > 0;
            // Too many deployments at a time is a 403 of its own kind, not one of rights.
            const isFull = reply.status === 403 && /deployments/i.test(refusalText(reply.body));
            if (!isLocked && !isFull) throw this.refused(what, reply);
            if (!told)
                say?.(
                    isLocked
                        ? `waits for deployment ${holders.join(", ")}`
                        : "waits: as many deployments run as Marathon allows",
                );
            told = true;
            if (Date.now() > deadline)
                throw new HttpError(
                    reply.status,
                    reply.body,
                    isLocked
                        ? `${what}: locked by deployment ${holders.join(", ")}; nothing was changed\n  fix: wait for it, or cancel it: ${holders.map((id) => `curl -X DELETE ${this.http.url(`/v2/deployments/${id}`)}`).join("; ")}`
                        : `${what}: Marathon already runs as many deployments as it allows (--max_running_deployments)`,
                );
            await new Promise((resolve) => setTimeout(resolve, this.locks.retryMs));
        }
    }

    private accepted({ headers, body }: Answer): Accepted {
        const said = isObject(body) ? body : {};
        const deployment =
            text(said["deploymentId"]) || headers.get("marathon-deployment-id") || idsOf(said["deployments"])[0];
        const version = text(said["version"]);
        return {
            ...(deployment === undefined || deployment === "" ? {} : { deploymentId: deployment }),
            ...(version === "" ? {} : { version }),
        };
    }

    public async create(kind: DefinitionKind, definition: App, say?: (line: string) => void): Promise<Accepted> {
        const reply = await this.change(`creating ${definition.id}`, "POST", `/v2/${kind}s`, definition, say);
        return this.accepted(reply);
    }

    /** Replaces the whole definition: what it does not say goes back to its default. */
    public async replace(kind: DefinitionKind, definition: App, say?: (line: string) => void): Promise<Accepted> {
        const query = kind === "app" ? "?force=false&partialUpdate=false" : "?force=false";
        const path = `/v2/${kind}s${definition.id}${query}`;
        return this.accepted(await this.change(`updating ${definition.id}`, "PUT", path, definition, say));
    }

    /** @returns undefined when there was none */
    public async delete(kind: DefinitionKind, id: string): Promise<Accepted | undefined> {
        // The server's own default is force: it would cancel whatever runs.
        const reply = await this.change(`deleting ${id}`, "DELETE", `/v2/${kind}s${id}?force=false`);
        return reply.status === 404 ? undefined : this.accepted(reply);
    }

    public async deployments(): Promise<{ id: string; affectedApps: string[]; affectedPods: string[] }[]> {
        const reply = await this.http.ask("GET", "/v2/deployments");
        if (reply.status !== 200) throw this.refused("reading the deployments", reply);
        const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);
        return (reply.body as JsonObject[]).map((deployment) => ({
            id: text(deployment["id"]),
            affectedApps: strings(deployment["affectedApps"]),
            affectedPods: strings(deployment["affectedPods"]),
        }));
    }

    /** Starts a deployment back to what was before. @returns undefined when there is nothing to take back */
    public async rollBack(deploymentId: string): Promise<Accepted | undefined> {
        const reply = await this.http.ask("DELETE", `/v2/deployments/${deploymentId}?force=false`);
        if (reply.status === 404) return undefined;
        if (reply.status >= 300) throw this.refused(`rolling back deployment ${deploymentId}`, reply);
        return this.accepted(reply);
    }

    /** Why no agent takes an app's instances: each reason with how many of the last offers it refused. */
    public async rejections(id: string): Promise<{ waiting: number; reasons: string[] }> {
        const reply = await this.http.ask("GET", "/v2/queue");
        const queue = reply.status === 200 ? (reply.body as { queue?: JsonObject[] }).queue : [];
        const item = queue?.find(({ app, pod }) => [app, pod].some((spec) => isObject(spec) && spec["id"] === id));
        const summary = item?.["processedOffersSummary"];
        const rejects =
            isObject(summary) && Array.isArray(summary["rejectSummaryLastOffers"])
                ? summary["rejectSummaryLastOffers"]
                : [];
        return {
            waiting: number(item?.["count"]),
            reasons: rejects
                .filter(isObject)
                .filter(({ declined }) => number(declined) > 0)
                .map(
                    ({ reason, declined, processed }) =>
                        `${text(reason)} (${number(declined)} of ${number(processed)} offers)`,
                ),
        };
    }

    public async group(id: string): Promise<JsonObject | undefined> {
        const reply = await this.http.ask("GET", `/v2/groups${id}`);
        if (reply.status === 404) return undefined;
        if (reply.status !== 200) throw this.refused(`reading group ${id}`, reply);
        return reply.body as JsonObject;
    }

    public async putGroup(id: string, settings: JsonObject, say?: (line: string) => void): Promise<Accepted> {
        const reply = await this.change(`updating group ${id}`, "PUT", `/v2/groups${id}?force=false`, settings, say);
        return this.accepted(reply);
    }

    public async deleteGroup(id: string): Promise<Accepted | undefined> {
        const reply = await this.change(`deleting group ${id}`, "DELETE", `/v2/groups${id}?force=false`);
        return reply.status === 404 ? undefined : this.accepted(reply);
    }
}
