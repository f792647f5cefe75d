/**
 * Arithmetic of offered resources, as pure functions over lists.
 *
 * Scalars are counted in whole thousandths, as Mesos does (`values.cpp`: anything finer is rounded away), so sums of many
 * small parts are exact. Amounts are one only when everything else about them is the same: name, reservations, disk,
 * revocable, shared, provider, and the role they are allocated to.
 */
import type { Offer, Range, Resource } from "./messages";
import { addRanges, containsRanges, countRanges, firstOfRanges, subtractRanges } from "./ranges";

export type Resources = readonly Resource[];

/** A scalar in whole thousandths. */
export const toThousandths = (value: number): number => Math.round(value * 1000);
export const fromThousandths = (thousandths: number): number => thousandths / 1000;

/** JSON with sorted keys: equal values give equal texts. */
function canonical(value: unknown): string {
    if (Array.isArray(value)) {
        return `[${value.map(canonical).join(",")}]`;
    }
    if (typeof value === "object" && value !== null) {
        const entries = Object.entries(value as Record<string, unknown>).filter(([, item]) => item !== undefined);
        entries.sort(([a], [b]) => (a < b ? -1 : 1));
        return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
    }
    return JSON.stringify(value);
}

/** The older form of reservations (`role`) told in the newer one, so that both compare equal. */
function refined({ role, ...resource }: Resource): Resource {
    if (role === undefined || role === "*" || (resource.reservations ?? []).length > 0) {
        return resource;
    }
    return { ...resource, reservations: [{ type: "STATIC", role }] };
}

/** What two amounts must share to be summed. */
function kind(resource: Resource): string {
    const {
        name,
        type,
        reservations = [],
        allocation_info: allocation,
        disk,
        revocable,
        shared,
        provider_id: provider,
    } = resource;
    return canonical([
        name,
        type,
        reservations,
        allocation?.role,
        disk,
        revocable !== undefined,
        shared !== undefined,
        provider,
    ]);
}

/** A persistent volume or a whole disk is had as a whole or not at all. */
const isWhole = ({ disk }: Resource): boolean =>
    disk?.persistence !== undefined || (disk?.source as { type?: string } | undefined)?.type === "MOUNT";

const rangesOf = ({ ranges }: Resource): readonly Range[] => ranges?.range ?? [];
const itemsOf = ({ set }: Resource): readonly string[] => set?.item ?? [];
const thousandthsOf = ({ scalar }: Resource): number => toThousandths(scalar?.value ?? 0);

function isEmpty(resource: Resource): boolean {
    switch (resource.type) {
        case "SCALAR":
            return thousandthsOf(resource) === 0;
        case "RANGES":
            return rangesOf(resource).length === 0;
        case "SET":
            return itemsOf(resource).length === 0;
    }
}

function withAmount(resource: Resource, amount: number | readonly Range[] | readonly string[]): Resource {
    if (typeof amount === "number") {
        return { ...resource, scalar: { value: fromThousandths(amount) } };
    }
    return resource.type === "RANGES"
        ? { ...resource, ranges: { range: amount as readonly Range[] } }
        : { ...resource, set: { item: [...new Set(amount as readonly string[])].sort() } };
}

function sum(a: Resource, b: Resource): Resource {
    switch (a.type) {
        case "SCALAR":
            // A shared volume that is named twice is still one volume.
            return isWhole(a) ? a : withAmount(a, thousandthsOf(a) + thousandthsOf(b));
        case "RANGES":
            return withAmount(a, addRanges(rangesOf(a), rangesOf(b)));
        case "SET":
            return withAmount(a, [...itemsOf(a), ...itemsOf(b)]);
    }
}

function difference(a: Resource, b: Resource): Resource {
    switch (a.type) {
        case "SCALAR":
            return withAmount(a, thousandthsOf(a) - thousandthsOf(b));
        case "RANGES":
            return withAmount(a, subtractRanges(rangesOf(a), rangesOf(b)));
        case "SET":
            return withAmount(
                a,
                itemsOf(a).filter((item) => !itemsOf(b).includes(item)),
            );
    }
}

