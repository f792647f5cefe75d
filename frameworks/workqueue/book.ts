/** All that the framework knows, and what follows from it. No effects: whoever calls tells the time, and does what it says. */
import type { Offer, TaskStatus } from "../scheduler";
import { TaskBook } from "../service/book";
import { speaksAgainst } from "../service/hosts";
import type { Placement } from "../service/placing";
import { aliveOf, stuck } from "../service/tasks";
import { type Config, roleOfProject, rolesOf } from "./config";
import { type Backlog, type Demand, demandOf, keyOf, type Misfit, missingWorkers } from "./demand";
import { type MissingWorkers, place } from "./placing";
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

export type BookConfig = Pick<Config, "sizes" | "ceiling" | "avoid" | "startSec" | "role" | "roles">;

export class Book extends TaskBook<Worker, MissingWorkers> {
    public backlogs: readonly Backlog[] = [];
    public demand: readonly Demand[] = [];
    public misfits: readonly Misfit[] = [];
    public missing: readonly MissingWorkers[] = [];
    public readonly counters: Counters = { launched: 0, finished: 0, failed: 0, lost: 0, offers: 0, declined: 0 };
    public readonly waits: Waits = { count: 0, sumMs: 0, lastMs: 0 };
    protected readonly identify = parseTaskId;
    /** Projects without a running worker, since when. */
    private readonly waitingSince = new Map<string, number>();
    private readonly roleOf: (project: string) => string;
    private errors = 0;

    public constructor(private readonly config: BookConfig) {
        super(config, rolesOf(config));
        this.roleOf = roleOfProject(config);
    }

    /** A new look at the queues. */
    public saw(backlogs: readonly Backlog[], nowMs: number): void {
        this.backlogs = backlogs;
        this.count(nowMs);
    }

    private count(nowMs: number): void {
        const { sizes, ceiling } = this.config;
        const alive = aliveOf(this.tasks);
        const { demand, misfits } = demandOf(this.backlogs, alive, sizes);
        this.demand = demand;
        this.misfits = misfits;
        this.missing = missingWorkers(demand, alive, sizes, ceiling).map((one) => ({
            ...one,
            role: this.roleOf(one.project),
        }));
        const served = new Set(alive.flatMap(({ project, state }) => (state === "running" ? [project] : [])));
        const open = new Set(demand.map(({ project }) => project).filter((project) => !served.has(project)));
        [...this.waitingSince.keys()].filter((key) => !open.has(key)).forEach((key) => this.waitingSince.delete(key));
        open.forEach((project) => this.waitingSince.set(project, this.waitingSince.get(project) ?? nowMs));
    }

    protected wanted(): Map<string, Map<string, number>> {
        const wanted = new Map<string, Map<string, number>>();
        for (const { role, project, size, count } of this.missing) {
            wanted.set(role, (wanted.get(role) ?? new Map<string, number>()).set(keyOf(project, size.name), count));
        }
        return wanted;
    }

    protected place(offers: readonly Offer[], nowMs: number): Placement<MissingWorkers> {
        return place(this.missing, offers, this.hosts, nowMs);
    }

    public override offered(offers: readonly Offer[], nowMs: number): Placement<MissingWorkers> {
        const placement = super.offered(offers, nowMs);
        this.counters.offers += offers.length;
        this.counters.declined += offers.length - placement.launches.length;
        return placement;
    }

    protected newTask({ project, size }: MissingWorkers): Pick<Worker, "project" | "size"> {
        this.counters.launched += 1;
        return { project, size: size.name };
    }

    public override launched(nowMs: number): void {
        this.count(nowMs);
        super.launched(nowMs);
    }

    public notLaunched(ids: readonly string[], nowMs: number, message: string): void {
        this.lastError = message;
        ids.forEach((id) => this.tasks.delete(id));
        this.counters.launched -= ids.length;
        this.count(nowMs);
    }

    public override heard(status: TaskStatus, nowMs: number): { readonly kill?: string } {
        const answer = super.heard(status, nowMs);
        this.count(nowMs);
        return answer;
    }

    protected goesOn(worker: Worker, before: Worker | undefined, nowMs: number): void {
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

    protected ended(worker: Worker, status: TaskStatus, nowMs: number): void {
        const { state, message = "", reason = "" } = status;
        const { earlySec } = this.config.avoid;
        const host = this.hostOf(worker);
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
            this.didWellOn(host);
        }
    }

    /** Workers that do not start: they are given up, and to be killed. */
    public giveUp(nowMs: number): Worker[] {
        const late = stuck(this.tasks, nowMs, this.config.startSec * 1000);
        for (const { id, host } of late) {
            this.tasks.delete(id);
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
