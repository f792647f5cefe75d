/** The framework at work: what the {@link Book} says is done; what Mesos, commanders and those who submit say is noted. */
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
import { askAgents, makeHome } from "./agents";
import { Book } from "./book";
import type { Config } from "./config";
import type { Launch } from "./placing";
import { type Report, sessionReport } from "./report";
import { taskId } from "./sessions";
import { nameOf, type Shelves, Sources } from "./sources";
import { taskOf } from "./task";
import { probe } from "./wire";

/** After a start under a kept id: as long as Mesos may take to tell of the agents that are there. */
const SETTLE_MS = 2000;
/** What was lost on the way is found by asking about everything now and then. */
const RECONCILE_EVERY_MS = 600_000;
const PROBE_MS = 5000;

export interface Parts {
    readonly config: Config;
    readonly masters: LeaderDetector;
    readonly store: FrameworkIdStore;
    readonly credential?: Credential;
    readonly webuiUrl?: string;
    /** `host:port` that agents reach this instance at. */
    readonly address: string;
    /** What outlives it: the key of packages, what is known of sessions, submissions and their packages. */
    readonly shelves: Shelves;
    readonly log: (line: string) => void;
}

export class DdsFramework {
    public readonly book: Book;
    public readonly scheduler: Scheduler;
    public readonly sources: Sources;
    private readonly counting = new Set<string>();
    private timer: NodeJS.Timeout | undefined;
    private stopped = false;
    private reconciledMs = Date.now();
    private told = "";

    public constructor(private readonly parts: Parts) {
        const { config, masters, store, credential, webuiUrl, log } = parts;
        this.book = new Book(config);
        this.sources = new Sources(config, parts.shelves, this.book);
        this.scheduler = new Scheduler({
            masters,
            store,
            ...(credential && { credential }),
            framework: {
                name: config.name,
                user: config.user,
                roles: [config.role],
                failoverTimeoutSec: config.failoverTimeoutSec,
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
                tasks: () => referencesOf(this.book.agents),
            },
        });
    }

    /** @returns at the first subscription. @throws {SubscriptionEnded} when Mesos refuses it */
    public async start(): Promise<void> {
        await this.sources.remember();
        await this.sources.look();
        const kept = (await this.parts.store.load()) !== undefined;
        if (kept) {
            this.book.pause(Date.now() + SETTLE_MS);
        }
        await this.scheduler.start();
        if (kept) {
            // Those of a session that is declared no more are nobody's that would be asked about.
            this.book.pause(Date.now() + SETTLE_MS);
            await this.scheduler.reconcile().catch(() => undefined);
        }
        void this.poll();
    }

    /** Hangs up; agents stay until the failover time-out. */
    public async stop(): Promise<void> {
        this.stopped = true;
        clearTimeout(this.timer);
        await this.scheduler.stop();
    }

    private async poll(): Promise<void> {
        const began = Date.now();
        try {
            await this.sources.look();
            await Promise.all([...this.book.sessions.keys()].map((name) => this.ask(name)));
            await this.housekeep();
            this.settle();
            this.tell();
        } catch (error) {
            this.parts.log(`looking at the sessions: ${String(error)}`);
        }
        if (!this.stopped) {
            const waitMs = Math.max(100, this.parts.config.pollSec * 1000 - (Date.now() - began));
            this.timer = setTimeout(() => void this.poll(), waitMs);
        }
    }

    private async ask(name: string): Promise<void> {
        const found = this.sources.readies.get(name);
        if (found === undefined) {
            return;
        }
        const host = this.sources.commanderOf(name);
        const answer = await probe(host, found.session.uiPort, found.session.id, PROBE_MS);
        this.book.asked(name, answer, Date.now());
        // A tool that takes long must not hold up the rest, and there is one at a time.
        if (answer.kind !== "answers" || this.counting.has(name)) {
            return;
        }
        this.counting.add(name);
        const { tools } = this.parts.config;
        const home = tools.home ?? makeHome(this.sources.home(name), found.session, host);
        void askAgents(found.session, home, tools)
            .catch((error: unknown) => error as Error)
            .then((result) => {
                this.counting.delete(name);
                if (this.sources.readies.get(name) === found) {
                    this.book.counted(name, result, Date.now());
                }
            });
    }

