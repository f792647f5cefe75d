/**
 * Definitions as sites keep them: plain Marathon and Metronome JSON or YAML in folders. Each document says by its keys what it is;
 * the wrappings that tools put around definitions are taken off.
 */
import { parseAllDocuments } from "yaml";
import { type FlatGroup, flattenGroup, type GroupSettings } from "../marathon/group";
import type { MarathonFacts } from "../marathon/server";
import { type Finding, Findings } from "./finding";
import { isObject, type Json, type JsonObject } from "./fields";

export interface SourceFile {
    /** As messages name it, e.g. "apps/shop/web.json". */
    readonly path: string;
    readonly text: string;
}

export type Kind = "app" | "pod" | "group" | "job";

/** One definition and where it stands. */
export interface Definition {
    readonly kind: "app" | "pod" | "job";
    readonly definition: JsonObject;
    readonly source: string;
}

export interface ReadFiles {
    readonly definitions: readonly Definition[];
    /** Settings of groups that were given in trees. */
    readonly groups: readonly GroupSettings[];
    /** `path` begins with the file's name. */
    readonly findings: readonly Finding[];
}

/** Values of the stack for `${config:NAME}`, and how `${secret:NAME}` is kept until the secret is filled in. */
export interface Values {
    config(name: string): string | undefined;
    hasSecret(name: string): boolean;
    secretMark(name: string): string;
}

const appKeys = [
    "cmd",
    "args",
    "container",
    "instances",
    "cpus",
    "mem",
    "env",
    "uris",
    "fetch",
    "healthChecks",
    "ports",
    "portDefinitions",
    "constraints",
    "networks",
    "labels",
];

/** What a document is, by its keys; undefined when they do not say. */
export function kindOf(document: JsonObject): Kind | "mixed" | undefined {
    const has = (key: string): boolean => document[key] !== undefined && document[key] !== null;
    if (has("containers")) return "pod";
    if (has("run")) return "job";
    const members = ["apps", "groups", "pods"].filter((key) => Array.isArray(document[key]));
    const own = appKeys.filter((key) => has(key) && !["labels"].includes(key));
    if (members.length > 0) return own.length > 0 ? "mixed" : "group";
    if (own.length > 0) return "app";
    if (has("enforceRole") || has("dependencies")) return "group";
    return undefined;
}

/** Takes off what the API and tools put around definitions. */
function unwrapped(document: Json): Json[] {
    if (Array.isArray(document)) return document.flatMap(unwrapped);
    if (!isObject(document)) return [document];
    const keys = Object.keys(document);
    for (const key of ["app", "pod", "job"]) if (keys.length === 1 && isObject(document[key])) return [document[key]];
    for (const key of ["apps", "pods", "jobs"])
        if (document["id"] === undefined && keys.length === 1 && Array.isArray(document[key]))
            return document[key].flatMap(unwrapped);
    // A pod's status, as the API shows it, holds the pod.
    if (
        isObject(document["spec"]) &&
        document["containers"] === undefined &&
        document["spec"]["containers"] !== undefined
    )
        return [document["spec"]];
    return [document];
}

class Reader {
    public readonly definitions: Definition[] = [];
    public readonly groups: GroupSettings[] = [];
    public readonly findings = new Findings();

    public constructor(
        private readonly values: Values,
        private readonly server: MarathonFacts,
    ) {}

    public read({ path, text }: SourceFile): void {
        const documents = this.parse(path, text.replace(/^\uFEFF/, ""));
        documents.flatMap(unwrapped).forEach((document, index, all) => {
            const source = all.length > 1 ? `${path}#${index + 1}` : path;
            if (!isObject(document)) {
                this.findings.refuse("FILE_NOT_A_MAP", source, "holds no definition: a definition is a map", {
                    value: document,
                });
                return;
            }
            this.take(this.filled(document, source) as JsonObject, source);
        });
    }

    private parse(path: string, text: string): Json[] {
        const isJson = path.endsWith(".json");
        if (isJson) {
            try {
                JSON.parse(text);
            } catch (error) {
                this.findings.refuse("FILE_JSON", path, `is no JSON: ${(error as Error).message}`, {
                    fix: "JSON has no comments, no comma before a closing bracket, and every name in quotation marks",
                });
                return [];
            }
        }
        const documents = parseAllDocuments(text, {
            uniqueKeys: true,
            version: "1.2",
            // Definitions that differ by little name each other by `<<: *name`.
            ...(isJson ? { schema: "json" } : { merge: true }),
        });
        if (!Array.isArray(documents)) return [];
        const errors = documents.flatMap(({ errors: all }) => all);
        for (const { code, message } of errors)
            this.findings.refuse(
                code === "DUPLICATE_KEY" ? "FILE_KEY_TWICE" : "FILE_YAML",
                path,
                (message.split("\n")[0] ?? message).replace(/:$/, ""),
                {
                    ...(code === "DUPLICATE_KEY"
                        ? { fix: "the server would keep the last one: take the others out" }
                        : {}),
                },
            );
        return errors.length > 0
            ? []
            : documents.map((document) => document.toJS() as Json).filter((value) => value !== null);
    }

