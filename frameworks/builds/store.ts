/**
 * The store: keeps packages for aliBuild to reuse (rsync), copies of the sources' repositories (git), and what became of each run.
 * Builders leave what they have made below `incoming`; only this program moves it to where others see it, one run after the other.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoreConfig } from "./declaration";
import { refresh } from "./git";
import { publish, type Refusal, refusalOf } from "./publish";
import { type News, newsSchema, pruned, type Result, resultSchema, type RunRecord } from "./runs";

export interface SourceState {
    readonly name: string;
    /** When it was last fetched, milliseconds since 1970. */
    readonly freshAt?: number;
    /** Why it could not be since. */
    readonly trouble?: string;
}

export interface StoreStatus {
    readonly version: string;
    /** Newest first. */
    readonly runs: readonly RunRecord[];
    readonly mirror: readonly SourceState[];
    readonly freeMiB: number;
    readonly troubles: readonly string[];
}

export interface StoreOptions {
    readonly config: StoreConfig;
    readonly version: string;
    readonly log: (line: string) => void;
    /** Milliseconds since 1970. @default Date.now */
    readonly now?: () => number;
    /** @default as the file system says */
    readonly freeMiB?: () => number;
}

const folders = ["store", "incoming", "publishing", "results", "mirror"] as const;

export class Store {
    private readonly runs = new Map<string, RunRecord>();
    private readonly mirror = new Map<string, SourceState>();
    private readonly begun: number;
    private busy = false;

    public constructor(private readonly options: StoreOptions) {
        for (const folder of folders) mkdirSync(this.at(folder), { recursive: true });
        this.begun = this.now();
        for (const name of readdirSync(this.at("results"))) {
            const run = this.read(this.at("results", name, "run.json"));
            if (run !== undefined) this.runs.set(name, run as RunRecord);
        }
        Object.keys(options.config.mirror.sources).forEach((name) => this.mirror.set(name, { name }));
    }

    public at(...names: string[]): string {
        return join(this.options.config.dir, ...names);
    }

    private now(): number {
        return (this.options.now ?? Date.now)();
    }

    public status(): StoreStatus {
        const { version, config } = this.options;
        const freeMiB = this.freeMiB();
        const mirror = [...this.mirror.values()];
        return {
            version,
            runs: pruned([...this.runs.values()], config.keepRuns).kept,
            mirror,
            freeMiB,
            troubles: [
                ...(freeMiB < config.freeMiB ? [`only ${freeMiB} MiB are free: nothing is published`] : []),
                ...mirror.flatMap(({ name, trouble }) =>
                    trouble === undefined ? [] : [`${name} could not be fetched: ${trouble}`],
                ),
            ],
        };
    }

    public runOf(name: string): RunRecord | undefined {
        return this.runs.get(name);
    }

    /** The run of a build whose Mesos task has Metronome's id of it in its name. */
    public ofMetronome(build: string, id: string): RunRecord | undefined {
        return [...this.runs.values()].find((run) => run.build === build && run.task?.includes(id) === true);
    }

    private freeMiB(): number {
        if (this.options.freeMiB !== undefined) return this.options.freeMiB();
        const { bavail, bsize } = statfsSync(this.options.config.dir);
        return Math.floor((bavail * bsize) / 1_048_576);
    }

    /** JSON of a file; undefined when it is not there or not whole. */
    private read(path: string): unknown {
        try {
            return JSON.parse(readFileSync(path, "utf8")) as unknown;
        } catch {
            return undefined;
        }
    }

    /** Looks at what has come and does what is to be done; never twice at once. */
    public async tick(): Promise<void> {
        if (this.busy) return;
        this.busy = true;
        try {
            // What a stop has interrupted comes first.
            for (const name of readdirSync(this.at("publishing"))) this.finish(name);
            for (const name of readdirSync(this.at("incoming"))) await this.look(name);
            this.forget();
        } finally {
            this.busy = false;
        }
    }

