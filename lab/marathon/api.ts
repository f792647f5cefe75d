/** Marathon's REST API: which question goes where. Answers that are not of one resource stand here. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type JsonObject, word } from "../../site/definitions/fields";
import { absoluteId } from "../../site/marathon/paths";
import { AppsApi } from "./apiApps";
import { GroupsApi } from "./apiGroups";
import { PodsApi } from "./apiPods";
import { deploymentBody, queueBody, tasksOf } from "./bodies";
import { type Answer, isTrue, parseJson, type Question } from "./http";
import type { Marathon } from "./marathon";

export interface About {
    readonly info: () => JsonObject;
    /** `host:port`. */
    readonly leader: () => string;
    /** Gives leadership up; the process ends soon after. */
    readonly abdicate: () => void;
}

const notAllowed: Answer = { status: 405, body: { message: "Method Not Allowed" } };
const notAcceptable: Answer = { status: 406, body: { message: "Not Acceptable" } };
const WRITES = new Set(["POST", "PUT", "PATCH"]);

function accepts(accept: string | undefined, type: string): boolean {
    const [group] = type.split("/");
    return (accept ?? "*/*").split(",").some((one) => ["*/*", type, `${group ?? ""}/*`].includes(one.split(";")[0]?.trim() ?? ""));
}

export class MarathonApi {
    private readonly apps: AppsApi;
    private readonly groups: GroupsApi;
    private readonly pods: PodsApi;

    public constructor(
        private readonly marathon: Marathon,
        private readonly about: About,
    ) {
        this.apps = new AppsApi(marathon, about.leader);
        this.groups = new GroupsApi(marathon, about.leader);
        this.pods = new PodsApi(marathon, about.leader);
    }

    public async handle(question: Question, _request: IncomingMessage, response: ServerResponse): Promise<Answer | "taken"> {
        const { path, method, headers, query } = question;
        if (path === "/ping") {
            return { status: 200, body: "pong", type: "text/plain" };
        }
        if (path === "/v2/events") {
            if (!(headers.accept ?? "").includes("text/event-stream")) {
                return notAcceptable;
            }
            this.marathon.events.attach(response, query.getAll("event_type"), question.remoteAddress);
            return "taken";
        }
        if (!path.startsWith("/v2/")) {
            return { status: 500, body: { message: "URI not found" } };
        }
        if (!accepts(headers.accept, "application/json")) {
            return notAcceptable;
        }
        const bodiless = question.text === "" && /\/(restart)$/.test(path);
        if (WRITES.has(method) && !bodiless && !/^application\/json\b/.test(headers["content-type"] ?? "")) {
            return { status: 415, body: { message: "Unsupported Media Type" } };
        }
        return this.route(question);
    }

    private async route(question: Question): Promise<Answer> {
        const { path, method } = question;
        const [, , area = "", ...parts] = path.split("/");
        const rest = parts.filter(Boolean);
        const id = (upTo = rest.length): string => absoluteId(`/${rest.slice(0, upTo).join("/")}`);
        switch (area) {
            case "apps":
                return rest.length === 0 ? this.apps.collection(question) : this.app(rest, question);
            case "groups":
                return rest[rest.length - 1] === "versions" && method === "GET"
                    ? this.groups.versions(id(rest.length - 1))
                    : this.groups.one(id(), question);
            case "pods":
                return this.pod(path.slice("/v2/pods".length), question);
            case "deployments":
                return this.deployments(rest[0], question);
            case "queue":
                return this.queue(rest, question);
            case "tasks":
                return this.tasks(rest, question);
            case "info":
                return { status: 200, body: this.about.info() };
            case "leader":
                if (method === "DELETE") {
                    this.about.abdicate();
                    return { status: 200, body: { message: "Leadership abdicated" } };
                }
                return { status: 200, body: { leader: this.about.leader() } };
            default:
                return { status: 500, body: { message: "URI not found" } };
        }
    }

    private app(rest: readonly string[], question: Question): Promise<Answer> | Answer {
        const at = rest.findIndex((part) => ["tasks", "versions", "restart"].includes(part));
        const id = absoluteId(`/${rest.slice(0, at > 0 ? at : rest.length).join("/")}`);
        const [verb, more] = at > 0 ? rest.slice(at) : [];
        switch (verb) {
            case "tasks":
                return this.apps.tasks(id, more, question);
            case "versions":
                return more === undefined ? this.apps.versions(id) : this.apps.version(id, more);
            case "restart":
                return question.method === "POST" ? this.apps.restart(id, question) : notAllowed;
            default:
                return rest[rest.length - 1] === "*"
                    ? this.apps.below(absoluteId(`/${rest.slice(0, -1).join("/")}`), question)
                    : this.apps.one(id, question);
        }
    }

    private pod(rest: string, question: Question): Promise<Answer> | Answer {
        const colons = rest.indexOf("::");
        const id = absoluteId(`/${colons < 0 ? rest : rest.slice(0, colons)}`);
        const part = colons < 0 ? undefined : rest.slice(colons + 2);
        if (id === "/") {
            return part === "status" ? this.pods.statuses() : this.pods.collection(question);
        }
        return part === undefined ? this.pods.one(id, question) : this.pods.part(id, part, question);
    }

    private async deployments(id: string | undefined, { method, query }: Question): Promise<Answer> {
        const { marathon } = this;
        if (id === undefined) {
            return method === "GET"
                ? { status: 200, body: [...marathon.deployments.values()].map(deploymentBody) }
                : notAllowed;
        }
        if (method !== "DELETE") {
            return notAllowed;
        }
        if (isTrue(query, "force")) {
            marathon.cancel(id);
            await marathon.kept();
            return { status: 202 };
        }
        const result = marathon.rollBack(id);
        await marathon.kept();
        return { status: 200, body: result, headers: { "Marathon-Deployment-Id": result.deploymentId } };
    }

    private queue(rest: readonly string[], { method }: Question): Answer {
        if (rest.length === 0) {
            return method === "GET" ? { status: 200, body: { queue: queueBody(this.marathon) } } : notAllowed;
        }
        if (rest[rest.length - 1] !== "delay" || method !== "DELETE") {
            return notAllowed;
        }
        const id = `/${rest.slice(0, -1).join("/")}`;
        const waits = this.marathon.scheduled().some(({ spec }) => spec === id);
        if (!waits) {
            return { status: 404, body: { message: `Application ${id} not found in tasks queue.`, details: [] } };
        }
        const queue = this.marathon.queueOf(id);
        queue.until = 0;
        queue.failures = 0;
        this.marathon.soon();
        return { status: 204 };
    }

    private tasks(rest: readonly string[], question: Question): Answer {
        const { marathon } = this;
        const all = [...marathon.specs.values()].filter(({ kind }) => kind === "app").flatMap(({ id }) => tasksOf(marathon, id, true));
        if (rest.length === 0 && question.method === "GET") {
            return { status: 200, body: { tasks: all } };
        }
        if (rest[0] === "delete" && question.method === "POST") {
            const { ids } = parseJson(question.text) as { ids?: string[] };
            const chosen = [...marathon.instances.values()].filter(({ tasks }) => tasks.some((task) => ids?.includes(task)));
            const before = all.filter((task) => ids?.includes(word(task["id"])));
            chosen.forEach((instance) => marathon.killTasks(instance));
            return { status: 200, body: { tasks: before } };
        }
        return notAllowed;
    }
}
