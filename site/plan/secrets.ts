/** Secrets in file texts: a mark stands where the value belongs, until a file is written to its host. */

const pattern = /@@secret:([a-z0-9][a-z0-9-]*)@@/g;

/** The mark of a secret in a text. */
export function secretMark(name: string): string {
    return `@@secret:${name}@@`;
}

/** Names of the secrets that a text holds marks of, each once, sorted. */
export function secretsIn(text: string): string[] {
    return [...new Set(Array.from(text.matchAll(pattern), (match) => match[1] ?? ""))].sort();
}

/**
 * Puts the secrets' values where their marks are.
 * @throws {Error} when a value is missing: a mark must never reach a host
 */
export function fillSecrets(text: string, values: Readonly<Record<string, string>>): string {
    return text.replace(pattern, (_mark, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`the secret "${name}" has no value`);
        return value;
    });
}
