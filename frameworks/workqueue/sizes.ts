/** Sizes of workers, and how tasks fit into them. */

/** What a Work Queue task asks for; what it does not say is undefined. */
export interface TaskSize {
    readonly cores?: number;
    readonly memMiB?: number;
    readonly diskMiB?: number;
    readonly gpus?: number;
}

/** One kind of worker, as the configuration declares it. */
export interface Size {
    readonly name: string;
    /** Cores that the worker offers to Work Queue. */
    readonly cores: number;
    /** CPUs that it asks Mesos for. */
    readonly cpus: number;
    readonly memMiB: number;
    readonly diskMiB: number;
    readonly gpus: number;
}

/** Dimensions of a task beside those of a worker. */
const pairs = (task: TaskSize, size: Size): readonly (readonly [number | undefined, number])[] => [
    [task.cores, size.cores],
    [task.memMiB, size.memMiB],
    [task.diskMiB, size.diskMiB],
    [task.gpus, size.gpus],
];

/**
 * How many such tasks a worker runs at once, 0 when it is too small.
 *
 * Work Queue gives a task that says nothing of itself the whole worker; one that says something, what it says.
 */
export function tasksPerWorker(task: TaskSize, size: Size): number {
    const counts = pairs(task, size).flatMap(([asked, have]) =>
        asked === undefined || asked === 0 ? [] : [Math.floor(have / asked + 1e-9)],
    );
    return counts.length === 0 ? 1 : Math.min(...counts);
}

/**
 * The size for a task: the first one that is large enough.
 *
 * A worker with GPUs is for tasks that ask for some, whatever the order: it would keep them from those.
 */
export function sizeFor(task: TaskSize, sizes: readonly Size[]): Size | undefined {
    const wantsGpus = (task.gpus ?? 0) > 0;
    return sizes.find((size) => (wantsGpus || size.gpus === 0) && tasksPerWorker(task, size) > 0);
}

/** For messages: `4 cores, 2048 MiB memory`. */
export function describeTask({ cores, memMiB, diskMiB, gpus }: TaskSize): string {
    const parts = [
        ...(cores === undefined ? [] : [`${cores} cores`]),
        ...(memMiB === undefined ? [] : [`${memMiB} MiB memory`]),
        ...(diskMiB === undefined ? [] : [`${diskMiB} MiB disk`]),
        ...(gpus === undefined || gpus === 0 ? [] : [`${gpus} GPUs`]),
    ];
    return parts.join(", ") || "no size given";
}
