/** `/v2/apps` and what hangs below it. */
import { isObject, type Json, type JsonObject, word } from "../../site/definitions/fields";
import { inspectApp } from "../../site/marathon/checkApp";
import { cyclesOf, dependenciesOf } from "../../site/marathon/group";
import { type App, objects } from "../../site/marathon/normalizeApp";
import { keepServerChosen } from "../../site/marathon/change";
import { absoluteId } from "../../site/marathon/paths";
import { refusalOf } from "../../site/definitions/finding";
import { appBody, appWith, countsOf, tasksOf } from "./bodies";
import { type Answer, isTrue, parseJson, type Question, refuse } from "./http";
import type { Draft, Marathon } from "./marathon";
import { portDefinitionsOf } from "./taskInfo";
import { type Spec, targetOf, without, withTarget } from "./model";

export const EXISTS = (id: string): JsonObject => ({ message: `An app with id [${id}] already exists.` });
export const notApp = (id: string): JsonObject => ({ message: `App '${id}' does not exist` });

/** Judged as the real one does. @throws {Refused} */
export function judged(marathon: Marathon, given: unknown, base = "/", facts = factsOf(marathon)): App {
    const { findings, app } = inspectApp(given, facts, base);
    const refusal = refusalOf(findings);
    if (refusal !== undefined) {
        refuse(refusal.status, refusal.body);
    }
    return withPortIndex(app, given);
}

const BY_PORT = new Set<unknown>(["HTTP", "HTTPS", "TCP", "MESOS_HTTP", "MESOS_HTTPS", "MESOS_TCP"]);

/** A check that names its protocol and no port is of the first port. */
function withPortIndex(app: App, given: unknown): App {
    const { healthChecks } = app;
    if (!Array.isArray(healthChecks) || portDefinitionsOf(app).length === 0) {
        return app;
    }
    const declared = isObject(given) ? objects(given["healthChecks"]) : [];
    const named = healthChecks.map((check, index) =>
        isObject(check) && BY_PORT.has(check["protocol"]) && check["port"] === undefined && declared[index]?.["protocol"] !== undefined
            ? { portIndex: 0, ...check }
            : check,
    );
    return { ...app, healthChecks: named };
}

/** The facts change with the groups that enforce their role. */
export const factsOf = (marathon: Marathon, groups: Draft["groups"] = marathon.groups): Marathon["facts"] => ({
    ...marathon.facts,
    enforcedGroups: [...groups.values()].filter(({ enforceRole }) => enforceRole).map(({ id }) => id.slice(1)),
});

export function specOf(kind: Spec["kind"], definition: App, version = ""): Spec {
    return { kind, id: definition.id, definition, version, lastScalingAt: version, lastConfigChangeAt: version };
}

const isGroup = (marathon: Marathon, id: string): boolean =>
    marathon.groups.has(id) || [...marathon.specs.keys()].some((other) => other.startsWith(`${id}/`));

/** What holds for all definitions together. @throws {Refused} */
export function checkTogether(marathon: Marathon, { specs }: Draft, changed: readonly string[]): void {
    const object = (error: string): never =>
        refuse(422, { message: "Object is not valid", details: [{ path: "/", errors: [error] }] });
    const nodes = [...specs.values()].map(({ id, definition }) => ({ id, dependencies: dependenciesOf(definition, id) }));
    if (cyclesOf(nodes).length > 0) {
        object("Dependency graph has cyclic dependencies.");
    }
    if (changed.some((id) => specs.has(id) && isGroup(marathon, id))) {
        object("Groups and Applications may not have the same identifier.");
    }
}

/** Groups that an app is in exist from then on. */
export function withParents(draft: Draft, id: string, version: string): void {
    for (let at = id.lastIndexOf("/"); at > 0; at = id.lastIndexOf("/", at - 1)) {
        const group = id.slice(0, at);
        if (!draft.groups.has(group)) {
            draft.groups.set(group, { id: group, version, dependencies: [], enforceRole: false });
        }
    }
}

const deployed = (status: number, result: { deploymentId: string; version: string }, headers = {}): Answer => ({
    status,
    body: result,
    headers: { "Marathon-Deployment-Id": result.deploymentId, ...headers },
});

const present = (body: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));

export class AppsApi {
    public constructor(
        private readonly marathon: Marathon,
        private readonly leader: () => string,
    ) {}

    private location(id: string): Record<string, string> {
        return { Location: `http://${this.leader()}${id}` };
    }

    private app(id: string, details = true): Spec {
        const spec = this.marathon.specs.get(id);
        return spec?.kind === "app" ? spec : refuse(404, { ...notApp(id), ...(details && { details: [] }) });
    }

