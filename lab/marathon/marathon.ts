/** The stand-in's heart: definitions, instances and deployments, driven until all three agree. */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../site/definitions/fields";
import type { MarathonFacts } from "../../site/marathon/server";
import { isSettled, ordersFor } from "./control";
import type { Events } from "./events";
import { Rejections } from "./matching";
import {
    type Action,
    affected,
    type Deployment,
    type GroupSettings,
    type Instance,
    type Spec,
    type TaskFailure,
    Versions,
} from "./model";
import { type Change, kindOf, stepsOf } from "./plan";
import type { Store } from "./store";

/** An answer other than success. */
export class Refused extends Error {
    public constructor(
        public readonly status: number,
        public readonly body: JsonObject,
    ) {
        super(JSON.stringify(body));
    }
}

export interface Tasks {
    /** Asks Mesos to end a task. */
    kill(taskId: string, agentId: string | undefined, graceSec: number | undefined): void;
    /** Something waits for offers, or nothing any more. */
    wanted(waiting: number): void;
}

interface Waiting {
    readonly since: string;
    /** ms since 1970; offers before that are not used. */
    until: number;
    failures: number;
    readonly rejections: Rejections;
}

/** The whole of what is declared, to be changed and then applied. */
export interface Draft {
    readonly specs: Map<string, Spec>;
    readonly groups: Map<string, GroupSettings>;
}

const LOCKED =
    "App is locked by one or more deployments. Override with the option '?force=true'. View details at '/v2/deployments/<DEPLOYMENT_ID>'.";
/** As `--zk_max_versions`. */
const MAX_VERSIONS = 50;
const KILL_AGAIN_MS = 10_000;

export class Marathon {
    public readonly specs = new Map<string, Spec>();
    public readonly history = new Map<string, readonly Spec[]>();
    public readonly groups = new Map<string, GroupSettings>();
    public readonly instances = new Map<string, Instance>();
    public readonly deployments = new Map<string, Deployment>();
    public readonly failures = new Map<string, TaskFailure>();
    public readonly waiting = new Map<string, Waiting>();
    public readonly versions = new Versions();
    private tasks: Tasks | undefined;
    private planned = false;
    private readonly killedAt = new Map<string, number>();
    private readonly clock: NodeJS.Timeout;

    public constructor(
        public readonly facts: MarathonFacts,
        private readonly store: Store,
        public readonly events: Events,
        private readonly ports = { first: 10_000, last: 20_000 },
    ) {
        this.clock = setInterval(() => this.soon(), 500);
    }

    public close(): void {
        clearInterval(this.clock);
    }

    public kept(): Promise<void> {
        return this.store.kept();
    }

    /** Takes over what an earlier leader left. */
    public async load(): Promise<void> {
        for (const [name, document] of await this.store.load()) {
            const id = name.slice(name.indexOf(":") + 1);
            if (name.startsWith("spec:")) {
                const { current, versions } = document as { current: Spec | null; versions: Spec[] };
                this.history.set(id, versions);
                versions.forEach(({ version }) => this.versions.seen(version));
                if (current !== null) {
                    this.specs.set(id, current);
                }
            } else if (name.startsWith("group:")) {
                this.groups.set(id, document as GroupSettings);
            } else if (name.startsWith("instance:")) {
                this.instances.set(id, document as Instance);
            } else if (name.startsWith("deployment:")) {
                this.deployments.set(id, document as Deployment);
            } else if (name.startsWith("failure:")) {
                this.failures.set(id, document as TaskFailure);
            }
        }
        this.soon();
    }

    public start(tasks: Tasks): void {
        this.tasks = tasks;
        this.soon();
    }

    public instancesOf(id: string): Instance[] {
        return [...this.instances.values()].filter(({ spec }) => spec === id);
    }

    public deploymentsOf(id: string): Deployment[] {
        return [...this.deployments.values()].filter((deployment) => affected(deployment).includes(id));
    }

    // ---------------------------------------------------------------- changes

    public draft(): Draft {
        return { specs: new Map(this.specs), groups: new Map(this.groups) };
    }

    private keepSpec(id: string): void {
        this.store.put(`spec:${id}`, { current: this.specs.get(id) ?? null, versions: this.history.get(id) ?? [] });
    }

    private remember(spec: Spec): void {
        const versions = [...(this.history.get(spec.id) ?? []), spec].slice(-MAX_VERSIONS);
        this.history.set(spec.id, versions);
    }

