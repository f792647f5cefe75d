/** Fake Marathon and Metronome beside a stack of the real engine, which blocks the test's own process while it runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { bundleFake } from "./fakes";

export interface Services {
    readonly marathon: string;
    readonly metronome: string;
    stop(): void;
}

/** @param dir folder for the bundle */
export async function startServices(dir: string): Promise<Services> {
    const bundle = join(dir, "services.js");
    bundleFake("services", bundle);
    const child: ChildProcess = spawn(process.execPath, [bundle], { stdio: ["pipe", "pipe", "inherit"] });
    const line = await new Promise<string>((resolve, reject) => {
        child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
        child.once("exit", (code) => reject(new Error(`the fake services ended with ${code ?? "a signal"}`)));
    });
    const addresses = JSON.parse(line) as { marathon: string; metronome: string };
    // At once: the engine that comes next blocks this process, and the end of a pipe would wait for it.
    return { ...addresses, stop: () => void child.kill("SIGKILL") };
}