function holds(a: Resource, b: Resource): boolean {
    switch (a.type) {
        case "SCALAR":
            return isWhole(a) ? thousandthsOf(a) === thousandthsOf(b) : thousandthsOf(a) >= thousandthsOf(b);
        case "RANGES":
            return containsRanges(rangesOf(a), rangesOf(b));
        case "SET":
            return itemsOf(b).every((item) => itemsOf(a).includes(item));
    }
}

/** The one normal form of a list: each kind once, nothing empty, ranges sorted. */
export function normalizeResources(resources: Resources): Resource[] {
    const byKind = new Map<string, Resource>();
    for (const given of resources) {
        const resource = refined(given);
        const key = kind(resource);
        const known = byKind.get(key);
        byKind.set(key, sum(known ?? resource, known === undefined ? withAmount(resource, zero(resource)) : resource));
    }
    return [...byKind.values()].filter((resource) => !isEmpty(resource));
}

const zero = ({ type }: Resource): number | readonly Range[] => (type === "SCALAR" ? 0 : []);

export const addResources = (a: Resources, b: Resources): Resource[] => normalizeResources([...a, ...b]);

/** Whether all of `b` is in `a`, kind by kind. */
export function containsResources(a: Resources, b: Resources): boolean {
    const have = new Map(normalizeResources(a).map((resource) => [kind(resource), resource]));
    return normalizeResources(b).every((wanted) => {
        const found = have.get(kind(wanted));
        return found !== undefined && holds(found, wanted);
    });
}

/**
 * `a` without `b`. A shared volume stays: others may use it at the same time.
 * @throws {RangeError} when `a` does not contain `b`
 */
export function subtractResources(a: Resources, b: Resources): Resource[] {
    if (!containsResources(a, b)) {
        throw new RangeError(`${describeResources(b)} is not contained in ${describeResources(a)}`);
    }
    const taken = new Map(normalizeResources(b).map((resource) => [kind(resource), resource]));
    const rest = normalizeResources(a).map((resource) => {
        const less = resource.shared === undefined ? taken.get(kind(resource)) : undefined;
        return less === undefined ? resource : difference(resource, less);
    });
    return rest.filter((resource) => !isEmpty(resource));
}

/** All of a scalar, whatever it is reserved for. */
export const scalarOf = (resources: Resources, name: string): number =>
    fromThousandths(
        resources
            .filter((resource) => resource.name === name)
            .reduce((all, resource) => all + thousandthsOf(resource), 0),
    );

/** All of a set of ranges (`ports`), whatever it is reserved for. */
export const allRangesOf = (resources: Resources, name: string): Range[] =>
    resources.filter((resource) => resource.name === name).reduce<Range[]>((all, r) => addRanges(all, rangesOf(r)), []);

