/** What the configurations of all our frameworks have in common, and how one is read: as a whole, with every fault. */
import { parse } from "yaml";
import { z } from "zod";

export const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "letters, digits, - and _ are wanted");
export const count = z.int().min(0);
export const positive = z.number().positive();
export const seconds = z.number().positive();
export const hostPort = z.string().regex(/^[^:/\s]+:\d{1,5}$/, "host:port is wanted");
export const absolute = z.string().regex(/^\/[^\s]*$/, "an absolute path is wanted");
export const variable = z.string().regex(/^[A-Za-z_]\w*$/, "the name of an environment variable is wanted");

export const roleName = z.string().regex(/^[^\s*/-][^\s*]*$/, "a role other than * is wanted");

export const volumeSchema = z
    .strictObject({
        host: absolute.describe("Path on the agent."),
        container: absolute.optional().describe("Path where tasks see it. Default: the same."),
        readOnly: z.boolean().default(true).describe("Tasks may not write there."),
    })
    .describe("A directory of the agents that tasks need, such as /cvmfs.");

export const avoidSchema = z
    .strictObject({
        failures: z.int().min(1).default(3).describe("So many early failures in a row, and a host is avoided."),
        earlySec: seconds
            .default(60)
            .describe("A task that fails within so long after its start has failed early; seconds."),
        avoidSec: seconds
            .default(600)
            .describe("How long a host is avoided the first time, then twice as long; seconds."),
        maxAvoidSec: seconds.default(14_400).describe("Never longer; seconds."),
    })
    .describe("When hosts get no tasks.");

/**
 * How a framework reaches masters and ZooKeeper, and who it is there.
 * @param role by default
 */
export const connectionFields = (role: string) => ({
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
    /** Where the framework's id is kept and its leader elected: `zk://host:2181,…/name`. */
    zookeeper: z.string().regex(/^zk:\/\/[^@\s]+\/\S+$/, "zk://host:2181,…/path without a password is wanted"),
    /** A file with `user:password`, mode 0600: then only this user may read and change those nodes. */
    zookeeperDigestFile: absolute.optional(),
    role: roleName.default(role),
    /** User that tasks run as on the agents. */
    user: z.string().min(1),
    principal: z
        .string()
        .regex(/^[^:\s]+$/, 'a name without ":" is wanted')
        .optional(),
    secretFile: absolute.optional(),
    secretEnv: variable.optional(),
    /** Seconds that tasks outlive a framework that has gone. */
    failoverTimeoutSec: seconds.default(86_400),
    /** `host:port` that others reach this one at. @default this host's name and the port */
    advertise: hostPort.optional(),
});

/** @param port by default */
export const httpField = (port: number) =>
    z
        .strictObject({ bind: z.string().default("0.0.0.0"), port: z.int().min(0).max(65_535).default(port) })
        .prefault({});

type Fault = (path: (string | number)[], message: string) => void;

/** Whose secret, and that there is one. */
export function credentialFaults(
    {
        principal,
        secretFile,
        secretEnv,
    }: Readonly<Partial<Record<"principal" | "secretFile" | "secretEnv", string | undefined>>>,
    fault: Fault,
): void {
    if (principal !== undefined && (secretFile === undefined) === (secretEnv === undefined)) {
        fault(["secretFile"], "with a principal, either secretFile or secretEnv is wanted");
    }
    if (principal === undefined && (secretFile ?? secretEnv) !== undefined) {
        fault(["principal"], "there is a secret, but not whose");
    }
}

/** What is set for tasks would be seen by every user of the cluster's pages. */
export function environmentFaults(environment: object, fault: Fault, at: readonly (string | number)[] = []): void {
    Object.keys(environment).forEach((key) => {
        if (/PASSWORD|SECRET|TOKEN/i.test(key)) {
            fault([...at, "environment", key], "looks like a secret, and an environment is no place for one");
        }
    });
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

/** One thing that is wrong with a configuration. */
export interface ConfigFault {
    readonly path: readonly PropertyKey[];
    readonly message: string;
}

/** Everything that is wrong with a configuration, for whoever makes one. */
export function faultsBy(schema: z.ZodType, given: unknown): ConfigFault[] {
    const result = schema.safeParse(given);
    return result.success ? [] : result.error.issues.map(({ path, message }) => ({ path, message }));
}

/**
 * @param text YAML or JSON
 * @throws {BadConfiguration} with all faults
 */
export function readBy<S extends z.ZodType>(schema: S, text: string): z.output<S> {
    let given: unknown;
    try {
        given = parse(text);
    } catch (error) {
        throw new BadConfiguration([`neither YAML nor JSON: ${(error as Error).message.split("\n")[0] ?? ""}`]);
    }
    const result = schema.safeParse(given);
    if (!result.success) {
        const faults = faultsBy(schema, given).map(
            ({ path, message }) => `${pathOf(path) || "(all of it)"}: ${message}`,
        );
        throw new BadConfiguration(faults);
    }
    return result.data;
}
