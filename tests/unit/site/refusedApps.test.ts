/**
 * Every bad app that the facts and the public bug reports name, as a file in the stack's folders: a preview refuses it, with the
 * file, the path and a reason, before anything is sent. What a server would take without a word, or break by, is no exception.
 */
import { checkApp, type Finding } from "../../../site/marathon";
import { app, bridge, expectRefused, image, type Row, said, server } from "./previews";

const checked = (more: object): object =>
    app({ instances: 2, healthChecks: [{ protocol: "HTTP", path: "/", portIndex: 0 }], ...more });
const http = { protocol: "HTTP", path: "/" };
const fixed = { requirePorts: true, portDefinitions: [{ port: 31080 }] };
const stopFirst = { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } };
const volume = (more: object): object =>
    app({
        container: {
            type: "MESOS",
            volumes: [{ containerPath: "data", mode: "RW", persistent: { size: 10 }, ...more }],
        },
    });

const apps: Row[] = [
    [
        "an unknown field, which the server drops",
        app({ instancess: 2 }),
        "APP_KEY_UNKNOWN apps/a.json/instancess: there is no such setting",
    ],
    ["cpus 0, which the server takes", app({ cpus: 0 }), "APP_CPUS_ZERO apps/a.json/cpus: is 0"],
    ["a number in quotation marks", app({ cpus: "0.5" }), "APP_TYPE apps/a.json/cpus: must be a number"],
    ["a number as a variable", app({ env: { A: 1 } }), "APP_TYPE apps/a.json/env/A: must be text or a map"],
    [
        "nothing as a variable",
        app({ env: { A: null } }),
        "APP_TYPE apps/a.json/env/A: must be text or a map, not nothing",
    ],
    ["a command of one character", app({ cmd: "x" }), "APP_COMMAND_SHORT apps/a.json/cmd"],
    ["cmd and args", app({ args: ["a"] }), "APP_COMMAND apps/a.json: gives both cmd and args"],
    ["nothing to run", { id: "/a", cpus: 0.1, mem: 32 }, "APP_COMMAND apps/a.json: gives nothing to run"],
    ["args of nothing", { id: "/a", cpus: 0.1, mem: 32, args: [] }, "APP_COMMAND apps/a.json: gives nothing to run"],
    ["an id in upper case", app({ id: "/Shop/web" }), "APP_PATTERN apps/a.json/id"],
    ["an id of the API's own paths", app({ id: "/shop/tasks" }), "APP_ID_RESERVED apps/a.json/id"],
    [
        "an id of 300 characters, which the server takes and no agent can run",
        app({ id: `/${"a".repeat(300)}` }),
        "APP_ID_TOO_LONG apps/a.json/id",
    ],
    [
        "ports in a bridge, which the server drops",
        image({ ...bridge, portDefinitions: [{ port: 0 }] }),
        "APP_PORTS_DROPPED apps/a.json/portDefinitions",
    ],
    [
        "mappings in the host's network, which the server drops",
        image({}, { portMappings: [{ containerPort: 80 }] }),
        "APP_MAPPINGS_DROPPED apps/a.json/container/portMappings",
    ],
    [
        "a check of a port that is not there",
        app({ healthChecks: [{ ...http, portIndex: 3 }] }),
        "APP_CHECK_PORT apps/a.json/healthChecks(0): there is no port number 3",
    ],
    [
        "two checks that Mesos runs",
        app({
            healthChecks: [
                { ...http, protocol: "MESOS_HTTP" },
                { protocol: "MESOS_TCP", portIndex: 0 },
            ],
        }),
        "APP_CHECKS_TWO apps/a.json/healthChecks",
    ],
    [
        "a command check without a command, the server's error 500",
        app({ healthChecks: [{ protocol: "COMMAND" }] }),
        "APP_CHECK_COMMAND apps/a.json/healthChecks(0)",
    ],
    [
        "an operator in lower case, the server's error 500",
        app({ constraints: [["hostname", "unique"]] }),
        "APP_CONSTRAINT_OPERATOR apps/a.json/constraints(0)",
    ],
    [
        "half a strategy",
        app({ upgradeStrategy: { minimumHealthCapacity: 0.5 } }),
        "APP_MISSING apps/a.json/upgradeStrategy/maximumOverCapacity",
    ],
    ["a dependency on itself", app({ dependencies: ["/a"] }), "APP_DEPENDS_ON_ITSELF apps/a.json/dependencies"],
    [
        "a dependency on nothing, which the server takes",
        app({ dependencies: ["/nobody"] }),
        "APP_DEPENDENCY_UNKNOWN apps/a.json: depends on /nobody",
    ],
    ["a role of others", app({ role: "bogus" }), "APP_ROLE apps/a.json/role"],
    [
        "offers of others",
        app({ acceptedResourceRoles: ["slave_public"] }),
        "APP_ACCEPTED_ROLES apps/a.json/acceptedResourceRoles",
    ],
    ["half an instance", app({ instances: 1.5 }), "APP_TYPE apps/a.json/instances: must be a whole number"],
    [
        "a readiness check of no port",
        app({ readinessChecks: [{ portName: "api" }] }),
        "APP_READINESS_PORT apps/a.json/readinessChecks(0)/portName",
    ],
    [
        "a limit below what is asked for",
        app({ resourceLimits: { cpus: 0.05 } }),
        "APP_LIMIT apps/a.json/resourceLimits/cpus",
    ],
    ["GPUs for Docker", image({ gpus: 1 }), "APP_GPUS_DOCKER apps/a.json/gpus"],
    [
        "expunged before it is inactive",
        app({ unreachableStrategy: { inactiveAfterSeconds: 10, expungeAfterSeconds: 5 } }),
        "APP_UNREACHABLE apps/a.json/unreachableStrategy/inactiveAfterSeconds",
    ],
    [
        "a single instance, twice",
        app({ instances: 2, labels: { MARATHON_SINGLE_INSTANCE_APP: "true" }, ...stopFirst }),
        "APP_INSTANCES_SINGLE apps/a.json/instances",
    ],
    [
        "a volume below another folder",
        volume({ containerPath: "/a/b" }),
        "APP_VOLUME_PATH apps/a.json/container/volumes(0)/containerPath",
    ],
    ["a volume to be read only", volume({ mode: "RO" }), "APP_VOLUME_MODE apps/a.json/container/volumes(0)/mode"],
    [
        "secrets on a server without them",
        app({ env: { A: { secret: "s" } }, secrets: { s: { source: "/s" } } }),
        "APP_SECRETS_OFF apps/a.json/secrets",
    ],
    [
        "an executor that is none, which the server takes",
        app({ executor: "bogus" }),
        "APP_EXECUTOR apps/a.json/executor",
    ],
    ["a user without a name, which the server takes", app({ user: "" }), "APP_USER_EMPTY apps/a.json/user"],
    [
        "more CPUs than an agent has",
        app({ cpus: 32 }),
        "APP_FIT apps/a.json: no pool can hold one instance: cpus 32 > 4",
    ],
    [
        "more memory than an agent has",
        app({ mem: 999_999 }),
        "APP_FIT apps/a.json: no pool can hold one instance: mem 999999 > 4096",
    ],
    [
        "more of one each than agents",
        app({ instances: 50, constraints: [["hostname", "UNIQUE"]] }),
        "APP_FIT_SPREAD apps/a.json/constraints: constraint hostname UNIQUE needs 50 agents, 3 match",
    ],
    [
        "a host port that no pool gives",
        app({ requirePorts: true, portDefinitions: [{ port: 80 }] }),
        "APP_FIT apps/a.json: no pool can hold one instance: host port 80",
    ],
    [
        "a pod with an app's field",
        { id: "/p", cmd: "ls", containers: [{ name: "a", resources: { cpus: 0.1, mem: 32 } }] },
        "POD_KEY_UNKNOWN apps/a.json/cmd",
    ],
    ["a pod of nothing", { id: "/p", containers: [] }, "POD_EMPTY apps/a.json/containers"],
    [
        "a group with an app twice, of which the server keeps one",
        { id: "/g", apps: [app({ id: "x" }), app({ id: "x" })] },
        "GROUP_DUPLICATE apps/a.json/apps(1)",
    ],
    [
        "a group with an unknown field",
        { id: "/g", bogus: 1, apps: [app({ id: "x" })] },
        "GROUP_KEY_UNKNOWN apps/a.json/bogus",
    ],
    ["no JSON", "{", "FILE_JSON apps/a.json"],
    ["a list", [1], "FILE_NOT_A_MAP apps/a.json"],
    [
        "a value that the stack does not have",
        app({ env: { A: "${config:db}" } }),
        'FILE_VALUE_MISSING apps/a.json: the stack has no value "db"',
    ],
    [
        "a secret that the stack does not have",
        app({ env: { A: "${secret:db}" } }),
        'FILE_VALUE_MISSING apps/a.json: the stack has no secret "db"',
    ],
];

