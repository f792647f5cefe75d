/** Faults between apps: ports that two of them want, ids that exclude each other, dependencies. */
import { isObject, type JsonObject } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import { nearest } from "../nearest";
import { demandOfApp, demandOfPod } from "./fit";
import { cyclesOf, dependenciesOf } from "./group";
import { type App, objects } from "./normalizeApp";

export interface Declared {
    readonly kind: "app" | "pod";
    /** Normal form. */
    readonly definition: App;
    /** Where it was declared, for messages. */
    readonly source: string;
}

function servicePorts(app: JsonObject): number[] {
    const container = isObject(app["container"]) ? app["container"] : {};
    return [
        ...objects(app["portDefinitions"]).map(({ port }) => port),
        ...objects(container["portMappings"]).map(({ servicePort }) => servicePort),
    ].filter((port): port is number => typeof port === "number" && port > 0);
}

/** Calls `both` for every two that share a key. */
function forClashes<Key>(
    all: readonly Declared[],
    keysOf: (declared: Declared) => readonly Key[],
    both: (key: Key, first: Declared, second: Declared) => void,
): void {
    const owners = new Map<Key, Declared>();
    for (const declared of all)
        for (const key of new Set(keysOf(declared))) {
            const owner = owners.get(key);
            if (owner === undefined) owners.set(key, declared);
            else both(key, owner, declared);
        }
}

/**
 * Checks apps and pods against each other.
 * @param known ids that exist but are not declared here
 * @param agents how many agents there are; 0 when nobody knows
 */
export function checkTogether(
    all: readonly Declared[],
    findings: Findings,
    known: ReadonlySet<string> = new Set(),
    agents = 0,
): void {
    forClashes(
        all,
        ({ definition }) => [definition.id],
        (id, first, second) =>
            findings.refuse("APP_DUPLICATE", id, `is declared twice: in ${first.source} and in ${second.source}`),
    );
    forClashes(
        all,
        ({ kind, definition }) => (kind === "app" ? servicePorts(definition) : []),
        (port, first, second) =>
            findings.refuse(
                "APP_SERVICE_PORT",
                second.definition.id,
                `wants service port ${port}, which ${first.definition.id} has`,
                { fix: "give it another one, or 0 to let the server choose" },
            ),
    );
    const hostPorts = new Map<number, { owner: Declared; instances: number }>();
    for (const declared of all) {
        const { definition, kind } = declared;
        const demand = kind === "app" ? demandOfApp(definition) : demandOfPod(definition);
        for (const port of new Set(demand.hostPorts)) {
            const other = hostPorts.get(port);
            const together = (other?.instances ?? 0) + demand.instances;
            if (other !== undefined && (agents === 0 || together > agents))
                findings[agents === 0 ? "warn" : "refuse"](
                    "APP_HOST_PORT",
                    definition.id,
                    `wants host port ${port} as ${other.owner.definition.id} does: together they need ${together} agents${agents === 0 ? "" : `, there are ${agents}`}`,
                );
            hostPorts.set(port, { owner: other?.owner ?? declared, instances: together });
        }
    }
    checkIds(all, findings);
    checkDependencies(all, findings, known);
}

function checkIds(all: readonly Declared[], findings: Findings): void {
    const ids = all.map(({ definition }) => definition.id);
    const parents = new Map<string, string>(
        ids.flatMap((id) => {
            const parts = id.split("/").slice(1, -1);
            return parts.map((_, index) => [`/${parts.slice(0, index + 1).join("/")}`, id] as [string, string]);
        }),
    );
    for (const id of new Set(ids)) {
        const inside = parents.get(id);
        if (inside !== undefined)
            findings.refuse("APP_ID_IS_GROUP", id, `is an app and, because of ${inside}, a group`, {
                fix: `rename one of them, e.g. ${id}/main`,
            });
    }
}

function checkDependencies(all: readonly Declared[], findings: Findings, known: ReadonlySet<string>): void {
    const ids = all.map(({ definition }) => definition.id);
    const nodes = all.map(({ definition }) => ({
        id: definition.id,
        dependencies: dependenciesOf(definition, definition.id),
    }));
    for (const { id, dependencies } of nodes)
        for (const other of dependencies) {
            const isThere = ids.some((one) => one === other || one.startsWith(`${other}/`)) || known.has(other);
            if (isThere) continue;
            const near = nearest(other, ids);
            findings.refuse("APP_DEPENDENCY_UNKNOWN", id, `depends on ${other}, which is not declared`, {
                ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
            });
        }
    for (const cycle of cyclesOf(nodes).filter((ring) => ring.length > 2))
        findings.refuse("APP_CYCLE", cycle[0] ?? "/", `the apps wait for each other: ${cycle.join(" → ")}`);
}
