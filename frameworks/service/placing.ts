/** What is done with offers: which of them takes which of the tasks that are to be started, and how long the others are refused. */
import { type Ask, type Offer, type Resource, takeResources } from "../scheduler";
import { REFUSE } from "./appetite";
import { avoidedMs, type Hosts } from "./hosts";

/** A task that is to be started, and what it takes of its offer. */
export interface Placed<W> {
    readonly of: W;
    readonly resources: readonly Resource[];
}

export interface Launch<W> {
    readonly offer: Offer;
    readonly tasks: readonly Placed<W>[];
    readonly refuseSec: number;
}

export interface Placement<W> {
    readonly launches: readonly Launch<W>[];
    readonly declines: readonly { readonly offerIds: readonly string[]; readonly refuseSec: number }[];
}

/** So many tasks of one kind are to be started. */
export interface Missing {
    readonly count: number;
    /** Role that they run under. */
    readonly role: string;
}

export interface Rules<W> {
    /** The same object for what takes the same: where it has no room once, it is not tried again. */
    readonly ask: (wanted: W) => Ask;
    /** Whether another one may be put there. */
    readonly suits: (wanted: W, offer: Offer) => boolean;
    /** One has been put there. */
    readonly placed?: (wanted: W, offer: Offer) => void;
}

/** Role that an offer is for; of a master that does not tell, any. */
const isFor = ({ role }: Missing, { allocation_info: allocation }: Offer): boolean =>
    allocation?.role === undefined || allocation.role === role;

/**
 * Puts what is missing on what is offered, each offer as full as can be, kinds in turn: so they share a host as they share the
 * cluster. Hosts that are avoided are refused until their time is over.
 *
 * @param missing in the order in which they are tried
 */
export function place<W extends Missing>(
    missing: readonly W[],
    offers: readonly Offer[],
    hosts: Hosts,
    nowMs: number,
    rules: Rules<W>,
): Placement<W> {
    const wanted = missing.map((of) => ({ of, left: of.count }));
    const launches: Launch<W>[] = [];
    const declines = new Map<number, string[]>();
    for (const offer of offers) {
        const open = wanted.filter(({ of, left }) => left > 0 && isFor(of, offer));
        const avoided = avoidedMs(hosts, offer.hostname, nowMs);
        const tasks = avoided > 0 ? [] : fill(offer, open, rules);
        const isDone = open.every(({ left }) => left === 0);
        if (tasks.length > 0) {
            launches.push({ offer, tasks, refuseSec: isDone ? REFUSE.idle : REFUSE.rest });
            continue;
        }
        const refuseSec = isDone ? REFUSE.idle : avoided > 0 ? Math.ceil(avoided / 1000) : REFUSE.small;
        const ids = declines.get(refuseSec) ?? [];
        ids.push(offer.id.value);
        declines.set(refuseSec, ids);
    }
    return { launches, declines: [...declines].map(([refuseSec, offerIds]) => ({ refuseSec, offerIds })) };
}

/** Takes from `open` what the offer has room for. */
function fill<W>(offer: Offer, open: readonly { of: W; left: number }[], rules: Rules<W>): Placed<W>[] {
    const tasks: Placed<W>[] = [];
    let rest: readonly Resource[] = offer.resources;
    const tooLarge = new Set<Ask>();
    for (let progress = true; progress;) {
        progress = false;
        for (const entry of open) {
            const ask = rules.ask(entry.of);
            if (entry.left === 0 || tooLarge.has(ask) || !rules.suits(entry.of, offer)) {
                continue;
            }
            const found = takeResources(rest, ask);
            if ("lacking" in found) {
                tooLarge.add(ask);
                continue;
            }
            rest = found.rest;
            entry.left -= 1;
            rules.placed?.(entry.of, offer);
            tasks.push({ of: entry.of, resources: found.taken });
            progress = true;
        }
    }
    return tasks;
}
