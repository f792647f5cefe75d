/** A framework at work: what its book says is done, what Mesos says is noted. */
import { randomBytes } from "node:crypto";
import {
    CallFailed,
    type Capability,
    type Credential,
    type FrameworkIdStore,
    launch,
    type LeaderDetector,
    type Offer,
    Scheduler,
    type TaskInfo,
    type TaskStatus,
} from "../scheduler";
import type { TaskBook } from "./book";
import type { Missing, Placed } from "./placing";
import { type KnownTask, referencesOf } from "./tasks";

/** After a start under a kept id: as long as Mesos may take to tell of the tasks that are there. */
const SETTLE_MS = 2000;
/** What was lost on the way is found by asking about everything now and then. */
const RECONCILE_EVERY_MS = 600_000;

export interface FrameworkParts {
    readonly config: {
        readonly name: string;
        readonly user: string;
        readonly failoverTimeoutSec: number;
        readonly pollSec: number;
    };
    readonly masters: LeaderDetector;
    readonly store: FrameworkIdStore;
    readonly credential?: Credential;
    readonly webuiUrl?: string;
    readonly log: (line: string) => void;
}

/** What is told of every framework that leads. */
export interface Standing {
    readonly name: string;
    readonly version: string;
    /** `host:port` of the instance that leads. */
    readonly leader: string | undefined;
    readonly leads: boolean;
    readonly frameworkId?: string | undefined;
    /** The master that it is subscribed at. */
    readonly master?: string | undefined;
    readonly suppressed?: boolean;
    readonly avoided?: readonly { readonly host: string; readonly until: string; readonly reason: string }[];
    readonly lastError?: string;
    /** What an operator should look at; nothing when all is well. */
    readonly troubles: readonly string[];
}

export interface About {
    readonly roles: readonly string[];
    readonly capabilities?: readonly Capability[];
    /** What its tasks are called, for the log. */
    readonly tasks: string;
    /** Whether a task that ends by itself, in order, is worth a line too. */
    readonly tellsEveryEnd: boolean;
}

export abstract class TaskFramework<T extends KnownTask, W extends Missing, B extends TaskBook<T, W>> {
    public readonly scheduler: Scheduler;
    private timer: NodeJS.Timeout | undefined;
    private stopped = false;
    private reconciledMs = Date.now();

    protected constructor(
        private readonly base: FrameworkParts,
        public readonly book: B,
        private readonly about: About,
    ) {
        const { config, masters, store, credential, webuiUrl, log } = base;
        const { roles, capabilities = [] } = about;
        this.scheduler = new Scheduler({
            masters,
            store,
            ...(credential && { credential }),
            framework: {
                name: config.name,
                user: config.user,
                roles,
                failoverTimeoutSec: config.failoverTimeoutSec,
                capabilities,
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
                tasks: () => referencesOf(this.book.tasks),
            },
        });
    }

    /** Looks at what wants tasks, and notes it. */
    protected abstract look(): Promise<void>;
    /** Tasks that should end. */
    protected abstract overdue(nowMs: number): readonly KnownTask[];
    /** @param unique letters and digits */
    protected abstract idFor(wanted: W, unique: string): string;
    protected abstract taskOf(id: string, placed: Placed<W>, agentId: string): TaskInfo;
    /** One line when the picture has changed. */
    protected abstract tell(): void;
    /** Before the first subscription. */
    protected prepare(): Promise<void> {
        return Promise.resolve();
    }

    /** @returns at the first subscription. @throws {SubscriptionEnded} when Mesos refuses it */
    public async start(): Promise<void> {
        await this.prepare();
        const kept = (await this.base.store.load()) !== undefined;
        if (kept) {
            this.book.pause(Date.now() + SETTLE_MS);
        }
        await this.scheduler.start();
        if (kept) {
            // Tasks of what is wanted no more are nobody's that would be asked about.
            this.book.pause(Date.now() + SETTLE_MS);
            await this.scheduler.reconcile().catch(() => undefined);
        }
        void this.poll();
    }

    /** Hangs up; tasks stay until the failover time-out. */
    public async stop(): Promise<void> {
        this.stopped = true;
        clearTimeout(this.timer);
        await this.scheduler.stop();
    }

