/** A framework's scheduler: subscribed at whoever leads the masters, from `start` until `stop`, or until Mesos ends it. */
import { MasterConnection, type ConnectionOptions } from "./connection";
import { type FrameworkDescription, frameworkInfo } from "./description";
import { CallFailed, SubscriptionEnded } from "./errors";
import type { FrameworkIdStore } from "./frameworkId";
import type { Handler } from "./handler";
import type { LeaderDetector } from "./masters";
import type { Call, Event, Filters, Id, Operation, TaskReference, TaskStatus } from "./messages";
import { gracePeriod } from "./operations";
import { type Effect, initialState, type Input, type ProtocolOptions, type State, step } from "./protocol";
import { Reconciler, type ReconcilerOptions } from "./reconciler";
import { UpdateLine } from "./updates";

export interface SchedulerOptions extends ConnectionOptions {
    readonly masters: LeaderDetector;
    readonly framework: FrameworkDescription;
    readonly store: FrameworkIdStore;
    readonly handler: Handler;
    readonly backoff?: ProtocolOptions["backoff"];
    readonly missedHeartbeats?: number;
    readonly subscribeTimeoutMs?: number;
    readonly reconcile?: ReconcilerOptions;
    /** What is worth a line in a log. @default nothing is told */
    readonly log?: (line: string) => void;
}

/** Mesos' own default: a refused offer comes back after so many seconds. */
const REFUSE_SEC = 5;

export class Scheduler {
    /** Resolves at `stop`; rejects with {@link SubscriptionEnded} when Mesos will not have the framework any more. */
    public readonly ended: Promise<void>;
    private state: State = initialState();
    private connection: MasterConnection | undefined;
    private hangUp: (() => void) | undefined;
    /** A TEARDOWN is under way: the end of the stream is what it asks for. */
    private leaving = false;
    private readonly timers: Partial<Record<"retry" | "silence" | "reconcile", NodeJS.Timeout>> = {};
    private readonly updates: UpdateLine;
    private readonly reconciler: Reconciler;
    private readonly suppressed = new Set<string>();
    private readonly protocol: ProtocolOptions;
    /** Events wait for what comes before them: nothing is offered before the framework's id is kept. */
    private line: Promise<void> = Promise.resolve();
    private silenceMs = 0;
    private settle!: (error?: Error) => void;
    private readonly whenSubscribed: (() => void)[] = [];

    public constructor(private readonly options: SchedulerOptions) {
        const { framework, credential, backoff, missedHeartbeats, subscribeTimeoutMs, handler } = options;
        this.protocol = {
            name: framework.name,
            ...(credential !== undefined && { principal: credential.principal }),
            ...(backoff !== undefined && { backoff }),
            ...(missedHeartbeats !== undefined && { missedHeartbeats }),
            ...(subscribeTimeoutMs !== undefined && { subscribeTimeoutMs }),
        };
        this.reconciler = new Reconciler(options.reconcile);
        this.updates = new UpdateLine({
            handle: (status) => {
                this.reconciler.heard(status.task_id.value);
                return handler.update(status);
            },
            acknowledge: (status) => this.acknowledge(status),
            failed: (error, { task_id: task, state }) =>
                this.log(`${state} of ${task.value} was not handled: ${String(error)}`),
        });
        this.ended = new Promise((resolve, reject) => {
            this.settle = (error) => (error === undefined ? resolve() : reject(error));
        });
        // Who does not ask for the end is not to be ended by it.
        this.ended.catch(() => undefined);
    }

    public get frameworkId(): string | undefined {
        return this.state.frameworkId;
    }

    /** `host:port` of the master that it is subscribed at. */
    public get master(): string | undefined {
        return this.state.phase === "subscribed" ? this.state.master : undefined;
    }

    /**
     * Subscribes under the stored id, or as a new framework.
     * @returns at the first subscription
     * @throws {SubscriptionEnded} when Mesos refuses it
     */
    public async start(): Promise<void> {
        this.state = initialState(await this.options.store.load());
        this.options.masters.onChange((master) => this.input({ type: "leaderChanged", master }));
        const subscribed = new Promise<void>((resolve) => this.whenSubscribed.push(resolve));
        this.input({ type: "start" });
        await Promise.race([subscribed, this.ended]);
    }

    /** Hangs up. Tasks run on until the failover time-out; a start under the same id finds them again. */
    public async stop(): Promise<void> {
        this.input({ type: "stop" });
        await this.updates.settled();
    }

    /** Ends the framework with all its tasks; its id is dead from then on. */
    public async teardown(): Promise<void> {
        // The master ends the stream of a framework that is gone, often before its answer to this call is here.
        this.leaving = true;
        try {
            await this.call({ type: "TEARDOWN" });
        } catch (error) {
            this.leaving = false;
            this.input({ type: "closed", reason: String(error) });
            throw error;
        }
        this.input({ type: "stop" });
        await this.options.store.clear();
    }

