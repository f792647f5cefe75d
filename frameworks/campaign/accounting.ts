/** What has become of a campaign: every task accounted for, every result once. Pure. */
import type { Work } from "./declaration";
import { seedsOf } from "./declaration";
import type { NodeHistory } from "./makeflow";
import type { Plan, Task } from "./plan";

/** What a task says in the last line of its log. */
export interface TaskFacts {
    readonly host: string;
    /** Seconds since 1970, by the worker's clock. */
    readonly began: number;
    readonly ended: number;
}

export interface ResultFile {
    /** Below the run's folder. */
    readonly path: string;
    readonly bytes: number;
    readonly sha256: string;
}

export interface Found {
    /** Of each chunk by its name: what became of its tasks, by their place. */
    readonly histories: ReadonlyMap<string, ReadonlyMap<number, NodeHistory>>;
    /** By the task's id. */
    readonly facts: ReadonlyMap<string, TaskFacts>;
    /** Everything that lies in the results' folder. */
    readonly files: readonly ResultFile[];
    /** Last lines that failed tasks wrote, by the task's id. */
    readonly lastLines: ReadonlyMap<string, string>;
}

export interface Counts {
    readonly total: number;
    readonly done: number;
    /** Failed for good. */
    readonly failed: number;
    /** Handed to Work Queue. */
    readonly running: number;
    /** Not begun: they wait for their turn, or for what has failed. */
    readonly waiting: number;
    /** Done after having failed. */
    readonly retried: number;
}

export interface StageSummary extends Counts {
    readonly name: string;
    /** Sum over its tasks, as the workers measured it. */
    readonly taskSec: number;
    /** From the first start to the last end. */
    readonly wallSec: number;
    /** When tasks ended, seconds since the campaign's first start, in order. */
    readonly ends: readonly number[];
}

export interface Summary {
    readonly passed: boolean;
    readonly tasks: Counts;
    readonly stages: readonly StageSummary[];
    readonly wallSec: number;
    readonly hosts: Readonly<Record<string, number>>;
    readonly failures: readonly { readonly task: string; readonly log: string; readonly lastLines: string }[];
    /** Tasks that are done, but whose result is not there. */
    readonly lost: readonly string[];
    /** Files among the results that no task of the plan makes. */
    readonly strays: readonly string[];
    readonly results: readonly ResultFile[];
    /** Of a production. */
    readonly production?: {
        readonly jobs: number;
        readonly eventsAsked: number;
        readonly eventsMade: number;
        readonly seeds: readonly [number, number];
    };
}

const NOTHING: Counts = { total: 0, done: 0, failed: 0, running: 0, waiting: 0, retried: 0 };

/** What a task counts as. */
export function countOf(history: NodeHistory | undefined): Counts {
    const state = history?.state ?? "waiting";
    const done = state === "complete";
    return {
        total: 1,
        done: Number(done),
        failed: Number(state === "failed"),
        running: Number(state === "running"),
        waiting: Number(state === "waiting" || state === "aborted"),
        retried: Number(done && (history?.failures ?? 0) > 0),
    };
}

export function sumOf(counts: readonly Counts[]): Counts {
    const sum = { ...NOTHING };
    for (const one of counts)
        for (const key of Object.keys(sum) as (keyof Counts)[]) (sum as Record<keyof Counts, number>)[key] += one[key];
    return sum;
}

interface Told {
    readonly task: Task;
    readonly history: NodeHistory | undefined;
}

const tell = (plan: Plan, { histories }: Pick<Found, "histories">): Told[] =>
    plan.chunks.flatMap(({ name, tasks }) =>
        tasks.map((task, place) => ({ task, history: histories.get(name)?.get(place) })),
    );

/** How far it is, from the logs of its chunks alone. */
export function progressOf(
    plan: Plan,
    found: Pick<Found, "histories">,
): { tasks: Counts; stages: (Counts & { name: string })[] } {
    const told = tell(plan, found);
    const stages = plan.stages.map(({ name }) => ({
        name,
        ...sumOf(told.filter(({ task }) => task.stage === name).map(({ history }) => countOf(history))),
    }));
    return { tasks: sumOf(stages), stages };
}

export function summaryOf(work: Work, plan: Plan, found: Found): Summary {
    const told = tell(plan, found);
    const firstUs = Math.min(...told.flatMap(({ history }) => (history === undefined ? [] : [history.firstUs])));
    const lastUs = Math.max(...told.flatMap(({ history }) => (history === undefined ? [] : [history.lastUs])));
    const since = (us: number): number => Math.round((us - firstUs) / 1000) / 1000;
    const stages = plan.stages.map(({ name }): StageSummary => {
        const own = told.filter(({ task }) => task.stage === name);
        const ends = own.flatMap(({ history }) => (history?.state === "complete" ? [since(history.lastUs)] : []));
        const begins = own.flatMap(({ history }) => (history === undefined ? [] : [since(history.firstUs)]));
        const facts = own.flatMap(({ task }) => found.facts.get(task.id) ?? []);
        return {
            name,
            ...sumOf(own.map(({ history }) => countOf(history))),
            taskSec: Math.round(facts.reduce((sum, { began, ended }) => sum + ended - began, 0) * 10) / 10,
            wallSec: ends.length === 0 ? 0 : Math.round((Math.max(...ends) - Math.min(...begins)) * 10) / 10,
            ends: ends.sort((a, b) => a - b),
        };
    });
    const files = new Map(found.files.map((file) => [file.path, file]));
    const planned = new Set(told.map(({ task }) => task.output));
    const done = told.filter(({ history }) => history?.state === "complete");
    const lost = done.filter(({ task }) => (files.get(task.output)?.bytes ?? 0) === 0).map(({ task }) => task.id);
    const strays = found.files.map(({ path }) => path).filter((path) => !planned.has(path));
    const hosts: Record<string, number> = {};
    for (const { task } of done) {
        const host = found.facts.get(task.id)?.host;
        if (host !== undefined) hosts[host] = (hosts[host] ?? 0) + 1;
    }
    const tasks = sumOf(stages);
    return {
        passed: tasks.done === tasks.total && lost.length === 0 && strays.length === 0,
        tasks,
        stages,
        wallSec: Number.isFinite(firstUs) ? Math.round(since(lastUs) * 10) / 10 : 0,
        hosts,
        failures: told
            .filter(({ history }) => history?.state === "failed")
            .map(({ task }) => ({
                task: task.id,
                log: `logs/${task.id}.log`,
                lastLines: found.lastLines.get(task.id) ?? "",
            })),
        lost,
        strays,
        results: plan.results.flatMap((path) => files.get(path) ?? []),
        ...(work.kind === "production" && {
            production: {
                jobs: work.jobs,
                eventsAsked: work.jobs * work.eventsPerJob,
                eventsMade: (done.length - lost.length) * work.eventsPerJob,
                seeds: seedsOf(work),
            },
        }),
    };
}
