import { changed, faultsOf } from "./sites";

test.each([
    [
        "an unknown key names the nearest known one",
        { "masters quorom": 2 },
        {
            code: "KEY_UNKNOWN",
            path: "masters.quorom",
            message: 'there is no such setting as "quorom"',
            fix: 'did you mean "quorum"?',
        },
    ],
    [
        "an unknown key of a host is looked up among those of its kind",
        { "hosts bm[1-3] adress": "x" },
        {
            code: "KEY_UNKNOWN",
            path: 'hosts["bm[1-3]"].adress',
            message: 'there is no such setting as "adress"',
            fix: 'did you mean "address"?',
        },
    ],
    [
        "a missing value",
        { cluster: undefined },
        { code: "MISSING", path: "cluster", message: '"cluster" is missing', allowed: "text" },
    ],
    [
        "a value of the wrong type",
        { "zookeeper heapMiB": "512m" },
        { code: "TYPE", path: "zookeeper.heapMiB", message: "must be a number", value: '"512m"' },
    ],
    [
        "a server id out of range",
        { "zookeeper members bm3": 256 },
        {
            code: "OUT_OF_RANGE",
            path: "zookeeper.members.bm3",
            message: "is out of range",
            value: "256",
            allowed: "1..255",
        },
    ],
    [
        "no CPUs",
        { "pools work resources cpus": 0 },
        {
            code: "OUT_OF_RANGE",
            path: "pools.work.resources.cpus",
            message: "is out of range",
            value: "0",
            allowed: "more than 0",
        },
    ],
    [
        "an unknown kind of host",
        { "hosts bm[4-6] kind": "baremetal" },
        {
            code: "NOT_ALLOWED",
            path: 'hosts["bm[4-6]"].kind',
            message: "is not one of the allowed values",
            value: '"baremetal"',
            allowed: "bareMetal, openstack",
            fix: 'did you mean "bareMetal"?',
        },
    ],
    [
        "an unknown launcher",
        { "pools work launcher": "linus" },
        {
            code: "NOT_ALLOWED",
            path: "pools.work.launcher",
            message: "is not one of the allowed values",
            value: '"linus"',
            allowed: "linux, posix",
            fix: 'did you mean "linux"?',
        },
    ],
    [
        "a relative directory",
        { "masters workDir": "var/mesos" },
        {
            code: "FORMAT",
            path: "masters.workDir",
            message: "must be an absolute path without spaces or quotes",
            value: '"var/mesos"',
        },
    ],
])("fails on %s", (_what, changes, expected) => {
    expect(faultsOf(changed(changes))).toEqual([expected]);
});

test("faults of shape do not hide the others: all in one pass", () => {
    const faults = faultsOf(
        changed({
            "masters quorom": 2,
            "zookeeper members": { bm1: 1, bm2: 2 },
            "hosts bm[4-6] address": "127.0.0.[4-6]",
            "pools work launcher": "x",
        }),
    );
    expect(faults.map(({ code }) => code).sort()).toEqual([
        "ADDRESS_UNUSABLE",
        "ADDRESS_UNUSABLE",
        "ADDRESS_UNUSABLE",
        "KEY_UNKNOWN",
        "NOT_ALLOWED",
        "ZK_EVEN",
    ]);
});

test("what is missing does not hide the others either", () => {
    const faults = faultsOf(
        changed({
            cluster: undefined,
            "pools work resources cpus": undefined,
            "distribution kind": undefined,
            "hosts bm[4-6] address": undefined,
            "zookeeper members": { bm1: 1, bm2: 2 },
            "masters quorum": 1,
        }),
    );
    expect(faults.map(({ code, path }) => `${code} ${path}`)).toEqual([
        "MISSING cluster",
        "MISSING distribution.kind",
        'MISSING hosts["bm[4-6]"].address',
        "MISSING pools.work.resources.cpus",
        "ZK_EVEN zookeeper.members",
        "MASTERS_QUORUM masters.quorum",
    ]);
});

test("a host that cannot be read is not reported a second time as unknown", () => {
    expect(faultsOf(changed({ "hosts bm[4-6] kind": "metal" })).map(({ code }) => code)).toEqual(["NOT_ALLOWED"]);
});

test("the value of what could be a secret is not shown", () => {
    const [fault] = faultsOf(changed({ "masters port": { secure: "v1:abc" } }));
    expect(JSON.stringify(fault)).not.toContain("abc");
});

test("nothing at all is one fault", () => {
    expect(faultsOf(undefined as never)).toEqual([
        { code: "MISSING", path: "pulumi-mesos:site", message: '"pulumi-mesos:site" is missing', allowed: "a map" },
    ]);
});
