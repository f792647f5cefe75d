/** Git repositories that are kept fresh: on the store for all builders, and on each builder for its builds. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command, type Ended } from "../shared/command";

const environment: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    // Nobody is there to be asked.
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C.UTF-8",
};

/** Two may have waited for the lock: the second finds what the first has made. */
const FIRST =
    'to=$1 url=$2; shift 2; test -e "$to" || { rm -rf "$to.new"; git "$@" clone -q --mirror "$url" "$to.new" && mv "$to.new" "$to"; }';

export interface CopyOptions {
    /** Git's own file of logins (`git help credential-store`). @default - none is needed */
    readonly credentialFile?: string;
    readonly signal?: AbortSignal;
}

/**
 * Makes or refreshes a bare copy with every branch and tag. Only one at a time does so, whoever it is; readers are not in its way.
 * A first copy is there whole or not at all.
 */
export async function refresh(url: string, dir: string, name: string, options: CopyOptions = {}): Promise<Ended> {
    const { credentialFile, signal } = options;
    mkdirSync(dir, { recursive: true });
    const to = join(dir, name);
    const login = credentialFile === undefined ? [] : ["-c", `credential.helper=store --file=${credentialFile}`];
    const locked = (...args: string[]): Promise<Ended> =>
        command("flock", [`${to}.lock`, ...args], {
            env: { ...environment, HOME: dir },
            timeoutSec: 3600,
            ...(signal === undefined ? {} : { signal }),
        });
    if (!existsSync(to)) {
        return locked("sh", "-c", FIRST, "sh", to, url, ...login);
    }
    // A source may have moved; what is not wanted any more is kept for builds that use it now.
    return locked("git", "-C", to, ...login, "-c", "gc.auto=0", "fetch", "-q", "--prune", url, "+refs/*:refs/*");
}

/**
 * What makes every git program read the copies instead of where they come from.
 * @param copies where a copy is, by where it comes from
 */
export function insteadOf(copies: Readonly<Record<string, string>>): Record<string, string> {
    const entries = Object.entries(copies);
    return Object.fromEntries([
        ["GIT_CONFIG_COUNT", String(entries.length)],
        ...entries.flatMap(([from, to], index) => [
            [`GIT_CONFIG_KEY_${index}`, `url.${to}.insteadOf`],
            [`GIT_CONFIG_VALUE_${index}`, from],
        ]),
    ]) as Record<string, string>;
}
