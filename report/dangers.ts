/** What a reviewer must not overlook, worst first. */
import { authorityType } from "./certificates";
import type { Capacity } from "./capacity";
import { nameOf } from "./events";
import { renewal } from "../site/change/secretChange";
import { ranges } from "./fold";
import type { HostChange } from "./hosts";
import type { CloudChange } from "./machines";
import { isNewAgent } from "./rollout";
import type { Preview } from "./steps";
import type { WorkChange } from "./work";

/** In the order in which they are told. */
export const dangerKinds = [
    "refused",
    "quorum",
    "data",
    "pet",
    "machine",
    "mixed",
    "agentId",
    "secrets",
    "tasks",
    "capacity",
    "policy",
] as const;
export type DangerKind = (typeof dangerKinds)[number];

export interface Danger {
    readonly kind: DangerKind;
    readonly text: string;
}

interface Facts {
    readonly preview: Preview;
    readonly hosts: readonly HostChange[];
    readonly cloud: readonly CloudChange[];
    readonly work: readonly WorkChange[];
    readonly before: Capacity;
    readonly after: Capacity;
}

const names = (hosts: readonly HostChange[]): string => ranges(hosts.map(({ host }) => host));
const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;

function quorumDangers({ hosts, preview }: Facts): Danger[] {
    const dangers: Danger[] = [];
    const tell = (text: string): void => void dangers.push({ kind: "quorum", text });
    for (const kind of ["zookeeper", "mesosMaster"] as const) {
        const word = kind === "zookeeper" ? "ZooKeeper member" : "Mesos master";
        const all = preview.steps.filter(
            ({ before }) => (before?.inputs?.["service"] as { kind?: string } | undefined)?.kind === kind,
        );
        const of = (action: HostChange["action"]): HostChange[] =>
            hosts.filter((host) => host.kind === kind && host.action === action);
        const leaves = of("leaves");
        if (leaves.length > 0)
            tell(
                leaves.length === all.length
                    ? `all ${plural(leaves.length, word)} go: the site's state ends with them`
                    : `${word} leaves the quorum: ${names(leaves)} (${all.length} → ${all.length - leaves.length + of("joins").length})`,
            );
        // A first ensemble is no danger to anything.
        if (of("joins").length > 0 && all.length > 0) tell(`${word} joins the quorum: ${names(of("joins"))}`);
        if (of("moves to another machine").length > 0)
            tell(`${word} is moved to another machine: ${names(of("moves to another machine"))}`);
    }
    const quorums = preview.steps.flatMap(({ before, after }) => {
        const of = (state: typeof before): number | undefined =>
            (state?.inputs?.["service"] as { quorum?: number } | undefined)?.quorum;
        const [old, next] = [of(before), of(after)];
        return old !== undefined && next !== undefined && old !== next ? [`${old} → ${next}`] : [];
    });
    for (const change of new Set(quorums))
        tell(`the masters' quorum changes: ${change}; both are in force until the last master has restarted`);
    const confirmed = preview.steps.some(
        ({ before, after }) => after?.inputs?.["confirmed"] === true && before?.inputs?.["confirmed"] !== true,
    );
    if (confirmed)
        dangers.push({
            kind: "data",
            text: "the stack file confirms the cluster's name: what loses data is not refused in this run",
        });
    return dangers;
}

