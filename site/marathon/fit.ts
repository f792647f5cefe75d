/** Whether the declared pools can hold what is declared to run: before anything is sent, and with the reason. */
import { isObject, type JsonObject, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import { type Constraint, constraintsOf, type Operator } from "./constraints";
import { type NumberRange, subtract } from "../plan/portRanges";
import { type App, isResident, objects } from "./normalizeApp";

/** A part of an agent that is kept for a role. */
export interface Reserved {
    readonly role: string;
    readonly cpus: number;
    readonly memMiB: number;
    readonly diskMiB: number;
    readonly gpus: number;
    /** Inclusive ranges. @default - none */
    readonly ports?: readonly NumberRange[];
}

/** What one agent has to give. */
export interface Capacity {
    readonly pool: string;
    readonly hostname: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly cpus: number;
    readonly memMiB: number;
    readonly diskMiB: number;
    readonly gpus: number;
    /** Role that its resources are reserved for; "*" for none. */
    readonly role: string;
    /** Parts of it that are kept for other roles. @default - none */
    readonly reserved?: readonly Reserved[];
    /** Inclusive ranges. */
    readonly ports: readonly NumberRange[];
    readonly region?: string;
    readonly zone?: string;
}

/** What one app, pod or job asks for. */
export interface Demand {
    readonly instances: number;
    readonly cpus: number;
    readonly mem: number;
    readonly disk: number;
    readonly gpus: number;
    readonly role: string;
    readonly acceptedRoles?: readonly string[];
    readonly constraints: readonly Constraint[];
    readonly hostPorts: readonly number[];
    /** Whether an update must start a new instance before it may stop an old one. */
    readonly newFirst?: boolean;
}

/** All must stay healthy: nothing is stopped before something new runs. Resident tasks are stopped first all the same. */
function isNewFirst(strategy: unknown, instances: number): boolean {
    const healthy = isObject(strategy) ? strategy["minimumHealthCapacity"] : undefined;
    return typeof healthy === "number" && instances > 0 && Math.ceil(instances * healthy) >= instances;
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0);
const fixedPorts = (values: readonly unknown[]): number[] =>
    values.filter((port) => typeof port === "number" && port > 0) as number[];

/** What an app asks for. */
export function demandOfApp(app: App): Demand {
    const container = isObject(app["container"]) ? app["container"] : {};
    const accepted = app["acceptedResourceRoles"];
    const volumes = objects(container["volumes"]).map(({ persistent }) =>
        isObject(persistent) ? number(persistent["size"]) : 0,
    );
    return {
        instances: number(app["instances"]),
        cpus: number(app["cpus"]),
        mem: number(app["mem"]),
        disk: volumes.reduce((sum, size) => sum + size, number(app["disk"])),
        gpus: number(app["gpus"]),
        role: word(app["role"] ?? "*"),
        ...(Array.isArray(accepted) ? { acceptedRoles: accepted.map(word) } : {}),
        constraints: constraintsOf(app["constraints"]),
        hostPorts: fixedPorts([
            ...(app["requirePorts"] === true ? objects(app["portDefinitions"]).map(({ port }) => port) : []),
            ...objects(container["portMappings"]).map(({ hostPort }) => hostPort),
        ]),
        newFirst: isNewFirst(app["upgradeStrategy"], number(app["instances"])) && !isResident(app),
    };
}

/** What a pod asks for: all of its containers and its executor. */
export function demandOfPod(pod: App): Demand {
    const containers = objects(pod["containers"]);
    const executor = isObject(pod["executorResources"]) ? pod["executorResources"] : {};
    const sum = (name: string): number =>
        containers.reduce(
            (total, { resources }) => total + (isObject(resources) ? number(resources[name]) : 0),
            number(executor[name]),
        );
    const scheduling = isObject(pod["scheduling"]) ? pod["scheduling"] : {};
    const placement = isObject(scheduling["placement"]) ? scheduling["placement"] : {};
    const accepted = placement["acceptedResourceRoles"];
    const scaling = isObject(pod["scaling"]) ? pod["scaling"] : {};
    return {
        instances: number(scaling["instances"]),
        cpus: sum("cpus"),
        mem: sum("mem"),
        disk: sum("disk"),
        gpus: sum("gpus"),
        role: word(pod["role"] ?? "*"),
        ...(Array.isArray(accepted) ? { acceptedRoles: accepted.map(word) } : {}),
        constraints: objects(placement["constraints"]).map(({ fieldName, operator, value }) => ({
            field: word(fieldName),
            operator: operator as Operator,
            ...(typeof value === "string" ? { value } : {}),
        })),
        hostPorts: fixedPorts(
            containers.flatMap((container) => objects(container["endpoints"]).map(({ hostPort }) => hostPort)),
        ),
        newFirst: isNewFirst(scheduling["upgrade"], number(scaling["instances"])),
    };
}

/** What one run of a job asks for. */
export function demandOfJob(job: JsonObject, role: string): Demand {
    const run = isObject(job["run"]) ? job["run"] : {};
    const placement = isObject(run["placement"]) ? run["placement"] : {};
    return {
        instances: 1,
        cpus: number(run["cpus"]),
        mem: number(run["mem"]),
        disk: number(run["disk"]),
        gpus: number(run["gpus"]),
        role,
        constraints: objects(placement["constraints"]).map(({ attribute, operator, value }) => ({
            field: word(attribute),
            operator: operator as Operator,
            ...(typeof value === "string" ? { value } : {}),
        })),
        hostPorts: [],
    };
}

/** The value of a constraint's field on an agent. */
function valueOn(agent: Capacity, field: string): string | undefined {
    switch (field) {
        case "hostname":
        case "@hostname":
            return agent.hostname;
        case "@region":
            return agent.region;
        case "@zone":
            return agent.zone;
        default:
            return agent.attributes[field];
    }
}

function isMatch(value: string, pattern: string): boolean {
    try {
        return new RegExp(`^(?:${pattern})$`).test(value);
    } catch {
        // Java may read it; then the agents decide.
        return true;
    }
}

function allows({ field, operator, value: wanted = "" }: Constraint, agent: Capacity): boolean {
    const value = valueOn(agent, field);
    switch (operator) {
        case "LIKE":
            return value !== undefined && isMatch(value, wanted);
        case "UNLIKE":
            return value === undefined || !isMatch(value, wanted);
        case "IS":
            return value === wanted;
        case "CLUSTER":
            return value !== undefined && (wanted === "" || value === wanted);
        default:
            return value !== undefined;
    }
}

const written = ({ field, operator, value }: Constraint): string => [field, operator, value].filter(Boolean).join(" ");

const resources = [
    ["cpus", "cpus"],
    ["mem", "memMiB"],
    ["disk", "diskMiB"],
    ["gpus", "gpus"],
] as const;

function hasPorts({ ports }: Capacity, wanted: readonly number[]): boolean {
    return wanted.every((port) => ports.some(([low, high]) => port >= low && port <= high));
}

/** The longest common fault of all agents: which resource is too small even on the largest. */
function tooLarge(demand: Demand, agents: readonly Capacity[]): string[] {
    return resources.flatMap(([asked, has]) => {
        const most = Math.max(0, ...agents.map((agent) => agent[has]));
        return demand[asked] > most ? [`${asked} ${demand[asked]} > ${most}`] : [];
    });
}

type Amount = keyof Omit<Reserved, "role" | "ports">;

/** The agent as those see it who may use the resources of these roles; nothing when it has none for them. */
function usableBy(roles: ReadonlySet<string>, agent: Capacity): Capacity[] {
    const { reserved = [], role } = agent;
    const sum = (key: Amount, parts: readonly Reserved[]): number =>
        parts.reduce((total, part) => total + part[key], 0);
    const own = reserved.filter((part) => roles.has(part.role));
    const others = reserved.filter((part) => !roles.has(part.role));
    const isOpen = roles.has(role);
    if (!isOpen && own.length === 0) return [];
    const left = (key: Amount): number =>
        // Thousandths, as Mesos counts them.
        Math.round((isOpen ? agent[key] - sum(key, others) : sum(key, own)) * 1000) / 1000;
    const portsOf = (parts: readonly Reserved[]): NumberRange[] => parts.flatMap(({ ports = [] }) => ports);
    const ports = isOpen ? subtract(agent.ports, portsOf(others)) : portsOf(own);
    const amounts = { cpus: left("cpus"), memMiB: left("memMiB"), diskMiB: left("diskMiB"), gpus: left("gpus") };
    return [{ ...agent, ...amounts, ports }];
}

/** How many instances an empty agent holds. */
function roomFor(demand: Demand, agent: Capacity): number {
    if (!hasPorts(agent, demand.hostPorts)) return 0;
    const each = resources.map(([asked, has]) =>
        demand[asked] === 0 ? Infinity : Math.floor(agent[has] / demand[asked] + 1e-9),
    );
    return Math.min(demand.hostPorts.length > 0 ? 1 : Infinity, ...each);
}

/** How many instances the spreading constraints allow on these agents. */
function mostBy(constraint: Constraint, agents: readonly Capacity[]): number {
    const values = new Set(agents.map((agent) => valueOn(agent, constraint.field)));
    if (constraint.operator === "UNIQUE") return values.size;
    return constraint.operator === "MAX_PER" ? values.size * Number(constraint.value ?? 1) : Infinity;
}

/**
 * Says why something cannot run on these agents.
 * @param code prefix of the codes, "APP", "POD" or "JOB"
 * @param agents every agent of the site; none means that nothing is known and nothing is said
 * @param holder what agents are told as: declared ones are pools
 */
export function checkFit(
    code: string,
    demand: Demand,
    agents: readonly Capacity[],
    findings: Findings,
    holder = "pool",
): void {
    if (agents.length === 0 || demand.instances === 0) return;
    const roles = new Set(demand.acceptedRoles ?? ["*", demand.role]);
    const usable = agents.flatMap((agent) => usableBy(roles, agent));
    if (usable.length === 0) {
        findings.refuse(
            `${code}_FIT_ROLE`,
            "/role",
            `no ${holder} gives resources to the role ${[...roles].join(" or ")}`,
            {
                allowed: [...new Set(agents.map(({ role }) => role))].join(", "),
            },
        );
        return;
    }
    let left = usable;
    for (const constraint of demand.constraints) {
        const next = left.filter((agent) => allows(constraint, agent));
        if (next.length === 0) {
            const values = new Set(left.flatMap((agent) => valueOn(agent, constraint.field) ?? []));
            findings.refuse(
                `${code}_FIT_CONSTRAINT`,
                "/constraints",
                `constraint ${written(constraint)} matches no agent${left.length < agents.length ? " of those that are left" : ""}`,
                {
                    allowed:
                        values.size === 0
                            ? `no agent has the attribute ${constraint.field}`
                            : [...values].sort().slice(0, 12).join(", "),
                },
            );
            return;
        }
        left = next;
    }
    const large = tooLarge(demand, left);
    const holding = left.filter((agent) => roomFor(demand, agent) > 0);
    if (holding.length === 0) {
        const why =
            large.length > 0
                ? large.join(", ")
                : hasNoPorts(demand, left)
                  ? `host port ${demand.hostPorts.join(", ")} is outside of every ${holder}'s ports`
                  : "cpus, mem and disk are never there together";
        findings.refuse(`${code}_FIT`, "/", `no ${holder} can hold one instance: ${why}`, {
            allowed: [...new Set(left.map(({ pool }) => pool))]
                .map((pool) => `${pool}: ${describe(left.filter((agent) => agent.pool === pool))}`)
                .join("; "),
        });
        return;
    }
    for (const constraint of demand.constraints) {
        const most = mostBy(constraint, holding);
        if (most < demand.instances)
            findings.refuse(
                `${code}_FIT_SPREAD`,
                "/constraints",
                `constraint ${written(constraint)} needs ${constraint.operator === "UNIQUE" ? `${demand.instances} agents` : `room for ${demand.instances} instances`}, ${most} match`,
                { fix: `at most ${most} instances, or more agents` },
            );
    }
    checkUpdate(code, demand, holding, findings);
    const room = holding.reduce((sum, agent) => sum + roomFor(demand, agent), 0);
    if (room < demand.instances)
        findings.warn(
            `${code}_FIT_ROOM`,
            "/instances",
            `even empty ${holder}s hold ${room} of ${demand.instances} instances`,
        );
}

/** A new instance beside all old ones: where each agent takes only one, that needs an agent to spare. */
function checkUpdate(code: string, demand: Demand, holding: readonly Capacity[], findings: Findings): void {
    const { instances, hostPorts, constraints } = demand;
    const unique = constraints.find(({ operator, field }) => operator === "UNIQUE" && /^@?hostname$/.test(field));
    if (demand.newFirst !== true || (unique === undefined && hostPorts.length === 0) || instances !== holding.length)
        return;
    const why = unique === undefined ? `host port ${hostPorts.join(", ")}` : `constraint ${written(unique)}`;
    findings.warn(
        `${code}_FIT_UPDATE`,
        code === "POD" ? "/scheduling/upgrade" : "/upgradeStrategy",
        `runs, but can never be updated: ${why} allows one instance on each of the ${instances} agents that match, and a new one must run before an old one is stopped`,
        { fix: "minimumHealthCapacity below 1 and maximumOverCapacity 0, or one instance less" },
    );
}

function hasNoPorts(demand: Demand, agents: readonly Capacity[]): boolean {
    return demand.hostPorts.length > 0 && !agents.some((agent) => hasPorts(agent, demand.hostPorts));
}

function describe(agents: readonly Capacity[]): string {
    const most = (key: "cpus" | "memMiB" | "diskMiB"): number => Math.max(...agents.map((agent) => agent[key]));
    return `${most("cpus")} cpus, ${most("memMiB")} MiB mem, ${most("diskMiB")} MiB disk`;
}
