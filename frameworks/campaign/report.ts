/** A campaign for people (HTML, SVG) and for Prometheus. Pure. */
import { escape, page, table } from "../shared/page";
import type { Counts, Summary } from "./accounting";

export type State = "checking" | "running" | "passed" | "failed";

export interface Status {
    readonly name: string;
    readonly kind: string;
    readonly version: string;
    readonly state: State;
    /** The folder of this run. */
    readonly run: string;
    /** Why it does not go on, or what has been seen on the way; empty when all is well. */
    readonly troubles: readonly string[];
    readonly tasks: Counts;
    readonly stages: readonly (Counts & { readonly name: string })[];
    /** When it has come to its end. */
    readonly summary?: Summary;
}

const COLOURS = ["#1f6fb4", "#d9730d", "#2e8b57", "#8e44ad", "#b03a2e", "#5d6d7e"];
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 260, 50, 30, 16];

/** Tasks that are done, over time, a line for each stage. */
export function plotOf({ stages, wallSec }: Pick<Summary, "stages" | "wallSec">): string {
    const most = Math.max(1, ...stages.map(({ total }) => total));
    const span = Math.max(wallSec, 0.1);
    const x = (sec: number): string => (LEFT + ((WIDTH - LEFT - 10) * sec) / span).toFixed(1);
    const y = (count: number): string => (HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * count) / most).toFixed(1);
    const lines = stages.map(({ name, ends }, index) => {
        const colour = COLOURS[index % COLOURS.length] ?? "black";
        // More steps than pixels show nothing more.
        const every = Math.max(1, Math.ceil(ends.length / WIDTH));
        const steps = ends.flatMap((sec, at) =>
            at % every === 0 || at === ends.length - 1 ? [`H${x(sec)}V${y(at + 1)}`] : [],
        );
        const from = `M${x(0)} ${y(0)}`;
        return `<path d="${from}${steps.join("")}H${x(span)}" fill="none" stroke="${colour}" stroke-width="1.5"/>
<text x="${LEFT + 10}" y="${TOP + 14 * (index + 1)}" fill="${colour}">${escape(name)}</text>`;
    });
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 10}" fill="none" stroke="#555"/>
<text x="${LEFT - 6}" y="${TOP + 4}" text-anchor="end">${most}</text><text x="${LEFT - 6}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
<text x="${LEFT}" y="${HEIGHT - 10}">0 s</text><text x="${WIDTH - 10}" y="${HEIGHT - 10}" text-anchor="end">${span} s</text>
${lines.join("\n")}
</svg>
`;
}

const column = ({ total, done, failed, running, waiting, retried }: Counts): number[] => [
    total,
    done,
    running,
    waiting,
    failed,
    retried,
];

export function pageOf(status: Status): string {
    const { name, kind, state, tasks, stages, troubles, summary, run } = status;
    const rows = [...stages.map((stage) => [stage.name, ...column(stage)]), ["all", ...column(tasks)]];
    const production =
        summary?.production === undefined
            ? ""
            : `<p>${summary.production.eventsMade} of ${summary.production.eventsAsked} events; seeds ${summary.production.seeds.join(" to ")}.</p>`;
    const end =
        summary === undefined
            ? ""
            : `${production}<p>${summary.wallSec} s. Results are in ${escape(run)}/results.</p>
<figure>${plotOf(summary)}</figure>
<h2>Stages</h2>${table(
                  ["stage", "wall, s", "sum of tasks, s"],
                  summary.stages.map((one) => [one.name, one.wallSec, one.taskSec]),
              )}
<h2>Hosts</h2>${table(["host", "tasks"], Object.entries(summary.hosts))}
${summary.failures.length === 0 ? "" : `<h2>Failed</h2>${summary.failures.map((one) => `<h3>${escape(one.task)}</h3><p>${escape(`${run}/${one.log}`)}</p><pre>${escape(one.lastLines)}</pre>`).join("\n")}`}`;
    const body = `<h1>${escape(kind)} ${escape(name)}: ${state}</h1>
${troubles.map((text) => `<p class="trouble">${escape(text)}</p>`).join("\n")}
${table(["stage", "tasks", "done", "running", "waiting", "failed", "done after a retry"], rows)}
${end}`;
    return page(`${name}: ${state}`, body, summary === undefined ? 5 : undefined);
}

/** Prometheus' text format 0.0.4. */
export function metricsOf({ name, state, tasks, troubles }: Status): string {
    const label = `campaign="${name}"`;
    const counts = (["done", "running", "waiting", "failed"] as const).map(
        (key) => `campaign_tasks{${label},state="${key}"} ${tasks[key]}`,
    );
    const states = (["checking", "running", "passed", "failed"] as const).map(
        (key) => `campaign_state{${label},state="${key}"} ${Number(state === key)}`,
    );
    return [
        "# HELP campaign_tasks Tasks of the campaign.",
        "# TYPE campaign_tasks gauge",
        ...counts,
        "# HELP campaign_state Whether it is in this state.",
        "# TYPE campaign_state gauge",
        ...states,
        "# HELP campaign_troubles Things that an operator should look at.",
        "# TYPE campaign_troubles gauge",
        `campaign_troubles{${label}} ${troubles.length}`,
        "",
    ].join("\n");
}
