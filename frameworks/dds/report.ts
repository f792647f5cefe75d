/** What the framework tells of itself. Texts only; whoever calls serves them. */
import type { Standing } from "../service/framework";
import { metric, pageWith, sample, table } from "../service/pages";
import type { Views } from "../service/server";
import type { Book } from "./book";
import type { Agent, SessionState } from "./sessions";

export interface SessionReport {
    readonly name: string;
    /** What is going on, in words. */
    readonly state: string;
    /** `host:port` that tools reach its commander at. */
    readonly commander: string | undefined;
    readonly agents: {
        readonly wanted: number;
        /** Tasks that Mesos runs: it says nothing of whether they are of use. */
        readonly running: number;
        /** Of those, such as the commander has. */
        readonly joined: number;
        /** Joined, and not of this framework. */
        readonly others: number;
    };
    readonly slots: { readonly total: number; readonly idle: number };
    readonly hosts: readonly string[];
    /** Agents that have ended by themselves lately, and how many of them are replaced. */
    readonly losses: number;
    readonly replacements: number;
    readonly lastEnd: string;
}

export interface Report extends Standing {
    readonly sessions?: readonly SessionReport[];
    readonly counters?: Book["counters"];
}

/** What more than the book is known of a session. */
export interface Known {
    readonly commander: string | undefined;
    /** Why its package cannot be used. */
    readonly trouble: string | undefined;
}

/** The state in words, and whether somebody should look at it. */
function stateOf(
    book: Book,
    session: SessionState,
    { commander = "its commander", trouble }: Known,
    joined: number,
    nowMs: number,
): readonly [state: string, isTrouble: boolean] {
    const { spec, kept, generation, counted } = session;
    const { answer } = session.commander;
    const ofIt = [...book.tasks.values()].filter((agent) => agent.session === session.name).length;
    if (trouble !== undefined && generation === undefined) {
        return [`no package: ${trouble}`, true];
    }
    if (book.isOver(session, nowMs)) {
        const why =
            answer?.kind === "other session" ? `another session is at ${commander}` : `nobody listens at ${commander}`;
        const rest = ofIt === 0 ? "all agents have ended" : `${ofIt} agents are ended`;
        return [`over: ${why}; ${rest}, and none is started until there is another package`, spec.agents > 0];
    }
    if (answer !== undefined && answer.kind !== "answers") {
        return [`${commander} does not answer (${answer.message}): no agent is started until it does`, true];
    }
    if (kept.givenUp) {
        const { replacements, withinSec } = spec;
        return [
            `given up: more than ${replacements} agents have ended by themselves within ${withinSec} s (last: ${session.lastEnd || "before a restart"}); change the session, or give it another package`,
            true,
        ];
    }
    if (counted?.error !== undefined) {
        return [`agents cannot be counted: ${counted.error}`, true];
    }
    if (spec.agents === 0) {
        return [ofIt === 0 ? "stopped" : "stops", false];
    }
    return [joined === spec.agents ? "complete" : "fills", false];
}

export function sessionReport(
    book: Book,
    session: SessionState,
    known: Known,
    nowMs: number,
): [SessionReport, boolean] {
    const { name, spec, kept, counted } = session;
    const mine = [...book.tasks.values()].filter((agent) => agent.session === name && agent.state === "running");
    const joined = mine.filter((agent) => book.joined(agent));
    const agents = counted?.agents ?? [];
    const isMine = ({ workDir }: { workDir: string }): boolean =>
        workDir.split("/").some((part) => book.tasks.has(part));
    const sum = (of: (agent: (typeof agents)[number]) => number): number =>
        agents.reduce((all, one) => all + of(one), 0);
    const [state, isTrouble] = stateOf(book, session, known, joined.length, nowMs);
    const report = {
        name,
        state,
        commander: known.commander,
        agents: {
            wanted: spec.agents,
            running: mine.length,
            joined: joined.length,
            others: agents.filter((agent) => !isMine(agent)).length,
        },
        slots: { total: sum(({ slots }) => slots), idle: sum(({ idle }) => idle) },
        hosts: [...new Set(mine.map(({ host, agentId }: Agent) => host ?? agentId ?? ""))].sort(),
        losses: kept.losses.length,
        replacements: spec.replacements,
        lastEnd: session.lastEnd,
    };
    return [report, isTrouble];
}

/** Prometheus' text format 0.0.4. */
export function metricsOf({ leads, troubles, sessions = [], counters, master }: Report): string {
    const P = "dds_framework_";
    const of = (name: string, value: (session: SessionReport) => number): string[] =>
        sessions.map((session) => sample(`${P}${name}`, value(session), { session: session.name }));
    const lines = [
        ...metric(`${P}leader`, "gauge", "Whether this instance leads.", [sample(`${P}leader`, Number(leads))]),
        ...metric(`${P}troubles`, "gauge", "Things that an operator should look at.", [
            sample(`${P}troubles`, troubles.length),
        ]),
        ...(counters === undefined
            ? []
            : [
                  ...metric(`${P}subscribed`, "gauge", "Whether a master has it.", [
                      sample(`${P}subscribed`, Number(master !== undefined)),
                  ]),
                  ...metric(`${P}agents_launched_total`, "counter", "Agents launched.", [
                      sample(`${P}agents_launched_total`, counters.launched),
                  ]),
                  ...metric(`${P}agents_lost_total`, "counter", "Agents that have ended by themselves.", [
                      sample(`${P}agents_lost_total`, counters.lost),
                  ]),
              ]),
        ...metric(
            `${P}agents_wanted`,
            "gauge",
            "Agents that a session should have.",
            of("agents_wanted", ({ agents }) => agents.wanted),
        ),
        ...metric(
            `${P}agents_running`,
            "gauge",
            "Agents that Mesos runs.",
            of("agents_running", ({ agents }) => agents.running),
        ),
        ...metric(
            `${P}agents_joined`,
            "gauge",
            "Agents that the commander has.",
            of("agents_joined", ({ agents }) => agents.joined),
        ),
        ...metric(
            `${P}slots`,
            "gauge",
            "Slots of all agents of the commander.",
            of("slots", ({ slots }) => slots.total),
        ),
        ...metric(
            `${P}slots_idle`,
            "gauge",
            "Of these, idle.",
            of("slots_idle", ({ slots }) => slots.idle),
        ),
    ];
    return `${lines.join("\n")}\n`;
}

/** A page for people. */
export const pageOf = (report: Report): string =>
    pageWith(
        report,
        `${table(
            "Sessions",
            ["session", "agents wanted", "running", "joined", "of others", "slots", "idle", "commander", ""],
            (report.sessions ?? []).map(({ name, agents, slots, commander, state }) => [
                name,
                agents.wanted,
                agents.running,
                agents.joined,
                agents.others,
                slots.total,
                slots.idle,
                commander ?? "",
                state,
            ]),
        )}${table(
            "Hosts avoided",
            ["host", "until", "why"],
            (report.avoided ?? []).map((one) => [one.host, one.until, one.reason]),
        )}`,
    );

export const views: Views<Report> = { page: pageOf, metrics: metricsOf };
