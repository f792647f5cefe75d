/** What an operator keeps in code of Mesos itself: quotas, weights, maintenance windows. */
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import type { MasterAddress, OperatorApi } from "../clients/mesos";
import type { Connection } from "../../site/plan/types";
import type { Credential } from "../host/config";
import { differences, type Properties } from "../wire";
import { type CheckFailure, type ResourceType, UserError } from "./resource";

export interface MastersInputs {
    readonly masters: readonly MasterAddress[];
    readonly operator?: Credential;
    /** How to reach the masters where they are behind a bastion. */
    readonly connection?: Connection;
}

export interface OperatorDependencies {
    /** Without inputs, the masters of the plugin's configuration. */
    readonly operator: (masters: MastersInputs | undefined) => OperatorApi;
    /** One change of the maintenance schedule at a time: it is one document for the whole cluster. */
    readonly exclusive: <T>(masters: MastersInputs | undefined, work: () => Promise<T>) => Promise<T>;
}

export function mastersOf({ masters, operator, connection }: Properties): MastersInputs | undefined {
    if (!Array.isArray(masters)) return undefined;
    return {
        masters: masters as unknown as MasterAddress[],
        ...(isObject(operator) ? { operator: operator as unknown as Credential } : {}),
        ...(isObject(connection) ? { connection: connection as unknown as Connection } : {}),
    };
}

const control = new Set<string | number | undefined>(["masters", "operator", "connection"]);

function diffBy(key: string, before: Properties, after: Properties): ReturnType<ResourceType["diff"]> {
    const changes = differences(before, after).filter(({ path }) => !control.has(path[0]));
    return { changes, replaces: changes.map(({ path }) => path).filter(([first]) => first === key) };
}

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

function checkRole(role: unknown): CheckFailure[] {
    if (typeof role !== "string" || role === "")
        return [{ property: "role", reason: "names the role: it must not be empty" }];
    if (role === "*")
        return [{ property: "role", reason: "the role * is everybody's: it has neither quota nor weight of its own" }];
    if (/\s|^[.-]|\/\/|^\/|\/$/.test(role)) return [{ property: "role", reason: `"${role}" is no role's name` }];
    return [];
}

const RESOURCES = ["cpus", "mem", "disk", "gpus"];

function amounts(value: unknown): JsonObject {
    return Object.fromEntries(
        Object.entries(isObject(value) ? value : {}).map(([name, amount]) => [
            name,
            isObject(amount) ? (amount["value"] ?? 0) : 0,
        ]),
    );
}

const scalars = (value: unknown): JsonObject =>
    Object.fromEntries(Object.entries(isObject(value) ? value : {}).map(([name, amount]) => [name, { value: amount }]));

/** What a quota says, however it is written: nothing is an empty map, and how it is sent is no part of it. */
const meaningOf = (quota: Properties): Properties => ({
    ...Object.fromEntries(Object.entries(quota).filter(([key]) => key !== "force")),
    limits: quota["limits"] ?? {},
    guarantees: quota["guarantees"] ?? {},
});