    /** Ports that the server chooses: unique over all apps, those that the app has had are kept. */
    private withPorts(spec: Spec, all: ReadonlyMap<string, Spec>): Spec {
        const used = new Set<number>();
        all.forEach((other) => servicePorts(other.definition).forEach((port) => used.add(port)));
        let next = this.ports.first;
        const choose = (): number => {
            while (used.has(next)) {
                next += 1;
            }
            if (next > this.ports.last) {
                throw new Refused(422, { message: "No more free ports" });
            }
            used.add(next);
            return next;
        };
        const fill = (list: JsonObject[], key: string): JsonObject[] =>
            list.map((one) => (one[key] === 0 ? { ...one, [key]: choose() } : one));
        const { portDefinitions, container } = spec.definition;
        const box = container as JsonObject | undefined;
        const definition = {
            ...spec.definition,
            ...(Array.isArray(portDefinitions) && { portDefinitions: fill(portDefinitions as JsonObject[], "port") }),
            ...(Array.isArray(box?.["portMappings"]) && {
                container: { ...box, portMappings: fill(box["portMappings"] as JsonObject[], "servicePort") },
            }),
        };
        return { ...spec, definition };
    }

    private steps(draft: Draft, restart: ReadonlySet<string>): { changes: Change[]; steps: Action[][] } {
        const ids = [...new Set([...this.specs.keys(), ...draft.specs.keys()])];
        const changes = ids
            .map((id): Change => ({ before: this.specs.get(id), after: draft.specs.get(id) }))
            .filter((change) => kindOf(change, restart.has(change.after?.id ?? "")) !== "none");
        return { changes, steps: stepsOf(changes, draft.specs, restart) };
    }

    /** What a change would do; nothing is done. */
    public dryRun(draft: Draft): Action[][] {
        return this.steps(draft, new Set()).steps;
    }

    /**
     * Makes the draft the state that is wanted.
     * @throws {Refused} 409 when a deployment is under way that changes the same
     */
    public apply(
        draft: Draft,
        { force = false, version = this.versions.next(), restart = [] as readonly string[], group = "/" } = {},
    ): { deploymentId: string; version: string } {
        const forced = new Set(restart);
        const { changes, steps } = this.steps(draft, forced);
        const ids = new Set(changes.flatMap(({ before, after }) => (before ?? after)?.id ?? []));
        const locks = [...this.deployments.values()].filter((one) => affected(one).some((id) => ids.has(id)));
        if (locks.length > 0 && !force) {
            // The real one leaves the refused version behind.
            changes.forEach(({ after }) => after && this.remember({ ...after, version }));
            this.events.tell("group_change_failed", { groupId: group, version, reason: LOCKED });
            throw new Refused(409, { message: LOCKED, deployments: locks.map(({ id }) => ({ id })) });
        }
        const before = Object.fromEntries([...ids].map((id) => [id, this.specs.get(id) ?? null]));
        locks.forEach((lock) => this.finish(lock, "deployment_failed"));
        for (const change of changes) {
            this.applyOne(change, kindOf(change, forced.has(change.after?.id ?? "")), version, draft.specs);
        }
        for (const id of new Set([...this.groups.keys(), ...draft.groups.keys()])) {
            const settings = draft.groups.get(id);
            if (settings === undefined) {
                this.groups.delete(id);
                this.store.remove(`group:${id}`);
            } else if (settings !== this.groups.get(id)) {
                this.groups.set(id, { ...settings, version });
                this.store.put(`group:${id}`, this.groups.get(id));
            }
        }
        const deployment: Deployment = { id: randomUUID(), version, steps, current: 0, before };
        if (steps.length > 0) {
            this.deployments.set(deployment.id, deployment);
            this.store.put(`deployment:${deployment.id}`, deployment);
            this.tellStep("deployment_info", deployment);
            this.advance(deployment);
        }
        this.events.tell("group_change_success", { groupId: group, version });
        this.soon();
        return { deploymentId: deployment.id, version };
    }

