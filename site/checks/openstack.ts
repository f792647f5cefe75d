/** `openstack`, and hosts of kind `openstack`. */
import { formatPath } from "../issue";
import { nearest } from "../nearest";
import { isHostIn, parseCidr } from "../plan/addresses";
import { zonesOf, type Host, type VirtualMachineEntry } from "../plan/hosts";
import { failureDomainOf, isBelow, named, pairedAddress } from "../plan/openstack";
import { expandRange } from "../ranges";
import type { SiteConfig } from "../schema";
import type { Checked, Report } from "./report";

type OpenStackConfig = NonNullable<SiteConfig["openstack"]>;

/** A name of a map, given or left out. */
function checkName(
    report: Report,
    path: string,
    what: string,
    given: string | undefined,
    map: Readonly<Record<string, unknown>>,
): void {
    const known = Object.keys(map);
    const code = what.toUpperCase().replaceAll(" ", "_");
    if (given === undefined) {
        if (known.length !== 1)
            report.fault(`${code}_MISSING`, path, `no ${what} is named, and there is not just one`, {
                allowed: known.sort().join(", ") || `none is declared under \`openstack\``,
            });
        return;
    }
    if (known.includes(given)) return;
    const near = nearest(given, known);
    report.fault(`${code}_UNKNOWN`, path, `there is no such ${what}`, {
        value: given,
        allowed: known.sort().join(", ") || "none is declared",
        ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
    });
}

function checkProjects(config: OpenStackConfig, report: Report): void {
    for (const [name, { cloud, authUrl }] of Object.entries(config.projects)) {
        const path = formatPath(["openstack", "projects", name]);
        if (cloud !== undefined && authUrl !== undefined)
            report.fault("CLOUD_TWICE", `${path}.authUrl`, "clouds.yaml says where Keystone is", {
                value: authUrl,
                fix: "give `cloud` or `authUrl`, not both",
            });
        // https://user:password@… would be written to the state in plain.
        if (authUrl !== undefined && !/^https?:\/\/[^@\s]+$/.test(authUrl))
            report.fault("AUTH_URL", `${path}.authUrl`, "is no address of Keystone without a user in it", {
                allowed: "e.g. https://keystone.example.org/v3",
            });
    }
}

function checkNetworks(config: OpenStackConfig, report: Report): void {
    for (const [name, entry] of Object.entries(config.networks)) {
        const path = formatPath(["openstack", "networks", name]);
        const { id, name: found, cidr, gateway, router, subnet, project } = entry;
        if (project !== undefined) checkName(report, `${path}.project`, "project", project, config.projects);
        if (id !== undefined && found !== undefined)
            report.fault("NETWORK_TWICE", `${path}.name`, "a network that exists has an id or a name", {
                value: found,
                fix: "take one of them away",
            });
        const exists = id !== undefined || found !== undefined;
        if (!exists && cidr === undefined)
            report.fault("NETWORK_ADDRESSES", path, "a network that is made needs addresses", {
                fix: "give `cidr`, or the `id` or `name` of one that exists",
            });
        if (exists && (router !== undefined || gateway !== undefined))
            report.fault("NETWORK_OTHERS", path, "a router or a gateway is made with the network only", {
                fix: "this network exists: take `router` and `gateway` away",
            });
        if (!exists && subnet !== undefined)
            report.fault("NETWORK_SUBNET", `${path}.subnet`, "the subnet of a network that is made is made too", {
                value: subnet,
            });
        if (!exists && project === undefined && Object.keys(config.projects).length > 1)
            report.fault(
                "PROJECT_MISSING",
                `${path}.project`,
                "of several projects, which one is the network made in?",
                {
                    allowed: Object.keys(config.projects).sort().join(", "),
                },
            );
        const network = cidr === undefined ? undefined : parseCidr(cidr);
        if (cidr !== undefined && network === undefined)
            report.fault("NETWORK_CIDR", `${path}.cidr`, "is no network", {
                value: cidr,
                allowed: "an address without bits below the prefix, e.g. 10.1.2.0/24",
            });
        if (network !== undefined && gateway !== undefined && !isHostIn(network, gateway))
            report.fault("GATEWAY_OUTSIDE", `${path}.gateway`, "the gateway is not in the network", {
                value: gateway,
                allowed: cidr ?? "",
            });
    }
}

function checkFailureDomains(config: OpenStackConfig, report: Report): void {
    for (const [name, { zone, network }] of Object.entries(config.failureDomains)) {
        const path = formatPath(["openstack", "failureDomains", name]);
        // https://github.com/terraform-provider-openstack/terraform-provider-openstack/issues/288
        if ((zone ?? name).includes(":"))
            report.fault(
                "ZONE_HOST",
                zone === undefined ? path : `${path}.zone`,
                "a zone cannot name a compute host: Nova answers only the zone, and the instance would be made again each time",
                { value: zone ?? name, allowed: "the zone alone" },
            );
        checkName(report, `${path}.network`, "network", network, config.networks);
    }
}

