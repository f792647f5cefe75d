/** What a project has and what is wanted of it: quotas, flavors, and the servers that are there. */
import { nearest } from "../../site/nearest";
import type { CloudRef } from "../clients/cloudCredentials";
import {
    CloudUnreachable,
    type Flavor,
    type FloatingIp,
    type Kind,
    type OpenStack,
    type Port,
    type Server,
    type Usage,
} from "../clients/openstack";
import { UserError } from "../resources/resource";
import type { PluginFunction } from "./function";

/** A machine that the plan wants in the project. */
export interface WantedMachine {
    readonly name: string;
    readonly flavor: string;
    readonly bootVolumeGiB?: number;
    readonly dataVolumeGiB?: number;
    readonly ports: readonly string[];
    /** Whether an address from outside leads to its first port. */
    readonly floatingIp: boolean;
}

/** What is made in the project around the machines, by name. */
export interface WantedSurroundings {
    readonly networks: readonly string[];
    readonly subnets: readonly string[];
    readonly routers: readonly string[];
    readonly securityGroups: readonly { readonly name: string; readonly rules: number }[];
}

export interface CheckCloudArgs {
    /** The stack file's name for the project. */
    readonly project: string;
    readonly cloud: CloudRef;
    readonly machines: readonly WantedMachine[];
    readonly surroundings: WantedSurroundings;
}

export interface SeenServer {
    readonly name: string;
    readonly id: string;
    readonly status: string;
    readonly shape: string;
    readonly image: string;
    /** Id of the failed server that it was made instead of. */
    readonly instead: string;
}

export interface CheckCloudResult {
    /** Why the cloud could not be asked; undefined when it was. */
    readonly unreached?: string;
    readonly problems: readonly string[];
    /** Servers with names of the plan. */
    readonly servers: readonly SeenServer[];
}

const WORDS: Readonly<Record<string, string>> = {
    instances: "instances",
    cores: "cores",
    ramMiB: "MiB of RAM",
    volumes: "volumes",
    gigabytes: "GiB of volumes",
    ports: "ports",
    networks: "networks",
    subnets: "subnets",
    routers: "routers",
    floatingIps: "floating IPs",
    securityGroups: "security groups",
    securityGroupRules: "security group rules",
};

/** Those that Neutron gives every new security group: egress by IPv4 and by IPv6. */
const RULES_OF_A_NEW_GROUP = 2;

/** What the machines need that is not there yet. */
export function neededMore(
    machines: readonly WantedMachine[],
    flavors: ReadonlyMap<string, Flavor>,
    present: {
        readonly servers: ReadonlySet<string>;
        readonly volumes: ReadonlySet<string>;
        readonly ports: ReadonlySet<string>;
    },
): Record<string, number> {
    const needs = { instances: 0, cores: 0, ramMiB: 0, volumes: 0, gigabytes: 0, ports: 0 };
    for (const { name, flavor, bootVolumeGiB, dataVolumeGiB, ports } of machines) {
        const size = flavors.get(flavor);
        if (!present.servers.has(name)) {
            needs.instances += 1;
            needs.cores += size?.vcpus ?? 0;
            needs.ramMiB += size?.ram ?? 0;
            needs.volumes += bootVolumeGiB === undefined ? 0 : 1;
            needs.gigabytes += bootVolumeGiB ?? 0;
        }
        if (dataVolumeGiB !== undefined && !present.volumes.has(`${name}-data`)) {
            needs.volumes += 1;
            needs.gigabytes += dataVolumeGiB;
        }
        needs.ports += ports.filter((port) => !present.ports.has(port)).length;
    }
    return needs;
}

/** What the surroundings need that is not there yet. */
export function neededAround(
    { networks, subnets, routers, securityGroups }: WantedSurroundings,
    present: Readonly<Record<keyof WantedSurroundings, ReadonlySet<string>>>,
): Record<string, number> {
    const lacking = (names: readonly string[], there: ReadonlySet<string>): number =>
        names.filter((name) => !there.has(name)).length;
    const newGroups = securityGroups.filter(({ name }) => !present.securityGroups.has(name));
    return {
        networks: lacking(networks, present.networks),
        subnets: lacking(subnets, present.subnets),
        routers: lacking(routers, present.routers),
        securityGroups: newGroups.length,
        securityGroupRules: newGroups.reduce((sum, { rules }) => sum + rules + RULES_OF_A_NEW_GROUP, 0),
    };
}

/**
 * Floating IPs that are not there yet. One that leads nowhere at the moment may be ours, its port deleted behind our back: a run
 * that would go well is never refused for it.
 */
export function neededFloatingIps(
    machines: readonly WantedMachine[],
    ports: readonly Port[],
    floatingIps: readonly FloatingIp[],
): number {
    const reached = new Set(floatingIps.map(({ port_id: port }) => port));
    const has = new Set(ports.filter(({ id }) => reached.has(id)).map(({ name }) => name));
    const wanting = machines.filter(({ name, floatingIp }) => floatingIp && !has.has(name)).length;
    const idle = floatingIps.filter(({ port_id: port }) => port === null).length;
    return Math.max(0, wanting - idle);
}

