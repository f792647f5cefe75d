/**
 * Field tables: what an API object may hold, as data. One pass over a table checks a value and makes its normal form: unknown
 * keys and nulls go, defaults come, letter case of enumerations is the server's.
 */
import { nearest } from "../nearest";
import type { Findings } from "./finding";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = Record<string, Json>;

interface Common {
    /** Must be given. */
    readonly required?: boolean;
    /** What the server puts there when it is absent; undefined when it puts nothing. */
    readonly default?: Json;
    /** The server prints it, nobody may set it. */
    readonly readOnly?: boolean;
    /** Why it has no effect or is refused: for settings that servers dropped. */
    readonly gone?: string;
}

export type Field = Common &
    (
        | {
              readonly type: "text";
              readonly minLength?: number;
              readonly pattern?: RegExp;
              readonly allowed?: string;
              /**
               * What an unfilled place of a template in it means: "refused" where it can only be a mistake, "warned" where it may be
               * meant, "shell" where `$X` and `${X}` are the shell's business.
               * @default "warned"
               */
              readonly template?: "refused" | "warned" | "shell";
          }
        | { readonly type: "number"; readonly min?: number; readonly max?: number }
        | { readonly type: "integer"; readonly min?: number; readonly max?: number }
        | { readonly type: "boolean" }
        | { readonly type: "enum"; readonly values: readonly string[] }
        | { readonly type: "list"; readonly of: Field; readonly min?: number; readonly empty: Empty }
        | { readonly type: "map"; readonly of: Field; readonly empty: Empty }
        | { readonly type: "object"; readonly fields: Fields; readonly empty?: "dropped" }
        /** Text, or a map with the given fields. */
        | { readonly type: "textOrObject"; readonly values?: readonly string[]; readonly fields: Fields }
        /** A number, or one of the given words. */
        | { readonly type: "numberOrWord"; readonly words: readonly string[]; readonly min?: number }
        /** Anything: judged elsewhere. */
        | { readonly type: "any" }
    );

/** Whether an empty list or map is printed by the server or left out. */
export type Empty = "shown" | "dropped";
export type Fields = Readonly<Record<string, Field>>;

/** How a server takes what it does not know, and how it words its refusals. */
export interface Dialect {
    /** Prefix of codes, e.g. "APP". */
    readonly code: string;
    /** Marathon drops unknown keys silently, Metronome refuses them. */
    readonly unknownKeys: "dropped" | "refused";
    readonly words: "marathon" | "metronome";
}

/**
 * The engine's mark of a value that is not known before `up`. Such a value is taken for granted in a check: the same check
 * runs again when it is known.
 */