test.each(apps)("app: %s", (_what, definition, expected) =>
    expectRefused(said({ "apps/a.json": definition }), expected),
);

test.each<Row>([
    [
        "one each on all agents",
        app({ instances: 3, constraints: [["hostname", "UNIQUE"]] }),
        "APP_FIT_UPDATE apps/a.json/upgradeStrategy: runs, but can never be updated: constraint hostname UNIQUE",
    ],
    [
        "a host port on all agents",
        app({ instances: 3, ...fixed }),
        "APP_FIT_UPDATE apps/a.json/upgradeStrategy: runs, but can never be updated: host port 31080",
    ],
    [
        "more than empty agents hold",
        app({ instances: 50, cpus: 1 }),
        "APP_FIT_ROOM apps/a.json/instances: even empty pools hold 12 of 50",
    ],
])("it may be meant, and is warned of: %s", (_what, definition, expected) =>
    expect(said({ "apps/a.json": definition })).toEqual([expect.stringContaining(`warned: ${expected}`)]),
);

test("what leaves room for an update is not warned of", () => {
    for (const more of [{ instances: 2 }, { instances: 3, ...stopFirst }])
        expect(said({ "apps/a.json": app({ ...more, constraints: [["hostname", "UNIQUE"]] }) })).toEqual([]);
});

