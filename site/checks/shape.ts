/** Faults of the file's shape: what zod finds, in users' words. */
import * as z from "zod";
import { formatPath, issue, type IssueDetails } from "../issue";
import { nearest } from "../nearest";
import type { Issue } from "../plan/types";
import { siteSchema } from "../schema";

type JsonSchema = z.core.JSONSchema.JSONSchema;
type Path = readonly PropertyKey[];

let whole: JsonSchema | undefined;

/** Every schema that may stand at a path: more than one below a union. */
function schemasAt(path: Path): JsonSchema[] {
    whole ??= z.toJSONSchema(siteSchema, { io: "input" });
    const branches = (schema: JsonSchema): JsonSchema[] => {
        const options = schema.anyOf ?? schema.oneOf;
        return options ? options.flatMap(branches) : [schema];
    };
    let found = branches(whole);
    for (const key of path)
        found = found.flatMap((schema) => {
            const inner = schema.properties?.[String(key)] ?? (typeof key === "number" ? schema.items : undefined);
            const next = inner ?? schema.additionalProperties;
            return typeof next === "object" ? branches(next as JsonSchema) : [];
        });
    return found;
}

function knownKeys(path: Path): string[] {
    return [...new Set(schemasAt(path).flatMap((schema) => Object.keys(schema.properties ?? {})))];
}

function valueAt(config: unknown, path: Path): unknown {
    return path.reduce<unknown>(
        (value, key) =>
            typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
        config,
    );
}

/** A value for a message: never one that could be a secret, never a page of text. */
function shown(value: unknown, path: Path): unknown {
    const secret = path.some((key) => /secret|password|token|credential/i.test(String(key)));
    if (secret || (typeof value === "object" && value !== null && "secure" in value)) return undefined;
    const text = JSON.stringify(value) as string | undefined;
    return text !== undefined && text.length > 120 ? `${text.slice(0, 117)}...` : value;
}

const articles: Readonly<Record<string, string>> = {
    array: "a list",
    boolean: "true or false",
    int: "a whole number",
    number: "a number",
    object: "a map",
    record: "a map",
    string: "text",
    map: "a map",
};

function typeNames(path: Path): string {
    const types = schemasAt(path).flatMap(({ type }) => [type ?? []].flat());
    return [...new Set(types.map((type) => articles[type === "integer" ? "int" : type] ?? type))].join(" or ");
}

/** Translates one of zod's issues; an unknown key in each of several places becomes an issue each. */
export function shapeIssues(fault: z.core.$ZodIssue, config: unknown): Issue[] {
    const path = formatPath(fault.path) || "pulumi-mesos:site";
    const raw = valueAt(config, fault.path);
    const value = shown(raw, fault.path);
    const make = (code: string, message: string, details: IssueDetails = {}) => [
        issue(code, path, message, { ...(value === undefined ? {} : { value }), ...details }),
    ];
    if (fault.code === "unrecognized_keys") {
        const known = knownKeys(fault.path);
        return fault.keys.map((key) => {
            const near = nearest(key, known);
            return issue("KEY_UNKNOWN", formatPath([...fault.path, key]), `there is no such setting as "${key}"`, {
                ...(near === undefined ? { allowed: known.sort().join(", ") } : { fix: `did you mean "${near}"?` }),
            });
        });
    }
    if (raw === undefined || raw === null) {
        const key = String(fault.path.at(-1) ?? "pulumi-mesos:site");
        return make("MISSING", `"${key}" is missing`, { allowed: typeNames(fault.path) });
    }
    switch (fault.code) {
        case "invalid_type":
            return make("TYPE", `must be ${articles[fault.expected] ?? fault.expected}`);
        case "invalid_value":
            return oneOf(make, fault.values.map(String), raw);
        case "invalid_union": {
            if (fault.discriminator === undefined)
                return make("TYPE", "has the wrong type", { allowed: typeNames(fault.path) });
            const kinds = schemasAt(fault.path.slice(0, -1)).flatMap(
                (schema) => (schema.properties?.[String(fault.discriminator)] as JsonSchema | undefined)?.const ?? [],
            );
            return oneOf(make, kinds.map(String), raw);
        }
        case "too_small":
        case "too_big": {
            const [schema] = schemasAt(fault.path);
            const { minimum, maximum, exclusiveMinimum } = schema ?? {};
            const bounded = typeof raw === "number";
            const top = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? "" : String(maximum);
            const low = exclusiveMinimum === undefined ? `${minimum ?? ""}` : `more than ${exclusiveMinimum}`;
            return make(bounded ? "OUT_OF_RANGE" : "EMPTY", bounded ? "is out of range" : "must not be empty", {
                ...(bounded
                    ? { allowed: top === "" ? (minimum === undefined ? low : `${low} or more`) : `${low}..${top}` }
                    : {}),
            });
        }
        default:
            return make("FORMAT", fault.message);
    }
}

function oneOf(
    make: (code: string, message: string, details?: IssueDetails) => Issue[],
    allowed: readonly string[],
    value: unknown,
): Issue[] {
    const near = typeof value === "string" ? nearest(value, allowed) : undefined;
    return make("NOT_ALLOWED", "is not one of the allowed values", {
        allowed: allowed.join(", "),
        ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
    });
}

/** Texts of which one fits each pattern of the schema. */
const samples = ["x", "/x", "1-2", "x:1", "0".repeat(64)];

/** Something of the right type, to stand for what is missing; undefined where nothing is known. */
function placeholder(path: Path): unknown {
    const [schema] = schemasAt(path);
    if (schema?.const !== undefined) return schema.const;
    if (schema?.enum) return schema.enum[0];
    switch (schema?.type) {
        case "string":
            return samples.find((sample) => new RegExp(schema.pattern ?? "").test(sample));
        case "integer":
        case "number":
            return Math.max(schema.minimum ?? 1, 1);
        case "array":
            return [];
        case "object":
            return {};
        default:
            return undefined;
    }
}

function put(tree: unknown, path: Path, value: unknown): void {
    const parent = valueAt(tree, path.slice(0, -1));
    const key = path.at(-1);
    if (typeof parent !== "object" || parent === null || key === undefined) return;
    if (value === undefined) Reflect.deleteProperty(parent, key);
    else Reflect.set(parent, key, value);
}

/**
 * Mends a copy of the configuration just so far that the rest of it can be checked in the same pass: what is wrong goes, what
 * is missing gets a placeholder, and an entry that cannot be mended so goes as a whole.
 */
export function mended(config: unknown, faults: readonly z.core.$ZodIssue[]): unknown {
    const copy: unknown = structuredClone(config);
    for (const fault of faults) {
        if (fault.code === "unrecognized_keys") {
            for (const key of fault.keys) put(copy, [...fault.path, key], undefined);
            continue;
        }
        const missing = valueAt(copy, fault.path) === undefined;
        const value = missing ? placeholder(fault.path) : undefined;
        put(copy, missing && value === undefined ? fault.path.slice(0, -1) : fault.path, value);
    }
    return copy;
}
