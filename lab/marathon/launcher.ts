/** Between the stand-in and Mesos: offers become tasks, updates become states of instances. */
import {
    isTerminal,
    launch,
    launchGroup,
    type Offer,
    type Operation,
    type Resource,
    type Scheduler,
    type TaskReference,
    type TaskStatus,
} from "../../frameworks/scheduler";
import { isObject, word } from "../../site/definitions/fields";
import { objects } from "../../site/marathon/normalizeApp";
import type { Marathon, Tasks } from "./marathon";
import { agentOf, match } from "./matching";
import { healthChecksOf, type Instance, isHealthy, isOwnCheck, type Spec, without } from "./model";
import { appTask, podGroup } from "./taskInfo";

/** As `--max_instances_per_offer`. */
const PER_OFFER = 5;
/** A task that ran so long before it failed begins its back-off anew. */
const FORGIVEN_MS = 60_000;
/** Refused offers come back after so many seconds; while something waits, soon. */
const REFUSE_SEC = { idle: 120, waiting: 2 };
const REVIVE_EVERY_MS = 1000;

export class Launcher implements Tasks {
    private readonly byTask = new Map<string, string>();
    private suppressed = false;
    private waiting = 0;
    private revivedAt = 0;
    private reviving: NodeJS.Timeout | undefined;

    public constructor(
        private readonly marathon: Marathon,
        private readonly scheduler: () => Scheduler,
    ) {
        marathon.instances.forEach((instance) => instance.tasks.forEach((task) => this.byTask.set(task, instance.id)));
    }

    /** What may still run, for reconciliation. */
    public *references(): Iterable<TaskReference> {
        for (const { tasks, agent } of this.marathon.instances.values()) {
            for (const task of tasks) {
                yield { task_id: { value: task }, ...(agent && { agent_id: { value: agent.id } }) };
            }
        }
    }

    public kill(taskId: string, agentId: string | undefined, graceSec: number | undefined): void {
        // A kill that is lost is repeated: the instance is still there.
        void this.scheduler().kill(taskId, agentId, graceSec).catch(() => undefined);
    }

    public wanted(waiting: number): void {
        const more = waiting > this.waiting || (waiting > 0 && this.suppressed);
        this.waiting = waiting;
        if (waiting === 0 && !this.suppressed) {
            this.suppressed = true;
            void this.scheduler().suppress().catch(() => (this.suppressed = false));
        } else if (more && this.reviving === undefined) {
            this.suppressed = false;
            const wait = Math.max(0, this.revivedAt + REVIVE_EVERY_MS - Date.now());
            this.reviving = setTimeout(() => {
                this.reviving = undefined;
                this.revivedAt = Date.now();
                void this.scheduler().revive().catch(() => undefined);
            }, wait);
        }
    }

    /** A new subscription: what was suppressed may not be any more. */
    public subscribed(): void {
        this.suppressed = false;
        this.waiting = 0;
        this.marathon.soon();
    }

    public async offers(offers: readonly Offer[]): Promise<void> {
        await Promise.all(offers.map((offer) => this.use(offer)));
    }

