/** Programs that a test starts, and processes of this machine that it must find. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { eventually } from "./steps";

export interface Result {
    /** 128 when a signal ended it. */
    readonly code: number;
    /** Standard output and standard error, as they came. */
    readonly text: string;
    readonly stdout: string;
}

export interface RunOptions {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly input?: string;
    /** Whole time allowed, seconds. */
    readonly timeoutSec?: number;
}

/** A program that runs while the test goes on. */
export class Running {
    public readonly ended: Promise<Result>;
    public text = "";
    private stdout = "";
    private readonly child: ChildProcess;
    private result: Result | undefined;

    public constructor(
        private readonly name: string,
        file: string,
        args: readonly string[],
        { cwd, env, input, timeoutSec = 400 }: RunOptions = {},
    ) {
        const child = spawn(file, args, { cwd, env: env ?? process.env, stdio: "pipe" });
        this.child = child;
        child.stdout.setEncoding("utf8").on("data", (text: string) => {
            this.text += text;
            this.stdout += text;
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => (this.text += text));
        child.stdin.on("error", () => undefined);
        child.stdin.end(input ?? "");
        this.ended = new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                child.kill("SIGKILL");
                reject(new Error(`${name}: no end after ${timeoutSec} s\n${this.text}`));
            }, timeoutSec * 1000);
            child.on("error", reject);
            // "exit", not "close": ssh's connection sharing keeps the pipes open for a while.
            child.on("exit", (code) => {
                clearTimeout(timer);
                setTimeout(() => {
                    this.result = { code: code ?? 128, text: this.text, stdout: this.stdout };
                    resolve(this.result);
                }, 50);
            });
        });
        // A test that fails earlier does not wait for it.
        this.ended.catch(() => undefined);
    }

    public get pid(): number {
        return this.child.pid ?? 0;
    }

    /** Waits for what the program writes. */
    public async says(pattern: RegExp, timeoutSec = 120): Promise<RegExpExecArray> {
        return eventually(
            `${this.name} says ${String(pattern)}`,
            () => {
                const match = pattern.exec(this.text);
                if (match === null && this.result !== undefined) {
                    throw new Error(
                        `${this.name} ended (${this.result.code}) without saying ${String(pattern)}:\n${this.text}`,
                    );
                }
                return match ?? undefined;
            },
            { timeoutSec, everyMs: 20 },
        );
    }
}

export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
    return new Running(`${file} ${args.join(" ").slice(0, 60)}`, file, args, options).ended;
}

/** A program that must succeed. @returns its standard output */
export async function must(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, text, stdout } = await run(file, args, options);
    if (code !== 0) {
        throw new Error(`${file} ${args.join(" ").slice(0, 200)}: exit status ${code}\n${text}`);
    }
    return stdout;
}

/** Processes of this machine whose command line matches. */
export function processesLike(pattern: RegExp): number[] {
    return readdirSync("/proc").flatMap((name) => {
        try {
            const line = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ") : "";
            return pattern.test(line) && Number(name) !== process.pid ? [Number(name)] : [];
        } catch {
            return []; // gone meanwhile
        }
    });
}

/** The parent of a process; undefined when it is gone. */
export function parentOf(pid: number): number | undefined {
    try {
        const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
        return parent === undefined ? undefined : Number(parent);
    } catch {
        return undefined;
    }
}
