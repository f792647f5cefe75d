/** From what Work Queue says to how many workers are wanted. */
import { type Backlog, demandOf, missingWorkers } from "../../../../frameworks/workqueue/demand";
import {
    groupsOfQueue,
    groupsOfTasks,
    managersOf,
    queueOf,
    queueOfAnswer,
} from "../../../../frameworks/workqueue/records";
import { type Size, sizeFor, type TaskSize, tasksPerWorker } from "../../../../frameworks/workqueue/sizes";
import type { Worker } from "../../../../frameworks/workqueue/workers";
import { MAKEFLOW, MIXED, MIXED_TASKS, SAME, SILENT } from "./samples";

const size = (name: string, cores: number, memMiB: number, gpus = 0): Size => ({
    name,
    cores,
    cpus: cores,
    memMiB,
    diskMiB: 1000,
    gpus,
});
const SMALL = size("small", 1, 1000);
const LARGE = size("large", 4, 8000);
const GPU = size("gpu", 4, 8000, 1);
const SIZES = [SMALL, GPU, LARGE];

const worker = (project: string, of: Size, state: Worker["state"] = "running", id = Math.random()): Worker => ({
    id: String(id),
    project,
    size: of.name,
    state,
    since: 0,
});
const workers = (count: number, project: string, of: Size, state?: Worker["state"]): Worker[] =>
    Array.from({ length: count }, (_, index) => worker(project, of, state, index));

function backlog(project: string, groups: readonly (readonly [number, TaskSize])[], coresConnected = 0): Backlog {
    const count = groups.reduce((sum, [each]) => sum + each, 0);
    const queue = { ...queueOf({}), waiting: count, coresConnected };
    return { project, queue, groups: groups.map(([each, task]) => ({ count: each, size: task })) };
}

describe("records", () => {
    test("managers whose whole name matches, and nothing else of a catalog", () => {
        const records = [MIXED, MAKEFLOW, SAME, SILENT, { type: "chirp", project: "alirelval_x", port: 1 }, null, 7];
        const found = managersOf(records, /^(?:alirelval_.*)$/);
        expect(found.map(({ project, address }) => [project, address])).toEqual([
            ["alirelval_test", "127.0.0.1:1025"],
            ["alirelval_same", "127.0.0.1:1026"],
        ]);
    });
    test.each([[{}], ["nothing"], [undefined], [[{ type: "wq_master", project: "x", port: 70_000, address: "h" }]]])(
        "no managers in %j",
        (answer) => expect(managersOf(answer, /./)).toEqual([]),
    );
    test("of one manager that is there twice, the newer record", () => {
        const older = { ...SAME, lastheardfrom: SAME.lastheardfrom - 60, tasks_waiting: 99 };
        expect(managersOf([SAME, older], /./).map(({ queue }) => queue.waiting)).toEqual([4]);
        expect(managersOf([older, SAME], /./).map(({ queue }) => queue.waiting)).toEqual([4]);
    });
    test("a queue's numbers", () => {
        expect(queueOfAnswer([SAME])).toEqual({
            waiting: 4,
            onWorkers: 2,
            done: 0,
            workersConnected: 1,
            coresConnected: 2,
            largest: { cores: 1, memMiB: 64, diskMiB: 64 },
            total: { cores: 6, memMiB: 384, diskMiB: 384, gpus: 0 },
        });
        expect(queueOfAnswer([])).toBeUndefined();
        expect(queueOf({ tasks_waiting: -3, tasks_on_workers: "x", cores_total: NaN })).toMatchObject({
            waiting: 0,
            onWorkers: 0,
            coresConnected: 0,
        });
    });
    test("tasks of one size are known by their sums; others must be listed", () => {
        expect(groupsOfQueue(queueOf(SAME))).toEqual({
            groups: [{ size: { cores: 1, memMiB: 64, diskMiB: 64 }, count: 6 }],
            exact: true,
        });
        expect(groupsOfQueue(queueOf(SILENT))).toEqual({ groups: [{ size: {}, count: 2 }], exact: true });
        expect(groupsOfQueue(queueOf(MIXED)).exact).toBe(false);
        expect(groupsOfQueue(queueOf({}))).toEqual({ groups: [], exact: true });
    });
    test("a list of tasks, by size", () => {
        expect(groupsOfTasks([...MIXED_TASKS, { state: "DONE", cores: 1 }, { state: "WAITING_RETRIEVAL" }])).toEqual([
            { size: { cores: 1, memMiB: 64, diskMiB: 64 }, count: 2 },
            { size: { cores: 4, memMiB: 2048, diskMiB: 64, gpus: 1 }, count: 1 },
            { size: { cores: 2, memMiB: 64, diskMiB: 64 }, count: 1 },
        ]);
    });
});

