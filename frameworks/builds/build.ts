/** One run of a build: sources and recipes, aliBuild, QA, and what the store makes of it. */
import {
    existsSync,
    lstatSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { command, type CommandOptions, type Ended } from "../shared/command";
import { digestOf } from "../shared/files";
import { type Build, urlOf } from "./declaration";
import { Delivery } from "./delivery";
import { insteadOf, refresh } from "./git";
import { isAway, patiently } from "./patience";
import { tarballPath } from "./publish";
import { type News, type Package, packageSchema, type Result, type RunRecord, type Stage } from "./runs";
import stageProgram from "./stage.py";

/** What went wrong, in words for the result. */
export class BuildFailure extends Error {}

/** The last lines of a text. */
const tail = (text: string, lines = 20): string => text.trimEnd().split("\n").slice(-lines).join("\n");

/** What aliBuild has failed with (1.17: `BUILD FAILED: PACKAGE@VERSION`), or its last error. */
export function failureOf(text: string): { readonly message: string; readonly package?: string } {
    // eslint-disable-next-line no-control-regex
    const plain = text.replace(/\x1b\[[0-9;]*m/g, "");
    const [, name, version] = /BUILD FAILED: ([^@\s]+)@(\S+)/.exec(plain) ?? [];
    if (name !== undefined) return { message: `${name} ${version ?? ""} has failed`, package: name };
    const errors = plain.split("\n").flatMap((line) => /\bERROR(?::[^:]*:[^:]*:\d*)?: *(.+)$/.exec(line)?.[1] ?? []);
    return { message: errors.at(-1) ?? (tail(plain, 3) || "aliBuild has failed and says nothing") };
}

/** Of a run: sortable, and no two alike. */
export function runName(build: string, now: Date, random: number): string {
    const digits = now.toISOString().replace(/\D/g, "");
    const more = Math.floor(random * 36 ** 4)
        .toString(36)
        .padStart(4, "0");
    return `${build}-${digits.slice(0, 8)}-${digits.slice(8, 14)}-${more}`;
}

/** Every symbolic link below a folder: path → where it points to. */
function linksBelow(dir: string, prefix: string): Record<string, string> {
    if (!existsSync(dir)) return {};
    return Object.fromEntries(
        readdirSync(dir).flatMap((name) => {
            const [path, at] = [join(dir, name), `${prefix}/${name}`];
            const stat = lstatSync(path);
            if (stat.isSymbolicLink()) return [[at, readlinkSync(path)] as const];
            return stat.isDirectory() ? Object.entries(linksBelow(path, at)) : [];
        }),
    );
}

export interface RunOptions {
    readonly build: Build;
    /** An empty folder of its own. */
    readonly folder: string;
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
}

export class BuildRun {
    private readonly run: string;
    private readonly startedAt = Date.now();
    private readonly folder: string;
    private stage: Stage = "preparing";
    private recipes = "";

    public constructor(private readonly options: RunOptions) {
        this.folder = resolve(options.folder);
        this.run = runName(options.build.name, new Date(this.startedAt), Math.random());
    }

    private at(...names: string[]): string {
        return join(this.folder, ...names);
    }

    private news(): News {
        const { name, architecture } = this.options.build;
        const { run, stage, startedAt } = this;
        const task = process.env["MESOS_TASK_ID"];
        return { build: name, run, architecture, host: hostname(), ...(task && { task }), stage, startedAt };
    }

    /** @returns what the store has made of it; undefined when the store could not be told */
    public async go(): Promise<RunRecord | undefined> {
        const { build, signal, log } = this.options;
        for (const name of ["out/log", "home/.config/alibuild", "sources", "stage", "qa"])
            mkdirSync(this.at(name), { recursive: true });
        // Builds are told to nobody.
        writeFileSync(this.at("home/.config/alibuild/disable-analytics"), "");
        const delivery = new Delivery(build, this.run, this.at("out"), log, signal);
        log(`run ${this.run}`);
        void delivery.begin(() => this.news());
        let failure: string | undefined;
        try {
            await this.prepare();
            await this.aliBuild();
            await this.qa();
            this.enter("publishing");
        } catch (error) {
            if (!(error instanceof BuildFailure) && !signal.aborted) log((error as Error).stack ?? "");
            failure = (error as Error).message;
        }
        const outcome = failure === undefined ? "built" : signal.aborted ? "cancelled" : "failed";
        const result: Result = {
            ...this.news(),
            outcome,
            message: outcome === "cancelled" ? "it was cancelled" : (failure ?? ""),
            endedAt: Date.now(),
            recipes: this.recipes,
            packages: await this.packages(),
            lists: outcome === "built" ? this.lists() : {},
        };
        const tarballs = this.at("stage", "TARS", build.architecture, "store");
        return delivery.end(result, outcome === "built" && existsSync(tarballs) ? tarballs : undefined);
    }

    private enter(stage: Stage): void {
        if (this.options.signal.aborted) throw new BuildFailure("it was cancelled");
        this.stage = stage;
        this.options.log(stage);
    }

    /** Runs a program of the build; what it writes is kept with the logs. */
    private do(program: string, args: readonly string[], logName: string, more: CommandOptions = {}): Promise<Ended> {
        const { signal } = this.options;
        return command(program, args, {
            cwd: this.folder,
            env: this.environment(),
            output: this.at("out", "log", `${logName}.log`),
            signal,
            ...more,
        });
    }

    private environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
        const { build } = this.options;
        const { sources, dir } = build.mirror;
        const copies = Object.fromEntries(Object.entries(sources).map(([name, url]) => [url, `file://${dir}/${name}`]));
        return {
            PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
            HOME: this.at("home"),
            LC_ALL: "C.UTF-8",
            GIT_TERMINAL_PROMPT: "0",
            ...insteadOf(copies),
            ...build.environment,
            ...more,
        };
    }

    /** This host's copies of the sources, as fresh as the mirror's, and the recipes. */
    private async prepare(): Promise<void> {
        const { build, signal, log } = this.options;
        const { mirror, recipes } = build;
        for (const name of Object.keys(mirror.sources)) {
            const { code, text } = await patiently(
                () => refresh(`${mirror.url}/${name}`, mirror.dir, name, { signal }),
                () => isAway(mirror.url),
                { patienceSec: build.patienceSec, signal, log },
            );
            if (code !== 0) throw new BuildFailure(`the mirror has no ${name} (${code}): ${tail(text, 3)}`);
            // aliBuild makes copies of its own here of what is not of the mirror.
            symlinkSync(join(mirror.dir, name), this.at("sources", name));
        }
        const url = urlOf(recipes.source, mirror.sources);
        const steps = [
            ["clone", "-q", url, "recipes"],
            ["-C", "recipes", "checkout", "-q", recipes.ref],
            ["-C", "recipes", "rev-parse", "HEAD"],
        ];
        for (const args of steps) {
            const { code, text } = await this.do("git", args, "recipes", { timeoutSec: 1800 });
            if (code !== 0)
                throw new BuildFailure(
                    `the recipes ${url} at ${recipes.ref} cannot be had (${code}): ${tail(text, 3)}`,
                );
            this.recipes = text.trim();
        }
    }

    private async aliBuild(): Promise<void> {
        this.enter("building");
        const { build } = this.options;
        writeFileSync(this.at("stage.py"), stageProgram);
        const { code, text } = await this.do(
            interpreterOf(build.program),
            [
                ...["stage.py", "packages.jsonl", "out/log", String(build.patienceSec), build.program],
                ...["build", "-a", build.architecture, "--defaults", build.defaults, "-j", String(build.jobs)],
                ...["-c", "recipes", "-w", "sw", "--reference-sources", this.at("sources")],
                ...["--remote-store", `rsync://${build.store.rsync}/store`, "--write-store", this.at("stage")],
                ...build.arguments,
                ...build.packages,
            ],
            "build",
            { timeoutSec: build.timeoutSec },
        );
        if (code === 0) return;
        if (code === "timeout") throw new BuildFailure(`it took longer than ${build.timeoutSec} s`);
        const failure = failureOf(text);
        const log = this.at("sw", "BUILD", `${failure.package ?? ""}-latest`, "log");
        if (failure.package === undefined || !existsSync(log)) throw new BuildFailure(failure.message);
        const lines = readFileSync(log, "utf8");
        writeFileSync(this.at("out", "log", `${failure.package}.log`), lines);
        throw new BuildFailure(`${failure.message}\n${tail(lines)}`);
    }

    private async qa(): Promise<void> {
        const { qa, architecture } = this.options.build;
        if (qa === undefined) return;
        this.enter("qa");
        const results = this.at("out", "log", "qa");
        mkdirSync(results, { recursive: true });
        const { code, text } = await this.do("sh", ["-c", qa.command], "qa", {
            cwd: this.at("qa"),
            timeoutSec: qa.timeoutSec,
            env: this.environment({
                RECIPES: this.at("recipes"),
                INSTALLED: this.at("sw", architecture),
                WORK_DIR: this.at("sw"),
                QA_RESULTS: results,
            }),
        });
        if (code === "timeout") throw new BuildFailure(`QA took longer than ${qa.timeoutSec} s`);
        if (code !== 0) throw new BuildFailure(`QA has failed (${code})\n${tail(text)}`);
    }

    /** What aliBuild has written down, each new one with its tarball's digest. */
    private async packages(): Promise<Package[]> {
        const { architecture } = this.options.build;
        const file = this.at("packages.jsonl");
        if (!existsSync(file)) return [];
        const all = readFileSync(file, "utf8")
            .trim()
            .split("\n")
            .map((line) => packageSchema.parse(JSON.parse(line)));
        return Promise.all(
            all.map(async (one) => {
                const tarball = this.at("stage", "TARS", architecture, "store", tarballPath(one, architecture));
                return one.reused || !existsSync(tarball) ? one : { ...one, sha256: await digestOf(tarball) };
            }),
        );
    }

    private lists(): Record<string, string> {
        const top = `TARS/${this.options.build.architecture}`;
        return Object.assign(
            {},
            ...["dist", "dist-direct", "dist-runtime"].map((kind) =>
                linksBelow(this.at("stage", top, kind), `${top}/${kind}`),
            ),
        ) as Record<string, string>;
    }
}

/** Python as aliBuild's own first line names it: its modules are that one's. */
function interpreterOf(program: string): string {
    const [first = ""] = existsSync(program) ? readFileSync(program, "utf8").split("\n", 1) : [];
    return /^#!\s*(\/\S*python\S*)\s*$/.exec(first)?.[1] ?? "python3";
}

/** A run that others were faster than is built again at once, so often. */
const ATTEMPTS = 3;

/** Builds until the store says something that building again does not change. */
export async function buildNow(options: RunOptions): Promise<RunRecord | undefined> {
    for (let attempt = 1; ; attempt += 1) {
        const record = await new BuildRun({ ...options, folder: join(options.folder, `attempt-${attempt}`) }).go();
        if (record?.state !== "refused" || record.again !== true || attempt === ATTEMPTS) return record;
        options.log(`${record.message}; once more`);
    }
}