    private embeds({ query }: Question, single: boolean): ReadonlySet<string> {
        const asked = query.getAll("embed").map((name) => name.replace(/^apps?\./, ""));
        return new Set([...asked, ...(single ? ["tasks", "counts", "deployments", "lastTaskFailure"] : [])]);
    }

    public async collection(question: Question): Promise<Answer> {
        const { marathon } = this;
        const force = isTrue(question.query, "force");
        switch (question.method) {
            case "GET":
                return { status: 200, body: { apps: this.list(question) } };
            case "POST": {
                const body = parseJson(question.text);
                const app = judged(marathon, body);
                const { id } = app;
                if (marathon.specs.has(id)) {
                    marathon.events.tell("group_change_failed", { groupId: "/", version: marathon.versions.next(), reason: `An app with id [${id}] already exists.` });
                    return { status: 409, body: EXISTS(id) };
                }
                const draft = marathon.draft();
                draft.specs.set(id, specOf("app", app));
                checkTogether(marathon, draft, [id]);
                withParents(draft, id, "");
                const { deploymentId, version } = marathon.apply(draft, { force });
                this.tellPost(question, { ...app, version });
                await marathon.kept();
                return {
                    status: 201,
                    body: { ...app, version, ...countsOf([]), deployments: [{ id: deploymentId }] },
                    headers: { ...this.location(id), "Marathon-Deployment-Id": deploymentId },
                };
            }
            case "PUT":
            case "PATCH": {
                const body = parseJson(question.text);
                const list = Array.isArray(body) ? body : refuse(422, { message: "Invalid JSON", details: [{ path: "/", errors: ["error.expected.jsarray"] }] });
                const draft = marathon.draft();
                const partial = isTrue(question.query, "partialUpdate", true);
                const ids = list.map((one) => this.put(draft, absoluteId(isObject(one) ? word(one["id"]) : ""), one, partial, question.method === "PUT"));
                checkTogether(marathon, draft, ids);
                const result = marathon.apply(draft, { force });
                await marathon.kept();
                return deployed(200, result);
            }
            default:
                return { status: 405, body: { message: "Method Not Allowed" } };
        }
    }

    private tellPost({ path: uri, remoteAddress: clientIp }: Question, appDefinition: JsonObject): void {
        this.marathon.events.tell("api_post_event", { clientIp, uri, appDefinition });
    }

    private list(question: Question): JsonObject[] {
        const { query } = question;
        const [cmd, id, label] = ["cmd", "id", "label"].map((name) => query.get(name) ?? "");
        const embeds = this.embeds(question, false);
        const labels = (label ?? "").split(",").filter(Boolean);
        const has = ({ definition }: Spec): boolean =>
            labels.every((one) => {
                const [name = "", value] = one.split(/==/);
                const all = isObject(definition["labels"]) ? definition["labels"] : {};
                return name in all && (value === undefined || all[name] === value);
            });
        return [...this.marathon.specs.values()]
            .filter((spec) => spec.kind === "app")
            .filter((spec) => spec.id.includes(id ?? "") && word(spec.definition["cmd"] ?? "").includes(cmd ?? "") && has(spec))
            .map((spec) => appWith(this.marathon, spec, embeds));
    }

    /** One app of a draft changed by a body. @returns its id */
    private put(draft: Draft, id: string, body: Json, partial: boolean, creates = true): string {
        const { marathon } = this;
        const known = draft.specs.get(id);
        if (!isObject(body)) {
            return refuse(422, { message: "Invalid JSON", details: [{ path: "/id", errors: [`${JSON.stringify(body)} is not an object`] }] });
        }
        if (known === undefined || known.kind !== "app") {
            if (!creates || known !== undefined) {
                return refuse(404, { ...notApp(id), details: [] });
            }
            draft.specs.set(id, specOf("app", judged(marathon, { ...present(body), id })));
            withParents(draft, id, "");
            return id;
        }
        const { version, ...given } = present(body);
        if (partial && version !== undefined) {
            if (Object.keys(given).some((key) => key !== "id")) {
                const error = "The 'version' field may only be combined with the 'id' field.";
                refuse(422, { message: "Object is not valid", details: [{ path: "/", errors: [error] }] });
            }
            const { definition } = this.versionOf(id, word(version));
            draft.specs.set(id, { ...known, definition });
            return id;
        }
        // The service port of an app that had one stays.
        const base = partial ? this.declared(known) : {};
        const wanted = judged(marathon, { ...base, ...given, id });
        const kept = keepServerChosen(wanted, known.definition);
        draft.specs.set(id, { ...known, definition: kept });
        return id;
    }

