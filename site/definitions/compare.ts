/** Where two normal forms differ, in the words of a field path. */
import { isObject, type Json, type JsonObject } from "./fields";

/** A JSON text that does not depend on the order of keys. */
export function stableText(value: Json | undefined): string {
    if (Array.isArray(value)) return `[${value.map(stableText).join(",")}]`;
    if (isObject(value))
        return `{${Object.keys(value)
            .sort()
            .map((key) => `${JSON.stringify(key)}:${stableText(value[key])}`)
            .join(",")}}`;
    return JSON.stringify(value ?? null);
}

/** A list whose order means nothing, in a fixed one. */
export function sorted(list: Json): Json {
    return Array.isArray(list) ? [...list].sort((a, b) => (stableText(a) < stableText(b) ? -1 : 1)) : list;
}

/**
 * Paths of the leaves that differ, e.g. `container.docker.image`, `env.PORT`, `healthChecks[0].path`.
 * @param sets top-level fields whose order means nothing
 */
export function changedFields(before: JsonObject, after: JsonObject, sets: readonly string[] = []): string[] {
    const prepared = (value: JsonObject): JsonObject =>
        Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sets.includes(key) ? sorted(item) : item]));
    return leaves(prepared(before), prepared(after), "");
}

function leaves(before: Json | undefined, after: Json | undefined, at: string): string[] {
    if (stableText(before) === stableText(after)) return [];
    if (isObject(before) && isObject(after))
        return [...new Set([...Object.keys(before), ...Object.keys(after)])]
            .sort()
            .flatMap((key) => leaves(before[key], after[key], at === "" ? key : `${at}.${key}`));
    if (Array.isArray(before) && Array.isArray(after) && before.length === after.length && before.length > 0)
        return before.flatMap((item, index) => leaves(item, after[index], `${at}[${index}]`));
    return [at];
}
