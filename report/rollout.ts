/** In which order services restart, how long that takes, and what it puts off. */
import type { HostChange } from "./hosts";
import { agentPaths } from "../site/plan/paths";
import { sorted } from "./fold";

export interface RolloutStep {
    readonly tier: string;
    /** One group after the other; the hosts of a group at a time. */
    readonly waves: readonly (readonly string[])[];
    /** Whether the order is known, or only its rule. */
    readonly orderKnown: boolean;
    readonly note: string;
    /** Where nothing waits, seconds. */
    readonly expectedSec: number;
    /** After which it has failed or ended, seconds. */
    readonly atMostSec: number;
}

/**
 * Seconds that a host usually takes, from the first look to healthy: estimates, of which only ZooKeeper's is measured (bench), rounded
 * up. The service's own start dominates: the JVM's, the registry's recovery, the agent's registration.
 */
export const usualSec: Readonly<Record<HostChange["kind"], number>> = {
    zookeeper: 10,
    mesosMaster: 15,
    mesosAgent: 15,
    marathon: 40,
    metronome: 40,
    workQueueCatalog: 5,
    workQueue: 15,
    dds: 15,
    campaign: 5,
    loadBalancer: 5,
    nameServer: 5,
    monitoring: 10,
    nodeExporter: 5,
    backup: 5,
};

/** As components depend on each other. */
const rank: readonly HostChange["kind"][] = [
    "zookeeper",
    "mesosMaster",
    "marathon",
    "metronome",
    "loadBalancer",
    "nameServer",
    "mesosAgent",
    "workQueueCatalog",
    "workQueue",
    "campaign",
    "dds",
    "backup",
    "nodeExporter",
    "monitoring",
];

const quorums: ReadonlySet<string> = new Set(["zookeeper", "mesosMaster", "marathon", "metronome", "workQueue", "dds"]);
/** Seconds that the provider gives the master to notice the last task's end. */
const drainMarginSec = 60;

export const isQuorum = (kind: HostChange["kind"]): boolean => kind === "zookeeper" || kind === "mesosMaster";

/** Whether the agent is emptied before the change. */
export function drains({
    kind,
    action,
    agent,
    files,
}: Pick<HostChange, "kind" | "action" | "agent" | "files">): boolean {
    if (kind !== "mesosAgent") return false;
    const refusesExecutors = changes(files, agentPaths.executorKey);
    return action === "leaves" || action === "moves to another machine" || isNewAgent(agent) || refusesExecutors;
}

const changes = (files: HostChange["files"], path: string): boolean =>
    files.some((file) => file.path === path && file.change === "changed");

export function isNewAgent(agent: HostChange["agent"]): boolean {
    return agent?.kind === "newAgentId" || agent?.kind === "replaceHost";
}

function chunks<T>(items: readonly T[], size: number): T[][] {
    const count = Math.max(1, size);
    return Array.from({ length: Math.ceil(items.length / count) }, (_, i) => items.slice(i * count, (i + 1) * count));
}

function tierStep(tier: string, hosts: readonly HostChange[]): RolloutStep {
    const [first] = hosts as readonly [HostChange];
    const isLed = quorums.has(first.kind);
    const known = isLed && hosts.every(({ turn }) => turn !== undefined);
    const ordered = known
        ? [...hosts].sort((a, b) => (a.turn ?? 0) - (b.turn ?? 0))
        : sorted(hosts.map(({ host }) => host)).flatMap((name) => hosts.filter(({ host }) => host === name));
    // Masters with another secret refuse all of them until they have it too: none is spared by waiting.
    const isRefused = hosts.some(({ files }) => changes(files, agentPaths.credential));
    const atOnce = isRefused ? hosts.length : first.maxUnavailable;
    const waves = chunks(ordered, isLed ? 1 : atOnce);
    const time = (of: (host: HostChange) => number): number =>
        waves.reduce((sum, wave) => sum + Math.max(...wave.map(of)), 0);
    const draining = hosts.filter(drains);
    const note = isLed
        ? known
            ? "one at a time, the leader last"
            : "one at a time, followers first, the leader last; who leads is not known here"
        : `${isRefused ? "all at once" : `${first.maxUnavailable} at a time`}${draining.length > 0 ? `; drained first, up to ${Math.max(...draining.map(({ drainGraceSec }) => drainGraceSec))} s each` : "; tasks keep running"}`;
    return {
        tier,
        waves: waves.map((wave) => wave.map(({ host }) => host)),
        orderKnown: known || !isLed,
        note: first.kind === "mesosAgent" || isLed ? note : `${first.maxUnavailable} at a time`,
        expectedSec: time(({ kind }) => usualSec[kind]),
        atMostSec: time((host) => host.healthTimeoutSec + (drains(host) ? host.drainGraceSec + drainMarginSec : 0)),
    };
}

/** Tiers whose services restart, in the order of their dependencies. Hosts that join or leave are not restarts. */
export function rolloutOf(changes: readonly HostChange[]): RolloutStep[] {
    const restarting = changes.filter(
        (change) => change.action === "changes" && (change.restarts.length > 0 || isNewAgent(change.agent)),
    );
    const tiers = new Map<string, HostChange[]>();
    for (const change of restarting) tiers.set(change.tier, [...(tiers.get(change.tier) ?? []), change]);
    return [...tiers]
        .sort(
            ([a, [x]], [b, [y]]) =>
                rank.indexOf(x?.kind ?? "mesosAgent") - rank.indexOf(y?.kind ?? "mesosAgent") || a.localeCompare(b),
        )
        .map(([tier, hosts]) => tierStep(tier, hosts));
}
