/** Metronome's REST API. */
import type { Json, JsonObject } from "../../site/definitions/fields";
import { isObject, word } from "../../site/definitions/fields";
import { checkJobs, checkSchedule, inspectJob, type Job, normalizeSchedule, refusalOf, type Schedule } from "../../site/metronome";
import { type Answer, isTrue, type Question, refuse } from "../marathon/http";
import { stamp } from "./cronTimes";
import type { Kept, Metronome, Run } from "./metronome";

const EMBEDS = ["activeRuns", "schedules", "history", "historySummary"];

export class MetronomeApi {
    public constructor(
        private readonly metronome: Metronome,
        private readonly about: { readonly leader: () => string; readonly version: string },
    ) {}

    public handle = async (question: Question): Promise<Answer> => {
        const answer = await this.route(question);
        await this.metronome.kept();
        return answer;
    };

    private route(question: Question): Answer | Promise<Answer> {
        const { path, method } = question;
        const [area = "", kind = "", id, part, name, ...more] = path.split("/").slice(1);
        const unknown: Answer = { status: 404, body: { message: "Unknown route.", requestPath: path } };
        if (method === "GET") {
            switch (path) {
                case "/ping":
                    return { status: 200, body: "pong", type: "text/plain" };
                case "/info":
                case "/v1/info":
                    return { status: 200, body: { version: this.about.version, libVersion: "stand-in", config: {} } };
                case "/leader":
                case "/v1/leader":
                    return { status: 200, body: { leader: this.about.leader() } };
                case "/v1/queue":
                    return { status: 200, body: this.queue() };
                case "/v1/metrics":
                    return { status: 200, body: {} };
                case "/v1/runs":
                    return { status: 200, body: [...this.metronome.runs.values()].map(runBody) };
                default:
            }
        }
        if (area === "v0" && kind === "scheduled-jobs") {
            return id === undefined && method === "POST"
                ? this.create(question)
                : id !== undefined && method === "PUT" && part === undefined
                  ? this.update(id, question, true)
                  : unknown;
        }
        if (area !== "v1" || kind !== "jobs") {
            return unknown;
        }
        if (id === undefined) {
            return method === "GET" ? this.list(question) : method === "POST" ? this.create(question) : unknown;
        }
        switch (part) {
            case undefined:
                return this.one(id, question) ?? unknown;
            case "schedules":
                return this.schedules(id, name, question) ?? unknown;
            case "runs":
                return this.runs(id, name, more, question) ?? unknown;
            default:
                return unknown;
        }
    }

    private json({ text, headers, path }: Question): Json {
        if (!/^(?:application|text)\/json\b/.test(headers["content-type"] ?? "")) {
            return refuse(415, { message: "Expecting text/json or application/json body", requestPath: path });
        }
        try {
            return JSON.parse(text) as Json;
        } catch (error) {
            return refuse(400, { message: `Invalid Json: ${(error as Error).message}`, requestPath: path });
        }
    }

    private job(id: string): Kept {
        return this.metronome.jobs.get(id) ?? refuse(404, { id, message: "Job not found" });
    }

    private schedule(schedule: Schedule): JsonObject {
        const next = this.metronome.nextRunOf(schedule);
        return { ...schedule, ...(next !== undefined && { nextRunAt: stamp(next) }) };
    }

    private body({ job, schedules }: Kept): JsonObject {
        return { ...job, schedules: schedules.map((one) => this.schedule(one)) };
    }

    private embedded(kept: Kept, { query, path }: Question): JsonObject {
        const embeds = query.getAll("embed");
        if (embeds.some((name) => !EMBEDS.includes(name))) {
            const message = `Unknown embed options. Valid options are: ${EMBEDS.join(", ")}`;
            return refuse(400, { message, requestPath: path });
        }
        const { successCount, failureCount, lastSuccessAt, lastFailureAt } = kept.history;
        return {
            ...this.body(kept),
            ...(embeds.includes("activeRuns") && { activeRuns: this.metronome.runsOf(kept.job.id).map(runBody) }),
            ...(embeds.includes("history") && { history: { ...kept.history } as unknown as JsonObject }),
            ...(embeds.includes("historySummary") && {
                historySummary: { successCount, failureCount, lastSuccessAt, lastFailureAt },
            }),
        };
    }

    private list(question: Question): Answer {
        const all = [...this.metronome.jobs.values()].sort((a, b) => (a.job.id < b.job.id ? -1 : 1));
        return { status: 200, body: all.map((kept) => this.embedded(kept, question)) };
    }

    /** @throws {Refused} as the real one would */
    private judged(given: Json): { job: Job; schedules: Schedule[] } {
        const { findings, job } = inspectJob(given);
        const refusal = refusalOf(findings);
        const [fault] = refusal?.body.details ?? [];
        if (fault?.path === "/dependencies") {
            refuse(422, { message: fault.errors[0] ?? "" });
        }
        if (refusal !== undefined) {
            // What fails without a word of its own tells the path only.
            refuse(refusal.status, refusal.body.message === "" ? {} : { ...refusal.body });
        }
        const schedules = isObject(given) && Array.isArray(given["schedules"]) ? given["schedules"].map(normalizeSchedule) : [];
        return { job, schedules };
    }

    private checkDependencies(job: Job): void {
        const others = [...this.metronome.jobs.values()].map((kept) => kept.job).filter(({ id }) => id !== job.id);
        const [fault] = checkJobs([...others, job]).flatMap(({ server }) => server ?? []);
        if (fault !== undefined) {
            refuse(422, { message: fault.error });
        }
    }

