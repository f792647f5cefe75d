/**
 * The fields of a Marathon app: types, defaults, limits, and what the server does with an empty value. Sources: the server's own
 * type definitions (1.11) and its recorded answers.
 */
import type { Dialect, Field, Fields } from "../definitions/fields";

export const appDialect: Dialect = { code: "APP", unknownKeys: "dropped", words: "marathon" };

const text: Field = { type: "text" };
const name: Field = {
    type: "text",
    pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    allowed: "lower-case letters, digits and hyphens, e.g. http-api",
    template: "refused",
};
const labels = (empty: "shown" | "dropped"): Field => ({
    type: "map",
    of: text,
    empty,
    ...(empty === "shown" ? { default: {} } : {}),
});
const port = (defaultPort?: number): Field => ({
    type: "integer",
    min: 0,
    max: 65535,
    ...(defaultPort === undefined ? {} : { default: defaultPort }),
});
const protocol: Field = { type: "enum", values: ["tcp", "udp", "udp,tcp"], default: "tcp" };

/** A segment: lower case, digits, hyphens inside, dots between such parts. */
const segment = String.raw`(?:(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])\.)*(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])|\.|\.\.`;
/** Path of an app, pod or group. */
export const pathId: Field = {
    type: "text",
    pattern: new RegExp(`^/?(?:(?:${segment})/?)*$`),
    allowed: "lower-case letters, digits, hyphens and dots in parts between slashes, e.g. /shop/web-1",
    template: "refused",
};

const secretReference: Field = { type: "textOrObject", fields: { secret: { type: "text", required: true } } };
export const environment: Field = { type: "map", of: secretReference, empty: "dropped" };
export const secrets: Field = {
    type: "map",
    of: { type: "object", fields: { source: { type: "text", required: true, minLength: 1 } } },
    empty: "dropped",
};

export const fetchItem: Field = {
    type: "object",
    fields: {
        uri: { type: "text", required: true, template: "refused" },
        extract: { type: "boolean", default: true },
        executable: { type: "boolean", default: false },
        cache: { type: "boolean", default: false },
        destPath: text,
    },
};

const persistentFields: Fields = {
    type: { type: "enum", values: ["root", "path", "mount"], default: "root" },
    size: { type: "integer", required: true },
    maxSize: { type: "integer", min: 0 },
    profileName: text,
    constraints: { type: "list", of: { type: "list", of: text, empty: "shown" }, empty: "shown", default: [] },
};
export const persistentVolume: Field = { type: "object", fields: persistentFields };
const externalVolume: Field = {
    type: "object",
    fields: {
        size: { type: "integer", min: 1 },
        name: text,
        provider: { type: "text", required: true },
        options: { type: "any" },
        shared: { type: "boolean", default: false },
    },
};

const networkLabels = labels("dropped");
/** A network; its name is a pattern of its own, which the old spelling `ipAddress.networkName` escapes. */
export const network: Field = {
    type: "object",
    fields: {
        name,
        mode: { type: "enum", values: ["host", "container", "container/bridge"], default: "container" },
        labels: networkLabels,
    },
};

const portMapping: Field = {
    type: "object",
    fields: {
        containerPort: port(0),
        hostPort: port(),
        labels: labels("shown"),
        name,
        protocol,
        servicePort: port(0),
        networkNames: { type: "list", of: text, empty: "dropped" },
    },
};