function machineDangers({ cloud }: Facts): Danger[] {
    const list = (items: readonly CloudChange[]): string => ranges(items.map(({ name }) => name));
    const dangers: Danger[] = [];
    const volumes = cloud.filter(
        ({ what, change }) => what === "volume" && (change === "delete" || change === "replace"),
    );
    const lost = volumes.filter(({ retained }) => !retained);
    if (lost.length > 0)
        dangers.push({ kind: "data", text: `volumes are deleted with what is on them: ${list(lost)}` });
    const kept = volumes.filter(({ retained }) => retained);
    if (kept.length > 0)
        dangers.push({ kind: "data", text: `volumes leave the stack and are kept in OpenStack: ${list(kept)}` });
    const machines = cloud.filter(({ what }) => what === "virtual machine");
    const replaced = machines.filter(({ change }) => change === "replace");
    const byCause = new Map<string, CloudChange[]>();
    for (const one of replaced) {
        const cause = one.because.join(", ") || "its shape";
        byCause.set(cause, [...(byCause.get(cause) ?? []), one]);
    }
    for (const [cause, items] of byCause)
        dangers.push({
            kind: "machine",
            text: `${plural(items.length, "virtual machine")} replaced: ${list(items)} (${cause})`,
        });
    const deleted = machines.filter(({ change }) => change === "delete");
    if (deleted.length > 0)
        dangers.push({
            kind: "machine",
            text: `${plural(deleted.length, "virtual machine")} deleted: ${list(deleted)}`,
        });
    return dangers;
}

function petDangers({ cloud, hosts }: Facts): Danger[] {
    const ends = [
        ...cloud
            .filter(({ protect, change }) => protect && (change === "delete" || change === "replace"))
            .map(({ what, name }) => `${what} ${name}`),
        ...hosts
            .filter(({ protect, action }) => protect && action !== "changes")
            .map(({ host, tier }) => `${tier} on ${host}`),
    ];
    return ends.length === 0
        ? []
        : [{ kind: "pet", text: `protected, and yet to go: ${ends.join(", ")}; up will refuse` }];
}

/** Version and configuration in one run: when it goes wrong, nobody knows which of them it was (and DC/OS forbids it). */
function mixedDangers({ hosts }: Facts): Danger[] {
    const tiers = new Map<string, HostChange[]>();
    for (const host of hosts)
        if (host.packages.length > 0 && (host.files.length > 0 || isNewAgent(host.agent)))
            tiers.set(host.tier, [...(tiers.get(host.tier) ?? []), host]);
    return Array.from(tiers, ([tier, mixed]) => ({
        kind: "mixed" as const,
        text: `version and configuration of ${tier} change in one run (${names(mixed)}); make two runs of it`,
    }));
}

function agentDangers({ hosts }: Facts): Danger[] {
    const groups = new Map<string, HostChange[]>();
    for (const host of hosts)
        if (host.action === "changes" && isNewAgent(host.agent)) {
            const why = host.agent?.reasons.join("; ") ?? "";
            groups.set(why, [...(groups.get(why) ?? []), host]);
        }
    const dangers: Danger[] = Array.from(groups, ([why, list]) => ({
        kind: "agentId" as const,
        text: `${plural(list.length, "agent")} drained and registered under a new id: ${names(list)} (${why}); their tasks end, reservations and persistent volumes on them are lost`,
    }));
    const leaving = hosts.filter(({ kind, action }) => kind === "mesosAgent" && action === "leaves");
    if (leaving.length > 0)
        dangers.push({
            kind: "agentId",
            text: `${plural(leaving.length, "agent")} drained and taken off: ${names(leaving)}; reservations and persistent volumes on them are lost`,
        });
    return dangers;
}

function workDangers({ work }: Facts): Danger[] {
    const dangers: Danger[] = [];
    for (const { what, id, verdict, tasks, losesVolumes } of work) {
        if (losesVolumes)
            dangers.push({ kind: "data", text: `${what} ${id} ${verdict}; its persistent volumes are lost` });
        else if (tasks > 0) dangers.push({ kind: "tasks", text: `${what} ${id} ${verdict}` });
    }
    return dangers;
}

const gib = (mib: number): string => `${Math.round(mib / 102.4) / 10} GiB`;

