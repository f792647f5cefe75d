/**
 * A Metronome that keeps to the recorded contract, its hangs included: they are answered with the 500 that comes at their end.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type JsonObject, word } from "../../site/definitions/fields";
import {
    checkJob,
    checkSchedule,
    type Job,
    normalizeJob,
    normalizeSchedule,
    refusalOf,
    type Schedule,
} from "../../site/metronome";
import { HttpFake } from "./httpFake";

interface Held {
    job: Job;
    schedule?: Schedule;
    runs: number;
}

type Reply = [number, unknown];

export class FakeMetronome extends HttpFake {
    public readonly jobs = new Map<string, Held>();
    public readonly changes: string[] = [];

    protected async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const url = new URL(request.url ?? "/", "http://fake");
        const method = request.method ?? "GET";
        if (method !== "GET") this.changes.push(`${method} ${url.pathname}${url.search}`);
        const text = Buffer.concat(chunks).toString();
        const [status, body] = this.answer(method, url, text === "" ? {} : (JSON.parse(text) as JsonObject));
        response
            .writeHead(status, { "Content-Type": "application/json" })
            .end(body === undefined ? "" : JSON.stringify(body));
    }

    private answer(method: string, url: URL, body: JsonObject): Reply {
        const [, id, schedules, scheduleId] =
            /^\/v1\/jobs(?:\/([^/]+))?(\/schedules(?:\/([^/]+))?)?$/.exec(url.pathname) ?? [];
        if (id === undefined) return method === "POST" ? this.create(body) : [200, [...this.jobs.values()].map(shown)];
        const held = this.jobs.get(id);
        if (held === undefined) return [404, { id, message: "Job not found" }];
        if (schedules !== undefined) return this.schedule(method, held, scheduleId, body);
        if (method === "GET") return [200, shown(held)];
        if (method === "DELETE") {
            if (held.runs > 0)
                return [409, { message: "There are active job runs. Override with stopCurrentJobRuns=true" }];
            this.jobs.delete(id);
            return [200, shown(held)];
        }
        const refusal = refusalOf(checkJob(body));
        if (refusal !== undefined) return [refusal.status, refusal.body];
        held.job = { ...normalizeJob(body), id };
        return [200, shown(held)];
    }

    private create(body: JsonObject): Reply {
        const refusal = refusalOf(checkJob(body));
        if (refusal !== undefined) return [refusal.status, refusal.body];
        const id = word(body["id"]);
        if (this.jobs.has(id)) return [409, { message: "Job with this id already exists" }];
        const held: Held = { job: normalizeJob(body), runs: 0 };
        this.jobs.set(id, held);
        return [201, shown(held)];
    }

    private schedule(method: string, held: Held, id: string | undefined, body: JsonObject): Reply {
        const stuck: Reply = [500, { requestPath: "the server never answers to this" }];
        const present = held.schedule;
        if (method === "GET" && id === undefined) return [200, present === undefined ? [] : [present]];
        if (method === "POST") {
            const refusal = refusalOf(checkSchedule(body));
            if (refusal !== undefined) return [refusal.status, refusal.body];
            if (present !== undefined) return stuck;
            held.schedule = normalizeSchedule(body);
            return [201, held.schedule];
        }
        if (present?.id !== id) return method === "GET" ? [404, { message: "Schedule not found" }] : stuck;
        if (method === "DELETE") {
            delete held.schedule;
            return [200, undefined];
        }
        if (method === "PUT") held.schedule = normalizeSchedule(body);
        return [200, { ...held.schedule, nextRunAt: "2026-11-26T00:00:00.000+0000" }];
    }
}

function shown({ job, schedule, runs }: Held): JsonObject {
    return {
        ...job,
        schedules: schedule === undefined ? [] : [schedule],
        activeRuns: Array.from({ length: runs }, (_, index) => ({
            id: `run-${index}`,
            status: "ACTIVE",
            tasks: [{ id: `task-${index}`, status: "TASK_UNREACHABLE" }],
        })),
    };
}
