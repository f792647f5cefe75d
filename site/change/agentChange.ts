/** What a change of an agent's registered facts means: known at preview, from the old and the new plan. */
import { covers, formatRanges, type NumberRange } from "../plan/portRanges";
import type { AgentService } from "../plan/types";

/**
 * - `none`: nothing that Mesos registers changes (a restart, if any, is for other reasons and keeps tasks running)
 * - `inPlace`: the agent restarts and keeps its id and its tasks (`reconfiguration_policy=additive`)
 * - `newAgentId`: Mesos would refuse the agent for ever ("Incompatible agent info"): drain, stop, remove
 *   `meta/slaves/latest` of its work directory, start; reservations and volumes on it are lost
 * - `replaceHost`: it is another machine to Mesos
 */
export type AgentChangeKind = "none" | "inPlace" | "newAgentId" | "replaceHost";

export interface AgentChange {
    readonly kind: AgentChangeKind;
    /** One for each change, in users' words; the worst kind decides. */
    readonly reasons: readonly string[];
}

type Finding = readonly [AgentChangeKind, string];

const order: readonly AgentChangeKind[] = ["none", "inPlace", "newAgentId", "replaceHost"];

/** An attribute's value as Mesos reads it (docs/attributes-resources.md): the kind decides what may change. */
type AttributeValue =
    | { readonly type: "scalar"; readonly scalar: number }
    | { readonly type: "ranges"; readonly ranges: readonly NumberRange[] }
    | { readonly type: "set"; readonly items: readonly string[] }
    | { readonly type: "text" };

function attributeValue(text: string): AttributeValue {
    const inner = text.slice(1, -1);
    if (/^\[.*\]$/.test(text)) {
        const ranges = inner.split(",").map((part): NumberRange => {
            const [low = NaN, high = NaN] = part.split("-").map(Number);
            return [low, high];
        });
        return { type: "ranges", ranges };
    }
    if (/^\{.*\}$/.test(text)) return { type: "set", items: inner.split(",").map((item) => item.trim()) };
    return /^[+-]?\d+(\.\d+)?$/.test(text) ? { type: "scalar", scalar: Number(text) } : { type: "text" };
}

/** Whether Mesos accepts the new value with the additive policy: scalars grow, ranges and sets grow, text stays. */
function grows(before: string, after: string): boolean {
    const old = attributeValue(before);
    const next = attributeValue(after);
    if (old.type === "scalar" && next.type === "scalar") return next.scalar >= old.scalar;
    if (old.type === "ranges" && next.type === "ranges") return covers(next.ranges, old.ranges);
    if (old.type === "set" && next.type === "set") return old.items.every((item) => next.items.includes(item));
    return false;
}

function attributeFindings(old: AgentService, next: AgentService): Finding[] {
    const findings: Finding[] = [];
    for (const [name, before] of Object.entries(old.attributes)) {
        const after = next.attributes[name];
        if (after === before) continue;
        if (after === undefined) findings.push(["newAgentId", `attribute ${name} is taken away`]);
        else
            findings.push([
                grows(before, after) ? "inPlace" : "newAgentId",
                `attribute ${name} changes from ${before} to ${after}`,
            ]);
    }
    for (const [name, value] of Object.entries(next.attributes))
        if (old.attributes[name] === undefined) findings.push(["inPlace", `attribute ${name}:${value} is new`]);
    return findings;
}

function resourceFindings(old: AgentService, next: AgentService): Finding[] {
    const findings: Finding[] = [];
    for (const [key, name] of [
        ["cpus", "cpus"],
        ["memMiB", "mem"],
        ["diskMiB", "disk"],
        ["gpus", "gpus"],
    ] as const) {
        const before = old.resources[key] ?? 0;
        const after = next.resources[key] ?? 0;
        if (after > before) findings.push(["inPlace", `${name} grows from ${before} to ${after}`]);
        if (after < before) findings.push(["newAgentId", `${name} shrinks from ${before} to ${after}`]);
    }
    const [was, is] = [old.resources.ports, next.resources.ports];
    const keeps = covers(is, was);
    if (!keeps || !covers(was, is))
        findings.push([
            keeps ? "inPlace" : "newAgentId",
            `ports ${keeps ? "grow" : "change"} from ${formatRanges(was)} to ${formatRanges(is)}`,
        ]);
    const [fromRole, toRole] = [old.resources.role ?? "*", next.resources.role ?? "*"];
    if (fromRole !== toRole) findings.push(["newAgentId", `the resources' role changes from ${fromRole} to ${toRole}`]);
    return findings;
}

function identityFindings(old: AgentService, next: AgentService): Finding[] {
    const findings: Finding[] = [];
    if (old.hostname !== next.hostname)
        findings.push(["replaceHost", `the hostname changes from ${old.hostname} to ${next.hostname}`]);
    if (old.port !== next.port) findings.push(["newAgentId", `the port changes from ${old.port} to ${next.port}`]);
    if (old.workDir !== next.workDir)
        findings.push(["newAgentId", `the work directory moves from ${old.workDir} to ${next.workDir}`]);
    const [before, after] = [old.domain, next.domain];
    const name = (domain: AgentService["domain"]) => (domain ? `${domain.region}/${domain.zone}` : "none");
    if (name(before) !== name(after))
        findings.push([
            before === undefined ? "inPlace" : "newAgentId",
            `the fault domain changes from ${name(before)} to ${name(after)}`,
        ]);
    return findings;
}

/**
 * Classifies a change by the rules of Mesos' additive policy (src/slave/compatibility.hpp): hostname and port stay; a
 * domain may only be given to an agent that had none; scalars may grow; ranges and sets may grow; text attributes stay;
 * new attributes are welcome.
 */
export function classifyAgentChange(old: AgentService, next: AgentService): AgentChange {
    const findings = [...identityFindings(old, next), ...resourceFindings(old, next), ...attributeFindings(old, next)];
    const worst = Math.max(0, ...findings.map(([kind]) => order.indexOf(kind)));
    return { kind: order[worst] ?? "none", reasons: findings.map(([, reason]) => reason) };
}
