/** All that the framework knows, and what follows from it. No effects: whoever calls tells the time, and does what it says. */
import type { Offer, TaskStatus } from "../scheduler";
import { TaskBook } from "../service/book";
import { speaksAgainst } from "../service/hosts";
import type { Placement } from "../service/placing";
import { aliveOf, stuck } from "../service/tasks";
import type { JoinedAgent } from "./agents";
import type { Config, SessionSpec } from "./config";
import { type Missing, place } from "./placing";
import { type Agent, fresh, type Kept, parseTaskId, type Reason, type SessionState } from "./sessions";
import type { Answer } from "./wire";

/** After an agent's end: its session may just be ending, and its commander is asked first. */
const BREATH_MS = 3000;
const MAX_BACKOFF_MS = 60_000;
/** An agent that lived for less has gained nothing. */
const EARLY_MS = 60_000;
/** Mesos tells of a kill that was lost on the way only when it is asked again. */
const KILL_AGAIN_MS = 20_000;

export interface Kill {
    readonly agent: Agent;
    readonly reason: Reason;
}

export type BookConfig = Pick<Config, "avoid" | "startSec" | "goneSec" | "role">;

export class Book extends TaskBook<Agent, Missing> {
    public readonly sessions = new Map<string, SessionState>();
    public readonly counters = { launched: 0, ended: 0, lost: 0, killed: 0 };
    /** Sessions whose {@link Kept} is to be written down. */
    public readonly changed = new Set<string>();
    protected readonly identify = parseTaskId;
    private readonly dying = new Map<string, { reason: Reason; atMs: number }>();
    /** When each was last seen among its commander's agents. */
    private readonly seen = new Map<string, number>();

    public constructor(private readonly config: BookConfig) {
        super(config, [config.role]);
    }

    /**
     * Sets what a session is to be.
     * @param generation of its package; undefined while that cannot be read
     * @param of what the limit of replacements is for; see {@link Kept}
     * @param kept what was written down of it
     */
    public declare(name: string, spec: SessionSpec, generation: string | undefined, of: string, kept?: Kept): void {
        const before = this.sessions.get(name);
        const known = before?.kept ?? kept;
        const goesOn = known !== undefined && (known.of === of || generation === undefined);
        if (!goesOn) {
            this.changed.add(name);
        }
        const isSame = before !== undefined && before.generation === generation;
        this.sessions.set(name, {
            ...(isSame ? before : { ...fresh(name), lastEnd: (goesOn && known.lastEnd) || "" }),
            ...(!goesOn && { failures: 0, backoffUntilMs: 0 }),
            spec,
            generation,
            kept: goesOn ? known : { of, losses: [], givenUp: false },
        });
    }

    public forget(name: string): void {
        this.sessions.delete(name);
        this.changed.delete(name);
    }

    /** Its commander has been asked. */
    public asked(name: string, answer: Answer, nowMs: number): void {
        const session = this.sessions.get(name);
        if (session === undefined) {
            return;
        }
        const answers = answer.kind === "answers";
        session.commander = {
            answer,
            answeredMs: answers ? nowMs : session.commander.answeredMs,
            closedSince: answer.kind === "closed" ? (session.commander.closedSince ?? nowMs) : undefined,
        };
        this.confirm(session, answers, nowMs);
    }

    /** Agents that have ended with their session are no losses. */
    private confirm(session: SessionState, answers: boolean, nowMs: number): void {
        const sure = session.pending.filter((at) => nowMs - at >= BREATH_MS);
        session.pending = answers ? session.pending.filter((at) => nowMs - at < BREATH_MS) : [];
        if (!answers || sure.length === 0) {
            return;
        }
        const { withinSec, replacements } = session.spec;
        const losses = [...session.kept.losses, ...sure].filter((at) => nowMs - at < withinSec * 1000);
        const givenUp = session.kept.givenUp || losses.length > replacements;
        session.kept = { ...session.kept, losses, givenUp, lastEnd: session.lastEnd };
        this.counters.lost += sure.length;
        this.changed.add(session.name);
    }

