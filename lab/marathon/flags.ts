/** Flags by the names of the real daemon: `--name value`, or MARATHON_NAME in the environment; a boolean is set by "". */

export type Flags = ReadonlyMap<string, string>;

/** @throws {Error} when a flag has no value, or comes both ways */
export function readFlags(prefix: string, argv: readonly string[], env: NodeJS.ProcessEnv): Flags {
    const flags = new Map<string, string>();
    for (const [name, value] of Object.entries(env)) {
        if (name.startsWith(prefix)) {
            flags.set(name.slice(prefix.length).toLowerCase(), value ?? "");
        }
    }
    for (let at = 0; at < argv.length; at++) {
        const [word = "", inline] = (argv[at] ?? "").split(/=(.*)/s);
        if (!word.startsWith("--")) {
            throw new Error(`"${word}" is no flag: --name value is wanted`);
        }
        const name = word.slice(2).replace(/^disable_/, "");
        if (flags.has(name)) {
            throw new Error(`--${name} is given twice, as a flag and as ${prefix}${name.toUpperCase()}: once is wanted`);
        }
        const next = argv[at + 1];
        const takes = inline === undefined && next !== undefined && !next.startsWith("--");
        flags.set(name, inline ?? (takes ? next : ""));
        at += takes ? 1 : 0;
    }
    return flags;
}

export const numberFlag = (flags: Flags, name: string, otherwise: number): number => {
    const text = flags.get(name);
    const value = Number(text ?? otherwise);
    if (text === "" || Number.isNaN(value)) {
        throw new Error(`--${name} is "${text ?? ""}": a number is wanted`);
    }
    return value;
};
