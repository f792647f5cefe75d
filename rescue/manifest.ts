/**
 * What a backup is, and whether it may be used. A backup is a folder `CLUSTER-TIME` with `manifest.json` (no secret in it) and
 * one file for each part, encrypted with age: `zookeeper.age`, `registry.age`, `pulumi.age`. Hosts keep each part that they lead by
 * itself, in a folder `CLUSTER-TIME-PART`.
 */
import * as z from "zod";

export const parts = ["zookeeper", "registry", "pulumi"] as const;
export type Part = (typeof parts)[number];
/** Parts that come from hosts. */
export const hostParts = ["zookeeper", "registry"] as const;
export type HostPart = (typeof hostParts)[number];

/** Found by a real ZooKeeper that was started over the copy. */
const zookeeperFacts = z.object({
    part: z.literal("zookeeper"),
    cluster: z.string(),
    time: z.number(),
    zxid: z.string(),
    nodes: z.number(),
    top: z.array(z.string()),
});

/** Found by a real master that was started over the copy. */
const registryFacts = z.object({
    part: z.literal("registry"),
    cluster: z.string(),
    time: z.number(),
    agents: z.array(z.object({ id: z.string(), hostname: z.string() })),
    unreachable: z.array(z.string()),
    gone: z.array(z.string()),
    quotas: z.array(z.string()),
    weights: z.record(z.string(), z.number()),
    windows: z.number(),
});

const pulumiFacts = z.object({
    part: z.literal("pulumi"),
    cluster: z.string(),
    time: z.number(),
    stack: z.string(),
    resources: z.number(),
});

export const factsSchema = z.discriminatedUnion("part", [zookeeperFacts, registryFacts, pulumiFacts]);
export type Facts = z.output<typeof factsSchema>;
export type RegistryFacts = z.output<typeof registryFacts>;

const manifestSchema = z.strictObject({
    format: z.literal(1),
    cluster: z.string(),
    /** When it was begun, ISO 8601, UTC. */
    time: z.iso.datetime(),
    recipients: z.array(z.string()).min(1),
    parts: z.partialRecord(
        z.enum(parts),
        z.strictObject({
            /** Of the encrypted file. */
            sha256: z.string().regex(/^[0-9a-f]{64}$/),
            bytes: z.int().min(1),
            /** Host that it came from. @default - this machine */
            host: z.string().optional(),
            facts: factsSchema,
        }),
    ),
});

export type Manifest = z.output<typeof manifestSchema>;

/** Why a backup is not used, in the words of whoever is on call. */
export class BackupError extends Error {}

export const manifestName = "manifest.json";
export const fileOf = (part: Part): string => `${part}.age`;

/** Name of a backup's folder: names sort as times do. */
export const folderOf = (cluster: string, time: Date): string =>
    `${cluster}-${time.toISOString().replace(/[-:]|\.\d+/g, "")}`;

/** @throws BackupError when it is none */
export function parseManifest(text: string, where: string): Manifest {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch {
        throw new BackupError(`${where} is no JSON: the backup is damaged`);
    }
    const parsed = manifestSchema.safeParse(value);
    if (!parsed.success) {
        const [first] = parsed.error.issues;
        throw new BackupError(
            `${where} is no manifest of a backup: ${first?.path.join(".") ?? ""}: ${first?.message ?? ""}`,
        );
    }
    return parsed.data;
}

/** Folders of a cluster's backups that are more than `keep`, the oldest first. Others' folders are left alone. */
export function outdated(names: readonly string[], cluster: string, keep: number): string[] {
    const own = names.filter(
        (name) => name.startsWith(`${cluster}-`) && /^\d{8}T\d{6}Z$/.test(name.slice(cluster.length + 1)),
    );
    return own.sort().slice(0, Math.max(0, own.length - keep));
}

/** What the name of a backup's folder says; undefined for other names. */
export function named(name: string): { cluster: string; time: string; part?: HostPart } | undefined {
    const [, cluster, time, part] = /^(.+)-(\d{8}T\d{6}Z)(?:-(zookeeper|registry))?$/.exec(name) ?? [];
    if (cluster === undefined || time === undefined) return undefined;
    return { cluster, time, ...(part === undefined ? {} : { part: part as HostPart }) };
}

/** The newest backup of a cluster that has a part, among the names of folders. */
export function newest(names: readonly string[], cluster: string, part: Part): string | undefined {
    const fitting = names.flatMap((name) => {
        const said = named(name);
        return said?.cluster === cluster && (said.part === undefined || said.part === part)
            ? [{ name, time: said.time }]
            : [];
    });
    return fitting.sort((a, b) => (a.time < b.time ? -1 : 1)).at(-1)?.name;
}

/** What the site is, as far as a backup must fit it. */
export interface Expected {
    readonly cluster: string;
    /** Oldest backup that is taken without a word, hours. */
    readonly maxAgeHours: number;
    readonly acceptOld: boolean;
    readonly now: Date;
    /** Top-level nodes of ZooKeeper that the site's schedulers keep their state in. */
    readonly paths: readonly string[];
}

/** How long ago, for people. */
export function ago(from: Date, now: Date): string {
    const minutes = Math.max(0, Math.round((now.getTime() - from.getTime()) / 60_000));
    if (minutes < 120) return `${minutes} min`;
    return minutes < 2880 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}

/** All reasons against a backup; none when it fits. Pure: checksums and the inner facts are compared by whoever has the files. */
export function faultsOf(manifest: Manifest, wanted: readonly Part[], expected: Expected): string[] {
    const faults: string[] = [];
    if (manifest.cluster !== expected.cluster)
        faults.push(`it is of the cluster ${manifest.cluster}, the stack file declares ${expected.cluster}`);
    for (const part of wanted) if (manifest.parts[part] === undefined) faults.push(`it has no ${part} part`);
    const time = new Date(manifest.time);
    const hours = (expected.now.getTime() - time.getTime()) / 3_600_000;
    if (hours > expected.maxAgeHours && !expected.acceptOld)
        faults.push(
            `it is ${ago(time, expected.now)} old, and backup.maxAgeHours is ${expected.maxAgeHours}: what was begun since then would run twice or be forgotten. To take it all the same: --accept-old`,
        );
    if (hours < -1) faults.push(`it was made in the future (${manifest.time}): a clock is wrong`);
    const { zookeeper } = manifest.parts;
    if (zookeeper?.facts.part === "zookeeper" && wanted.includes("zookeeper")) {
        const { top } = zookeeper.facts;
        const missing = expected.paths.filter((path) => !top.includes(path.split("/")[1] ?? ""));
        if (missing.length > 0)
            faults.push(
                `its ZooKeeper has no ${missing.join(", ")}: a framework would lose its id and run everything twice`,
            );
    }
    return faults;
}