    /** Its commander's agents have been counted, or could not be. */
    public counted(name: string, result: readonly JoinedAgent[] | Error, nowMs: number): void {
        const session = this.sessions.get(name);
        if (session === undefined) {
            return;
        }
        if (result instanceof Error) {
            session.counted = {
                atMs: session.counted?.atMs ?? 0,
                agents: session.counted?.agents ?? [],
                error: result.message,
            };
            return;
        }
        session.counted = { atMs: nowMs, agents: result };
        const directories = result.map(({ workDir }) => workDir.split("/"));
        for (const agent of this.tasks.values()) {
            if (agent.session === name && directories.some((parts) => parts.includes(agent.id))) {
                this.seen.set(agent.id, nowMs);
            }
        }
    }

    /** Whether its commander has it, by the last count. */
    public joined({ id, session }: Agent): boolean {
        const atMs = this.sessions.get(session)?.counted?.atMs;
        return atMs !== undefined && this.seen.get(id) === atMs;
    }

    /** Those that count for what is wanted. */
    public serving(session: string): Agent[] {
        const { generation } = this.sessions.get(session) ?? {};
        return aliveOf(this.tasks).filter(
            (agent) => agent.session === session && agent.generation === generation && !this.dying.has(agent.id),
        );
    }

    /** Whether a session's commander is taken to be gone for good. */
    public isOver({ commander: { answer, closedSince } }: SessionState, nowMs: number): boolean {
        return (
            answer?.kind === "other session" ||
            (closedSince !== undefined && nowMs - closedSince > this.config.goneSec * 1000)
        );
    }

    /** What is to be started now. */
    public missing(nowMs: number): Missing[] {
        if (this.isPaused(nowMs)) {
            return [];
        }
        return [...this.sessions.values()].flatMap((session): Missing[] => {
            const { name, spec, generation, kept, commander, backoffUntilMs } = session;
            const count = spec.agents - this.serving(name).length;
            // It has answered since the last end: what has ended has not ended with its session.
            const mayStart =
                generation !== undefined &&
                !kept.givenUp &&
                commander.answer?.kind === "answers" &&
                nowMs >= backoffUntilMs &&
                commander.answeredMs >= backoffUntilMs;
            return mayStart && count > 0 ? [{ session: name, generation, spec, count, role: this.config.role }] : [];
        });
    }

    protected wanted(nowMs: number): Map<string, Map<string, number>> {
        const open = this.missing(nowMs).map(
            ({ session, generation, count }) => [`${session} ${generation}`, count] as const,
        );
        return new Map([[this.config.role, new Map(open)]]);
    }

    protected place(offers: readonly Offer[], nowMs: number): Placement<Missing> {
        return place(this.missing(nowMs), offers, [...this.tasks.values()], this.hosts, nowMs);
    }

    protected newTask({ session, generation }: Missing): Pick<Agent, "session" | "generation"> {
        this.counters.launched += 1;
        return { session, generation };
    }

    protected goesOn(): void {
        // Whether it is of use, its commander tells.
    }

    public notLaunched(ids: readonly string[], nowMs: number, message: string): void {
        this.lastError = message;
        for (const id of ids) {
            const agent = this.tasks.get(id);
            this.tasks.delete(id);
            this.counters.launched -= 1;
            const session = this.sessions.get(agent?.session ?? "");
            if (session !== undefined) {
                this.backOff(session, true, nowMs);
            }
        }
    }