function checkImages(config: OpenStackConfig, report: Report): void {
    for (const [name, { id, name: found, project }] of Object.entries(config.images)) {
        const path = formatPath(["openstack", "images", name]);
        if (project !== undefined) checkName(report, `${path}.project`, "project", project, config.projects);
        if ((id === undefined) === (found === undefined))
            report.fault("IMAGE_ID", path, "an image has either an id or a name", {
                fix: id === undefined ? "give `id`: `openstack image show -f value -c id NAME`" : "take `name` away",
            });
    }
}

function checkServerGroups({ site }: Checked, config: OpenStackConfig, report: Report): void {
    const tiers = ["quorum", ...Object.keys(site.pools)];
    for (const tier of Object.keys(config.serverGroups))
        if (!tiers.includes(tier))
            report.fault(
                "SERVER_GROUP_TIER",
                formatPath(["openstack", "serverGroups", tier]),
                "there is no such pool",
                {
                    value: tier,
                    allowed: tiers.join(", "),
                },
            );
}

function checkSecurity(config: OpenStackConfig, report: Report): void {
    const { manage, admins, clients } = config.security;
    const path = "openstack.security";
    if (manage && admins.length === 0)
        report.fault("ADMINS_MISSING", `${path}.admins`, "nobody may use SSH on the machines, this program neither", {
            allowed: "the networks that administrators and this program come from",
            fix: "e.g. admins: [10.0.0.0/8], or manage: false with security groups of your own",
        });
    for (const [field, cidrs] of [
        ["admins", admins],
        ["clients", clients],
    ] as const)
        cidrs.forEach((cidr, index) => {
            if (parseCidr(cidr) === undefined)
                report.fault("NETWORK_CIDR", `${path}.${field}[${index}]`, "is no network", {
                    value: cidr,
                    allowed: "an address without bits below the prefix, e.g. 10.1.2.0/24",
                });
            else if (cidr === "0.0.0.0/0")
                report.warn(
                    "OPEN_TO_ALL",
                    `${path}.${field}[${index}]`,
                    "everybody who reaches the machines may come in",
                    {
                        value: cidr,
                    },
                );
        });
}

/** Directories that a host's services keep data in, with the path of the setting. */
function dataDirectories({ site, uses }: Checked, name: string): { path: string; directory: string }[] {
    return uses
        .filter(({ host }) => host === name)
        .flatMap(({ role, pool = "" }) => {
            if (role === "zookeeper") return [{ path: "zookeeper.dataDir", directory: site.zookeeper.dataDir }];
            if (role === "master") return [{ path: "masters.workDir", directory: site.masters.workDir }];
            // The others keep what they must not lose in ZooKeeper.
            if (role !== "agent") return [];
            const path = `${formatPath(["pools", pool])}.dataDir`;
            return [{ path, directory: site.pools[pool]?.dataDir ?? "" }];
        });
}

function checkDataVolume(
    checked: Checked,
    config: OpenStackConfig,
    entry: VirtualMachineEntry,
    members: readonly Host[],
    path: string,
    report: Report,
): void {
    const { dataVolume } = entry;
    if (dataVolume === undefined) return;
    const { mount } = dataVolume;
    if (
        /^\/(|boot|dev|etc|lib|lib64|proc|root|run|sbin|bin|sys|tmp|usr|var)\/?$/.test(mount) ||
        mount.includes("..") ||
        /\/\/|.\/$/.test(mount)
    )
        report.fault(
            "MOUNT_POINT",
            `${path}.dataVolume.mount`,
            "the system itself lives there, or it is no plain path",
            {
                value: mount,
                allowed: "a directory of its own, e.g. /data",
            },
        );
    const outside = new Map(
        members
            .flatMap(({ name }) => dataDirectories(checked, name))
            .filter(({ directory }) => !isBelow(directory, mount))
            .map((item) => [item.path, item]),
    );
    for (const { path: setting, directory } of outside.values())
        report.warn(
            "DATA_VOLUME_UNUSED",
            `${path}.dataVolume.mount`,
            `${setting} (${directory}) is not on the volume: it goes with the machine`,
            { value: mount, fix: `set ${setting} to a directory below ${mount}` },
        );
    const zones = new Set(members.map(({ zone }) => zone));
    for (const zone of zones)
        if (failureDomainOf(config, zone)?.volumeZone === undefined && config.failureDomains[zone] !== undefined)
            report.fault(
                "VOLUME_ZONE",
                `${formatPath(["openstack", "failureDomains", zone])}.volumeZone`,
                `hosts of ${zone} have data volumes, and a volume of another zone cannot be attached`,
                { fix: "give Cinder's zone: `openstack availability zone list --volume`" },
            );
}

function checkAddressRange(report: Report, path: string, key: string, range: string): void {
    const names = expandRange(key);
    const addresses = expandRange(range);
    if (names.fault !== undefined) return;
    if (addresses.fault !== undefined || addresses.span !== names.span)
        report.fault("RANGE_LENGTH", path, "hosts and addresses do not pair up", {
            value: range,
            allowed: `a range over ${names.span} number${names.span === 1 ? "" : "s"}, as in "${key}"`,
        });
}

