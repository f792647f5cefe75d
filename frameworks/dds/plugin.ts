/** What `dds-submit -r mesos` starts: the way from a commander to the framework. Also by hand, with a package that is there already. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSubmitFile, requestOf, type SubmitFile } from "./submissions";
import { COMMAND, Connection, customBody, customText } from "./wire";
import { iniOf } from "./workerPackage";

/** The condition under which a commander and its plug-ins talk. */
const CONDITION = "rms_agent_sign";
const TIMEOUT_MS = 30_000;

/** @returns the submission's number. @throws with what the framework says */
export async function post({ rest }: Pick<SubmitFile, "rest">, request: object): Promise<number> {
    const answer = await fetch(`http://${rest}/dds-submit`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((error: unknown) => {
        throw new Error(`the framework at ${rest} is not reached: ${String((error as Error).cause ?? error)}`);
    });
    const said = (await answer.json().catch(() => ({}))) as { Id?: number; Error?: string };
    if (!answer.ok || said.Id === undefined) {
        throw new Error(`the framework at ${rest} refuses: ${said.Error ?? `status ${answer.status}`}`);
    }
    return said.Id;
}

/** By hand: a file of seven lines and a worker package. */
export async function submitFile(file: string, workerPackage: string): Promise<number> {
    const read = parseSubmitFile(readFileSync(file, "utf8"));
    return post(read, requestOf(read, randomUUID(), readFileSync(workerPackage)));
}

interface PlugIn {
    readonly id?: string;
    readonly submit?: Readonly<Partial<Record<string, string>>>;
}

/** What a commander asks of its plug-in. */
const plugInOf = (text: string): PlugIn | undefined =>
    (JSON.parse(text) as { dds?: { "plug-in"?: PlugIn } }).dds?.["plug-in"];

async function work(submit: NonNullable<PlugIn["submit"]>, id: string): Promise<string> {
    const { cfgFilePath = "", wrkPackagePath = "", nInstances, slots } = submit;
    if (cfgFilePath === "") {
        throw new Error("no configuration is given: dds-submit -c FILE");
    }
    const read = parseSubmitFile(readFileSync(cfgFilePath, "utf8"));
    // The plug-in of 2016 knew the file alone; a number that dds-submit was told goes before it, one that it was not is 1 at most.
    const agents = Number(nInstances) > 1 ? Number(nInstances) : read.agents;
    const request = requestOf({ ...read, agents }, id, readFileSync(wrkPackagePath), Number(slots) || undefined);
    return `submission ${await post(read, request)}: ${agents} agents on Mesos by ${read.rest}`;
}

/**
 * @param args `--session ID --id ID --path DIR`, as a commander calls it
 * @returns its exit status
 */
export async function runPlugIn(args: readonly string[], home: string): Promise<number> {
    const option = (name: string): string => args[args.indexOf(name) + 1] ?? "";
    const [session, id] = [option("--session"), option("--id")];
    const info = iniOf(readFileSync(join(home, ".DDS", "sessions", session, "server_info.cfg"), "utf8"));
    const port = Number(info.get("ui.port"));
    const connection = await Connection.open(info.get("ui.host") ?? "", port, session, TIMEOUT_MS);
    const say = (what: object): void =>
        connection.send(COMMAND.custom, customBody(JSON.stringify({ dds: { "plug-in": { id, ...what } } }), CONDITION));
    const message = (msg: string, msgSeverity: "info" | "error"): void => say({ message: { msg, msgSeverity } });
    say({ init: "" });
    let submit: PlugIn["submit"];
    while (submit === undefined) {
        const { command, body } = await connection.next();
        const asked = command === COMMAND.custom ? plugInOf(customText(body)) : undefined;
        submit = asked?.id === id ? asked.submit : undefined;
    }
    const failed = await work(submit, id).then(
        (text) => message(text, "info"),
        (error: unknown) => {
            message((error as Error).message, "error");
            return true;
        },
    );
    await connection.close();
    return failed === true ? 1 : 0;
}
