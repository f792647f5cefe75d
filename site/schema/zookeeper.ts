/** `zookeeper`: the ensemble that Mesos elects its leader in. */
import * as z from "zod";
import { absolutePath, port, rolloutFields, text } from "./values";

const serverId = z.int().min(1).max(255);

export const zookeeperSchema = z
    .strictObject({
        members: z
            .record(z.string(), serverId)
            .optional()
            .describe(
                "Host to server id, 1..255. An id belongs to its host for ever: a new host gets a new id. Odd numbers of members.",
            ),
        existing: z
            .strictObject({
                servers: z
                    .array(z.string().regex(/^[^\s:/]+:\d+$/, { error: "must be host:port" }))
                    .min(1)
                    .describe("`host:port` of every member."),
                authenticated: z
                    .boolean()
                    .default(true)
                    .describe(
                        "Mesos uses the digest in the secret `pulumi-mesos:zookeeper-digest` (user `mesos`) of this stack.",
                    ),
            })
            .optional()
            .describe("An ensemble that somebody else runs; instead of `members`."),
        retiredIds: z.array(serverId).default([]).describe("Ids of former members; never given again."),
        allowEven: z
            .boolean()
            .default(false)
            .describe("Accept an even number of members, for the steps of a growth. It tolerates no more than one less."),
        clientPort: port("clients", 2181),
        peerPort: port("followers to the leader", 2888),
        electionPort: port("election", 3888),
        adminPort: z
            .int()
            .min(1)
            .max(65535)
            .optional()
            .describe("TCP port of the AdminServer. Default: it is off (ZooKeeper's own default is 8080, which Marathon wants)."),
        snapshots: z
            .boolean()
            .default(false)
            .describe(
                "Allow snapshot and restore through the AdminServer; needs `adminPort` and ZooKeeper 3.9.4 (CVE-2025-58457).",
            ),
        tickTimeMs: z.int().min(100).max(60000).default(2000).describe("Length of a tick, milliseconds."),
        initLimit: z.int().min(1).default(10).describe("Ticks that a follower may take to connect and sync."),
        syncLimit: z.int().min(1).default(5).describe("Ticks that a follower may lag behind."),
        maxClientConnections: z.int().min(0).default(60).describe("Connections from one address; 0 is no limit."),
        listenOnAllAddresses: z
            .boolean()
            .default(false)
            .describe("Listen for peers on every address of the host, not only on its declared one (quorumListenOnAllIPs)."),
        heapMiB: z.int().min(64).default(512).describe("Java heap; MiB."),
        dataDir: absolutePath("Snapshots and transaction logs.").default("/var/lib/zookeeper"),
        packages: z
            .array(z.string().min(1))
            .default(["libzookeeper-java", "openjdk-17-jre-headless"])
            .describe("Packages that bring the jar and a JRE. Debian's `zookeeper` would pull in a desktop."),
        version: text("Exact version of the first package. Default: whatever is installed, or the newest.").optional(),
        classPath: z
            .string()
            .min(1)
            .default("/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-log4j12.jar:/usr/share/java/log4j-1.2.jar")
            .describe(
                "Java class path, without the configuration directory. Debian's jar names everything it needs but the logger.",
            ),
        ...rolloutFields(120),
    })
    .describe("The ZooKeeper ensemble.");
