/**
 * A worker package, `DDSWorker.sh`: a bash script, the line `PAYLOAD:`, and a compressed archive. The archive says which session it is
 * for and where its commander is. Its text is a secret: who has the session's id may run tasks there.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";

const MARK = Buffer.from("\nPAYLOAD:\n");
const BLOCK = 512;
const ENVIRONMENT = "user_worker_env.sh";

/** What a package tells. */
export interface Session {
    /** UUID, a secret. */
    readonly id: string;
    /** The commander, by its own name. */
    readonly host: string;
    /** For agents. */
    readonly agentPort: number;
    /** For tools and plug-ins. */
    readonly uiPort: number;
}

export class BadPackage extends Error {
    public override readonly name = "BadPackage";
}

/** The files of a tar archive; the last one of a name counts. */
export function filesOf(tar: Buffer): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0;) {
        const field = (from: number, length: number): string =>
            tar
                .toString("latin1", at + from, at + from + length)
                .split("\0", 1)[0]
                ?.trim() ?? "";
        const size = Number.parseInt(field(124, 12) || "0", 8);
        if (Number.isNaN(size)) {
            throw new BadPackage("its archive cannot be read");
        }
        const type = field(156, 1);
        if (type === "" || type === "0") {
            files.set(field(0, 100).replace(/^\.\//, ""), tar.subarray(at + BLOCK, at + BLOCK + size));
        }
        at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
    return files;
}

/** Where the archive's files end. */
function endOf(tar: Buffer): number {
    let at = 0;
    while (at + BLOCK <= tar.length && tar[at] !== 0) {
        const size = Number.parseInt(tar.toString("latin1", at + 124, at + 136).replace(/[\0 ]+$/, "") || "0", 8);
        at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    }
    return at;
}

/** One entry (ustar), readable by its owner alone. */
export function tarEntry(name: string, content: Buffer): Buffer {
    const header = Buffer.alloc(BLOCK);
    header.write(name, 0);
    header.write("0000700\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        0", 148);
    header.write("ustar\0" + "00", 257);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return Buffer.concat([header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
}

function split(data: Buffer): { script: Buffer; tar: Buffer } {
    const at = data.indexOf(MARK);
    if (at < 0 || !data.subarray(0, 2).equals(Buffer.from("#!"))) {
        throw new BadPackage(
            "no worker package: a script with the line PAYLOAD: is wanted, as dds-prep-worker makes it",
        );
    }
    try {
        return {
            script: data.subarray(0, at + MARK.length),
            tar: gunzipSync(data.subarray(at + MARK.length)),
        };
    } catch (error) {
        throw new BadPackage(`its archive cannot be read: ${(error as Error).message}`);
    }
}

/** `[section]`, `name=value`. */
export function iniOf(content: string): Map<string, string> {
    const values = new Map<string, string>();
    let section = "";
    for (const line of content.split(/\r?\n/)) {
        section = /^\s*\[([^\]]+)\]/.exec(line)?.[1] ?? section;
        const [, key, value] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
        if (key !== undefined && value !== undefined) {
            values.set(`${section}.${key}`, value);
        }
    }
    return values;
}

/** @throws {BadPackage} whose message names no secret */
export function sessionOf(data: Buffer): Session {
    const files = filesOf(split(data).tar);
    const id = files.get("dds.sid")?.toString().trim() ?? "";
    const info = iniOf(files.get("server_info.cfg")?.toString() ?? "");
    const port = (section: string): number => Number(info.get(`${section}.port`));
    const session = {
        id,
        host: info.get("server.host") ?? "",
        agentPort: port("server"),
        uiPort: port("ui"),
    };
    if (!/^[0-9a-f-]{36}$/i.test(id)) {
        throw new BadPackage("it names no session (dds.sid)");
    }
    if (session.host === "" || !(session.agentPort > 0) || !(session.uiPort > 0)) {
        throw new BadPackage("it does not say where its commander is (server_info.cfg)");
    }
    return session;
}

/** What is run before an agent starts, beside what the package has for that already. */
export interface Setting {
    /** Address of the commander as agents reach it. @default as the package has it */
    readonly commander?: string | undefined;
    readonly environment: Readonly<Record<string, string>>;
}

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

/** The package with what agents need at this site. */
export function withSetting(data: Buffer, { commander, environment }: Setting): Buffer {
    const variables = Object.entries(environment);
    if (commander === undefined && variables.length === 0) {
        return data;
    }
    const { script, tar } = split(data);
    const before = filesOf(tar).get(ENVIRONMENT)?.toString() ?? "";
    const lines = [
        before,
        ...variables.map(([name, value]) => `export ${name}=${quoted(value)}`),
        // A commander gives its own host's name, whatever others can make of it.
        ...(commander === undefined
            ? []
            : [`sed -i -e ${quoted(`s|^\\(host *= *\\).*|\\1${commander}|`)} "$DDS_LOCATION/server_info.cfg"`]),
    ];
    const entry = tarEntry(ENVIRONMENT, Buffer.from(`${lines.filter((line) => line !== "").join("\n")}\n`));
    const whole = Buffer.concat([tar.subarray(0, endOf(tar)), entry, Buffer.alloc(2 * BLOCK)]);
    return Buffer.concat([script, gzipSync(whole)]);
}

export const digestOf = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
