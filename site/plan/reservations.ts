/** Resources of agents that are kept for a role, and the persistent volumes on them. */
import { formatPath, issue, type IssueDetails } from "../issue";
import { nearest } from "../nearest";
import type { SiteConfig } from "../schema";
import { coalesce, common, covers, formatRanges, type NumberRange } from "./portRanges";
import type { Issue, SitePlan } from "./types";

export interface VolumePlan {
    readonly sizeMiB: number;
    readonly containerPath: string;
}

/** What is reserved for one role on one agent. */
export interface ReservationPlan {
    /** `HOSTNAME/ROLE`, which is also the id to import it by. */
    readonly name: string;
    /** As the agent registers. */
    readonly hostname: string;
    readonly role: string;
    /** By Mesos' own names: cpus, mem (MiB), disk (MiB, volumes included), gpus. */
    readonly resources: Readonly<Record<string, number>>;
    /** Inclusive, sorted and joined, e.g. [[31000, 31009]]; empty for none. */
    readonly ports: readonly NumberRange[];
    readonly labels: Readonly<Record<string, string>>;
    /** By id. */
    readonly volumes: Readonly<Record<string, VolumePlan>>;
    /** Pool of the agent; none when the agents are others'. */
    readonly pool?: string;
}

type ReservationConfig = SiteConfig["reservations"][string];

interface Agent {
    readonly hostname: string;
    readonly pool?: string;
    /** Undefined when the agents are others'. */
    readonly has?: Readonly<Record<string, number>>;
    readonly ports?: readonly NumberRange[];
    /** Role that all of the agent is reserved for by its own flags. */
    readonly role?: string;
}

const names = { cpus: "cpus", memMiB: "mem", diskMiB: "disk", gpus: "gpus" } as const;
const keyOf = Object.fromEntries(Object.entries(names).map(([key, name]) => [name, key]));

const amountsOf = (resources: Readonly<Partial<Record<keyof typeof names, unknown>>>): Record<string, number> =>
    Object.fromEntries(
        Object.entries(names).flatMap(([key, name]) => {
            const amount = resources[key as keyof typeof names];
            return typeof amount === "number" ? [[name, amount]] : [];
        }),
    );

/** The agents of this site by the name of their host. */
function agentsOf(plan: SitePlan): Map<string, Agent> {
    return new Map(
        plan.pools.flatMap(({ name: pool, agents }) =>
            agents.flatMap(({ host, service }): [string, Agent][] => {
                if (service.kind !== "mesosAgent") return [];
                const { role, ports, ...resources } = service.resources;
                const own = { hostname: service.hostname, pool, has: amountsOf(resources), ports };
                return [[host, { ...own, ...(role === undefined ? {} : { role }) }]];
            }),
        ),
    );
}

const portsOf = ({ resources: { ports = [] } }: ReservationConfig): NumberRange[] =>
    ports.map((text): NumberRange => {
        const [low = 0, high = 0] = text.split("-").map(Number);
        return [low, high];
    });

interface Placed {
    readonly plan: ReservationPlan;
    /** Where the stack file says it. */
    readonly path: string;
}

class Reservations {
    public readonly issues: Issue[] = [];
    private readonly placed: Placed[] = [];
    private readonly agents: ReadonlyMap<string, Agent>;

    public constructor(
        private readonly site: SiteConfig,
        plan: SitePlan,
        private readonly expand: (names: readonly string[]) => readonly string[],
    ) {
        this.agents = agentsOf(plan);
    }

    public get plans(): ReservationPlan[] {
        return this.placed.map(({ plan }) => plan);
    }

    private fault(code: string, path: string, message: string, more: IssueDetails = {}): void {
        this.issues.push(issue(code, path, message, more));
    }