/** For messages: `cpus 1.5; mem 512; ports 31000-31005 (reserved for web)`. */
export function describeResources(resources: Resources): string {
    const one = (resource: Resource): string => {
        const amount =
            resource.type === "SCALAR"
                ? String(fromThousandths(thousandthsOf(resource)))
                : resource.type === "RANGES"
                  ? rangesOf(resource)
                        .map(({ begin, end }) => (begin === end ? String(begin) : `${begin}-${end}`))
                        .join(",")
                  : itemsOf(resource).join(",");
        const role = reservedFor(resource);
        const notes = [
            ...(role === undefined ? [] : [`reserved for ${role}`]),
            ...(resource.revocable === undefined ? [] : ["revocable"]),
            ...(resource.disk?.persistence === undefined ? [] : [`volume ${resource.disk.persistence.id}`]),
        ];
        return `${resource.name} ${amount}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
    };
    return normalizeResources(resources).map(one).join("; ") || "nothing";
}

/** The role that a resource is reserved for in the end; undefined when it is for everybody. */
export const reservedFor = (resource: Resource): string | undefined =>
    refined(resource).reservations?.slice(-1)[0]?.role;

/**
 * What anybody of the offer's role may use for a task without asking further: no volumes, no disks of their own, nothing
 * revocable, and no reservation that carries labels (its owner finds it by them).
 */
export function isPlain({ disk, revocable, reservations = [] }: Resource): boolean {
    return (
        disk === undefined &&
        revocable === undefined &&
        reservations.every(({ labels }) => (labels?.labels ?? []).length === 0)
    );
}

export interface Ask {
    /** Amount of each scalar: `cpus`, `mem` (MiB), `disk` (MiB), `gpus`. */
    readonly scalars: Readonly<Record<string, number>>;
    /** One port each: that one, or with 0 any. */
    readonly ports?: readonly number[];
}

export type Taken =
    | {
          readonly taken: readonly Resource[];
          readonly rest: readonly Resource[];
          /** In the order in which they were asked for. */
          readonly ports: readonly number[];
      }
    /** Names of what there is too little of. */
    | { readonly lacking: readonly string[] };

/**
 * Takes what a task needs out of an offer's resources: first what is reserved, then what is for everybody.
 * @param usable which of them may be taken. @default isPlain
 */
export function takeResources(offered: Resources, ask: Ask, usable: (resource: Resource) => boolean = isPlain): Taken {
    const all = normalizeResources(offered);
    const pool = all
        .filter(usable)
        .sort((a, b) => Number(reservedFor(b) !== undefined) - Number(reservedFor(a) !== undefined));
    const lacking: string[] = [];
    const taken: Resource[] = [];
    for (const [name, amount] of Object.entries(ask.scalars)) {
        let missing = toThousandths(amount);
        for (const resource of pool.filter((candidate) => candidate.name === name && candidate.type === "SCALAR")) {
            const part = Math.min(missing, thousandthsOf(resource));
            if (part > 0 && !(isWhole(resource) && part !== thousandthsOf(resource))) {
                taken.push(withAmount(resource, part));
                missing -= part;
            }
        }
        if (missing > 0) {
            lacking.push(name);
        }
    }
    const ports = takePorts(pool, ask.ports ?? []);
    if (ports === undefined) {
        lacking.push("ports");
    }
    if (lacking.length > 0 || ports === undefined) {
        return { lacking };
    }
    taken.push(...ports.taken);
    return { taken: normalizeResources(taken), rest: subtractResources(all, taken), ports: ports.numbers };
}

/** Ports that are named first; for the others the lowest ones that are left. */
function takePorts(pool: Resources, asked: readonly number[]): { taken: Resource[]; numbers: number[] } | undefined {
    const free = pool.filter(({ name, type }) => name === "ports" && type === "RANGES");
    const named = asked.filter((port) => port !== 0);
    if (new Set(named).size !== named.length) {
        return undefined;
    }
    const namedRanges = named.map((port) => ({ begin: port, end: port }));
    const unnamed = free.flatMap((resource) =>
        firstOfRanges(subtractRanges(rangesOf(resource), namedRanges), asked.length - named.length),
    );
    const numbers = asked.map((port) => (port !== 0 ? port : unnamed.shift()));
    if (numbers.includes(undefined)) {
        return undefined;
    }
    const wanted = addRanges(
        (numbers as number[]).map((port) => ({ begin: port, end: port })),
        [],
    );
    const taken = free
        .map((resource) => withAmount(resource, subtractRanges(wanted, subtractRanges(wanted, rangesOf(resource)))))
        .filter((resource) => !isEmpty(resource));
    const found = taken.reduce((count, resource) => count + countRanges(rangesOf(resource)), 0);
    return found === asked.length ? { taken, numbers: numbers as number[] } : undefined;
}

/** All resources of several offers of one agent, ready to be used together. */
export const offered = (offers: readonly Offer[]): Resource[] =>
    normalizeResources(offers.flatMap(({ resources }) => resources));