    private async use(offer: Offer): Promise<void> {
        const operations: Operation[] = [];
        const launched: string[] = [];
        let rest: readonly Resource[] = offer.resources;
        const { marathon } = this;
        for (const [id, queue] of marathon.waiting) {
            const spec = marathon.specs.get(id);
            const waiting = marathon.scheduled().filter((one) => one.spec === id);
            if (spec === undefined || waiting.length === 0 || queue.until > Date.now()) {
                continue;
            }
            for (const instance of waiting) {
                if (operations.length >= PER_OFFER) {
                    break;
                }
                const placed = marathon
                    .instancesOf(id)
                    .flatMap((one) => (one.goal === "Running" && one.agent !== undefined && one.state !== "Scheduled" ? one.agent : []));
                const found = match(spec, offer, rest, placed);
                queue.rejections.note("reasons" in found ? found.reasons : []);
                if ("reasons" in found) {
                    break;
                }
                rest = found.rest;
                operations.push(this.launchOne(spec, instance, offer, found.taken, found.ports));
                launched.push(instance.id);
            }
        }
        if (operations.length === 0) {
            const refuseSec = this.waiting > 0 ? REFUSE_SEC.waiting : REFUSE_SEC.idle;
            await this.scheduler().decline([offer.id], refuseSec).catch(() => undefined);
            return;
        }
        try {
            // Nothing is launched of which a later leader would not know.
            await marathon.kept();
            await this.scheduler().accept([offer.id], operations, { refuse_seconds: REFUSE_SEC.waiting });
        } catch {
            // Whether it runs is not known: Mesos is asked, and answers for each.
            const asked = launched.flatMap((id) => marathon.instances.get(id)?.tasks ?? []);
            await this.scheduler()
                .reconcile(asked.map((task) => ({ task_id: { value: task }, agent_id: offer.agent_id })))
                .catch(() => undefined);
        }
    }

    private launchOne(
        spec: Spec,
        instance: Instance,
        offer: Offer,
        taken: readonly Resource[],
        ports: readonly number[],
    ): Operation {
        const attempt = instance.attempt + 1;
        const names = spec.kind === "app" ? ["_app"] : objects(spec.definition["containers"]).map(({ name }) => word(name));
        const tasks = names.map((name) => `${instance.id}.${name}.${attempt}`);
        tasks.forEach((task) => this.byTask.set(task, instance.id));
        const next: Instance = {
            id: instance.id,
            spec: spec.id,
            kind: spec.kind,
            config: spec.lastConfigChangeAt,
            version: spec.version,
            attempt,
            goal: "Running",
            state: "TASK_STAGING",
            agent: agentOf(offer),
            tasks,
            states: Object.fromEntries(tasks.map((task) => [task, "TASK_STAGING"])),
            ports,
            stagedAt: new Date().toISOString(),
            health: healthChecksOf(spec).map(() => null),
        };
        this.marathon.setInstance(next);
        if (spec.kind === "app") {
            return launch(appTask(spec, next, offer, taken));
        }
        const { executor, tasks: infos } = podGroup(spec, next, offer, taken, this.scheduler().frameworkId ?? "");
        return launchGroup(executor, infos);
    }

    public update(status: TaskStatus): Promise<void> {
        const { marathon } = this;
        const task = status.task_id.value;
        const instance = marathon.instances.get(this.byTask.get(task) ?? "");
        if (instance === undefined || !instance.tasks.includes(task)) {
            // Not one of ours any more, or never was.
            if (!isTerminal(status.state) && status.state !== "TASK_UNREACHABLE" && status.state !== "TASK_UNKNOWN") {
                marathon.events.tell("unknown_instance_terminated_event", { instanceId: task });
                this.kill(task, status.agent_id?.value, undefined);
            }
            this.byTask.delete(task);
            return Promise.resolve();
        }
        this.tell(instance, status);
        if (isTerminal(status.state) || status.state === "TASK_UNREACHABLE" || status.state === "TASK_UNKNOWN") {
            this.ended(instance, status);
        } else {
            this.goesOn(instance, status);
        }
        return marathon.kept();
    }

    private tell(instance: Instance, { task_id: task, state, message = "" }: TaskStatus): void {
        this.marathon.events.tell("status_update_event", {
            slaveId: instance.agent?.id ?? "",
            taskId: task.value,
            taskStatus: state,
            message,
            appId: instance.spec,
            host: instance.agent?.hostname ?? "",
            ipAddresses: [],
            ports: [...instance.ports],
            version: instance.version,
        });
    }

