/** Reading a stack file from disk. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { parse } from "yaml";

/** Replaces a leading `~/` in ssh's paths by the home directory. */
export function expandHome(config: unknown, home = homedir()): unknown {
    if (Array.isArray(config)) return config.map((item) => expandHome(item, home));
    if (typeof config !== "object" || config === null) return config;
    return Object.fromEntries(
        Object.entries(config).map(([key, value]) => [
            key,
            (key === "privateKeyFile" || key === "knownHostsFile") && typeof value === "string"
                ? value.replace(/^~(?=\/)/, home)
                : expandHome(value, home),
        ]),
    );
}

/** The value of `pulumi-mesos:site` in a stack file. */
export function loadStackFile(path: string): unknown {
    const stack = parse(readFileSync(path, "utf8")) as { config?: Record<string, unknown> } | null;
    return expandHome(stack?.config?.["pulumi-mesos:site"]);
}
