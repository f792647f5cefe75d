/** Agents as the masters tell them: what a preview judges by where the stack declares none of its own. */
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import type { Capacity, Demand } from "../../site/marathon";
import type { OperatorApi } from "../clients/mesos";

const objects = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);
const object = (value: unknown): JsonObject => (isObject(value) ? value : {});
const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** An agent that takes tasks, in the operator API's own words. */
export type LiveAgent = JsonObject;

/** The last reservation counts; older answers have a role instead. */
const roleOf = ({ reservations, role }: JsonObject): string =>
    text(objects(reservations).at(-1)?.["role"]) || text(role) || "*";

function attributesOf(attributes: unknown): Record<string, string> {
    return Object.fromEntries(
        objects(attributes).map(({ name, text: said, scalar }) => [
            text(name),
            text(object(said)["value"]) || word(object(scalar)["value"]),
        ]),
    );
}

/** What an agent has for one who may use the resources of these roles. */
export function capacityOf(agent: LiveAgent, roles: ReadonlySet<string>): Capacity {
    const info = object(agent["agent_info"]);
    const fault = object(object(info["domain"])["fault_domain"]);
    const usable = objects(agent["total_resources"]).filter((resource) => roles.has(roleOf(resource)));
    const sum = (wanted: string): number =>
        usable
            .filter(({ name }) => name === wanted)
            .reduce((total, { scalar }) => total + number(object(scalar)["value"]), 0);
    const [region, zone] = ["region", "zone"].map((level) => text(object(fault[level])["name"]));
    return {
        pool: "running agents",
        hostname: text(info["hostname"]),
        attributes: attributesOf(info["attributes"]),
        cpus: sum("cpus"),
        memMiB: sum("mem"),
        diskMiB: sum("disk"),
        gpus: sum("gpus"),
        role: [...roles][0] ?? "*",
        ports: usable
            .filter(({ name }) => name === "ports")
            .flatMap(({ ranges }) => objects(object(ranges)["range"]))
            .map(({ begin, end }) => [number(begin), number(end)] as const),
        ...(region === "" || region === undefined ? {} : { region }),
        ...(zone === "" || zone === undefined ? {} : { zone }),
    };
}

/** As `checkFit` wants them. */
export const capacitiesFor = (agents: readonly LiveAgent[], { acceptedRoles, role }: Demand): Capacity[] =>
    agents.map((agent) => capacityOf(agent, new Set(acceptedRoles ?? ["*", role])));

/** Agents that take tasks now; undefined when no master answers. */
export async function liveAgents(api: OperatorApi, patienceMs: number): Promise<readonly LiveAgent[] | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patienceMs)));
    try {
        const answer = await Promise.race([api.operate("GET_AGENTS", {}), late]);
        if (answer === undefined) return undefined;
        return objects(object(answer["get_agents"])["agents"]).filter(
            ({ active, deactivated, drain_info: drain }) =>
                active === true && deactivated !== true && drain === undefined,
        );
    } catch {
        return undefined;
    } finally {
        clearTimeout(timer);
    }
}
