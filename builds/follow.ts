/** What has become of a run, from what Metronome and the store say of it. Pure. */
import type { RunRecord } from "../frameworks/builds/runs";
import { isObject, type JsonObject, word } from "../site/definitions/fields";

/** What is known at one moment. */
export interface Seen {
    /** Metronome's id of the run. */
    readonly id: string;
    readonly build: string;
    /** What Metronome says of it; undefined when it has ended. */
    readonly run: JsonObject | undefined;
    /** What the store says; undefined when it does not answer. */
    readonly records: readonly RunRecord[] | undefined;
    /** Runs that the store knew before. */
    readonly before: ReadonlySet<string>;
}

export type Step =
    | { readonly kind: "goes on"; readonly text: string }
    /** It was sent to a host that is not there any more, and has not begun. */
    | { readonly kind: "stranded" }
    /** It has ended, and the store has not heard of it. */
    | { readonly kind: "unheard" }
    | { readonly kind: "over"; readonly record: RunRecord };

/** The store's record of the run: by its Mesos task, which has the run's id in its name; of a builder that does not tell, the first new one. */
export function recordOf({ id, build, records = [], before }: Seen): RunRecord | undefined {
    const fresh = records.filter((record) => record.build === build && !before.has(record.run));
    return (
        fresh.find(({ task }) => task?.includes(id) === true) ??
        fresh.filter(({ task }) => task === undefined).sort((a, b) => a.startedAt - b.startedAt)[0]
    );
}

const tasksOf = (run: JsonObject): JsonObject[] => (Array.isArray(run["tasks"]) ? run["tasks"].filter(isObject) : []);

export function stepOf(seen: Seen): Step {
    const { run, records } = seen;
    const record = recordOf(seen);
    if (record !== undefined && record.state !== "running") return { kind: "over", record };
    const states = run === undefined ? [] : tasksOf(run).map(({ status }) => word(status));
    if (record === undefined && states.includes("TASK_UNREACHABLE")) return { kind: "stranded" };
    if (record !== undefined) return { kind: "goes on", text: `${record.stage} on ${record.host}` };
    if (records === undefined) return { kind: "goes on", text: "the store does not answer" };
    if (run === undefined) return { kind: "unheard" };
    return { kind: "goes on", text: states.length === 0 ? "waits for a builder" : "begins" };
}

/** The result in words. @param page of the store */
export function resultText(
    { state, message, packages, run, host, startedAt, endedAt }: RunRecord,
    page: string,
): string {
    const reused = packages.filter((one) => one.reused).length;
    const took = endedAt === undefined ? "" : `, ${Math.round((endedAt - startedAt) / 1000)} s on ${host}`;
    const made = packages.length === 0 ? "" : `, ${packages.length - reused} packages built, ${reused} reused`;
    return [`${state}${took}${made}`, message, new URL(`results/${run}/`, page).href].filter(Boolean).join("\n");
}
