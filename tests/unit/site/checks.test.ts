import { changed, faultsOf, smallSite, type Tree } from "./sites";

type Row = readonly [what: string, changes: Record<string, unknown>, code: string, path: string, message: string];

const hosts: Row[] = [
    [
        "a name with an underscore",
        { "hosts bm_9": { kind: "bareMetal", address: "10.0.0.9" } },
        "HOST_NAME",
        "hosts.bm_9",
        "is no legal host name",
    ],
    [
        "a name in capitals",
        { "hosts BM9": { kind: "bareMetal", address: "10.0.0.9" } },
        "HOST_NAME",
        "hosts.BM9",
        "is no legal host name",
    ],
    [
        "a range that cannot be read",
        { "hosts x[1-": { kind: "bareMetal", address: "10.0.0.9" } },
        "RANGE_SYNTAX",
        'hosts["x[1-"]',
        "the range cannot be read: brackets must be closed and may be used once",
    ],
    [
        "a host in two entries",
        { "hosts bm1": { kind: "bareMetal", address: "10.0.0.9" } },
        "HOST_TWICE",
        'hosts["bm[1-3]"]',
        "a host is declared twice",
    ],
    [
        "one address for two hosts",
        { "hosts bm9": { kind: "bareMetal", address: "10.0.0.1" } },
        "ADDRESS_TWICE",
        'hosts["bm[1-3]"].address',
        "bm9 and bm1 have the same address",
    ],
    [
        "a loopback address",
        { "hosts bm9": { kind: "bareMetal", address: "127.0.1.1" } },
        "ADDRESS_UNUSABLE",
        "hosts.bm9.address",
        "the address of bm9 is the host itself to everybody who reads it",
    ],
    [
        "the address of nobody",
        { "hosts bm9": { kind: "bareMetal", address: "0.0.0.0" } },
        "ADDRESS_UNUSABLE",
        "hosts.bm9.address",
        "the address of bm9 is no host's address",
    ],
    [
        "a mistyped address",
        { "hosts bm9": { kind: "bareMetal", address: "10.0.0.999" } },
        "ADDRESS_UNUSABLE",
        "hosts.bm9.address",
        "the address of bm9 is not an IPv4 address",
    ],
    [
        "protection of a host that is not there",
        { "hosts bm[4-6] protect": ["bm7"] },
        "PROTECT_UNKNOWN",
        'hosts["bm[4-6]"].protect[0]',
        "the host to protect is not in this range",
    ],
    [
        "a region without domains",
        { "hosts bm[4-6] region": "wigner" },
        "REGION_ALONE",
        'hosts["bm[4-6]"].region',
        "a region needs fault domains on every master and agent",
    ],
    [
        "a master in another region",
        {
            domain: { region: "cern" },
            "hosts bm[1-3] region": "wigner",
            "masters members": ["bm1"],
            "zookeeper members": { bm4: 1 },
        },
        "DOMAIN_MASTERS",
        "masters.members[0]",
        "the master bm1 is in another region than `domain.region`",
    ],
];

const roles: Row[] = [
    [
        "a mistyped master",
        { "masters members": ["bm1", "bm2", "mb3"] },
        "HOST_UNKNOWN",
        "masters.members[2]",
        "there is no such host",
    ],
    [
        "a mistyped ZooKeeper member",
        { "zookeeper members": { bm1: 1, bm2: 2, zk3: 3 } },
        "HOST_UNKNOWN",
        "zookeeper.members.zk3",
        "there is no such host",
    ],
    [
        "a pool's range that cannot be read",
        { "pools work hosts": ["bm[4-6]", "x[1-"] },
        "RANGE_SYNTAX",
        "pools.work.hosts[1]",
        "the range cannot be read: brackets must be closed and may be used once",
    ],
    [
        "a host in two pools",
        { "pools more": { hosts: ["bm6"], resources: { cpus: 1, memMiB: 512, diskMiB: 100 } } },
        "HOST_REUSED",
        "pools.work.hosts[0]",
        "bm6 is in the pools more and work",
    ],
    [
        "a host twice in a pool",
        { "pools work hosts": ["bm[4-6]", "bm5"] },
        "HOST_REUSED",
        "pools.work.hosts[1]",
        "bm5 is in a pool twice",
    ],
    [
        "neither members nor existing masters",
        { "masters members": undefined },
        "MASTERS_WHICH",
        "masters",
        "give either `members` or `existing`",
    ],
    [
        "both members and an existing ensemble",
        { "zookeeper existing": { servers: ["zk:2181"] } },
        "ZK_WHICH",
        "zookeeper",
        "give either `members` or `existing`",
    ],
    [
        "differences for a host elsewhere",
        { "pools work overrides": { bm1: {} } },
        "OVERRIDE_UNKNOWN",
        "pools.work.overrides.bm1",
        "differences for a host that is not in the pool",
    ],
];

