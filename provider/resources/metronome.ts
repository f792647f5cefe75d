/** Metronome's jobs and schedules: two resources, for a job may run without a schedule and a schedule changes more often. */
import { changedFields } from "../../site/definitions/compare";
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import {
    checkJob,
    checkJobs,
    checkSchedule,
    formatFindings,
    type Finding,
    isSameCron,
    normalizeJob,
    normalizeSchedule,
} from "../../site/metronome";
import type { Endpoint } from "../clients/http";
import type { MetronomeClient } from "../clients/metronome";
import { differences, type Properties } from "../wire";
import { isControlOnly } from "./marathonDefinition";
import { type CheckResult, type Context, type ResourceType, UserError } from "./resource";

export interface MetronomeDependencies {
    /** The same client for the same server. Without inputs, the one of the plugin's configuration. */
    metronome(server: Endpoint | undefined): MetronomeClient;
    /** Longest wait for runs to end before their job is deleted, milliseconds. */
    readonly runsMs: number;
}

function server(properties: Properties): Endpoint | undefined {
    return isObject(properties["server"]) ? (properties["server"] as unknown as Endpoint) : undefined;
}

const part = (properties: Properties, key: string): JsonObject => {
    const value = properties[key];
    return isObject(value) ? value : {};
};

/** Failures of what is refused; warnings are told. */
function judged(findings: readonly Finding[], of: string, inputs: Properties, context: Context): CheckResult {
    const refused = findings.filter(({ severity }) => severity === "refused");
    if (refused.length > 0)
        return { failures: [{ property: "", reason: `refused; nothing was sent\n${formatFindings(refused, of)}` }] };
    if (findings.length > 0) context.log("warning", formatFindings(findings, of));
    return { failures: [], inputs };
}

function changesOf(before: Properties, after: Properties): ReturnType<typeof differences> {
    return differences(before, after).filter(({ path }) => !isControlOnly(path[0]));
}

/** A cycle must never reach the server: it would accept no further change of the job. */
async function refuseCycles(client: MetronomeClient, job: JsonObject): Promise<void> {
    const wanted = normalizeJob(job);
    if (!Array.isArray(wanted["dependencies"]) || wanted["dependencies"].length === 0) return;
    const others = (await client.jobs()).map(normalizeJob).filter(({ id }) => id !== wanted.id);
    // Faults of other jobs are not this one's business.
    const all = checkJobs([...others, wanted]).filter(
        ({ path, message }) => path.startsWith(`/${wanted.id}/`) || message.split(/[ :]/).includes(wanted.id),
    );
    if (all.length > 0) throw new UserError(`refused; nothing was sent\n${formatFindings(all, `job ${wanted.id}`)}`);
}

/** A job's active runs in words: one whose host is not reached (TASK_UNREACHABLE) may never end by itself. */
function runsOf(job: JsonObject | undefined): string {
    const list = (of: unknown): JsonObject[] => (Array.isArray(of) ? of.filter(isObject) : []);
    const runs = list(job?.["activeRuns"]).map(({ id, status, tasks }) => {
        const states = [status, ...list(tasks).map((task) => task["status"])].map(word).filter(Boolean);
        return `${word(id)}${states.length > 0 ? ` (${states.join(", ")})` : ""}`;
    });
    return runs.join("; ");
}

export function metronomeJob(dependencies: MetronomeDependencies): ResourceType {
    return {
        check(properties, _previous, context) {
            const job = part(properties, "definition");
            const normal = normalizeJob(job);
            return judged(checkJob(job), `job ${normal.id}`, { ...properties, definition: normal }, context);
        },

        diff(before, after) {
            const changes = changesOf(before, after);
            const isRenamed = part(before, "definition")["id"] !== part(after, "definition")["id"];
            return { changes, ...(isRenamed ? { replaces: [["definition", "id"]] } : {}) };
        },

        async create(properties, preview) {
            const job = part(properties, "definition");
            const id = word(job["id"]);
            if (!preview) {
                const client = dependencies.metronome(server(properties));
                const there = await client.job(id);
                if (there === undefined) {
                    await refuseCycles(client, job);
                    await client.createJob(job);
                } else if (changedFields(normalizeJob(there), job).length > 0)
                    throw new UserError(
                        `job ${id} is there already, and is another one than declared; it was not changed\n  fix: take it over first: pulumi import mesos:index:MetronomeJob NAME ${id}, or delete it`,
                    );
            }
            return { id, outputs: { jobId: id } };
        },

        async update(id, before, properties, preview, context) {
            const job = part(properties, "definition");
            if (preview) {
                const fields = changedFields(part(before, "definition"), job);
                context.log(
                    "info",
                    `job ${id}: the next run is another one: ${fields.join(", ")}; a run that is under way goes on`,
                );
            } else {
                const client = dependencies.metronome(server(properties));
                await refuseCycles(client, job);
                await client.updateJob(job);
            }
            return { id, outputs: { jobId: id } };
        },

        async read(id, properties) {
            const job = await dependencies.metronome(server(properties)).job(id);
            if (job === undefined) return undefined;
            return { id, outputs: { jobId: id }, inputs: { ...properties, definition: normalizeJob(job) } };
        },

        async delete(id, properties, _outputs, context) {
            const client = dependencies.metronome(server(properties));
            const deadline = Date.now() + dependencies.runsMs;
            let told = "";
            while (!(await client.deleteJob(id))) {
                const runs = runsOf(await client.job(id));
                if (runs !== told) context.log("info", `job ${id}: waits for its runs to end: ${runs}`);
                told = runs;
                if (Date.now() > deadline)
                    throw new UserError(
                        `job ${id} still runs, and a run is never stopped by its removal: ${runs}\n  fix: stop it: POST /v1/jobs/${id}/runs/RUN/actions/stop`,
                    );
                await new Promise((resolve) => setTimeout(resolve, 2000));
            }
        },
    };
}

