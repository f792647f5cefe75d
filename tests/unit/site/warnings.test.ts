import { changed, warningsOf } from "./sites";

test.each<[string, Record<string, unknown>, string, string, string]>([
    [
        "a majority in one zone",
        { "hosts bm[1-3] zone": ["a", "b", "a"] },
        "ZONE_MAJORITY",
        "zookeeper.members",
        "the zone a holds a majority: losing it stops the cluster",
    ],
    [
        "a host without work",
        { "hosts bm9": { kind: "bareMetal", address: "10.0.0.9" } },
        "HOST_UNUSED",
        "hosts.bm9",
        "is in no pool and runs no service: nothing is done with it",
    ],
    [
        "tasks on a master",
        { "pools work hosts": ["bm[3-6]"] },
        "AGENT_ON_QUORUM",
        "pools.work.hosts[0]",
        "bm3 runs tasks beside a ZooKeeper member, which they can starve",
    ],
    [
        "a single ZooKeeper",
        { "zookeeper members": { bm1: 1 } },
        "ZK_SINGLE",
        "zookeeper.members",
        "a single member: the cluster stops while it is away",
    ],
    [
        "a single master",
        { "masters members": ["bm1"] },
        "MASTERS_SINGLE",
        "masters.members",
        "a single master: its registry cannot grow to three without being wiped",
    ],
    [
        "a removal limit below one agent",
        { "masters recoveryAgentRemovalLimitPercent": 20 },
        "REMOVAL_LIMIT",
        "masters.recoveryAgentRemovalLimitPercent",
        "of 3 agents, 20 % is not one: if one is away for long when the leader changes, each new leader stops",
    ],
    [
        "Marathon's port",
        { "zookeeper adminPort": 8080 },
        "PORT_MARATHON",
        "zookeeper.adminPort",
        "Marathon listens on 8080 too, and usually beside ZooKeeper",
    ],
    [
        "snapshots of any version",
        { "zookeeper adminPort": 9181, "zookeeper snapshots": true },
        "ZK_SNAPSHOT_VERSION",
        "zookeeper.snapshots",
        "without a pinned version, ZooKeeper may be one that lets anybody dump or replace its data (CVE-2025-58457)",
    ],
    [
        "a whole pool at once",
        { "pools work maxUnavailable": 3 },
        "POOL_ALL_AT_ONCE",
        "pools.work.maxUnavailable",
        "a change takes every host of the pool out of service at once",
    ],
    [
        "a pet among others",
        { "hosts bm[4-6] protect": ["bm5"] },
        "PET_IN_HERD",
        "pools.work.hosts",
        "bm5 is protected, but tasks cannot tell it from the other hosts of the pool",
    ],
    [
        "no limits",
        { "pools work isolation": ["posix/cpu", "posix/mem"] },
        "ISOLATION_NONE",
        "pools.work.isolation",
        "nothing holds a task to the CPUs and memory it asked for",
    ],
    [
        "open agents",
        { "authentication agents": false },
        "AUTHENTICATION_OFF",
        "authentication.agents",
        "everybody who reaches the cluster may do as they like here",
    ],
    [
        "executors without a token",
        { "authentication executors": false },
        "EXECUTORS_OFF",
        "authentication.executors",
        "task groups (Marathon's pods) cannot start: their executor must call its agent, which asks for a principal",
    ],
    [
        "a user that nobody makes",
        { frameworks: { m: { users: ["mesosci"] } } },
        "FRAMEWORK_USER",
        "frameworks.m.users[0]",
        "no pool makes this user: a task fails where it is missing",
    ],
    ["a confirmation left in", { confirm: "small" }, "CONFIRM_SET", "confirm", "changes that lose data are allowed"],
])("warns of %s", (_what, changes, code, path, message) => {
    const warnings = warningsOf(changed(changes)).map((warning) => [warning.code, warning.path, warning.message]);
    expect(warnings).toContainEqual([code, path, message]);
});

test("the small site is worth no warning", () => {
    expect(warningsOf(changed({}))).toEqual([]);
});