const container: Field = {
    type: "object",
    fields: {
        type: { type: "enum", values: ["MESOS", "DOCKER"] },
        docker: {
            type: "object",
            fields: {
                image: { type: "text", required: true, minLength: 1, template: "refused" },
                forcePullImage: { type: "boolean", default: false },
                privileged: { type: "boolean", default: false },
                parameters: {
                    type: "list",
                    of: {
                        type: "object",
                        fields: {
                            key: { type: "text", required: true, minLength: 1 },
                            value: { type: "text", required: true },
                        },
                    },
                    empty: "shown",
                    default: [],
                },
                pullConfig: { type: "object", fields: { secret: { type: "text", required: true } } },
                network: { type: "enum", values: ["BRIDGE", "HOST", "NONE", "USER"] },
                portMappings: { type: "list", of: portMapping, empty: "shown" },
                credential: {
                    type: "object",
                    fields: { principal: { type: "text", required: true }, secret: text },
                },
            },
        },
        appc: {
            type: "object",
            fields: {
                image: { type: "text", required: true },
                id: text,
                labels: labels("dropped"),
                forcePullImage: { type: "boolean", default: false },
            },
        },
        linuxInfo: { type: "any" },
        volumes: {
            type: "list",
            of: {
                type: "object",
                fields: {
                    containerPath: { type: "text", required: true, minLength: 1, template: "refused" },
                    hostPath: { type: "text", template: "refused" },
                    mode: { type: "enum", values: ["RO", "RW"] },
                    persistent: persistentVolume,
                    external: externalVolume,
                    secret: text,
                },
            },
            empty: "shown",
            default: [],
        },
        portMappings: { type: "list", of: portMapping, empty: "shown" },
    },
};

const seconds = (defaultSec?: number, min = 0): Field => ({
    type: "integer",
    min,
    ...(defaultSec === undefined ? {} : { default: defaultSec }),
});

const healthCheck: Field = {
    type: "object",
    fields: {
        command: {
            type: "object",
            fields: { value: { type: "text", required: true, minLength: 1, template: "shell" } },
        },
        gracePeriodSeconds: seconds(300),
        ignoreHttp1xx: { type: "boolean" },
        intervalSeconds: seconds(60),
        maxConsecutiveFailures: { type: "integer", min: 0, default: 3 },
        path: text,
        port: { type: "integer", min: 0, max: 65535 },
        portIndex: { type: "integer", min: 0 },
        protocol: {
            type: "enum",
            values: ["HTTP", "HTTPS", "TCP", "COMMAND", "MESOS_TCP", "MESOS_HTTP", "MESOS_HTTPS"],
            default: "HTTP",
        },
        ipProtocol: { type: "enum", values: ["IPv4", "IPv6"], default: "IPv4" },
        timeoutSeconds: seconds(20),
        delaySeconds: seconds(15),
    },
};

export const command: Field = {
    type: "object",
    fields: {
        shell: { type: "text", minLength: 1, template: "shell" },
        argv: { type: "list", of: { type: "text", template: "shell" }, min: 1, empty: "shown" },
    },
};
const httpScheme: Field = { type: "enum", values: ["HTTP", "HTTPS"], default: "HTTP" };

const check: Field = {
    type: "object",
    fields: {
        exec: { type: "object", fields: { command: { ...command, required: true } } },
        http: {
            type: "object",
            fields: {
                portIndex: { type: "integer", min: 0 },
                port: { type: "integer", min: 0, max: 65535 },
                path: text,
                scheme: httpScheme,
            },
        },
        tcp: {
            type: "object",
            fields: { portIndex: { type: "integer", min: 0 }, port: { type: "integer", min: 0, max: 65535 } },
        },
        intervalSeconds: seconds(60),
        timeoutSeconds: seconds(20),
        delaySeconds: seconds(15),
    },
};

const readinessCheck: Field = {
    type: "object",
    fields: {
        name: { ...name, default: "readinessCheck", pattern: /^[A-Za-z][A-Za-z0-9-]*$/ },
        protocol: { type: "enum", values: ["HTTP", "HTTPS"], default: "HTTP" },
        path: { type: "text", default: "/" },
        portName: { ...name, default: "http-api" },
        intervalSeconds: seconds(30),
        timeoutSeconds: seconds(10),
        httpStatusCodesForReady: {
            type: "list",
            of: { type: "integer", min: 100, max: 999 },
            min: 1,
            empty: "shown",
            default: [200],
        },
        preserveLastResponse: { type: "boolean", default: false },
    },
};

export const upgradeFields: Fields = {
    maximumOverCapacity: { type: "number", min: 0, max: 1, required: true },
    minimumHealthCapacity: { type: "number", min: 0, max: 1, required: true },
};

export const unreachableStrategy: Field = {
    type: "textOrObject",
    values: ["disabled"],
    fields: { inactiveAfterSeconds: seconds(0), expungeAfterSeconds: seconds(0) },
};