    private async poll(): Promise<void> {
        const began = Date.now();
        try {
            await this.look();
            await this.housekeep();
            this.settle();
            this.tell();
        } catch (error) {
            this.base.log(`looking at what is wanted: ${String(error)}`);
        }
        if (!this.stopped) {
            const waitMs = Math.max(100, this.base.config.pollSec * 1000 - (Date.now() - began));
            this.timer = setTimeout(() => void this.poll(), waitMs);
        }
    }

    protected async housekeep(): Promise<void> {
        const now = Date.now();
        await Promise.all(this.overdue(now).map(({ id, agentId }) => this.kill(id, agentId)));
        if (now - this.reconciledMs > RECONCILE_EVERY_MS) {
            this.reconciledMs = now;
            await this.scheduler.reconcile([...referencesOf(this.book.tasks)]).catch(() => undefined);
        }
    }

    /** A call that is lost: the task is still there, and told of again. */
    private async kill(id: string, agentId?: string): Promise<void> {
        await this.scheduler.kill(id, agentId).catch(() => undefined);
    }

    /** Tells Mesos what is wanted now. */
    protected settle(): void {
        if (this.scheduler.master === undefined) {
            return;
        }
        const { suppress, revive } = this.book.appetite(Date.now());
        const forget = (): void => this.book.forgetAppetite();
        if (suppress.length > 0) {
            this.scheduler.suppress(suppress).catch(forget);
        }
        if (revive.length > 0) {
            this.scheduler.revive(revive).catch(forget);
        }
    }

    private async offers(offers: readonly Offer[]): Promise<void> {
        const now = Date.now();
        const { launches, declines } = this.book.offered(offers, now);
        // All are noted before the first call: what comes meanwhile finds nothing missing twice.
        const calls = launches.map(({ tasks, ...one }) => ({ ...one, tasks: this.note(one.offer, tasks, now) }));
        this.book.launched(now);
        await Promise.all([
            ...calls.map(({ offer, tasks, refuseSec }) => this.accept(offer, tasks, refuseSec)),
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

    private note(offer: Offer, tasks: readonly Placed<W>[], now: number): TaskInfo[] {
        return tasks.map((placed) => {
            const id = this.idFor(placed.of, randomBytes(5).toString("hex"));
            this.book.launching(id, placed, offer, now);
            return this.taskOf(id, placed, offer.agent_id.value);
        });
    }

    private async accept(offer: Offer, tasks: readonly TaskInfo[], refuseSec: number): Promise<void> {
        try {
            await this.scheduler.accept([offer.id], [launch(...tasks)], { refuse_seconds: refuseSec });
        } catch (error) {
            if (error instanceof CallFailed && error.status >= 400 && error.status < 500) {
                const ids = tasks.map(({ task_id: id }) => id.value);
                this.book.notLaunched(ids, Date.now(), error.message);
                this.base.log(`${ids.length} ${this.about.tasks} not launched: ${error.message}`);
                return;
            }
            // Whether they run is not known: Mesos is asked, now or after the next subscription.
            const references = tasks.map(({ task_id: id, agent_id: agent }) => ({ task_id: id, agent_id: agent }));
            await this.scheduler.reconcile(references).catch(() => undefined);
        }
    }

    private async update(status: TaskStatus): Promise<void> {
        const { value: id } = status.task_id;
        const wasKnown = this.book.tasks.has(id);
        const { kill } = this.book.heard(status, Date.now());
        const hasEnded = wasKnown && !this.book.tasks.has(id);
        if (hasEnded && (this.about.tellsEveryEnd || status.state !== "TASK_FINISHED")) {
            this.base.log(`${status.state} ${id}: ${status.message ?? status.reason ?? ""}`);
        }
        if (kill !== undefined) {
            await this.kill(kill, status.agent_id?.value);
        }
        this.settle();
    }

    /** @param troubles beside those that any framework may have */
    protected standing(leader: string | undefined, version: string, troubles: readonly string[]): Standing {
        const { book, scheduler } = this;
        const avoided = book.avoided(Date.now()).map(({ host, untilMs, reason }) => ({
            host,
            until: new Date(untilMs).toISOString(),
            reason,
        }));
        return {
            name: this.base.config.name,
            version,
            leader,
            leads: true,
            frameworkId: scheduler.frameworkId,
            master: scheduler.master,
            suppressed: book.suppressed,
            avoided,
            lastError: book.lastError,
            troubles: [
                ...(scheduler.master === undefined ? ["no master has this framework at present"] : []),
                ...troubles,
                ...avoided.map(({ host, until, reason }) => `${host} is avoided until ${until}: ${reason}`),
            ],
        };
    }
}
