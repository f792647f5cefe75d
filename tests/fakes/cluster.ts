/** A cluster for the Marathon stand-in without Mesos: whatever fits runs at once, when it is let to. */
import type { Marathon, Tasks } from "../../lab/marathon/marathon";
import { scalarsOf } from "../../lab/marathon/matching";
import { healthChecksOf, type Instance } from "../../lab/marathon/model";

const CPUS = 4;

export class FakeCluster implements Tasks {
    private readonly killed = new Set<string>();

    public constructor(private readonly marathon: Marathon) {}

    public kill(taskId: string): void {
        this.killed.add(taskId);
    }

    public wanted(): void {
        // It looks when it is told to.
    }

    /** Runs everything that can run and ends everything that shall end, until nothing changes any more. */
    public async settle(): Promise<void> {
        for (let round = 0; round < 50; round++) {
            await new Promise((resolve) => setImmediate(resolve));
            await new Promise((resolve) => setImmediate(resolve));
            if (!this.work()) {
                return;
            }
        }
        throw new Error("the cluster does not come to rest");
    }

    private work(): boolean {
        const { marathon } = this;
        const ended = [...marathon.instances.values()].filter(({ tasks }) =>
            tasks.some((task) => this.killed.has(task)),
        );
        ended.forEach((instance) => this.end(instance));
        const started = marathon.scheduled().filter((instance) => this.start(instance));
        return ended.length + started.length > 0;
    }

    private end(instance: Instance): void {
        instance.tasks.forEach((task) => this.killed.delete(task));
        if (instance.goal === "Stopped") {
            this.marathon.forget(instance);
        } else {
            this.marathon.setInstance({ ...instance, state: "Scheduled", tasks: [], states: {}, health: [] });
        }
    }

    private start(instance: Instance): boolean {
        const spec = this.marathon.specs.get(instance.spec);
        if (spec === undefined || scalarsOf(spec).cpus > CPUS) {
            return false;
        }
        const attempt = instance.attempt + 1;
        const task = `${instance.id}._app.${attempt}`;
        const now = new Date().toISOString();
        const health = { alive: true, consecutiveFailures: 0, firstSuccess: now, lastSuccess: now };
        this.marathon.setInstance({
            ...instance,
            attempt,
            version: spec.version,
            state: "TASK_RUNNING",
            agent: { id: "agent-1", hostname: "127.0.0.1", attributes: {} },
            tasks: [task],
            states: { [task]: "TASK_RUNNING" },
            ports: [31000],
            stagedAt: now,
            startedAt: now,
            health: healthChecksOf(spec).map(() => health),
        });
        return true;
    }
}