const quorums: Row[] = [
    [
        "an even ensemble",
        { "zookeeper members": { bm1: 1, bm2: 2 } },
        "ZK_EVEN",
        "zookeeper.members",
        "2 members tolerate no more losses than 1",
    ],
    ["no ZooKeeper member", { "zookeeper members": {} }, "ZK_EMPTY", "zookeeper.members", "there is no member"],
    [
        "a session longer than ZooKeeper grants",
        { "masters zkSessionTimeoutSec": 60 },
        "ZK_SESSION",
        "masters.zkSessionTimeoutSec",
        "ZooKeeper would not grant a session of this length",
    ],
    [
        "one id twice",
        { "zookeeper members": { bm1: 1, bm2: 2, bm3: 2 } },
        "ZK_ID_TWICE",
        "zookeeper.members.bm3",
        "bm2 and bm3 have the same server id",
    ],
    [
        "a retired id",
        { "zookeeper retiredIds": [3] },
        "ZK_ID_RETIRED",
        "zookeeper.members.bm3",
        "server id 3 was another member's; the old one could come back with it",
    ],
    [
        "two masters",
        { "masters members": ["bm1", "bm2"] },
        "MASTERS_EVEN",
        "masters.members",
        "2 masters tolerate no more losses than 1",
    ],
    ["no master", { "masters members": [] }, "MASTERS_EMPTY", "masters.members", "there is no master"],
    [
        "a quorum that is no majority",
        { "masters quorum": 1 },
        "MASTERS_QUORUM",
        "masters.quorum",
        "the registry of 3 masters is not safe with a quorum of 1",
    ],
    [
        "a quorum of more than all",
        { "masters quorum": 4 },
        "MASTERS_QUORUM",
        "masters.quorum",
        "the registry of 3 masters is not safe with a quorum of 4",
    ],
    [
        "agents given up too soon",
        { "masters agentPingTimeoutSec": 2 },
        "MASTERS_PATIENCE",
        "masters.agentPingTimeoutSec",
        "agents would be given up before a ZooKeeper session ends",
    ],
    [
        "a hasty registry",
        { "masters registryFetchTimeoutSec": 30 },
        "MASTERS_FETCH",
        "masters.registryFetchTimeoutSec",
        "a new cluster's masters would give up while the others still start",
    ],
    [
        "a quorum of somebody else's masters",
        { masters: { existing: { addresses: { m1: "10.9.0.1" } }, quorum: 2 } },
        "MASTERS_QUORUM_FOREIGN",
        "masters.quorum",
        "the quorum of existing masters is theirs",
    ],
    [
        "snapshots without AdminServer",
        { "zookeeper snapshots": true },
        "ZK_SNAPSHOT_PORT",
        "zookeeper.snapshots",
        "snapshots go through the AdminServer, which is off",
    ],
    [
        "snapshots of a leaky version",
        { "zookeeper snapshots": true, "zookeeper adminPort": 9181, "zookeeper version": "3.9.3-1" },
        "ZK_SNAPSHOT_VERSION",
        "zookeeper.version",
        "this version lets clients without rights dump or replace its data, or has no snapshots (CVE-2025-58457)",
    ],
];

const ports: Row[] = [
    [
        "two services on a port",
        { "masters port": 2181 },
        "PORT_CLASH",
        "masters.port",
        "ZooKeeper's clients and the Mesos master listen on the same port of bm1",
    ],
    [
        "the agent's own port for tasks",
        { "pools work resources ports": ["5000-6000"] },
        "PORTS_TAKEN",
        "pools.work.resources.ports",
        "tasks are offered port 5051, which the Mesos agent has",
    ],
    [
        "no range",
        { "pools work resources ports": ["32000-31000"] },
        "PORTS_RANGE",
        "pools.work.resources.ports[0]",
        "is no range of ports",
    ],
    [
        "ranges that overlap",
        { "pools work resources ports": ["31000-32000", "31500-33000"] },
        "PORTS_OVERLAP",
        "pools.work.resources.ports",
        "the ranges overlap or touch",
    ],
    [
        "the agent's port for one host's tasks",
        { "pools work overrides": { bm4: { resources: { ports: ["5051-5051"] } } } },
        "PORTS_TAKEN",
        "pools.work.overrides.bm4.resources.ports",
        "tasks are offered port 5051, which the Mesos agent has",
    ],
];

test.each([...hosts, ...roles, ...quorums, ...ports])("fails on %s", (_what, changes, code, path, message) => {
    const faults = faultsOf(changed(changes)).map((fault) => [fault.code, fault.path, fault.message]);
    expect(faults).toEqual([[code, path, message]]);
});

test.each<[string, Tree]>([
    [
        "an even ensemble, when asked for",
        changed({ "zookeeper members": { bm1: 1, bm2: 2 }, "zookeeper allowEven": true }),
    ],
    ["quorum 3 of 3 masters: the first step to 5", changed({ "masters quorum": 3 })],
    ["5 ZooKeeper members and 3 masters", changed({ "zookeeper members": { bm1: 1, bm2: 2, bm3: 3, bm4: 4, bm5: 5 } })],
    [
        "snapshots of a sound version",
        changed({ "zookeeper snapshots": true, "zookeeper adminPort": 9181, "zookeeper version": "3.9.4" }),
    ],
    ["agents in another region", changed({ domain: { region: "cern" }, "hosts bm[4-6] region": "wigner" })],
    ["a flag that nobody owns", changed({ "masters flags": { offer_timeout: "30secs" } })],
    [
        "clusterd with Docker on cgroup v2",
        changed({
            "distribution flavour": "clusterd",
            "pools work flags": { enable_cgroupsv2: true },
            "pools work containerizers": ["docker"],
        }),
    ],
    ["port 53 for services", changed({ "pools work resources ports": ["53-53", "31000-32000"] })],
    ["a name for an address", changed({ "hosts bm9": { kind: "bareMetal", address: "bm9.example.org" } })],
    ["the small site", smallSite()],
])("takes %s", (_what, site) => {
    expect(faultsOf(site)).toEqual([]);
});

test("a fault says what is allowed and what to do", () => {
    expect(faultsOf(changed({ "masters members": ["bm1", "bm2", "bm8"] }))).toEqual([
        {
            code: "HOST_UNKNOWN",
            path: "masters.members[2]",
            message: "there is no such host",
            value: '"bm8"',
            fix: 'did you mean "bm1"?',
        },
    ]);
    expect(faultsOf(changed({ "zookeeper retiredIds": [3] }))[0]).toMatchObject({
        allowed: "an id that no member ever had",
        fix: "e.g. 4",
    });
});
