/** All that the framework knows, and what follows from it. No effects: whoever calls tells the time, and does what it says. */
import type { Offer, TaskStatus } from "../scheduler";
import { Appetite } from "../service/appetite";
import { aliveOf, changeOf, stuck } from "../service/tasks";
import type { Config } from "./config";
import { type Backlog, type Demand, demandOf, keyOf, type Misfit, type Missing, missingWorkers } from "./demand";
import { afterFailure, afterSuccess, type Avoided, avoidedHosts, type Hosts, speaksAgainst } from "../service/hosts";
import { type Launch, place, type Placement } from "./placing";
import { foundNoManager } from "./task";
import { parseTaskId, type Worker } from "./workers";

const MAX_PAUSE_MS = 60_000;

export interface Counters {
    launched: number;
    finished: number;
    failed: number;
    lost: number;
    offers: number;
    declined: number;
}

/** From the first task without a worker to the first worker that runs. */
export interface Waits {
    count: number;
    sumMs: number;
    lastMs: number;
}

export type BookConfig = Pick<Config, "sizes" | "ceiling" | "avoid" | "startSec">;

export class Book {
    public readonly workers = new Map<string, Worker>();
    public backlogs: readonly Backlog[] = [];
    public demand: readonly Demand[] = [];
    public misfits: readonly Misfit[] = [];
    public missing: readonly Missing[] = [];
    private readonly wish = new Appetite();
    public readonly counters: Counters = { launched: 0, finished: 0, failed: 0, lost: 0, offers: 0, declined: 0 };
    public readonly waits: Waits = { count: 0, sumMs: 0, lastMs: 0 };
    public lastError = "";
    private hosts: Hosts = new Map();
    /** Names of agents' hosts, as offers told them. */
    private readonly names = new Map<string, string>();
    /** Projects without a running worker, since when. */
    private readonly waitingSince = new Map<string, number>();
    private errors = 0;
    private pausedUntilMs = 0;

    public constructor(private readonly config: BookConfig) {}

    /** A new look at the queues. */
    public saw(backlogs: readonly Backlog[], nowMs: number): void {
        this.backlogs = backlogs;
        this.count(nowMs);
    }

    /** Nothing is launched before; while Mesos tells of workers that an earlier process has started. */
    public pause(untilMs: number): void {
        this.pausedUntilMs = Math.max(this.pausedUntilMs, untilMs);
    }

    /** Why nothing is launched at present. */
    public isPaused(nowMs: number): boolean {
        return nowMs < this.pausedUntilMs;
    }

    public avoided(nowMs: number): Avoided[] {
        return avoidedHosts(this.hosts, nowMs);
    }

    private count(nowMs: number): void {
        const { sizes, ceiling } = this.config;
        const alive = aliveOf(this.workers);
        const { demand, misfits } = demandOf(this.backlogs, alive, sizes);
        this.demand = demand;
        this.misfits = misfits;
        this.missing = missingWorkers(demand, alive, sizes, ceiling);
        const served = new Set(alive.flatMap(({ project, state }) => (state === "running" ? [project] : [])));
        const open = new Set(demand.map(({ project }) => project).filter((project) => !served.has(project)));
        [...this.waitingSince.keys()].filter((key) => !open.has(key)).forEach((key) => this.waitingSince.delete(key));
        open.forEach((project) => this.waitingSince.set(project, this.waitingSince.get(project) ?? nowMs));
    }

    public get suppressed(): boolean {
        return this.wish.suppressed;
    }

    private wanted(): Map<string, number> {
        return new Map(this.missing.map(({ project, size, count }) => [keyOf(project, size.name), count]));
    }

    /** What Mesos is to be told about offers in general; undefined when nothing changes. The caller does it. */
    public appetite(nowMs: number): "suppress" | "revive" | undefined {
        return this.wish.next(this.wanted(), this.isPaused(nowMs), nowMs);
    }

    /** After a subscription, or a call that was lost: what Mesos was told may not hold. */
    public forgetAppetite(): void {
        this.wish.forget();
    }

    public offered(offers: readonly Offer[], nowMs: number): Placement {
        this.counters.offers += offers.length;
        offers.forEach(({ agent_id: id, hostname }) => this.names.set(id.value, hostname));
        if (this.isPaused(nowMs)) {
            const refuseSec = Math.max(1, Math.ceil((this.pausedUntilMs - nowMs) / 1000));
            this.counters.declined += offers.length;
            this.wish.refused();
            return {
                launches: [],
                declines: [{ offerIds: offers.map(({ id }) => id.value), refuseSec }],
                left: this.missing,
            };
        }
        const placement = place(this.missing, offers, this.hosts, nowMs);
        this.counters.declined += offers.length - placement.launches.length;
        return placement;
    }

