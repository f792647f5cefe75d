/** The framework's configuration: one YAML or JSON text, checked as a whole. Secrets are named by their files only. */
import { z } from "zod";
import {
    absolute,
    avoidSchema,
    type ConfigFault,
    connectionFields,
    count,
    credentialFaults,
    environmentFaults,
    faultsBy,
    hostPort,
    httpField,
    name,
    positive,
    readBy,
    roleName,
    seconds,
    variable,
    volumeSchema,
} from "../service/config";
import type { Size } from "./sizes";

/** One kind of worker; stack files have it too. */
export const sizeSchema = z
    .strictObject({
        name: name.describe("Name of the size, for pages and metrics."),
        cores: z.int().min(1).default(1).describe("Cores that the worker offers to Work Queue."),
        cpus: positive.optional().describe("CPUs of Mesos for it. Default: as many as cores."),
        memMiB: z.int().min(1).describe("For tasks; the worker's own 64 MiB come on top; MiB."),
        diskMiB: z.int().min(1).describe("For tasks; MiB."),
        gpus: count.default(0).describe("GPUs."),
    })
    .describe("A size of workers. A task gets the first that is large enough.");

export const containerSchema = z
    .strictObject({
        image: z.string().min(1).describe("Docker image with `work_queue_worker` in it."),
        containerizer: z
            .enum(["docker", "mesos"])
            .default("docker")
            .describe("Which of the agent's containerizers runs the image."),
        privileged: z.boolean().default(false).describe("Run it with all privileges (Docker only)."),
    })
    .describe("Image that workers run in. Default: none, the program is on the agents.");

export const ceilingSchema = z
    .strictObject({
        workers: count.describe("Workers."),
        cpus: positive.describe("CPUs."),
        memMiB: positive.describe("Memory; MiB."),
        gpus: count.describe("GPUs."),
    })
    .partial()
    .describe("What all workers together may be at most. Default: as much as Mesos offers.");

const schema = z
    .strictObject({
        name: name.default("workqueue"),
        ...connectionFields("workqueue"),

        catalogs: z.array(hostPort).min(1),
        /** Regular expression that a project's whole name must match. */
        projects: z
            .string()
            .default(".*")
            .refine((text) => isRegExp(text), "no regular expression"),
        /** Projects that have a role of their own, each with a share of its own: role → regular expression for whole names. */
        roles: z
            .record(
                roleName,
                z.string().refine((text) => isRegExp(text), "no regular expression"),
            )
            .default({}),
        /** A file with the password of the managers, mode 0600. */
        passwordFile: absolute.optional(),
        /** Its path where workers run, when it is there already; else it is handed to each worker as a secret. */
        passwordFileOnAgents: absolute.optional(),
        pollSec: seconds.default(1),
        /** A manager that the catalog has not heard of for so long has gone. Managers report every 60 s. */
        staleSec: seconds.default(180),

        sizes: z.array(sizeSchema).min(1),
        ceiling: ceilingSchema.default({}),
        /** A worker without work leaves after so long. */
        idleSec: z.int().min(1).default(30),
        /** A worker that is given a task after so long leaves instead: only what is free can go to others. @default it stays */
        lifeSec: seconds.optional(),
        /** A worker that Mesos has not started within so long is given up. */
        startSec: seconds.default(300),
        avoid: avoidSchema.prefault({}),

        /** Program of the worker, in the container if there is one. */
        worker: z.string().min(1).default("work_queue_worker"),
        arguments: z.array(z.string()).default([]),
        environment: z.record(variable, z.string()).default({}),
        container: containerSchema.optional(),
        volumes: z.array(volumeSchema).default([]),

        http: httpField(9099),
    })
    .superRefine((config, context) => {
        const fault = (path: (string | number)[], message: string): void =>
            context.addIssue({ code: "custom", path, message });
        const { sizes, passwordFile, passwordFileOnAgents } = config;
        credentialFaults(config, fault);
        sizes.forEach(({ name: own }, index) => {
            if (sizes.findIndex(({ name: other }) => other === own) !== index) {
                fault(["sizes", index, "name"], `"${own}" is there twice`);
            }
        });
        if (passwordFileOnAgents !== undefined && passwordFile === undefined) {
            fault(["passwordFile"], "managers with a password are asked with it: passwordFile is wanted too");
        }
        if (
            passwordFile !== undefined &&
            passwordFileOnAgents === undefined &&
            config.container?.containerizer === "docker"
        ) {
            fault(
                ["passwordFileOnAgents"],
                "Docker's containerizer takes no secrets: the file must be on the agents, or the containerizer be mesos",
            );
        }
        environmentFaults(config.environment, fault);
        const reserved = [
            "-C",
            "-M",
            "-N",
            "-P",
            "-t",
            "-s",
            "--cores",
            "--memory",
            "--disk",
            "--gpus",
            "--password",
            "--catalog",
        ];
        config.arguments.forEach((argument, index) => {
            if (reserved.includes(argument.split("=")[0] ?? "")) {
                fault(["arguments", index], `"${argument}" is the framework's business`);
            }
        });
    });

function isRegExp(text: string): boolean {
    try {
        new RegExp(text);
        return true;
    } catch {
        return false;
    }
}

type Parsed = z.output<typeof schema>;

/** A configuration as it may be written, defaults left out. */
export type ConfigText = z.input<typeof schema>;

export interface Config extends Omit<Parsed, "sizes"> {
    readonly sizes: readonly Size[];
}

/** Everything that is wrong with a configuration, for whoever makes one. */
export const configFaults = (given: unknown): ConfigFault[] => faultsBy(schema, given);

/**
 * @param text YAML or JSON
 * @throws {BadConfiguration} with all faults
 */
export function readConfig(text: string): Config {
    const read = readBy(schema, text);
    return { ...read, sizes: read.sizes.map((one) => ({ ...one, cpus: one.cpus ?? one.cores })) };
}

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);

/** The projects' pattern, for whole names. */
export const projectPattern = ({ projects }: Pick<Config, "projects">): RegExp => whole(projects);

/** All roles that workers run under. */
export const rolesOf = ({ role, roles }: Pick<Config, "role" | "roles">): string[] => [
    ...new Set([role, ...Object.keys(roles)]),
];

/** Which role a project's workers run under: the first of `roles` that its name matches, else `role`. */
export function roleOfProject({ role, roles }: Pick<Config, "role" | "roles">): (project: string) => string {
    const patterns = Object.entries(roles).map(([name, pattern]) => [name, whole(pattern)] as const);
    return (project) => patterns.find(([, pattern]) => pattern.test(project))?.[0] ?? role;
}