export const executorResources: Field = {
    type: "object",
    fields: {
        cpus: { type: "number", min: 0.1, default: 0.1 },
        mem: { type: "number", min: 32, default: 32 },
        disk: { type: "number", min: 10, default: 10 },
    },
};

export const resourceLimits: Field = {
    type: "object",
    fields: {
        cpus: { type: "numberOrWord", words: ["unlimited"], min: 0 },
        mem: { type: "numberOrWord", words: ["unlimited"], min: 0 },
    },
    empty: "dropped",
};

const readOnly: Field = { type: "any", readOnly: true };

/** What only an old spelling may hold; normalisation rewrites it. */
export const oldFields: Fields = {
    ports: { type: "list", of: { type: "integer" }, empty: "shown" },
    uris: { type: "list", of: { type: "text", template: "refused" }, empty: "dropped" },
    ipAddress: {
        type: "object",
        fields: {
            groups: { type: "list", of: text, empty: "dropped" },
            labels: networkLabels,
            discovery: { type: "object", fields: { ports: { type: "list", of: { type: "any" }, empty: "shown" } } },
            networkName: text,
        },
    },
};

/** Every field of an app. */
export const appFields: Fields = {
    id: { ...pathId, required: true },
    acceptedResourceRoles: { type: "list", of: { type: "text", template: "refused" }, empty: "shown" },
    args: { type: "list", of: { type: "text", template: "shell" }, empty: "dropped" },
    backoffFactor: { type: "number", min: 1, default: 1.15 },
    backoffSeconds: { type: "integer", min: 0, default: 1 },
    cmd: { type: "text", minLength: 1, template: "shell" },
    constraints: {
        type: "list",
        of: { type: "list", of: { type: "text", template: "refused" }, empty: "shown" },
        empty: "dropped",
    },
    container,
    cpus: { type: "number", min: 0, default: 1 },
    dependencies: { type: "list", of: pathId, empty: "dropped" },
    disk: { type: "number", min: 0, default: 0 },
    env: environment,
    executor: { type: "text", default: "" },
    executorResources,
    fetch: { type: "list", of: fetchItem, empty: "dropped" },
    healthChecks: { type: "list", of: healthCheck, empty: "dropped" },
    check,
    instances: { type: "integer", min: 0, default: 1 },
    labels: labels("shown"),
    maxLaunchDelaySeconds: { type: "integer", min: 0, default: 300 },
    mem: { type: "number", min: 0, default: 128 },
    gpus: { type: "integer", min: 0, default: 0 },
    networks: { type: "list", of: network, empty: "shown" },
    portDefinitions: {
        type: "list",
        of: { type: "object", fields: { port: port(0), labels: labels("dropped"), name, protocol } },
        empty: "shown",
    },
    readinessChecks: { type: "list", of: readinessCheck, empty: "dropped" },
    residency: {
        type: "object",
        fields: {
            relaunchEscalationTimeoutSeconds: { type: "integer", min: 0, default: 3600 },
            taskLostBehavior: {
                type: "enum",
                values: ["WAIT_FOREVER", "RELAUNCH_AFTER_TIMEOUT"],
                default: "WAIT_FOREVER",
            },
        },
    },
    requirePorts: { type: "boolean", default: false },
    resourceLimits,
    role: { type: "text", template: "refused" },
    secrets,
    taskKillGracePeriodSeconds: { type: "integer", min: 0 },
    tty: { type: "boolean" },
    unreachableStrategy,
    upgradeStrategy: { type: "object", fields: upgradeFields },
    user: text,
    killSelection: { type: "enum", values: ["YOUNGEST_FIRST", "OLDEST_FIRST"], default: "YOUNGEST_FIRST" },
    ...oldFields,
    storeUrls: { type: "any", gone: "was dropped from Marathon: fetch files with `fetch`" },
    version: readOnly,
    versionInfo: readOnly,
    deployments: readOnly,
    lastTaskFailure: readOnly,
    readinessCheckResults: readOnly,
    taskStats: readOnly,
    tasksStats: readOnly,
    tasks: readOnly,
    tasksHealthy: readOnly,
    tasksRunning: readOnly,
    tasksStaged: readOnly,
    tasksUnhealthy: readOnly,
};
