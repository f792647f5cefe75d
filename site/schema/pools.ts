/** `pools`: groups of Mesos agents that are alike. */
import * as z from "zod";
import { absolutePath, flags, hostList, mebibytes, port, portRange, rolloutFields, seconds, text } from "./values";

export const resourcesSchema = z
    .strictObject({
        cpus: z.number().positive().describe("CPUs offered."),
        memMiB: mebibytes("Memory offered", 32),
        diskMiB: mebibytes("Disk offered", 1),
        gpus: z.int().min(0).optional().describe("GPUs offered. Default: none."),
        ports: z.array(portRange).default(["31000-32000"]).describe("Ports offered, inclusive ranges."),
    })
    .describe("What an agent offers. Always pinned: what Mesos would measure changes, and then the agent is refused.");

const attributesSchema = z
    .record(z.string(), z.union([z.string(), z.number()]))
    .default({})
    .describe("Attributes that frameworks place tasks by.");

const state = z
    .enum(["active", "drained"])
    .describe(
        "`drained`: the agents keep running, but the master offers nothing of them, and their tasks are ended within `drainGraceSec`; `active` brings them back.",
    );

const userSchema = z.strictObject({
    name: text("Login name."),
    uid: z.int().min(1).optional().describe("Fixed uid, where tasks share files between hosts. Default: the host chooses."),
});

export const poolSchema = z
    .strictObject({
        hosts: hostList("Hosts of the pool"),
        resources: resourcesSchema,
        attributes: attributesSchema,
        overrides: z
            .record(
                z.string(),
                z.strictObject({
                    resources: resourcesSchema.partial().optional().describe("Differences from the pool's resources."),
                    attributes: attributesSchema.optional().describe("Added to, or instead of, the pool's attributes."),
                    state: state.optional(),
                }),
            )
            .default({})
            .describe("Differences of some hosts, by name or range; the entry for fewer hosts wins over the one for more."),
        state: state.default("active"),
        users: z.array(userSchema).default([]).describe("System users that tasks run as; made on every host of the pool."),
        packages: z
            .array(text("Name of the package."))
            .default([])
            .describe("Packages of the hosts' package manager that tasks need, e.g. `coop-computing-tools`."),
        maxUnavailable: z.int().min(1).default(1).describe("Hosts of the pool that may be out of service during a change."),
        drainGraceSec: seconds("Longest time that a drain gives tasks to end", 600, 0),
        port: port("Mesos agent", 5051),
        dataDir: absolutePath("Work, fetcher cache and images; the data volume's mount point.").default("/var/lib/mesos"),
        workDir: absolutePath("Sandboxes and checkpoints. Default: `<dataDir>/agent`.").optional(),
        runtimeDir: absolutePath("State that a reboot may forget.").default("/run/mesos"),
        containerizers: z
            .array(z.enum(["mesos", "docker"]))
            .min(1)
            .default(["mesos"])
            .describe("In order of preference."),
        isolation: z
            .array(z.string().min(1))
            .default(["cgroups/cpu", "cgroups/mem", "filesystem/linux", "namespaces/pid", "disk/du"])
            .describe("Isolators of the Mesos containerizer; Mesos' own default (posix/…) limits nothing."),
        launcher: z.enum(["linux", "posix"]).default("linux").describe("`linux` uses cgroups to find every process of a task."),
        imageProviders: z.array(z.enum(["docker", "appc"])).default([]).describe("Image kinds of the Mesos containerizer."),
        defaultRole: text("Role that the resources are reserved for. Default: `*`, nobody.").default("*"),
        cgroupsRoot: z.string().min(1).default("mesos").describe("Parent cgroup of all tasks."),
        cgroupsEnableCfs: z.boolean().default(true).describe("Make `cpus` a limit, not only a weight."),
        systemdSupport: z
            .boolean()
            .default(true)
            .describe("Put executors into a systemd slice of their own. Off where the host itself is a container."),
        enforceDiskQuota: z.boolean().default(true).describe("Kill a task that writes more than it asked for (with disk/du)."),
        switchUser: z.boolean().default(true).describe("Run a task as its own user, who must exist on the host."),
        executorRegistrationTimeoutSec: seconds("How long an executor may take to start, image pull included", 300),
        recoveryTimeoutSec: seconds("How long a restarted agent may take before its executors give up", 900),
        gcDelayHours: z.int().min(1).default(168).describe("How long sandboxes of ended tasks are kept; hours."),
        gcDiskHeadroom: z.number().min(0).max(1).default(0.1).describe("Free part of the disk below which they go sooner; 0..1."),
        fetcherCacheMiB: mebibytes("Size of the fetcher's cache").default(2048),
        flags,
        ...rolloutFields(300),
    })
    .describe("Agents that are alike.");
