/** Status updates in order, each once, each acknowledged only when it has been dealt with. */
import type { TaskStatus } from "./messages";

export interface UpdateHooks {
    /** Must have kept what it needs to keep before it resolves: an acknowledged update never comes again. */
    readonly handle: (status: TaskStatus) => Promise<void> | void;
    readonly acknowledge: (status: TaskStatus) => Promise<void> | void;
    /** The update is not acknowledged, so Mesos sends it again. */
    readonly failed: (error: unknown, status: TaskStatus) => void;
}

/** So many update ids are remembered to tell repetitions. */
const REMEMBERED = 10_000;

/**
 * One line of updates per task: those of one task are handled one after another, those of different tasks do not wait for each
 * other. Mesos repeats an update until it is acknowledged; a repetition is acknowledged again but handled once.
 */
export class UpdateLine {
    private readonly lines = new Map<string, Promise<void>>();
    private readonly handled = new Set<string>();

    public constructor(private readonly hooks: UpdateHooks) {}

    public push(status: TaskStatus): void {
        const task = status.task_id.value;
        const line = (this.lines.get(task) ?? Promise.resolve()).then(() => this.take(status));
        this.lines.set(task, line);
        void line.then(() => {
            if (this.lines.get(task) === line) {
                this.lines.delete(task);
            }
        });
    }

    /** When everything that came so far has been dealt with. */
    public async settled(): Promise<void> {
        while (this.lines.size > 0) {
            await Promise.all(this.lines.values());
        }
    }

    private async take(status: TaskStatus): Promise<void> {
        const { uuid } = status;
        try {
            if (uuid === undefined || !this.handled.has(uuid)) {
                await this.hooks.handle(status);
            }
            if (uuid !== undefined) {
                this.remember(uuid);
                await this.hooks.acknowledge(status);
            }
        } catch (error) {
            this.hooks.failed(error, status);
        }
    }

    private remember(uuid: string): void {
        this.handled.add(uuid);
        if (this.handled.size > REMEMBERED) {
            for (const oldest of this.handled) {
                this.handled.delete(oldest);
                break;
            }
        }
    }
}
