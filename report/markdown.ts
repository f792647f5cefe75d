/** The report as one Markdown page, for a comment of a pull request. */
import type { Amount } from "./capacity";
import { type DangerKind } from "./dangers";
import { hostList, type HostGroup, ranges } from "./fold";
import type { Report } from "./model";
import { drains, isNewAgent } from "./rollout";

/** GitHub takes 65,536 characters in a comment, GitLab a million. */
export const defaultMaxBytes = 60_000;

/** Lines of one file's difference that are shown. */
const mostLines = 80;

const words: Readonly<Record<DangerKind, string>> = {
    refused: "Refused",
    quorum: "Quorum",
    data: "Data",
    pet: "Pet",
    machine: "Machine",
    mixed: "Version and configuration",
    agentId: "Agent",
    secrets: "Secrets",
    tasks: "Tasks",
    capacity: "Capacity",
    policy: "Policy",
};

/** Text that cannot end a cell, a code span or a details block, or mention people. */
export function inline(text: string): string {
    return text
        .replace(/\s+/g, " ")
        .replace(/[\\`*_{}[\]<>|#~]/g, (mark) => `\\${mark}`)
        .replace(/@(?=\w)/g, "@\u200b");
}

/** A fence longer than any run of backticks in the text. */
function fenced(lines: readonly string[], language = ""): string[] {
    const longest = Math.max(
        2,
        ...lines.map((line) => Math.max(0, ...Array.from(line.matchAll(/`+/g), ([run]) => run.length))),
    );
    const fence = "`".repeat(longest + 1);
    return [`${fence}${language}`, ...lines, fence];
}

export function duration(seconds: number): string {
    if (seconds < 90) return `${seconds} s`;
    if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
    return `${Math.round(seconds / 360) / 10} h`;
}

const gib = (mib: number): string => `${Math.round(mib / 102.4) / 10} GiB`;

function countsLine({ counts, verdict }: Report): string {
    const said = (["create", "update", "replace", "delete"] as const).flatMap((change) => {
        const count = counts[change] ?? 0;
        return count > 0 ? [`${count} to ${change}`] : [];
    });
    const same = counts.same ?? 0;
    const changes =
        said.length === 0 ? (verdict === "refused" ? "nothing would be changed" : "no change") : said.join(", ");
    return `${changes}; ${same} unchanged`;
}

function groupTitle(group: HostGroup): string {
    const { hosts, tier, action, agent, restarts, packages } = group;
    const what = [
        ...packages,
        ...(isNewAgent(agent) ? ["drained, new agent id"] : []),
        ...(restarts.length > 0 ? [`restarts ${restarts.map(({ unit }) => unit).join(", ")}`] : []),
        ...(action === "changes" && restarts.length === 0 && !isNewAgent(agent) ? ["no restart"] : []),
    ];
    const alike = hosts.length === 1 ? "" : `${hosts.length} hosts alike: `;
    const verb = action === "leaves" && drains(group) ? "drained, then leaves" : action;
    return `${tier} on ${alike}${ranges(hosts)}: ${action === "changes" ? what.join("; ") : verb}`;
}

