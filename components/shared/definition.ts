import * as pulumi from "@pulumi/pulumi";
import { isObject, type Json, type JsonObject } from "../../site/definitions/fields";
import { fillSecrets, secretsIn } from "../../site/plan/secrets";

/** A definition with the stack's secrets in place of their marks: only the texts that hold one become secrets. */
export function filled(
    definition: JsonObject,
    secret: (name: string) => pulumi.Output<string>,
): Record<string, pulumi.Input<unknown>> {
    const fill = (value: Json): unknown => {
        if (Array.isArray(value)) return value.map(fill);
        if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
        if (typeof value !== "string") return value;
        const names = secretsIn(value);
        if (names.length === 0) return value;
        const values = Object.fromEntries(names.map((name) => [name, secret(name)]));
        return pulumi.secret(pulumi.output(values).apply((known) => fillSecrets(value, known)));
    };
    return fill(definition) as Record<string, pulumi.Input<unknown>>;
}
