/** docs/reference.md, from the schema. */
import type { z } from "zod";
import { siteJsonSchema } from "./stackSchema";

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Section {
    readonly path: string;
    readonly about: string;
    readonly fields: readonly string[];
}

function typeOf(schema: JsonSchema): string {
    if (schema.const !== undefined) return `\`${String(schema.const)}\``;
    if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(" or ");
    const options = schema.anyOf ?? schema.oneOf;
    if (options) return [...new Set(options.map(typeOf))].join(" or ");
    if (schema.type === "array") return `list of ${typeOf(schema.items as JsonSchema)}`;
    if (schema.type === "object") {
        const values = schema.additionalProperties;
        return typeof values === "object" ? `map of name to ${typeOf(values)}` : "map";
    }
    const { minimum, maximum, exclusiveMinimum } = schema;
    const bounds = [
        ...(exclusiveMinimum === undefined ? [] : [`> ${exclusiveMinimum}`]),
        ...(minimum === undefined ? [] : [`≥ ${minimum}`]),
        ...(maximum === undefined ? [] : [`≤ ${maximum}`]),
    ];
    const name = { integer: "whole number", number: "number", boolean: "true or false", string: "text" }[
        String(schema.type)
    ];
    return [name ?? String(schema.type), ...bounds].join(" ");
}

function cell(text: string): string {
    return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function row(name: string, schema: JsonSchema, required: boolean): string {
    const value = schema.default === undefined ? "" : `\`${JSON.stringify(schema.default)}\``;
    const need = required ? "required" : value === "" || value === "`{}`" ? "–" : value;
    return `| \`${name}\` | ${cell(typeOf(schema))} | ${cell(need)} | ${cell(schema.description ?? "")} |`;
}

/** The maps below a field: itself, the values of a map by name, the items of a list, each branch of a union. */
function innerMaps(path: string, schema: JsonSchema): [string, JsonSchema][] {
    const options = schema.anyOf ?? schema.oneOf;
    if (options)
        return options.flatMap((option) => {
            const kind = (option.properties?.["kind"] as JsonSchema | undefined)?.const;
            return innerMaps(kind === undefined ? path : `${path} (kind: ${String(kind)})`, option);
        });
    if (schema.type === "array") return innerMaps(`${path}[]`, schema.items as JsonSchema);
    if (schema.properties) return [[path, schema]];
    return typeof schema.additionalProperties === "object"
        ? innerMaps(`${path}.NAME`, schema.additionalProperties)
        : [];
}

function sections(path: string, schema: JsonSchema): Section[] {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
    const required = new Set(schema.required);
    return [
        {
            path,
            about: schema.description ?? "",
            fields: properties.map(([name, field]) =>
                row(name, field, required.has(name) && field.default === undefined),
            ),
        },
        ...properties.flatMap(([name, field]) =>
            innerMaps(path === "" ? name : `${path}.${name}`, field).flatMap(([inner, map]) => sections(inner, map)),
        ),
    ];
}

/** The text of docs/reference.md. */
export function referenceText(): string {
    const parts = sections("", siteJsonSchema()).map(({ path, about, fields }) =>
        [
            path === "" ? "## The site" : `## ${path}`,
            about,
            ["| field | value | default | meaning |", "| --- | --- | --- | --- |", ...fields].join("\n"),
        ].join("\n\n"),
    );
    const intro = [
        "# The stack file",
        "Made from the schema by `npm run generated`; don't edit it. The site is the value of `config: pulumi-mesos:site:` in",
        "`Pulumi.<stack>.yaml`. Editors check and complete it with this first line:",
        "",
        "```yaml",
        "# yaml-language-server: $schema=schema/site.schema.json",
        "```",
        "",
        "`npm run site -- check -s <stack>` names every fault at once; `plan`, `picture` show what comes of it.",
    ].join("\n");
    return `${[intro, ...parts].join("\n\n")}\n`;
}
