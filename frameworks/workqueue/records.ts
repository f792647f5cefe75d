/**
 * What Work Queue says of itself, in its own JSON, and what is taken from it.
 *
 * Names and forms are those that CCTools 8.0 (Debian's 9.9-2) were seen to answer: the catalog at `/query.json`, a manager to
 * `queue_status` and `task_status`. Everything is read with care: a catalog takes what anybody sends it.
 */
import type { TaskSize } from "./sizes";

/** A Work Queue manager as the catalog knows it. */
export interface Manager {
    readonly project: string;
    /** `host:port` at which it is asked. */
    readonly address: string;
    /** When it last told the catalog of itself, seconds since 1970. */
    readonly heardSec: number;
    readonly queue: Queue;
}

/** The numbers of one manager. */
export interface Queue {
    readonly waiting: number;
    /** On workers: running, or done and not fetched yet. */
    readonly onWorkers: number;
    readonly done: number;
    readonly workersConnected: number;
    /** Cores of all workers that are connected, whoever started them. */
    readonly coresConnected: number;
    /** The largest task of the whole queue; what it says nothing of is undefined. */
    readonly largest: TaskSize;
    /** Sums over all tasks that wait or run. */
    readonly total: Required<TaskSize>;
}

/** Tasks of one size in one queue. */
export interface TaskGroup {
    readonly size: TaskSize;
    /** Waiting and on workers. */
    readonly count: number;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
    typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** A count or an amount; anything else is 0. */
function amount(value: unknown): number {
    const number = typeof value === "string" ? Number(value.replace(/^[~>]/, "")) : value;
    return typeof number === "number" && Number.isFinite(number) && number > 0 ? number : 0;
}

/** A size that may not be given: Work Queue says -1 or leaves it out. */
const given = (value: unknown): number | undefined => {
    const number = amount(value);
    return number > 0 ? number : undefined;
};

const sizeOf = (cores: unknown, memory: unknown, disk: unknown, gpus: unknown): TaskSize => {
    const [c, m, d, g] = [given(cores), given(memory), given(disk), given(gpus)];
    return {
        ...(c !== undefined && { cores: c }),
        ...(m !== undefined && { memMiB: m }),
        ...(d !== undefined && { diskMiB: d }),
        ...(g !== undefined && { gpus: g }),
    };
};

/** The queue of a manager's record, be it from the catalog or from the manager itself. */
export function queueOf(record: Json): Queue {
    const whole = list(record["categories"]).find(
        (category) => isObject(category) && category["category"] === "whole queue",
    );
    const max = isObject(whole) ? whole : {};
    return {
        waiting: amount(record["tasks_waiting"]),
        onWorkers: amount(record["tasks_on_workers"] ?? record["tasks_running"]),
        done: amount(record["tasks_done"]),
        workersConnected: amount(record["workers_connected"]),
        coresConnected: amount(record["cores_total"]),
        largest: sizeOf(max["max_cores"], max["max_memory"], max["max_disk"], max["max_gpus"]),
        total: {
            cores: amount(record["tasks_total_cores"]),
            memMiB: amount(record["tasks_total_memory"]),
            diskMiB: amount(record["tasks_total_disk"]),
            gpus: amount(record["tasks_total_gpus"]),
        },
    };
}

const objects = (answer: unknown): Json[] => list(answer).filter(isObject);

/**
 * The managers of a catalog's answer whose project name matches as a whole; of one that is there twice, the newer record.
 * @param answer parsed JSON of `/query.json`
 */
export function managersOf(answer: unknown, projects: RegExp): Manager[] {
    const found = new Map<string, Manager>();
    for (const record of objects(answer)) {
        const project = text(record["project"]);
        const type = text(record["type"]);
        const port = amount(record["port"]);
        const host = text(record["address"]) || text(record["name"]);
        if ((type !== "wq_master" && type !== "wq_manager") || project === "" || host === "" || port > 65_535) {
            continue;
        }
        if (!projects.test(project)) {
            continue;
        }
        const address = `${host}:${port}`;
        const manager = { project, address, heardSec: amount(record["lastheardfrom"]), queue: queueOf(record) };
        if (manager.heardSec >= (found.get(address)?.heardSec ?? 0)) {
            found.set(address, manager);
        }
    }
    return [...found.values()];
}

/** The answer of a manager to `queue_status`; undefined when it is none. */
export function queueOfAnswer(answer: unknown): Queue | undefined {
    const [record] = objects(answer);
    return record === undefined ? undefined : queueOf(record);
}

const GOING_ON = /^(waiting|running)$/i;

/** The answer of a manager to `task_status`: its tasks that wait or run, by size. */
export function groupsOfTasks(answer: unknown): TaskGroup[] {
    const groups = new Map<string, { size: TaskSize; count: number }>();
    for (const task of objects(answer)) {
        if (!GOING_ON.test(text(task["state"]))) {
            continue;
        }
        const size = sizeOf(task["cores"], task["memory"], task["disk"], task["gpus"]);
        const key = JSON.stringify(size);
        const group = groups.get(key) ?? { size, count: 0 };
        group.count += 1;
        groups.set(key, group);
    }
    return [...groups.values()];
}

/**
 * The tasks of a queue by size, from its sums alone; exact when all are of one size.
 * @returns `exact` false when the tasks differ: then they are all taken as large as the largest
 */
export function groupsOfQueue({ waiting, onWorkers, largest, total }: Queue): { groups: TaskGroup[]; exact: boolean } {
    const count = waiting + onWorkers;
    if (count === 0) {
        return { groups: [], exact: true };
    }
    const gpus = total.gpus > 0 ? Math.ceil(total.gpus / count) : undefined;
    const size: TaskSize = { ...largest, ...(gpus !== undefined && { gpus: largest.gpus ?? gpus }) };
    const isSame = (sum: number, each: number | undefined): boolean =>
        Math.abs(sum - (each ?? 0) * count) < 1e-6 * count;
    const exact =
        isSame(total.cores, size.cores) &&
        isSame(total.memMiB, size.memMiB) &&
        isSame(total.diskMiB, size.diskMiB) &&
        isSame(total.gpus, size.gpus);
    return { groups: [{ size, count }], exact };
}
