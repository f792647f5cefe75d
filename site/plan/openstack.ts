/** What is made in OpenStack: machines for hosts, and what these need. */
import { createHash } from "node:crypto";
import { expandRange } from "../ranges";
import type { SiteConfig } from "../schema";
import { uuidPattern } from "../schema/openstack";
import { file } from "./files";
import { onlyOne, type Host, type VirtualMachineEntry } from "./hosts";
import { groupsOf, planSecurityGroups, type Member, type Tier } from "./securityGroups";
import type {
    FailureDomainPlan,
    HostSpec,
    InstancePlan,
    ManagedFile,
    NetworkPlan,
    OpenStackPlan,
    PoolPlan,
} from "./types";

/** A name that an entry gives, or the only one that there is. */
export function named(given: string | undefined, map: Readonly<Record<string, unknown>>): string {
    return given ?? onlyOne(map) ?? "";
}

const nothing: HostTiers = { tiers: [], pools: [] };

type OpenStackConfig = NonNullable<SiteConfig["openstack"]>;

/** The failure domain of a host, completed. */
export function failureDomainOf(config: OpenStackConfig, name: string): FailureDomainPlan | undefined {
    const entry = config.failureDomains[name];
    if (entry === undefined) return undefined;
    const network = named(entry.network, config.networks);
    const subnet = entry.subnet ?? config.networks[network]?.subnet;
    return {
        name,
        zone: entry.zone ?? name,
        ...(entry.volumeZone === undefined ? {} : { volumeZone: entry.volumeZone }),
        network,
        ...(subnet === undefined ? {} : { subnet }),
    };
}

/** The host's own part of a range that pairs with its name's. */
export function pairedAddress(text: string | undefined, offset: number): string | undefined {
    return text === undefined ? undefined : expandRange(text).items.find((item) => item.offset === offset)?.text;
}

/** What a host does. */
export interface HostTiers {
    readonly tiers: readonly Tier[];
    readonly pools: readonly string[];
}

/** "quorum" for whatever serves the whole site, else the pool: what is placed and rolled together. */
function rollingTier({ tiers, pools }: HostTiers): string {
    return tiers.some((tier) => tier !== "agents") ? "quorum" : (pools[0] ?? "");
}

/** Whatever makes another machine necessary when it changes, the image apart. */
function shapeOf(parts: unknown): string {
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
}

function planInstance(site: SiteConfig, config: OpenStackConfig, host: Host, does: HostTiers): InstancePlan[] {
    const { vm, name, address, offset, protect, connection } = host;
    const failureDomain = failureDomainOf(config, host.zone);
    if (vm === undefined || failureDomain === undefined) return [];
    const tier = rollingTier(does);
    const { flavor, bootVolume, dataVolume } = vm;
    const machine = { flavor, zone: failureDomain.zone, ...(bootVolume === undefined ? {} : { bootVolume }) };
    return [
        {
            host: name,
            project: named(vm.project, config.projects),
            address,
            failureDomain,
            flavor,
            image: named(vm.image, config.images),
            keyPair: named(vm.keyPair, config.keyPairs),
            ...(bootVolume === undefined ? {} : { bootVolume: defined(bootVolume) }),
            ...(dataVolume === undefined ? {} : { dataVolume: defined(dataVolume) }),
            extraNetworks: vm.extraNetworks.map(({ network, address: range }) => {
                const own = pairedAddress(range, offset);
                return { network, ...(own === undefined ? {} : { address: own }) };
            }),
            ...(vm.floatingIp === undefined ? {} : { floatingIpPool: vm.floatingIp.pool }),
            tier,
            securityGroups: groupsOf(site, does.tiers),
            protect,
            connection,
            maxUnavailable: tier === "quorum" ? 1 : (site.pools[tier]?.maxUnavailable ?? 1),
            shape: shapeOf(machine),
        },
    ];
}

/** Without the keys that have no value. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
    return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
        [K in keyof T]: Exclude<T[K], undefined>;
    };
}

function planNetworks(config: OpenStackConfig, used: ReadonlySet<string>, projects: readonly string[]): NetworkPlan[] {
    return Object.entries(config.networks)
        .filter(([name]) => used.has(name))
        .map(([name, entry]) => {
            const { id, subnet, cidr, gateway, dns, router } = entry;
            const existing = id !== undefined ? { id } : entry.name !== undefined ? { name: entry.name } : undefined;
            return {
                name,
                project: entry.project ?? projects[0] ?? "",
                ...(existing === undefined ? {} : { existing }),
                ...(subnet === undefined ? {} : { subnet }),
                ...(cidr === undefined ? {} : { cidr }),
                ...(gateway === undefined ? {} : { gateway }),
                dns,
                ...(router === undefined
                    ? {}
                    : { routerTo: isUuid(router.external) ? { id: router.external } : { name: router.external } }),
            };
        });
}

function isUuid(text: string): boolean {
    return uuidPattern.test(text);
}

function unique<T>(items: readonly T[]): T[] {
    const byText = new Map(items.map((item) => [JSON.stringify(item), item]));
    return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

/**
 * Plans what is made in OpenStack.
 * @param does what each host does; hosts that do nothing are not made
 * @returns undefined for a site without virtual machines
 */
