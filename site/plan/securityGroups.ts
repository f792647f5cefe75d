/**
 * Security groups from the declared inventory: who may reach which port is what the stack file says, never what is running.
 *
 * One group that all machines of a project have, and one for each kind of service. Machines of the same project are named by their group,
 * all others (bare metal, other projects) by their addresses, in the fewest networks that hold nothing else.
 */
import type { PoolConfig, SiteConfig } from "../schema";
import { covering } from "./addresses";
import { parsePorts } from "./agents";
import { coalesce } from "./portRanges";
import type { SecurityGroupPlan, SecurityRulePlan } from "./types";

/** What hosts do. */
export type Tier =
    | ("zookeeper" | "masters" | "agents" | "marathon" | "metronome")
    | ("balancers" | "names" | "workloads" | "monitors" | "bastions");

/** A host and what it does: all that rules depend on. */
export interface Member {
    readonly address: string;
    /** Undefined for a machine that is not of OpenStack. */
    readonly project?: string;
    readonly tiers: readonly Tier[];
    /** Pools that it is in. */
    readonly pools: readonly string[];
}

/** Ports that tasks of a pool may have. */
function offeredPorts({ resources, overrides }: PoolConfig): (readonly [number, number])[] {
    const all = [resources, ...Object.values(overrides).map((override) => override.resources ?? {})];
    return all.flatMap(({ ports = [] }) => ports.map(parsePorts));
}

/** The build store runs on an agent, outside of the ports that are offered. */
function storePorts({ builds }: SiteConfig["workloads"]): number[] {
    return builds === undefined ? [] : [builds.store.port, builds.store.gitPort, builds.store.statusPort];
}

type Remote = SecurityRulePlan["remote"];

const hostsTier = "hosts";

export function groupName(cluster: string, tier: string): string {
    return `${cluster}-${tier}`;
}

/** Names of the groups of a machine. */
export function groupsOf(site: SiteConfig, tiers: readonly Tier[]): string[] {
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
    const from = (tier?: Tier): Remote[] => {
        const peers = members.filter(({ tiers }) => tier === undefined || tiers.includes(tier));
        const own = peers.some((peer) => peer.project === project);
        const others = peers.filter((peer) => peer.project !== project).map(({ address }) => address);
        return [
            ...(own ? [{ group: groupName(cluster, tier ?? hostsTier) }] : []),
            ...covering(others).map((cidr) => ({ cidr })),
        ];
    };
    const rules = (
        ports: readonly [number, number],
        remotes: readonly Remote[],
        protocol: SecurityRulePlan["protocol"] = "tcp",
    ): SecurityRulePlan[] => {
        const unique = new Map(remotes.map((remote) => [JSON.stringify(remote), remote]));
        return [...unique.values()].map((remote) => ({ protocol, ports, remote }));
    };
    const one = (port: number) => [port, port] as const;
    const everybody = [...from(), ...admins, ...clients];
    const schedulerRules = (kind: "marathon" | "metronome"): SecurityRulePlan[] => {
        const { port, libprocessPort } = site[kind] ?? {};
        return [
            ...(port === undefined ? [] : rules(one(port), everybody)),
            // The masters connect back to it, and agents bring its executors' messages.
            ...(libprocessPort === undefined ? [] : rules(one(libprocessPort), [...from(), ...masters])),
        ];
    };
    const { clientPort, peerPort, electionPort } = site.zookeeper;
    const pools = Object.entries(site.pools)
        .filter(([name]) => members.some((member) => member.project === project && member.pools.includes(name)))
        .map(([, pool]) => pool);
    const masters =
        site.masters.existing === undefined
            ? from("masters")
            : covering(Object.values(site.masters.existing.addresses)).map((cidr): Remote => ({ cidr }));
    const balancerRules = ({ httpPort, healthPort, servicePorts }: NonNullable<SiteConfig["loadBalancer"]>) =>
        [one(httpPort), one(healthPort), ...coalesce(servicePorts.map(parsePorts))].flatMap((range) =>
            rules(range, everybody),
        );
    const workloadRules = ({
        workQueue,
        dds,
        validations,
        productions,
    }: SiteConfig["workloads"]): SecurityRulePlan[] => {
        // Agents fetch their packages there.
        const framework = dds === undefined ? [] : rules(one(dds.port), everybody);
        if (workQueue === undefined) return framework;
        const campaigns = [...Object.values(validations), ...Object.values(productions)];
        const open = [workQueue.port, workQueue.catalog.port, ...campaigns.map(({ statusPort }) => statusPort)];
        return [
            ...framework,
            ...[...new Set(open)].flatMap((port) => rules(one(port), everybody)),
            ...rules(one(workQueue.catalog.port), everybody, "udp"),
            // Workers come from agents, and from wherever else somebody starts some by hand.
            ...[...new Set(campaigns.map(({ port }) => port))].flatMap((port) =>
                rules(one(port), [...from(), ...clients]),
            ),
        ];
    };
    const tierRules: Readonly<Record<Tier | typeof hostsTier, () => SecurityRulePlan[]>> = {
        [hostsTier]: () => [
            ...rules(one(site.ssh.port ?? 22), [...admins, ...from("bastions")]),
            ...(site.monitoring === undefined
                ? []
                : rules(one(site.monitoring.nodeExporterPort), [...from("monitors"), ...admins, ...from("bastions")])),
        ],
        zookeeper: () => [
            ...rules(one(clientPort), everybody),
            ...rules(one(peerPort), from("zookeeper")),
            ...rules(one(electionPort), from("zookeeper")),
        ],
        masters: () => rules(one(site.masters.port), everybody),
        agents: () => [
            ...storePorts(site.workloads).flatMap((port) => rules(one(port), [...from(), ...admins, ...clients])),
            ...[...new Set(pools.map(({ port }) => port))].flatMap((port) =>
                rules(one(port), [...masters, ...admins, ...from("bastions"), ...from("monitors")]),
            ),
            ...coalesce(pools.flatMap(offeredPorts)).flatMap((range) => rules(range, [...from(), ...clients])),
        ],
        marathon: () => schedulerRules("marathon"),
        metronome: () => schedulerRules("metronome"),
        balancers: () => (site.loadBalancer === undefined ? [] : balancerRules(site.loadBalancer)),
        names: () => {
            const { port } = site.discovery ?? {};
            return port === undefined ? [] : (["udp", "tcp"] as const).flatMap((ip) => rules(one(port), everybody, ip));
        },
        workloads: () => workloadRules(site.workloads),
        monitors: () =>
            site.monitoring === undefined ? [] : rules(one(site.monitoring.port), [...admins, ...clients]),
        // Nothing but SSH goes through it.
        bastions: () => [],
    };
    const used = new Set<string>([
        hostsTier,
        ...members.filter((member) => member.project === project).flatMap(({ tiers }) => tiers),
    ]);
    return Object.entries(tierRules)
        .filter(([tier]) => used.has(tier))
        .map(([tier, make]) => ({ name: groupName(cluster, tier), project, rules: make() }));
}
