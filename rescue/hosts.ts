/** Runs `mesos_rescue.py` on hosts, through SSH. Nothing is left there: the program travels with each call. */
import { deflateSync } from "node:zlib";
import { explain, sshArguments, userOf } from "../provider/clients/ssh";
import type { Connection } from "../site/plan/types";
import type { Look } from "./decide";
import copies from "./host/mesos_copies.py";
import program from "./host/mesos_rescue.py";
import { BackupError } from "./manifest";
import { run } from "./processes";
import type { Member } from "./site";

/** The modules in the order in which they are needed; the last is the program. */
const modules = { mesos_copies: copies, __main__: program };
const packed = deflateSync(JSON.stringify(modules)).toString("base64");
const starter = `import base64, json, sys, types, zlib
for name, text in json.loads(zlib.decompress(base64.b64decode(sys.argv.pop(1)))).items():
    sys.modules[name] = types.ModuleType(name)
    exec(text, sys.modules[name].__dict__)`;

/** Longest time for a look, and for a copy that is checked or put in its place; seconds. */
const LOOK_SEC = 30;
const COPY_SEC = 1800;

type Verb = "look" | "pack" | "seed" | "done" | "read" | "agent" | "stop" | "restart";

async function call(
    host: string,
    connection: Connection,
    verb: Verb,
    settings: object,
    { input, timeoutSec = COPY_SEC }: { input?: Buffer; timeoutSec?: number } = {},
): Promise<Buffer> {
    const text = Buffer.from(JSON.stringify(settings)).toString("base64");
    const command = `${userOf(connection) === "root" ? "" : "sudo -n "}python3 -c '${starter}' ${packed} ${verb} ${text}`;
    const args = [...sshArguments(connection), command];
    const { code, stdout, stderr } = await run("ssh", args, { timeoutSec, ...(input !== undefined && { input }) });
    if (code === 0) return stdout;
    if (code === 255) {
        const { reason, fix } = explain(connection, stderr);
        throw new BackupError(`${host}: ${reason}${fix === undefined ? "" : `\n  fix: ${fix}`}`);
    }
    throw new BackupError(`${host}: ${verb}: ${stderr.trim().split("\n").at(-1) ?? `exit status ${code}`}`);
}

/** How a part is on a host; the reason when nobody can tell. */
export async function look({ host, connection, settings }: Member): Promise<Look> {
    try {
        const answer = await call(host, connection, "look", settings, { timeoutSec: LOOK_SEC });
        return JSON.parse(answer.toString()) as Look;
    } catch (error) {
        return { error: (error as Error).message };
    }
}

/** A copy that a real server was started over, as tar.gz; its first member tells what that found. */
export const pack = ({ host, connection, settings }: Member, survivor = false): Promise<Buffer> =>
    call(host, connection, "pack", { ...settings, survivor });

/** @param id of the copy: the same one is not put there twice */
export async function seed(
    { host, connection, settings }: Member,
    archive: Buffer,
    { id, replace }: { readonly id: string; readonly replace: boolean },
): Promise<void> {
    await call(host, connection, "seed", { ...settings, id, replace }, { input: archive });
}

export async function done({ host, connection, settings }: Member): Promise<void> {
    await call(host, connection, "done", settings, { timeoutSec: LOOK_SEC });
}

/** The part's service, if it is there. */
export async function control(verb: "stop" | "restart", { host, connection, settings }: Member): Promise<void> {
    await call(host, connection, verb, settings, { timeoutSec: LOOK_SEC });
}

/** Texts of those files that are there, by path. */
export async function readFiles(
    host: string,
    connection: Connection,
    paths: readonly string[],
): Promise<Readonly<Record<string, string>>> {
    const answer = await call(host, connection, "read", { paths }, { timeoutSec: LOOK_SEC });
    return JSON.parse(answer.toString()) as Record<string, string>;
}

/** The id that a host's agent will come back with, "" when its disk has none; undefined when nobody can tell. */
export async function keptAgent(host: string, connection: Connection, workDir: string): Promise<string | undefined> {
    try {
        return JSON.parse(
            (await call(host, connection, "agent", { workDir }, { timeoutSec: LOOK_SEC })).toString(),
        ) as string;
    } catch {
        return undefined;
    }
}