export function planOpenStack(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    does: ReadonlyMap<string, HostTiers>,
): OpenStackPlan | undefined {
    const { openstack: config } = site;
    if (config === undefined) return undefined;
    const used = [...hosts.values()].filter(({ name }) => does.has(name));
    const instances = used.flatMap((host) => planInstance(site, config, host, does.get(host.name) ?? nothing));
    if (instances.length === 0) return undefined;
    const members = used.map(({ name, address, vm }): Member => {
        const project = vm === undefined ? undefined : named(vm.project, config.projects);
        return { address, ...(project === undefined ? {} : { project }), ...(does.get(name) ?? nothing) };
    });
    const projects = unique(instances.map(({ project }) => project));
    const images = new Set(instances.map(({ image }) => image));
    const networks = new Set(
        instances.flatMap(({ failureDomain, extraNetworks }) => [
            failureDomain.network,
            ...extraNetworks.map(({ network }) => network),
        ]),
    );
    return {
        cluster: site.cluster,
        projects: projects.map((name) => ({ name, ...defined(config.projects[name] ?? {}) })),
        networks: planNetworks(config, networks, projects),
        images: Object.entries(config.images)
            .filter(([name]) => images.has(name))
            .map(([name, { id, name: imageName, generation, project }]) => ({
                name,
                project: project ?? instances.find(({ image }) => image === name)?.project ?? "",
                ...(id === undefined ? {} : { id }),
                ...(imageName === undefined ? {} : { imageName }),
                generation,
            })),
        keyPairs: unique(instances.map(({ keyPair, project }) => ({ keyPair, project }))).flatMap(
            ({ keyPair, project }) => {
                const key = defined(config.keyPairs[keyPair] ?? {});
                return Object.keys(key).length === 0 ? [] : [{ name: keyPair, project, ...key }];
            },
        ),
        serverGroups: unique(instances.map(({ tier, project }) => ({ tier, project }))).flatMap((group) => {
            const policy = config.serverGroups[group.tier] ?? (group.tier === "quorum" ? "soft-anti-affinity" : "none");
            return policy === "none" ? [] : [{ ...group, policy }];
        }),
        securityGroups: planSecurityGroups(site, members),
        extraGroups: config.security.groups,
        instances,
    };
}

/** The services of a site, each with its hosts. */
export type Placed = Readonly<Record<Exclude<Tier, "agents" | "bastions">, readonly { readonly name: string }[]>>;

/** What each host does, by name; one that only others are reached through does that. */
export function tiersByHost(
    placed: Placed,
    pools: readonly PoolPlan[],
    hosts: ReadonlyMap<string, Host>,
): Map<string, HostTiers> {
    const does = new Map<string, HostTiers>();
    const add = (host: string, tier: Tier, pool: readonly string[] = []): void => {
        const known = does.get(host) ?? nothing;
        does.set(host, { tiers: [...new Set([...known.tiers, tier])], pools: [...known.pools, ...pool] });
    };
    for (const [tier, members] of Object.entries(placed) as [keyof Placed, Placed[keyof Placed]][])
        members.forEach(({ name }) => add(name, tier));
    pools.forEach(({ name, agents }) => agents.forEach(({ host }) => add(host, "agents", [name])));
    for (const name of [...does.keys()]) {
        const bastion = hosts.get(name)?.bastion;
        if (bastion !== undefined) add(bastion, "bastions");
    }
    return does;
}

/** Whether a path is the directory or below it. */
export function isBelow(path: string, directory: string): boolean {
    return path === directory || path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

/**
 * A service on a host with a data volume: its units wait for the volume, and free space is not asked of the disk that lies
 * under the mount point.
 */
export function withDataVolume(spec: HostSpec, entry: VirtualMachineEntry | undefined): HostSpec {
    const mount = entry?.dataVolume?.mount;
    if (mount === undefined) return spec;
    const dropIns = Object.keys(spec.units).map((unit): [string, ManagedFile] => [
        `/etc/systemd/system/${unit}.d/data-volume.conf`,
        file(`# Written by pulumi-mesos: the service never writes under the mount point of a missing volume.
[Unit]
RequiresMountsFor=${mount}
`),
    ]);
    const tools = entry?.dataVolume?.filesystem === "xfs" ? [{ name: "xfsprogs" }] : [];
    return {
        ...spec,
        mount,
        packages: [...spec.packages, ...tools],
        files: { ...spec.files, ...Object.fromEntries(dropIns) },
        preflight: {
            ...spec.preflight,
            freeMiB: Object.fromEntries(
                Object.entries(spec.preflight.freeMiB).filter(([path]) => !isBelow(path, mount)),
            ),
        },
    };
}
