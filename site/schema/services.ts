/** What runs above the hosts: Marathon, Metronome, apps and jobs from folders, and what Mesos itself is told. */
import { z } from "zod";
import { hostList, seconds, text } from "./values";

const existing = (name: string, port: number) =>
    z
        .strictObject({
            urls: z
                .array(z.string().regex(/^https?:\/\/[^/\s?#@]+\/?$/, { error: "must be like http://host:port" }))
                .min(1)
                .describe(`Addresses of all ${name} servers, e.g. \`http://10.0.0.1:${port}\`; whichever leads is found.`),
            user: text("User for HTTP basic authentication. Default: none.").optional(),
            passwordSecret: z
                .string()
                .regex(/^[a-z0-9][a-z0-9-]*$/, { error: "must be lower-case letters, digits and dashes" })
                .optional()
                .describe("Name of this stack's secret (`pulumi config set --secret NAME`) that is the password."),
        })
        .describe(`${name} servers that run already.`);

const groupPath = z.string().regex(/^(\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?)+$/, { error: "must be a path such as /shop" });

export const marathonSchema = z
    .strictObject({
        existing: existing("Marathon", 8080),
        role: text(
            "Its `--mesos_role`, so that definitions can be judged before it answers. Default: asked of the server.",
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
    .strictObject({ existing: existing("Metronome", 9000) })
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
