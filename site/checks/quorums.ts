/** The two quorums: ZooKeeper's and the masters'. They have nothing to do with each other. */
import { formatPath } from "../issue";
import { majority, quorumFits } from "../plan/quorum";
import type { Checked, Report } from "./report";

/** Warns when losing one zone loses a quorum although more zones exist. */
function checkSpread({ hosts, uses }: Checked, report: Report, role: "zookeeper" | "master", path: string): void {
    const members = uses.filter((use) => use.role === role).flatMap((use) => hosts.get(use.host) ?? []);
    if (members.length < 3) return;
    const zones = new Map<string, string[]>();
    for (const { zone, name } of members) zones.set(zone, [...(zones.get(zone) ?? []), name]);
    const known = new Set(Array.from(hosts.values(), ({ zone }) => zone));
    for (const [zone, names] of zones)
        if (names.length >= majority(members.length) && known.size > 1)
            report.warn("ZONE_MAJORITY", path, `the zone ${zone} holds a majority: losing it stops the cluster`, {
                value: names,
                allowed: `at most ${majority(members.length) - 1} of ${members.length} in a zone`,
                fix: `spread them over ${Array.from(known).sort().join(", ")}`,
            });
}

/** Whether `version` is below `limit`, number by number. */
export function isOlder(version: string, limit: string): boolean {
    const parts = (text: string) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? "0").split(".").map(Number);
    const [a, b] = [parts(version), parts(limit)];
    const index = b.findIndex((part, i) => part !== (a[i] ?? 0));
    return index >= 0 && (a[index] ?? 0) < (b[index] ?? 0);
}

function checkSnapshots({ site }: Checked, report: Report): void {
    const { snapshots, adminPort, version } = site.zookeeper;
    if (!snapshots) return;
    if (adminPort === undefined)
        report.fault("ZK_SNAPSHOT_PORT", "zookeeper.snapshots", "snapshots go through the AdminServer, which is off", {
            fix: "set zookeeper.adminPort, e.g. 9181",
        });
    if (version === undefined)
        report.warn(
            "ZK_SNAPSHOT_VERSION",
            "zookeeper.snapshots",
            "without a pinned version, ZooKeeper may be one that lets anybody dump or replace its data (CVE-2025-58457)",
            {
                allowed: "3.9.4 or newer",
                fix: "set zookeeper.version",
            },
        );
    else if (isOlder(version, "3.9.4"))
        report.fault(
            "ZK_SNAPSHOT_VERSION",
            "zookeeper.version",
            "this version lets clients without rights dump or replace its data, or has no snapshots (CVE-2025-58457)",
            {
                value: version,
                allowed: "3.9.4 or newer",
                fix: "upgrade, or set zookeeper.snapshots: false",
            },
        );
}

/** Checks `zookeeper`. */
export function checkZooKeeper(checked: Checked, report: Report): void {
    const { site } = checked;
    const { members = {}, retiredIds, allowEven, existing } = site.zookeeper;
    const count = Object.keys(members).length;
    if (existing === undefined && site.zookeeper.members !== undefined && count === 0)
        report.fault("ZK_EMPTY", "zookeeper.members", "there is no member", { allowed: "1, 3 or 5 members" });
    if (count > 0 && count % 2 === 0 && !allowEven)
        report.fault("ZK_EVEN", "zookeeper.members", `${count} members tolerate no more losses than ${count - 1}`, {
            value: count,
            allowed: "an odd number",
            fix: "add or remove one; for a step of a growth set zookeeper.allowEven: true",
        });
    if (count === 1)
        report.warn("ZK_SINGLE", "zookeeper.members", "a single member: the cluster stops while it is away", {
            allowed: "3 or 5",
        });
    const owner = new Map<number, string>();
    for (const [name, id] of Object.entries(members)) {
        const path = formatPath(["zookeeper", "members", name]);
        const other = owner.get(id);
        if (other !== undefined)
            report.fault("ZK_ID_TWICE", path, `${other} and ${name} have the same server id`, { value: id });
        owner.set(id, name);
        if (retiredIds.includes(id))
            report.fault(
                "ZK_ID_RETIRED",
                path,
                `server id ${id} was another member's; the old one could come back with it`,
                {
                    value: id,
                    allowed: "an id that no member ever had",
                    fix: `e.g. ${Math.max(0, ...Object.values(members), ...retiredIds) + 1}`,
                },
            );
    }
    checkSnapshots(checked, report);
    checkSession(checked, report);
    checkSpread(checked, report, "zookeeper", "zookeeper.members");
}

