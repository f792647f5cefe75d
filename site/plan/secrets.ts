/** What is not known before the engine runs, in file texts: a mark stands where the value belongs, until a file is written to its host. */

const name = "[A-Za-z0-9][A-Za-z0-9._-]*";
const secretPattern = new RegExp(`@@secret:(${name})@@`, "g");
const valuePattern = new RegExp(`@@value:(${name})@@`, "g");
const pattern = new RegExp(`@@(?:secret|value):(${name})@@`, "g");

const namesIn = (text: string, marks: RegExp): string[] =>
    [...new Set(Array.from(text.matchAll(marks), (match) => match[1] ?? ""))].sort();

/** The mark of a secret in a text. */
export function secretMark(name: string): string {
    return `@@secret:${name}@@`;
}

/** Names of the secrets that a text holds marks of, each once, sorted. */
export function secretsIn(text: string): string[] {
    return namesIn(text, secretPattern);
}

/** The mark of what a resource of the stack makes and anybody may read, e.g. a certificate. */
export function valueMark(name: string): string {
    return `@@value:${name}@@`;
}

/** The same of such values. */
export function valuesIn(text: string): string[] {
    return namesIn(text, valuePattern);
}

/**
 * Puts values where their marks are.
 * @throws {Error} when a value is missing: a mark must never reach a host
 */
export function fillSecrets(text: string, values: Readonly<Record<string, string>>): string {
    return text.replace(pattern, (_mark, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`"${name}" has no value`);
        return value;
    });
}
