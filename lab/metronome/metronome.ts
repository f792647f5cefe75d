/** Jobs, their schedules and runs. */
import { randomBytes, randomUUID } from "node:crypto";
import type { JsonObject } from "../../site/definitions/fields";
import { isObject } from "../../site/definitions/fields";
import type { Job, Schedule } from "../../site/metronome";
import { parseCron } from "../../site/metronome";
import type { Store } from "../marathon/store";
import { nextRun, stamp } from "./cronTimes";

export interface Run {
    readonly id: string;
    readonly job: string;
    readonly status: "INITIAL" | "STARTING" | "ACTIVE" | "SUCCESS" | "FAILED";
    /** ms since 1970. */
    readonly createdAt: number;
    readonly completedAt?: number;
    readonly task?: string;
    readonly taskStatus?: string;
    readonly startedAt?: number;
    readonly agentId?: string;
    /** Of this run's tasks that failed. */
    readonly failures: number;
    /** Not launched any more after that, ms since 1970; by `maxLaunchDelay` or `startingDeadlineSeconds`. */
    readonly deadline: number;
    readonly stopping?: boolean;
}

export interface History {
    readonly successCount: number;
    readonly failureCount: number;
    readonly lastSuccessAt: string | null;
    readonly lastFailureAt: string | null;
    readonly successfulFinishedRuns: readonly JsonObject[];
    readonly failedFinishedRuns: readonly JsonObject[];
}

export interface Kept {
    readonly job: Job;
    readonly schedules: readonly Schedule[];
    readonly history: History;
}

const NO_HISTORY: History = {
    successCount: 0,
    failureCount: 0,
    lastSuccessAt: null,
    lastFailureAt: null,
    successfulFinishedRuns: [],
    failedFinishedRuns: [],
};
const KEPT_RUNS = 10;

export interface Tasks {
    kill(task: string, agentId: string | undefined): void;
    wanted(waiting: number): void;
}

const optional = (job: Job): JsonObject => (isObject(job["run"]) ? job["run"] : {});

export class Metronome {
    public readonly jobs = new Map<string, Kept>();
    public readonly runs = new Map<string, Run>();
    private readonly due = new Map<string, number | undefined>();
    private tasks: Tasks | undefined;
    private readonly clock: NodeJS.Timeout;

    /** @param now the clock, ms since 1970 */
    public constructor(
        private readonly store: Store,
        private readonly now: () => number = Date.now,
    ) {
        this.clock = setInterval(() => this.tick(), 1000);
    }

    public close(): void {
        clearInterval(this.clock);
    }

    public async load(): Promise<void> {
        for (const [name, document] of await this.store.load()) {
            if (name.startsWith("job:")) {
                this.setJob(document as Kept);
            } else if (name.startsWith("run:")) {
                this.runs.set((document as Run).id, document as Run);
            }
        }
    }

    public start(tasks: Tasks): void {
        this.tasks = tasks;
        this.tick();
    }

    public kept(): Promise<void> {
        return this.store.kept();
    }

    public setJob(kept: Kept): void {
        const { id } = kept.job;
        this.jobs.set(id, kept);
        this.store.put(`job:${id}`, kept);
        this.due.set(id, this.nextOf(kept));
    }

    public create(job: Job, schedules: readonly Schedule[]): void {
        this.setJob({ job, schedules, history: NO_HISTORY });
    }

    public removeJob(id: string): void {
        this.runsOf(id).forEach((run) => this.stop(run));
        this.jobs.delete(id);
        this.due.delete(id);
        this.store.remove(`job:${id}`);
    }

    public nextRunOf({ cron, timezone }: Schedule): number | undefined {
        return nextRun(parseCron(cron), typeof timezone === "string" ? timezone : "UTC", this.now());
    }

    private nextOf({ schedules: [schedule] }: Kept): number | undefined {
        return schedule === undefined || schedule["enabled"] === false ? undefined : this.nextRunOf(schedule);
    }

    public runsOf(job: string): Run[] {
        return [...this.runs.values()].filter((run) => run.job === job);
    }

