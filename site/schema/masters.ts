/** `masters`: the Mesos masters. */
import * as z from "zod";
import { absolutePath, flags, hostList, port, rolloutFields, seconds } from "./values";

export const mastersSchema = z
    .strictObject({
        members: hostList("Hosts of the masters, an odd number").optional(),
        existing: z
            .strictObject({
                addresses: z
                    .record(z.string(), z.string().min(1))
                    .describe("Name to address of every master."),
            })
            .optional()
            .describe(
                "Masters that somebody else runs; instead of `members`. The secrets `pulumi-mesos:principal-agent` and `pulumi-mesos:principal-operator` of this stack are what they accept.",
            ),
        quorum: z
            .int()
            .min(1)
            .optional()
            .describe(
                "Replicas of the registry that must agree. Set it only for the steps of a growth or shrinkage (docs/operational-guide.md of Mesos). Default: more than half of the *masters*, floor(n/2)+1.",
            ),
        port: port("Mesos master", 5050),
        workDir: absolutePath("Holds the registry (replicated log): the masters' only state.").default(
            "/var/lib/mesos/master",
        ),
        zkPath: z
            .string()
            .regex(/^\/[A-Za-z0-9._/-]*[A-Za-z0-9]$/, { error: "must be a ZooKeeper path such as /mesos" })
            .default("/mesos")
            .describe("Path in ZooKeeper."),
        zkSessionTimeoutSec: seconds("ZooKeeper session of masters and agents", 10),
        registryFetchTimeoutSec: seconds(
            "How long a new leader may take to read the registry (Mesos' own 60 is too short for a slow first start)",
            300,
        ),
        registryStoreTimeoutSec: seconds("How long writing the registry may take", 20),
        logAutoInitialize: z
            .boolean()
            .default(true)
            .describe(
                "Let an ensemble of empty replicas begin a new registry. Set false while recovering from a disaster, so that an empty cluster cannot start by mistake.",
            ),
        agentPingTimeoutSec: seconds("How long an agent may take to answer a ping", 15),
        maxAgentPingTimeouts: z
            .int()
            .min(1)
            .default(5)
            .describe("Unanswered pings until an agent is unreachable. Pings × timeout must exceed the ZooKeeper session."),
        agentReregisterTimeoutSec: seconds("How long agents may take to return after a new leader", 600, 600),
        recoveryAgentRemovalLimitPercent: z
            .int()
            .min(0)
            .max(100)
            .default(20)
            .describe("A new leader that misses more agents than this stops instead of giving them up; percent."),
        maxCompletedFrameworks: z.int().min(0).default(50).describe("Ended frameworks kept in memory."),
        maxCompletedTasksPerFramework: z.int().min(0).default(200).describe("Ended tasks kept in memory of each framework."),
        filterGpuResources: z
            .boolean()
            .default(true)
            .describe("Offer agents with GPUs only to frameworks that ask for GPUs."),
        flags,
        ...rolloutFields(300),
    })
    .describe("The Mesos masters.");