/** Id of a schedule: `JOB/SCHEDULE`. */
function parseId(id: string): { jobId: string; scheduleId: string } {
    const [jobId = "", scheduleId = ""] = id.split("/");
    return { jobId, scheduleId };
}

export function metronomeSchedule(dependencies: MetronomeDependencies): ResourceType {
    const find = async (client: MetronomeClient, jobId: string, id: string): Promise<JsonObject | undefined> =>
        (await client.schedules(jobId))?.find((schedule) => schedule["id"] === id);

    return {
        check(properties, _previous, context) {
            const schedule = part(properties, "definition");
            const normal = normalizeSchedule(schedule);
            const { jobId } = properties;
            if (typeof jobId !== "string" || jobId === "")
                return { failures: [{ property: "jobId", reason: "says which job: it must not be empty" }] };
            return judged(
                checkSchedule(schedule),
                `schedule ${normal.id} of job ${jobId}`,
                { ...properties, definition: normal },
                context,
            );
        },

        diff(before, after) {
            const changes = changesOf(before, after).filter(
                ({ path }) =>
                    path.join(".") !== "definition.cron" ||
                    !isSameCron(word(part(before, "definition")["cron"]), word(part(after, "definition")["cron"])),
            );
            const isOther = changes.some(({ path }) => path[0] === "jobId" || path.join(".") === "definition.id");
            // A job has at most one schedule, so the old one must go first.
            return isOther
                ? { changes, replaces: changes.map(({ path }) => path), deleteBeforeReplace: true }
                : { changes };
        },

        async create(properties, preview) {
            const { jobId } = properties;
            const schedule = part(properties, "definition");
            const id = `${word(jobId)}/${word(schedule["id"])}`;
            if (!preview) {
                const client = dependencies.metronome(server(properties));
                const present = await client.schedules(word(jobId));
                if (present === undefined) throw new UserError(`there is no job ${word(jobId)} to schedule`);
                const [other] = present;
                if (other === undefined) await client.createSchedule(word(jobId), schedule);
                else if (other["id"] !== schedule["id"] || changedFields(normalizeSchedule(other), schedule).length > 0)
                    throw new UserError(
                        `job ${word(jobId)} has the schedule ${word(other["id"])} already, and a job has only one; nothing was changed\n  fix: take it over first: pulumi import mesos:index:MetronomeSchedule NAME ${word(jobId)}/${word(other["id"])}, or delete it`,
                    );
            }
            return { id, outputs: { scheduleId: schedule["id"] ?? "" } };
        },

        async update(id, _before, properties, preview) {
            const schedule = part(properties, "definition");
            if (!preview) {
                const { jobId, scheduleId } = parseId(id);
                const client = dependencies.metronome(server(properties));
                if ((await find(client, jobId, scheduleId)) === undefined)
                    throw new UserError(
                        `the schedule ${id} is not there any more\n  fix: pulumi refresh, then up makes it again`,
                    );
                await client.updateSchedule(jobId, schedule);
            }
            return { id, outputs: { scheduleId: schedule["id"] ?? "" } };
        },

        async read(id, properties) {
            const { jobId, scheduleId } = parseId(id);
            const client = dependencies.metronome(server(properties));
            const schedule = await find(client, jobId, scheduleId);
            if (schedule === undefined) return undefined;
            return {
                id,
                outputs: { scheduleId },
                inputs: { ...properties, jobId, definition: normalizeSchedule(schedule) },
            };
        },

        async delete(id, properties) {
            const { jobId, scheduleId } = parseId(id);
            const client = dependencies.metronome(server(properties));
            if ((await find(client, jobId, scheduleId)) !== undefined) await client.deleteSchedule(jobId, scheduleId);
        },
    };
}
