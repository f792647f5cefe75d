/** The fields of Metronome's jobs and schedules: types, defaults, limits (0.6). */
import type { Dialect, Field, Fields } from "../definitions/fields";

export const jobDialect: Dialect = { code: "JOB", unknownKeys: "refused", words: "metronome" };
/** A schedule takes what it does not know without a word. */
export const scheduleDialect: Dialect = { code: "SCHEDULE", unknownKeys: "dropped", words: "metronome" };

const text: Field = { type: "text" };
const labels: Field = { type: "map", of: text, empty: "shown", default: {} };
const parameters: Field = {
    type: "list",
    of: { type: "object", fields: { key: { type: "text", required: true }, value: { type: "text", required: true } } },
    empty: "shown",
    default: [],
};

/** An id: dots make a hierarchy. */
export const jobId: Field = {
    type: "text",
    pattern: /^([a-z0-9]+(-+[a-z0-9]+)*)(\.([a-z0-9]+(-+[a-z0-9]+)*))*$/,
    allowed: "lower-case letters, digits and hyphens in parts between dots, e.g. backup.nightly-1",
    template: "refused",
};

const run: Fields = {
    cpus: { type: "number", min: 0.01, required: true },
    mem: { type: "number", min: 32, required: true },
    disk: { type: "number", min: 0, required: true },
    gpus: { type: "integer", min: 0, default: 0 },
    cmd: { type: "text", minLength: 1, template: "shell" },
    args: { type: "list", of: { type: "text", template: "shell" }, empty: "shown" },
    user: { type: "text" },
    env: {
        type: "map",
        of: { type: "textOrObject", fields: { secret: { type: "text", required: true } } },
        empty: "shown",
        default: {},
    },
    secrets: {
        type: "map",
        of: { type: "object", fields: { source: { type: "text", required: true } } },
        empty: "shown",
        default: {},
    },
    placement: {
        type: "object",
        fields: {
            constraints: {
                type: "list",
                of: {
                    type: "object",
                    fields: {
                        attribute: { type: "text", required: true, template: "refused" },
                        operator: { type: "enum", values: ["EQ", "IS", "LIKE", "UNLIKE"], required: true },
                        value: { type: "text", template: "refused" },
                    },
                },
                empty: "shown",
                default: [],
            },
        },
        default: { constraints: [] },
    },
    artifacts: {
        type: "list",
        of: {
            type: "object",
            fields: {
                uri: { type: "text", required: true, template: "refused" },
                extract: { type: "boolean", default: true },
                executable: { type: "boolean", default: false },
                cache: { type: "boolean", default: false },
            },
        },
        empty: "shown",
        default: [],
    },
    maxLaunchDelay: { type: "integer", min: 1, default: 3600 },
    docker: {
        type: "object",
        fields: {
            image: { type: "text", required: true, minLength: 1, template: "refused" },
            forcePullImage: { type: "boolean", default: false },
            privileged: { type: "boolean", default: false },
            parameters,
        },
    },
    ucr: {
        type: "object",
        fields: {
            image: {
                type: "object",
                required: true,
                fields: {
                    id: { type: "text", required: true, minLength: 1, template: "refused" },
                    kind: { type: "enum", values: ["docker", "appc"], default: "docker" },
                    forcePull: { type: "boolean", default: false },
                },
            },
            privileged: { type: "boolean", default: false },
        },
    },
    volumes: {
        type: "list",
        of: {
            type: "object",
            fields: {
                containerPath: { type: "text", required: true, minLength: 1, template: "refused" },
                hostPath: { type: "text", template: "refused" },
                mode: { type: "enum", values: ["RO", "RW"] },
                secret: text,
            },
        },
        empty: "shown",
        default: [],
    },
    restart: {
        type: "object",
        fields: {
            policy: { type: "enum", values: ["NEVER", "ON_FAILURE"], default: "NEVER" },
            activeDeadlineSeconds: { type: "integer", min: 1 },
        },
        default: { policy: "NEVER" },
    },
    taskKillGracePeriodSeconds: { type: "number", min: 0 },
    networks: {
        type: "list",
        of: {
            type: "object",
            fields: {
                mode: { type: "enum", values: ["host", "container", "container/bridge"], required: true },
                name: text,
                labels: { type: "map", of: text, empty: "dropped" },
            },
        },
        empty: "shown",
        default: [],
    },
};

/** Every field of a job. Its schedules are resources of their own. */
export const jobFields: Fields = {
    id: { ...jobId, required: true },
    description: text,
    labels,
    dependencies: {
        type: "list",
        of: { type: "object", fields: { id: { ...jobId, required: true } } },
        empty: "shown",
        default: [],
    },
    run: { type: "object", fields: run, required: true },
    schedules: { type: "list", of: { type: "any" }, empty: "dropped" },
};

/** Every field of a schedule. */
export const scheduleFields: Fields = {
    id: {
        type: "text",
        pattern: /^[a-z0-9][a-z0-9-]*[a-z0-9]+$/,
        allowed: "two or more lower-case letters, digits and hyphens, e.g. every-night",
        required: true,
        template: "refused",
    },
    cron: { type: "text", required: true },
    timezone: { type: "text", default: "UTC" },
    startingDeadlineSeconds: { type: "integer", min: 1, default: 900 },
    concurrencyPolicy: { type: "enum", values: ["ALLOW", "FORBID"], default: "ALLOW" },
    enabled: { type: "boolean", default: true },
    nextRunAt: { type: "any", readOnly: true },
};