describe("sizes", () => {
    test.each<[TaskSize, Size, number]>([
        [{}, LARGE, 1],
        [{ cores: 1 }, LARGE, 4],
        [{ cores: 1, memMiB: 3000 }, LARGE, 2],
        [{ cores: 0.5 }, SMALL, 2],
        [{ cores: 5 }, LARGE, 0],
        [{ cores: 1, diskMiB: 2000 }, LARGE, 0],
        [{ gpus: 1 }, LARGE, 0],
        [{ gpus: 1, cores: 1 }, GPU, 1],
    ])("%j in a worker", (task, of, count) => expect(tasksPerWorker(task, of)).toBe(count));
    test.each<[TaskSize, string | undefined]>([
        [{}, "small"],
        [{ cores: 1, memMiB: 1000 }, "small"],
        [{ cores: 1, memMiB: 1001 }, "large"],
        [{ cores: 2 }, "large"],
        [{ cores: 1, gpus: 1 }, "gpu"],
        [{ gpus: 2 }, undefined],
        [{ cores: 16 }, undefined],
    ])("%j takes %s", (task, name) => expect(sizeFor(task, SIZES)?.name).toBe(name));
});

describe("demand", () => {
    const wanted = (backlogs: readonly Backlog[], alive: readonly Worker[] = []): [string, string, number][] =>
        demandOf(backlogs, alive, SIZES).demand.map(({ project, size: of, workers: count }) => [
            project,
            of.name,
            count,
        ]);

    test("tasks of all managers of a project are summed", () => {
        expect(
            wanted([backlog("a", [[3, { cores: 1 }]]), backlog("b", [[1, {}]]), backlog("a", [[4, { cores: 1 }]])]),
        ).toEqual([
            ["a", "small", 7],
            ["b", "small", 1],
        ]);
    });
    test("tasks of several sizes, each into the smallest workers that fit, several into one", () => {
        const tasks = [
            [2, { cores: 1, memMiB: 100 }],
            [5, { cores: 2 }],
            [1, { gpus: 1 }],
        ] as const;
        expect(wanted([backlog("a", tasks)])).toEqual([
            ["a", "small", 2],
            ["a", "large", 3],
            ["a", "gpu", 1],
        ]);
    });
    test("halves of a worker are summed before they are rounded up", () => {
        const halves = [
            [1, { cores: 2 }],
            [1, { cores: 2, memMiB: 100 }],
        ] as const;
        expect(wanted([backlog("a", halves)])).toEqual([["a", "large", 1]]);
    });
    test("what fits nowhere is told, and wants nobody", () => {
        const { demand, misfits } = demandOf(
            [backlog("a", [[3, { cores: 16 }]]), backlog("a", [[2, { cores: 16 }]])],
            [],
            SIZES,
        );
        expect(demand).toEqual([]);
        expect(misfits).toEqual([{ project: "a", count: 5, task: "16 cores" }]);
    });
    test("workers that others have started count, ours do not", () => {
        const tasks = [[10, { cores: 1 }]] as const;
        expect(wanted([backlog("a", tasks, 3)])).toEqual([["a", "small", 7]]);
        expect(wanted([backlog("a", tasks, 3)], workers(3, "a", SMALL))).toEqual([["a", "small", 10]]);
        expect(wanted([backlog("a", tasks, 30)])).toEqual([]);
        // Ours that are not connected yet make nobody else's less than nothing.
        expect(wanted([backlog("a", tasks, 1)], workers(3, "a", SMALL))).toEqual([["a", "small", 10]]);
    });
});

