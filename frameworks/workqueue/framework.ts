/** The framework at work: what the {@link Book} says is done, what Mesos and Work Queue say is noted. */
import type { TaskInfo } from "../scheduler";
import { type FrameworkParts, TaskFramework } from "../service/framework";
import type { Placed } from "../service/placing";
import { Book } from "./book";
import { type Config, projectPattern, rolesOf } from "./config";
import type { MissingWorkers } from "./placing";
import type { Report } from "./report";
import { taskOf } from "./task";
import { Watch } from "./watch";
import { taskId, type Worker } from "./workers";

export interface Parts extends FrameworkParts {
    readonly config: Config;
    /** Of the managers. */
    readonly password?: string;
}

export class WorkQueueFramework extends TaskFramework<Worker, MissingWorkers, Book> {
    private readonly watch: Watch;
    private told = "";

    public constructor(private readonly parts: Parts) {
        const { config, password } = parts;
        super(parts, new Book(config), {
            roles: rolesOf(config),
            capabilities: config.sizes.some(({ gpus }) => gpus > 0) ? ["GPU_RESOURCES"] : [],
            tasks: "workers",
            tellsEveryEnd: false,
        });
        this.watch = new Watch({
            catalogs: config.catalogs,
            projects: projectPattern(config),
            staleSec: config.staleSec,
            ...(password !== undefined && { password }),
        });
    }

    protected async look(): Promise<void> {
        this.book.saw(await this.watch.look(), Date.now());
    }

    protected overdue(nowMs: number): readonly Worker[] {
        return this.book.giveUp(nowMs);
    }

    protected idFor({ size, project }: MissingWorkers, unique: string): string {
        return taskId(size.name, unique, project);
    }

    protected taskOf(
        id: string,
        { of: { project, size }, resources }: Placed<MissingWorkers>,
        agentId: string,
    ): TaskInfo {
        const { config, password } = this.parts;
        return taskOf({ id, project, size, agentId, resources }, config, password);
    }

    /** One line when the picture has changed. */
    protected tell(): void {
        const { managers = [], workers = [], missing = [] } = this.report({ leader: undefined, version: "" });
        const sum = (list: readonly { readonly count: number }[]): number =>
            list.reduce((all, { count }) => all + count, 0);
        const waiting = managers.reduce((all, manager) => all + manager.waiting, 0);
        const line = `${managers.length} managers, ${waiting} tasks waiting; ${sum(workers)} workers, ${sum(missing)} to be started`;
        if (line !== this.told) {
            this.told = line;
            this.parts.log(line);
        }
    }

    public report({ leader, version }: { leader: string | undefined; version: string }): Report {
        const { book, watch } = this;
        const flat = (
            list: readonly { project: string; size: { name: string }; count: number }[],
        ): NonNullable<Report["missing"]> =>
            list.map(({ project, size, count }) => ({ project, size: size.name, count }));
        const troubles = [
            ...watch.catalogs.flatMap(({ address, error }) =>
                error === undefined ? [] : [`catalog ${address} does not answer: ${error}`],
            ),
            ...watch.managers.flatMap(({ project, error }) => (error === undefined ? [] : [`${project}: ${error}`])),
            ...book.misfits.map(
                ({ project, count, task }) => `${project}: ${count} tasks fit no size of worker (${task})`,
            ),
        ];
        return {
            ...this.standing(leader, version, troubles),
            catalogs: watch.catalogs,
            managers: watch.managers,
            workers: summed([...book.tasks.values()]),
            wanted: flat(book.demand.map(({ workers, ...one }) => ({ ...one, count: workers }))),
            missing: flat(book.missing),
            misfits: book.misfits,
            counters: book.counters,
            waits: book.waits,
        };
    }
}

/** How many workers there are of each kind. */
function summed(workers: readonly Worker[]): NonNullable<Report["workers"]> {
    const sums = new Map<string, { project: string; size: string; state: string; count: number }>();
    for (const { project, size, state } of workers) {
        const key = `${state} ${size} ${project}`;
        const sum = sums.get(key) ?? { project, size, state, count: 0 };
        sum.count += 1;
        sums.set(key, sum);
    }
    return [...sums.values()];
}
