/** The workers that there are, from what Mesos says of their tasks. */
import type { KnownTask } from "../service/tasks";

export interface Worker extends KnownTask {
    readonly project: string;
    /** Name of its size. */
    readonly size: string;
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
