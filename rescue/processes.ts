/** Programs that this room runs. Secrets go through pipes, never through arguments. */
import { spawn } from "node:child_process";
import { BackupError } from "./manifest";

export interface RunOptions {
    readonly input?: Buffer | string;
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** Whole time allowed, seconds. */
    readonly timeoutSec: number;
    /** What it writes is shown as it comes, on standard error. @default false */
    readonly loud?: boolean;
}

export interface Ended {
    /** 128 when a signal ended it. */
    readonly code: number;
    readonly stdout: Buffer;
    readonly stderr: string;
}

/** @throws BackupError when it cannot be started, or does not end in time */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Ended> {
    const { input = "", cwd, env = process.env, timeoutSec, loud = false } = options;
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { cwd, env, stdio: "pipe" });
        const chunks: Buffer[] = [];
        let stderr = "";
        let overdue = false;
        const timer = setTimeout(() => {
            overdue = true;
            child.kill("SIGKILL");
        }, timeoutSec * 1000);
        child.stdout.on("data", (chunk: Buffer) => {
            chunks.push(chunk);
            if (loud) process.stderr.write(chunk);
        });
        child.stderr.setEncoding("utf8").on("data", (text: string) => {
            stderr += text;
            if (loud) process.stderr.write(text);
        });
        // It may end before it has read everything: its exit status says so.
        child.stdin.on("error", () => undefined);
        child.stdin.end(input);
        child.on("error", (error: NodeJS.ErrnoException) => {
            clearTimeout(timer);
            reject(
                new BackupError(
                    error.code === "ENOENT" ? `the program ${program} is not installed here` : error.message,
                ),
            );
        });
        child.on("close", (code) => {
            clearTimeout(timer);
            if (overdue) reject(new BackupError(`${program} ${args[0] ?? ""}: no end within ${timeoutSec} s`));
            else resolve({ code: code ?? 128, stdout: Buffer.concat(chunks), stderr });
        });
    });
}

const AGE_SEC = 600;

/** Encrypts to public keys. */
export async function encrypt(recipients: readonly string[], plain: Buffer): Promise<Buffer> {
    const { code, stdout, stderr } = await run(
        "age",
        recipients.flatMap((key) => ["-r", key]),
        { input: plain, timeoutSec: AGE_SEC },
    );
    if (code !== 0) throw new BackupError(`age: ${stderr.trim()}`);
    return stdout;
}

/** @throws BackupError when the key does not fit or the file is damaged: age vouches for every byte */
export async function decrypt(identity: string, sealed: Buffer, what: string): Promise<Buffer> {
    const { code, stdout, stderr } = await run("age", ["-d", "-i", identity], { input: sealed, timeoutSec: AGE_SEC });
    if (code !== 0) {
        const reason =
            stderr
                .trim()
                .split("\n")[0]
                ?.replace(/^age: error: /, "") ?? "";
        throw new BackupError(`${what} cannot be opened with ${identity}: ${reason}`);
    }
    return stdout;
}
