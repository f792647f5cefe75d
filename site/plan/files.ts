/** Building blocks of a {@link HostSpec}: files, flags, units. */
import { render } from "../render/templates";
import { secretsIn, valuesIn } from "./secrets";
import type { ManagedDirectory, ManagedFile, ManagedUnit } from "./types";

/** Flags by Mesos' name, without dashes. */
export type Flags = Readonly<Record<string, string | number | boolean>>;

/** A file of root's, readable by all unless it has secrets: then by its owner alone. */
export function file(content: string, mode = "0644", owner = "root"): ManagedFile {
    const [secrets, values] = [secretsIn(content), valuesIn(content)];
    return {
        content,
        mode: secrets.length === 0 ? mode : "0600",
        owner,
        group: owner,
        secrets,
        ...(values.length === 0 ? {} : { values }),
    };
}

export function directory(owner = "root", mode = "0755"): ManagedDirectory {
    return { mode, owner, group: owner };
}

/** Where the text of a program belongs: it is put there when the resource is made, so that a plan stays readable. */
export const programMark = (name: string): string => `@@program:${name}@@\n`;

/** A unit that runs and is started at boot. */
export function unit(restartOn: readonly string[]): ManagedUnit {
    return { enabled: true, active: true, restartOn: [...restartOn].sort() };
}

/** One line of a systemd EnvironmentFile. Single quotes keep everything between them as it is. */
function environmentLine(name: string, value: string): string {
    return /^[\w.,:;/@%+=*()[\]{}-]*$/.test(value) ? `${name}=${value}` : `${name}='${value}'`;
}

/** The environment file of a Mesos program: one `MESOS_*` a line, sorted, so that a diff shows what changed. */
export function flagsFile(program: string, flags: Flags): ManagedFile {
    return environmentFile(program, "mesos", flags);
}

/**
 * The same for another program: `PREFIX_NAME` a line.
 * @param plain further lines, without the prefix
 */
export function environmentFile(program: string, prefix: string, flags: Flags, plain: Flags = {}): ManagedFile {
    const prefixed = Object.entries(flags).map(([name, value]) => [`${prefix}_${name}`.toUpperCase(), value] as const);
    const lines = [...prefixed, ...Object.entries(plain)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => environmentLine(name, String(value)));
    return file(render("flags.env", { program, lines }));
}

/** A duration as Mesos writes it. */
export function duration(sec: number): string {
    if (sec !== 0 && sec % 3600 === 0) return `${sec / 3600}hrs`;
    return sec !== 0 && sec % 60 === 0 ? `${sec / 60}mins` : `${sec}secs`;
}

/** JSON for a file on a host: indented, with a newline at the end. */
export function jsonFile(value: unknown): ManagedFile {
    return file(`${JSON.stringify(value, undefined, 2)}\n`);
}
