/** Hosts: ranges expanded, zones dealt, connections completed. */
import { formatPath, issue } from "../issue";
import { expandRange, type RangeItem } from "../ranges";
import type { HostConfigEntry, SiteConfig, SshConfig } from "../schema";
import type { Connection, FaultDomain, Issue, QuorumMember } from "./types";

/** An entry of kind `openstack`. */
export type VirtualMachineEntry = Extract<HostConfigEntry, { kind: "openstack" }>;

/** One host of the stack file, whatever runs on it. */
export interface Host {
    readonly name: string;
    readonly address: string;
    readonly zone: string;
    readonly region?: string;
    readonly protect: boolean;
    readonly connection: Connection;
    /** Host of the site that it is reached through, as the stack file says; it may be unknown. */
    readonly bastion?: string;
    /** What the stack file says of a virtual machine; undefined for a machine that exists. */
    readonly vm?: VirtualMachineEntry;
    /** The host's place in its range, for other ranges that pair with it. */
    readonly offset: number;
    /** Where the stack file declares it. */
    readonly path: string;
}

/**
 * The zone follows from the number in the host's name (1 has the first zone), not from its place in the range: so a host
 * keeps its zone when the range grows or shrinks at either end. Of lists by number, the one that begins last at or before the
 * host's number is the host's: so a list for new hosts leaves the others where they are.
 */
export function dealtZone(
    zones: string | readonly string[] | Readonly<Record<string, readonly string[]>>,
    number: number | undefined,
): string {
    if (typeof zones === "string") return zones;
    const own = number ?? 1;
    const list = isList(zones) ? zones : listFor(zones, own);
    return list[(((own - 1) % list.length) + list.length) % list.length] ?? "default";
}

function isList(zones: readonly string[] | Readonly<Record<string, readonly string[]>>): zones is readonly string[] {
    return Array.isArray(zones);
}

function listFor(lists: Readonly<Record<string, readonly string[]>>, number: number): readonly string[] {
    const begins = Object.keys(lists)
        .map(Number)
        .sort((a, b) => a - b);
    const begin = begins.findLast((first) => first <= number) ?? begins[0];
    return Object.entries(lists).find(([first]) => Number(first) === begin)?.[1] ?? [];
}

/** The name of the only entry of a map: what a setting means that names none. */
export function onlyOne(map: Readonly<Record<string, unknown>> | undefined): string | undefined {
    const names = Object.keys(map ?? {});
    return names.length === 1 ? names[0] : undefined;
}

/** Every zone that an entry's hosts may be in. */
export function zonesOf(zones: HostConfigEntry["zone"]): string[] {
    return typeof zones === "string" ? [zones] : Array.isArray(zones) ? zones : Object.values(zones).flat();
}

function connect(address: string, site: SshConfig, own: SshConfig | undefined): Connection {
    // Whichever of the two the host itself names is its way: the site's other one is not meant for it.
    const way = own?.bastion === undefined ? {} : { proxyJump: undefined };
    const { user = "root", port = 22, privateKeyFile, knownHostsFile, proxyJump } = { ...site, ...way, ...own };
    return {
        address,
        user,
        port,
        ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
        ...(knownHostsFile === undefined ? {} : { knownHostsFile }),
        ...(proxyJump === undefined ? {} : { proxyJump }),
    };
}

/** A bastion is not behind itself, and a host with a `proxyJump` of its own not behind the site's bastion. */
function bastionOf(host: string, site: SshConfig, own: SshConfig | undefined): string | undefined {
    const named = own?.bastion ?? (own?.proxyJump === undefined ? site.bastion : undefined);
    return named === host || named === "none" ? undefined : named;
}

function makeHost(item: RangeItem, address: string, entry: HostConfigEntry, site: SiteConfig, path: string): Host {
    const name = item.text;
    const only = entry.kind === "openstack" ? onlyOne(site.openstack?.failureDomains) : undefined;
    const zone = entry.zone === "default" && only !== undefined ? only : dealtZone(entry.zone, item.number);
    const protect = entry.protect === true || (Array.isArray(entry.protect) && entry.protect.includes(name));
    const region = entry.region ?? site.domain?.region;
    const bastion = bastionOf(name, site.ssh, entry.ssh);
    return {
        name,
        address,
        zone,
        ...(region === undefined ? {} : { region }),
        protect,
        connection: connect(address, site.ssh, entry.ssh),
        ...(bastion === undefined ? {} : { bastion }),
        offset: item.offset,
        path,
        ...(entry.kind === "bareMetal" ? {} : { vm: entry }),
    };
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
    return { hosts: new Map([...hosts].map(([name, host]) => [name, behind(host, hosts)])), issues };
}

/** The host with the way through its bastion. */
function behind(host: Host, hosts: ReadonlyMap<string, Host>): Host {
    const bastion = host.bastion === undefined ? undefined : hosts.get(host.bastion);
    if (bastion === undefined) return host;
    return { ...host, connection: { ...host.connection, jump: { host: bastion.name, ...bastion.connection } } };
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

/** The hosts that a list of names and ranges means, as members of a service; names that are none are left to the checks. */
export function membersOf(names: readonly string[], hosts: ReadonlyMap<string, Host>): QuorumMember[] {
    return expandNames(names, "").flatMap(({ name }) => {
        const host = hosts.get(name);
        return host ? [{ name, address: host.address, zone: host.zone }] : [];
    });
}

/** The fault domain of a host, when the site uses domains. */
export function faultDomain(host: Host, site: SiteConfig): FaultDomain | undefined {
    if (site.domain === undefined) return undefined;
    return { region: host.region ?? site.domain.region, zone: host.zone };
}
