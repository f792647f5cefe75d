/** The framework at work: what the {@link Book} says is done, what Mesos and Work Queue say is noted. */
import { randomBytes } from "node:crypto";
import {
    CallFailed,
    type Credential,
    type FrameworkIdStore,
    launch,
    type LeaderDetector,
    type Offer,
    Scheduler,
    type TaskStatus,
} from "../scheduler";
import { referencesOf } from "../service/tasks";
import { Book } from "./book";
import { type Config, projectPattern } from "./config";
import type { Launch } from "./placing";
import type { Report } from "./report";
import { taskOf } from "./task";
import { Watch } from "./watch";
import { taskId, type Worker } from "./workers";

/** After a start under a kept id: as long as Mesos may take to tell of the workers that are there. */
const SETTLE_MS = 2000;
/** What was lost on the way is found by asking about everything now and then. */
const RECONCILE_EVERY_MS = 600_000;

export interface Parts {
    readonly config: Config;
    readonly masters: LeaderDetector;
    readonly store: FrameworkIdStore;
    readonly credential?: Credential;
    /** Of the managers. */
    readonly password?: string;
    readonly webuiUrl?: string;
    readonly log: (line: string) => void;
}

export class WorkQueueFramework {
    public readonly book: Book;
    public readonly scheduler: Scheduler;
    private readonly watch: Watch;
    private timer: NodeJS.Timeout | undefined;
    private stopped = false;
    private reconciledMs = Date.now();
    private told = "";

    public constructor(private readonly parts: Parts) {
        const { config, masters, store, credential, password, webuiUrl, log } = parts;
        this.book = new Book(config);
        this.watch = new Watch({
            catalogs: config.catalogs,
            projects: projectPattern(config),
            staleSec: config.staleSec,
            ...(password !== undefined && { password }),
        });
        this.scheduler = new Scheduler({
            masters,
            store,
            ...(credential && { credential }),
            framework: {
                name: config.name,
                user: config.user,
                roles: [config.role],
                failoverTimeoutSec: config.failoverTimeoutSec,
                ...(config.sizes.some(({ gpus }) => gpus > 0) && { capabilities: ["GPU_RESOURCES"] }),
                ...(webuiUrl !== undefined && { webuiUrl }),
            },
            log,
            handler: {
                subscribed: () => {
                    this.book.forgetAppetite();
                    this.settle();
                },
                offers: (offers) => this.offers(offers),
                update: (status) => this.update(status),
                tasks: () => referencesOf(this.book.workers),
            },
        });
    }

    /** @returns at the first subscription. @throws {SubscriptionEnded} when Mesos refuses it */
    public async start(): Promise<void> {
        if ((await this.parts.store.load()) !== undefined) {
            this.book.pause(Date.now() + SETTLE_MS);
        }
        await this.scheduler.start();
        void this.poll();
    }

    /** Hangs up; workers stay until the failover time-out. */
    public async stop(): Promise<void> {
        this.stopped = true;
        clearTimeout(this.timer);
        await this.scheduler.stop();
    }

    private async poll(): Promise<void> {
        const began = Date.now();
        try {
            this.book.saw(await this.watch.look(), Date.now());
            await this.housekeep();
            this.settle();
            this.tell();
        } catch (error) {
            this.parts.log(`looking at the queues: ${String(error)}`);
        }
        if (!this.stopped) {
            const waitMs = Math.max(100, this.parts.config.pollSec * 1000 - (Date.now() - began));
            this.timer = setTimeout(() => void this.poll(), waitMs);
        }
    }

    private async housekeep(): Promise<void> {
        const late = this.book.giveUp(Date.now());
        await Promise.all(late.map(({ id, agentId }) => this.kill(id, agentId)));
        if (Date.now() - this.reconciledMs > RECONCILE_EVERY_MS) {
            this.reconciledMs = Date.now();
            await this.scheduler.reconcile([...referencesOf(this.book.workers)]).catch(() => undefined);
        }
    }

    /** A call that is lost: the task is still there, and told of again. */
    private async kill(id: string, agentId?: string): Promise<void> {
        await this.scheduler.kill(id, agentId).catch(() => undefined);
    }

    private settle(): void {
        if (this.scheduler.master === undefined) {
            return;
        }
        const appetite = this.book.appetite(Date.now());
        if (appetite !== undefined) {
            const call = appetite === "suppress" ? this.scheduler.suppress() : this.scheduler.revive();
            call.catch(() => this.book.forgetAppetite());
        }
    }