/** One line for each quota that does not suffice. */
export function shortfalls(needs: Readonly<Record<string, number>>, usage: Readonly<Record<string, Usage>>): string[] {
    return Object.entries(needs).flatMap(([name, more]) => {
        const { limit, used } = usage[name] ?? { limit: -1, used: 0 };
        return more === 0 || limit < 0 || used + more <= limit
            ? []
            : [
                  `${more} more ${WORDS[name] ?? name} are needed, ${Math.max(0, limit - used)} are left of the quota of ${limit}`,
              ];
    });
}

function flavorProblems(machines: readonly WantedMachine[], flavors: ReadonlyMap<string, Flavor>): string[] {
    const missing = [...new Set(machines.map(({ flavor }) => flavor))].filter((name) => !flavors.has(name));
    const known = [...flavors.keys()].sort();
    return missing.map((name) => {
        const near = nearest(name, known);
        const shown = known.length > 12 ? [...known.slice(0, 12), `and ${known.length - 12} more`] : known;
        return `there is no flavor "${name}"; there are ${shown.join(", ")}${near === undefined ? "" : `; did you mean "${near}"?`}`;
    });
}

function seen({ name, id, status, metadata }: Server): SeenServer {
    return {
        name,
        id,
        status,
        shape: metadata["pulumi-mesos-shape"] ?? "",
        image: metadata["pulumi-mesos-image"] ?? "",
        instead: metadata["pulumi-mesos-instead"] ?? "",
    };
}

/** Names of what the project has of a kind; asked only when some of it is wanted. */
async function namesOf(api: OpenStack, kind: Kind, wanted: readonly unknown[]): Promise<ReadonlySet<string>> {
    return new Set((wanted.length === 0 ? [] : await api.list(kind)).map(({ name }) => name));
}

async function whatIsAround(api: OpenStack, wanted: WantedSurroundings): Promise<Record<string, number>> {
    const [networks, subnets, routers, securityGroups] = await Promise.all([
        namesOf(api, "network", wanted.networks),
        namesOf(api, "subnet", wanted.subnets),
        namesOf(api, "router", wanted.routers),
        namesOf(api, "securityGroup", wanted.securityGroups),
    ]);
    return neededAround(wanted, { networks, subnets, routers, securityGroups });
}

/** Asks a project. Never fails because a cloud is out of reach: it says so. */
export async function lookAtCloud(openstack: () => OpenStack, args: CheckCloudArgs): Promise<CheckCloudResult> {
    const { machines, project, surroundings } = args;
    try {
        const api = openstack();
        const wantsVolumes = machines.some(
            (item) => item.dataVolumeGiB !== undefined || item.bootVolumeGiB !== undefined,
        );
        const [servers, flavorList, usage, ports, volumes, floatingIps, around] = await Promise.all([
            api.servers(),
            api.flavors(),
            api.usage(),
            api.ports(),
            wantsVolumes ? api.volumes() : [],
            machines.some(({ floatingIp }) => floatingIp) ? api.floatingIps() : [],
            whatIsAround(api, surroundings),
        ]);
        const names = new Set(machines.map(({ name }) => name));
        const flavors = new Map(flavorList.map((flavor) => [flavor.name, flavor]));
        const forMachines = neededMore(machines, flavors, {
            servers: new Set(servers.map(({ name }) => name)),
            volumes: new Set(volumes.map(({ name }) => name)),
            ports: new Set(ports.map(({ name }) => name)),
        });
        const needs = { ...forMachines, ...around, floatingIps: neededFloatingIps(machines, ports, floatingIps) };
        const problems = [...flavorProblems(machines, flavors), ...shortfalls(needs, usage)];
        return {
            problems: problems.map((problem) => `project ${project}: ${problem}`),
            servers: servers.filter(({ name }) => names.has(name)).map(seen),
        };
    } catch (error) {
        if (error instanceof CloudUnreachable || error instanceof UserError) {
            return { unreached: error.message, problems: [], servers: [] };
        }
        throw error;
    }
}

export function checkCloud(connect: (cloud: CloudRef) => OpenStack): PluginFunction {
    return async (args) => {
        const asked = args as unknown as CheckCloudArgs;
        const result = await lookAtCloud(() => connect(asked.cloud), asked);
        return { ...result } as unknown as Awaited<ReturnType<PluginFunction>>;
    };
}

/** Why Nova could not make a server, in its own words. */
export function serverFault(connect: (cloud: CloudRef) => OpenStack): PluginFunction {
    return async (args) => {
        const { cloud, id } = args as unknown as { cloud: CloudRef; id: string };
        try {
            const server = await connect(cloud).server(id);
            return { message: server?.fault?.message ?? "" };
        } catch {
            return { message: "" };
        }
    };
}
