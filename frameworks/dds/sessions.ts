/** What is known of sessions and their agents. */
import type { KnownTask } from "../service/tasks";
import type { JoinedAgent } from "./agents";
import type { SessionSpec } from "./config";
import type { Answer } from "./wire";

export interface Agent extends KnownTask {
    readonly session: string;
    /** Of the package that it was started from. */
    readonly generation: string;
}

/** Why an agent is to end. What is ended for no fault of its own is no loss. */
export type Reason = "not wanted" | "session over" | "other package" | "not joined" | "not started" | "no such session";

export const taskId = (session: string, generation: string, unique: string): string =>
    `${session}.${generation}.${unique}`;

export function parseTaskId(id: string): { session: string; generation: string } | undefined {
    const [, session, generation] = /^([A-Za-z0-9_-]+)\.([0-9a-f]+)\.[0-9a-f]+$/.exec(id) ?? [];
    return session === undefined || generation === undefined ? undefined : { session, generation };
}

/** What outlives the framework's process. */
export interface Kept {
    /** Of the package and of what is asked for: another one begins anew. */
    readonly of: string;
    /** Agents that have ended by themselves, milliseconds since 1970. */
    readonly losses: readonly number[];
    /** Nothing is started any more. */
    readonly givenUp: boolean;
    /** How the last of them has ended, in words; of those that were kept before this was, nothing. */
    readonly lastEnd?: string;
}

export interface SessionState {
    readonly name: string;
    spec: SessionSpec;
    /** Undefined while the package cannot be read. */
    generation: string | undefined;
    kept: Kept;
    /** Ends that are losses if its commander lives on. */
    pending: readonly number[];
    commander: { answer: Answer | undefined; answeredMs: number; closedSince: number | undefined };
    counted: { atMs: number; agents: readonly JoinedAgent[]; error?: string | undefined } | undefined;
    backoffUntilMs: number;
    failures: number;
    lastEnd: string;
}

export const fresh = (name: string): Omit<SessionState, "spec" | "generation" | "kept"> => ({
    name,
    commander: { answer: undefined, answeredMs: 0, closedSince: undefined },
    counted: undefined,
    pending: [],
    backoffUntilMs: 0,
    failures: 0,
    lastEnd: "",
});
