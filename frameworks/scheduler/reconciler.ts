/**
 * Explicit reconciliation: after every subscription each task is asked about until the masters have answered.
 *
 * A master that has just been elected does not answer for agents that have not come back yet, so the question is repeated
 * with growing pauses (`docs/reconciliation.md` of Mesos). Implicit reconciliation (an empty list) tells of tasks that the
 * framework does not know.
 */
import type { TaskReference } from "./messages";

/** One call must not hold a master up for long. */
const CHUNK = 1000;

export interface ReconcilerOptions {
    /** Before the first repetition. @default 5000 */
    readonly baseMs?: number;
    /** @default 120000 */
    readonly maxMs?: number;
}

export class Reconciler {
    private readonly open = new Map<string, TaskReference>();
    private rounds = 0;

    public constructor(private readonly options: ReconcilerOptions = {}) {}

    /** Begins anew. @returns the RECONCILE lists to send, in order; the last one is empty: implicit */
    public begin(tasks: Iterable<TaskReference>): TaskReference[][] {
        this.open.clear();
        this.rounds = 0;
        for (const task of tasks) {
            this.open.set(task.task_id.value, task);
        }
        return [...this.lists(), []];
    }

    /** A status of the task has come, of whatever origin: its state is known. */
    public heard(taskId: string): void {
        this.open.delete(taskId);
    }

    /** What has not been answered, to be asked again after a pause; undefined when nothing is open. */
    public next(): { readonly afterMs: number; readonly ask: () => TaskReference[][] } | undefined {
        if (this.open.size === 0) {
            return undefined;
        }
        const { baseMs = 5000, maxMs = 120_000 } = this.options;
        const afterMs = Math.min(maxMs, baseMs * 2 ** this.rounds);
        this.rounds += 1;
        return { afterMs, ask: () => this.lists() };
    }

    public get unanswered(): number {
        return this.open.size;
    }

    private lists(): TaskReference[][] {
        const all = [...this.open.values()];
        return Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, index) =>
            all.slice(index * CHUNK, (index + 1) * CHUNK),
        );
    }
}
