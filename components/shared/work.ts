/** What the components of the site's work share: servers, definitions with their secrets, order. */
import * as pulumi from "@pulumi/pulumi";
import type { ServerArgs } from "../../provider/sdk";
import { isObject, type Json, type JsonObject } from "../../site/definitions/fields";
import { secretsIn } from "../../site/plan/secrets";
import type { ServerPlan } from "../../site/plan/work";
import { withValues } from "./secrets";

/** Value of a secret of the stack. */
export type SecretOf = (name: string) => pulumi.Output<string>;

/** A server of the plan as the plugin's resources take it, with the password in place of its name. */
export function serverArgs<T extends ServerPlan>(
    { user, passwordSecret, ca, ...rest }: T,
    secret: SecretOf,
): Omit<T, "user" | "passwordSecret" | "ca"> & Pick<ServerArgs, "username" | "password" | "ca"> {
    return {
        ...rest,
        ...(ca === undefined ? {} : { ca: withValues(ca, secret) }),
        ...(user === undefined ? {} : { username: user }),
        ...(passwordSecret === undefined ? {} : { password: secret(passwordSecret) }),
    };
}

/** Makes one resource of each item, what an item needs before the item itself. */
export function makeInOrder<T extends { readonly name: string; readonly after: readonly string[] }>(
    items: readonly T[],
    make: (item: T, needed: pulumi.Resource[]) => pulumi.Resource,
): void {
    const byName = new Map(items.map((item) => [item.name, item]));
    const made = new Map<string, pulumi.Resource>();
    const ensure = (name: string): pulumi.Resource => {
        const present = made.get(name);
        if (present !== undefined) return present;
        const item = byName.get(name);
        if (item === undefined) throw new Error(`the plan names nothing that is called ${name}`);
        const resource = make(item, item.after.map(ensure));
        made.set(name, resource);
        return resource;
    };
    for (const { name } of items) ensure(name);
}

/** A definition with the stack's secrets in place of their marks: only the texts that hold one become secrets. */
export function filled(definition: JsonObject, secret: SecretOf): Record<string, pulumi.Input<unknown>> {
    const fill = (value: Json): unknown => {
        if (Array.isArray(value)) return value.map(fill);
        if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
        if (typeof value !== "string") return value;
        return secretsIn(value).length === 0 ? value : pulumi.secret(withValues(value, secret));
    };
    return fill(definition) as Record<string, pulumi.Input<unknown>>;
}