function capacityDangers({ before, after }: Facts): Danger[] {
    const dangers: Danger[] = [];
    const { cpus, memMiB } = after.declared;
    const short = (have: { cpus: number; memMiB: number }): string[] => [
        ...(cpus > have.cpus ? [`${cpus} CPUs declared, ${have.cpus} there`] : []),
        ...(memMiB > have.memMiB ? [`${gib(memMiB)} declared, ${gib(have.memMiB)} there`] : []),
    ];
    if (cpus > 0 || memMiB > 0) {
        const now = short(after.total);
        if (now.length > 0)
            dangers.push({ kind: "capacity", text: `the declared apps do not fit on the agents: ${now.join("; ")}` });
        else if (after.withoutLargest !== undefined) {
            const worst = short(after.withoutLargest);
            if (worst.length > 0)
                dangers.push({
                    kind: "capacity",
                    text: `without zone ${after.withoutLargest.zone} the declared apps do not fit: ${worst.join("; ")}`,
                });
        }
    }
    if (before.total.cpus > 0 && after.total.cpus < before.total.cpus * 0.8)
        dangers.push({
            kind: "capacity",
            text: `the agents' CPUs shrink by more than a fifth: ${before.total.cpus} → ${after.total.cpus}`,
        });
    return dangers;
}

function generatedDangers({ preview }: Facts): Danger[] {
    const secrets = preview.steps.filter(({ type }) => type === "mesos:index:GeneratedSecret");
    const lost = secrets.filter(({ change }) => change === "delete" || change === "replace");
    const renewals = new Map<string, string[]>();
    for (const { name } of secrets.filter(({ change }) => change === "update"))
        renewals.set(renewal(name), [...(renewals.get(renewal(name)) ?? []), name]);
    const authorities = preview.steps.filter(
        ({ type, change }) => type === authorityType && (change === "delete" || change === "replace"),
    );
    return [
        ...authorities.map(() => ({
            kind: "data" as const,
            text: "the site's own authority goes: whoever trusts it must be told of another",
        })),
        ...(lost.length === 0
            ? []
            : [{ kind: "data" as const, text: `generated secrets go: ${lost.map(({ name }) => name).join(", ")}` }]),
        ...Array.from(renewals, ([what, of]) => ({
            kind: "secrets" as const,
            text: `${of.join(", ")}: made anew; ${what}`,
        })),
    ];
}

/** What a policy says of resources, equal findings as one. The engine puts the policy's description before the finding. */
export function policyFindings({ violations }: Preview): { readonly mandatory: boolean; readonly text: string }[] {
    const groups = new Map<string, { mandatory: boolean; says: string; of: string[] }>();
    for (const { message, policyName, enforcementLevel, resourceUrn = "" } of violations) {
        const name = nameOf(resourceUrn);
        const line = message.split("\n").findLast((one) => one.trim() !== "") ?? "";
        const says = `${policyName} (${enforcementLevel}): ${line.startsWith(name) ? line.slice(name.length).replace(/^[: ]+/, "") : line}`;
        const group = groups.get(says) ?? { mandatory: enforcementLevel === "mandatory", says, of: [] };
        if (line.startsWith(name)) group.of.push(name);
        groups.set(says, group);
    }
    return Array.from(groups.values(), ({ mandatory, says, of }) => ({
        mandatory,
        text: of.length === 0 ? says : says.replace(": ", `: ${ranges(of)}: `),
    }));
}

function refusals({ preview }: Facts): Danger[] {
    const policies = policyFindings(preview).filter(({ mandatory }) => mandatory);
    return [
        ...(preview.failed
            ? [{ kind: "refused" as const, text: "the preview was refused or failed; see Errors" }]
            : []),
        ...policies.map(({ text }) => ({ kind: "policy" as const, text })),
    ];
}

export function dangersOf(facts: Facts): Danger[] {
    const all = [
        refusals,
        quorumDangers,
        generatedDangers,
        machineDangers,
        petDangers,
        mixedDangers,
        agentDangers,
        workDangers,
        capacityDangers,
    ].flatMap((find) => find(facts));
    return all.sort((a, b) => dangerKinds.indexOf(a.kind) - dangerKinds.indexOf(b.kind));
}
