/** Which offer gets which agents. */
import { type Offer, type Resource, takeResources } from "../scheduler";
import { REFUSE } from "../service/appetite";
import { avoidedMs, type Hosts } from "../service/hosts";
import type { SessionSpec } from "./config";

/** Agents that are to be started. */
export interface Missing {
    readonly session: string;
    readonly generation: string;
    readonly spec: SessionSpec;
    readonly count: number;
}

export interface Launch {
    readonly offer: Offer;
    readonly agents: readonly { readonly of: Missing; readonly resources: readonly Resource[] }[];
    readonly refuseSec: number;
}

export interface Placement {
    readonly launches: readonly Launch[];
    readonly declines: readonly { readonly offerIds: readonly string[]; readonly refuseSec: number }[];
}

/** Whether the host is such as a session wants. */
export const suits = ({ attributes: wanted }: SessionSpec, { attributes = [] }: Offer): boolean =>
    Object.entries(wanted).every(([key, value]) =>
        attributes.some(
            ({ name, text, scalar }) => name === key && (text?.value ?? String(scalar?.value ?? "")) === value,
        ),
    );

/**
 * Puts what is missing on what is offered, sessions in turn.
 * @param taken agents that there are, on which of Mesos' agents
 */
export function place(
    missing: readonly Missing[],
    offers: readonly Offer[],
    taken: readonly { readonly session: string; readonly agentId: string }[],
    hosts: Hosts,
    nowMs: number,
): Placement {
    const open = missing.map((of) => ({ of, left: of.count }));
    const there = new Map<string, number>();
    const key = (session: string, agentId: string): string => `${session} ${agentId}`;
    const add = (session: string, agentId: string): void =>
        void there.set(key(session, agentId), (there.get(key(session, agentId)) ?? 0) + 1);
    taken.forEach(({ session, agentId }) => add(session, agentId));
    const launches: Launch[] = [];
    const declines = new Map<number, string[]>();
    for (const offer of offers) {
        const avoided = avoidedMs(hosts, offer.hostname, nowMs);
        const agents: Launch["agents"][number][] = [];
        let rest = offer.resources;
        for (let progress = avoided === 0; progress;) {
            progress = false;
            for (const entry of open) {
                const { session, spec } = entry.of;
                const here = there.get(key(session, offer.agent_id.value)) ?? 0;
                if (entry.left === 0 || here >= spec.agentsPerHost || !suits(spec, offer)) {
                    continue;
                }
                const ask = { scalars: { cpus: spec.cpus, mem: spec.memMiB, disk: spec.diskMiB } };
                const found = takeResources(rest, ask);
                if ("lacking" in found) {
                    continue;
                }
                rest = found.rest;
                entry.left -= 1;
                add(session, offer.agent_id.value);
                agents.push({ of: entry.of, resources: found.taken });
                progress = true;
            }
        }
        const done = open.every(({ left }) => left === 0);
        if (agents.length > 0) {
            launches.push({ offer, agents, refuseSec: done ? REFUSE.idle : REFUSE.rest });
            continue;
        }
        const refuseSec = done ? REFUSE.idle : avoided > 0 ? Math.ceil(avoided / 1000) : REFUSE.small;
        declines.set(refuseSec, [...(declines.get(refuseSec) ?? []), offer.id.value]);
    }
    return { launches, declines: [...declines].map(([refuseSec, offerIds]) => ({ refuseSec, offerIds })) };
}
