/** All that the framework knows, and what follows from it. No effects: whoever calls tells the time, and does what it says. */
import type { Offer, TaskStatus } from "../scheduler";
import type { Config } from "./config";
import { type Backlog, type Demand, demandOf, keyOf, type Misfit, type Missing, missingWorkers } from "./demand";
import { afterFailure, afterSuccess, type Avoided, avoidedHosts, type Hosts, speaksAgainst } from "./hosts";
import { type Launch, place, type Placement } from "./placing";
import { aliveOf, changeOf, stuck, type Worker } from "./workers";

/** Between two revives. */
const REVIVE_EVERY_MS = 1000;
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
    public suppressed = false;
    public readonly counters: Counters = { launched: 0, finished: 0, failed: 0, lost: 0, offers: 0, declined: 0 };
    public readonly waits: Waits = { count: 0, sumMs: 0, lastMs: 0 };
    public lastError = "";
    private hosts: Hosts = new Map();
    /** Names of agents' hosts, as offers told them. */
    private readonly names = new Map<string, string>();
    /** What was missing at the last revive. */
    private revivedFor = new Map<string, number>();
    private revivedMs = 0;
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

    /** What Mesos is to be told about offers in general; undefined when nothing changes. The caller does it. */
    public appetite(nowMs: number): "suppress" | "revive" | undefined {
        if (this.missing.length === 0) {
            this.revivedFor.clear();
            if (this.suppressed) {
                return undefined;
            }
            this.suppressed = true;
            return "suppress";
        }
        if (this.isPaused(nowMs) || nowMs - this.revivedMs < REVIVE_EVERY_MS) {
            return undefined;
        }
        // What was refused as not wanted, or as too small, may serve now.
        const more = this.missing.some(
            ({ project, size, count }) => count > (this.revivedFor.get(keyOf(project, size.name)) ?? 0),
        );
        if (!this.suppressed && !more) {
            return undefined;
        }
        this.suppressed = false;
        this.revivedMs = nowMs;
        this.revivedFor = new Map(this.missing.map(({ project, size, count }) => [keyOf(project, size.name), count]));
        return "revive";
    }

    /** After a subscription, or a call that was lost: what Mesos was told may not hold. */
    public forgetAppetite(): void {
        this.suppressed = false;
        this.revivedFor.clear();
        this.revivedMs = 0;
    }

    public offered(offers: readonly Offer[], nowMs: number): Placement {
        this.counters.offers += offers.length;
        offers.forEach(({ agent_id: id, hostname }) => this.names.set(id.value, hostname));
        if (this.isPaused(nowMs)) {
            const refuseSec = Math.max(1, Math.ceil((this.pausedUntilMs - nowMs) / 1000));
            this.counters.declined += offers.length;
            this.revivedFor.clear();
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
        // What is missing from now on is what no offer had room for: it is no new wish.
        this.missing.forEach(({ project, size, count }) => {
            const key = keyOf(project, size.name);
            this.revivedFor.set(key, Math.max(count, this.revivedFor.get(key) ?? 0));
        });
    }

    /** Mesos has refused the launch as a whole. */
    public notLaunched(ids: readonly string[], nowMs: number): void {
        ids.forEach((id) => this.workers.delete(id));
        this.counters.launched -= ids.length;
        this.count(nowMs);
    }

    /** @returns a task that should not be there, to be killed */
    public heard(status: TaskStatus, nowMs: number): { readonly kill?: string } {
        const change = changeOf(this.workers, status, nowMs);
        const id = status.task_id.value;
        if (change.stray) {
            return { kill: id };
        }
        if (change.worker !== undefined) {
            this.goesOn(change.worker, change.before, nowMs);
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
        if (state === "TASK_FINISHED") {
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
        if (host === undefined) {
            return;
        }
        if (speaksAgainst(status) && early) {
            this.hosts = afterFailure(this.hosts, host, message || reason || state, nowMs, this.config.avoid);
        } else if (state === "TASK_FINISHED" || (!early && speaksAgainst(status))) {
            this.hosts = afterSuccess(this.hosts, host);
        }
    }

    /** Workers that do not start: they are given up, and to be killed. */
    public giveUp(nowMs: number): Worker[] {
        const late = stuck(this.workers, nowMs, this.config.startSec * 1000);
        for (const { id, host } of late) {
            this.workers.delete(id);
            this.counters.failed += 1;
            this.lastError = `${id}: not started within ${this.config.startSec} s`;
            if (host !== undefined) {
                this.hosts = afterFailure(this.hosts, host, "does not start workers", nowMs, this.config.avoid);
            }
        }
        if (late.length > 0) {
            this.count(nowMs);
        }
        return late;
    }
}
