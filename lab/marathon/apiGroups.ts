/** `/v2/groups`: trees of definitions. */
import { isObject, type Json, type JsonObject, word } from "../../site/definitions/fields";
import { refusalOf } from "../../site/definitions/finding";
import { flattenGroup, parentOf } from "../../site/marathon";
import { absoluteId } from "../../site/marathon/paths";
import { checkTogether, factsOf, judged, specOf, withParents } from "./apiApps";
import { judgedPod } from "./apiPods";
import { appBody, podBody } from "./bodies";
import { type Answer, isTrue, parseJson, type Question, refuse } from "./http";
import { actionBody, type Draft, type Marathon } from "./marathon";
import { keepServerChosen } from "../../site/marathon/change";
import { targetOf, withTarget } from "./model";

const ENFORCE =
    "enforceRole cannot be modified in a request that adds, removes or modifies services; please make these changes in separate requests.";

const isInside = (id: string, group: string): boolean => group === "/" || id.startsWith(`${group}/`);

export class GroupsApi {
    public constructor(
        private readonly marathon: Marathon,
        private readonly leader: () => string,
    ) {}

    private exists(id: string): boolean {
        return (
            id === "/" || this.marathon.groups.has(id) || [...this.marathon.specs.keys()].some((spec) => isInside(spec, id))
        );
    }

    private subgroups(id: string): string[] {
        const below = [...this.marathon.groups.keys(), ...[...this.marathon.specs.keys()].map(parentOf)];
        const all = below.flatMap((one) => {
            const rest = isInside(one, id) ? one.slice(id === "/" ? 1 : id.length + 1) : "";
            return rest === "" ? [] : [`${id === "/" ? "" : id}/${rest.split("/")[0] ?? ""}`];
        });
        return [...new Set(all)].sort();
    }

    public body(id: string): JsonObject {
        const { specs, groups } = this.marathon;
        const own = [...specs.values()].filter((spec) => parentOf(spec.id) === id);
        const settings = groups.get(id);
        const newest = own.map(({ version }) => version).sort().pop();
        return {
            id,
            apps: own.filter(({ kind }) => kind === "app").map(appBody),
            pods: own.filter(({ kind }) => kind === "pod").map(podBody),
            groups: this.subgroups(id).map((below) => this.body(below)),
            dependencies: [...(settings?.dependencies ?? [])],
            version: settings?.version || newest || new Date(0).toISOString(),
            // Only a top-level group has it.
            ...(id.lastIndexOf("/") === 0 && id !== "/" && { enforceRole: settings?.enforceRole ?? false }),
        };
    }

    public async one(id: string, question: Question): Promise<Answer> {
        const { marathon } = this;
        const force = isTrue(question.query, "force");
        switch (question.method) {
            case "GET":
                return this.exists(id)
                    ? { status: 200, body: this.body(id) }
                    : { status: 404, body: { message: `Group '${id}' does not exist`, details: [] } };
            case "POST":
            case "PUT":
                return this.change(id, question);
            case "DELETE": {
                if (!this.exists(id)) {
                    return { status: 404, body: { message: `Group '${id}' does not exist` } };
                }
                const draft = marathon.draft();
                [...draft.specs.keys()].filter((spec) => isInside(spec, id)).forEach((spec) => draft.specs.delete(spec));
                [...draft.groups.keys()].filter((one) => one === id || isInside(one, id)).forEach((one) => draft.groups.delete(one));
                // As for apps, nothing locks a deletion.
                return this.applied(marathon.apply(draft, { force: force || id === "/", group: id }), 200, id);
            }
            default:
                return { status: 405, body: { message: "Method Not Allowed" } };
        }
    }

    private async applied(result: { deploymentId: string; version: string }, status: number, id: string): Promise<Answer> {
        await this.marathon.kept();
        const location: Record<string, string> = status === 201 ? { Location: `http://${this.leader()}${id}` } : {};
        return { status, body: result, headers: { "Marathon-Deployment-Id": result.deploymentId, ...location } };
    }

    private async change(at: string, question: Question): Promise<Answer> {
        const { marathon } = this;
        const body = parseJson(question.text);
        if (!isObject(body)) {
            return refuse(422, { message: "Invalid JSON", details: [{ path: "/", errors: ["error.expected.jsobject"] }] });
        }
        const isPost = question.method === "POST";
        const id = isPost ? absoluteId(typeof body["id"] === "string" ? body["id"] : "", at) : at;
        const force = isTrue(question.query, "force");
        if (marathon.specs.has(id)) {
            return { status: 409, body: { message: `An app with the path ${id} already exists.` } };
        }
        const isNew = !this.exists(id);
        if (typeof body["scaleBy"] === "number" && body["apps"] === undefined && body["groups"] === undefined) {
            return this.applied(marathon.apply(this.scaled(id, body["scaleBy"]), { force, group: id }), 200, id);
        }
        this.checkVersion(body);
        this.checkEnforce(body, id);
        const draft = this.drafted(id, { ...body, id });
        if (isTrue(question.query, "dryRun")) {
            const steps = marathon.dryRun(draft).map((actions) => ({ actions: actions.map(actionBody) }));
            return { status: 200, body: { steps } };
        }
        return this.applied(marathon.apply(draft, { force, group: id }), isPost && isNew ? 201 : 200, id);
    }

