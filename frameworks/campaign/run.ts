/** Runs a campaign: checks, then its chunks one after the other by makeflow on Work Queue, then the accounting. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, rmSync, symlinkSync, renameSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { digestOf, writeText } from "../shared/files";
import { countOf, progressOf, sumOf, type Summary, summaryOf } from "./accounting";
import { check } from "./checks";
import type { Campaign } from "./declaration";
import { chunkFile, RunFolder } from "./folder";
import { type Chunk, identityOf, type Plan, planOf } from "./plan";
import { pageOf, plotOf, type State, type Status } from "./report";

/** Starts of makeflow for one chunk without one task more done: then it is no accident any more. */
const FRUITLESS = 3;
const LOOK_EVERY_MS = 5000;

/** What Work Queue projects of campaigns are called. */
export const projectOf = ({ name, work }: Pick<Campaign, "name" | "work">): string => `${work.kind}-${name}`;

/** What makeflow is called with; the password is in a file. */
export const makeflowArguments = (campaign: Campaign, chunk: Pick<Chunk, "name">): string[] => [
    ...["-T", "wq"],
    ...["-N", projectOf(campaign)],
    ...["-C", campaign.catalogs.join(",")],
    ...["-p", String(campaign.port)],
    ...["-r", String(campaign.work.retries)],
    ...(campaign.passwordFile === undefined ? [] : ["--password", campaign.passwordFile]),
    // A worker that says nothing has its tasks given to another after a minute, not after two and a half.
    ...["-u", "30", "-t", "30"],
    "--skip-file-check",
    chunkFile(chunk),
];

export interface Options {
    readonly campaign: Campaign;
    readonly version: string;
    /** @default "makeflow" */
    readonly makeflow?: string;
    /** Before makeflow is started again after an accident, milliseconds; twice as long each time that nothing is won. @default 1000 */
    readonly pauseMs?: number;
    readonly log: (line: string) => void;
}

export class CampaignRun {
    private readonly plan: Plan;
    private state: State = "checking";
    private troubles: readonly string[] = [];
    private folder: RunFolder | undefined;
    private summary: Summary | undefined;
    private child: ChildProcess | undefined;
    private stopped = false;
    private progress: Pick<Status, "tasks" | "stages">;

    public constructor(private readonly options: Options) {
        this.plan = planOf(options.campaign.work);
        this.progress = progressOf(this.plan, { histories: new Map() });
    }

    public status(): Status {
        const { campaign, version } = this.options;
        return {
            name: campaign.name,
            kind: campaign.work.kind,
            version,
            state: this.state,
            run: this.folder?.path ?? campaign.dir,
            troubles: this.troubles,
            ...this.progress,
            ...(this.summary && { summary: this.summary }),
        };
    }

    /** Ends makeflow in order; what is done stays done. */
    public async stop(): Promise<void> {
        this.stopped = true;
        const { child } = this;
        if (child !== undefined && child.exitCode === null && child.signalCode === null) {
            const ended = new Promise((resolve) => child.once("exit", resolve));
            child.kill("SIGTERM");
            await ended;
        }
    }

    /** @returns when the campaign has come to its end, well or not, or when it is stopped */
    public async run(): Promise<void> {
        const { campaign, log } = this.options;
        mkdirSync(campaign.dir, { recursive: true });
        if (!(await this.checked())) {
            this.state = "failed";
            this.troubles.forEach((text) => log(`not started: ${text}`));
            return;
        }
        this.troubles = [];
        const digests = await Promise.all(campaign.work.files.map(digestOf));
        const name = `run-${identityOf(campaign.work, digests)}`;
        const folder = new RunFolder(join(campaign.dir, name), campaign.work, this.plan);
        this.folder = folder;
        mkdirSync(folder.path, { recursive: true });
        this.pointAt(name);
        folder.prepare();
        this.look();
        this.state = "running";
        log(`${campaign.work.kind} ${campaign.name}: ${this.progress.tasks.total} tasks in ${folder.path}`);
        const timer = setInterval(() => this.look(), LOOK_EVERY_MS);
        try {
            for (const chunk of this.plan.chunks) {
                await this.runChunk(chunk, folder);
                this.look();
                if (this.hasBeenStopped()) return;
            }
        } finally {
            clearInterval(timer);
        }
        await this.account(folder);
    }

    private async checked(): Promise<boolean> {
        const { work, dir } = this.options.campaign;
        const end = Date.now() + work.requires.waitSec * 1000;
        for (;;) {
            const { missing, faults } = await check(work, dir);
            this.troubles = [...faults, ...missing];
            if (this.troubles.length === 0) return true;
            if (faults.length > 0 || Date.now() >= end || this.stopped) return false;
            await sleep(Math.min(2000, Math.max(0, end - Date.now())));
        }
    }