    private async housekeep(): Promise<void> {
        const now = Date.now();
        const kills = this.book.kills(now);
        for (const { agent, reason } of kills) {
            this.parts.log(`ends ${agent.id}: ${reason}`);
        }
        await Promise.all(kills.map(({ agent }) => this.kill(agent.id, agent.agentId)));
        for (const name of [...this.book.changed]) {
            this.book.changed.delete(name);
            const session = this.book.sessions.get(name);
            if (session !== undefined) {
                await this.parts.shelves.sessions.put(name, JSON.stringify(session.kept));
            }
        }
        await this.sources.forgetOld(now);
        if (now - this.reconciledMs > RECONCILE_EVERY_MS) {
            this.reconciledMs = now;
            await this.scheduler.reconcile([...referencesOf(this.book.agents)]).catch(() => undefined);
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
        const calls = launches.map((one) => [one, this.note(one, now)] as const);
        this.book.launched(now);
        await Promise.all([
            ...calls.map(([{ offer, refuseSec }, agents]) => this.accept(offer, agents, refuseSec)),
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

    private note({ offer, agents }: Launch, now: number): readonly (readonly [string, Launch["agents"][number]])[] {
        return agents.map((agent) => {
            const id = taskId(agent.of.session, agent.of.generation, randomBytes(5).toString("hex"));
            this.book.launching(id, agent.of, offer, now);
            return [id, agent] as const;
        });
    }

    private async accept(
        offer: Offer,
        agents: readonly (readonly [string, Launch["agents"][number]])[],
        refuseSec: number,
    ): Promise<void> {
        const { config, address } = this.parts;
        const { key } = this.sources;
        const tasks = agents.map(
            ([
                id,
                {
                    of: { session, spec },
                    resources,
                },
            ]) =>
                taskOf({ id, session, spec, agentId: offer.agent_id.value, resources }, config.user, {
                    digest: this.sources.readies.get(session)?.digest ?? "",
                    address,
                    key,
                }),
        );
        try {
            await this.scheduler.accept([offer.id], [launch(...tasks)], { refuse_seconds: refuseSec });
        } catch (error) {
            const ids = agents.map(([id]) => id);
            if (error instanceof CallFailed && error.status >= 400 && error.status < 500) {
                this.book.notLaunched(ids, Date.now(), error.message);
                this.parts.log(`${ids.length} agents not launched: ${error.message}`);
                return;
            }
            // Whether they run is not known: Mesos is asked, now or after the next subscription.
            const references = ids.map((value) => ({ task_id: { value }, agent_id: offer.agent_id }));
            await this.scheduler.reconcile(references).catch(() => undefined);
        }
    }

    private async update(status: TaskStatus): Promise<void> {
        const known = this.book.agents.has(status.task_id.value);
        const { kill } = this.book.heard(status, Date.now());
        if (known && !this.book.agents.has(status.task_id.value)) {
            this.parts.log(`${status.state} ${status.task_id.value}: ${status.message ?? status.reason ?? ""}`);
        }
        if (kill !== undefined) {
            await this.kill(kill, status.agent_id?.value);
        }
        this.settle();
    }

    /** @throws with every fault. @returns the submission's number */
    public async submit(body: string): Promise<number> {
        const id = await this.sources.submit(body);
        this.parts.log(`submission ${id} is taken`);
        await this.ask(nameOf(id));
        this.settle();
        return id;
    }

    /** Ends a submission and its agents. @returns whether there was one */
    public async withdraw(id: number): Promise<boolean> {
        const there = await this.sources.withdraw(id);
        if (there) {
            this.parts.log(`submission ${id} is withdrawn`);
            await this.housekeep();
        }
        return there;
    }

    /** One line when the picture has changed. */
    private tell(): void {
        for (const { name, agents, state } of this.report({ leader: undefined, version: "" }).sessions ?? []) {
            const line = `${name}: ${agents.wanted} agents wanted, ${agents.running} run, ${agents.joined} joined; ${state}`;
            if (!this.told.includes(`${line}\n`)) {
                this.told = `${this.told
                    .split("\n")
                    .filter((one) => one !== "" && !one.startsWith(`${name}: `))
                    .join("\n")}\n${line}\n`;
                this.parts.log(line);
            }
        }
    }

    public report({ leader, version }: { leader: string | undefined; version: string }): Report {
        const { book, scheduler, parts } = this;
        const now = Date.now();
        const avoided = book.avoided(now).map(({ host, untilMs, reason }) => ({
            host,
            until: new Date(untilMs).toISOString(),
            reason,
        }));
        const sessions = [...book.sessions.values()].map((session) => {
            const found = this.sources.readies.get(session.name);
            const commander = found && `${this.sources.commanderOf(session.name)}:${found.session.uiPort}`;
            return sessionReport(book, session, { commander, trouble: this.sources.troubles.get(session.name) }, now);
        });
        return {
            name: parts.config.name,
            version,
            leader,
            leads: true,
            frameworkId: scheduler.frameworkId,
            master: scheduler.master,
            suppressed: book.suppressed,
            sessions: sessions.map(([session]) => session),
            avoided,
            counters: book.counters,
            lastError: book.lastError,
            troubles: [
                ...(scheduler.master === undefined ? ["no master has this framework at present"] : []),
                ...sessions.flatMap(([{ name, state }, isTrouble]) => (isTrouble ? [`${name}: ${state}`] : [])),
                ...avoided.map(({ host, until, reason }) => `${host} is avoided until ${until}: ${reason}`),
            ],
        };
    }
}