    protected ended(agent: Agent, status: TaskStatus, nowMs: number): void {
        const { state, message = "", reason = "" } = status;
        const why = this.dying.get(agent.id)?.reason;
        const wasSeen = this.seen.get(agent.id) !== undefined;
        this.dying.delete(agent.id);
        this.seen.delete(agent.id);
        this.counters.ended += 1;
        const host = this.hostOf(agent);
        const text = `${agent.id}${host === undefined ? "" : ` on ${host}`}: ${state}${message === "" && reason === "" ? "" : `, ${message || reason}`}`;
        const session = this.sessions.get(agent.session);
        if (session === undefined || (why !== undefined && why !== "not joined" && why !== "not started")) {
            return;
        }
        session.lastEnd = text;
        // An end in order is as much of a loss as any other: nobody has asked for it. A host that is lost is no fault of the session's.
        const own = ["TASK_FINISHED", "TASK_FAILED", "TASK_ERROR", "TASK_KILLED"].includes(state);
        const early = nowMs - (agent.runningSince ?? agent.since) < EARLY_MS && !wasSeen;
        if (own && agent.generation === session.generation) {
            session.pending = [...session.pending, nowMs];
            this.backOff(session, early || state === "TASK_ERROR", nowMs);
        }
        if (state !== "TASK_FINISHED" && state !== "TASK_KILLED") {
            this.lastError = text;
        }
        if (host === undefined) {
            return;
        }
        if (early && own && (speaksAgainst(status) || why !== undefined)) {
            this.failedOn(host, message || reason || state, nowMs);
        } else if (wasSeen) {
            this.didWellOn(host);
        }
    }

    private backOff(session: SessionState, early: boolean, nowMs: number): void {
        session.failures = early ? session.failures + 1 : 0;
        const wait = Math.min(MAX_BACKOFF_MS, BREATH_MS * 2 ** Math.min(session.failures, 10));
        session.backoffUntilMs = Math.max(session.backoffUntilMs, nowMs + (early ? wait : BREATH_MS));
    }

    /** What should end, each told once and, when it does not, again. */
    public kills(nowMs: number): Kill[] {
        const found: Kill[] = [];
        for (const agent of this.tasks.values()) {
            const session = this.sessions.get(agent.session);
            const reason = session === undefined ? "no such session" : this.reasonOf(agent, session, nowMs);
            if (reason !== undefined) {
                found.push({ agent, reason });
            }
        }
        for (const session of this.sessions.values()) {
            found.push(...this.surplus(session, new Set(found.map(({ agent }) => agent.id))));
        }
        // Nothing is ended before Mesos has told of all that there is.
        if (this.isPaused(nowMs)) {
            return [];
        }
        return found.filter(({ agent, reason }) => {
            const before = this.dying.get(agent.id);
            if (before !== undefined && nowMs - before.atMs < KILL_AGAIN_MS) {
                return false;
            }
            this.dying.set(agent.id, { reason: before?.reason ?? reason, atMs: nowMs });
            this.counters.killed += Number(before === undefined);
            return true;
        });
    }

    private reasonOf(agent: Agent, session: SessionState, nowMs: number): Reason | undefined {
        const dying = this.dying.get(agent.id);
        if (dying !== undefined) {
            return dying.reason;
        }
        if (session.generation !== undefined && agent.generation !== session.generation) {
            return "other package";
        }
        if (this.isOver(session, nowMs)) {
            return "session over";
        }
        if (stuck(new Map([[agent.id, agent]]), nowMs, this.config.startSec * 1000).length > 0) {
            return "not started";
        }
        const { counted, commander, spec } = session;
        const isCounted = counted !== undefined && counted.error === undefined && commander.answer?.kind === "answers";
        if (agent.state !== "running" || agent.runningSince === undefined || !isCounted) {
            return undefined;
        }
        const last = this.seen.get(agent.id) ?? agent.runningSince;
        return counted.atMs - last > spec.joinSec * 1000 ? "not joined" : undefined;
    }

    /** More than wanted: those first that have not joined, then those with the most idle slots, then the youngest. */
    private surplus({ name, spec, counted }: SessionState, besides: ReadonlySet<string>): Kill[] {
        const serving = this.serving(name).filter(({ id }) => !besides.has(id));
        const idle = ({ id }: Agent): number => {
            const found = counted?.agents.find(({ workDir }) => workDir.split("/").includes(id));
            return found === undefined ? -1 : found.slots - found.idle;
        };
        const order = [...serving].sort((a, b) => idle(a) - idle(b) || b.since - a.since);
        return order
            .slice(0, Math.max(0, serving.length - spec.agents))
            .map((agent) => ({ agent, reason: "not wanted" }));
    }

    public isDying(id: string): boolean {
        return this.dying.has(id);
    }
}