    private applyOne({ before, after }: Change, kind: string, version: string, all: ReadonlyMap<string, Spec>): void {
        if (after === undefined) {
            const id = before?.id ?? "";
            this.specs.delete(id);
            this.waiting.delete(id);
            this.instancesOf(id).forEach((instance) => this.stop(instance));
            this.keepSpec(id);
            return;
        }
        const scale = kind === "scale" && before !== undefined;
        const others = new Map([...all, ...this.specs]);
        others.delete(after.id);
        const spec = this.withPorts(
            {
                ...after,
                version,
                lastScalingAt: version,
                lastConfigChangeAt: scale ? before.lastConfigChangeAt : version,
            },
            others,
        );
        this.specs.set(spec.id, spec);
        this.remember(spec);
        this.keepSpec(spec.id);
        if (!scale) {
            this.waiting.delete(spec.id);
        }
    }

    // ---------------------------------------------------------------- deployments

    /** Goes back to what was before it. */
    public rollBack(id: string): { deploymentId: string; version: string } {
        const deployment = this.deploymentOf(id);
        const draft = this.draft();
        for (const [spec, before] of Object.entries(deployment.before)) {
            if (before === null) {
                draft.specs.delete(spec);
            } else {
                draft.specs.set(spec, before);
            }
        }
        return this.apply(draft, { force: true });
    }

    /** Forgets it; what it has done so far stays. */
    public cancel(id: string): void {
        const deployment = this.deploymentOf(id);
        affected(deployment).forEach((spec) => this.waiting.delete(spec));
        this.finish(deployment, "deployment_failed");
    }

    private deploymentOf(id: string): Deployment {
        const deployment = this.deployments.get(id);
        if (deployment === undefined) {
            throw new Refused(404, { message: `DeploymentPlan ${id} does not exist`, details: [] });
        }
        return deployment;
    }

    private finish(deployment: Deployment, event: string): void {
        this.deployments.delete(deployment.id);
        this.store.remove(`deployment:${deployment.id}`);
        this.events.tell(event, { id: deployment.id, plan: planOf(deployment) });
    }

    private tellStep(event: string, deployment: Deployment): void {
        this.events.tell(event, {
            plan: planOf(deployment),
            currentStep: { actions: (deployment.steps[deployment.current] ?? []).map(actionBody) },
        });
    }

    private isDone({ action, id }: Action): boolean {
        const spec = this.specs.get(id);
        switch (action) {
            case "StartApplication":
                return true;
            case "StopApplication":
                return this.instancesOf(id).length === 0;
            default:
                return spec === undefined || isSettled(spec, this.instancesOf(id));
        }
    }

    private advance(given: Deployment): void {
        let deployment = given;
        while ((deployment.steps[deployment.current] ?? []).every((action) => this.isDone(action))) {
            this.tellStep("deployment_step_success", deployment);
            deployment = { ...deployment, current: deployment.current + 1 };
            if (deployment.current >= deployment.steps.length) {
                this.finish(deployment, "deployment_success");
                return;
            }
            this.tellStep("deployment_info", deployment);
            this.deployments.set(deployment.id, deployment);
            this.store.put(`deployment:${deployment.id}`, deployment);
        }
    }

    /** Ids that a later step of a deployment deals with: not yet. */
    private held(): Set<string> {
        const later = [...this.deployments.values()].flatMap(({ steps, current }) => {
            const now = new Set(steps.slice(0, current + 1).flat().filter(({ action }) => action !== "StartApplication").map(({ id }) => id));
            return steps.slice(current + 1).flat().map(({ id }) => id).filter((id) => !now.has(id));
        });
        return new Set(later);
    }

    // ---------------------------------------------------------------- instances

    /** As soon as everything that is under way has been said. */
    public soon(): void {
        if (!this.planned) {
            this.planned = true;
            setImmediate(() => {
                this.planned = false;
                this.drive();
            });
        }
    }

    private drive(): void {
        if (this.tasks === undefined) {
            return;
        }
        [...this.deployments.values()].forEach((deployment) => this.advance(deployment));
        const held = this.held();
        const own = new Map<string, Instance[]>();
        for (const instance of this.instances.values()) {
            own.set(instance.spec, [...(own.get(instance.spec) ?? []), instance]);
        }
        for (const spec of this.specs.values()) {
            if (held.has(spec.id)) {
                continue;
            }
            const orders = ordersFor(spec, own.get(spec.id) ?? []);
            orders.kill.forEach((id) => this.stop(this.instances.get(id)));
            for (let count = 0; count < orders.start; count++) {
                this.schedule(spec);
            }
        }
        const now = Date.now();
        for (const instance of this.instances.values()) {
            if (instance.goal === "Stopped" && now - (this.killedAt.get(instance.id) ?? now) > KILL_AGAIN_MS) {
                this.stop(instance);
            }
        }
        [...this.deployments.values()].forEach((deployment) => this.advance(deployment));
        this.tasks.wanted(this.scheduled().length);
    }