    /**
     * @param operations in their order; each may use what the ones before it made
     * @throws {CallFailed} with status 0 it may have been done all the same: reconcile the tasks in question
     */
    public accept(offerIds: readonly Id[], operations: readonly Operation[], filters: Filters = {}): Promise<void> {
        return this.call({
            type: "ACCEPT",
            accept: { offer_ids: offerIds, operations, filters: { refuse_seconds: REFUSE_SEC, ...filters } },
        });
    }

    /** @param refuseSec for so long the same resources are not offered again. @default 5 */
    public decline(offerIds: readonly Id[], refuseSec = REFUSE_SEC): Promise<void> {
        return this.call({ type: "DECLINE", decline: { offer_ids: offerIds, filters: { refuse_seconds: refuseSec } } });
    }

    /** No more offers for these roles, through changes of the leader too. @default all roles */
    public suppress(roles: readonly string[] = this.options.framework.roles): Promise<void> {
        roles.forEach((role) => this.suppressed.add(role));
        return this.call({ type: "SUPPRESS", suppress: { roles } });
    }

    /** Offers again, refused ones at once. @default all roles */
    public revive(roles: readonly string[] = this.options.framework.roles): Promise<void> {
        roles.forEach((role) => this.suppressed.delete(role));
        return this.call({ type: "REVIVE", revive: { roles } });
    }

    /** @param graceSec overrides the task's own between SIGTERM and SIGKILL */
    public kill(taskId: string, agentId?: string, graceSec?: number): Promise<void> {
        return this.call({
            type: "KILL",
            kill: {
                task_id: { value: taskId },
                ...(agentId !== undefined && { agent_id: { value: agentId } }),
                ...(graceSec !== undefined && { kill_policy: gracePeriod(graceSec) }),
            },
        });
    }

    public shutdownExecutor(executorId: string, agentId: string): Promise<void> {
        const shutdown = { executor_id: { value: executorId }, agent_id: { value: agentId } };
        return this.call({ type: "SHUTDOWN", shutdown });
    }

    public message(agentId: string, executorId: string, data: Buffer): Promise<void> {
        const message = {
            agent_id: { value: agentId },
            executor_id: { value: executorId },
            data: data.toString("base64"),
        };
        return this.call({ type: "MESSAGE", message });
    }

    /** The answers come as updates. With no task: all that Mesos knows of this framework. */
    public reconcile(tasks: readonly TaskReference[] = []): Promise<void> {
        return this.call({ type: "RECONCILE", reconcile: { tasks } });
    }

