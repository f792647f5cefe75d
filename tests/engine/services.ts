/** Fake Marathon and Metronome beside a stack of the real engine, which blocks the test's own process while it runs. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { join } from "node:path";

const root = join(__dirname, "..", "..");

export interface Services {
    readonly marathon: string;
    readonly metronome: string;
    stop(): void;
}

/** @param dir folder for the bundle */
export async function startServices(dir: string): Promise<Services> {
    const bundle = join(dir, "services.js");
    execFileSync(join(root, "node_modules", ".bin", "esbuild"), [
        join(root, "tests", "fakes", "services.ts"),
        "--bundle",
        "--platform=node",
        "--log-level=warning",
        `--outfile=${bundle}`,
    ]);
    const child: ChildProcess = spawn(process.execPath, [bundle], { stdio: ["pipe", "pipe", "inherit"] });
    const line = await new Promise<string>((resolve, reject) => {
        child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
        child.once("exit", (code) => reject(new Error(`the fake services ended with ${code ?? "a signal"}`)));
    });
    const addresses = JSON.parse(line) as { marathon: string; metronome: string };
    return { ...addresses, stop: () => child.stdin?.end() };
}
