/** From what the managers say to how many workers of each size each project should have. */
import type { Queue, TaskGroup } from "./records";
import { describeTask, type Size, sizeFor, tasksPerWorker } from "./sizes";
import type { Worker } from "./workers";

/** One manager's queue, with its tasks by size. */
export interface Backlog {
    readonly project: string;
    readonly queue: Queue;
    readonly groups: readonly TaskGroup[];
}

/** What a project would have, were there no limit. */
export interface Demand {
    readonly project: string;
    readonly size: Size;
    readonly workers: number;
}

/** Tasks that no size is large enough for. */
export interface Misfit {
    readonly project: string;
    readonly count: number;
    readonly task: string;
}

export interface Limits {
    /** @default no limit */
    readonly workers?: number;
    readonly cpus?: number;
    readonly memMiB?: number;
    readonly gpus?: number;
}

/** How many workers are still to be started. */
export interface Missing {
    readonly project: string;
    readonly size: Size;
    readonly count: number;
}

/** A project's worker of a size, as one key. */
export const keyOf = (project: string, size: string): string => `${size} ${project}`;

/**
 * Sums the tasks of all managers of each project, and packs them into workers.
 *
 * Tasks that run count as those that wait: their workers are there and are counted against them by {@link missingWorkers}, so
 * that a number which is a little old starts nobody twice. Cores of workers that others have started are taken off.
 * @param workers ours, alive
 */
export function demandOf(
    backlogs: readonly Backlog[],
    workers: readonly Worker[],
    sizes: readonly Size[],
): { demand: Demand[]; misfits: Misfit[] } {
    const wanted = new Map<string, { project: string; size: Size; workers: number }>();
    const misfits = new Map<string, Misfit>();
    const foreign = foreignCores(backlogs, workers, sizes);
    for (const { project, groups } of backlogs) {
        for (const { size: task, count } of groups) {
            const size = sizeFor(task, sizes);
            if (size === undefined) {
                const key = `${project} ${describeTask(task)}`;
                const before = misfits.get(key)?.count ?? 0;
                misfits.set(key, { project, count: before + count, task: describeTask(task) });
                continue;
            }
            const left = count - takeForeign(foreign, project, task.cores ?? size.cores, count);
            const key = keyOf(project, size.name);
            const sum = wanted.get(key) ?? { project, size, workers: 0 };
            sum.workers += left / tasksPerWorker(task, size);
            wanted.set(key, sum);
        }
    }
    const demand = [...wanted.values()].map((sum) => ({ ...sum, workers: Math.ceil(sum.workers - 1e-9) }));
    return { demand: demand.filter(({ workers: count }) => count > 0), misfits: [...misfits.values()] };
}

/** Cores that a project has from workers that are not ours. */
function foreignCores(
    backlogs: readonly Backlog[],
    workers: readonly Worker[],
    sizes: readonly Size[],
): Map<string, number> {
    const cores = new Map<string, number>();
    const add = (project: string, count: number): void => void cores.set(project, (cores.get(project) ?? 0) + count);
    backlogs.forEach(({ project, queue }) => add(project, queue.coresConnected));
    for (const { project, size, state } of workers) {
        if (state === "running" && cores.has(project)) {
            add(project, -(sizes.find(({ name }) => name === size)?.cores ?? 0));
        }
    }
    return cores;
}

/** @returns how many of the tasks they do */
function takeForeign(foreign: Map<string, number>, project: string, cores: number, count: number): number {
    const have = foreign.get(project) ?? 0;
    const done = Math.max(0, Math.min(count, Math.floor(have / cores)));
    foreign.set(project, have - done * cores);
    return done;
}

interface Used {
    workers: number;
    cpus: number;
    memMiB: number;
    gpus: number;
}

const one = ({ cpus, memMiB, gpus }: Size): Used => ({ workers: 1, cpus, memMiB, gpus });
const DIMENSIONS = ["workers", "cpus", "memMiB", "gpus"] as const;

const fits = (used: Used, more: Used, limits: Limits): boolean =>
    DIMENSIONS.every((name) => used[name] + more[name] <= (limits[name] ?? Infinity) + 1e-9);

/**
 * What is to be started: demand less what is alive, within the ceiling. Where the ceiling is too low for all, each project is
 * brought up in turn, the one with the fewest workers first.
 * @param workers alive, those of projects that have gone included: they count for the ceiling until they have left
 */
export function missingWorkers(
    demand: readonly Demand[],
    workers: readonly Worker[],
    sizes: readonly Size[],
    ceiling: Limits,
): Missing[] {
    const alive = new Map<string, number>();
    const ofProject = new Map<string, number>();
    const used: Used = { workers: 0, cpus: 0, memMiB: 0, gpus: 0 };
    const add = (more: Used): void => DIMENSIONS.forEach((name) => (used[name] += more[name]));
    for (const { project, size } of workers) {
        const key = keyOf(project, size);
        alive.set(key, (alive.get(key) ?? 0) + 1);
        ofProject.set(project, (ofProject.get(project) ?? 0) + 1);
        const known = sizes.find(({ name }) => name === size);
        add(known === undefined ? { workers: 1, cpus: 0, memMiB: 0, gpus: 0 } : one(known));
    }
    const open = demand.map(({ project, size, workers: count }) => ({
        project,
        size,
        left: count - (alive.get(keyOf(project, size.name)) ?? 0),
        granted: 0,
    }));
    for (;;) {
        const next = open
            .filter(({ left, size }) => left > 0 && fits(used, one(size), ceiling))
            .reduce<(typeof open)[number] | undefined>(
                (least, entry) =>
                    least === undefined || (ofProject.get(entry.project) ?? 0) < (ofProject.get(least.project) ?? 0)
                        ? entry
                        : least,
                undefined,
            );
        if (next === undefined) {
            break;
        }
        next.left -= 1;
        next.granted += 1;
        add(one(next.size));
        ofProject.set(next.project, (ofProject.get(next.project) ?? 0) + 1);
    }
    return open
        .filter(({ granted }) => granted > 0)
        .map(({ project, size, granted }) => ({ project, size, count: granted }));
}
