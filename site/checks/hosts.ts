/** Names, addresses and machines. */
import { isIPv4 } from "node:net";
import { formatPath } from "../issue";
import { expandRange } from "../ranges";
import type { SiteConfig, SshConfig } from "../schema";
import type { Checked, Report } from "./report";

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Only letters, digits and dashes, labels up to 63 (RFC 1123): what DNS, certificates and Mesos all take. */
export function isHostname(name: string): boolean {
    return name.length <= 253 && name.split(".").every((part) => label.test(part));
}

/** An address that other hosts can reach: not this machine itself, not "any". */
function addressFault(address: string): string | undefined {
    if (/^127\.|^localhost$|^::1$/i.test(address)) return "is the host itself to everybody who reads it";
    if (address === "0.0.0.0" || address === "::") return "is no host's address";
    if (/^[\d.]+$/.test(address)) return isIPv4(address) ? undefined : "is not an IPv4 address";
    return isHostname(address) ? undefined : "is neither an IPv4 address nor a host name";
}

function checkAddresses({ hosts }: Checked, report: Report): void {
    const seen = new Map<string, string>();
    for (const { name, address, path } of hosts.values()) {
        if (address === "") continue;
        const fault = addressFault(address);
        if (fault !== undefined)
            report.fault("ADDRESS_UNUSABLE", `${path}.address`, `the address of ${name} ${fault}`, {
                value: address,
                allowed: "an address that the other hosts and this machine reach",
                fix: "ZooKeeper and Mesos tell it to each other: give the address of the host's network interface",
            });
        const other = seen.get(address);
        if (other !== undefined)
            report.fault("ADDRESS_TWICE", `${path}.address`, `${other} and ${name} have the same address`, {
                value: address,
            });
        seen.set(address, name);
    }
}

/** Checks `hosts`. */
export function checkHosts(checked: Checked, report: Report): void {
    const { site, hosts, uses } = checked;
    for (const { name, path } of hosts.values())
        if (!isHostname(name))
            report.fault("HOST_NAME", path, "is no legal host name", {
                value: name,
                allowed: "lower-case letters, digits and dashes (RFC 1123)",
                ...(name.includes("_") ? { fix: `"${name.replaceAll("_", "-").toLowerCase()}"` } : {}),
            });
    checkAddresses(checked, report);
    const used = new Set(uses.map(({ host }) => host));
    for (const [key, entry] of Object.entries(site.hosts)) {
        const path = formatPath(["hosts", key]);
        const names = expandRange(key).items.map(({ text }) => text);
        const idle = names.filter((name) => !used.has(name));
        if (idle.length > 0)
            report.warn("HOST_UNUSED", path, "is in no pool and runs no service: nothing is done with it", {
                value: idle.length > 5 ? [...idle.slice(0, 5), `and ${idle.length - 5} more`] : idle,
            });
        if (entry.region !== undefined && site.domain === undefined)
            report.fault("REGION_ALONE", `${path}.region`, "a region needs fault domains on every master and agent", {
                value: entry.region,
                fix: "give `domain.region`, or take this away",
            });
    }
}

/** Checks fault domains: a master without one refuses agents that have one, and all masters are of one region. */
export function checkDomains({ site, hosts, uses }: Checked, report: Report): void {
    if (site.domain === undefined) return;
    for (const { host: name, role, path } of uses) {
        const host = hosts.get(name);
        if (!host || (role !== "master" && role !== "agent")) continue;
        if (host.zone === "default")
            report.fault(
                "DOMAIN_ZONE",
                `${host.path}.zone`,
                `${name} needs a zone, because the site uses fault domains`,
                {
                    fix: "give the host a zone, or take `domain` away",
                },
            );
        if (role === "master" && host.region !== site.domain.region)
            report.fault("DOMAIN_MASTERS", path, `the master ${name} is in another region than \`domain.region\``, {
                value: host.region,
                allowed: site.domain.region,
                fix: "masters must share a region; agents may be elsewhere",
            });
    }
}

/** Every `ssh` of the file, with its path. */
export function sshBlocks({ ssh, hosts }: SiteConfig): { readonly path: string; readonly ssh: SshConfig }[] {
    const own = Object.entries(hosts).flatMap(([key, entry]) =>
        entry.ssh === undefined ? [] : [{ path: `${formatPath(["hosts", key])}.ssh`, ssh: entry.ssh }],
    );
    return [{ path: "ssh", ssh }, ...own];
}

/** Checks the ways through bastions: no chain, no two ways at once. */
export function checkBastions({ site, hosts }: Checked, report: Report): void {
    for (const { path, ssh } of sshBlocks(site)) {
        const { bastion = "none", proxyJump } = ssh;
        if (bastion === "none") continue;
        if (proxyJump !== undefined)
            report.fault("BASTION_TWICE", `${path}.bastion`, "there is one way to a host, not two", {
                value: bastion,
                fix: "give `bastion`, a host of this site, or `proxyJump`, any other",
            });
        const next = hosts.get(bastion)?.bastion;
        if (next !== undefined)
            report.fault("BASTION_CHAIN", `${path}.bastion`, `${bastion} is itself reached through ${next}`, {
                value: bastion,
                fix: `give ${bastion} \`ssh: { bastion: none }\``,
            });
    }
}
