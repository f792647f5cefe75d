/** The report as data: what `--json` prints, and what the page is made from. */
import { type Capacity, capacityOf } from "./capacity";
import { type CertificateGroup, certificateGroups, isCertificate } from "./certificates";
import { type Danger, dangersOf, policyFindings } from "./dangers";
import { foldHosts, type HostGroup, hostList, omit, sorted } from "./fold";
import { type HostChange, hostChange } from "./hosts";
import { type CloudChange, cloudChange } from "./machines";
import { type RolloutStep, rolloutOf } from "./rollout";
import type { Change, Look, Preview, Step } from "./steps";
import { type WorkChange, workChange } from "./work";

export interface CloudGroup extends Omit<CloudChange, "name"> {
    readonly names: readonly string[];
}

/** What is not as this stack has left it; equal findings of several are one. */
export interface DriftGroup {
    readonly names: readonly string[];
    readonly lines: readonly string[];
}

export interface Report {
    /** Of this form; grows when a field changes its meaning. */
    readonly version: 1;
    readonly stack: string;
    readonly cluster: string;
    readonly verdict: "refused" | "changes" | "no change";
    /** Resources by what happens to them; components and the stack itself are not counted. */
    readonly counts: Readonly<Partial<Record<Change, number>>>;
    readonly dangers: readonly Danger[];
    readonly errors: readonly string[];
    readonly warnings: readonly string[];
    readonly hosts: readonly HostGroup[];
    readonly rollout: readonly RolloutStep[];
    readonly cloud: readonly CloudGroup[];
    readonly work: readonly WorkChange[];
    /** Those of the site's own authority. */
    readonly certificates: readonly CertificateGroup[];
    /** Whatever is of no kind above, e.g. generated secrets. */
    readonly others: readonly { readonly change: Change; readonly type: string; readonly names: readonly string[] }[];
    readonly capacity: { readonly before: Capacity; readonly after: Capacity };
    /** Undefined when nothing was looked at. */
    readonly drift: readonly DriftGroup[] | undefined;
    /** What could not be looked at, and why. */
    readonly unseen: readonly string[];
}

/** In the provider's words, when it keeps what it remembers of a thing that it cannot reach. */
export const notLookedAt = /(?:kept as it was remembered|looked at without the masters): /;
const leaderUnknown = /who leads is not known: no member answered/;

function countsOf(steps: readonly Step[]): Report["counts"] {
    const counts: Partial<Record<Change, number>> = {};
    for (const { change, before, after } of steps)
        if (isCustom(before ?? after)) counts[change] = (counts[change] ?? 0) + 1;
    return counts;
}

const isCustom = (state: Step["before"]): boolean =>
    state !== undefined && !state.type.startsWith("pulumi:") && !state.type.startsWith("pulumi-mesos:");

function foldCloud(changes: readonly CloudChange[]): CloudGroup[] {
    const groups = new Map<string, CloudChange[]>();
    for (const change of changes) {
        const key = JSON.stringify(omit(change, "name"));
        groups.set(key, [...(groups.get(key) ?? []), change]);
    }
    return Array.from(groups.values(), (group) => ({
        ...omit(group[0] as CloudChange, "name"),
        names: sorted(group.map(({ name }) => name)),
    }));
}

function driftOf(looks: readonly Look[]): DriftGroup[] {
    const groups = new Map<string, string[]>();
    for (const { gone, paths, said, name, before } of looks) {
        const told = said.flatMap((line) => line.split("\n")).filter((line) => !notLookedAt.test(line));
        if (!gone && paths.length === 0 && told.length === 0) continue;
        const host = before?.inputs?.["host"];
        const own = typeof host === "string" ? `${host}: ` : "";
        const lines = gone
            ? ["is gone"]
            : told.length > 0
              ? told.map((line) => (line.startsWith(own) ? line.slice(own.length) : line))
              : paths.map((path) => `${path} is another`);
        const key = JSON.stringify(lines);
        groups.set(key, [...(groups.get(key) ?? []), name]);
    }
    return Array.from(groups, ([key, names]) => ({ names: sorted(names), lines: JSON.parse(key) as string[] }));
}

function unseenOf({ looks, steps, failed, lookErrors = [] }: Preview): string[] {
    const lines = lookErrors
        .filter((message) => message !== "preview failed")
        .flatMap((message) => message.split("\n")[0] ?? "");
    if (looks === undefined && !failed)
        lines.push(
            "hosts and APIs were not looked at: the changes are against what this stack remembers, drift is not known",
        );
    const unreachable = new Map<string, string[]>();
    for (const { name, said } of looks ?? [])
        for (const line of said.filter((one) => notLookedAt.test(one))) {
            const [reason = ""] = line.split("\n");
            unreachable.set(reason, [...(unreachable.get(reason) ?? []), name]);
        }
    for (const [reason, names] of unreachable) lines.push(`${hostList(names, "of them")}: ${reason}`);
    const tiers = steps.filter(({ said }) => said.some((line) => leaderUnknown.test(line)));
    if (tiers.length > 0)
        lines.push(`who leads, of ${sorted(tiers.map(({ name }) => name)).join(", ")}: no member answered`);
    return [...new Set(lines)];
}

const actionRank: readonly HostChange["action"][] = ["leaves", "moves to another machine", "changes", "joins"];

/** Everything that a page says, from one preview. */
export function reportOf(preview: Preview): Report {
    const { steps, looks } = preview;
    const hosts = steps.flatMap((step) => hostChange(step) ?? []);
    const inOrder = [...sorted(new Set(hosts.map(({ host }) => host)))].flatMap((name) =>
        hosts.filter(({ host }) => host === name),
    );
    const shown = [...inOrder].sort((a, b) => actionRank.indexOf(a.action) - actionRank.indexOf(b.action));
    const cloud = steps.flatMap((step) => cloudChange(step) ?? []);
    const work = steps.flatMap((step) => workChange(step) ?? []);
    const others = new Map<string, { change: Change; type: string; names: string[] }>();
    for (const step of steps) {
        const { change, type, name, before, after } = step;
        const known = hostChange(step) ?? cloudChange(step) ?? workChange(step);
        if (change === "same" || known !== undefined || isCertificate(step) || !isCustom(before ?? after)) continue;
        const entry = others.get(`${change} ${type}`) ?? { change, type: type.split(":").pop() ?? type, names: [] };
        entry.names = sorted([...entry.names, name]);
        others.set(`${change} ${type}`, entry);
    }
    const capacity = { before: capacityOf(preview, "before"), after: capacityOf(preview, "after") };
    const counts = countsOf(steps);
    const changes = Object.entries(counts).some(([change, count]) => change !== "same" && count > 0);
    const cluster = (preview.site as { cluster?: unknown } | undefined)?.cluster;
    return {
        version: 1,
        stack: preview.stack,
        cluster: typeof cluster === "string" ? cluster : "",
        verdict: preview.failed ? "refused" : changes ? "changes" : "no change",
        counts,
        dangers: dangersOf({ preview, hosts, cloud, work, ...capacity }),
        errors: preview.errors.map(({ message }) => message).filter((message) => message !== "preview failed"),
        warnings: [
            ...preview.warnings,
            ...policyFindings(preview).flatMap(({ mandatory, text }) => (mandatory ? [] : [text])),
        ],
        hosts: foldHosts(shown),
        rollout: rolloutOf(hosts),
        cloud: foldCloud(cloud),
        work,
        certificates: certificateGroups(steps),
        others: [...others.values()],
        capacity,
        drift: looks === undefined ? undefined : driftOf(looks),
        unseen: unseenOf(preview),
    };
}
