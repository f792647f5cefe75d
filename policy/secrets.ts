/**
 * Where the secrets of a resource are. The engine tells a pack which values are secret, but the pack's library unwraps them before
 * a rule sees them; so the paths are noted while it does.
 */
import { UNKNOWN } from "../provider/wire";

interface Struct {
    toJavaScript(): object;
}

interface Library {
    deserializeProperties(struct: Struct, proxySecrets: boolean): object;
}

const signature = "4dabf18193072939515e22adb298388d";
const secretKind = "1b47061264138c4ac30d75fd1eb44270";

/** Paths of the secrets in properties as they are sent, joined by dots. */
export function secretPaths(value: unknown, path: readonly string[] = []): string[] {
    if (Array.isArray(value)) return value.flatMap((item, index) => secretPaths(item, [...path, String(index)]));
    if (typeof value !== "object" || value === null) return [];
    if ((value as Record<string, unknown>)[signature] === secretKind) return [path.join(".")];
    return Object.entries(value).flatMap(([key, item]) => secretPaths(item, [...path, key]));
}

const noted = new WeakMap<object, readonly string[]>();

/** To be called before any rule runs. @throws {Error} with a version of the library that does it another way */
export function noteSecrets(): void {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const library = require("@pulumi/policy/deserialize") as Partial<Library>;
    const original = library.deserializeProperties;
    if (original === undefined)
        throw new Error("this version of @pulumi/policy is not known: no-plain-secret cannot be checked");
    library.deserializeProperties = (struct, proxySecrets) => {
        const props = original(struct, proxySecrets);
        noted.set(props, secretPaths(struct.toJavaScript()));
        return props;
    };
}

/** How the library's proxies, which throw at every value that is not known, give what they stand for. */
const proxyTarget = "__getSpecialProxyTarget";

function raw(props: Record<string, unknown>): Record<string, unknown> {
    const target = props[proxyTarget];
    return typeof target === "object" && target !== null ? (target as Record<string, unknown>) : props;
}

function known(value: unknown): unknown {
    if (value === UNKNOWN) return undefined;
    if (Array.isArray(value)) return value.map(known);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, known(item)]));
}

/** Properties as far as they are known, and the paths of the secrets in them. @param props as a rule gets them */
export function propertiesOf(props: Record<string, unknown>): {
    props: Record<string, unknown>;
    secrets: readonly string[];
} {
    const target = raw(props);
    return { props: known(target) as Record<string, unknown>, secrets: noted.get(target) ?? [] };
}