    /** The agents that are meant. */
    private where(path: string, { pool, hosts }: ReservationConfig): Agent[] {
        if ((pool === undefined) === (hosts === undefined)) {
            this.fault("RESERVATION_WHERE", path, "give either `pool` or `hosts`", {
                allowed: "exactly one of the two",
            });
            return [];
        }
        if (pool !== undefined) {
            if (this.site.pools[pool] === undefined) {
                const near = nearest(pool, Object.keys(this.site.pools));
                this.fault("RESERVATION_POOL", `${path}.pool`, "there is no such pool", {
                    value: pool,
                    ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
                });
            }
            return [...this.agents.values()].filter((agent) => agent.pool === pool);
        }
        return this.expand(hosts ?? []).flatMap((host): Agent[] => {
            const agent = this.agents.get(host);
            if (agent !== undefined) return [agent];
            // Agents of others are known to their masters only.
            if (this.agents.size === 0) return [{ hostname: host }];
            const near = nearest(host, this.agents.keys());
            this.fault("RESERVATION_HOST", `${path}.hosts`, `${host} is no agent of this site`, {
                value: host,
                ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
            });
            return [];
        });
    }

    private checkRole(path: string, role: string): void {
        const known = new Set([
            ...Object.values(this.site.frameworks).flatMap(({ roles }) => roles),
            ...Object.keys(this.site.quotas),
        ]);
        if (role === "*")
            this.fault("RESERVATION_ROLE", path, "the role * is everybody's: nothing is reserved for it", {
                value: role,
            });
        else if (this.site.masters.existing === undefined && !known.has(role)) {
            const near = nearest(role, known);
            this.fault("RESERVATION_ROLE", path, "no framework of this site may use this role", {
                value: role,
                allowed:
                    [...known]
                        .filter((one) => one !== "*")
                        .sort()
                        .join(", ") || "declare one under `frameworks`",
                ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
            });
        }
    }

    private checkVolumes(path: string, { resources, volumes }: ReservationConfig): void {
        const entries = Object.entries(volumes);
        const size = entries.reduce((sum, [, { sizeMiB }]) => sum + sizeMiB, 0);
        if (size > (resources.diskMiB ?? 0))
            this.fault("RESERVATION_DISK", `${path}.resources.diskMiB`, "is less than its volumes together", {
                value: resources.diskMiB ?? 0,
                allowed: `${size} or more`,
            });
        const paths = entries.map(([id, { containerPath = id }]) => containerPath);
        const twice = paths.find((one, index) => paths.indexOf(one) !== index);
        if (twice !== undefined)
            this.fault("RESERVATION_PATH", `${path}.volumes`, "two volumes have the same path in a task", {
                value: twice,
            });
    }

    /** @returns those that are ports at all */
    private ports(path: string, config: ReservationConfig): NumberRange[] {
        const ranges = portsOf(config);
        const isRange = ([low, high]: NumberRange): boolean => low >= 1 && low <= high && high <= 65_535;
        for (const [index, range] of ranges.entries())
            if (!isRange(range))
                this.fault("RESERVATION_PORTS", `${path}.resources.ports[${index}]`, "is no range of ports", {
                    value: formatRanges([range]),
                    allowed: "LOW-HIGH, both from 1 to 65535",
                });
        return coalesce(ranges.filter(isRange));
    }

