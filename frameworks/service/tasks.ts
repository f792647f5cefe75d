/** The tasks that a framework has, from what Mesos says of them. */
import { isTerminal, type TaskReference, type TaskState, type TaskStatus } from "../scheduler";

/** `launching` until Mesos has said anything of it; `unreachable` when its agent is not heard of, which may change again. */
export type KnownState = "launching" | "staging" | "running" | "unreachable";

export interface KnownTask {
    /** The Mesos task. */
    readonly id: string;
    readonly state: KnownState;
    readonly agentId?: string;
    readonly host?: string;
    /** Milliseconds since 1970: launched, or first heard of. */
    readonly since: number;
    /** When it was first told to run. */
    readonly runningSince?: number;
}

const STATES: Partial<Record<TaskState, KnownState>> = {
    TASK_STAGING: "staging",
    TASK_STARTING: "staging",
    TASK_RUNNING: "running",
    TASK_KILLING: "running",
    TASK_UNREACHABLE: "unreachable",
    TASK_UNKNOWN: "unreachable",
};

export interface Change<T extends KnownTask> {
    /** As it is from now on; undefined when it has ended, or is not known. */
    readonly task?: T;
    /** As it was. */
    readonly before?: T;
    /** It has ended. */
    readonly ended: boolean;
    /** Whether Mesos runs a task of this framework that is none of those. */
    readonly stray: boolean;
}

/**
 * What a status changes.
 * @param identify what a task's id tells of one that this process has not started; undefined for one that is nothing of ours
 */
export function changeOf<T extends KnownTask>(
    tasks: ReadonlyMap<string, T>,
    status: TaskStatus,
    nowMs: number,
    identify: (id: string) => Omit<T, keyof KnownTask> | undefined,
): Change<T> {
    const id = status.task_id.value;
    const before = tasks.get(id);
    const state = STATES[status.state];
    // Asked about a task that it never heard of, Mesos says "unknown": there is no such task, or not any more.
    if (isTerminal(status.state) || state === undefined || status.state === "TASK_UNKNOWN") {
        return { ...(before && { before }), ended: true, stray: false };
    }
    const told = before ?? identify(id);
    if (told === undefined) {
        return { ended: false, stray: true };
    }
    const agentId = status.agent_id?.value ?? before?.agentId;
    const runningSince = before?.runningSince ?? (state === "running" ? nowMs : undefined);
    const task = {
        ...told,
        id,
        state,
        since: before?.since ?? nowMs,
        ...(agentId !== undefined && { agentId }),
        ...(runningSince !== undefined && { runningSince }),
    } as T;
    return { task, ...(before && { before }), ended: false, stray: false };
}

/** Those that work or will soon: what is not reachable is replaced meanwhile. */
export const aliveOf = <T extends KnownTask>(tasks: ReadonlyMap<string, T>): T[] =>
    [...tasks.values()].filter(({ state }) => state !== "unreachable");

/** For reconciliation. */
export function* referencesOf(tasks: ReadonlyMap<string, KnownTask>): Iterable<TaskReference> {
    for (const { id, agentId } of tasks.values()) {
        yield { task_id: { value: id }, ...(agentId !== undefined && { agent_id: { value: agentId } }) };
    }
}

/** Tasks that Mesos has been starting for too long: a pull that hangs, an agent that does not answer. */
export const stuck = <T extends KnownTask>(tasks: ReadonlyMap<string, T>, nowMs: number, limitMs: number): T[] =>
    [...tasks.values()].filter(
        ({ state, since }) => (state === "staging" || state === "launching") && nowMs - since > limitMs,
    );
