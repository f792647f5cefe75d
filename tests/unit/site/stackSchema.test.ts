import Ajv from "ajv/dist/2020";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackSchemaText } from "../../../site/generate/stackSchema";
import { changed } from "./sites";

const validate = new Ajv({ strict: false, formats: { "date-time": true } }).compile(
    JSON.parse(stackSchemaText()) as object,
);
const stack = (site: unknown) => ({ config: { "pulumi-mesos:site": site } });

test.each(["lab/Pulumi.lab.yaml", "Pulumi.prod.yaml"])("editors accept %s", (path) => {
    validate(parse(readFileSync(join(__dirname, "../../..", path), "utf8")));
    expect(validate.errors).toBeNull();
});

test.each<[string, Record<string, unknown>]>([
    ["an unknown key", { "masters quorom": 2 }],
    ["a number out of range", { "zookeeper members bm1": 300 }],
    ["an unknown kind", { "distribution kind": "snap" }],
])("editors mark %s", (_what, changes) => {
    expect(validate(stack(changed(changes)))).toBe(false);
});

test("every field says what it means", () => {
    const missing: string[] = [];
    const walk = (node: unknown, path: string): void => {
        if (typeof node !== "object" || node === null) return;
        const { properties } = node as { properties?: Record<string, { description?: string }> };
        for (const [name, field] of Object.entries(properties ?? {}))
            if (!field.description) missing.push(`${path}.${name}`);
        for (const [key, inner] of Object.entries(node)) walk(inner, key === "properties" ? path : `${path}.${key}`);
    };
    const { config } = (JSON.parse(stackSchemaText()) as { properties: Record<string, { properties: object }> })
        .properties;
    walk(config?.properties, "");
    expect(missing).toEqual([]);
});