    public tick(): void {
        const now = this.now();
        for (const [id, kept] of this.jobs) {
            const at = this.due.get(id);
            const [schedule] = kept.schedules;
            if (at !== undefined && schedule !== undefined && at <= now) {
                this.due.set(id, this.nextOf(kept));
                const busy = schedule["concurrencyPolicy"] === "FORBID" && this.runsOf(id).length > 0;
                if (!busy) {
                    this.trigger(id, Number(schedule["startingDeadlineSeconds"] ?? 900));
                }
            }
        }
        for (const run of this.runs.values()) {
            if (run.task === undefined && run.deadline < now) {
                this.finish(run, false);
            }
        }
        this.tasks?.wanted(this.waiting().length);
    }

    /** @param deadlineSec the run is given up when it could not be launched by then. @default the job's maxLaunchDelay */
    public trigger(job: string, deadlineSec?: number): Run {
        const kept = this.jobs.get(job);
        const now = this.now();
        const delay = deadlineSec ?? Number(kept === undefined ? 3600 : (optional(kept.job)["maxLaunchDelay"] ?? 3600));
        const digits = stamp(now).replace(/\D/g, "").slice(0, 14);
        const run: Run = {
            id: `${digits}${randomBytes(8).toString("base64").replace(/[^A-Za-z0-9]/g, "").padEnd(5, "x").slice(0, 5)}`,
            job,
            status: "INITIAL",
            createdAt: now,
            failures: 0,
            deadline: now + delay * 1000,
        };
        this.setRun(run);
        this.tasks?.wanted(this.waiting().length);
        return run;
    }

    public setRun(run: Run): void {
        this.runs.set(run.id, run);
        this.store.put(`run:${run.id}`, run);
    }

    /** Runs that wait for an offer. */
    public waiting(): Run[] {
        return [...this.runs.values()].filter(({ task, stopping }) => task === undefined && stopping !== true);
    }

    public taskName({ job, id }: Run): string {
        return `${job.replaceAll(".", "_")}_${id}.${randomUUID()}`;
    }

    /** Ends a run; it counts as failed. @returns what it was like */
    public stop(run: Run): Run {
        const stopped: Run = { ...run, status: "FAILED", completedAt: this.now() };
        if (run.task !== undefined) {
            this.tasks?.kill(run.task, run.agentId);
        }
        this.finish(stopped, false);
        return stopped;
    }

    /** A run is over: it goes into its job's history. */
    public finish(run: Run, success: boolean): void {
        this.runs.delete(run.id);
        this.store.remove(`run:${run.id}`);
        const kept = this.jobs.get(run.job);
        if (kept === undefined) {
            return;
        }
        const { history } = kept;
        const at = stamp(run.completedAt ?? this.now());
        const entry = {
            id: run.id,
            createdAt: stamp(run.createdAt),
            finishedAt: at,
            tasks: run.task === undefined ? [] : [run.task],
        };
        const next: History = success
            ? {
                  ...history,
                  successCount: history.successCount + 1,
                  lastSuccessAt: at,
                  successfulFinishedRuns: [entry, ...history.successfulFinishedRuns].slice(0, KEPT_RUNS),
              }
            : {
                  ...history,
                  failureCount: history.failureCount + 1,
                  lastFailureAt: at,
                  failedFinishedRuns: [entry, ...history.failedFinishedRuns].slice(0, KEPT_RUNS),
              };
        const due = this.due.get(run.job);
        this.setJob({ ...kept, history: next });
        // Ending is no reason to look at the clock anew.
        this.due.set(run.job, due);
    }

    /** A task of a run has ended. */
    public ended(run: Run, success: boolean): void {
        const kept = this.jobs.get(run.job);
        const restart = kept === undefined ? undefined : optional(kept.job)["restart"];
        const again = isObject(restart) && restart["policy"] === "ON_FAILURE";
        const activeSec = isObject(restart) ? Number(restart["activeDeadlineSeconds"] ?? Infinity) : 0;
        if (!success && again && (this.now() - run.createdAt) / 1000 < activeSec) {
            this.setRun({ id: run.id, job: run.job, status: "STARTING", createdAt: run.createdAt, failures: run.failures + 1, deadline: run.deadline });
            this.tasks?.wanted(this.waiting().length);
            return;
        }
        this.finish({ ...run, completedAt: this.now() }, success);
    }
}