    private scaled(id: string, factor: number): Draft {
        const draft = this.marathon.draft();
        for (const spec of this.marathon.specs.values()) {
            if (isInside(spec.id, id)) {
                const instances = Math.ceil(targetOf(spec) * factor);
                draft.specs.set(spec.id, { ...spec, definition: withTarget(spec.definition, instances) });
            }
        }
        return draft;
    }

    private checkVersion(body: JsonObject): void {
        const subs = Array.isArray(body["groups"]) ? body["groups"] : [];
        const all: [string, Json][] = [["", body], ...subs.map((sub, index): [string, Json] => [`/groups(${index})`, sub])];
        const errors = ["not allowed in conjunction with other properties."];
        const details = all
            .filter(([, group]) => isObject(group) && group["version"] !== undefined)
            .map(([at]) => ({ path: `${at}/version`, errors }));
        if (details.length > 0) {
            refuse(422, { message: "Object is not valid", details });
        }
    }

    /** An existing subgroup cannot be changed through its parent: its setting always looks changed to the real one. */
    private checkEnforce(body: JsonObject, id: string): void {
        const subs = Array.isArray(body["groups"]) ? body["groups"] : [];
        subs.forEach((sub: Json, index: number) => {
            const below = isObject(sub) ? absoluteId(word(sub["id"] ?? ""), id) : "";
            if (below !== "" && this.exists(below)) {
                refuse(422, {
                    message: "Object is not valid",
                    details: [{ path: `/groups(${index})/enforceRole`, errors: [ENFORCE] }],
                });
            }
        });
    }

    private drafted(id: string, body: JsonObject): Draft {
        const { marathon } = this;
        const flat = flattenGroup(body, factsOf(marathon), parentOf(id));
        const refusal = refusalOf(flat.findings);
        if (refusal !== undefined) {
            refuse(refusal.status, refusal.body);
        }
        const draft = marathon.draft();
        const wanted = new Set([...flat.apps, ...flat.pods].map((one) => one.id));
        // What a list does not name goes; a list that is not given leaves everything as it is.
        if (body["apps"] !== undefined) {
            [...draft.specs.values()]
                .filter((spec) => spec.kind === "app" && parentOf(spec.id) === id && !wanted.has(spec.id))
                .forEach((spec) => draft.specs.delete(spec.id));
        }
        const named = new Set(flat.groups.map((group) => group.id));
        if (body["groups"] !== undefined) {
            const gone = this.subgroups(id).filter((sub) => !named.has(sub));
            gone.forEach((sub) => {
                [...draft.specs.keys()].filter((spec) => isInside(spec, sub)).forEach((spec) => draft.specs.delete(spec));
                [...draft.groups.keys()].filter((one) => one === sub || isInside(one, sub)).forEach((one) => draft.groups.delete(one));
            });
        }
        for (const settings of flat.groups) {
            if (settings.id === "/") {
                continue;
            }
            const known = draft.groups.get(settings.id);
            draft.groups.set(settings.id, {
                id: settings.id,
                version: "",
                dependencies: settings.dependencies ?? known?.dependencies ?? [],
                enforceRole: settings.enforceRole ?? known?.enforceRole ?? false,
            });
        }
        const facts = factsOf(marathon, draft.groups);
        for (const { id: member, definition } of flat.apps) {
            const known = draft.specs.get(member);
            const app = judged(marathon, { ...definition, id: member }, parentOf(member), facts);
            draft.specs.set(
                member,
                known === undefined ? specOf("app", app) : { ...known, kind: "app", definition: keepServerChosen(app, known.definition) },
            );
            withParents(draft, member, "");
        }
        for (const { id: member, definition } of flat.pods) {
            draft.specs.set(member, specOf("pod", judgedPod(marathon, { ...definition, id: member }, parentOf(member))));
            withParents(draft, member, "");
        }
        checkTogether(marathon, draft, []);
        return draft;
    }

    public versions(id: string): Answer {
        const inside = [...this.marathon.history].filter(([spec]) => isInside(spec, id)).flatMap(([, specs]) => specs);
        return { status: 200, body: [...new Set(inside.map(({ version }) => version))].sort().reverse() };
    }
}
