/** What a change of an app or pod does to its tasks, foretold from the two normal forms. */
import { changedFields, stableText } from "../definitions/compare";
import { isObject, type JsonObject } from "../definitions/fields";
import { type App, isResident, objects, volumesOf } from "./normalizeApp";

export interface Change {
    /** "replace" deletes the old one and its volumes, "stop" keeps it without tasks. */
    readonly kind: "none" | "scale" | "restart" | "replace";
    /** Tasks that are killed. */
    readonly tasks: number;
    /** Fields that cause it, e.g. `container.docker.image`. */
    readonly causes: readonly string[];
    /** One line for the preview. */
    readonly text: string;
}

/** Lists whose order the server does not keep. */
export const appSets = ["acceptedResourceRoles", "constraints", "dependencies", "healthChecks"] as const;

function instancesOf(app: JsonObject): number {
    if (isObject(app["scaling"])) return Number(app["scaling"]["instances"] ?? 1);
    return Number(app["instances"] ?? 1);
}

const isPod = (definition: JsonObject): boolean => Array.isArray(definition["containers"]);

/** Fields that change without a restart: the server only starts or kills tasks, or looks at them the next time. */
const quietFields = new Set([
    "instances",
    "scaling.instances",
    "executorResources.cpus",
    "executorResources.mem",
    "executorResources.disk",
    "executorResources",
]);

function persistentVolumes(definition: JsonObject): string {
    const volumes = isPod(definition) ? objects(definition["volumes"]) : volumesOf(definition);
    return stableText(volumes.filter(({ persistent }) => persistent !== undefined));
}

function isResidentDefinition(definition: JsonObject): boolean {
    return isPod(definition)
        ? objects(definition["volumes"]).some(({ persistent }) => persistent !== undefined)
        : isResident(definition);
}

/** Why an app must be deleted and made anew; undefined when it can be changed. */
function replaceCause(before: App, after: App): string | undefined {
    if (before.id !== after.id) return "id";
    if (!isResidentDefinition(before) && !isResidentDefinition(after)) return undefined;
    if (persistentVolumes(before) !== persistentVolumes(after)) return isPod(after) ? "volumes" : "container.volumes";
    return before["role"] === after["role"] ? undefined : "role";
}

const tasks = (count: number): string => `${count} task${count === 1 ? "" : "s"}`;

/**
 * Foretells what a change does.
 * @param before normal form of what runs
 * @param after normal form of what is wanted, with the server's ports kept
 */
export function classifyChange(before: App, after: App): Change {
    const causes = changedFields(before, after, isPod(after) ? [] : appSets);
    const [from, to] = [instancesOf(before), instancesOf(after)];
    if (causes.length === 0) return { kind: "none", tasks: 0, causes, text: "no change" };
    const replaced = replaceCause(before, after);
    if (replaced !== undefined)
        return {
            kind: "replace",
            tasks: from,
            causes: [replaced],
            text: `replaces it: kills ${tasks(from)}${isResidentDefinition(before) ? " and their volumes" : ""}: ${replaced}`,
        };
    const loud = causes.filter((cause) => !quietFields.has(cause));
    const scale = from === to ? "" : `scales ${from} → ${to}`;
    if (loud.length === 0) {
        const text = scale === "" ? `restarts nothing: ${causes.join(", ")}` : scale;
        return { kind: scale === "" ? "none" : "scale", tasks: Math.max(0, from - to), causes, text };
    }
    const what = from === 0 ? "restarts nothing, for none runs" : `restarts ${tasks(from)}`;
    return {
        kind: "restart",
        tasks: from,
        causes: loud,
        text: `${what}${scale === "" ? "" : ` and ${scale}`}: ${shortList(loud)}`,
    };
}

function shortList(causes: readonly string[], most = 5): string {
    return causes.length <= most
        ? causes.join(", ")
        : `${causes.slice(0, most).join(", ")} and ${causes.length - most} more`;
}

/** A check without a port is of the first one: a real server writes that down where the check names its protocol, else not. */
function checkOfFirstPort(declared: JsonObject, live: JsonObject | undefined): JsonObject {
    const said = declared["port"] !== undefined || declared["portIndex"] !== undefined;
    return !said && live?.["portIndex"] === 0 ? { ...declared, portIndex: 0 } : declared;
}

/**
 * The declared app with the ports that the server chose: declared 0 means "whichever it has". Without this each update would
 * choose other ports and restart the app.
 */
export function keepServerChosen(declared: App, live: JsonObject | undefined): App {
    if (live === undefined) return declared;
    const fill = (wanted: JsonObject[], has: JsonObject[], key: "port" | "servicePort"): JsonObject[] =>
        wanted.map((item, index) => {
            const chosen = has[index]?.[key];
            return item[key] === 0 && typeof chosen === "number" ? { ...item, [key]: chosen } : item;
        });
    const [container, liveContainer] = [declared["container"], live["container"]];
    return {
        ...declared,
        ...(Array.isArray(declared["portDefinitions"])
            ? { portDefinitions: fill(objects(declared["portDefinitions"]), objects(live["portDefinitions"]), "port") }
            : {}),
        ...(Array.isArray(declared["healthChecks"])
            ? {
                  healthChecks: objects(declared["healthChecks"]).map((check, index) =>
                      checkOfFirstPort(check, objects(live["healthChecks"])[index]),
                  ),
              }
            : {}),
        ...(isObject(container) && Array.isArray(container["portMappings"]) && isObject(liveContainer)
            ? {
                  container: {
                      ...container,
                      portMappings: fill(
                          objects(container["portMappings"]),
                          objects(liveContainer["portMappings"]),
                          "servicePort",
                      ),
                  },
              }
            : {}),
    };
}

/** Declared ports that the server may choose, as 0 again: what is compared between two declarations. */
export function isSameApp(a: App, b: App): boolean {
    return classifyChange(a, b).causes.length === 0;
}
