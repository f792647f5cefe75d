/** What every framework knows and what follows from it. No effects: whoever calls tells the time, and does what it says. */
import type { Offer, TaskStatus } from "../scheduler";
import { Appetites, type Wanted, type Wish } from "./appetite";
import { afterFailure, afterSuccess, type Avoided, avoidedHosts, type AvoidanceRules, type Hosts } from "./hosts";
import type { Missing, Placed, Placement } from "./placing";
import { changeOf, type KnownTask } from "./tasks";

export interface TaskBookConfig {
    readonly avoid: AvoidanceRules;
    /** A task that Mesos has not started within so long is given up, seconds. */
    readonly startSec: number;
}

/**
 * @typeParam T a task that there is
 * @typeParam W tasks of one kind that are to be started
 */
export abstract class TaskBook<T extends KnownTask, W extends Missing> {
    public readonly tasks = new Map<string, T>();
    public lastError = "";
    protected hosts: Hosts = new Map();
    private readonly wishes: Appetites;
    /** Names of agents' hosts, as offers told them. */
    private readonly names = new Map<string, string>();
    private pausedUntilMs = 0;

    public constructor(
        protected readonly rules: TaskBookConfig,
        roles: readonly string[],
    ) {
        this.wishes = new Appetites(roles);
    }

    /** What is to be started, by role and kind. */
    protected abstract wanted(nowMs: number): ReadonlyMap<string, Wanted>;
    protected abstract place(offers: readonly Offer[], nowMs: number): Placement<W>;
    /** What a task's id tells of one that this process has not started. */
    protected abstract identify(id: string): Omit<T, keyof KnownTask> | undefined;
    protected abstract newTask(wanted: W): Omit<T, keyof KnownTask>;
    /** It runs, or comes nearer to it. */
    protected abstract goesOn(task: T, before: T | undefined, nowMs: number): void;
    /** It has ended, and is not among {@link tasks} any more. */
    protected abstract ended(task: T, status: TaskStatus, nowMs: number): void;
    /** Mesos has refused their launch as a whole. */
    public abstract notLaunched(ids: readonly string[], nowMs: number, message: string): void;

    /** Nothing is launched before; while Mesos tells of tasks that an earlier process has started. */
    public pause(untilMs: number): void {
        this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs);
    }

    public isPaused(nowMs: number): boolean {
        return nowMs < this.pausedUntilMs;
    }

    /** Whether no offers are wanted. */
    public get suppressed(): boolean {
        return this.wishes.suppressed;
    }

    /** What Mesos is to be told about offers in general. The caller does it. */
    public appetite(nowMs: number): Wish {
        return this.wishes.next(this.wanted(nowMs), this.isPaused(nowMs), nowMs);
    }

    /** After a subscription, or a call that was lost: what Mesos was told may not hold. */
    public forgetAppetite(): void {
        this.wishes.forget();
    }

    public offered(offers: readonly Offer[], nowMs: number): Placement<W> {
        offers.forEach(({ agent_id: id, hostname }) => this.names.set(id.value, hostname));
        if (!this.isPaused(nowMs)) {
            return this.place(offers, nowMs);
        }
        this.wishes.refused();
        const refuseSec = Math.max(1, Math.ceil((this.pausedUntilMs - nowMs) / 1000));
        return { launches: [], declines: [{ offerIds: offers.map(({ id }) => id.value), refuseSec }] };
    }

    /** Notes what is about to be launched, before Mesos is told: nothing else is put in its place. */
    public launching(id: string, { of }: Placed<W>, { agent_id: agent, hostname }: Offer, nowMs: number): void {
        const known = { id, state: "launching", agentId: agent.value, host: hostname, since: nowMs };
        this.tasks.set(id, { ...this.newTask(of), ...known } as T);
    }

    /** After a batch of {@link launching}. */
    public launched(nowMs: number): void {
        this.wishes.launched(this.wanted(nowMs));
    }

    /** @returns a task that should not be there, to be killed */
    public heard(status: TaskStatus, nowMs: number): { readonly kill?: string } {
        const id = status.task_id.value;
        const change = changeOf(this.tasks, status, nowMs, (unknown) => this.identify(unknown));
        if (change.stray) {
            return { kill: id };
        }
        if (change.task !== undefined) {
            this.tasks.set(id, change.task);
            this.goesOn(change.task, change.before, nowMs);
        } else if (change.before !== undefined) {
            this.tasks.delete(id);
            this.ended(change.before, status, nowMs);
        }
        return {};
    }

    public avoided(nowMs: number): Avoided[] {
        return avoidedHosts(this.hosts, nowMs);
    }

    protected hostOf({ host, agentId = "" }: KnownTask): string | undefined {
        return host ?? this.names.get(agentId);
    }

    protected failedOn(host: string, message: string, nowMs: number): void {
        const known = new Set([...this.names.values(), host]).size;
        this.hosts = afterFailure(this.hosts, host, message, nowMs, this.rules.avoid, known);
    }

    protected didWellOn(host: string): void {
        this.hosts = afterSuccess(this.hosts, host);
    }
}
