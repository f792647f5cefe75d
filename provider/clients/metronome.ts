/** Metronome's REST API, as far as declarations need it, around the places where 0.6 hangs. */
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import { type Endpoint, HttpError, HttpGroup, type Patience } from "./http";
import { refusalText } from "./marathon";

export class MetronomeClient {
    private readonly http: HttpGroup;

    public constructor(endpoint: Endpoint, patience?: Patience) {
        this.http = new HttpGroup("Metronome", endpoint, patience);
    }

    private async send(what: string, method: string, path: string, body?: unknown): Promise<unknown> {
        const reply = await this.http.ask(method, path, body);
        if (reply.status < 300) return reply.body;
        if (reply.status === 404 && method !== "POST" && method !== "PUT") return undefined;
        const hint =
            reply.status === 500
                ? "\n  fix: Metronome 0.6 answers so when it is stuck with this job; restart its leader"
                : "";
        throw new HttpError(
            reply.status,
            reply.body,
            `${what}: HTTP ${reply.status} ${refusalText(reply.body)}${hint}`,
        );
    }

    public async job(id: string): Promise<JsonObject | undefined> {
        const job = await this.send(`reading job ${id}`, "GET", `/v1/jobs/${id}?embed=schedules&embed=activeRuns`);
        return isObject(job) ? job : undefined;
    }

    public async jobs(): Promise<JsonObject[]> {
        const jobs = await this.send("reading the jobs", "GET", "/v1/jobs");
        return Array.isArray(jobs) ? jobs.filter(isObject) : [];
    }

    public async createJob(job: JsonObject): Promise<void> {
        await this.send(`creating job ${word(job["id"])}`, "POST", "/v1/jobs", job);
    }

    /** Schedules stay. */
    public async updateJob(job: JsonObject): Promise<void> {
        await this.send(`updating job ${word(job["id"])}`, "PUT", `/v1/jobs/${word(job["id"])}`, job);
    }

    /** @returns false while runs are active: they are left alone */
    public async deleteJob(id: string): Promise<boolean> {
        try {
            await this.send(`deleting job ${id}`, "DELETE", `/v1/jobs/${id}?stopCurrentJobRuns=false`);
            return true;
        } catch (error) {
            if (error instanceof HttpError && error.status === 409 && /active/i.test(refusalText(error.body)))
                return false;
            throw error;
        }
    }

    /** Starts a run now. @returns its id */
    public async startRun(jobId: string): Promise<string> {
        const run = await this.send(`starting job ${jobId}`, "POST", `/v1/jobs/${jobId}/runs`);
        return isObject(run) ? word(run["id"]) : "";
    }

    /** @returns an active run; undefined when it has ended */
    public async run(jobId: string, id: string): Promise<JsonObject | undefined> {
        const run = await this.send(`reading run ${id} of ${jobId}`, "GET", `/v1/jobs/${jobId}/runs/${id}`);
        return isObject(run) ? run : undefined;
    }

    /** One that has ended stays as it is. */
    public async stopRun(jobId: string, id: string): Promise<void> {
        try {
            await this.send(`stopping run ${id} of ${jobId}`, "POST", `/v1/jobs/${jobId}/runs/${id}/actions/stop`);
        } catch (error) {
            if (!(error instanceof HttpError && error.status === 404)) throw error;
        }
    }

    public async schedules(jobId: string): Promise<JsonObject[] | undefined> {
        const schedules = await this.send(`reading the schedules of ${jobId}`, "GET", `/v1/jobs/${jobId}/schedules`);
        return Array.isArray(schedules) ? schedules.filter(isObject) : undefined;
    }

    /** Only for a job without a schedule: the server never answers to a second one. */
    public async createSchedule(jobId: string, schedule: JsonObject): Promise<void> {
        await this.send(`scheduling job ${jobId}`, "POST", `/v1/jobs/${jobId}/schedules`, schedule);
    }

    /** Only for one that is there: the server never answers for a missing one. */
    public async updateSchedule(jobId: string, schedule: JsonObject): Promise<void> {
        const id = word(schedule["id"]);
        await this.send(`changing schedule ${id} of ${jobId}`, "PUT", `/v1/jobs/${jobId}/schedules/${id}`, schedule);
    }

    /** Only for one that is there. */
    public async deleteSchedule(jobId: string, id: string): Promise<void> {
        await this.send(`deleting schedule ${id} of ${jobId}`, "DELETE", `/v1/jobs/${jobId}/schedules/${id}`);
    }
}
