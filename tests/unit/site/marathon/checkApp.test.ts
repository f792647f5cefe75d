import {
    checkApp,
    checkGroup,
    checkPod,
    isRefused,
    type MarathonFacts,
    plainMarathon,
} from "../../../../site/marathon";

const run = { id: "/shop/web", cmd: "sleep 1000" };
const image = { id: "/shop/web", container: { docker: { image: "nginx" } } };
const gpus: MarathonFacts = { role: "*", features: ["gpu_resources", "secrets", "external_volumes"] };
const withRole: MarathonFacts = { ...gpus, role: "services", hasPrincipal: true };
const bridge = { networks: [{ mode: "container/bridge" }] };

const codes = (app: unknown, server = gpus): string[] =>
    checkApp(app, server).map(({ code, path }) => `${code} ${path}`);

test.each<[string, unknown, MarathonFacts?]>([
    ["the shortest app", run],
    ["an image without a command", image],
    ["a template that the shell fills", { ...run, cmd: "serve --port $PORT0 --host ${HOST}" }],
    ["any letter case of an enumeration", { ...run, killSelection: "oldest_first" }],
    [
        "a health check on the second port",
        {
            ...run,
            portDefinitions: [
                { port: 0, name: "http" },
                { port: 0, name: "admin" },
            ],
            healthChecks: [{ protocol: "MESOS_HTTP", path: "/", portIndex: 1 }],
        },
    ],
    ["the server's own role", { ...run, role: "services", acceptedResourceRoles: ["services", "*"] }, withRole],
    ["the top-level group as role", { ...run, role: "shop" }],
    [
        "a volume on an agent",
        {
            ...run,
            container: { type: "MESOS", volumes: [{ containerPath: "data", mode: "RW", persistent: { size: 10 } }] },
        },
        withRole,
    ],
])("%s is taken", (_what, app, server = gpus) => {
    expect(checkApp(app, server)).toEqual([]);
});

test.each<[string, unknown, string, MarathonFacts?]>([
    ["a misspelt field", { ...run, instancess: 2 }, "APP_KEY_UNKNOWN /instancess"],
    [
        "a misplaced field",
        { ...image, container: { docker: { image: "nginx", forcePull: true } } },
        "APP_KEY_UNKNOWN /container/docker/forcePull",
    ],
    ["a number in quotation marks", { ...run, cpus: "0.5" }, "APP_TYPE /cpus"],
    ["a number as variable", { ...run, env: { PORT: 8080 } }, "APP_TYPE /env/PORT"],
    ["no CPU", { ...run, cpus: 0 }, "APP_CPUS_ZERO /cpus"],
    ["upper case", { ...run, id: "/Shop" }, "APP_PATTERN /id"],
    ["an unfilled id", { ...run, id: "/{{ name }}" }, "APP_TEMPLATE /id"],
    [
        "an unfilled image",
        { ...image, container: { docker: { image: "nginx:${TAG}" } } },
        "APP_TEMPLATE /container/docker/image",
    ],
    [
        "an unfilled image in words",
        { ...image, container: { docker: { image: "nginx:<image-tag>" } } },
        "APP_TEMPLATE /container/docker/image",
    ],
    ["cmd and args", { ...run, args: ["x"] }, "APP_COMMAND /"],
    ["nothing to run", { id: "/a" }, "APP_COMMAND /"],
    [
        "mappings in the host's network",
        { ...image, container: { docker: { image: "nginx" }, portMappings: [{ containerPort: 80 }] } },
        "APP_MAPPINGS_DROPPED /container/portMappings",
    ],
    [
        "old mappings in the host's network",
        { ...image, container: { docker: { image: "nginx", network: "HOST", portMappings: [{ containerPort: 80 }] } } },
        "APP_MAPPINGS_DROPPED /container/docker/portMappings",
    ],
    [
        "ports in a bridge",
        { ...image, ...bridge, portDefinitions: [{ port: 80 }] },
        "APP_PORTS_DROPPED /portDefinitions",
    ],
    [
        "a TCP check of a UDP port",
        {
            ...image,
            ...bridge,
            container: { docker: { image: "nginx" }, portMappings: [{ containerPort: 53, protocol: "udp" }] },
            healthChecks: [{ protocol: "TCP", portIndex: 0 }],
        },
        "APP_CHECK_UDP /healthChecks(0)",
    ],
    [
        "two checks that Mesos runs",
        {
            ...run,
            healthChecks: [
                { protocol: "COMMAND", command: { value: "true" } },
                { protocol: "MESOS_TCP", portIndex: 0 },
            ],
        },
        "APP_CHECKS_TWO /healthChecks",
    ],
    [
        "a readiness check of a port that is not there",
        { ...run, readinessChecks: [{ portName: "api" }] },
        "APP_READINESS_PORT /readinessChecks(0)/portName",
    ],
    [
        "half a strategy",
        { ...run, upgradeStrategy: { minimumHealthCapacity: 0.5 } },
        "APP_MISSING /upgradeStrategy/maximumOverCapacity",
    ],
    [
        "a strategy without any room",
        { ...run, upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 } },
        "APP_UPGRADE_TIGHT /upgradeStrategy",
    ],
    [
        "one instance and no room",
        { ...run, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } },
        "APP_UPGRADE_TIGHT /upgradeStrategy",
    ],
    [
        "a strategy that may never begin",
        {
            ...run,
            instances: 2,
            healthChecks: [{ protocol: "HTTP", path: "/", portIndex: 0 }],
            upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 },
        },
        "APP_UPGRADE_STUCK /upgradeStrategy",
    ],
    [
        "a fixed port",
        { ...run, portDefinitions: [{ port: 9097 }], requirePorts: true },
        "APP_FIXED_PORT /upgradeStrategy",
    ],
    [
        "a single instance with the usual strategy",
        { ...run, labels: { MARATHON_SINGLE_INSTANCE_APP: "true" } },
        "APP_UPGRADE_SINGLE /upgradeStrategy/minimumHealthCapacity",
    ],
    [
        "a volume for nobody",
        {
            ...run,
            container: { type: "MESOS", volumes: [{ containerPath: "data", mode: "RW", persistent: { size: 10 } }] },
        },
        "APP_RESIDENT_ROLE /role",
    ],
    [
        "a volume that would wedge the server",
        {
            ...run,
            container: { type: "MESOS", volumes: [{ containerPath: "data", mode: "RW", persistent: { size: 10 } }] },
        },
        "APP_VOLUME_PRINCIPAL /container/volumes(0)",
        { ...withRole, hasPrincipal: false },
    ],
    ["GPUs on a server without", { ...run, gpus: 1 }, "APP_GPUS_OFF /gpus", plainMarathon],
    [
        "a constraint in lower case",
        { ...run, constraints: [["hostname", "unique"]] },
        "APP_CONSTRAINT_OPERATOR /constraints(0)",
    ],
    [
        "the role of other sites",
        { ...run, acceptedResourceRoles: ["slave_public"] },
        "APP_ACCEPTED_ROLES /acceptedResourceRoles",
    ],
    ["an undefined secret", { ...run, env: { TOKEN: { secret: "db" } } }, "APP_SECRET_UNDEFINED /env/TOKEN/secret"],
    ["a dependency on itself", { ...run, dependencies: ["/shop/web"] }, "APP_DEPENDS_ON_ITSELF /dependencies"],
    ["requirePorts in a bridge", { ...image, ...bridge, requirePorts: true }, "APP_REQUIRE_PORTS /requirePorts"],
    ["an exported app", { ...run, tasksRunning: 1 }, "APP_READ_ONLY /tasksRunning"],
])("%s is named", (_what, app, expected, server = gpus) => {
    expect(codes(app, server)).toContain(expected);
});

