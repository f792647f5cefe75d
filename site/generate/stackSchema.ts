/** JSON Schema of a whole stack file, so that editors complete and check it. */
import * as z from "zod";
import { siteKey } from "../load";
import { siteSchema } from "../schema";

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** Where zod writes the bounds of JavaScript's whole numbers, nothing is to be said. */
function tidy(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(tidy);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value)
            .filter(([, bound]) => Math.abs(Number(bound)) !== Number.MAX_SAFE_INTEGER)
            .map(([key, item]) => [key, tidy(item)]),
    );
}

/** JSON Schema of the site alone, as a person writes it (fields with defaults are optional). */
export function siteJsonSchema(): JsonSchema {
    return tidy({ ...z.toJSONSchema(siteSchema, { io: "input" }), $schema: undefined }) as JsonSchema;
}

/** The text of schema/site.schema.json. */
export function stackSchemaText(): string {
    const schema = {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        title: "Stack file of pulumi-mesos",
        description: "Pulumi.<stack>.yaml",
        type: "object",
        properties: {
            config: {
                type: "object",
                description:
                    "Configuration of the stack; keys of other namespaces are the business of their providers.",
                properties: { [siteKey]: siteJsonSchema() },
                required: [siteKey],
            },
        },
        required: ["config"],
    };
    return `${JSON.stringify(schema, undefined, 2)}\n`;
}