    /** Notes what is about to be launched, before Mesos is told: nothing else is put in its place. */
    public launching(
        id: string,
        worker: Launch["workers"][number],
        { agent_id: agent, hostname }: Offer,
        nowMs: number,
    ): void {
        this.workers.set(id, {
            id,
            project: worker.project,
            size: worker.size.name,
            state: "launching",
            agentId: agent.value,
            host: hostname,
            since: nowMs,
        });
        this.counters.launched += 1;
    }

    /** After a batch of {@link launching}. */
    public launched(nowMs: number): void {
        this.count(nowMs);
        this.wish.launched(this.wanted());
    }

    /** Mesos has refused the launch as a whole. */
    public notLaunched(ids: readonly string[], nowMs: number): void {
        ids.forEach((id) => this.workers.delete(id));
        this.counters.launched -= ids.length;
        this.count(nowMs);
    }

    /** @returns a task that should not be there, to be killed */
    public heard(status: TaskStatus, nowMs: number): { readonly kill?: string } {
        const change = changeOf(this.workers, status, nowMs, parseTaskId);
        const id = status.task_id.value;
        if (change.stray) {
            return { kill: id };
        }
        if (change.task !== undefined) {
            this.goesOn(change.task, change.before, nowMs);
        } else if (change.before !== undefined) {
            this.workers.delete(id);
            this.ended(change.before, status, nowMs);
        }
        this.count(nowMs);
        return {};
    }

    private goesOn(worker: Worker, before: Worker | undefined, nowMs: number): void {
        this.workers.set(worker.id, worker);
        if (worker.state === "running" && before?.state !== "running") {
            this.errors = 0;
            const since = this.waitingSince.get(worker.project);
            if (since !== undefined && before !== undefined) {
                this.waitingSince.delete(worker.project);
                this.waits.count += 1;
                this.waits.lastMs = nowMs - since;
                this.waits.sumMs += this.waits.lastMs;
            }
        }
    }

    private ended(worker: Worker, status: TaskStatus, nowMs: number): void {
        const { state, message = "", reason = "" } = status;
        const { earlySec } = this.config.avoid;
        const host = worker.host ?? this.names.get(worker.agentId ?? "");
        const lived = nowMs - (worker.runningSince ?? worker.since);
        // A worker of an earlier process may be of any age.
        const early = lived < earlySec * 1000 && worker.host !== undefined;
        const astray = foundNoManager(status);
        // A manager that ends just then leaves workers behind that never met it; one that still has tasks was there to be met.
        const forNothing = astray && !this.demand.some(({ project }) => project === worker.project);
        if (state === "TASK_FINISHED" || forNothing) {
            this.counters.finished += 1;
        } else if (state === "TASK_FAILED" || state === "TASK_ERROR") {
            this.counters.failed += 1;
            this.lastError = `${worker.id}${host === undefined ? "" : ` on ${host}`}: ${message || reason || state}`;
        } else {
            this.counters.lost += 1;
        }
        if (state === "TASK_ERROR") {
            // Mesos does not take the task as it is: again at once would be refused again.
            this.errors += 1;
            this.pause(nowMs + Math.min(MAX_PAUSE_MS, 1000 * 2 ** Math.min(this.errors, 10)));
        }
        if (host === undefined || forNothing) {
            return;
        }
        if (astray) {
            this.failedOn(host, `no way to ${worker.project}'s manager`, nowMs);
        } else if (speaksAgainst(status) && early) {
            this.failedOn(host, message || reason || state, nowMs);
        } else if (state === "TASK_FINISHED" || (!early && speaksAgainst(status))) {
            this.hosts = afterSuccess(this.hosts, host);
        }
    }

    private failedOn(host: string, message: string, nowMs: number): void {
        const known = new Set([...this.names.values(), host]).size;
        this.hosts = afterFailure(this.hosts, host, message, nowMs, this.config.avoid, known);
    }

    /** Workers that do not start: they are given up, and to be killed. */
    public giveUp(nowMs: number): Worker[] {
        const late = stuck(this.workers, nowMs, this.config.startSec * 1000);
        for (const { id, host } of late) {
            this.workers.delete(id);
            this.counters.failed += 1;
            this.lastError = `${id}: not started within ${this.config.startSec} s`;
            if (host !== undefined) {
                this.failedOn(host, "does not start workers", nowMs);
            }
        }
        if (late.length > 0) {
            this.count(nowMs);
        }
        return late;
    }
}
