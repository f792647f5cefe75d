/** A run's folder: what is put there before the run, and what is found there at any time. */
import {
    copyFileSync,
    existsSync,
    mkdirSync,
    readdirSync,
    readFileSync,
    renameSync,
    rmSync,
    statSync,
    symlinkSync,
} from "node:fs";
import { basename, join } from "node:path";
import { digestOf, writeText } from "../shared/files";
import type { Found, ResultFile, TaskFacts } from "./accounting";
import type { Work } from "./declaration";
import { historyOf, type NodeHistory, logPath, makeflowText, taskScript } from "./makeflow";
import type { Chunk, Plan } from "./plan";

const LAST_LINES = 20;

export const chunkFile = ({ name }: Pick<Chunk, "name">): string => `${name}.makeflow`;

export class RunFolder {
    public constructor(
        public readonly path: string,
        private readonly work: Work,
        private readonly plan: Plan,
    ) {}

    public at(...names: string[]): string {
        return join(this.path, ...names);
    }

    /** The user's files are copied: a run ends with what it began with. Inputs may be large, and are only named. */
    public prepare(): void {
        for (const name of ["in", "results", "logs"]) {
            mkdirSync(this.at(name), { recursive: true });
        }
        for (const file of this.work.files) {
            const to = this.at(basename(file));
            if (!existsSync(to)) {
                copyFileSync(file, `${to}.new`);
                renameSync(`${to}.new`, to);
            }
        }
        for (const [name, from] of Object.entries(this.plan.inputs)) {
            if (!existsSync(this.at(name))) {
                rmSync(this.at(name), { force: true });
                symlinkSync(from, this.at(name));
            }
        }
        writeText(this.at("task.sh"), taskScript(this.plan));
        const names = this.work.files.map((file) => basename(file));
        for (const chunk of this.plan.chunks) {
            writeText(this.at(chunkFile(chunk)), makeflowText(chunk, names));
        }
    }

    public history(chunk: Pick<Chunk, "name">): Map<number, NodeHistory> {
        const file = this.at(`${chunkFile(chunk)}.makeflowlog`);
        return existsSync(file) ? historyOf(readFileSync(file, "utf8")) : new Map<number, NodeHistory>();
    }

    /** Makeflow puts what a failed task has left into folders by the task's place in its chunk: its log is taken from there. */
    public collectFailures(chunk: Chunk): void {
        const history = this.history(chunk);
        for (const [place, task] of chunk.tasks.entries()) {
            const left = this.at(`makeflow.failed.${place}`);
            if (!existsSync(left)) {
                continue;
            }
            const log = join(left, logPath(task));
            if (existsSync(log) && history.get(place)?.state === "failed") {
                renameSync(log, this.at(logPath(task)));
            }
            rmSync(left, { recursive: true, force: true });
        }
    }

    private facts(id: string): TaskFacts | undefined {
        try {
            const lines = readFileSync(this.at(logPath({ id })), "utf8")
                .trimEnd()
                .split("\n");
            const { host, began, ended } = JSON.parse(lines.at(-1) ?? "") as Partial<TaskFacts>;
            return host === undefined || began === undefined || ended === undefined
                ? undefined
                : { host, began, ended };
        } catch {
            return undefined;
        }
    }

    private lastLines(id: string): string {
        try {
            const lines = readFileSync(this.at(logPath({ id })), "utf8")
                .trimEnd()
                .split("\n");
            return lines
                .slice(-LAST_LINES - 1, -1)
                .join("\n")
                .trim();
        } catch {
            return "it has left no log";
        }
    }

    private async files(): Promise<ResultFile[]> {
        const found: ResultFile[] = [];
        for (const name of readdirSync(this.at("results")).sort()) {
            const path = `results/${name}`;
            found.push({ path, bytes: statSync(this.at(path)).size, sha256: await digestOf(this.at(path)) });
        }
        return found;
    }

    /** Everything that the accounting needs. */
    public async look(): Promise<Found> {
        const histories = new Map(this.plan.chunks.map((chunk) => [chunk.name, this.history(chunk)]));
        const facts = new Map<string, TaskFacts>();
        const lastLines = new Map<string, string>();
        for (const { name, tasks } of this.plan.chunks) {
            for (const [place, { id }] of tasks.entries()) {
                const known = this.facts(id);
                if (known !== undefined) facts.set(id, known);
                if (histories.get(name)?.get(place)?.state === "failed") lastLines.set(id, this.lastLines(id));
            }
        }
        return { histories, facts, files: await this.files(), lastLines };
    }
}
