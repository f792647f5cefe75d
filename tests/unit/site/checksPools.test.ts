import { changed, faultsOf } from "./sites";

type Row = readonly [what: string, changes: Record<string, unknown>, code: string, path: string, message: string];

const pools: Row[] = [
    [
        "an attribute with a colon",
        { "pools work attributes": { "a:b": "c" } },
        "ATTRIBUTE_NAME",
        'pools.work.attributes["a:b"]',
        "is no legal attribute name",
    ],
    [
        "a value with a semicolon",
        { "pools work attributes": { rack: "a;b" } },
        "ATTRIBUTE_VALUE",
        "pools.work.attributes.rack",
        "is no legal attribute value",
    ],
    [
        "a work directory in /tmp",
        { "pools work workDir": "/tmp/mesos" },
        "DIRECTORY_TEMPORARY",
        "pools.work.workDir",
        "is cleaned by the system: tasks and the registry would be lost",
    ],
    [
        "a registry in /tmp",
        { "masters workDir": "/tmp" },
        "DIRECTORY_TEMPORARY",
        "masters.workDir",
        "is cleaned by the system: tasks and the registry would be lost",
    ],
    [
        "one uid for two users",
        {
            "pools work users": [
                { name: "a", uid: 980 },
                { name: "b", uid: 980 },
            ],
        },
        "UID_TWICE",
        "pools.work.users[1].uid",
        "a and b have the same uid: each could read the other's files",
    ],
    [
        "a user twice",
        { "pools work users": [{ name: "a" }, { name: "a" }] },
        "USER_TWICE",
        "pools.work.users[1].name",
        "the user is declared twice",
    ],
    [
        "a uid that differs between pools",
        {
            "hosts bm7": { kind: "bareMetal", address: "10.0.0.7" },
            "pools work users": [{ name: "a", uid: 980 }],
            "pools more": {
                hosts: ["bm7"],
                resources: { cpus: 1, memMiB: 512, diskMiB: 100 },
                users: [{ name: "a", uid: 981 }],
            },
        },
        "UID_DIFFERS",
        "pools.work.users[0].uid",
        "a has another uid in the pool more",
    ],
    [
        "cgroup v2 with Apache Mesos",
        { "pools work flags": { enable_cgroupsv2: true }, "pools work containerizers": ["docker"] },
        "CGROUPS_V2_APACHE",
        "pools.work.flags.enable_cgroupsv2",
        "Apache Mesos has no such flag; clusterd has",
    ],
    [
        "cgroup v2 with the Mesos containerizer",
        {
            "distribution flavour": "clusterd",
            "pools work flags": { enable_cgroupsv2: true },
            "pools work containerizers": ["docker", "mesos"],
        },
        "CGROUPS_V2_MESOS",
        "pools.work.containerizers",
        "with enable_cgroupsv2 the Mesos containerizer does not work",
    ],
    [
        "isolators that need the linux launcher",
        { "pools work launcher": "posix" },
        "LAUNCHER_POSIX",
        "pools.work.launcher",
        "the posix launcher cannot serve these isolators",
    ],
    [
        "docker/runtime without images",
        { "pools work isolation": ["cgroups/cpu", "docker/runtime"] },
        "IMAGE_PROVIDER",
        "pools.work.imageProviders",
        "docker/runtime needs images of Docker",
    ],
    [
        "a pool's name in capitals",
        { "pools Work": { hosts: [], resources: { cpus: 1, memMiB: 512, diskMiB: 100 } } },
        "POOL_NAME",
        "pools.Work",
        "is no legal pool name",
    ],
];

const flags: Row[] = [
    [
        "an owned flag of the masters",
        { "masters flags": { quorum: 1 } },
        "FLAG_OWNED",
        "masters.flags.quorum",
        "this flag is not for `flags`",
    ],
    [
        "an owned flag of agents",
        { "pools work flags": { attributes: "a:b" } },
        "FLAG_OWNED",
        "pools.work.flags.attributes",
        "this flag is not for `flags`",
    ],
    [
        "a log directory",
        { "masters flags": { log_dir: "/var/log" } },
        "FLAG_OWNED",
        "masters.flags.log_dir",
        "this flag is not for `flags`",
    ],
    [
        "a flag with dashes",
        { "masters flags": { "--offer-timeout": "30secs" } },
        "FLAG_NAME",
        'masters.flags["--offer-timeout"]',
        "is no flag's name",
    ],
    [
        "a value that breaks the line",
        { "masters flags": { offer_timeout: "a\nb" } },
        "FLAG_VALUE",
        "masters.flags.offer_timeout",
        "a flag's value cannot hold a single quote or a line break",
    ],
];

const others: Row[] = [
    [
        "a confirmation of another cluster",
        { confirm: "prod" },
        "CONFIRM_NAME",
        "confirm",
        "does not repeat the cluster's name",
    ],
    [
        "the site's own principal",
        { frameworks: { operator: {} } },
        "PRINCIPAL_RESERVED",
        "frameworks.operator",
        "this principal is the site's own",
    ],
    [
        "a principal with a dot",
        { frameworks: { "a.b": {} } },
        "PRINCIPAL_NAME",
        'frameworks["a.b"]',
        "is no legal principal",
    ],
    [
        "a role with a space",
        { frameworks: { a: { roles: ["x y"] } } },
        "ROLE_NAME",
        "frameworks.a.roles[0]",
        "is no legal role",
    ],
];

test.each([...pools, ...flags, ...others])("fails on %s", (_what, changes, code, path, message) => {
    const faults = faultsOf(changed(changes)).map((fault) => [fault.code, fault.path, fault.message]);
    expect(faults).toEqual([[code, path, message]]);
});