describe("missing workers", () => {
    const demand = (...list: [string, Size, number][]): Parameters<typeof missingWorkers>[0] =>
        list.map(([project, of, count]) => ({ project, size: of, workers: count }));
    const missing = (...args: Parameters<typeof missingWorkers>): [string, string, number][] =>
        missingWorkers(...args).map(({ project, size: of, count }) => [project, of.name, count]);

    test("what is wanted and not there, started ones counted", () => {
        const alive = [...workers(2, "a", SMALL), ...workers(1, "a", SMALL, "launching"), ...workers(9, "b", SMALL)];
        expect(missing(demand(["a", SMALL, 5], ["b", SMALL, 4]), alive, SIZES, {})).toEqual([["a", "small", 2]]);
    });
    test("the ceiling is shared by projects: who has least comes first", () => {
        const two = demand(["a", SMALL, 100], ["b", SMALL, 100]);
        expect(missing(two, [], SIZES, { workers: 10 })).toEqual([
            ["a", "small", 5],
            ["b", "small", 5],
        ]);
        expect(missing(two, workers(6, "a", SMALL), SIZES, { workers: 10 })).toEqual([["b", "small", 4]]);
        expect(missing(demand(["a", SMALL, 2], ["b", SMALL, 100]), [], SIZES, { workers: 10 })).toEqual([
            ["a", "small", 2],
            ["b", "small", 8],
        ]);
    });
    test.each([
        [{ cpus: 9 }, [["a", "large", 2]]],
        [{ memMiB: 8000 }, [["a", "large", 1]]],
        [{ workers: 0 }, []],
        [{}, [["a", "large", 3]]],
    ])("a ceiling of %j", (ceiling, result) =>
        expect(missing(demand(["a", LARGE, 3]), [], SIZES, ceiling)).toEqual(result),
    );
    test("where a large one does not fit any more, small ones still do", () => {
        expect(missing(demand(["a", LARGE, 2], ["a", SMALL, 9]), [], SIZES, { cpus: 6 })).toEqual([
            ["a", "large", 1],
            ["a", "small", 2],
        ]);
    });
    test("workers of a project that has gone, and of a size that is declared no more, use the ceiling", () => {
        const alive = [...workers(3, "gone", SMALL), worker("gone", size("old", 1, 1))];
        expect(missing(demand(["a", SMALL, 9]), alive, SIZES, { workers: 5 })).toEqual([["a", "small", 1]]);
    });
    test("no limit is passed, nothing is doubled (random)", () => {
        for (let round = 0; round < 200; round++) {
            const dice = (n: number): number => Math.floor(Math.random() * n);
            const projects = ["a", "b", "c"];
            const list = demand(...projects.flatMap((p) => SIZES.map((s): [string, Size, number] => [p, s, dice(20)])));
            const alive = projects.flatMap((p) => SIZES.flatMap((s) => workers(dice(5), p, s)));
            const limits = { workers: dice(60), cpus: 1 + dice(100) };
            const found = missingWorkers(list, alive, SIZES, limits);
            const cpus = (s: Size, n: number): number => s.cpus * n;
            const before = alive.reduce((sum, w) => sum + (SIZES.find((s) => s.name === w.size)?.cpus ?? 0), 0);
            const more = found.reduce((sum, { size: s, count }) => sum + cpus(s, count), 0);
            const count = found.reduce((sum, one) => sum + one.count, 0);
            if (count > 0) {
                expect(before + more).toBeLessThanOrEqual(limits.cpus);
                expect(alive.length + count).toBeLessThanOrEqual(limits.workers);
            }
            for (const { project, size: s, count: n } of found) {
                const have = alive.filter((w) => w.project === project && w.size === s.name).length;
                const want = list.find((one) => one.project === project && one.size === s)?.workers ?? 0;
                expect(have + n).toBeLessThanOrEqual(want);
            }
        }
    });
});
