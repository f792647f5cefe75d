/** What runs above the hosts: Marathon, Metronome, apps and jobs from folders, and what Mesos itself is told. */
import { z } from "zod";
import { authorities, secretName, tlsSchema } from "./certificates";
import { absolutePath, hostList, port, portRange, rolloutFields, seconds, text } from "./values";

const existing = (name: string, port: number) =>
    z
        .strictObject({
            urls: z
                .array(z.string().regex(/^https?:\/\/[^/\s?#@]+\/?$/, { error: "must be like http://host:port" }))
                .min(1)
                .describe(`Addresses of all ${name} servers, e.g. \`http://10.0.0.1:${port}\`; whichever leads is found.`),
            user: text("User for HTTP basic authentication. Default: none.").optional(),
            passwordSecret: secretName
                .optional()
                .describe("Name of this stack's secret (`pulumi config set --secret NAME`) that is the password."),
            ca: authorities("the servers' own, where `urls` begin with https"),
        })
        .describe(`${name} servers that run already; instead of \`members\`.`);

/** Servers of which one leads, as this site runs them. */
export const managed = (name: string, defaults: { readonly program: string; readonly port: number; readonly libprocessPort: number }) => ({
    members: hostList(`Hosts that ${name} runs on: one leads, the others stand by`).optional(),
    package: z
        .strictObject({
            name: text("Name of the package.").default(defaults.program),
            version: text("Exact version. Default: whatever is installed, or the newest when nothing is.").optional(),
        })
        .prefault({})
        .describe("The package of the hosts' own package manager. It must not start anything by itself."),
    program: absolutePath("What is started.").default(`/usr/bin/${defaults.program}`),
    systemUser: text("System user that it runs as; made on its hosts.").default(defaults.program),
    port: port(name, defaults.port),
    tls: tlsSchema.optional(),
    libprocessPort: port("what the leading master and agents send to it: they connect back", defaults.libprocessPort),
    principal: text("Its principal, declared under `frameworks`.").default(defaults.program),
    user: text("Its tasks' user, where a definition names none; one of the principal's. Default: the principal's first.").optional(),
    frameworkName: text("Name that Mesos shows.").default(defaults.program),
    zkPath: z
        .string()
        .regex(/^\/[A-Za-z0-9._/-]*[A-Za-z0-9]$/, { error: "must be a ZooKeeper path such as /marathon" })
        .default(`/${defaults.program}`)
        .describe("Path of its state in ZooKeeper; never another one later, or everything is forgotten."),
    settings: z
        .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
        .default({})
        .describe(
            "Further settings by the names of its environment without the prefix, in lower case (`max_running_deployments: 50`). One that this page has a field for is refused.",
        ),
    ...rolloutFields(180),
});

const groupPath = z.string().regex(/^(\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?)+$/, { error: "must be a path such as /shop" });

export const marathonSchema = z
    .strictObject({
        existing: existing("Marathon", 8080).optional(),
        ...managed("Marathon", { program: "marathon", port: 8080, libprocessPort: 15101 }),
        failoverTimeoutSec: seconds(
            "How long its tasks outlive it: Mesos kills them when it stays away for longer, and its id is dead",
            604_800,
        ),
        authentication: z
            .boolean()
            .default(true)
            .describe("Its HTTP API asks for a password, which is generated. Only with `members`."),
        role: text(
            "Its `--mesos_role`, so that definitions can be judged before it answers. Default: with `members` the principal's first role, with `existing` asked of the server.",
        ).optional(),
        features: z
            .array(z.string().min(1))
            .optional()
            .describe("Its `--enable_features`, likewise. Default: asked of the server."),
        defaultNetworkName: text("Its `--default_network_name`. Default: asked of the server.").optional(),
        timeoutSec: seconds("How long a deployment may take", 600),
        onFailure: z
            .enum(["keep", "rollBack"])
            .default("keep")
            .describe("What becomes of a deployment that does not come to its end in time."),
        groups: z
            .record(
                groupPath,
                z.strictObject({
                    enforceRole: z
                        .boolean()
                        .optional()
                        .describe("Services in it take its name as role; top-level groups only."),
                    dependencies: z.array(groupPath).default([]).describe("Groups or apps that must run first."),
                }),
            )
            .default({})
            .describe("Groups that are this stack's: what runs in them and is not declared is listed, never deleted."),
    })
    .describe("Where the apps run. Definitions come from the folders under `apps`.");

export const metronomeSchema = z
    .strictObject({
        existing: existing("Metronome", 9000).optional(),
        ...managed("Metronome", { program: "metronome", port: 9000, libprocessPort: 15201 }),
        role: text("Its role. Default: the principal's first role. Only with `members`.").optional(),
    })
    .describe("Where the jobs run. Definitions come from the folders under `jobs`.");

export const folders = (what: string) =>
    z
        .array(z.string().min(1))
        .default([])
        .describe(`Folders with ${what} as JSON or YAML, from the project's folder on; with all folders in them.`);

const amounts = (about: string) =>
    z
        .strictObject({
            cpus: z.number().min(0).optional().describe("CPUs."),
            memMiB: z.number().min(0).optional().describe("Memory; MiB."),
            diskMiB: z.number().min(0).optional().describe("Disk; MiB."),
            gpus: z.number().min(0).optional().describe("GPUs."),
        })
        .default({})
        .describe(about);

export const quotasSchema = z
    .record(
        z.string(),
        z.strictObject({
            limits: amounts("What the role may use at most. Default: no limit."),
            guarantees: amounts("What is kept free for the role. Default: nothing."),
            force: z.boolean().default(false).describe("Take a limit although the role uses more already."),
        }),
    )
    .default({})
    .describe("Quotas by role.");

const reserved = z.number().min(0.001);
const volumeSchema = z.strictObject({
    sizeMiB: z.int().min(1).describe("Its size, out of the reserved disk; MiB."),
    containerPath: z
        .string()
        .regex(/^(?!.*(^|\/)\.{1,2}(\/|$))[^/\s][^\s]*$/, { error: "must be a path in the task's folder, without . and .." })
        .optional()
        .describe("Where tasks find it, in their own folder. Default: its name."),
});

export const reservationsSchema = z
    .record(
        z.string(),
        z.strictObject({
            pool: text("Pool on each of whose agents it is made; instead of `hosts`.").optional(),
            hosts: hostList("Agents that it is made on; instead of `pool`").optional(),
            role: text("Role that the resources are kept for."),
            resources: z
                .strictObject({
                    cpus: reserved.optional().describe("CPUs of each agent."),
                    memMiB: reserved.optional().describe("Memory of each agent; MiB."),
                    diskMiB: reserved.optional().describe("Disk of each agent, volumes included; MiB."),
                    gpus: z.int().min(1).optional().describe("GPUs of each agent."),
                    ports: z
                        .array(portRange)
                        .min(1)
                        .optional()
                        .describe("Ports of each agent, e.g. `31000-31009`; out of its pool's `ports`."),
                })
                .describe("What is reserved on each agent."),
            labels: z
                .record(z.string().min(1), z.string())
                .default({})
                .describe("Labels of the reservation, which offers carry: for frameworks that tell theirs by them. Others take it for somebody's."),
            volumes: z
                .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: "must be letters, digits, . _ -" }), volumeSchema)
                .default({})
                .describe("Persistent volumes by id: their data outlives tasks. One that is taken away again needs `confirm`."),
        }),
    )
    .default({})
    .describe("Resources of agents that are kept for a role, by a name of yours; one for each role and agent.");

export const weightsSchema = z
    .record(z.string(), z.number().gt(0))
    .default({})
    .describe("Shares by role; a role that is not here weighs 1.");

export const maintenanceSchema = z
    .record(
        z.string(),
        z.strictObject({
            hosts: hostList("Agents that will be away"),
            start: z.iso
                .datetime({ offset: true, error: "must be a time with its zone, e.g. 2027-01-31T22:00:00Z" })
                .describe("When it begins."),
            durationSec: z.int().min(1).optional().describe("How long it takes; seconds. Default: for ever."),
        }),
    )
    .default({})
    .describe("Maintenance windows by a name of yours; frameworks are told, tasks are left alone.");
