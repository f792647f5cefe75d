/**
 * Property values as the engine sends them, made into plain values and back.
 *
 * On the wire a secret is an object with a signature, and a value that a preview cannot know yet is a fixed string. The
 * resources work on plain values; {@link Wire} remembers which paths were secret, so that whatever goes back to the engine is
 * secret again (what is returned in plain is written to the state in plain).
 */

/** The string that stands for "not known before `up`". */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };
export type Properties = Record<string, Plain>;
export type Path = readonly (string | number)[];

/** A decoded property bag and the paths of the secrets in it. */
export interface Wire {
    readonly value: Properties;
    readonly secrets: readonly Path[];
}

function isObject(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strip(value: unknown, at: Path, secrets: Path[]): Plain {
    if (Array.isArray(value)) {
        return value.map((item, index) => strip(item, [...at, index], secrets));
    }
    if (!isObject(value)) {
        return value as Plain;
    }
    if (value[SIGNATURE] === SECRET) {
        secrets.push(at);
        return strip(value["value"], at, secrets);
    }
    const out: Record<string, Plain> = {};
    for (const [key, item] of Object.entries(value)) {
        // google-protobuf turns an unset field into undefined or null: both mean "not given".
        if (item !== undefined && item !== null) {
            out[key] = strip(item, [...at, key], secrets);
        }
    }
    return out;
}

export function decode(raw: object | undefined): Wire {
    const secrets: Path[] = [];
    return { value: strip(raw ?? {}, [], secrets) as Properties, secrets };
}

function wrapAt(value: Plain, path: Path): Plain {
    const [head, ...rest] = path;
    if (head === undefined) {
        return { [SIGNATURE]: SECRET, value };
    }
    if (Array.isArray(value) && typeof head === "number" && head in value) {
        return value.map((item, index) => (index === head ? wrapAt(item, rest) : item));
    }
    const item = isObject(value) && typeof head === "string" ? value[head] : undefined;
    return item === undefined ? value : { ...(value as Properties), [head]: wrapAt(item, rest) };
}

/** Longest paths first: a secret inside a secret is wrapped before its parent is. Paths that lead nowhere are passed over. */
export function encode(value: Properties, secrets: readonly Path[]): Properties {
    const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
    return longestFirst.reduce<Plain>((done, path) => wrapAt(done, path), value) as Properties;
}

function textsIn(value: Plain | undefined): string[] {
    if (typeof value === "string") return value === "" ? [] : [value];
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function at(value: Plain, path: Path): Plain | undefined {
    return path.reduce<Plain | undefined>(
        (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Properties)[key] : undefined),
        value,
    );
}

/**
 * Paths of the texts in `value` that hold one of the secrets of `given`: when inputs are brought into another form, a secret may
 * come to stand elsewhere, and must be a secret there too.
 */
export function whereSecretsAre(value: Plain, given: Wire, path: Path = []): Path[] {
    const texts = [...new Set(given.secrets.flatMap((secret) => textsIn(at(given.value, secret))))];
    return texts.length === 0 ? [] : holding(value, texts, path);
}

function holding(value: Plain, texts: readonly string[], path: Path): Path[] {
    if (typeof value === "string") return texts.some((text) => value.includes(text)) ? [path] : [];
    if (Array.isArray(value)) return value.flatMap((item, index) => holding(item, texts, [...path, index]));
    if (!isObject(value)) return [];
    return Object.entries(value).flatMap(([key, item]) => holding(item, texts, [...path, key]));
}

/** `files["/etc/x.cfg"].content`: the form in which the engine takes property paths. */
export function formatPath(path: Path): string {
    return path
        .map((part, index) => {
            if (typeof part === "number") {
                return `[${part}]`;
            }
            if (/^[A-Za-z_$][\w$]*$/.test(part)) {
                return index === 0 ? part : `.${part}`;
            }
            return `[${JSON.stringify(part)}]`;
        })
        .join("");
}

export interface Difference {
    readonly path: Path;
    readonly kind: "add" | "delete" | "update";
}

/** Leaf differences between two values. A value not known yet differs from everything but itself. */
export function differences(before: Plain | undefined, after: Plain | undefined, at: Path = []): Difference[] {
    if (before === after) {
        return [];
    }
    if (before === undefined || before === null) {
        return after === undefined || after === null ? [] : [{ path: at, kind: "add" }];
    }
    if (after === undefined || after === null) {
        return [{ path: at, kind: "delete" }];
    }
    if (Array.isArray(before) && Array.isArray(after)) {
        return Array.from({ length: Math.max(before.length, after.length) }).flatMap((_, index) =>
            differences(before[index], after[index], [...at, index]),
        );
    }
    if (isObject(before) && isObject(after)) {
        const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
        return keys.flatMap((key) => differences(before[key] as Plain, after[key] as Plain, [...at, key]));
    }
    return [{ path: at, kind: "update" }];
}
