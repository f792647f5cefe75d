/** `/v2/pods` and what hangs below it. */
import { refusalOf } from "../../site/definitions/finding";
import { type App, inspectPod } from "../../site/marathon";
import { checkTogether, factsOf, specOf, withParents } from "./apiApps";
import { podBody, podStatus } from "./bodies";
import { type Answer, isTrue, parseJson, type Question, refuse } from "./http";
import type { Marathon } from "./marathon";
import type { Spec } from "./model";

/** @throws {Refused} */
export function judgedPod(marathon: Marathon, given: unknown, base = "/"): App {
    const { findings, pod } = inspectPod(given, factsOf(marathon), base);
    const refusal = refusalOf(findings);
    return refusal === undefined ? pod : refuse(refusal.status, refusal.body);
}

export class PodsApi {
    public constructor(
        private readonly marathon: Marathon,
        private readonly leader: () => string,
    ) {}

    private pods(): Spec[] {
        return [...this.marathon.specs.values()].filter(({ kind }) => kind === "pod");
    }

    public async collection(question: Question): Promise<Answer> {
        const { marathon } = this;
        switch (question.method) {
            case "HEAD":
                return { status: 200 };
            case "GET":
                return { status: 200, body: this.pods().map(podBody) };
            case "POST": {
                const pod = judgedPod(marathon, parseJson(question.text));
                if (marathon.specs.has(pod.id)) {
                    return { status: 409, body: { message: `A pod with id [${pod.id}] already exists.` } };
                }
                return this.put(pod, 201, question, "pod_created_event");
            }
            default:
                return { status: 405, body: { message: "Method Not Allowed" } };
        }
    }

    private async put(pod: App, status: number, question: Question, event: string): Promise<Answer> {
        const { marathon } = this;
        const draft = marathon.draft();
        const known = draft.specs.get(pod.id);
        draft.specs.set(pod.id, known === undefined ? specOf("pod", pod) : { ...known, kind: "pod", definition: pod });
        checkTogether(marathon, draft, [pod.id]);
        withParents(draft, pod.id, "");
        const { deploymentId } = marathon.apply(draft, { force: isTrue(question.query, "force") });
        marathon.events.tell(event, { clientIp: question.remoteAddress, uri: question.path });
        await marathon.kept();
        const spec = marathon.specs.get(pod.id);
        return {
            status,
            body: spec === undefined ? pod : podBody(spec),
            headers: {
                "Marathon-Deployment-Id": deploymentId,
                ...(status === 201 && { Location: `http://${this.leader()}${pod.id}` }),
            },
        };
    }

    public statuses(): Answer {
        return { status: 200, body: this.pods().map((spec) => podStatus(this.marathon, spec)) };
    }

    public async one(id: string, question: Question): Promise<Answer> {
        const { marathon } = this;
        const spec = marathon.specs.get(id);
        const isPod = spec?.kind === "pod";
        switch (question.method) {
            case "GET":
                return isPod
                    ? { status: 200, body: podBody(spec) }
                    : { status: 404, body: { message: JSON.stringify({ message: `pod with ${id} does not exist` }).replace('":"', '": "'), details: [] } };
            case "PUT": {
                const body = parseJson(question.text);
                const pod = judgedPod(marathon, body);
                if (pod.id !== id) {
                    return { status: 400, body: { message: `'${id}' definition cannot be updated with ${pod.id}` } };
                }
                return this.put(pod, 200, question, "pod_updated_event");
            }
            case "DELETE": {
                if (!isPod) {
                    return { status: 404, body: { message: `Pod '${id}' does not exist`, details: [] } };
                }
                const draft = marathon.draft();
                draft.specs.delete(id);
                const { deploymentId } = marathon.apply(draft, { force: isTrue(question.query, "force") });
                marathon.events.tell("pod_deleted_event", { clientIp: question.remoteAddress, uri: question.path });
                await marathon.kept();
                const headers = { Location: `http://${this.leader()}/${deploymentId}`, "Marathon-Deployment-Id": deploymentId };
                return { status: 202, headers };
            }
            default:
                return { status: 405, body: { message: "Method Not Allowed" } };
        }
    }

    /** What stands behind `::`. */
    public part(id: string, part: string, question: Question): Answer {
        const { marathon } = this;
        const spec = marathon.specs.get(id);
        if (spec?.kind !== "pod") {
            return { status: 404, body: { message: `Pod '${id}' does not exist`, details: [] } };
        }
        const history = marathon.history.get(id) ?? [];
        if (part === "status") {
            return { status: 200, body: podStatus(marathon, spec) };
        }
        if (part === "versions") {
            return { status: 200, body: history.map(({ version }) => version) };
        }
        if (part.startsWith("versions/")) {
            const version = part.slice("versions/".length);
            const found = history.find((one) => one.version === version);
            return found
                ? { status: 200, body: podBody(found) }
                : { status: 404, body: { message: `Pod '${id}' does not exist in version ${version}`, details: [] } };
        }
        if (part.startsWith("instances") && question.method === "DELETE") {
            const wanted = part.split("/")[1];
            const chosen = marathon.instancesOf(id).filter((instance) => wanted === undefined || instance.id === wanted);
            chosen.forEach((instance) => marathon.killTasks(instance));
            return { status: 200, body: chosen.map((instance) => ({ instanceId: { idString: instance.id } })) };
        }
        return { status: 404, body: { message: "URI not found" } };
    }
}
