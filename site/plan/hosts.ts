/** Hosts: ranges expanded, zones dealt, connections completed. */
import { formatPath, issue } from "../issue";
import { expandRange, type RangeItem } from "../ranges";
import type { HostConfigEntry, SiteConfig, SshConfig } from "../schema";
import type { Connection, FaultDomain, InstancePlan, Issue } from "./types";

/** One host of the stack file, whatever runs on it. */
export interface Host {
    readonly name: string;
    readonly address: string;
    readonly zone: string;
    readonly region?: string;
    readonly protect: boolean;
    readonly connection: Connection;
    /** Undefined for a machine that exists. */
    readonly instance?: InstancePlan;
    /** Where the stack file declares it. */
    readonly path: string;
}

/**
 * The zone follows from the number in the host's name (1 has the first zone), not from its place in the range: so a host
 * keeps its zone when the range grows or shrinks at either end.
 */
export function dealtZone(zones: string | readonly string[], number: number | undefined): string {
    if (typeof zones === "string") return zones;
    const count = zones.length;
    return zones[((((number ?? 1) - 1) % count) + count) % count] ?? "default";
}

function connect(address: string, site: SshConfig, own: SshConfig | undefined): Connection {
    const { user = "root", port = 22, privateKeyFile, knownHostsFile, proxyJump } = { ...site, ...own };
    return {
        address,
        user,
        port,
        ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
        ...(knownHostsFile === undefined ? {} : { knownHostsFile }),
        ...(proxyJump === undefined ? {} : { proxyJump }),
    };
}

function makeHost(item: RangeItem, address: string, entry: HostConfigEntry, site: SiteConfig, path: string): Host {
    const name = item.text;
    const zone = dealtZone(entry.zone, item.number);
    const protect = entry.protect === true || (Array.isArray(entry.protect) && entry.protect.includes(name));
    const region = entry.region ?? site.domain?.region;
    const host = {
        name,
        address,
        zone,
        ...(region === undefined ? {} : { region }),
        protect,
        connection: connect(address, site.ssh, entry.ssh),
        path,
    };
    if (entry.kind === "bareMetal") return host;
    const { project, flavor, imageId, network, subnet, keyPair, dataVolumeGiB, dataVolumeType } = entry;
    const instance: InstancePlan = {
        host: name,
        project,
        address,
        zone,
        flavor,
        imageId,
        network,
        ...(subnet === undefined ? {} : { subnet }),
        keyPair,
        ...(dataVolumeGiB === undefined ? {} : { dataVolumeGiB }),
        ...(dataVolumeType === undefined ? {} : { dataVolumeType }),
        protect,
    };
    return { ...host, instance };
}

/** Hosts by name, and what is wrong with the ranges. */
export interface ExpandedHosts {
    readonly hosts: ReadonlyMap<string, Host>;
    readonly issues: readonly Issue[];
}

/** Expands every entry of `hosts`; addresses are paired by number, so both ranges must span the same numbers. */
export function expandHosts(site: SiteConfig): ExpandedHosts {
    const hosts = new Map<string, Host>();
    const issues: Issue[] = [];
    for (const [key, entry] of Object.entries(site.hosts)) {
        const path = formatPath(["hosts", key]);
        const names = expandRange(key);
        const addresses = expandRange(entry.address);
        if (names.fault !== undefined) {
            issues.push(
                issue("RANGE_SYNTAX", path, `the range cannot be read: ${names.fault}`, {
                    value: key,
                    allowed: "e.g. bm[1-3] or bm[1-2,4]",
                }),
            );
            continue;
        }
        if (addresses.fault !== undefined)
            issues.push(
                issue("RANGE_SYNTAX", `${path}.address`, `the range cannot be read: ${addresses.fault}`, {
                    value: entry.address,
                    allowed: "e.g. 10.1.2.[101-120]",
                }),
            );
        else if (names.span !== addresses.span)
            issues.push(
                issue("RANGE_LENGTH", `${path}.address`, "hosts and addresses do not pair up", {
                    value: entry.address,
                    allowed: `a range over ${names.span} number${names.span === 1 ? "" : "s"}, as in "${key}"; this one spans ${addresses.span}`,
                }),
            );
        const byOffset = new Map(addresses.items.map((item) => [item.offset, item.text]));
        for (const item of names.items) {
            const address = byOffset.get(item.offset) ?? "";
            if (hosts.has(item.text))
                issues.push(
                    issue("HOST_TWICE", path, "a host is declared twice", {
                        value: item.text,
                        fix: "take it out of one of the entries",
                    }),
                );
            else hosts.set(item.text, makeHost(item, address, entry, site, path));
        }
        if (Array.isArray(entry.protect)) {
            const known = new Set(names.items.map((item) => item.text));
            entry.protect.forEach((name, index) => {
                if (!known.has(name))
                    issues.push(
                        issue(
                            "PROTECT_UNKNOWN",
                            `${path}.protect[${index}]`,
                            "the host to protect is not in this range",
                            { value: name, allowed: key },
                        ),
                    );
            });
        }
    }
    return { hosts, issues };
}

/** Expands a list of names and ranges; each name carries the path it came from. */
export function expandNames(
    names: readonly string[],
    path: string,
): { readonly name: string; readonly path: string }[] {
    return names.flatMap((text, index) =>
        expandRange(text).items.map((item) => ({ name: item.text, path: `${path}[${index}]` })),
    );
}

/** The fault domain of a host, when the site uses domains. */
export function faultDomain(host: Host, site: SiteConfig): FaultDomain | undefined {
    if (site.domain === undefined) return undefined;
    return { region: host.region ?? site.domain.region, zone: host.zone };
}