/** Limits and guarantees of a role. */
export function mesosQuota({ operator }: OperatorDependencies): ResourceType {
    const set = async (properties: Properties, limits: JsonObject, guarantees: JsonObject): Promise<void> => {
        await operator(mastersOf(properties)).operate("UPDATE_QUOTA", {
            update_quota: {
                force: properties["force"] === true,
                quota_configs: [{ role: properties["role"], limits, guarantees }],
            },
        });
    };
    const apply = (properties: Properties): Promise<void> =>
        set(properties, scalars(properties["limits"]), scalars(properties["guarantees"])).catch((error: unknown) => {
            throw new UserError(
                `quota of role ${word(properties["role"])}: ${(error as Error).message}\n  fix: a limit below what the role uses is refused; raise it, or stop tasks first`,
            );
        });
    return {
        check(properties) {
            const { role, limits, guarantees } = properties;
            const failures = checkRole(role);
            for (const [name, values] of Object.entries({ limits, guarantees }))
                for (const [resource, amount] of Object.entries(isObject(values) ? values : {})) {
                    if (!RESOURCES.includes(resource))
                        failures.push({
                            property: `${name}.${resource}`,
                            reason: `only ${RESOURCES.join(", ")} can be limited`,
                        });
                    else if (typeof amount !== "number" || amount < 0)
                        failures.push({ property: `${name}.${resource}`, reason: "must be a number of 0 or more" });
                    const limit = isObject(limits) ? limits[resource] : undefined;
                    if (
                        name === "guarantees" &&
                        typeof limit === "number" &&
                        typeof amount === "number" &&
                        amount > limit
                    )
                        failures.push({
                            property: `guarantees.${resource}`,
                            reason: `${amount} is more than the limit ${limit}`,
                        });
                }
            return failures;
        },
        diff: (before, after) => diffBy("role", meaningOf(before), meaningOf(after)),
        async create(properties, preview) {
            if (!preview) await apply(properties);
            return { id: word(properties["role"]), outputs: {} };
        },
        async update(id, _before, properties, preview) {
            if (!preview) await apply(properties);
            return { id, outputs: {} };
        },
        async read(id, properties) {
            const answer = await operator(mastersOf(properties)).operate("GET_QUOTA", {});
            const status =
                isObject(answer["get_quota"]) && isObject(answer["get_quota"]["status"])
                    ? answer["get_quota"]["status"]
                    : {};
            const config = [...objects(status["configs"]), ...objects(status["infos"])].find(({ role }) => role === id);
            if (config === undefined) return undefined;
            const [limits, guarantees] = [amounts(config["limits"]), amounts(config["guarantees"])];
            if (Object.keys(limits).length === 0 && Object.keys(guarantees).length === 0) return undefined;
            return {
                id,
                outputs: {},
                inputs: {
                    ...properties,
                    role: id,
                    ...(Object.keys(limits).length > 0 || properties["limits"] !== undefined ? { limits } : {}),
                    ...(Object.keys(guarantees).length > 0 || properties["guarantees"] !== undefined
                        ? { guarantees }
                        : {}),
                },
            };
        },
        delete: (id, properties) => set({ ...properties, role: id }, {}, {}),
    };
}

/** A role's share against other roles. */
export function mesosWeight({ operator }: OperatorDependencies): ResourceType {
    const set = (properties: Properties, role: unknown, weight: unknown): Promise<unknown> =>
        operator(mastersOf(properties)).operate("UPDATE_WEIGHTS", {
            update_weights: { weight_infos: [{ role, weight }] },
        });
    return {
        check({ role, weight }) {
            return [
                ...checkRole(role),
                ...(typeof weight === "number" && weight > 0
                    ? []
                    : [{ property: "weight", reason: "must be a number above 0" }]),
            ];
        },
        diff: (before, after) => diffBy("role", before, after),
        async create(properties, preview) {
            if (!preview) await set(properties, properties["role"], properties["weight"]);
            return { id: word(properties["role"]), outputs: {} };
        },
        async update(id, _before, properties, preview) {
            if (!preview) await set(properties, id, properties["weight"]);
            return { id, outputs: {} };
        },
        async read(id, properties) {
            const answer = await operator(mastersOf(properties)).operate("GET_WEIGHTS", {});
            const weights = isObject(answer["get_weights"]) ? objects(answer["get_weights"]["weight_infos"]) : [];
            const found = weights.find(({ role }) => role === id);
            return found === undefined
                ? undefined
                : { id, outputs: {}, inputs: { ...properties, role: id, weight: found["weight"] ?? 1 } };
        },
        // Mesos keeps a weight for ever: 1 is what a role without one has.
        async delete(id, properties) {
            await set(properties, id, 1);
        },
    };
}

interface Machine {
    readonly hostname: string;
    readonly ip: string;
}

const machineKey = ({ hostname, ip }: Machine): string => `${hostname.toLowerCase()} ${ip}`;

function machinesOf(value: unknown): Machine[] {
    return objects(value).map(({ hostname, ip }) => ({ hostname: word(hostname ?? ""), ip: word(ip ?? "") }));
}

const windowId = (machines: readonly Machine[]): string => machines.map(machineKey).sort().join(", ");

interface Window {
    readonly machines: readonly Machine[];
    readonly raw: JsonObject;
}