    private schedule(spec: Spec): void {
        const id = `${spec.id.slice(1).replaceAll("/", "_")}.instance-${randomUUID()}`;
        this.setInstance({
            id,
            spec: spec.id,
            kind: spec.kind,
            config: spec.lastConfigChangeAt,
            version: spec.version,
            attempt: 0,
            goal: "Running",
            state: "Scheduled",
            tasks: [],
            states: {},
            ports: [],
            health: [],
        });
        this.queueOf(spec.id);
    }

    public queueOf(id: string): Waiting {
        const known = this.waiting.get(id);
        if (known !== undefined) {
            return known;
        }
        const made = { since: new Date().toISOString(), until: 0, failures: 0, rejections: new Rejections() };
        this.waiting.set(id, made);
        return made;
    }

    /** Instances that wait for an offer. */
    public scheduled(): Instance[] {
        return [...this.instances.values()].filter(({ goal, state }) => goal === "Running" && state === "Scheduled");
    }

    public setInstance(instance: Instance): void {
        const before = this.instances.get(instance.id);
        this.instances.set(instance.id, instance);
        this.store.put(`instance:${instance.id}`, instance);
        if (before?.state !== instance.state || before.goal !== instance.goal) {
            this.tellInstance(instance, instance.state);
        }
        this.soon();
    }

    private tellInstance({ id, spec, agent, version }: Instance, state: string): void {
        const condition = CONDITIONS[state] ?? state;
        this.events.tell("instance_changed_event", {
            instanceId: id,
            condition,
            runSpecId: spec,
            agentId: agent?.id ?? null,
            host: agent?.hostname ?? null,
            runSpecVersion: version,
        });
    }

    public forget(instance: Instance): void {
        this.instances.delete(instance.id);
        this.killedAt.delete(instance.id);
        this.store.remove(`instance:${instance.id}`);
        if (!this.specs.has(instance.spec) && this.instancesOf(instance.spec).length === 0) {
            this.events.tell("app_terminated_event", { appId: instance.spec });
        }
        this.soon();
    }

    /** Ends an instance, and its tasks if it has some. */
    public stop(instance: Instance | undefined): void {
        if (instance === undefined) {
            return;
        }
        if (instance.state === "Scheduled" || instance.tasks.length === 0) {
            this.tellInstance(instance, "TASK_KILLED");
            this.forget(instance);
            return;
        }
        this.killedAt.set(instance.id, Date.now());
        this.setInstance({ ...instance, goal: "Stopped" });
        this.killTasks(instance);
    }

    /** Ends the tasks of an instance; whether it gets new ones is its goal's matter. */
    public killTasks({ spec, tasks, agent }: Instance): void {
        const grace = this.specs.get(spec)?.definition["taskKillGracePeriodSeconds"];
        for (const task of tasks) {
            this.tasks?.kill(task, agent?.id, typeof grace === "number" ? grace : undefined);
        }
    }

    public setFailure(failure: TaskFailure): void {
        this.failures.set(failure.appId, failure);
        this.store.put(`failure:${failure.appId}`, failure);
    }
}

const CONDITIONS: Readonly<Record<string, string>> = {
    TASK_STAGING: "Staging",
    TASK_STARTING: "Starting",
    TASK_RUNNING: "Running",
    TASK_KILLING: "Killing",
    TASK_KILLED: "Killed",
    TASK_FAILED: "Failed",
    TASK_FINISHED: "Finished",
    TASK_UNREACHABLE: "Unreachable",
};

function servicePorts({ portDefinitions, container }: JsonObject): number[] {
    const mappings = (container as JsonObject | undefined)?.["portMappings"];
    return [
        ...(Array.isArray(portDefinitions) ? portDefinitions : []).map((one) => (one as JsonObject)["port"]),
        ...(Array.isArray(mappings) ? mappings : []).map((one) => (one as JsonObject)["servicePort"]),
    ].filter((port): port is number => typeof port === "number" && port > 0);
}

export const actionBody = ({ action, id, kind }: Action): JsonObject => ({ action: kind === "app" ? action : action.replace("Application", "Pod"), [kind]: id });

const planOf = ({ id, steps, version }: Deployment): JsonObject => ({
    id,
    version,
    steps: steps.map((actions) => ({ actions: actions.map(actionBody) })),
});