/** What is sent as it was meant, or means little harm: told when the app or job changes. */
test.each<readonly [string, readonly Finding[], string]>([
    ["an id that climbs", checkApp(app({ id: "/a/../b" }), server), "APP_ID_DOTS /id"],
    [
        "ports beside portDefinitions",
        checkApp(app({ ports: [0], portDefinitions: [{ port: 0 }] }), server),
        "APP_PORTS_TWICE /ports",
    ],
    [
        "a check with port and portIndex",
        checkApp(app({ healthChecks: [{ ...http, port: 80, portIndex: 0 }] }), server),
        "APP_CHECK_PORT_TWICE /healthChecks(0)",
    ],
    ["a check of nothing", checkApp(app({ healthChecks: [{}] }), server), "APP_CHECK_EMPTY /healthChecks(0)"],
    [
        "an export of the server",
        checkApp(app({ version: "2020-01-01T00:00:00.000Z" }), server),
        "APP_READ_ONLY /version",
    ],
    [
        "residency without volumes",
        checkApp(app({ residency: { taskLostBehavior: "WAIT_FOREVER" } }), server),
        "APP_RESIDENCY /residency",
    ],
    [
        "an update that may never begin",
        checkApp(checked({ upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } }), server),
        "APP_UPGRADE_STUCK /upgradeStrategy",
    ],
    ["a fixed port with the usual strategy", checkApp(app(fixed), server), "APP_FIXED_PORT /upgradeStrategy"],
])("told: %s", (_what, findings, expected) =>
    expect(findings.map(({ severity, code, path }) => `${severity} ${code} ${path}`)).toContain(`warning ${expected}`),
);
