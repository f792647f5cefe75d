/** docs/reference.md, from the schema. */
import type * as z from "zod";
import { siteJsonSchema } from "./stackSchema";

type JsonSchema = z.core.JSONSchema.JSONSchema;

interface Section {
    readonly path: string;
    readonly about: string;
    readonly fields: readonly string[];
}

const typeNames: Readonly<Record<string, string>> = {
    integer: "whole number",
    number: "number",
    boolean: "true or false",
    string: "text",
};

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
    const names = [schema.type ?? "anything"].flat().map((type) => typeNames[type] ?? type);
    return `${names.join(" or ")}${bounds(schema)}`;
}

function bounds({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
    if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
    if (minimum === undefined) return "";
    return maximum === undefined ? ` from ${minimum}` : ` ${minimum}..${maximum}`;
}

function cell(text: string): string {
    return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** A computed default stands at the end of a description: "… Default: 22." */
const computed = / ?Default: (.*)\.$/;

function row(name: string, schema: JsonSchema, required: boolean): string {
    const about = schema.description ?? "";
    const value =
        schema.default === undefined || JSON.stringify(schema.default) === "{}"
            ? computed.exec(about)?.[1]
            : `\`${JSON.stringify(schema.default)}\``;
    const need = required ? "**required**" : (value ?? "–");
    return `| \`${name}\` | ${cell(typeOf(schema))} | ${cell(need)} | ${cell(about.replace(computed, ""))} |`;
}

/** The field that says which branch of a union a map is. */
function choiceOf({ properties = {} }: JsonSchema): [string, JsonSchema | undefined] {
    const found = Object.entries(properties as Record<string, JsonSchema>).find(
        ([, field]) => field.const !== undefined,
    );
    return found ?? ["", undefined];
}

/** The maps below a field: itself, the values of a map by name, the items of a list, each branch of a union. */
function innerMaps(path: string, schema: JsonSchema): [string, JsonSchema][] {
    const options = schema.anyOf ?? schema.oneOf;
    if (options)
        return options.flatMap((option) => {
            const [name, choice] = choiceOf(option);
            return innerMaps(choice === undefined ? path : `${path} (${name}: ${String(choice.const)})`, option);
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
    const [, choice] = choiceOf(schema);
    return [
        {
            path,
            about: (schema.description ?? choice?.description ?? "").replace(computed, ""),
            fields: properties.map(([name, field]) =>
                row(name, field, required.has(name) && field.default === undefined),
            ),
        },
        ...properties.flatMap(([name, field]) =>
            innerMaps(path === "" ? name : `${path}.${name}`, field).flatMap(([inner, map]) => sections(inner, map)),
        ),
    ];
}

/** A section; one whose fields an earlier one has too only points there. */
function sectionText({ path, about, fields }: Section, earlier: Map<string, string>): string {
    const title = path === "" ? "## The site" : `## ${path}`;
    const table = ["| field | value | default | meaning |", "| --- | --- | --- | --- |", ...fields].join("\n");
    const twin = earlier.get(table);
    earlier.set(table, twin ?? path);
    return [title, ...(about === "" ? [] : [about]), twin === undefined ? table : `The fields of \`${twin}\`.`].join(
        "\n\n",
    );
}

/** The text of docs/reference.md. */
export function referenceText(): string {
    const earlier = new Map<string, string>();
    const parts = sections("", siteJsonSchema()).map((section) => sectionText(section, earlier));
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
