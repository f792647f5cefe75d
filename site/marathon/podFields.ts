/** The fields of a Marathon pod. Names differ from an app's: environment, scaling.instances, constraints as objects. */
import type { Dialect, Field, Fields } from "../definitions/fields";
import {
    command,
    environment,
    executorResources,
    fetchItem,
    network,
    pathId,
    persistentVolume,
    resourceLimits,
    secrets,
    unreachableStrategy,
} from "./appFields";

export const podDialect: Dialect = { code: "POD", unknownKeys: "dropped", words: "marathon" };

const text: Field = { type: "text" };
const labels: Field = { type: "map", of: text, empty: "dropped" };
const dnsName: Field = {
    type: "text",
    pattern: /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    allowed: "at most 63 lower-case letters, digits and hyphens",
    template: "refused",
};
const seconds = (defaultSec: number): Field => ({ type: "integer", min: 0, default: defaultSec });

const httpCheck: Field = {
    type: "object",
    fields: {
        endpoint: { type: "text", required: true },
        path: text,
        scheme: { type: "enum", values: ["HTTP", "HTTPS"], default: "HTTP" },
    },
};

const healthCheck: Field = {
    type: "object",
    fields: {
        http: httpCheck,
        tcp: { type: "object", fields: { endpoint: { type: "text", required: true } } },
        exec: { type: "object", fields: { command: { ...command, required: true } } },
        gracePeriodSeconds: seconds(300),
        intervalSeconds: seconds(60),
        maxConsecutiveFailures: { type: "integer", min: 0, default: 3 },
        timeoutSeconds: seconds(20),
        delaySeconds: seconds(15),
    },
};

const container: Field = {
    type: "object",
    fields: {
        name: { ...dnsName, required: true },
        exec: {
            type: "object",
            fields: { command: { ...command, required: true }, overrideEntrypoint: { type: "boolean" } },
        },
        resources: {
            type: "object",
            required: true,
            fields: {
                cpus: { type: "number", min: 0.001, required: true },
                mem: { type: "number", min: 0, required: true },
                disk: { type: "number", min: 0, default: 0 },
                gpus: { type: "integer", min: 0, default: 0 },
            },
        },
        resourceLimits,
        endpoints: {
            type: "list",
            of: {
                type: "object",
                fields: {
                    name: { ...dnsName, required: true },
                    containerPort: { type: "integer", min: 1, max: 65535 },
                    hostPort: { type: "integer", min: 0, max: 65535 },
                    protocol: { type: "list", of: text, empty: "dropped" },
                    labels,
                    networkNames: { type: "list", of: text, empty: "dropped" },
                },
            },
            empty: "dropped",
        },
        image: {
            type: "object",
            fields: {
                kind: { type: "enum", values: ["DOCKER", "APPC"], required: true },
                id: { type: "text", required: true, minLength: 1, template: "refused" },
                forcePull: { type: "boolean" },
                labels,
                pullConfig: { type: "object", fields: { secret: { type: "text", required: true } } },
            },
        },
        environment,
        user: text,
        healthCheck,
        check: {
            type: "object",
            fields: {
                http: httpCheck,
                tcp: { type: "object", fields: { endpoint: { type: "text", required: true } } },
                exec: { type: "object", fields: { command: { ...command, required: true } } },
                intervalSeconds: seconds(60),
                timeoutSeconds: seconds(20),
                delaySeconds: seconds(15),
            },
        },
        volumeMounts: {
            type: "list",
            of: {
                type: "object",
                fields: {
                    name: { type: "text", required: true },
                    mountPath: { type: "text", required: true, minLength: 1, template: "refused" },
                    readOnly: { type: "boolean", default: false },
                },
            },
            empty: "dropped",
        },
        artifacts: { type: "list", of: fetchItem, empty: "dropped" },
        labels,
        lifecycle: { type: "object", fields: { killGracePeriodSeconds: { type: "number", min: 0 } }, empty: "dropped" },
        linuxInfo: { type: "any" },
        tty: { type: "boolean" },
    },
};

const readOnly: Field = { type: "any", readOnly: true };

/** Every field of a pod. */
export const podFields: Fields = {
    id: { ...pathId, required: true },
    labels,
    version: readOnly,
    user: text,
    environment,
    containers: { type: "list", of: container, min: 1, empty: "shown", required: true },
    secrets,
    volumes: {
        type: "list",
        of: {
            type: "object",
            fields: {
                name: { ...dnsName, required: true },
                host: { type: "text", template: "refused" },
                persistent: persistentVolume,
                secret: text,
            },
        },
        empty: "dropped",
    },
    networks: { type: "list", of: network, empty: "dropped" },
    scaling: {
        type: "object",
        fields: {
            kind: { type: "enum", values: ["fixed"], default: "fixed" },
            instances: { type: "integer", min: 0, default: 1 },
            maxInstances: { type: "integer", min: 0 },
        },
        default: { kind: "fixed", instances: 1 },
    },
    scheduling: {
        type: "object",
        fields: {
            backoff: {
                type: "object",
                fields: {
                    backoff: { type: "number", min: 0, default: 1 },
                    backoffFactor: { type: "number", min: 1, default: 1.15 },
                    maxLaunchDelay: { type: "number", min: 0, default: 300 },
                },
                default: { backoff: 1, backoffFactor: 1.15, maxLaunchDelay: 300 },
            },
            upgrade: {
                type: "object",
                fields: {
                    minimumHealthCapacity: { type: "number", min: 0, max: 1, default: 1 },
                    maximumOverCapacity: { type: "number", min: 0, max: 1, default: 1 },
                },
            },
            placement: {
                type: "object",
                fields: {
                    constraints: {
                        type: "list",
                        of: {
                            type: "object",
                            fields: {
                                fieldName: { type: "text", required: true, template: "refused" },
                                operator: {
                                    type: "enum",
                                    values: ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"],
                                    required: true,
                                },
                                value: { type: "text", template: "refused" },
                            },
                        },
                        empty: "dropped",
                    },
                    acceptedResourceRoles: { type: "list", of: text, empty: "dropped" },
                },
                default: {},
            },
            killSelection: { type: "enum", values: ["YOUNGEST_FIRST", "OLDEST_FIRST"], default: "YOUNGEST_FIRST" },
            unreachableStrategy,
        },
        default: {
            backoff: { backoff: 1, backoffFactor: 1.15, maxLaunchDelay: 300 },
            placement: {},
            killSelection: "YOUNGEST_FIRST",
        },
    },
    executorResources: { ...executorResources, default: { cpus: 0.1, mem: 32, disk: 10 } },
    role: { type: "text", template: "refused" },
    linuxInfo: { type: "any" },
    // Set when a pod of an older server was taken over: it must not be taken away.
    legacySharedCgroups: { type: "boolean" },
};
