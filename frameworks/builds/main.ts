/**
 * mesos-builds: builds releases, and keeps what has passed. Each is told what to do by a variable, as its Metronome job or its Marathon
 * app has it.
 *
 *     MESOS_BUILD='{…}' mesos-builds build
 *     MESOS_BUILDS_STORE='{…}' mesos-builds store
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { buildNow } from "./build";
import { buildSchema, type PatrolConfig, storeSchema } from "./declaration";
import { metronomeAt, Patrol } from "./patrol";
import { servePage, startServers } from "./serve";
import { Store } from "./store";

declare const PULUMI_MESOS_VERSION: string | undefined;
const VERSION = typeof PULUMI_MESOS_VERSION === "undefined" ? "unbuilt" : PULUMI_MESOS_VERSION;
const LOOK_MS = 500;

const log = (line: string): void => void process.stdout.write(`${line}\n`);

function end(status: number, message: string): never {
    process.stderr.write(`${message}\n`);
    process.exit(status);
}

function read<T>(variable: string, schema: z.ZodType<T>): T {
    const text = process.env[variable];
    if (text === undefined) end(2, `${variable} is not set`);
    const parsed = schema.safeParse(JSON.parse(text));
    if (!parsed.success) end(2, `${variable}:\n${z.prettifyError(parsed.error)}`);
    return parsed.data;
}

async function build(): Promise<void> {
    const config = read("MESOS_BUILD", buildSchema);
    const stop = new AbortController();
    process.on("SIGTERM", () => stop.abort()).on("SIGINT", () => stop.abort());
    const record = await buildNow({ build: config, folder: "builds", signal: stop.signal, log });
    if (record === undefined) end(1, `the store at ${config.store.url} could not be told; nothing is published`);
    log(`${record.state}${record.message === "" ? "" : `: ${record.message}`}`);
    log(`${config.store.url}/results/${record.run}/`);
    process.exit(record.state === "published" ? 0 : 1);
}

async function keep(): Promise<void> {
    const config = read("MESOS_BUILDS_STORE", storeSchema);
    const store = new Store({ config, version: VERSION, log });
    await store.tick();
    await servePage(config.ports.page, store);
    const stop = new AbortController();
    const servers = startServers(config, (what) => {
        if (!stop.signal.aborted) end(1, what);
    });
    const leave = (): void => {
        stop.abort();
        servers.forEach((server) => server.kill("SIGTERM"));
        process.exit(0);
    };
    process.on("SIGTERM", leave).on("SIGINT", leave);
    const fetching = async (): Promise<void> => {
        for (;;) {
            await store.fetch(stop.signal);
            await sleep(config.mirror.everySec * 1000);
        }
    };
    const looking = async (): Promise<void> => {
        for (;;) {
            await store.tick();
            await sleep(LOOK_MS);
        }
    };
    const patrolling = async ({ jobs, everySec, ...at }: PatrolConfig): Promise<void> => {
        const patrol = new Patrol(jobs, metronomeAt(at), (build, id) => store.ofMetronome(build, id), log);
        let told = "";
        for (;;) {
            const trouble = await patrol.look(Date.now()).then(
                () => "",
                (error: unknown) => (error as Error).message,
            );
            if (trouble !== told && trouble !== "") log(trouble);
            told = trouble;
            await sleep(everySec * 1000);
        }
    };
    await Promise.all([fetching(), looking(), ...(config.patrol === undefined ? [] : [patrolling(config.patrol)])]);
}

const verbs: Readonly<Record<string, () => Promise<void>>> = { build, store: keep };

if (require.main === module) {
    const verb = verbs[process.argv[2] ?? ""];
    if (verb === undefined) end(2, "usage: mesos-builds build | store");
    verb().catch((error: unknown) => end(1, (error as Error).message));
}