    private acknowledge(status: TaskStatus): Promise<void> {
        const { task_id, agent_id, uuid } = status;
        if (uuid === undefined || agent_id === undefined) {
            return Promise.resolve();
        }
        // An acknowledgement that is lost is asked for again: Mesos repeats the update.
        return this.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } }).catch(() => undefined);
    }

    private async call(call: Call): Promise<void> {
        const { phase, master, streamId, frameworkId } = this.state;
        const { connection } = this;
        if (phase !== "subscribed" || connection === undefined || master === undefined || frameworkId === undefined) {
            throw new CallFailed(call.type, 0, "the framework is not subscribed at present");
        }
        const { status, body } = await connection.post(master, streamId ?? "", {
            ...call,
            framework_id: { value: frameworkId },
        });
        if (status === 202 || status === 200) {
            return;
        }
        // Another leads, or this stream is not the framework's any more.
        if ((status === 307 || status === 503) && this.connection === connection) {
            this.input({ type: "closed", reason: `${master} answered ${status} to ${call.type}` });
        }
        throw new CallFailed(
            call.type,
            status,
            status === 0 ? body : `the master answered ${status} ${body.trim().slice(0, 300)}`,
        );
    }

    private log(line: string): void {
        this.options.log?.(line);
    }

    private input(input: Input): void {
        const [next, effects] = step(this.state, input, this.protocol, Math.random());
        this.state = next;
        effects.forEach((effect) => this.perform(effect));
    }

    private timer(name: "retry" | "silence" | "reconcile", ms: number, then: () => void): void {
        clearTimeout(this.timers[name]);
        this.timers[name] = setTimeout(then, ms);
    }

    private perform(effect: Effect): void {
        const { masters, handler, store } = this.options;
        switch (effect.type) {
            case "findLeader":
                void masters.find(effect.hint).then(
                    (master) => this.input({ type: "leader", master }),
                    () => this.input({ type: "leader", master: undefined }),
                );
                return;
            case "subscribe":
                this.subscribe(effect.master);
                return;
            case "hangUp":
                this.hangUp?.();
                this.connection?.close();
                this.hangUp = this.connection = undefined;
                clearTimeout(this.timers.silence);
                clearTimeout(this.timers.reconcile);
                return;
            case "retry":
                this.timer("retry", effect.afterMs, () => this.input({ type: "retry" }));
                return;
            case "silence":
                this.silenceMs = effect.afterMs;
                this.listen();
                return;
            case "saveId":
                this.then(async () => {
                    if ((await store.load()) !== effect.id) {
                        await store.save(effect.id);
                    }
                }, "id not kept");
                return;
            case "deliver":
                this.deliver(effect.event);
                return;
            case "reconcile":
                this.then(() => this.ask(this.reconciler.begin(handler.tasks())));
                return;
            case "disconnected":
                this.log(`disconnected: ${effect.reason}`);
                this.then(() => handler.disconnected?.(effect.reason));
                return;
            case "failed":
                this.log(`not subscribed: ${effect.reason}`);
                return;
            case "end":
                Object.values(this.timers).forEach(clearTimeout);
                masters.close();
                this.settle(effect.error);
        }
    }

    private subscribe(master: string): void {
        const { frameworkId } = this.state;
        const { framework, credential } = this.options;
        const id = frameworkId === undefined ? {} : { framework_id: { value: frameworkId } };
        const connection = new MasterConnection(this.options);
        this.connection = connection;
        const call = {
            type: "SUBSCRIBE",
            ...id,
            subscribe: {
                framework_info: frameworkInfo(framework, credential?.principal, frameworkId),
                suppressed_roles: [...this.suppressed],
            },
        };
        this.hangUp = connection.stream(master, call, {
            opened: (streamId) => this.input({ type: "opened", streamId }),
            refused: (answer) => this.input({ type: "refused", ...answer }),
            record: (text) => this.input({ type: "event", event: JSON.parse(text) as Event }),
            heard: () => this.listen(),
            closed: (reason) => {
                if (!this.leaving) {
                    this.input({ type: "closed", reason });
                }
            },
        });
    }

    private listen(): void {
        this.timer("silence", this.silenceMs, () => this.input({ type: "silence" }));
    }

    /** In the order of the events. */
    private then(work: () => unknown, fatal?: "id not kept"): void {
        this.line = this.line.then(work).then(
            () => undefined,
            (error: unknown) => {
                this.log(String(error));
                if (fatal !== undefined) {
                    const { place } = this.options.store;
                    const what = `the framework's id cannot be written to ${place}: ${String(error)}`;
                    this.settle(new SubscriptionEnded(fatal, what));
                    this.input({ type: "stop" });
                }
            },
        );
    }

    private deliver(event: Event): void {
        const { handler } = this.options;
        const { connection } = this;
        this.then(() => {
            // What was said on a stream that is gone: its offers are void, its updates will be repeated.
            if (this.connection !== connection) {
                return;
            }
            this.dispatch(event, handler);
        });
    }

    private dispatch(event: Event, handler: Handler): void {
        switch (event.type) {
            case "SUBSCRIBED": {
                const master = this.state.master ?? "";
                this.log(`subscribed at ${master} as ${event.subscribed.framework_id.value}`);
                handler.subscribed?.(event.subscribed.framework_id.value, master);
                this.whenSubscribed.splice(0).forEach((tell) => tell());
                return;
            }
            case "OFFERS":
                this.guard(() => handler.offers(event.offers.offers));
                return;
            case "RESCIND":
                handler.rescinded?.(event.rescind.offer_id.value);
                return;
            case "UPDATE":
                this.updates.push(event.update.status);
                return;
            case "MESSAGE": {
                const { agent_id: agent, executor_id: executor, data } = event.message;
                handler.message?.(agent.value, executor.value, Buffer.from(data, "base64"));
                return;
            }
            case "FAILURE": {
                const { agent_id: agent, executor_id: executor, status } = event.failure;
                handler.failure?.(agent?.value, executor?.value, status);
                return;
            }
            default:
        }
    }

    private guard(work: () => void | Promise<void>): void {
        void Promise.resolve()
            .then(work)
            .catch((error: unknown) => this.log(String(error)));
    }

    /** Asks, and asks again after a while what has not been answered. */
    private async ask(lists: readonly (readonly TaskReference[])[]): Promise<void> {
        const { connection } = this;
        for (const tasks of lists) {
            await this.reconcile(tasks);
        }
        const next = this.reconciler.next();
        if (next !== undefined && this.connection === connection && connection !== undefined) {
            this.timer("reconcile", next.afterMs, () => this.guard(() => this.ask(next.ask())));
        }
    }
}