function groupBody(group: HostGroup): string[] {
    const lines: string[] = [];
    if (group.agent !== undefined && group.agent.reasons.length > 0)
        lines.push(`To Mesos: ${group.agent.reasons.map(inline).join("; ")}`, "");
    for (const { path, change, lines: changed } of group.files) {
        if (change !== "changed") lines.push(`- \`${path}\` ${change === "new" ? "is new" : "goes"}`);
        else {
            const shown = changed.slice(0, mostLines);
            const rest = changed.length - shown.length;
            lines.push(
                `\`${path}\``,
                "",
                ...fenced([...shown, ...(rest > 0 ? [`… ${rest} more lines`] : [])], "diff"),
                "",
            );
        }
    }
    while (lines.at(-1) === "") lines.pop();
    if (group.others.length > 0)
        lines.push(...(lines.length > 0 ? [""] : []), `Also: ${group.others.map((path) => `\`${path}\``).join(", ")}`);
    return lines;
}

function hostSection({ hosts }: Report): string[] {
    return hosts.flatMap((group) => {
        const body = groupBody(group);
        const title = inline(groupTitle(group));
        return body.length === 0
            ? [`- ${title}`]
            : ["", "<details>", `<summary>${htmlText(groupTitle(group))}</summary>`, "", ...body, "", "</details>", ""];
    });
}

const htmlText = (text: string): string => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function rolloutSection({ rollout }: Report): string[] {
    if (rollout.length === 0) return [];
    const rows = rollout.map(({ tier, waves, orderKnown, note, expectedSec, atMostSec }) => {
        const few = waves.length <= 6 && waves.flat().length <= 12;
        const order = few && orderKnown ? waves.map((wave) => wave.join(" + ")).join(" → ") : hostList(waves.flat());
        return `| ${inline(tier)} | ${inline(order)} | ${inline(note)} | about ${duration(expectedSec)}, at most ${duration(atMostSec)} |`;
    });
    const sum = (of: "expectedSec" | "atMostSec"): number => rollout.reduce((all, step) => all + step[of], 0);
    return [
        "| what | order | how | time |",
        "| --- | --- | --- | --- |",
        ...rows,
        "",
        `One after the other: about ${duration(sum("expectedSec"))}, at most ${duration(sum("atMostSec"))}. Pools may run beside each other.`,
    ];
}

function workSection({ work }: Report): string[] {
    return work.map(({ what, id, verdict, fields }) => {
        const shown =
            fields.length > 0 && !fields.every((field) => verdict.includes(field))
                ? ` (${fields
                      .slice(0, 8)
                      .map((field) => `\`${field}\``)
                      .join(", ")})`
                : "";
        return `- ${what} **${inline(id)}** ${inline(verdict)}${shown}`;
    });
}

function cloudSection({ cloud, others }: Report): string[] {
    const verbs = { create: "made", update: "changed", replace: "replaced", delete: "deleted", same: "kept" } as const;
    return [
        ...cloud.map(({ what, names, change, because, retained }) => {
            const verb = change === "delete" && retained ? "left in OpenStack" : verbs[change];
            const why = because.length > 0 ? ` (${because.map(inline).join(", ")})` : "";
            return `- ${what} ${verb}: ${inline(hostList(names, "of them"))}${why}`;
        }),
        ...others.map(
            ({ type, names, change }) => `- ${inline(type)} ${verbs[change]}: ${inline(hostList(names, "of them"))}`,
        ),
    ];
}

function certificateSection({ certificates }: Report): string[] {
    return certificates.map(({ names, text }) => `- ${inline(hostList(names, "of them"))}: ${inline(text)}`);
}

function arrow(before: number, after: number, show: (value: number) => string = String): string {
    return before === after ? show(after) : `${show(before)} → **${show(after)}**`;
}

function capacitySection({ capacity: { before, after } }: Report): string[] {
    if (before.total.agents + after.total.agents === 0) return [];
    const zero: Amount = { agents: 0, cpus: 0, memMiB: 0 };
    const row = (name: string, a: Amount, b: Amount): string =>
        `| ${inline(name)} | ${arrow(a.agents, b.agents)} | ${arrow(a.cpus, b.cpus)} | ${arrow(a.memMiB, b.memMiB, gib)} |`;
    const pools = [...new Set([...Object.keys(before.pools), ...Object.keys(after.pools)])];
    const worst = after.withoutLargest;
    const free =
        after.declared.cpus > 0
            ? [`Declared apps take ${after.declared.cpus} CPUs and ${gib(after.declared.memMiB)}.`]
            : [];
    return [
        "| pool | agents | CPUs | memory |",
        "| --- | --- | --- | --- |",
        ...pools.map((pool) => row(pool, before.pools[pool] ?? zero, after.pools[pool] ?? zero)),
        row("all", before.total, after.total),
        ...(worst === undefined ? [] : [row(`without zone ${worst.zone}`, before.withoutLargest ?? zero, worst)]),
        "",
        ...(worst === undefined
            ? ["All agents are in one failure domain, or their zones are not known: nothing is left when it is lost."]
            : []),
        ...free,
    ];
}

interface Section {
    readonly title: string;
    readonly lines: readonly string[];
}

function sections(report: Report): Section[] {
    const { dangers, errors, warnings, drift, unseen } = report;
    return [
        { title: "Dangers", lines: dangers.map(({ kind, text }) => `- **${words[kind]}**: ${inline(text)}`) },
        { title: "Errors", lines: errors.length === 0 ? [] : fenced(errors.flatMap((message) => message.split("\n"))) },
        { title: "Hosts", lines: hostSection(report) },
        { title: "Restarts", lines: rolloutSection(report) },
        { title: "Apps, jobs and settings", lines: workSection(report) },
        { title: "Machines and other resources", lines: cloudSection(report) },
        { title: "Certificates", lines: certificateSection(report) },
        { title: "Capacity", lines: capacitySection(report) },
        {
            title: "Drift",
            lines: (drift ?? []).flatMap(({ names, lines }) =>
                lines.map((line) => `- ${inline(hostList(names, "of them"))}: ${inline(line)}`),
            ),
        },
        { title: "Not looked at", lines: unseen.map((line) => `- ${inline(line)}`) },
        { title: "Warnings", lines: warnings.length === 0 ? [] : fenced(warnings.flatMap((text) => text.split("\n"))) },
    ].filter(({ lines }) => lines.length > 0);
}

const size = (text: string): number => Buffer.byteLength(text);

/** The mark by which a pipeline finds its own comment of a stack again. */
export function commentMark(stack: string): string {
    return `<!-- pulumi-mesos report of stack ${stack.replace(/[^\w./-]/g, "_")} -->`;
}

/**
 * The page. It is never larger than `maxBytes`: the last sections give way first, and what is left out is said.
 *
 * @param maxBytes UTF-8; at least 1000
 */
export function markdownOf(report: Report, maxBytes = defaultMaxBytes): string {
    const seen =
        report.drift === undefined
            ? ""
            : report.drift.length === 0
              ? "; no drift"
              : `; drift in ${report.drift.flatMap(({ names }) => names).length}`;
    const head = [
        commentMark(report.stack),
        `## Preview of ${inline(report.stack)}${report.cluster === "" ? "" : ` (cluster ${inline(report.cluster)})`}`,
        "",
        `${report.verdict === "refused" ? "**Refused.** " : ""}${countsLine(report)}${seen}. ${report.dangers.length === 0 ? "No danger found." : `**${report.dangers.length} danger${report.dangers.length === 1 ? "" : "s"}.**`}`,
        "",
    ].join("\n");
    let text = head;
    const left: string[] = [];
    for (const { title, lines } of sections(report)) {
        const room = maxBytes - 300 - size(text);
        const whole = `\n### ${title}\n\n${lines.join("\n").trimEnd()}\n`;
        if (size(whole) <= room) {
            text += whole;
            continue;
        }
        left.push(title);
        // A list may be cut after a line; what folds may not.
        const isList = lines.every((line) => line.startsWith("- "));
        let part = `\n### ${title}\n\n`;
        if (!isList || size(part) > room) continue;
        let shown = 0;
        for (const line of lines) {
            if (size(part) + size(line) + 80 > room) break;
            part += `${line}\n`;
            shown++;
        }
        if (shown > 0) text += `${part}- … ${lines.length - shown} more\n`;
    }
    return left.length === 0
        ? text
        : `${text}\n_Too long for one page; not or not wholly shown: ${left.join(", ")}. The same as JSON has all of it._\n`;
}