    /** Fills in the stack's values. */
    private filled(value: Json, source: string): Json {
        if (Array.isArray(value)) return value.map((item) => this.filled(item, source));
        if (isObject(value))
            return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.filled(item, source)]));
        if (typeof value !== "string") return value;
        const number = /^\$\{number:([\w.-]+)\}$/.exec(value)?.[1];
        if (number !== undefined) return this.numberOf(number, source);
        return value.replace(/\$\{(config|secret|number):([\w.-]+)\}/g, (whole, kind: string, name: string) => {
            if (kind === "number") {
                this.findings.refuse(
                    "FILE_NUMBER_IN_TEXT",
                    source,
                    `${whole} must stand alone: it is a number, not text`,
                );
                return whole;
            }
            if (kind === "secret") {
                if (this.values.hasSecret(name)) return this.values.secretMark(name);
                return this.absent(kind, name, source, `pulumi config set --secret ${name}`);
            }
            return this.values.config(name) ?? this.absent(kind, name, source, `pulumi config set ${name} …`);
        });
    }

    private absent(kind: string, name: string, source: string, fix: string): string {
        this.findings.refuse(
            "FILE_VALUE_MISSING",
            source,
            `the stack has no ${kind === "secret" ? "secret" : "value"} "${name}"`,
            { fix },
        );
        return "";
    }

    private numberOf(name: string, source: string): number {
        const text = this.values.config(name);
        if (text === undefined) this.absent("number", name, source, `pulumi config set ${name} …`);
        else if (text.trim() === "" || !Number.isFinite(Number(text)))
            this.findings.refuse("FILE_NOT_A_NUMBER", source, `the stack's value "${name}" is no number`, {
                value: text,
            });
        return Number(text ?? 0);
    }

    private take(document: JsonObject, source: string): void {
        const kind = kindOf(document);
        switch (kind) {
            case "app":
            case "pod":
            case "job":
                this.definitions.push({ kind, definition: document, source });
                return;
            case "group":
                this.takeGroup(document, source);
                return;
            case "mixed":
                this.findings.refuse(
                    "FILE_MIXED",
                    source,
                    "is an app and a group at the same time: the server would drop the app's part",
                    {
                        fix: "move the app into a file of its own",
                    },
                );
                return;
            default:
                this.findings.refuse(
                    document["cron"] === undefined ? "FILE_KIND" : "FILE_SCHEDULE",
                    source,
                    document["cron"] === undefined
                        ? "is neither an app, nor a pod, a group or a job"
                        : "is a schedule without its job",
                    {
                        value: Object.keys(document),
                        fix:
                            document["cron"] === undefined
                                ? "an app has cmd or container, a pod has containers, a group has apps, a job has run"
                                : "put it into the job's schedules",
                    },
                );
        }
    }

    private takeGroup(document: JsonObject, source: string): void {
        const flat: FlatGroup = flattenGroup(document, this.server);
        // The members' own faults are found again when they are judged one by one, with better paths.
        for (const finding of flat.findings)
            if (finding.code.startsWith("GROUP_"))
                this.findings.all.push({ ...finding, path: `${source}${finding.path}` });
        this.groups.push(
            ...flat.groups.filter(
                ({ dependencies, enforceRole }) => dependencies !== undefined || enforceRole !== undefined,
            ),
        );
        for (const kind of ["app", "pod"] as const)
            for (const { id, definition, at } of flat[`${kind}s`])
                this.definitions.push({
                    kind,
                    definition: { ...definition, ...absolute(definition, id) },
                    source: `${source}${at}`,
                });
    }
}

function absolute(definition: JsonObject, id: string): JsonObject {
    return { ...definition, id };
}

/** Reads definitions; the faults of each definition itself are for the checks of its kind. */
export function readDefinitions(files: readonly SourceFile[], values: Values, server: MarathonFacts): ReadFiles {
    const reader = new Reader(values, server);
    for (const file of files) reader.read(file);
    return { definitions: reader.definitions, groups: reader.groups, findings: reader.findings.all };
}
