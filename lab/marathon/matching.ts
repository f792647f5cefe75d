/** An offer and an instance that waits: either the resources it gets, or why not, in the words of `/v2/queue`. */
import { type Offer, type Resource, takeResources } from "../../frameworks/scheduler";
import { isObject, type Json, type JsonObject } from "../../site/definitions/fields";
import { type Constraint, constraintsOf, operators } from "../../site/marathon/constraints";
import { objects } from "../../site/marathon/normalizeApp";
import { admits } from "./constraints";
import type { Agent, Spec } from "./model";

/** In the order in which they are looked at, and printed. */
export const REASONS = [
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "NoCorrespondingReservationFound",
    "AgentMaintenance",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientGpus",
    "InsufficientPorts",
    "DeclinedScarceResources",
] as const;
export type Reason = (typeof REASONS)[number];

export type Match =
    | { readonly taken: readonly Resource[]; readonly rest: readonly Resource[]; readonly ports: readonly number[] }
    | { readonly reasons: readonly Reason[] };

export function agentOf({ agent_id: id, hostname, attributes = [], domain, url }: Offer): Agent {
    const texts = attributes.map(({ name, text, scalar }) => [name, text?.value ?? String(scalar?.value ?? "")] as const);
    const fault = domain?.fault_domain;
    return {
        id: id.value,
        hostname,
        ...(url?.address?.ip !== undefined && { address: url.address.ip }),
        attributes: {
            ...Object.fromEntries(texts),
            ...(fault !== undefined && { "@region": fault.region.name, "@zone": fault.zone.name }),
        },
    };
}

const amount = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

/** Scalars of an app, or of a pod with all its containers and its executor. */
export function scalarsOf({ kind, definition }: Spec): Record<"cpus" | "mem" | "disk" | "gpus", number> {
    const parts: JsonObject[] =
        kind === "app"
            ? [definition]
            : [
                  ...objects(definition["containers"]).map(({ resources }) => (isObject(resources) ? resources : {})),
                  isObject(definition["executorResources"]) ? definition["executorResources"] : {},
              ];
    const sum = (name: string): number => parts.reduce((all, part) => all + amount(part[name]), 0);
    return { cpus: sum("cpus"), mem: sum("mem"), disk: sum("disk"), gpus: sum("gpus") };
}

/** Host ports that an instance needs: 0 for any. */
export function hostPortsOf({ kind, definition }: Spec): number[] {
    if (kind === "pod") {
        return objects(definition["containers"])
            .flatMap(({ endpoints }) => objects(endpoints))
            .flatMap(({ hostPort }) => (typeof hostPort === "number" ? [hostPort] : []));
    }
    const { container, portDefinitions, requirePorts } = definition;
    if (isObject(container) && Array.isArray(container["portMappings"])) {
        return objects(container["portMappings"]).flatMap(({ hostPort }) =>
            typeof hostPort === "number" ? [hostPort] : [],
        );
    }
    return objects(portDefinitions).map(({ port }) => (requirePorts === true ? amount(port) : 0));
}

export function placementOf({ kind, definition }: Spec): readonly Constraint[] {
    if (kind === "app") {
        return constraintsOf(definition["constraints"]);
    }
    const scheduling = isObject(definition["scheduling"]) ? definition["scheduling"] : {};
    const placement = isObject(scheduling["placement"]) ? scheduling["placement"] : {};
    return objects(placement["constraints"]).flatMap(({ fieldName, operator, value }) =>
        typeof fieldName === "string" && operators.includes(operator as Constraint["operator"])
            ? [{ field: fieldName, operator: operator as Constraint["operator"], ...(typeof value === "string" && { value }) }]
            : [],
    );
}

function hasPersistentVolumes({ kind, definition }: Spec): boolean {
    const { container } = definition;
    const volumes = kind === "pod" ? definition["volumes"] : isObject(container) ? container["volumes"] : undefined;
    return objects(volumes).some(({ persistent }) => persistent !== undefined);
}

const LACKS: Readonly<Record<string, Reason>> = {
    cpus: "InsufficientCpus",
    mem: "InsufficientMemory",
    disk: "InsufficientDisk",
    gpus: "InsufficientGpus",
    ports: "InsufficientPorts",
};

/**
 * @param resources what is left of the offer
 * @param placed agents of the other instances
 */
export function match(spec: Spec, offer: Offer, resources: readonly Resource[], placed: readonly Agent[]): Match {
    const { role } = spec.definition;
    if (offer.allocation_info?.role !== undefined && offer.allocation_info.role !== role) {
        return { reasons: ["UnfulfilledRole"] };
    }
    const agent = agentOf(offer);
    if (!placementOf(spec).every((constraint) => admits(constraint, agent, placed))) {
        return { reasons: ["UnfulfilledConstraint"] };
    }
    // Volumes on an agent are beyond this stand-in: it says so instead of running without them.
    if (hasPersistentVolumes(spec)) {
        return { reasons: ["NoCorrespondingReservationFound"] };
    }
    const result = takeResources(resources, { scalars: scalarsOf(spec), ports: hostPortsOf(spec) });
    return "lacking" in result
        ? { reasons: result.lacking.flatMap((name) => LACKS[name] ?? []) }
        : result;
}

/** Counts for `/v2/queue`: how many offers were looked at for a reason, and how many fell by it. */
export class Rejections {
    public processed = 0;
    public unused = 0;
    public lastUnusedAt: string | undefined;
    public lastUsedAt: string | undefined;
    private readonly declined = new Map<Reason, number>();
    private readonly looked = new Map<Reason, number>();

    public note(reasons: readonly Reason[], now = new Date()): void {
        this.processed += 1;
        const last = reasons.length === 0 ? REASONS.length : Math.max(...reasons.map((reason) => REASONS.indexOf(reason)));
        // Resources are looked at all together, what comes before them ends the search.
        const upTo = last >= REASONS.indexOf("InsufficientCpus") ? REASONS.length : last + 1;
        REASONS.slice(0, upTo).forEach((reason) => this.looked.set(reason, (this.looked.get(reason) ?? 0) + 1));
        reasons.forEach((reason) => this.declined.set(reason, (this.declined.get(reason) ?? 0) + 1));
        if (reasons.length > 0) {
            this.unused += 1;
            this.lastUnusedAt = now.toISOString();
        } else {
            this.lastUsedAt = now.toISOString();
        }
    }

    public summary(): JsonObject[] {
        return REASONS.map((reason) => ({
            reason,
            declined: this.declined.get(reason) ?? 0,
            processed: this.looked.get(reason) ?? 0,
        }));
    }
}