    private declared({ definition }: Spec): JsonObject {
        // What a partial update does not name stays, but for these two.
        return without(definition, "executorResources", "resourceLimits");
    }

    private versionOf(id: string, version: string): Spec {
        if (Number.isNaN(Date.parse(version))) {
            refuse(422, { message: `Invalid timestamp provided '${version}'. Expecting ISO-8601 datetime string.` });
        }
        const found = (this.marathon.history.get(id) ?? []).find((spec) => spec.version === version);
        return found ?? refuse(404, { message: `App '${id}' does not exist in version ${version}`, details: [] });
    }

    public async one(id: string, question: Question): Promise<Answer> {
        const { marathon } = this;
        const force = isTrue(question.query, "force");
        switch (question.method) {
            case "GET":
                return { status: 200, body: { app: appWith(marathon, this.app(id), this.embeds(question, true)) } };
            case "PUT":
            case "PATCH": {
                const creates = question.method === "PUT";
                const isNew = marathon.specs.get(id)?.kind !== "app";
                const draft = marathon.draft();
                const partial = question.method === "PATCH" || isTrue(question.query, "partialUpdate", true);
                this.put(draft, id, parseJson(question.text), partial, creates);
                checkTogether(marathon, draft, [id]);
                const result = marathon.apply(draft, { force });
                const spec = marathon.specs.get(id);
                if (spec !== undefined) {
                    this.tellPost(question, { ...spec.definition, version: spec.version });
                }
                await marathon.kept();
                return deployed(isNew ? 201 : 200, result, isNew ? this.location(id) : {});
            }
            case "DELETE": {
                this.app(id, false);
                const draft = marathon.draft();
                draft.specs.delete(id);
                // Not locked by anything: that is how the real one is.
                const result = marathon.apply(draft, { force: true });
                await marathon.kept();
                return deployed(200, result);
            }
            default:
                return { status: 405, body: { message: "Method Not Allowed" } };
        }
    }

    public async restart(id: string, question: Question): Promise<Answer> {
        this.app(id);
        const result = this.marathon.apply(this.marathon.draft(), { force: isTrue(question.query, "force"), restart: [id] });
        await this.marathon.kept();
        return deployed(200, result);
    }

    public versions(id: string): Answer {
        this.app(id);
        return { status: 200, body: { versions: (this.marathon.history.get(id) ?? []).map(({ version }) => version).reverse() } };
    }

    public version(id: string, version: string): Answer {
        this.app(id);
        return { status: 200, body: appBody(this.versionOf(id, version)) };
    }

    /** `/v2/apps/GROUP/*`. */
    public below(group: string, question: Question): Answer {
        const embeds = this.embeds(question, true);
        const inside = [...this.marathon.specs.values()].filter((spec) => spec.kind === "app" && spec.id.startsWith(group === "/" ? "/" : `${group}/`));
        return { status: 200, body: { "*": inside.map((spec) => appWith(this.marathon, spec, embeds)) } };
    }

    public tasks(id: string, taskId: string | undefined, question: Question): Answer {
        const { marathon } = this;
        const spec = this.app(id);
        if (question.method === "GET") {
            return { status: 200, body: { tasks: tasksOf(marathon, id) } };
        }
        if (question.method !== "DELETE") {
            return { status: 405, body: { message: "Method Not Allowed" } };
        }
        const host = question.query.get("host");
        const chosen = marathon
            .instancesOf(id)
            .filter(({ tasks, agent }) => tasks.length > 0 && (taskId === undefined || tasks.includes(taskId)) && (host === null || agent?.hostname === host));
        if (taskId !== undefined && chosen.length === 0) {
            return { status: 404, body: { message: `No task with id '${taskId}' exists` } };
        }
        if (isTrue(question.query, "scale")) {
            const draft = marathon.draft();
            draft.specs.set(id, { ...spec, definition: withTarget(spec.definition, Math.max(0, targetOf(spec) - chosen.length)) });
            const result = marathon.apply(draft, { force: isTrue(question.query, "force") });
            chosen.forEach((instance) => marathon.stop(instance));
            return deployed(200, result);
        }
        const before = tasksOf(marathon, id).filter((task) => chosen.some(({ tasks }) => tasks.includes(word(task["id"]))));
        chosen.forEach((instance) => marathon.killTasks(instance));
        return { status: 200, body: taskId === undefined ? { tasks: before } : { task: before[0] ?? {} } };
    }
}