/** Checks `masters`: their number, quorum and timeouts. */
export function checkMasters(checked: Checked, report: Report): void {
    const { site, uses } = checked;
    const { masters: config } = site;
    if (config.members !== undefined) {
        const count = new Set(uses.filter(({ role }) => role === "master").map(({ host }) => host)).size;
        const quorum = config.quorum ?? majority(count);
        if (count === 0)
            report.fault("MASTERS_EMPTY", "masters.members", "there is no master", { allowed: "1, 3 or 5" });
        else if (count % 2 === 0)
            report.fault(
                "MASTERS_EVEN",
                "masters.members",
                `${count} masters tolerate no more losses than ${count - 1}`,
                {
                    value: count,
                    allowed: "an odd number",
                    fix: "masters grow and shrink by two: 3 → 5 with masters.quorum: 3 first",
                },
            );
        if (count > 0 && !quorumFits(count, quorum))
            report.fault(
                "MASTERS_QUORUM",
                "masters.quorum",
                `the registry of ${count} masters is not safe with a quorum of ${quorum}`,
                {
                    value: quorum,
                    allowed: `${majority(count)}..${count}`,
                    fix: "take it out: the default is more than half of the masters",
                },
            );
        if (count === 1)
            report.warn(
                "MASTERS_SINGLE",
                "masters.members",
                "a single master: its registry cannot grow to three without being wiped",
                {
                    allowed: "3 or 5",
                },
            );
        checkSpread(checked, report, "master", "masters.members");
        checkRemovalLimit(checked, report);
    } else if (config.quorum !== undefined)
        report.fault("MASTERS_QUORUM_FOREIGN", "masters.quorum", "the quorum of existing masters is theirs", {
            value: config.quorum,
            fix: "take it out",
        });
    const patience = config.agentPingTimeoutSec * config.maxAgentPingTimeouts;
    if (patience <= config.zkSessionTimeoutSec)
        report.fault(
            "MASTERS_PATIENCE",
            "masters.agentPingTimeoutSec",
            "agents would be given up before a ZooKeeper session ends",
            {
                value: patience,
                allowed: `agentPingTimeoutSec × maxAgentPingTimeouts above zkSessionTimeoutSec (${config.zkSessionTimeoutSec})`,
            },
        );
    if (config.registryFetchTimeoutSec < 60)
        report.fault(
            "MASTERS_FETCH",
            "masters.registryFetchTimeoutSec",
            "a new cluster's masters would give up while the others still start",
            {
                value: config.registryFetchTimeoutSec,
                allowed: "60 or more; seconds",
            },
        );
}

/** ZooKeeper silently keeps sessions between 2 and 20 ticks: a longer one than that is an illusion. */
function checkSession({ site }: Checked, report: Report): void {
    if (site.zookeeper.members === undefined) return;
    const [least, most] = [2, 20].map((ticks) => (ticks * site.zookeeper.tickTimeMs) / 1000);
    const wanted = site.masters.zkSessionTimeoutSec;
    if (least !== undefined && most !== undefined && (wanted < least || wanted > most))
        report.fault(
            "ZK_SESSION",
            "masters.zkSessionTimeoutSec",
            "ZooKeeper would not grant a session of this length",
            {
                value: wanted,
                allowed: `${least}..${most} seconds: 2 to 20 ticks of zookeeper.tickTimeMs`,
            },
        );
}

/** On a small site the default limit is less than one agent. */
function checkRemovalLimit({ site, uses }: Checked, report: Report): void {
    const agents = uses.filter(({ role }) => role === "agent").length;
    const percent = site.masters.recoveryAgentRemovalLimitPercent;
    if (agents > 0 && percent > 0 && (agents * percent) / 100 < 1)
        report.warn(
            "REMOVAL_LIMIT",
            "masters.recoveryAgentRemovalLimitPercent",
            `of ${agents} agents, ${percent} % is not one: if one is away for long when the leader changes, each new leader stops`,
            {
                value: percent,
                allowed: `${Math.ceil(100 / agents)}..100, or 0 to keep that on purpose`,
            },
        );
}
