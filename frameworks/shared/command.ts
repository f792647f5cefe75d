/** Programs that are run to their end, with everything that they start. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";

export interface CommandOptions {
    readonly cwd?: string;
    /** All of it: nothing comes from this process. */
    readonly env?: NodeJS.ProcessEnv;
    /** File that what it writes is added to. @default - it is kept in memory alone */
    readonly output?: string;
    /** Seconds. @default - it may take as long as it likes */
    readonly timeoutSec?: number;
    /** Ends it. */
    readonly signal?: AbortSignal;
}

export interface Ended {
    /** 0 when all went well; the signal's name, or "timeout". */
    readonly code: number | string;
    /** The last of what it wrote. */
    readonly text: string;
}

/** So much of what a program writes is kept in memory; letters. */
const KEPT = 65_536;
/** Between asking a program to end and ending it. */
const GRACE_MS = 5000;

/** Runs a program in a process group of its own: what ends it ends what it has started as well. */
export function command(program: string, args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
    const { cwd, env, output, timeoutSec, signal } = options;
    return new Promise((resolve) => {
        if (signal?.aborted === true) {
            resolve({ code: "cancelled", text: "" });
            return;
        }
        const file = output === undefined ? undefined : createWriteStream(output, { flags: "a" });
        const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
        let text = "";
        let why: string | undefined;
        const take = (data: Buffer): void => {
            file?.write(data);
            text = (text + data.toString("utf8")).slice(-KEPT);
        };
        const strike = (name: NodeJS.Signals): void => {
            try {
                if (child.pid !== undefined) process.kill(-child.pid, name);
            } catch {
                // All of it has ended.
            }
        };
        const timers: NodeJS.Timeout[] = [];
        const end = (reason: string): void => {
            why ??= reason;
            strike("SIGTERM");
            timers.push(setTimeout(() => strike("SIGKILL"), GRACE_MS));
        };
        const cancel = (): void => end("cancelled");
        signal?.addEventListener("abort", cancel);
        if (timeoutSec !== undefined) timers.push(setTimeout(() => end("timeout"), timeoutSec * 1000));
        child.stdout.on("data", take);
        child.stderr.on("data", take);
        const settle = (code: number | string): void => {
            timers.forEach(clearTimeout);
            signal?.removeEventListener("abort", cancel);
            // What it has left behind would hold the next one up.
            strike("SIGKILL");
            if (file === undefined) resolve({ code, text });
            else file.end(() => resolve({ code, text }));
        };
        child.once("error", (error) => {
            text += error.message;
            settle(127);
        });
        child.once("exit", (code, name) => {
            // Pipes that a runaway child holds open must not keep us.
            const last = setTimeout(() => child.stdout.destroy(), GRACE_MS);
            child.once("close", () => {
                clearTimeout(last);
                settle(why ?? code ?? name ?? "unknown");
            });
        });
    });
}
