/** Runs a build at once: starts its job, follows it, and tells what has become of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RunRecord } from "../frameworks/builds/runs";
import type { StoreStatus } from "../frameworks/builds/store";
import type { MetronomeClient } from "../provider/clients/metronome";
import type { Chosen } from "./chosen";
import { type Step, stepOf } from "./follow";

/** A run that was sent to a host that is gone is started again, so often. */
const STARTS = 3;
/** The store hears of a run's end a little later than Metronome. */
const UNHEARD_MS = 15_000;
/** The store may start again meanwhile. */
const STORE_MS = 10_000;

export interface Now {
    readonly metronome: Pick<MetronomeClient, "job" | "createJob" | "deleteJob" | "startRun" | "stopRun" | "run">;
    /** Page of the store, with a slash at its end. */
    readonly page: string;
    readonly chosen: Chosen;
    readonly log: (line: string) => void;
    /** @default true: until it has ended */
    readonly wait?: boolean;
    /** Stops the run and goes on until it has ended. */
    readonly signal?: AbortSignal;
    /** Between two looks, milliseconds. @default 2000 */
    readonly everyMs?: number;
}

/** The build cannot be run, in words. */
export class CannotRun extends Error {
    public override readonly name = "CannotRun";
}

async function recordsOf(page: string): Promise<readonly RunRecord[] | undefined> {
    try {
        const answer = await fetch(new URL("status.json", page), { signal: AbortSignal.timeout(STORE_MS) });
        return answer.ok ? ((await answer.json()) as StoreStatus).runs : undefined;
    } catch {
        return undefined;
    }
}

/** The job is there: the declared one, or its copy, made anew for this run. */
async function ensureJob({ metronome, chosen: { job, definition } }: Now): Promise<void> {
    const there = await metronome.job(job);
    if (definition === undefined) {
        if (there === undefined) throw new CannotRun(`there is no job ${job}: pulumi up makes it`);
        return;
    }
    // One that was left behind by somebody who did not wait.
    if (there !== undefined && !(await metronome.deleteJob(job)))
        throw new CannotRun(`${job} runs already, with options of its own: wait for it, or stop its run`);
    await metronome.createJob(definition);
}

async function follow(now: Now, id: string, before: ReadonlySet<string>): Promise<Exclude<Step, { kind: "goes on" }>> {
    const { metronome, page, chosen, log, signal, everyMs = 2000 } = now;
    let told = "";
    let unheardSince: number | undefined;
    let stopped = false;
    for (;;) {
        if (signal?.aborted === true && !stopped) {
            stopped = true;
            log(`stops run ${id}`);
            await metronome.stopRun(chosen.job, id);
        }
        const [run, records] = await Promise.all([metronome.run(chosen.job, id), recordsOf(page)]);
        const step = stepOf({ id, build: chosen.build, run, records, before });
        if (step.kind === "unheard") {
            unheardSince ??= Date.now();
            if (Date.now() - unheardSince > UNHEARD_MS) return step;
        } else if (step.kind !== "goes on") return step;
        else if (step.text !== told) log((told = step.text));
        await sleep(everyMs);
    }
}

/** @returns the run's record; undefined when it was not waited for. @throws {CannotRun} */
export async function buildNow(now: Now): Promise<RunRecord | undefined> {
    const { metronome, chosen, page, log, wait = true, signal } = now;
    const { job, definition } = chosen;
    const records = await recordsOf(page);
    if (records === undefined) throw new CannotRun(`the store at ${page} does not answer: nothing is started`);
    const before = new Set(records.map(({ run }) => run));
    await ensureJob(now);
    for (let start = 1; ; start += 1) {
        const id = await metronome.startRun(job);
        log(`${job}: run ${id} is started`);
        if (!wait) return undefined;
        const step = await follow(now, id, before);
        if (step.kind === "over" || step.kind === "unheard") {
            if (definition !== undefined) await metronome.deleteJob(job);
            if (step.kind === "over") return step.record;
            throw new CannotRun(
                signal?.aborted === true
                    ? `run ${id} was stopped before it began`
                    : `run ${id} has ended before it could tell the store: its output is in the sandbox of its task`,
            );
        }
        // Until Mesos has given up a host that is lost, it sends tasks there.
        await metronome.stopRun(job, id);
        if (start === STARTS || signal?.aborted === true)
            throw new CannotRun(`the host of run ${id} is not reached, ${start} times: it is stopped`);
        log(`run ${id} is on a host that is not reached: once more`);
    }
}
