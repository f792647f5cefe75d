/**
 * Security groups from the declared inventory: who may reach which port is what the stack file says, never what is running.
 *
 * One group that all machines of a project have, and one for each of ZooKeeper, masters and agents. Machines of the same project are named by their group,
 * all others (bare metal, other projects) by their addresses, in the fewest networks that hold nothing else.
 */
import type { PoolConfig, SiteConfig } from "../schema";
import { covering } from "./addresses";
import { parsePorts } from "./agents";
import { coalesce } from "./portRanges";
import type { SecurityGroupPlan, SecurityRulePlan } from "./types";

/** A host and what it does: all that rules depend on. */
export interface Member {
    readonly address: string;
    /** Undefined for a machine that is not of OpenStack. */
    readonly project?: string;
    /** "zookeeper", "masters", "agents". */
    readonly tiers: readonly string[];
    /** Pools that it is in. */
    readonly pools: readonly string[];
}

/** Ports that tasks of a pool may have. */
function offeredPorts({ resources, overrides }: PoolConfig): (readonly [number, number])[] {
    const all = [resources, ...Object.values(overrides).map((override) => override.resources ?? {})];
    return all.flatMap(({ ports = [] }) => ports.map(parsePorts));
}

type Remote = SecurityRulePlan["remote"];

const hostsTier = "hosts";

export function groupName(cluster: string, tier: string): string {
    return `${cluster}-${tier}`;
}

/** Names of the groups of a machine. */
export function groupsOf(site: SiteConfig, tiers: readonly string[]): string[] {
    return site.openstack?.security.manage === true
        ? [hostsTier, ...tiers].map((tier) => groupName(site.cluster, tier))
        : [];
}

/** Plans the groups of every project that has machines. */
export function planSecurityGroups(site: SiteConfig, members: readonly Member[]): SecurityGroupPlan[] {
    const { security } = site.openstack ?? {};
    if (security?.manage !== true) return [];
    const projects = [...new Set(members.flatMap(({ project }) => project ?? []))].sort();
    return projects.flatMap((project) => projectGroups(site, members, project, security));
}

function projectGroups(
    site: SiteConfig,
    members: readonly Member[],
    project: string,
    security: NonNullable<SiteConfig["openstack"]>["security"],
): SecurityGroupPlan[] {
    const { cluster } = site;
    const admins = security.admins.map((cidr): Remote => ({ cidr }));
    const clients = security.clients.map((cidr): Remote => ({ cidr }));
    /** Every host of a tier; without one, every host of the site. */
    const from = (tier?: string): Remote[] => {
        const peers = members.filter(({ tiers }) => tier === undefined || tiers.includes(tier));
        const own = peers.some((peer) => peer.project === project);
        const others = peers.filter((peer) => peer.project !== project).map(({ address }) => address);
        return [
            ...(own ? [{ group: groupName(cluster, tier ?? hostsTier) }] : []),
            ...covering(others).map((cidr) => ({ cidr })),
        ];
    };
    const rules = (ports: readonly [number, number], remotes: readonly Remote[]): SecurityRulePlan[] => {
        const unique = new Map(remotes.map((remote) => [JSON.stringify(remote), remote]));
        return [...unique.values()].map((remote) => ({ ports, remote }));
    };
    const one = (port: number) => [port, port] as const;
    const { clientPort, peerPort, electionPort } = site.zookeeper;
    const pools = Object.entries(site.pools)
        .filter(([name]) => members.some((member) => member.project === project && member.pools.includes(name)))
        .map(([, pool]) => pool);
    const masters =
        site.masters.existing === undefined
            ? from("masters")
            : covering(Object.values(site.masters.existing.addresses)).map((cidr): Remote => ({ cidr }));
    const tierRules = new Map<string, () => SecurityRulePlan[]>([
        [hostsTier, () => rules(one(site.ssh.port ?? 22), admins)],
        [
            "zookeeper",
            () => [
                ...rules(one(clientPort), [...from(), ...admins, ...clients]),
                ...rules(one(peerPort), from("zookeeper")),
                ...rules(one(electionPort), from("zookeeper")),
            ],
        ],
        ["masters", () => rules(one(site.masters.port), [...from(), ...admins, ...clients])],
        [
            "agents",
            () => [
                ...[...new Set(pools.map(({ port }) => port))].flatMap((port) =>
                    rules(one(port), [...masters, ...admins]),
                ),
                ...coalesce(pools.flatMap(offeredPorts)).flatMap((range) => rules(range, [...from(), ...clients])),
            ],
        ],
    ]);
    const used = new Set([
        hostsTier,
        ...members.filter((member) => member.project === project).flatMap(({ tiers }) => tiers),
    ]);
    return [...tierRules]
        .filter(([tier]) => used.has(tier))
        .map(([tier, make]) => ({ name: groupName(cluster, tier), project, rules: make() }));
}