    private async look(name: string): Promise<void> {
        const folder = this.at("incoming", name);
        const result = resultSchema.safeParse(this.read(join(folder, "result.json")));
        if (result.success && result.data.run === name) {
            await this.take(result.data, folder);
            return;
        }
        const news = newsSchema.safeParse(this.read(join(folder, "state.json")));
        const heard = this.heard(folder);
        const silent = this.now() - Math.max(heard, this.begun) > this.options.config.lostSec * 1000;
        if (news.success && news.data.run === name) {
            if (silent)
                this.settle(news.data, folder, { state: "lost", message: "its builder is not heard of any more" });
            else this.runs.set(name, { ...news.data, state: "running", message: "", packages: [] });
        } else if (silent) {
            rmSync(folder, { recursive: true, force: true });
        }
    }

    /** When the run was last heard of: by this host's clock, whatever the builder's says. */
    private heard(folder: string): number {
        return Math.max(
            ...["state.json", "result.json", "."].map(
                (name) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
            ),
        );
    }

    private async take(result: Result, folder: string): Promise<void> {
        if (result.outcome !== "built") {
            this.settle(result, folder, { state: result.outcome, message: result.message });
            return;
        }
        const refusal = await this.refusal(result, folder);
        if (refusal !== undefined) {
            this.settle(result, folder, { state: "refused", ...refusal });
            return;
        }
        renameSync(folder, this.at("publishing", result.run));
        this.finish(result.run);
    }

    private async refusal(result: Result, folder: string): Promise<Refusal | undefined> {
        const { freeMiB } = this.options.config;
        const free = this.freeMiB();
        if (free < freeMiB)
            return { message: `the store has ${free} MiB free, and ${freeMiB} must stay free`, again: false };
        return refusalOf(result, folder, this.at("store"));
    }

    /** Publishes a run that has been looked at. */
    private finish(name: string): void {
        const folder = this.at("publishing", name);
        const result = resultSchema.parse(this.read(join(folder, "result.json")));
        publish(result, folder, this.at("store"));
        this.settle(result, folder, { state: "published", message: "" });
    }

    /** The run is over: its logs and what became of it are kept, its tarballs are not. */
    private settle(news: News | Result, folder: string, verdict: Pick<RunRecord, "state" | "message" | "again">): void {
        const { build, run, architecture, host, task, stage, startedAt } = news;
        const record: RunRecord = {
            ...{ build, run, architecture, host, ...(task !== undefined && { task }), stage, startedAt },
            packages: "packages" in news ? news.packages : [],
            ...("recipes" in news ? { recipes: news.recipes } : {}),
            endedAt: "endedAt" in news ? news.endedAt : this.now(),
            ...verdict,
        };
        rmSync(join(folder, "tars"), { recursive: true, force: true });
        writeFileSync(join(folder, "run.json"), `${JSON.stringify(record, undefined, 2)}\n`);
        const to = this.at("results", run);
        // It was given up, and came back.
        rmSync(to, { recursive: true, force: true });
        renameSync(folder, to);
        this.runs.set(run, record);
        this.options.log(`${run}: ${record.state}${record.message === "" ? "" : `: ${record.message}`}`);
    }

    private forget(): void {
        for (const { run } of pruned([...this.runs.values()], this.options.config.keepRuns).old) {
            this.runs.delete(run);
            rmSync(this.at("results", run), { recursive: true, force: true });
        }
    }

    /** Fetches every source once. */
    public async fetch(signal?: AbortSignal): Promise<void> {
        const { sources, credentialFile } = this.options.config.mirror;
        for (const [name, url] of Object.entries(sources)) {
            const { code, text } = await refresh(url, this.at("mirror"), name, {
                ...(credentialFile === undefined ? {} : { credentialFile }),
                ...(signal === undefined ? {} : { signal }),
            });
            const before = this.mirror.get(name);
            const trouble = text.trim().split("\n").at(-1) ?? "";
            this.mirror.set(
                name,
                code === 0 ? { name, freshAt: this.now() } : { ...before, name, trouble: `${trouble} (${code})` },
            );
            if (code !== 0) this.options.log(`${name} could not be fetched: ${text.trim()}`);
            else if (before?.freshAt === undefined) this.options.log(`${name} is there`);
        }
    }
}
