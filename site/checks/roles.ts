/** Which host does what. */
import { formatPath } from "../issue";
import { nearest } from "../nearest";
import { workloadHosts } from "../plan/workloads";
import { expandRange } from "../ranges";
import type { Checked, Report, Use } from "./report";

function checkKnown({ hosts, uses }: Checked, report: Report): void {
    for (const { host, path } of uses) {
        if (hosts.has(host)) continue;
        const near = nearest(host, hosts.keys());
        report.fault("HOST_UNKNOWN", path, "there is no such host", {
            value: host,
            fix: near === undefined ? "declare it under `hosts`" : `did you mean "${near}"?`,
        });
    }
}

/** A range that cannot be read stands for no host at all: that must not pass in silence. */
function checkRanges({ site }: Checked, report: Report): void {
    const check = (text: string, path: string) => {
        const { fault } = expandRange(text);
        if (fault !== undefined)
            report.fault("RANGE_SYNTAX", path, `the range cannot be read: ${fault}`, {
                value: text,
                allowed: "e.g. bm[1-3] or bm[1-2,4]",
            });
    };
    site.masters.members?.forEach((text, index) => check(text, `masters.members[${index}]`));
    for (const name of ["marathon", "metronome"] as const)
        site[name]?.members?.forEach((text, index) => check(text, `${name}.members[${index}]`));
    for (const name of ["loadBalancer", "discovery"] as const)
        site[name]?.hosts.forEach((text, index) => check(text, `${name}.hosts[${index}]`));
    for (const { names, path, name } of workloadHosts(site))
        names.forEach((text, index) => check(text, name === undefined ? `${path}[${index}]` : path));
    for (const [name, { hosts, overrides }] of Object.entries(site.pools)) {
        hosts.forEach((text, index) => check(text, `${formatPath(["pools", name])}.hosts[${index}]`));
        for (const text of Object.keys(overrides)) check(text, formatPath(["pools", name, "overrides", text]));
    }
}

/** Checks the hosts of a service that each host has once: that there are some, and none of them twice. */
export function checkOwnHosts(
    role: "loadBalancer" | "discovery" | "monitoring",
    { site, uses }: Checked,
    report: Report,
): void {
    if (site[role]?.hosts.length === 0) report.fault("EMPTY", `${role}.hosts`, "must not be empty");
    const seen = new Set<string>();
    for (const use of uses.filter((one) => one.role === role)) {
        if (seen.has(use.host))
            report.fault("HOST_REUSED", use.path, `${use.host} is in ${role}.hosts twice`, { value: use.host });
        seen.add(use.host);
    }
}

/** Checks references to hosts and what shares a host with what. */
export function checkRoles(checked: Checked, report: Report): void {
    checkRanges(checked, report);
    checkKnown(checked, report);
    const { site, uses } = checked;
    const byHost = new Map<string, Use[]>();
    for (const use of uses) byHost.set(use.host, [...(byHost.get(use.host) ?? []), use]);
    for (const [host, list] of byHost) {
        for (const role of ["marathon", "metronome"] as const) {
            const [, again] = list.filter((use) => use.role === role);
            if (again) report.fault("HOST_REUSED", again.path, `${host} is in ${role}.members twice`, { value: host });
        }
        for (const role of ["workQueue", "catalog", "dds"] as const) {
            const [, again] = list.filter((use) => use.role === role);
            if (again) report.fault("HOST_REUSED", again.path, `${host} is there twice`, { value: host });
        }
        for (const role of ["master", "agent"] as const) {
            const [first, second] = list.filter((use) => use.role === role);
            if (!first || !second) continue;
            const where =
                role === "agent" && first.pool !== second.pool
                    ? `the pools ${first.pool} and ${second.pool}`
                    : `${role === "agent" ? "a pool" : "the masters"} twice`;
            report.fault("HOST_REUSED", second.path, `${host} is in ${where}`, {
                value: host,
                allowed: "one agent and one master a host",
            });
        }
        const agent = list.find(({ role }) => role === "agent");
        const service = list.find(({ role }) => role === "master" || role === "zookeeper");
        if (agent && service)
            report.warn(
                "AGENT_ON_QUORUM",
                agent.path,
                `${host} runs tasks beside a ${service.role === "master" ? "Mesos master" : "ZooKeeper member"}, which they can starve`,
                {
                    value: host,
                },
            );
    }
    const { members: masters, existing } = site.masters;
    if ((masters === undefined) === (existing === undefined))
        report.fault("MASTERS_WHICH", "masters", "give either `members` or `existing`", {
            allowed: "exactly one of the two",
        });
    if ((site.zookeeper.members === undefined) === (site.zookeeper.existing === undefined))
        report.fault("ZK_WHICH", "zookeeper", "give either `members` or `existing`", {
            allowed: "exactly one of the two",
        });
    for (const [name, pool] of Object.entries(site.pools)) {
        const members = new Set(pool.hosts.flatMap((text) => expandRange(text).items.map((item) => item.text)));
        for (const range of Object.keys(pool.overrides))
            for (const { text } of expandRange(range).items)
                if (!members.has(text)) {
                    const near = nearest(text, members);
                    report.fault(
                        "OVERRIDE_UNKNOWN",
                        formatPath(["pools", name, "overrides", range]),
                        "differences for a host that is not in the pool",
                        {
                            value: text,
                            ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
                        },
                    );
                }
        if (pool.maxUnavailable > 1 && pool.maxUnavailable >= members.size)
            report.warn(
                "POOL_ALL_AT_ONCE",
                formatPath(["pools", name, "maxUnavailable"]),
                "a change takes every host of the pool out of service at once",
                {
                    value: pool.maxUnavailable,
                    allowed: `less than ${members.size}`,
                },
            );
    }
}