test("the nearest name is told", () => {
    expect(checkApp({ ...run, instnaces: 2 }, gpus)[0]?.fix).toBe('did you mean "instances"?');
});

test("every fault at once, and no fault twice in other words", () => {
    const findings = checkApp({ id: "/Bad", cmd: 5, cpus: -1, instances: 1.5, bogus: true }, gpus);
    expect(findings.map(({ path }) => path).sort()).toEqual(["/bogus", "/cmd", "/cpus", "/id", "/instances"]);
});

test("no value of a variable is shown", () => {
    const text = JSON.stringify(
        checkApp({ ...run, env: { A: ["geheim"], PASSWORD: 5 }, labels: { password: 1234567 } }, gpus),
    );
    expect(text).not.toMatch(/geheim|1234567/);
});

test("a value that is not known before up is taken for granted", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    expect(checkApp({ ...run, cpus: unknown, env: { A: unknown }, instances: unknown }, gpus)).toEqual([]);
});

test.each<[string, unknown, string]>([
    ["a command of an app", { id: "/p", cmd: "x", containers: [] }, "POD_KEY_UNKNOWN /cmd"],
    ["no containers", { id: "/p" }, "POD_MISSING /containers"],
    [
        "a mount of nothing",
        {
            id: "/p",
            containers: [
                { name: "a", resources: { cpus: 1, mem: 32 }, volumeMounts: [{ name: "v", mountPath: "/v" }] },
            ],
        },
        "POD_MOUNT /containers(0)/volumeMounts(0)/name",
    ],
    [
        "a check of another container's endpoint",
        {
            id: "/p",
            containers: [{ name: "a", resources: { cpus: 1, mem: 32 }, healthCheck: { tcp: { endpoint: "x" } } }],
        },
        "POD_CHECK_ENDPOINT /containers(0)/healthCheck/tcp/endpoint",
    ],
])("pod: %s is named", (_what, pod, expected) => {
    expect(checkPod(pod, gpus).map(({ code, path }) => `${code} ${path}`)).toContain(expected);
});

test.each<[string, unknown, string]>([
    [
        "the same app twice",
        {
            id: "/g",
            apps: [
                { ...run, id: "a" },
                { ...run, id: "a" },
            ],
        },
        "GROUP_DUPLICATE /apps(1)",
    ],
    [
        "an app and a group of one name",
        { id: "/g", apps: [{ ...run, id: "a" }], groups: [{ id: "a" }] },
        "GROUP_DUPLICATE /groups(0)",
    ],
    ["an app of another group", { id: "/g", apps: [{ ...run, id: "/other/a" }] }, "GROUP_MEMBER /apps(0)/id"],
    [
        "apps that wait for each other",
        {
            id: "/g",
            apps: [
                { ...run, id: "a", dependencies: ["b"] },
                { ...run, id: "b", dependencies: ["a"] },
            ],
        },
        "GROUP_CYCLE /",
    ],
    ["an app sent as a group", { ...run }, "GROUP_KEY_UNKNOWN /cmd"],
    ["an answer of the server", { id: "/g", version: "2020-01-01T00:00:00.000Z", apps: [] }, "GROUP_VERSION /version"],
    [
        "a fault deep inside",
        { id: "/g", groups: [{ id: "h", apps: [{ id: "a", cmd: "ls", cpus: 0 }] }] },
        "APP_CPUS_ZERO /groups(0)/apps(0)/cpus",
    ],
])("group: %s is named", (_what, group, expected) => {
    const findings = checkGroup(group, gpus);
    expect(findings.map(({ code, path }) => `${code} ${path}`)).toContain(expected);
    expect(isRefused(findings)).toBe(true);
});