    /** `current` is this run; those of other declarations stay beside it. */
    private pointAt(name: string): void {
        const { dir } = this.options.campaign;
        rmSync(join(dir, "current.new"), { force: true });
        symlinkSync(name, join(dir, "current.new"));
        renameSync(join(dir, "current.new"), join(dir, "current"));
    }

    private look(): void {
        const { folder } = this;
        if (folder === undefined) return;
        const histories = new Map(this.plan.chunks.map((chunk) => [chunk.name, folder.history(chunk)]));
        this.progress = progressOf(this.plan, { histories });
    }

    /** Asked anew: it changes while others are awaited. */
    private hasBeenStopped(): boolean {
        return this.stopped;
    }

    private doneOf(chunk: Chunk, folder: RunFolder): { done: number; settled: boolean } {
        const history = folder.history(chunk);
        const { done, total, failed } = sumOf(chunk.tasks.map((_, place) => countOf(history.get(place))));
        // What waits for something that has failed is settled too: it will never run.
        const open = sumOf([...history.values()].map(countOf)).running;
        return { done, settled: done === total || (failed > 0 && open === 0) };
    }

    private async runChunk(chunk: Chunk, folder: RunFolder): Promise<void> {
        const { log, pauseMs = 1000 } = this.options;
        let before = this.doneOf(chunk, folder).done;
        if (before === chunk.tasks.length) return;
        for (let fruitless = 0; fruitless < FRUITLESS && !this.hasBeenStopped();) {
            const ended = await this.makeflow(chunk, folder);
            folder.collectFailures(chunk);
            const { done, settled } = this.doneOf(chunk, folder);
            // Its status is 0 even when tasks have failed: its log tells.
            if (ended === 0 && settled) return;
            if (this.hasBeenStopped()) return;
            fruitless = done > before ? 0 : fruitless + 1;
            before = done;
            log(
                `${chunk.name}: makeflow ended (${ended}) with ${done} of ${chunk.tasks.length} tasks done; it goes on from there`,
            );
            this.troubles = [`makeflow has ended (${ended}); its output: ${folder.at(`${chunk.name}.output`)}`];
            await sleep(pauseMs * 2 ** fruitless);
        }
    }

    /** @returns its exit status, or the signal that ended it, or why it could not be started */
    private makeflow(chunk: Chunk, folder: RunFolder): Promise<number | string> {
        const { campaign, makeflow = "makeflow" } = this.options;
        const output = createWriteStream(folder.at(`${chunk.name}.output`), { flags: "a" });
        return new Promise((resolve) => {
            const child = spawn(makeflow, makeflowArguments(campaign, chunk), {
                cwd: folder.path,
                // Debian's makeflow starts MPI for nothing, and ends where it is not installed whole.
                env: { ...process.env, OMPI_MCA_ess_singleton_isolated: "1" },
                stdio: ["ignore", "pipe", "pipe"],
            });
            this.child = child;
            child.stdout.pipe(output, { end: false });
            child.stderr.pipe(output, { end: false });
            child.once("error", (error) => resolve(error.message));
            child.once("close", (code, signal) => {
                output.end();
                resolve(code ?? signal ?? "unknown");
            });
        });
    }

    private async account(folder: RunFolder): Promise<void> {
        const { campaign, log } = this.options;
        const summary = summaryOf(campaign.work, this.plan, await folder.look());
        this.summary = summary;
        this.state = summary.passed ? "passed" : "failed";
        const { tasks, lost, strays, results } = summary;
        this.troubles = [
            ...(tasks.failed > 0 ? [`${tasks.failed} tasks have failed; started again, they are tried again`] : []),
            ...(tasks.waiting > 0 ? [`${tasks.waiting} tasks could not run for want of what others make`] : []),
            ...(lost.length > 0
                ? [`results of ${lost.length} tasks are not there: ${lost.slice(0, 5).join(", ")}`]
                : []),
            ...(strays.length > 0
                ? [`${strays.length} files among the results are nobody's: ${strays.slice(0, 5).join(", ")}`]
                : []),
        ];
        writeText(folder.at("results.sha256"), results.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(""));
        writeText(
            folder.at("summary.json"),
            `${JSON.stringify({ name: campaign.name, kind: campaign.work.kind, ...summary }, undefined, 2)}\n`,
        );
        writeText(folder.at("summary.svg"), plotOf(summary));
        writeText(folder.at("summary.html"), pageOf(this.status()));
        log(
            `${this.state}: ${tasks.done} of ${tasks.total} tasks done, ${tasks.failed} failed, ${tasks.retried} after a retry, ${summary.wallSec} s`,
        );
    }
}