    private create(question: Question): Answer {
        const { job, schedules } = this.withPath(question, () => this.judged(this.json(question)));
        if (this.metronome.jobs.has(job.id)) {
            return { status: 409, body: { message: "Job with this id already exists" } };
        }
        this.checkDependencies(job);
        this.metronome.create(job, schedules);
        return { status: 201, body: this.body(this.job(job.id)) };
    }

    private withPath<T>({ path }: Question, work: () => T): T {
        try {
            return work();
        } catch (error) {
            const { status, body } = error as { status?: number; body?: JsonObject };
            if (status === 500 || (body !== undefined && Object.keys(body).length === 0)) {
                return refuse(500, { requestPath: path });
            }
            throw error;
        }
    }

    private update(id: string, question: Question, withSchedules: boolean): Answer {
        const given = this.json(question);
        const { job, schedules } = this.withPath(question, () => this.judged(given));
        const known = this.job(id);
        const renamed = { ...job, id };
        this.checkDependencies(renamed);
        this.metronome.setJob({ ...known, job: renamed, ...(withSchedules && { schedules }) });
        return { status: 200, body: this.body(this.job(id)) };
    }

    private one(id: string, question: Question): Answer | undefined {
        switch (question.method) {
            case "GET":
                return { status: 200, body: this.embedded(this.job(id), question) };
            case "PUT":
                return this.update(id, question, false);
            case "DELETE": {
                const kept = this.job(id);
                if (this.metronome.runsOf(id).length > 0 && !isTrue(question.query, "stopCurrentJobRuns")) {
                    const message = "There are active job runs. Override with stopCurrentJobRuns=true";
                    return { status: 409, body: { message } };
                }
                const needed = [...this.metronome.jobs.values()].some(({ job }) => {
                    const dependencies = Array.isArray(job["dependencies"]) ? job["dependencies"] : [];
                    return dependencies.some((other) => isObject(other) && other["id"] === id);
                });
                if (needed) {
                    // The real one has lost count of it by then.
                    return { status: 500, body: { requestPath: question.path } };
                }
                const body = this.body(kept);
                this.metronome.removeJob(id);
                return { status: 200, body };
            }
            default:
                return undefined;
        }
    }

    private schedules(id: string, name: string | undefined, question: Question): Answer | undefined {
        const { method, path } = question;
        const kept = this.job(id);
        const found = kept.schedules.find((one) => one.id === name);
        // The real one never answers these: after 10 s its front says so.
        const lost: Answer = { status: 500, body: { requestPath: path } };
        const missing: Answer = { status: 404, body: { id: name ?? "", message: "Schedule not found" } };
        if (name === undefined) {
            if (method === "GET") {
                return { status: 200, body: kept.schedules.map((one) => this.schedule(one)) };
            }
            if (method !== "POST") {
                return undefined;
            }
            const schedule = this.judgedSchedule(this.json(question));
            if (kept.schedules.length > 0) {
                return lost;
            }
            this.metronome.setJob({ ...kept, schedules: [schedule] });
            return { status: 201, body: this.schedule(schedule) };
        }
        switch (method) {
            case "GET":
                return found === undefined ? missing : { status: 200, body: this.schedule(found) };
            case "PUT": {
                const schedule = { ...this.judgedSchedule(this.json(question)), id: name };
                if (found === undefined) {
                    return lost;
                }
                this.metronome.setJob({ ...kept, schedules: [schedule] });
                return { status: 200, body: this.schedule(schedule) };
            }
            case "DELETE":
                if (found === undefined) {
                    return lost;
                }
                this.metronome.setJob({ ...kept, schedules: [] });
                return { status: 200 };
            default:
                return undefined;
        }
    }

    private judgedSchedule(given: Json): Schedule {
        const refusal = refusalOf(checkSchedule(given));
        return refusal === undefined ? normalizeSchedule(given) : refuse(refusal.status, { ...refusal.body });
    }

    private runs(id: string, name: string | undefined, more: readonly string[], { method }: Question): Answer | undefined {
        this.job(id);
        if (name === undefined) {
            return method === "GET"
                ? { status: 200, body: this.metronome.runsOf(id).map(runBody) }
                : method === "POST"
                  ? { status: 201, body: runBody(this.metronome.trigger(id)) }
                  : undefined;
        }
        const run = this.metronome.runs.get(name);
        if (run?.job !== id) {
            return { status: 404, body: { jobSpec: id, id: name, message: "Job Run not found" } };
        }
        if (method === "GET" && more.length === 0) {
            return { status: 200, body: runBody(run) };
        }
        return method === "POST" && more.join("/") === "actions/stop"
            ? { status: 200, body: runBody(this.metronome.stop(run)) }
            : undefined;
    }

    private queue(): JsonObject[] {
        const waiting = this.metronome.waiting().filter(({ createdAt }) => Date.now() - createdAt > 1000);
        const jobs = [...new Set(waiting.map(({ job }) => job))];
        return jobs.map((jobId) => ({
            jobId,
            runs: waiting.filter(({ job }) => job === jobId).map(({ id }) => ({ runId: id })),
        }));
    }
}

export function runBody({ id, job, status, createdAt, completedAt, task, taskStatus, startedAt }: Run): JsonObject {
    const tasks = task === undefined ? [] : [{ id: task, ...(startedAt !== undefined && { startedAt: stamp(startedAt) }), status: word(taskStatus ?? "TASK_STAGING") }];
    return { id, jobId: job, status, createdAt: stamp(createdAt), completedAt: completedAt === undefined ? null : stamp(completedAt), tasks };
}