export const notKnownYet = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: unknown): value is JsonObject {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A word of a definition as text: what is no text as JSON, what is not there as "". */
export function word(value: Json | undefined): string {
    return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

const articles: Readonly<Record<Field["type"], string>> = {
    text: "text",
    number: "a number",
    integer: "a whole number",
    boolean: "true or false",
    enum: "one word",
    list: "a list",
    map: "a map",
    object: "a map",
    textOrObject: "text or a map",
    numberOrWord: "a number or a word",
    any: "anything",
};

const marathonTypes: Readonly<Record<Field["type"], string>> = {
    text: "error.expected.jsstring",
    number: "error.expected.jsnumber",
    integer: "error.expected.jsnumber",
    boolean: "error.expected.jsboolean",
    enum: "error.expected.jsstring",
    list: "error.expected.jsarray",
    map: "error.expected.jsobject",
    object: "error.expected.jsobject",
    textOrObject: "error.expected.jsobject",
    numberOrWord: "error.expected.jsnumber",
    any: "error",
};

/** Unfilled places of the usual template languages. */
const templates =
    /\{\{[^{}]*\}\}|\{%[^{}]*%\}|\$\{[^{}]*\}|<[a-z][a-z0-9]*(?:[-_ ][a-z0-9]+)*>|^\$+[A-Z_]+$|%\([a-z_]+\)s|\b__[A-Z][A-Z_]*__\b|\b(?:CHANGE|REPLACE)_?ME\b/;

/** The first unfilled place of a text. */
export function unfilled(text: string): string | undefined {
    return templates.exec(text)?.[0];
}

function typeOf(value: Json): string {
    if (Array.isArray(value)) return "a list";
    if (value === null) return "nothing";
    return { string: "text", number: "a number", boolean: "true or false", object: "a map" }[typeof value as "string"];
}

class Pass {
    public constructor(
        private readonly dialect: Dialect,
        private readonly findings: Findings,
    ) {}

    private wrong(
        code: string,
        path: string,
        message: string,
        error: string,
        { serverPath, ...details }: { value?: Json; allowed?: string; fix?: string; serverPath?: string } = {},
    ): undefined {
        this.findings.refuse(`${this.dialect.code}_${code}`, path, message, {
            ...details,
            server: {
                stage: this.dialect.words === "marathon" ? 0 : 2,
                error,
                ...(serverPath === undefined ? {} : { path: serverPath }),
            },
        });
        return undefined;
    }

    private wrongType(field: Field, value: Json, path: string, error = marathonTypes[field.type]): undefined {
        const quoted = typeof value === "string" && (field.type === "number" || field.type === "integer");
        const bare = field.type === "text" || field.type === "textOrObject";
        return this.wrong("TYPE", path, `must be ${articles[field.type]}, not ${typeOf(value)}`, error, {
            value,
            ...(quoted && value.trim() !== "" && Number.isFinite(Number(value))
                ? { fix: "write it without quotation marks" }
                : {}),
            ...(bare && (typeof value === "number" || typeof value === "boolean")
                ? { fix: "put it in quotation marks" }
                : {}),
        });
    }

    public run(field: Field, value: Json, path: string): Json | undefined {
        if (value === notKnownYet) return value;
        switch (field.type) {
            case "any":
                return value;
            case "text":
                return this.text(field, value, path);
            case "number":
            case "integer":
                return this.number(field, value, path);
            case "boolean":
                return typeof value === "boolean" ? value : this.wrongType(field, value, path);
            case "enum":
                return this.word(field, value, path);
            case "list":
                return this.list(field, value, path);
            case "map":
                if (!isObject(value)) return this.wrongType(field, value, path);
                return Object.fromEntries(
                    Object.entries(value).flatMap(([key, item]) => {
                        const done = this.run(field.of, item, `${path}/${key}`);
                        return done === undefined ? [] : [[key, done]];
                    }),
                );
            case "object":
                return isObject(value) ? this.object(field.fields, value, path) : this.wrongType(field, value, path);
            case "textOrObject":
                if (typeof value === "string") {
                    if (field.values === undefined || field.values.includes(value)) return value;
                    return this.wrong("NOT_ALLOWED", path, "is not allowed", "error.expected.jsobject", {
                        value,
                        allowed: [...field.values.map((word) => `"${word}"`), "a map"].join(" or "),
                    });
                }
                return isObject(value) ? this.object(field.fields, value, path) : this.wrongType(field, value, path);
            case "numberOrWord":
                if (typeof value === "string" && field.words.includes(value)) return value;
                if (typeof value !== "number") return this.wrongType(field, value, path);
                return this.number({ type: "number", ...(field.min !== undefined && { min: field.min }) }, value, path);
        }
    }

    private text(field: Field & { type: "text" }, value: Json, path: string): Json | undefined {
        if (typeof value !== "string") return this.wrongType(field, value, path);
        if (value.length < (field.minLength ?? 0))
            return this.wrong("EMPTY", path, "must not be empty", "error.minLength");
        const hole = field.template === "shell" ? /\{\{[^{}]*\}\}|\{%[^{}]*%\}/.exec(value)?.[0] : unfilled(value);
        if (field.pattern !== undefined && !field.pattern.test(value))
            return this.wrong(
                hole === undefined ? "PATTERN" : "TEMPLATE",
                path,
                hole === undefined ? "is not valid here" : `holds the unfilled place ${hole}`,
                "error.pattern",
                { value, ...(field.allowed === undefined ? {} : { allowed: field.allowed }) },
            );
        if (hole !== undefined) {
            const say = field.template === "refused" ? "refuse" : "warn";
            this.findings[say](`${this.dialect.code}_TEMPLATE`, path, `holds the unfilled place ${hole}`, {
                value,
                fix: "fill it in: ${config:NAME} and ${secret:NAME} are filled from the stack's configuration",
            });
        }
        return value;
    }

    private number(field: Field & { type: "number" | "integer" }, value: Json, path: string): Json | undefined {
        if (typeof value !== "number") return this.wrongType(field, value, path);
        if (field.type === "integer" && !Number.isInteger(value))
            return this.wrong("TYPE", path, "must be a whole number", "error.expected.int", { value });
        const { min, max } = field;
        const allowed =
            min === undefined ? `${max ?? ""} or less` : max === undefined ? `${min} or more` : `${min}..${max}`;
        if (min !== undefined && value < min)
            return this.wrong("OUT_OF_RANGE", path, "is too small", "error.min", { value, allowed });
        if (max !== undefined && value > max)
            return this.wrong("OUT_OF_RANGE", path, "is too large", "error.max", { value, allowed });
        return value;
    }

    private word(field: Field & { type: "enum" }, value: Json, path: string): Json | undefined {
        if (typeof value !== "string") return this.wrongType(field, value, path);
        // The servers take any letter case and store their own.
        const found = field.values.find((word) => word.toLowerCase() === value.toLowerCase());
        if (found !== undefined) return found;
        const near = nearest(value, field.values);
        return this.wrong("NOT_ALLOWED", path, "is not one of the allowed words", "error.unknown.enum.literal", {
            value,
            allowed: field.values.join(", "),
            ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
        });
    }

    private list(field: Field & { type: "list" }, value: Json, path: string): Json | undefined {
        if (!Array.isArray(value)) return this.wrongType(field, value, path);
        if (value.length < (field.min ?? 0))
            return this.wrong("EMPTY", path, "must not be empty", "error.minLength", { value });
        return value
            .map((item, index) => this.run(field.of, item, `${path}(${index})`))
            .filter((item) => item !== undefined);
    }

    public object(fields: Fields, value: JsonObject, path: string): JsonObject {
        const known = Object.keys(fields);
        for (const [key, item] of Object.entries(value)) {
            if (Object.hasOwn(fields, key)) {
                const { readOnly, gone } = fields[key] ?? {};
                if (readOnly === true && item !== null)
                    this.findings.warn(
                        `${this.dialect.code}_READ_ONLY`,
                        `${path}/${key}`,
                        "is a report of the server, not a setting: left out",
                    );
                if (gone !== undefined && item !== null)
                    this.findings.warn(`${this.dialect.code}_GONE`, `${path}/${key}`, gone);
                continue;
            }
            this.unknown(key, item, known, path);
        }
        return Object.fromEntries(
            Object.entries(fields).flatMap(([key, field]): [string, Json][] => {
                if (field.readOnly === true || field.gone !== undefined) return [];
                const given = value[key];
                const at = `${path}/${key}`;
                if (given === null && this.dialect.words === "metronome") return this.nothing(field, at);
                if (given === undefined || given === null) {
                    if (field.required === true)
                        this.wrong("MISSING", at, `"${key}" is missing`, missing(this.dialect, key, value), {
                            allowed: articles[field.type],
                            ...(this.dialect.words === "metronome" ? { serverPath: path } : {}),
                        });
                    return field.default === undefined ? [] : [[key, structuredClone(field.default)]];
                }
                const done = this.run(field, given, at);
                if (done === undefined || isDropped(field, done)) return [];
                return [[key, done]];
            }),
        );
    }

    private nothing(field: Field, path: string): [] {
        this.wrongType(field, null, path);
        return [];
    }

    private unknown(key: string, value: Json, known: readonly string[], path: string): void {
        const near = nearest(key, known);
        const details =
            near === undefined ? { allowed: [...known].sort().join(", ") } : { fix: `did you mean "${near}"?` };
        const code = `${this.dialect.code}_KEY_UNKNOWN`;
        if (this.dialect.unknownKeys === "refused")
            this.findings.refuse(code, `${path}/${key}`, `there is no such setting as "${key}"`, {
                ...details,
                server: {
                    stage: 2,
                    path,
                    error: `Additional properties are not allowed but found '${key}'.`,
                },
            });
        // A null says nothing, so nothing is lost with it.
        else if (value !== null)
            this.findings.refuse(
                code,
                `${path}/${key}`,
                `there is no such setting as "${key}": the server would drop it without a word`,
                details,
            );
    }
}

function missing(dialect: Dialect, key: string, value: JsonObject): string {
    return dialect.words === "marathon"
        ? `'${key}' is undefined on object: ${JSON.stringify(value)}`
        : `Property ${key} missing.`;
}

function isDropped(field: Field, value: Json): boolean {
    if (field.type === "object" && field.empty === "dropped") return isObject(value) && Object.keys(value).length === 0;
    if (field.type !== "list" && field.type !== "map") return false;
    return field.empty === "dropped" && Object.keys(value as object).length === 0;
}

/**
 * Checks a value against a table and makes its normal form. What is wrong is left out of the result, so that rules about the
 * rest can still be checked in the same pass.
 */
export function readFields(
    fields: Fields,
    value: unknown,
    dialect: Dialect,
    findings: Findings,
    path = "",
): JsonObject {
    if (!isObject(value)) {
        findings.refuse(`${dialect.code}_TYPE`, path, "must be a map", {
            server:
                dialect.words === "marathon"
                    ? { stage: 0, path: "/id", error: `${JSON.stringify(value)} is not an object` }
                    : { stage: 2, path: "", error: "Wrong type. Expected object." },
        });
        return {};
    }
    return new Pass(dialect, findings).object(fields, value, path);
}
