/** What is done with offers. */
import { type Ask, type Offer, scalarOf } from "../scheduler";
import type { Hosts } from "../service/hosts";
import { type Missing, place as placeTasks, type Placement } from "../service/placing";
import type { Missing as MissingOfProject } from "./demand";
import type { Size } from "./sizes";

/** Memory beside what the worker's tasks have: the worker itself, and Mesos' executor, MiB. */
export const OVERHEAD_MIB = 64;

export interface MissingWorkers extends MissingOfProject, Missing {}

/** What Mesos is asked for. */
export const asked = ({ cpus, memMiB, diskMiB, gpus }: Size): Readonly<Record<string, number>> => ({
    cpus,
    mem: memMiB + OVERHEAD_MIB,
    ...(diskMiB > 0 && { disk: diskMiB }),
    ...(gpus > 0 && { gpus }),
});

/** Large ones first: they find the fewest places. */
const bySize = (a: MissingWorkers, b: MissingWorkers): number =>
    b.size.gpus - a.size.gpus || b.size.cpus - a.size.cpus || b.size.memMiB - a.size.memMiB;

/** Puts what is missing on what is offered. Agents with GPUs are left to workers with GPUs. */
export function place(
    missing: readonly MissingWorkers[],
    offers: readonly Offer[],
    hosts: Hosts,
    nowMs: number,
): Placement<MissingWorkers> {
    const asks = new Map<Size, Ask>(missing.map(({ size }) => [size, { scalars: asked(size) }]));
    return placeTasks([...missing].sort(bySize), offers, hosts, nowMs, {
        ask: ({ size }) => asks.get(size) ?? { scalars: asked(size) },
        suits: ({ size }, { resources }) => scalarOf(resources, "gpus") > 0 === size.gpus > 0,
    });
}
