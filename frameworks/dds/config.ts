/** The framework's configuration: one YAML or JSON text, checked as a whole. Stack files have sessions by the same schema. */
import { isIP } from "node:net";
import { z } from "zod";
import {
    absolute,
    avoidSchema,
    type ConfigFault,
    connectionFields,
    count,
    environmentFaults,
    credentialFaults,
    faultsBy,
    httpField,
    name,
    positive,
    readBy,
    seconds,
    variable,
    volumeSchema,
} from "../service/config";

const host = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, "a host's name or address is wanted");

export const containerSchema = z
    .strictObject({
        image: z.string().min(1).describe("Docker image that agents run in; it must have bash, tar and gzip."),
    })
    .describe("Image that agents run in, by Mesos' containerizer. Default: none.");

/** What is the same of every agent of a session. */
const agentFields = {
    slots: z
        .int()
        .min(1)
        .optional()
        .describe("User tasks that one agent runs at once. Default: as the package has it."),
    cpus: positive.default(1).describe("CPUs of one agent, its user tasks' included."),
    memMiB: z.int().min(1).default(1024).describe("Memory of one agent, its user tasks' included; MiB."),
    diskMiB: z
        .int()
        .min(500)
        .default(1024)
        .describe("Disk of one agent; MiB. One that has less than 500 MiB free ends itself."),
    agentsPerHost: z
        .int()
        .min(1)
        .default(1)
        .describe(
            "Agents of this session on one host. More than one needs message queues of their own (`namespaces/ipc`).",
        ),
    attributes: z
        .record(z.string().min(1), z.string())
        .default({})
        .describe("Attributes that an agent's host must have. Default: any host."),
    commander: host
        .optional()
        .describe("Address of the commander as agents reach it. Default: the name that its host gives itself."),
    environment: z
        .record(variable, z.string())
        .default({})
        .describe("Environment of agents and user tasks; no place for secrets."),
    container: containerSchema.optional(),
    volumes: z
        .array(volumeSchema)
        .default([])
        .describe("Directories of the hosts that agents see in their containers."),
    replacements: z
        .int()
        .min(0)
        .default(20)
        .describe("So many agents that end by themselves within `withinSec` are replaced; then no more are started."),
    withinSec: seconds.default(3600).describe("See `replacements`; seconds."),
    joinSec: z
        .number()
        .min(45)
        .default(90)
        .describe(
            "An agent that runs and has not joined, or is not there any more, for so long is given up; seconds. It tries for 27 s.",
        ),
};

export const sessionSchema = z
    .strictObject({
        package: z
            .string()
            .regex(/^(\/|https?:\/\/)\S+$/, "an absolute path or an http(s) URL is wanted")
            .describe(
                "Its worker package, `DDSWorker.sh`: a path on the framework's hosts, or a URL. Whoever can read it can use the session.",
            ),
        agents: count.describe("Agents that are kept running; 0 ends them all."),
        ...agentFields,
    })
    .describe("The agents of one DDS session.");

export const submissionsSchema = z
    .strictObject({
        from: z
            .array(
                z
                    .string()
                    .refine((value) => isIP(value.replace(/\/\d+$/, "")) !== 0, "an address or a network is wanted"),
            )
            .min(1)
            .default(["127.0.0.1", "::1"])
            .describe(
                "Addresses and networks that may submit and look. Whoever may, runs what they like as the framework's user.",
            ),
        agents: z.int().min(1).default(100).describe("Agents of all submissions together, at most."),
        replacements: agentFields.replacements,
        withinSec: agentFields.withinSec,
        agentsPerHost: agentFields.agentsPerHost,
        commander: agentFields.commander,
    })
    .describe("Sessions that are submitted by `dds-submit` or by REST. Default: none are taken.");

export const toolsSchema = z
    .strictObject({
        setup: absolute
            .optional()
            .describe("DDS' `DDS_env.sh` on the framework's hosts. Default: its tools are on PATH."),
        home: absolute
            .optional()
            .describe("Home of the sessions' owner, for `dds-info`. Default: a folder made from the worker package."),
        timeoutSec: seconds.default(20).describe("How long `dds-info` may take; seconds."),
    })
    .prefault({})
    .describe("DDS on the framework's hosts: `dds-info` counts the agents.");

const schema = z
    .strictObject({
        name: name.default("dds"),
        ...connectionFields("dds"),
        sessions: z.record(name, sessionSchema).default({}),
        submissions: submissionsSchema.optional(),
        tools: toolsSchema,
        /** For what DDS' tools find sessions by. */
        stateDir: absolute.default("/var/lib/mesos-dds"),
        pollSec: seconds.default(5),
        /** Where nobody listens in the commander's place for so long, the session is over. Agents leave by themselves after 31 s. */
        goneSec: seconds.default(60),
        /** An agent that Mesos has not started within so long is given up. */
        startSec: seconds.default(300),
        avoid: avoidSchema.prefault({}),
        http: httpField(9098),
    })
    .superRefine((config, context) => {
        const fault = (path: (string | number)[], message: string): void =>
            context.addIssue({ code: "custom", path, message });
        credentialFaults(config, fault);
        for (const [key, session] of Object.entries(config.sessions)) {
            if (/^r-\d+$/.test(key)) {
                fault(["sessions", key], "names like this one are for submissions");
            }
            environmentFaults(session.environment, fault, ["sessions", key]);
        }
    });

export type Config = z.output<typeof schema>;
/** A configuration as it may be written, defaults left out. */
export type ConfigText = z.input<typeof schema>;
/** What is asked for a session, wherever its package comes from. */
export type SessionSpec = Omit<z.output<typeof sessionSchema>, "package">;

/** Everything that is wrong with a configuration, for whoever makes one. */
export const configFaults = (given: unknown): ConfigFault[] => faultsBy(schema, given);

/**
 * @param text YAML or JSON
 * @throws {BadConfiguration} with all faults
 */
export const readConfig = (text: string): Config => readBy(schema, text);

/** A session of a submission: what it does not say is as declared sessions have it by default. */
export const specOf = (given: Omit<z.input<typeof sessionSchema>, "package">): SessionSpec => {
    const spec: Partial<z.output<typeof sessionSchema>> = sessionSchema.parse({ ...given, package: "/submitted" });
    delete spec.package;
    return spec as SessionSpec;
};
