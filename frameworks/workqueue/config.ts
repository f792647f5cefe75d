/** The framework's configuration: one YAML or JSON text, checked as a whole. Secrets are named by their files only. */
import { parse } from "yaml";
import { z } from "zod";
import type { Size } from "./sizes";

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "letters, digits, - and _ are wanted");
const count = z.int().min(0);
const positive = z.number().positive();
const seconds = z.number().positive();
const hostPort = z.string().regex(/^[^:/\s]+:\d{1,5}$/, "host:port is wanted");
const absolute = z.string().regex(/^\/[^\s]*$/, "an absolute path is wanted");
const variable = z.string().regex(/^[A-Za-z_]\w*$/, "the name of an environment variable is wanted");

const size = z.strictObject({
    name,
    /** Cores that the worker offers. */
    cores: z.int().min(1).default(1),
    /** CPUs of Mesos for it. @default as many as cores */
    cpus: positive.optional(),
    /** For tasks; the worker's own 64 MiB come on top. */
    memMiB: z.int().min(1),
    diskMiB: z.int().min(1),
    gpus: count.default(0),
});

const volume = z.strictObject({
    host: absolute,
    /** @default the same path */
    container: absolute.optional(),
    readOnly: z.boolean().default(true),
});

const container = z.strictObject({
    image: z.string().min(1),
    /** Which of the agent's containerizers runs the image. */
    containerizer: z.enum(["docker", "mesos"]).default("docker"),
    privileged: z.boolean().default(false),
});

const schema = z
    .strictObject({
        name: name.default("workqueue"),
        /** `zk://host:2181,…/mesos`, or a list of masters `host:port`. */
        masters: z.union([
            z
                .string()
                .regex(
                    /^zk:\/\/[^@\s]+\/\S+$/,
                    "zk://host:2181,…/mesos without a password, or a list of host:port, is wanted",
                ),
            z.array(hostPort).min(1),
        ]),
        /** Where the framework's id is kept and its leader elected: `zk://host:2181,…/workqueue`. */
        zookeeper: z.string().regex(/^zk:\/\/[^@\s]+\/\S+$/, "zk://host:2181,…/path without a password is wanted"),
        /** A file with `user:password`, mode 0600: then only this user may read and change those nodes. */
        zookeeperDigestFile: absolute.optional(),
        role: z
            .string()
            .regex(/^[^\s*/-][^\s*]*$/, "a role other than * is wanted")
            .default("workqueue"),
        /** User that workers run as on the agents. */
        user: z.string().min(1),
        principal: z
            .string()
            .regex(/^[^:\s]+$/, 'a name without ":" is wanted')
            .optional(),
        secretFile: absolute.optional(),
        secretEnv: variable.optional(),
        /** Seconds that workers outlive a framework that has gone. */
        failoverTimeoutSec: seconds.default(86_400),

        catalogs: z.array(hostPort).min(1),
        /** Regular expression that a project's whole name must match. */
        projects: z
            .string()
            .default(".*")
            .refine((text) => isRegExp(text), "no regular expression"),
        /** A file with the password of the managers, mode 0600. */
        passwordFile: absolute.optional(),
        /** Its path where workers run, when it is there already; else it is handed to each worker as a secret. */
        passwordFileOnAgents: absolute.optional(),
        pollSec: seconds.default(1),
        /** A manager that the catalog has not heard of for so long has gone. Managers report every 60 s. */
        staleSec: seconds.default(180),

        sizes: z.array(size).min(1),
        ceiling: z
            .strictObject({ workers: count, cpus: positive, memMiB: positive, gpus: count })
            .partial()
            .default({}),
        /** A worker without work leaves after so long. */
        idleSec: z.int().min(1).default(30),
        /** A worker that Mesos has not started within so long is given up. */
        startSec: seconds.default(300),
        avoid: z
            .strictObject({
                failures: z.int().min(1).default(3),
                earlySec: seconds.default(60),
                avoidSec: seconds.default(600),
                maxAvoidSec: seconds.default(14_400),
            })
            .prefault({}),

        /** Program of the worker, in the container if there is one. */
        worker: z.string().min(1).default("work_queue_worker"),
        arguments: z.array(z.string()).default([]),
        environment: z.record(variable, z.string()).default({}),
        container: container.optional(),
        volumes: z.array(volume).default([]),

        http: z
            .strictObject({ bind: z.string().default("0.0.0.0"), port: z.int().min(0).max(65_535).default(9099) })
            .prefault({}),
        /** `host:port` that others reach this one at. @default this host's name and the port */
        advertise: hostPort.optional(),
    })
    .superRefine((config, context) => {
        const fault = (path: (string | number)[], message: string): void =>
            context.addIssue({ code: "custom", path, message });
        const { principal, secretFile, secretEnv, sizes, passwordFile, passwordFileOnAgents } = config;
        if (principal !== undefined && (secretFile === undefined) === (secretEnv === undefined)) {
            fault(["secretFile"], "with a principal, either secretFile or secretEnv is wanted");
        }
        if (principal === undefined && (secretFile ?? secretEnv) !== undefined) {
            fault(["principal"], "there is a secret, but not whose");
        }
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
        // What is set here would be seen by every user of the cluster's pages.
        Object.keys(config.environment).forEach((key) => {
            if (/PASSWORD|SECRET|TOKEN/i.test(key)) {
                fault(["environment", key], "looks like a secret, and an environment is no place for one");
            }
        });
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

export interface Config extends Omit<Parsed, "sizes"> {
    readonly sizes: readonly Size[];
}

/** Every fault of a configuration, one line each. */
export class BadConfiguration extends Error {
    public override readonly name = "BadConfiguration";

    public constructor(public readonly faults: readonly string[]) {
        super(`the configuration has ${faults.length} fault${faults.length === 1 ? "" : "s"}:\n${faults.join("\n")}`);
    }
}

const pathOf = (path: readonly PropertyKey[]): string =>
    path.reduce<string>(
        (all, key) => (typeof key === "number" ? `${all}[${key}]` : all === "" ? String(key) : `${all}.${String(key)}`),
        "",
    );

/**
 * @param text YAML or JSON
 * @throws {BadConfiguration} with all faults
 */
export function readConfig(text: string): Config {
    let given: unknown;
    try {
        given = parse(text);
    } catch (error) {
        throw new BadConfiguration([`neither YAML nor JSON: ${(error as Error).message.split("\n")[0] ?? ""}`]);
    }
    const result = schema.safeParse(given);
    if (!result.success) {
        const faults = result.error.issues.map(({ path, message }) => `${pathOf(path) || "(all of it)"}: ${message}`);
        throw new BadConfiguration(faults);
    }
    return { ...result.data, sizes: result.data.sizes.map((one) => ({ ...one, cpus: one.cpus ?? one.cores })) };
}

/** The projects' pattern, for whole names. */
export const projectPattern = ({ projects }: Pick<Config, "projects">): RegExp => new RegExp(`^(?:${projects})$`);