    private async offers(offers: readonly Offer[]): Promise<void> {
        const now = Date.now();
        const { launches, declines } = this.book.offered(offers, now);
        // All are noted before the first call: what comes meanwhile finds nothing missing twice.
        const calls = launches.map((one) => [one, this.note(one, now)] as const);
        this.book.launched(now);
        await Promise.all([
            ...calls.map(([{ offer, refuseSec }, workers]) => this.accept(offer, workers, refuseSec)),
            ...declines.map(({ offerIds, refuseSec }) =>
                this.scheduler
                    .decline(
                        offerIds.map((value) => ({ value })),
                        refuseSec,
                    )
                    .catch(() => undefined),
            ),
        ]);
        this.settle();
    }

    private note({ offer, workers }: Launch, now: number): readonly (readonly [string, Launch["workers"][number]])[] {
        return workers.map((worker) => {
            const id = taskId(worker.size.name, randomBytes(5).toString("hex"), worker.project);
            this.book.launching(id, worker, offer, now);
            return [id, worker] as const;
        });
    }

    private async accept(
        offer: Offer,
        workers: readonly (readonly [string, Launch["workers"][number]])[],
        refuseSec: number,
    ): Promise<void> {
        const { config, password } = this.parts;
        const agentId = offer.agent_id.value;
        const tasks = workers.map(([id, { project, size, resources }]) =>
            taskOf({ id, project, size, agentId, resources }, config, password),
        );
        try {
            await this.scheduler.accept([offer.id], [launch(...tasks)], { refuse_seconds: refuseSec });
        } catch (error) {
            const ids = workers.map(([id]) => id);
            if (error instanceof CallFailed && error.status >= 400 && error.status < 500) {
                this.book.notLaunched(ids, Date.now());
                this.parts.log(`${ids.length} workers not launched: ${error.message}`);
                return;
            }
            // Whether they run is not known: Mesos is asked, now or after the next subscription.
            const references = ids.map((value) => ({ task_id: { value }, agent_id: offer.agent_id }));
            await this.scheduler.reconcile(references).catch(() => undefined);
        }
    }

    private async update(status: TaskStatus): Promise<void> {
        const { kill } = this.book.heard(status, Date.now());
        if (status.state === "TASK_FAILED" || status.state === "TASK_ERROR") {
            this.parts.log(`${status.state} ${status.task_id.value}: ${status.message ?? status.reason ?? ""}`);
        }
        if (kill !== undefined) {
            await this.kill(kill, status.agent_id?.value);
        }
        this.settle();
    }

    /** One line when the picture has changed. */
    private tell(): void {
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
        const { book, scheduler, watch, parts } = this;
        const now = Date.now();
        const avoided = book.avoided(now).map(({ host, untilMs, reason }) => ({
            host,
            until: new Date(untilMs).toISOString(),
            reason,
        }));
        const flat = (
            list: readonly { project: string; size: { name: string }; count: number }[],
        ): NonNullable<Report["missing"]> =>
            list.map(({ project, size, count }) => ({ project, size: size.name, count }));
        return {
            name: parts.config.name,
            version,
            leader,
            leads: true,
            frameworkId: scheduler.frameworkId,
            master: scheduler.master,
            suppressed: book.suppressed,
            catalogs: watch.catalogs,
            managers: watch.managers,
            workers: summed([...book.workers.values()]),
            wanted: flat(book.demand.map(({ workers, ...one }) => ({ ...one, count: workers }))),
            missing: flat(book.missing),
            misfits: book.misfits,
            avoided,
            counters: book.counters,
            waits: book.waits,
            lastError: book.lastError,
            troubles: [
                ...(scheduler.master === undefined ? ["no master has this framework at present"] : []),
                ...watch.catalogs.flatMap(({ address, error }) =>
                    error === undefined ? [] : [`catalog ${address} does not answer: ${error}`],
                ),
                ...watch.managers.flatMap(({ project, error }) =>
                    error === undefined ? [] : [`${project}: ${error}`],
                ),
                ...book.misfits.map(
                    ({ project, count, task }) => `${project}: ${count} tasks fit no size of worker (${task})`,
                ),
                ...avoided.map(({ host, until, reason }) => `${host} is avoided until ${until}: ${reason}`),
            ],
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