/** Some agents that are foretold to be away for some time. */
export function mesosMaintenance({ operator, exclusive }: OperatorDependencies): ResourceType {
    const read = async (properties: Properties): Promise<Window[]> => {
        const answer = await operator(mastersOf(properties)).operate("GET_MAINTENANCE_SCHEDULE", {});
        const found = answer["get_maintenance_schedule"];
        const schedule = isObject(found) && isObject(found["schedule"]) ? found["schedule"] : {};
        return objects(schedule["windows"]).map((raw) => ({ raw, machines: machinesOf(raw["machine_ids"]) }));
    };
    /** Puts a window in place of another one, or only takes that away; all other windows stay to the letter. */
    const change = (properties: Properties, old: string | undefined, own: JsonObject | undefined): Promise<void> =>
        exclusive(mastersOf(properties), async () => {
            const others = (await read(properties)).filter(({ machines }) => windowId(machines) !== old);
            const wanted = new Set(machinesOf(properties["machines"]).map(machineKey));
            const taken = others
                .flatMap(({ machines }) => machines)
                .filter((machine) => wanted.has(machineKey(machine)));
            if (own !== undefined && taken.length > 0)
                throw new UserError(
                    `${taken.map(({ hostname }) => hostname).join(", ")}: in another maintenance window already, and Mesos knows one per machine; nothing was changed`,
                );
            const windows = [...others.map(({ raw }) => raw), ...(own === undefined ? [] : [own])];
            await operator(mastersOf(properties)).operate("UPDATE_MAINTENANCE_SCHEDULE", {
                update_maintenance_schedule: { schedule: { windows } },
            });
        });
    const windowOf = ({ machines, start, durationSec }: Properties): JsonObject => ({
        machine_ids: machinesOf(machines).map(({ hostname, ip }) => ({ hostname, ip })),
        unavailability: {
            start: { nanoseconds: Date.parse(word(start)) * 1e6 },
            ...(typeof durationSec === "number" ? { duration: { nanoseconds: durationSec * 1e9 } } : {}),
        },
    });
    const idOf = (properties: Properties): string => windowId(machinesOf(properties["machines"]));
    return {
        check({ machines, start, durationSec }) {
            const failures: CheckFailure[] = [];
            const all = machinesOf(machines);
            if (all.length === 0) failures.push({ property: "machines", reason: "names at least one agent" });
            if (all.some(({ hostname, ip }) => hostname === "" || ip === ""))
                failures.push({
                    property: "machines",
                    reason: "needs hostname and ip of each, both as the agent registered them",
                });
            if (new Set(all.map(machineKey)).size < all.length)
                failures.push({ property: "machines", reason: "names an agent twice" });
            if (
                typeof start !== "string" ||
                !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(start) ||
                Number.isNaN(Date.parse(start))
            )
                failures.push({ property: "start", reason: "must be a time with its zone, e.g. 2027-01-31T22:00:00Z" });
            if (durationSec !== undefined && (typeof durationSec !== "number" || durationSec <= 0))
                failures.push({ property: "durationSec", reason: "must be a number of seconds above 0" });
            return failures;
        },
        diff(before, after) {
            const changes = differences(before, after).filter(
                ({ path }) =>
                    !control.has(path[0]) &&
                    (path[0] !== "start" || Date.parse(word(before["start"])) !== Date.parse(word(after["start"]))),
            );
            return { changes };
        },
        async create(properties, preview) {
            const id = idOf(properties);
            // The same machines from a run that was stopped: the window is put in its place.
            if (!preview) await change(properties, id, windowOf(properties));
            return { id, outputs: {} };
        },
        async update(id, before, properties, preview) {
            if (!preview) await change(properties, idOf(before), windowOf(properties));
            return { id, outputs: {} };
        },
        async read(id, properties) {
            const wanted = idOf(properties) === "" ? id : idOf(properties);
            const found = (await read(properties)).find(({ machines }) => windowId(machines) === wanted);
            if (found === undefined) return undefined;
            const away = isObject(found.raw["unavailability"]) ? found.raw["unavailability"] : {};
            const nanoseconds = (value: unknown): number | undefined =>
                isObject(value) ? Number(value["nanoseconds"]) : undefined;
            const duration = nanoseconds(away["duration"]);
            const rest = Object.fromEntries(Object.entries(properties).filter(([key]) => key !== "durationSec"));
            return {
                id,
                outputs: {},
                inputs: {
                    ...rest,
                    machines: properties["machines"] ?? found.machines.map(({ hostname, ip }) => ({ hostname, ip })),
                    start: sameTime(properties["start"], (nanoseconds(away["start"]) ?? 0) / 1e6),
                    ...(duration === undefined ? {} : { durationSec: duration / 1e9 }),
                },
            };
        },
        delete: (_id, properties) => change(properties, idOf(properties), undefined),
    };
}

/** The declared spelling of a time where it is the same time. */
function sameTime(declared: unknown, at: number): string {
    return typeof declared === "string" && Date.parse(declared) === Math.round(at)
        ? declared
        : new Date(Math.round(at)).toISOString();
}