    public add(name: string, config: ReservationConfig): void {
        const path = formatPath(["reservations", name]);
        this.checkRole(`${path}.role`, config.role);
        this.checkVolumes(path, config);
        const resources = amountsOf(config.resources);
        const ports = this.ports(path, config);
        if (Object.keys(resources).length === 0 && config.resources.ports === undefined)
            this.fault("RESERVATION_EMPTY", `${path}.resources`, "reserves nothing", {
                allowed: [...Object.keys(names), "ports"].join(", "),
            });
        for (const agent of this.where(path, config)) {
            const { hostname, pool, role } = agent;
            const twin = this.placed.find(({ plan: one }) => one.hostname === hostname && one.role === config.role);
            if (twin !== undefined)
                this.fault(
                    "RESERVATION_TWICE",
                    path,
                    `${hostname} has a reservation for ${config.role} already: ${twin.path}`,
                    {
                        fix: "make one of both",
                    },
                );
            if (role !== undefined && role !== "*")
                this.fault(
                    "RESERVATION_STATIC",
                    path,
                    `all of ${hostname} is reserved for ${role} by its pool's \`defaultRole\``,
                    {
                        fix: "take the role from the pool, or reserve nothing on it",
                    },
                );
            this.placed.push({
                path,
                plan: {
                    name: `${hostname}/${config.role}`,
                    hostname,
                    role: config.role,
                    resources,
                    ports,
                    labels: config.labels,
                    volumes: Object.fromEntries(
                        Object.entries(config.volumes).map(([id, { sizeMiB, containerPath = id }]) => [
                            id,
                            { sizeMiB, containerPath },
                        ]),
                    ),
                    ...(pool === undefined ? {} : { pool }),
                },
            });
        }
    }

    /** Ports of a reservation must be the agent's, and no other's. */
    private checkPorts({ hostname, ports }: Agent, own: readonly Placed[], told: Set<string>): void {
        for (const [index, { path, plan }] of own.entries()) {
            const at = `${path}.resources.ports`;
            const other = own.slice(0, index).find(({ plan: one }) => common(one.ports, plan.ports).length > 0);
            const isOutside = ports !== undefined && !covers(ports, plan.ports);
            if ((other === undefined && !isOutside) || told.has(at)) continue;
            told.add(at);
            const value = formatRanges(plan.ports);
            if (other !== undefined)
                this.fault("RESERVATION_PORTS", at, `${other.path} reserves some of these on ${hostname} already`, {
                    value,
                    fix: `take ${formatRanges(common(other.plan.ports, plan.ports))} out of one of both`,
                });
            else
                this.fault("RESERVATION_FIT", at, `${hostname} does not have these`, {
                    value,
                    allowed: formatRanges(ports ?? []),
                });
        }
    }

    /** All reservations of an agent together must leave it what it has; each fault is told once, of the first agent. */
    public checkFit(): void {
        const told = new Set<string>();
        const others = [...new Set(this.placed.map(({ plan }) => plan.hostname))]
            .filter((hostname) => ![...this.agents.values()].some((agent) => agent.hostname === hostname))
            .map((hostname): Agent => ({ hostname }));
        for (const agent of [...this.agents.values(), ...others]) {
            const { hostname, has } = agent;
            const own = this.placed.filter(({ plan }) => plan.hostname === hostname);
            this.checkPorts(agent, own, told);
            if (has === undefined) continue;
            for (const [resource, most] of Object.entries({ gpus: 0, ...has })) {
                const sum = own.reduce((total, { plan: { resources } }) => total + (resources[resource] ?? 0), 0);
                if (sum <= most + 1e-9) continue;
                const path =
                    own.findLast(({ plan: { resources } }) => (resources[resource] ?? 0) > 0)?.path ?? "reservations";
                const at = `${path}.resources.${keyOf[resource] ?? resource}`;
                if (told.has(at)) continue;
                told.add(at);
                const all =
                    own.length > 1 ? `, with the agent's other reservations ${Math.round(sum * 1000) / 1000}` : "";
                this.fault("RESERVATION_FIT", at, `${hostname} does not have so much${all}`, {
                    value: own.find((one) => one.path === path)?.plan.resources[resource] ?? sum,
                    allowed: `${most} on each agent`,
                });
            }
        }
    }
}

/** Every reservation of the site, one for each role and agent, or what is wrong with them. */
export function planReservations(
    site: SiteConfig,
    plan: SitePlan,
    expand: (names: readonly string[]) => readonly string[],
): { readonly reservations: readonly ReservationPlan[]; readonly issues: readonly Issue[] } {
    const all = new Reservations(site, plan, expand);
    for (const [name, config] of Object.entries(site.reservations)) all.add(name, config);
    all.checkFit();
    return {
        reservations: all.plans,
        issues: all.issues,
    };
}
