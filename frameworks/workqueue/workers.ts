/** The workers that there are, from what Mesos says of their tasks. */
import { isTerminal, type TaskReference, type TaskState, type TaskStatus } from "../scheduler";

/** `launching` until Mesos has said anything of it; `unreachable` when its agent is not heard of, which may change again. */
export type WorkerState = "launching" | "staging" | "running" | "unreachable";

export interface Worker {
    /** The Mesos task. */
    readonly id: string;
    readonly project: string;
    /** Name of its size. */
    readonly size: string;
    readonly state: WorkerState;
    readonly agentId?: string;
    readonly host?: string;
    /** Milliseconds since 1970: launched, or first heard of. */
    readonly since: number;
    /** When it was first told to run. */
    readonly runningSince?: number;
}

export type Workers = ReadonlyMap<string, Worker>;

/**
 * A task id tells what the worker is for, so that a framework which starts anew knows it from Mesos' answers alone.
 * @param unique letters and digits
 */
export const taskId = (size: string, unique: string, project: string): string =>
    `${size}.${unique}.${encodeURIComponent(project)}`;

/** What a task id tells; undefined for one that is not of {@link taskId}. */
export function parseTaskId(id: string): { size: string; project: string } | undefined {
    const [, size, encoded] = /^([^.]+)\.[^.]+\.(.+)$/.exec(id) ?? [];
    if (size === undefined || encoded === undefined) {
        return undefined;
    }
    try {
        return { size, project: decodeURIComponent(encoded) };
    } catch {
        return undefined;
    }
}

const STATES: Partial<Record<TaskState, WorkerState>> = {
    TASK_STAGING: "staging",
    TASK_STARTING: "staging",
    TASK_RUNNING: "running",
    TASK_KILLING: "running",
    TASK_UNREACHABLE: "unreachable",
    TASK_UNKNOWN: "unreachable",
};

export interface Change {
    /** As it is from now on; undefined when it has ended, or is not known. */
    readonly worker?: Worker;
    /** As it was. */
    readonly before?: Worker;
    /** It has ended. */
    readonly ended: boolean;
    /** Whether Mesos runs a task of this framework that is no worker. */
    readonly stray: boolean;
}

/** What a status changes. */
export function changeOf(workers: Workers, status: TaskStatus, nowMs: number): Change {
    const id = status.task_id.value;
    const before = workers.get(id);
    const state = STATES[status.state];
    if (isTerminal(status.state) || state === undefined) {
        return { ...(before && { before }), ended: true, stray: false };
    }
    // Asked about a task that it never heard of, Mesos says "unknown": there is no such worker, or not any more.
    if (status.state === "TASK_UNKNOWN") {
        return { ...(before && { before }), ended: true, stray: false };
    }
    const told = before ?? parseTaskId(id);
    if (told === undefined) {
        return { ended: false, stray: true };
    }
    const agentId = status.agent_id?.value ?? before?.agentId;
    const runningSince = before?.runningSince ?? (state === "running" ? nowMs : undefined);
    const worker: Worker = {
        id,
        project: told.project,
        size: told.size,
        state,
        since: before?.since ?? nowMs,
        ...(agentId !== undefined && { agentId }),
        ...(before?.host !== undefined && { host: before.host }),
        ...(runningSince !== undefined && { runningSince }),
    };
    return { worker, ...(before && { before }), ended: false, stray: false };
}

/** Those that work or will soon: what is not reachable is replaced meanwhile. */
export const aliveOf = (workers: Workers): Worker[] =>
    [...workers.values()].filter(({ state }) => state !== "unreachable");

/** For reconciliation. */
export function* referencesOf(workers: Workers): Iterable<TaskReference> {
    for (const { id, agentId } of workers.values()) {
        yield { task_id: { value: id }, ...(agentId !== undefined && { agent_id: { value: agentId } }) };
    }
}

/** Workers that Mesos has been starting for too long: a pull that hangs, an agent that does not answer. */
export const stuck = (workers: Workers, nowMs: number, limitMs: number): Worker[] =>
    [...workers.values()].filter(
        ({ state, since }) => (state === "staging" || state === "launching") && nowMs - since > limitMs,
    );
