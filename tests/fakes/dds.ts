/** DDS as this machine can have it: the lab's stand-in, with a home and a PATH of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
export const STAND_IN = join(__dirname, "..", "..", "lab", "dds", "stand_in.py");
export const TOOLS = ["dds-session", "dds-info", "dds-prep-worker", "dds-submit"] as const;

export class Dds {
    public readonly home = mkdtempSync(join(tmpdir(), "dds-stand-in-"));
    public readonly bin = mkdtempSync(join(tmpdir(), "dds-tools-"));
    private readonly sessions: string[] = [];
    private readonly scouts: ChildProcess[] = [];

    public constructor(private readonly more: NodeJS.ProcessEnv = {}) {
        TOOLS.forEach((tool) => symlinkSync(STAND_IN, join(this.bin, tool)));
    }

    public get env(): NodeJS.ProcessEnv {
        return { ...process.env, ...this.more, HOME: this.home, PATH: `${this.bin}:${process.env["PATH"] ?? ""}` };
    }

    public async tool(name: (typeof TOOLS)[number], ...args: string[]): Promise<string> {
        return (await run(name, args, { env: this.env })).stdout;
    }

    /** @returns the session's id */
    public async start(): Promise<string> {
        const id = /DDS session ID: (\S+)/.exec(await this.tool("dds-session", "start"))?.[1] ?? "";
        this.sessions.push(id);
        return id;
    }

    public async stop(id: string): Promise<void> {
        this.sessions.splice(this.sessions.indexOf(id), 1);
        await this.tool("dds-session", "stop", id);
    }

    /** @returns the path of a worker package */
    public async prepare(session: string, slots = 2, group = "g"): Promise<string> {
        return (
            await this.tool("dds-prep-worker", "-a", session, "-b", "unit", "-t", String(slots), "-g", group)
        ).trim();
    }

    /** Starts an agent of a package in a directory of its own. */
    public scout(workerPackage: string, name: string): ChildProcess {
        const cwd = mkdtempSync(join(this.home, `${name}-`));
        const child = spawn("bash", [workerPackage], { cwd, env: this.env, stdio: ["ignore", "pipe", "pipe"] });
        this.scouts.push(child);
        return child;
    }

    public async end(): Promise<void> {
        await Promise.all(this.sessions.slice().map((id) => this.stop(id).catch(() => undefined)));
        this.scouts.forEach((child) => child.kill("SIGTERM"));
        await Promise.all(
            this.scouts.map((child) =>
                child.exitCode !== null || child.signalCode !== null
                    ? Promise.resolve()
                    : new Promise<void>((resolve) => child.once("close", () => resolve())),
            ),
        );
        rmSync(this.home, { recursive: true, force: true });
        rmSync(this.bin, { recursive: true, force: true });
    }
}

export async function until(what: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        if (await what()) {
            return;
        }
        if (Date.now() > end) {
            throw new Error(`not within ${timeoutMs} ms: ${what.toString()}`);
        }
    }
}
