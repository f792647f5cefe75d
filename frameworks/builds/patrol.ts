/**
 * Scheduled runs on a host that is lost. Metronome takes such a run for an active one for as long as the host stays away, and does not
 * begin the next ones; nobody would notice before somebody misses the nightly. They are stopped here, and begun again in time.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { PatrolConfig } from "./declaration";
import type { RunRecord } from "./runs";

/** A host that is not heard of may only be away for a moment; milliseconds. */
const PATIENCE_MS = 30_000;
const ANSWER_MS = 10_000;

/** A run that has not ended, as Metronome tells of it. */
export interface ActiveRun {
    readonly id: string;
    readonly createdAt: string;
    readonly tasks?: readonly { readonly status?: string }[];
}

export interface Metronome {
    /** Runs of a job that have not ended. */
    active(job: string): Promise<readonly ActiveRun[]>;
    /** @returns the new run's id */
    start(job: string): Promise<string>;
    stop(job: string, run: string): Promise<void>;
}

/** Whether Mesos has given up the host that a run is on. */
const isStranded = ({ tasks = [] }: ActiveRun): boolean => tasks.some(({ status }) => status === "TASK_UNREACHABLE");

/** What is to be done with a run that has been stranded for long. */
export type Verdict = "leave" | "stop" | "start again";

/**
 * @param record what its builder has told of it
 * @param firstMs when the run was begun, or the one that it stands in for; milliseconds since 1970
 */
export function verdictOf(
    record: Pick<RunRecord, "state"> | undefined,
    firstMs: number,
    nowMs: number,
    startWithinSec: number,
): Verdict {
    // Mesos has no way to its host, but we have: it goes on.
    if (record?.state === "running") return "leave";
    const isDone = record !== undefined && record.state !== "lost";
    return isDone || nowMs - firstMs > startWithinSec * 1000 ? "stop" : "start again";
}

export class Patrol {
    /** When runs were first seen stranded. */
    private since = new Map<string, number>();
    /** When the runs were begun that others stand in for. */
    private readonly first = new Map<string, number>();

    /** @param recordOf what the store knows of a run, by Metronome's id */
    public constructor(
        private readonly jobs: PatrolConfig["jobs"],
        private readonly metronome: Metronome,
        private readonly recordOf: (build: string, run: string) => Pick<RunRecord, "state"> | undefined,
        private readonly log: (line: string) => void,
    ) {}

    /** Looks at every job once. @throws when Metronome does not answer */
    public async look(nowMs: number): Promise<void> {
        const since = new Map<string, number>();
        for (const { job, build, startWithinSec } of this.jobs) {
            for (const run of (await this.metronome.active(job)).filter(isStranded)) {
                const { id } = run;
                const seenMs = this.since.get(id) ?? nowMs;
                since.set(id, seenMs);
                if (nowMs - seenMs < PATIENCE_MS) continue;
                const firstMs = this.first.get(id) ?? Date.parse(run.createdAt);
                const verdict = verdictOf(this.recordOf(build, id), firstMs, nowMs, startWithinSec);
                if (verdict === "leave") continue;
                await this.metronome.stop(job, id);
                since.delete(id);
                this.first.delete(id);
                this.log(`run ${id} of ${job} is on a host that is lost: stopped`);
                if (verdict === "start again") {
                    const next = await this.metronome.start(job);
                    this.first.set(next, firstMs);
                    this.log(`run ${next} of ${job} stands in for it`);
                }
            }
        }
        this.since = since;
    }
}

interface Reply {
    readonly status: number;
    readonly text: string;
}

function ask(url: URL, method: string, ca: string | undefined): Promise<Reply> {
    return new Promise((resolve, reject) => {
        const options = { method, timeout: ANSWER_MS, ...(ca !== undefined && { ca }) };
        const request = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options, (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part));
            response.on("end", () =>
                resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
            );
            response.on("error", reject);
        });
        request.on("timeout", () => request.destroy(new Error("no answer in time")));
        request.on("error", reject);
        request.end();
    });
}

/** Metronome by HTTP: of several servers the first that answers. */
export function metronomeAt({ urls, ca }: Pick<PatrolConfig, "urls" | "ca">): Metronome {
    const first = async (method: string, path: string): Promise<unknown> => {
        let last = "";
        for (const url of urls) {
            try {
                const { status, text } = await ask(new URL(path, url), method, ca);
                // One that has ended meanwhile has no need to be stopped.
                if (status < 300 || status === 404) return status === 404 || text === "" ? undefined : JSON.parse(text);
                last = `${url}: HTTP ${status}`;
            } catch (error) {
                last = `${url}: ${(error as Error).message}`;
            }
        }
        throw new Error(`Metronome: ${last}`);
    };
    return {
        async active(job) {
            return ((await first("GET", `/v1/jobs/${job}/runs`)) ?? []) as readonly ActiveRun[];
        },
        async start(job) {
            const body = (await first("POST", `/v1/jobs/${job}/runs`)) as { id?: string } | undefined;
            return body?.id ?? "";
        },
        async stop(job, run) {
            await first("POST", `/v1/jobs/${job}/runs/${run}/actions/stop`);
        },
    };
}