    private goesOn(instance: Instance, { task_id: { value: task }, state, healthy }: TaskStatus): void {
        const { marathon } = this;
        const states = { ...instance.states, [task]: state };
        // A pod runs when all of its containers do.
        const slowest = ["TASK_STAGING", "TASK_STARTING", "TASK_KILLING"].find((one) => Object.values(states).includes(one));
        const now = new Date().toISOString();
        const spec = marathon.specs.get(instance.spec);
        const checks = spec === undefined ? [] : healthChecksOf(spec);
        const health =
            healthy === undefined
                ? instance.health
                : instance.health.map((one, index) =>
                      checks[index] !== undefined && !isOwnCheck(checks[index])
                          ? {
                                alive: healthy,
                                consecutiveFailures: healthy ? 0 : (one?.consecutiveFailures ?? 0) + 1,
                                ...(one?.firstSuccess !== undefined ? { firstSuccess: one.firstSuccess } : healthy ? { firstSuccess: now } : {}),
                                ...(healthy ? { lastSuccess: now } : { lastFailure: now }),
                            }
                          : one,
                  );
        const next = {
            ...instance,
            states,
            state: slowest ?? state,
            health,
            ...(state === "TASK_RUNNING" && instance.startedAt === undefined && { startedAt: now }),
        };
        if (isHealthy(next) !== isHealthy(instance)) {
            marathon.events.tell("instance_health_changed_event", {
                instanceId: instance.id,
                runSpecId: instance.spec,
                runSpecVersion: instance.version,
                healthy: isHealthy(next) ?? null,
            });
        }
        marathon.setInstance(next);
    }

    private ended(instance: Instance, status: TaskStatus): void {
        const { marathon } = this;
        const { task_id: task, state, message = "" } = status;
        const states = { ...instance.states, [task.value]: state };
        const others = instance.tasks.filter((one) => one !== task.value && !isTerminal((states[one] ?? "") as TaskStatus["state"]));
        this.byTask.delete(task.value);
        if (others.length > 0) {
            // A pod goes as a whole; its executor ends the others.
            marathon.setInstance({ ...instance, states, state: "TASK_KILLING" });
            return;
        }
        const spec = marathon.specs.get(instance.spec);
        if (instance.goal === "Stopped" || spec === undefined) {
            marathon.forget(instance);
            return;
        }
        const strategy = spec.definition["unreachableStrategy"];
        if (state === "TASK_UNREACHABLE" && !isObject(strategy)) {
            this.byTask.set(task.value, instance.id);
            marathon.setInstance({ ...instance, states, state });
            return;
        }
        marathon.setFailure({
            appId: instance.spec,
            host: instance.agent?.hostname ?? "",
            message,
            state,
            taskId: task.value,
            timestamp: new Date().toISOString(),
            version: instance.version,
            ...(instance.agent && { slaveId: instance.agent.id }),
        });
        // Killed from outside is no failure of the app's.
        if (state !== "TASK_KILLED") {
            this.backOff(spec, instance);
        }
        if (instance.config !== spec.lastConfigChangeAt) {
            marathon.forget(instance);
            return;
        }
        const rest = without(instance, "startedAt", "stagedAt");
        marathon.setInstance({ ...rest, states: { [task.value]: state }, state: "Scheduled", tasks: [], ports: [], health: [] });
    }

    private backOff(spec: Spec, { startedAt }: Instance): void {
        const queue = this.marathon.queueOf(spec.id);
        const lasted = startedAt === undefined ? 0 : Date.now() - Date.parse(startedAt);
        queue.failures = lasted > FORGIVEN_MS ? 1 : queue.failures + 1;
        const { definition } = spec;
        const scheduling = isObject(definition["scheduling"]) ? definition["scheduling"]["backoff"] : undefined;
        const given = isObject(scheduling) ? scheduling : definition;
        const base = Number(given["backoffSeconds"] ?? given["backoff"] ?? 1);
        const most = Number(given["maxLaunchDelaySeconds"] ?? given["maxLaunchDelay"] ?? 300);
        const delaySec = Math.min(most, base * Number(given["backoffFactor"] ?? 1.15) ** (queue.failures - 1));
        queue.until = Date.now() + delaySec * 1000;
    }
}
