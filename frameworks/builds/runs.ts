/** What a builder tells of its run, and what the store keeps of it. */
import { z } from "zod";
import { ARCHITECTURES, nameSchema } from "./declaration";

/** Of a version: it becomes part of a file's name. */
const versionSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+~-]*$/);
const revisionSchema = z.string().regex(/^[1-9]\d*$/);
const hashSchema = z.string().regex(/^[0-9a-f]{40}$/);

/** One package of a run, in the order in which they are built. */
export const packageSchema = z.strictObject({
    name: nameSchema,
    version: versionSchema,
    revision: revisionSchema,
    hash: hashSchema,
    /** It has come from the store. */
    reused: z.boolean(),
    /** Of its tarball, when it is new. */
    sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
});

const stages = ["preparing", "building", "qa", "publishing"] as const;

/** Sent again and again while it runs. */
export const newsSchema = z.strictObject({
    build: nameSchema,
    run: nameSchema,
    architecture: z.enum(ARCHITECTURES),
    host: z.string(),
    /** Of Mesos: its sandbox has the builder's own output, and Metronome's run is in its name. */
    task: z.string().optional(),
    stage: z.enum(stages),
    /** Milliseconds since 1970. */
    startedAt: z.number(),
});

/** Sent once, after everything else. */
export const resultSchema = newsSchema.extend({
    outcome: z.enum(["built", "failed", "cancelled"]),
    /** Why it is not "built". */
    message: z.string(),
    endedAt: z.number(),
    /** Commit of the recipes. */
    recipes: z.string(),
    packages: z.array(packageSchema),
    /** aliBuild's lists of what belongs together: path → where it points to. */
    lists: z.record(z.string(), z.string()),
});

export type Package = z.output<typeof packageSchema>;
export type News = z.output<typeof newsSchema>;
export type Result = z.output<typeof resultSchema>;
export type Stage = News["stage"];

/** `refused`: all went well, but the store cannot take it; `lost`: its builder is not heard of any more. */
export type State = "running" | "published" | "failed" | "cancelled" | "refused" | "lost";

/** What is kept of a run. */
export interface RunRecord extends News {
    readonly state: State;
    readonly message: string;
    readonly endedAt?: number;
    readonly recipes?: string;
    readonly packages: readonly Package[];
    /** It could go well if it were built again at once. */
    readonly again?: boolean;
}

/** Newest first, at most so many of each build. @returns those to keep, and those to forget */
export function pruned(
    runs: readonly RunRecord[],
    keep: number,
): { readonly kept: readonly RunRecord[]; readonly old: readonly RunRecord[] } {
    const sorted = [...runs].sort((a, b) => b.startedAt - a.startedAt);
    const counts = new Map<string, number>();
    const kept: RunRecord[] = [];
    const old: RunRecord[] = [];
    for (const run of sorted) {
        const count = (counts.get(run.build) ?? 0) + 1;
        counts.set(run.build, count);
        (count > keep && run.state !== "running" ? old : kept).push(run);
    }
    return { kept, old };
}
