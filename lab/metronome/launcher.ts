/** Runs of jobs as Mesos tasks. */
import { gracePeriod, isTerminal, launch, type Offer, type Operation, type Resource, type Scheduler, takeResources, type TaskInfo, type TaskReference, type TaskStatus } from "../../frameworks/scheduler";
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import { objects } from "../../site/marathon/normalizeApp";
import { admits } from "../marathon/constraints";
import { agentOf } from "../marathon/matching";
import { commandOf, containerOf } from "../marathon/taskInfo";
import type { Metronome, Run, Tasks } from "./metronome";

const REFUSE_SEC = { idle: 120, waiting: 2 };

export class JobLauncher implements Tasks {
    private readonly byTask = new Map<string, string>();
    private waiting = -1;

    public constructor(
        private readonly metronome: Metronome,
        private readonly scheduler: () => Scheduler,
    ) {
        metronome.runs.forEach(({ id, task }) => task !== undefined && this.byTask.set(task, id));
    }

    public *references(): Iterable<TaskReference> {
        for (const { task, agentId } of this.metronome.runs.values()) {
            if (task !== undefined) {
                yield { task_id: { value: task }, ...(agentId !== undefined && { agent_id: { value: agentId } }) };
            }
        }
    }

    public kill(task: string, agentId: string | undefined): void {
        void this.scheduler().kill(task, agentId).catch(() => undefined);
    }

    public wanted(waiting: number): void {
        const before = this.waiting;
        this.waiting = waiting;
        if (waiting > Math.max(0, before)) {
            void this.scheduler().revive().catch(() => undefined);
        } else if (waiting === 0 && before !== 0) {
            void this.scheduler().suppress().catch(() => undefined);
        }
    }

    public subscribed(): void {
        this.waiting = -1;
        this.metronome.tick();
    }

    public async offers(offers: readonly Offer[]): Promise<void> {
        await Promise.all(offers.map((offer) => this.use(offer)));
    }

    private async use(offer: Offer): Promise<void> {
        const operations: Operation[] = [];
        let rest: readonly Resource[] = offer.resources;
        const agent = agentOf(offer);
        for (const run of this.metronome.waiting()) {
            const spec = this.metronome.jobs.get(run.job)?.job["run"];
            const placement = isObject(spec) && isObject(spec["placement"]) ? objects(spec["placement"]["constraints"]) : [];
            const fits = placement.every(({ attribute, operator, value }) =>
                admits({ field: word(attribute), operator: word(operator) as "IS", value: word(value ?? "") }, agent, []),
            );
            if (!isObject(spec) || !fits) {
                continue;
            }
            const scalars = Object.fromEntries(["cpus", "mem", "disk", "gpus"].map((name) => [name, Number(spec[name] ?? 0)]));
            const found = takeResources(rest, { scalars });
            if (!("lacking" in found)) {
                rest = found.rest;
                operations.push(launch(this.task(run, spec, offer, found.taken)));
            }
        }
        const refuse = this.metronome.waiting().length > 0 ? REFUSE_SEC.waiting : REFUSE_SEC.idle;
        try {
            await this.metronome.kept();
            await (operations.length === 0
                ? this.scheduler().decline([offer.id], refuse)
                : this.scheduler().accept([offer.id], operations, { refuse_seconds: refuse }));
        } catch {
            // What became of it, reconciliation tells.
            await this.scheduler().reconcile([...this.references()]).catch(() => undefined);
        }
    }

    private task(run: Run, spec: JsonObject, offer: Offer, resources: readonly Resource[]): TaskInfo {
        const task = this.metronome.taskName(run);
        this.byTask.set(task, run.id);
        this.metronome.setRun({ ...run, status: "STARTING", task, taskStatus: "TASK_STAGING", agentId: offer.agent_id.value });
        const grace = spec["taskKillGracePeriodSeconds"];
        const box = containerOf({ container: { type: spec["docker"] === undefined ? "MESOS" : "DOCKER", volumes: spec["volumes"] ?? [], ...(isObject(spec["docker"]) && { docker: spec["docker"] }) } });
        return {
            name: run.job,
            task_id: { value: task },
            agent_id: offer.agent_id,
            resources,
            command: commandOf({ ...spec, fetch: spec["artifacts"] ?? [] }, { METRONOME_JOB_ID: run.job, METRONOME_JOB_RUN_ID: run.id }),
            ...(box && { container: box }),
            ...(typeof grace === "number" && { kill_policy: gracePeriod(grace) }),
        };
    }

    public update({ task_id: { value: task }, state }: TaskStatus): Promise<void> {
        const run = this.metronome.runs.get(this.byTask.get(task) ?? "");
        if (run?.task !== task) {
            if (!isTerminal(state) && state !== "TASK_UNREACHABLE" && state !== "TASK_UNKNOWN") {
                this.kill(task, undefined);
            }
            this.byTask.delete(task);
        } else if (isTerminal(state) || state === "TASK_UNKNOWN") {
            this.byTask.delete(task);
            this.metronome.ended({ ...run, taskStatus: state }, state === "TASK_FINISHED");
        } else {
            const running = state === "TASK_RUNNING";
            this.metronome.setRun({
                ...run,
                taskStatus: state,
                status: running ? "ACTIVE" : run.status,
                ...(running && run.startedAt === undefined && { startedAt: Date.now() }),
            });
        }
        return this.metronome.kept();
    }
}