function checkExtraNetworks(
    config: OpenStackConfig,
    key: string,
    entry: VirtualMachineEntry,
    members: readonly Host[],
    report: Report,
): void {
    const path = formatPath(["hosts", key]);
    entry.extraNetworks.forEach(({ network, address }, index) => {
        const at = `${path}.extraNetworks[${index}]`;
        checkName(report, `${at}.network`, "network", network, config.networks);
        if (address === undefined) return;
        checkAddressRange(report, `${at}.address`, key, address);
        checkInside(report, `${at}.address`, config, network, members, (host) => pairedAddress(address, host.offset));
    });
}

/** Addresses outside of their network: all of an entry in one fault. */
function checkInside(
    report: Report,
    path: string,
    config: OpenStackConfig,
    network: string,
    members: readonly Host[],
    addressOf: (host: Host) => string | undefined,
): void {
    const cidr = config.networks[network]?.cidr;
    const known = cidr === undefined ? undefined : parseCidr(cidr);
    if (known === undefined) return;
    const outside = members
        .map(addressOf)
        .filter((address) => address !== undefined && address !== "" && !isHostIn(known, address));
    if (outside.length > 0)
        report.fault("ADDRESS_OUTSIDE", path, `not in the network ${network}`, {
            value: outside.length > 5 ? [...outside.slice(0, 5), `and ${outside.length - 5} more`] : outside,
            allowed: `hosts of ${cidr ?? ""}`,
        });
}

function checkEntry(
    checked: Checked,
    config: OpenStackConfig,
    key: string,
    entry: VirtualMachineEntry,
    report: Report,
): void {
    const path = formatPath(["hosts", key]);
    const members = [...checked.hosts.values()].filter((host) => host.path === path);
    checkName(report, `${path}.project`, "project", entry.project, config.projects);
    checkName(report, `${path}.image`, "image", entry.image, config.images);
    checkName(report, `${path}.keyPair`, "key pair", entry.keyPair, config.keyPairs);
    const known = Object.keys(config.failureDomains);
    const zones = entry.zone === "default" && known.length === 1 ? known : [...new Set(zonesOf(entry.zone))];
    for (const zone of zones) checkName(report, `${path}.zone`, "failure domain", zone, config.failureDomains);
    const byNetwork = new Map<string, Host[]>();
    for (const host of members) {
        const network = failureDomainOf(config, host.zone)?.network;
        if (network !== undefined) byNetwork.set(network, [...(byNetwork.get(network) ?? []), host]);
    }
    for (const [network, hosts] of byNetwork)
        checkInside(report, `${path}.address`, config, network, hosts, ({ address }) => address);
    checkNetworkProject(config, entry, [...byNetwork.keys()], path, report);
    checkExtraNetworks(config, key, entry, members, report);
    checkDataVolume(checked, config, entry, members, path, report);
}

/** A network that is made belongs to one project; machines of another cannot be on it. */
function checkNetworkProject(
    config: OpenStackConfig,
    entry: VirtualMachineEntry,
    networks: readonly string[],
    path: string,
    report: Report,
): void {
    const project = named(entry.project, config.projects);
    for (const name of networks) {
        const network = config.networks[name];
        if (network === undefined || network.id !== undefined || network.name !== undefined) continue;
        const owner = named(network.project, config.projects);
        if (owner !== "" && project !== "" && owner !== project)
            report.fault("NETWORK_PROJECT", `${path}.project`, `the network ${name} is made in another project`, {
                value: project,
                allowed: owner,
            });
    }
}

/** Checks `openstack` and the hosts that are made there. */
export function checkOpenStack(checked: Checked, report: Report): void {
    const { site } = checked;
    const entries = Object.entries(site.hosts).flatMap(([key, entry]) =>
        entry.kind === "openstack" ? [{ key, entry }] : [],
    );
    const { openstack: config } = site;
    if (config === undefined) {
        if (entries.length > 0)
            report.fault("OPENSTACK_MISSING", "openstack", "hosts of kind openstack need to know their clouds", {
                value: entries.map(({ key }) => key),
                allowed: "projects, networks, failureDomains, images, keyPairs",
                fix: "see the example in Pulumi.prod.yaml",
            });
        return;
    }
    checkProjects(config, report);
    checkNetworks(config, report);
    checkFailureDomains(config, report);
    checkImages(config, report);
    checkServerGroups(checked, config, report);
    checkSecurity(config, report);
    for (const [name, { publicKey, publicKeyFile }] of Object.entries(config.keyPairs))
        if (publicKey !== undefined && publicKeyFile !== undefined)
            report.fault("KEY_TWICE", formatPath(["openstack", "keyPairs", name]), "a key pair has one key", {
                fix: "give `publicKey` or `publicKeyFile`",
            });
    for (const { key, entry } of entries) checkEntry(checked, config, key, entry, report);
}
