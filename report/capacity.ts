/** What the agents have to give before and after, and what is left when one failure domain is lost. */
import { hostConfigType, inputsOf } from "./hosts";
import type { Preview, Step } from "./steps";
import { definitionOf, instancesOf } from "./work";

export interface Amount {
    readonly agents: number;
    readonly cpus: number;
    readonly memMiB: number;
}

export interface Capacity {
    readonly pools: Readonly<Record<string, Amount>>;
    readonly total: Amount;
    /** By zone; an agent whose zone is not known is in `?`. */
    readonly zones: Readonly<Record<string, Amount>>;
    /** What is left when the zone that gives most CPUs is lost; undefined with fewer than two zones. */
    readonly withoutLargest?: Amount & { readonly zone: string };
    /** What the declared apps and pods take. */
    readonly declared: { readonly cpus: number; readonly memMiB: number };
}

const none: Amount = { agents: 0, cpus: 0, memMiB: 0 };
const plus = (a: Amount, b: Amount): Amount => ({
    agents: a.agents + b.agents,
    cpus: round(a.cpus + b.cpus),
    memMiB: a.memMiB + b.memMiB,
});

/** Sums of tenths of a CPU, without the digits of floating point. */
const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Zone of each agent, from the stack's outputs. */
function zonesOf(outputs: unknown): Map<string, string> {
    const endpoints = (outputs as { endpoints?: { agents?: { name: string; zone?: string }[] } } | undefined)
        ?.endpoints;
    const agents = Array.isArray(endpoints?.agents) ? endpoints.agents : [];
    return new Map(agents.flatMap(({ name, zone }) => (zone === undefined ? [] : [[name, zone] as const])));
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0);

function demandOf(definition: Readonly<Record<string, unknown>> | undefined): { cpus: number; memMiB: number } {
    if (definition === undefined) return { cpus: 0, memMiB: 0 };
    const parts = Array.isArray(definition["containers"])
        ? (definition["containers"] as Record<string, unknown>[]).map((container) => container["resources"])
        : [definition];
    const sum = (key: string): number =>
        parts.reduce<number>((all, part) => all + number((part as Record<string, unknown> | undefined)?.[key]), 0);
    const instances = instancesOf(definition);
    return { cpus: instances * sum("cpus"), memMiB: instances * sum("mem") };
}

function agentOf(
    step: Step,
    side: "before" | "after",
    zones: ReadonlyMap<string, string>,
): [string, string, Amount] | undefined {
    if (step.type !== hostConfigType) return undefined;
    const config = inputsOf(step[side]?.inputs);
    if (config?.service.kind !== "mesosAgent" || config.service.drained === true) return undefined;
    const { pool, resources, domain } = config.service;
    const zone = config.zone ?? zones.get(config.host) ?? domain?.zone ?? "?";
    return [pool, zone, { agents: 1, cpus: number(resources.cpus), memMiB: number(resources.memMiB) }];
}

/** An agent that is drained gives nothing. */
export function capacityOf(preview: Preview, side: "before" | "after"): Capacity {
    const zones = zonesOf(preview.outputs.after);
    // A host keeps its zone; one that leaves is only in the outputs before.
    for (const [name, zone] of zonesOf(preview.outputs.before))
        if (side === "before" || !zones.has(name)) zones.set(name, zone);
    const agents = preview.steps.flatMap((step) => {
        const agent = agentOf(step, side, zones);
        return agent === undefined ? [] : [agent];
    });
    const by = (index: 0 | 1): Record<string, Amount> => {
        const sums: Record<string, Amount> = {};
        for (const agent of agents) sums[agent[index]] = plus(sums[agent[index]] ?? none, agent[2]);
        return Object.fromEntries(Object.entries(sums).sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));
    };
    const total = agents.reduce((sum, [, , amount]) => plus(sum, amount), none);
    const byZone = by(1);
    const known = Object.entries(byZone).filter(([zone]) => zone !== "?");
    const [largest] = [...known].sort(([, a], [, b]) => b.cpus - a.cpus);
    const demands = preview.steps
        .filter(({ type }) => type === "mesos:index:MarathonApp" || type === "mesos:index:MarathonPod")
        .map((step) => demandOf(definitionOf(step, side)));
    return {
        pools: by(0),
        total,
        zones: byZone,
        ...(largest === undefined || known.length < 2
            ? {}
            : {
                  withoutLargest: {
                      zone: largest[0],
                      agents: total.agents - largest[1].agents,
                      cpus: round(total.cpus - largest[1].cpus),
                      memMiB: total.memMiB - largest[1].memMiB,
                  },
              }),
        declared: {
            cpus: round(demands.reduce((sum, { cpus }) => sum + cpus, 0)),
            memMiB: demands.reduce((sum, { memMiB }) => sum + memMiB, 0),
        },
    };
}
