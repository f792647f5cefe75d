/** What an agent holds for a role, out of the master's own words. */
import { isObject, type JsonObject } from "../../site/definitions/fields";
import { coalesce, type NumberRange, subtract } from "../../site/plan/portRanges";

/** What can be reserved here, by Mesos' own names. */
export const SCALARS = ["cpus", "mem", "disk", "gpus"] as const;
export type Scalars = Partial<Record<(typeof SCALARS)[number], number>>;

/** Scalars and ports. */
export interface Amounts {
    readonly scalars: Scalars;
    /** Inclusive. */
    readonly ports: readonly NumberRange[];
}

export type Labels = Readonly<Record<string, string>>;

const thousandths = (amount: number): number => Math.round(amount * 1000) / 1000;

/** What is in one and not in the other. */
export function lacking(wanted: Amounts, present: Amounts): Amounts {
    const scalars = SCALARS.map(
        (name) => [name, thousandths((wanted.scalars[name] ?? 0) - (present.scalars[name] ?? 0))] as const,
    );
    return {
        scalars: Object.fromEntries(scalars.filter(([, amount]) => amount > 0)),
        ports: subtract(wanted.ports, present.ports),
    };
}

export const isNothing = ({ scalars, ports }: Amounts): boolean =>
    Object.keys(scalars).length === 0 && ports.length === 0;

/** As calls of the operator API want them. */
export function resourcesOf({ scalars, ports }: Amounts, reservation: JsonObject): JsonObject[] {
    const range = ports.map(([begin, end]) => ({ begin, end }));
    return [
        ...Object.entries(scalars).map(([name, value]) => ({
            name,
            type: "SCALAR",
            scalar: { value: thousandths(value) },
            reservations: [reservation],
        })),
        ...(range.length === 0
            ? []
            : [{ name: "ports", type: "RANGES", ranges: { range }, reservations: [reservation] }]),
    ];
}

export interface Volume {
    readonly sizeMiB: number;
    /** In the task's folder. */
    readonly containerPath: string;
}

export interface HeldVolume extends Volume {
    /** Made by the operator, not by a framework. */
    readonly isOurs: boolean;
    /** As the calls of the operator API want it. */
    readonly raw: JsonObject;
}

export interface Held {
    readonly agentId: string;
    /** Everything that is reserved, volumes and further reservations on it included. Without what is 0. */
    readonly total: Amounts;
    readonly labels: Labels;
    /** By id. */
    readonly volumes: Readonly<Record<string, HeldVolume>>;
}

export interface Holder {
    readonly hostname: string;
    readonly role: string;
    /** The operator's; undefined where masters ask nobody who he is. */
    readonly principal: string | undefined;
    /** Those of the reservation, and no others. Undefined takes what has none, or else the first that there is. */
    readonly labels: Labels | undefined;
}

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const object = (value: unknown): JsonObject => (isObject(value) ? value : {});
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const amountOf = ({ scalar }: JsonObject): number => {
    const { value } = object(scalar);
    return typeof value === "number" ? value : 0;
};

const labelsOf = (resource: JsonObject): Labels =>
    Object.fromEntries(
        objects(object(objects(resource["reservations"])[0]?.["labels"])["labels"])
            .map(({ key, value }) => [text(key), text(value)] as const)
            .sort(([one], [other]) => (one < other ? -1 : 1)),
    );

const labelKey = (labels: Labels): string => JSON.stringify(Object.entries(labels).sort());

/** Reservations of frameworks carry labels or a principal of their own; disks with a source are devices, not the agent's own disk. */
function isHeld(resource: JsonObject, { role, principal = "" }: Holder): boolean {
    const [first] = objects(resource["reservations"]);
    return (
        first?.["type"] === "DYNAMIC" &&
        first["role"] === role &&
        text(first["principal"]) === principal &&
        object(resource["disk"])["source"] === undefined
    );
}

function portsOf({ name, ranges }: JsonObject): NumberRange[] {
    const number = (value: unknown): number => (typeof value === "number" ? value : 0);
    return name === "ports"
        ? objects(object(ranges)["range"]).map(({ begin, end }) => [number(begin), number(end)] as const)
        : [];
}

function volumeOf(resource: JsonObject, { principal = "" }: Holder): [string, HeldVolume][] {
    const { persistence, volume } = object(resource["disk"]);
    const id = text(object(persistence)["id"]);
    if (id === "") return [];
    // Older fields say the same again; a call takes the one or the other.
    const raw = Object.fromEntries(Object.entries(resource).filter(([key]) => key !== "role" && key !== "reservation"));
    return [
        [
            id,
            {
                sizeMiB: amountOf(resource),
                containerPath: text(object(volume)["container_path"]),
                isOurs: text(object(persistence)["principal"]) === principal,
                raw,
            },
        ],
    ];
}

/**
 * @param answer GET_AGENTS
 * @returns undefined when no such agent is registered
 */
export function heldOf(answer: JsonObject, holder: Holder): Held | undefined {
    const agent = objects(object(answer["get_agents"])["agents"]).find(
        ({ agent_info: info, active }) => active === true && object(info)["hostname"] === holder.hostname,
    );
    if (agent === undefined) return undefined;
    const all = objects(agent["total_resources"]).filter((resource) => isHeld(resource, holder));
    const found = all.map(labelsOf);
    const labels = holder.labels ?? found.find((one) => Object.keys(one).length === 0) ?? found[0] ?? {};
    const held = all.filter((_, index) => labelKey(found[index] ?? {}) === labelKey(labels));
    const sums = SCALARS.map((name) => {
        const own = held.filter((resource) => resource["name"] === name);
        return [name, thousandths(own.reduce((sum, resource) => sum + amountOf(resource), 0))] as const;
    });
    return {
        agentId: text(object(object(agent["agent_info"])["id"])["value"]),
        total: {
            scalars: Object.fromEntries(sums.filter(([, sum]) => sum > 0)),
            ports: coalesce(held.flatMap(portsOf)),
        },
        labels,
        volumes: Object.fromEntries(held.flatMap((resource) => volumeOf(resource, holder))),
    };
}
