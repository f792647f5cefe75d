/** What is done with offers. */
import { type Offer, type Resource, scalarOf, takeResources } from "../scheduler";
import { REFUSE } from "../service/appetite";
import type { Missing } from "./demand";
import { avoidedMs, type Hosts } from "../service/hosts";
import type { Size } from "./sizes";

/** Memory beside what the worker's tasks have: the worker itself, and Mesos' executor, MiB. */
export const OVERHEAD_MIB = 64;

export interface Launch {
    readonly offer: Offer;
    readonly workers: readonly {
        readonly project: string;
        readonly size: Size;
        readonly resources: readonly Resource[];
    }[];
    readonly refuseSec: number;
}

export interface Decline {
    readonly offerIds: readonly string[];
    readonly refuseSec: number;
}

export interface Placement {
    readonly launches: readonly Launch[];
    readonly declines: readonly Decline[];
    /** What has found no place. */
    readonly left: readonly Missing[];
}

/** What Mesos is asked for. */
export const asked = ({ cpus, memMiB, diskMiB, gpus }: Size): Readonly<Record<string, number>> => ({
    cpus,
    mem: memMiB + OVERHEAD_MIB,
    ...(diskMiB > 0 && { disk: diskMiB }),
    ...(gpus > 0 && { gpus }),
});

/** Large ones first: they find the fewest places. */
const bySize = (a: Missing, b: Missing): number =>
    b.size.gpus - a.size.gpus || b.size.cpus - a.size.cpus || b.size.memMiB - a.size.memMiB;

/**
 * Puts what is missing on what is offered, each offer as full as can be.
 *
 * Agents with GPUs are left to workers with GPUs. Hosts that are avoided are refused until their time is over.
 */
export function place(missing: readonly Missing[], offers: readonly Offer[], hosts: Hosts, nowMs: number): Placement {
    const wanted = [...missing].sort(bySize).map((entry) => ({ ...entry }));
    const launches: Launch[] = [];
    const declines = new Map<number, string[]>();
    const decline = ({ id }: Offer, sec: number): void => {
        const ids = declines.get(sec) ?? [];
        ids.push(id.value);
        declines.set(sec, ids);
    };
    let open = wanted.reduce((sum, { count }) => sum + count, 0);
    for (const offer of offers) {
        if (open === 0) {
            decline(offer, REFUSE.idle);
            continue;
        }
        const avoided = avoidedMs(hosts, offer.hostname, nowMs);
        if (avoided > 0) {
            decline(offer, Math.ceil(avoided / 1000));
            continue;
        }
        const used = fill(offer, wanted);
        if (used.length === 0) {
            decline(offer, REFUSE.small);
            continue;
        }
        open -= used.length;
        launches.push({ offer, workers: used, refuseSec: open === 0 ? REFUSE.idle : REFUSE.rest });
    }
    return {
        launches,
        declines: [...declines].map(([refuseSec, offerIds]) => ({ refuseSec, offerIds })),
        left: wanted.filter(({ count }) => count > 0),
    };
}

/** Takes from `wanted` what the offer has room for. */
function fill(offer: Offer, wanted: { project: string; size: Size; count: number }[]): Launch["workers"] {
    const used: Launch["workers"][number][] = [];
    let rest: readonly Resource[] = offer.resources;
    const hasGpus = scalarOf(rest, "gpus") > 0;
    const tooLarge = new Set<Size>();
    // In turn, so that projects share a host as they share the cluster.
    for (let progress = true; progress;) {
        progress = false;
        for (const entry of wanted) {
            const { size, project } = entry;
            if (entry.count === 0 || tooLarge.has(size) || hasGpus !== size.gpus > 0) {
                continue;
            }
            const found = takeResources(rest, { scalars: asked(size) });
            if ("lacking" in found) {
                tooLarge.add(size);
                continue;
            }
            rest = found.rest;
            entry.count -= 1;
            used.push({ project, size, resources: found.taken });
            progress = true;
        }
    }
    return used;
}
