/** Reading a stack file from disk. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { SourceFile } from "./definitions/files";
import { issue } from "./issue";
import type { Issue } from "./plan/types";

/** Key of the site in a stack file's `config`. */
export const siteKey = "pulumi-mesos:site";

const paths: ReadonlySet<string> = new Set(["privateKeyFile", "knownHostsFile", "publicKeyFile"]);

/** Replaces the `~` at the beginning of ssh's paths by the home directory; everything else stays as it is. */
export function expandHome(config: unknown, home = homedir()): unknown {
    if (Array.isArray(config)) return config.map((item) => expandHome(item, home));
    if (typeof config !== "object" || config === null) return config;
    return Object.fromEntries(
        Object.entries(config).map(([key, value]) => [
            key,
            paths.has(key) && typeof value === "string" ? value.replace(/^~(?=\/)/, home) : expandHome(value, home),
        ]),
    );
}

/** A stack file's site, or why there is none. */
export interface LoadedStack {
    readonly config: unknown;
    /** What makes the file unreadable; empty when `config` is there. */
    readonly issues: readonly Issue[];
    /** The stack's other values, by their names without `pulumi-mesos:`. */
    readonly values: StackValues;
    /** Line of a path of an issue, counted from 1: of its nearest part that is in the file. */
    lineOf(path: string): number | undefined;
}

/** What definitions may refer to. */
export interface StackValues {
    config(name: string): string | undefined;
    hasSecret(name: string): boolean;
}

function valuesOf(config: Readonly<Record<string, unknown>> = {}): StackValues {
    const valueOf = (name: string): unknown => config[`${siteKey.replace(/site$/, "")}${name}`];
    return {
        config(name) {
            const value = valueOf(name);
            return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
        },
        hasSecret: (name) => valueOf(name) !== undefined,
    };
}

/** `hosts["bm[1-3]"].zone[0]` → its parts. */
function parsePath(path: string): (string | number)[] {
    return Array.from(path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g), ([, quoted, index, plain]) =>
        quoted !== undefined
            ? (JSON.parse(`"${quoted}"`) as string)
            : index !== undefined
              ? Number(index)
              : (plain ?? ""),
    );
}

/** Reads the text of a stack file; `home` stands for `~`. */
export function parseStack(text: string, home = homedir()): LoadedStack {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines });
    const lineOf = (path: string): number | undefined => {
        const parts = ["config", siteKey, ...parsePath(path)];
        for (let length = parts.length; length > 0; length--) {
            const node = document.getIn(parts.slice(0, length), true);
            if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
        }
        return undefined;
    };
    if (document.errors.length > 0)
        return {
            config: undefined,
            values: valuesOf(),
            lineOf,
            issues: document.errors.map(({ message, linePos }) =>
                issue(
                    "YAML",
                    `line ${linePos?.[0].line ?? "?"}`,
                    (message.split("\n")[0] ?? "").replace(/ at line.*$/, ""),
                ),
            ),
        };
    const stack = document.toJS() as { config?: Record<string, unknown> } | null;
    const config = stack?.config?.[siteKey];
    const issues =
        config === undefined
            ? [
                  issue("SITE_MISSING", `config["${siteKey}"]`, "the stack file declares no site", {
                      fix: "see README.md for the shortest one",
                  }),
              ]
            : [];
    return { config: expandHome(config, home), values: valuesOf(stack?.config), issues, lineOf };
}

/** Reads a stack file. */
export function loadStack(path: string): LoadedStack {
    return parseStack(readFileSync(path, "utf8"));
}

/** The definitions in folders, or why they cannot be read. */
export interface FolderFiles {
    readonly files: readonly SourceFile[];
    readonly issues: readonly Issue[];
}

/**
 * Reads every `.json`, `.yaml` and `.yml` file below folders, in the order of their names. Names that begin with a dot are passed
 * over.
 * @param root the folder that relative names are from
 * @param folders as the stack file names them
 * @param path where the stack file names them, for messages
 */
export function readFolders(root: string, folders: readonly string[], path: string): FolderFiles {
    const files: SourceFile[] = [];
    const issues: Issue[] = [];
    folders.forEach((folder, index) => {
        if (statSync(resolve(root, folder), { throwIfNoEntry: false })?.isDirectory() !== true) {
            issues.push(issue("FOLDER_MISSING", `${path}[${index}]`, "there is no such folder", { value: folder }));
            return;
        }
        const names = readdirSync(resolve(root, folder), { recursive: true, encoding: "utf8" });
        for (const name of names.sort())
            if (/\.(json|ya?ml)$/.test(name) && !/(^|\/)\./.test(name))
                files.push({ path: join(folder, name), text: readFileSync(resolve(root, folder, name), "utf8") });
    });
    return { files, issues };
}
