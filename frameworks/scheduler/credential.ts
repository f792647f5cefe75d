/** A framework's principal and secret. The secret comes from a file or the environment, never from a command line. */
import { readFileSync, statSync } from "node:fs";

export interface Credential {
    readonly principal: string;
    readonly secret: string;
}

export type CredentialSource =
    | { readonly principal: string; readonly secretFile: string }
    /** The name of an environment variable. */
    | { readonly principal: string; readonly secretEnv: string };

/**
 * @throws {Error} when the secret is missing or empty, or lies in a file that others may read; no message shows it
 */
export function readCredential(source: CredentialSource, env: NodeJS.ProcessEnv = process.env): Credential {
    const { principal } = source;
    if (principal === "" || principal.includes(":")) {
        throw new Error(`principal "${principal}": a name without ":" is wanted, for HTTP sends principal:secret`);
    }
    if ("secretEnv" in source) {
        const secret = env[source.secretEnv] ?? "";
        if (secret === "") {
            throw new Error(`the environment variable ${source.secretEnv} with the secret of ${principal} is not set`);
        }
        return { principal, secret };
    }
    const secret = readSecretFile(source.secretFile, `the secret of ${principal}`).replace(/\r?\n$/, "");
    return { principal, secret };
}

/**
 * @param what for messages: "the secret of web"
 * @returns the text as it is, the last newline included
 * @throws {Error} when others may read the file, or it is empty; no message shows what is in it
 */
export function readSecretFile(file: string, what: string): string {
    const mode = statSync(file).mode & 0o777;
    if ((mode & 0o077) !== 0) {
        throw new Error(`${file} has mode 0${mode.toString(8)}, so others may read ${what}: chmod 600 ${file}`);
    }
    const text = readFileSync(file, "utf8");
    if (text.trim() === "") {
        throw new Error(`${file} is empty: ${what} is wanted in it`);
    }
    return text;
}

/** The value of an Authorization header. */
export const basicAuth = ({ principal, secret }: Credential): string =>
    `Basic ${Buffer.from(`${principal}:${secret}`).toString("base64")}`;
