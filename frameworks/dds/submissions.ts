/**
 * What the ALICE plug-in of 2016 sends and reads: its file of seven lines, and three REST calls. Both are taken as they are, so that
 * what submits by them still can.
 */
import { z } from "zod";
import type { SessionSpec } from "./config";
import { specOf } from "./config";

/** The seven lines, by position. */
export interface SubmitFile {
    /** Not used: the framework knows its masters. */
    readonly master: string;
    readonly agents: number;
    /** "" for none. */
    readonly image: string;
    readonly directory: string;
    readonly cpus: string;
    readonly memMiB: string;
    /** `host:port` of the framework. */
    readonly rest: string;
}

const DEFAULTS = ["localhost:5050", "1", "", "DDSEnvironment", "1", "1024", "localhost:80"] as const;

/** @throws with every line that is wrong */
export function parseSubmitFile(content: string): SubmitFile {
    const given = content.split(/\r?\n/).map((line) => line.trim());
    const line = (index: number): string => given[index] || (DEFAULTS[index] ?? "");
    const faults = [
        ...(/^\d+$/.test(line(1)) ? [] : [`line 2 is "${line(1)}": a number of agents is wanted`]),
        ...(Number(line(4)) > 0 ? [] : [`line 5 is "${line(4)}": a number of CPUs is wanted`]),
        ...(/^[1-9]\d*$/.test(line(5)) ? [] : [`line 6 is "${line(5)}": memory in MiB is wanted`]),
        ...(/^[^:/\s]+:\d{1,5}$/.test(line(6)) ? [] : [`line 7 is "${line(6)}": the framework's host:port is wanted`]),
        ...(given.slice(DEFAULTS.length).some((more) => more !== "") ? ["more than seven lines"] : []),
    ];
    if (faults.length > 0) {
        throw new Error(
            `the submit file has ${faults.length} fault${faults.length === 1 ? "" : "s"}: ${faults.join("; ")}`,
        );
    }
    return {
        master: line(0),
        agents: Number(line(1)),
        image: line(2),
        directory: line(3),
        cpus: line(4),
        memMiB: line(5),
        rest: line(6),
    };
}

const amount = z.union([z.number(), z.string().regex(/^\d+(\.\d+)?$/, "a number is wanted")]).transform(Number);

const requestSchema = z.object({
    DDSSubmissionId: z.string().min(1),
    Resources: z.object({
        NumAgents: z.int().min(1),
        CpusPerTask: amount.refine((value) => value > 0, "more than 0 is wanted").default(1),
        MemorySizePerTask: amount.refine((value) => value >= 1, "at least 1 MiB is wanted").default(1024),
        /** Not of the older plug-in. */
        SlotsPerAgent: z.int().min(1).optional(),
    }),
    Docker: z.object({ ImageName: z.string().default(""), TemporaryDirectoryName: z.string().default("") }).optional(),
    WorkerPackageName: z.string().default("DDSWorker.sh"),
    WorkerPackageData: z.base64().min(1),
});

export interface Submission {
    /** Of the commander: the same one posted again is the same submission. */
    readonly submission: string;
    readonly spec: SessionSpec;
    readonly data: Buffer;
}

/** What is set for all submissions. */
export type SubmissionRules = Pick<SessionSpec, "replacements" | "withinSec" | "agentsPerHost" | "commander">;

/** @throws with every fault */
export function parseSubmission(body: string, rules: SubmissionRules): Submission {
    let given: unknown;
    try {
        given = JSON.parse(body);
    } catch {
        throw new Error("the request is no JSON");
    }
    const result = requestSchema.safeParse(given);
    if (!result.success) {
        const faults = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
        throw new Error(faults.join("; "));
    }
    const { DDSSubmissionId: submission, Resources: resources, Docker: docker, WorkerPackageData: data } = result.data;
    const { replacements, withinSec, agentsPerHost, commander } = rules;
    const spec = specOf({
        agents: resources.NumAgents,
        cpus: resources.CpusPerTask,
        memMiB: Math.ceil(resources.MemorySizePerTask),
        ...(resources.SlotsPerAgent !== undefined && { slots: resources.SlotsPerAgent }),
        ...(docker !== undefined && docker.ImageName !== "" && { container: { image: docker.ImageName } }),
        replacements,
        withinSec,
        agentsPerHost,
        ...(commander !== undefined && { commander }),
    });
    return { submission, spec, data: Buffer.from(data, "base64") };
}

/** The body of `POST /dds-submit`. */
export const requestOf = (
    file: Pick<SubmitFile, "agents" | "cpus" | "memMiB" | "image" | "directory">,
    submission: string,
    data: Buffer,
    slots?: number,
): object => ({
    DDSSubmissionId: submission,
    Resources: {
        NumAgents: file.agents,
        CpusPerTask: file.cpus,
        MemorySizePerTask: file.memMiB,
        ...(slots !== undefined && { SlotsPerAgent: slots }),
    },
    Docker: { ImageName: file.image, TemporaryDirectoryName: file.directory },
    WorkerPackageName: "DDSWorker.sh",
    WorkerPackageData: data.toString("base64"),
});
