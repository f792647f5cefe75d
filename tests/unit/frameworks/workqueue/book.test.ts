/** Offers and states of tasks: what is launched, declined, avoided, given up. */
import type { Offer, Resource, TaskState, TaskStatus } from "../../../../frameworks/scheduler";
import { Book } from "../../../../frameworks/workqueue/book";
import type { Backlog } from "../../../../frameworks/workqueue/demand";
import { REFUSE } from "../../../../frameworks/service/appetite";
import { type MissingWorkers, place } from "../../../../frameworks/workqueue/placing";
import { queueOf } from "../../../../frameworks/workqueue/records";
import type { Size } from "../../../../frameworks/workqueue/sizes";
import { parseTaskId, taskId } from "../../../../frameworks/workqueue/workers";

const size = (name: string, cores: number, gpus = 0): Size => ({
    name,
    cores,
    cpus: cores,
    memMiB: 1000,
    diskMiB: 100,
    gpus,
});
const SMALL = size("small", 1);
const LARGE = size("large", 4);
const GPU = size("gpu", 1, 1);

const scalar = (name: string, value: number): Resource => ({ name, type: "SCALAR", scalar: { value } });
let number = 0;
const offer = (host: string, cpus: number, gpus = 0, mem = 100_000): Offer => ({
    id: { value: `offer-${number++}` },
    framework_id: { value: "f" },
    agent_id: { value: `agent-${host}` },
    hostname: host,
    resources: [
        scalar("cpus", cpus),
        scalar("mem", mem),
        scalar("disk", 100_000),
        ...(gpus > 0 ? [scalar("gpus", gpus)] : []),
    ],
});
const backlog = (project: string, count: number): Backlog => ({
    project,
    queue: { ...queueOf({}), waiting: count },
    groups: count > 0 ? [{ size: { cores: 1 }, count }] : [],
});

const AVOID = { failures: 2, earlySec: 60, avoidSec: 600, maxAvoidSec: 2000 };
const book = (sizes = [SMALL, LARGE]): Book =>
    new Book({ sizes, ceiling: {}, avoid: AVOID, startSec: 300, role: "wq", roles: { mc: "mc-.*", never: "nobody" } });

const status = (id: string, state: TaskState, more: Partial<TaskStatus> = {}): TaskStatus => ({
    task_id: { value: id },
    state,
    ...more,
});

/** Launches as the framework does. */
function launch(of: Book, offers: readonly Offer[], nowMs: number): string[] {
    const { launches } = of.offered(offers, nowMs);
    const ids = launches.flatMap(({ offer: from, tasks }) =>
        tasks.map((worker) => {
            const id = taskId(worker.of.size.name, `u${number++}`, worker.of.project);
            of.launching(id, worker, from, nowMs);
            return id;
        }),
    );
    of.launched(nowMs);
    return ids;
}

/** What Mesos is told about offers for the projects without a role of their own. */
const asks = (of: Book, nowMs: number): string[] =>
    Object.entries(of.appetite(nowMs)).flatMap(([call, roles]) => ((roles as string[]).includes("wq") ? [call] : []));

describe("placing", () => {
    const wish = (project: string, of: Size, count: number, role = "wq"): MissingWorkers => ({
        project,
        size: of,
        count,
        role,
    });
    test("each offer is filled, large workers first, projects in turn", () => {
        const { launches } = place(
            [wish("a", SMALL, 9), wish("b", SMALL, 9), wish("a", LARGE, 1)],
            [offer("h1", 8)],
            new Map(),
            0,
        );
        expect(launches[0]?.tasks.map(({ of: { project, size: of } }) => `${project} ${of.name}`)).toEqual([
            "a large",
            "a small",
            "b small",
            "a small",
            "b small",
        ]);
    });
    test("refusals: nothing wanted any more, too small, avoided, what is left of a used one", () => {
        const hosts = new Map([["bad", { failures: 1, times: 1, untilMs: 90_500, lastMessage: "x" }]]);
        const offers = [offer("tiny", 0.5), offer("bad", 8), offer("h1", 1), offer("h2", 2), offer("h3", 8)];
        const { launches, declines } = place([wish("a", SMALL, 2)], offers, hosts, 500);
        expect(launches.map(({ offer: { hostname }, refuseSec }) => [hostname, refuseSec])).toEqual([
            ["h1", REFUSE.rest],
            ["h2", REFUSE.idle],
        ]);
        expect(declines.map(({ refuseSec, offerIds }) => [refuseSec, offerIds.length])).toEqual([
            [REFUSE.small, 1],
            [90, 1],
            [REFUSE.idle, 1],
        ]);
    });
    test("every offer is answered exactly once", () => {
        const offers = Array.from({ length: 50 }, (_, index) => offer(`h${index}`, index % 7));
        const { launches, declines } = place([wish("a", LARGE, 5), wish("b", SMALL, 20)], offers, new Map(), 0);
        const answered = [
            ...launches.map(({ offer: { id } }) => id.value),
            ...declines.flatMap(({ offerIds }) => offerIds),
        ];
        expect([...answered].sort()).toEqual(offers.map(({ id }) => id.value).sort());
    });
    test("agents with GPUs are for workers with GPUs", () => {
        const offers = [offer("gpu", 8, 2), offer("plain", 8)];
        const { launches } = place([wish("a", SMALL, 1), wish("a", GPU, 3)], offers, new Map(), 0);
        expect(
            launches.map(({ offer: { hostname }, tasks }) => [hostname, tasks.map(({ of }) => of.size.name)]),
        ).toEqual([
            ["gpu", ["gpu", "gpu"]],
            ["plain", ["small"]],
        ]);
    });
    test("an offer is for its role alone; where that wants nothing, it is refused for long", () => {
        const of = (role: string, cpus: number): Offer => ({ ...offer(role, cpus), allocation_info: { role } });
        const wanted = [wish("a", SMALL, 9), wish("b", SMALL, 1, "mc")];
        const { launches, declines } = place(wanted, [of("mc", 4), of("wq", 2), of("none", 8)], new Map(), 0);
        expect(
            launches.map(({ offer: { hostname }, tasks, refuseSec }) => [
                hostname,
                tasks.map((task) => task.of.project),
                refuseSec,
            ]),
        ).toEqual([
            ["mc", ["b"], REFUSE.idle],
            ["wq", ["a", "a"], REFUSE.rest],
        ]);
        expect(declines.map(({ refuseSec }) => refuseSec)).toEqual([REFUSE.idle]);
    });
    test("memory for the worker itself comes on top", () => {
        expect(place([wish("a", SMALL, 1)], [offer("h", 1, 0, 1000)], new Map(), 0).launches).toEqual([]);
        expect(place([wish("a", SMALL, 1)], [offer("h", 1, 0, 1064)], new Map(), 0).launches).toHaveLength(1);
    });
});

describe("appetite", () => {
    test("suppressed while nothing is wanted, revived once when something is, and again only when more is", () => {
        const of = book();
        expect(asks(of, 0)).toEqual(["suppress"]);
        expect(asks(of, 1)).toEqual([]);
        of.saw([backlog("a", 2)], 10_000);
        expect(asks(of, 10_000)).toEqual(["revive"]);
        expect(asks(of, 12_000)).toEqual([]);
        of.saw([backlog("a", 3)], 13_000);
        expect(asks(of, 13_000)).toEqual(["revive"]);
        of.saw([backlog("a", 4)], 13_100);
        expect(asks(of, 13_100)).toEqual([]);
        expect(asks(of, 14_100)).toEqual(["revive"]);
        launch(of, [offer("h", 3)], 15_000);
        of.saw([backlog("a", 4)], 17_000);
        expect(of.missing.map(({ count }) => count)).toEqual([1]);
        expect(asks(of, 17_000)).toEqual([]);
        launch(of, [offer("h", 3)], 18_000);
        expect(asks(of, 18_000)).toEqual(["suppress"]);
    });
    test("each role for itself", () => {
        const of = book();
        expect(of.appetite(0)).toEqual({ suppress: ["wq", "mc", "never"], revive: [] });
        of.saw([backlog("mc-1", 2)], 10_000);
        expect([of.appetite(10_000), of.suppressed]).toEqual([{ suppress: [], revive: ["mc"] }, false]);
        of.saw([backlog("mc-1", 2), backlog("x", 1)], 20_000);
        expect(of.appetite(20_000)).toEqual({ suppress: [], revive: ["wq"] });
        of.saw([backlog("x", 1)], 30_000);
        expect(of.appetite(30_000)).toEqual({ suppress: ["mc"], revive: [] });
    });
    test("what has been served is a new wish when it comes again, even before Mesos was told that nothing is wanted", () => {
        const of = book();
        of.saw([backlog("a", 5)], 10_000);
        expect(asks(of, 10_000)).toEqual(["revive"]);
        // All five are launched, and what is left is refused for an hour.
        expect(launch(of, [offer("h", 8)], 20_000)).toHaveLength(5);
        of.saw([backlog("a", 7)], 20_100);
        expect(asks(of, 20_200)).toEqual(["revive"]);
    });
    test("a new subscription, or a call that was lost, begins anew", () => {
        const of = book();
        of.appetite(0);
        of.forgetAppetite();
        expect(asks(of, 1)).toEqual(["suppress"]);
    });
    test("while earlier workers may still be told of, nothing is launched and offers come back soon", () => {
        const of = book();
        of.saw([backlog("a", 2)], 0);
        of.pause(2000);
        expect(asks(of, 500)).toEqual([]);
        expect(of.offered([offer("h", 8)], 500)).toMatchObject({ launches: [], declines: [{ refuseSec: 2 }] });
        of.heard(status(taskId("small", "x", "a"), "TASK_RUNNING", { agent_id: { value: "agent-h" } }), 1000);
        expect(of.missing.map(({ count }) => count)).toEqual([1]);
        expect(asks(of, 2001)).toEqual(["revive"]);
    });
});

describe("workers", () => {
    test("their ids tell what they are for, whatever the project is called", () => {
        for (const project of ["alirelval_x", "a.b/c d", "ü%", "..", "a\nb"]) {
            const id = taskId("small", "1a2b", project);
            expect(id).toMatch(/^[^/\\\s]+$/);
            expect(parseTaskId(id)).toEqual({ size: "small", project });
        }
        expect(["x", "a.b", "a..c", "a.b.%"].map(parseTaskId)).toEqual([undefined, undefined, undefined, undefined]);
    });
    test("a task that is no worker is killed; one that is said to be unknown is forgotten", () => {
        const of = book();
        expect(of.heard(status("stranger", "TASK_RUNNING"), 0)).toEqual({ kill: "stranger" });
        expect(of.heard(status("stranger", "TASK_FINISHED"), 0)).toEqual({});
        of.saw([backlog("a", 1)], 0);
        const [id = ""] = launch(of, [offer("h", 1)], 0);
        of.heard(status(id, "TASK_UNKNOWN"), 1);
        expect(of.tasks.size).toBe(0);
        expect(of.missing).toHaveLength(1);
    });
    test.each<TaskState>(["TASK_LOST", "TASK_GONE", "TASK_DROPPED", "TASK_KILLED", "TASK_UNREACHABLE", "TASK_FAILED"])(
        "%s: another one is wanted at once",
        (state) => {
            const of = book();
            of.saw([backlog("a", 1)], 0);
            const [id = ""] = launch(of, [offer("h", 1)], 0);
            of.heard(status(id, "TASK_RUNNING"), 100);
            expect(asks(of, 2000)).toEqual(["suppress"]);
            of.heard(status(id, state), 5000);
            expect(of.missing.map(({ count }) => count)).toEqual([1]);
            expect(asks(of, 5000)).toEqual(["revive"]);
        },
    );
    test("one that comes back from an agent that was not heard of counts again", () => {
        const of = book();
        of.saw([backlog("a", 1)], 0);
        const [id = ""] = launch(of, [offer("h", 1)], 0);
        of.heard(status(id, "TASK_UNREACHABLE"), 1000);
        expect(of.missing).toHaveLength(1);
        of.heard(status(id, "TASK_RUNNING"), 2000);
        expect(of.missing).toHaveLength(0);
    });
    test("one that does not start in time is given up and replaced", () => {
        const of = book();
        of.saw([backlog("a", 1)], 0);
        const [id = ""] = launch(of, [offer("h", 1)], 0);
        of.heard(status(id, "TASK_STAGING"), 10);
        expect(of.giveUp(299_000)).toEqual([]);
        expect(of.giveUp(301_000).map((one) => one.id)).toEqual([id]);
        expect(of.missing).toHaveLength(1);
    });
    test("a launch that Mesos refuses leaves nothing behind", () => {
        const of = book();
        of.saw([backlog("a", 1)], 0);
        of.notLaunched(launch(of, [offer("h", 1)], 0), 1, "bad task");
        expect([of.tasks.size, of.counters.launched, of.missing.length]).toEqual([0, 0, 1]);
    });
    test("from the first task to the first worker, measured once for a project without workers", () => {
        const of = book();
        of.saw([backlog("a", 2)], 1000);
        const [one = "", two = ""] = launch(of, [offer("h", 2)], 1500);
        of.heard(status(one, "TASK_RUNNING"), 2500);
        of.heard(status(two, "TASK_RUNNING"), 9000);
        expect(of.waits).toEqual({ count: 1, sumMs: 1500, lastMs: 1500 });
    });
});

describe("hosts", () => {
    const failed = (
        of: Book,
        host: string,
        nowMs: number,
        state: TaskState = "TASK_FAILED",
        more: Partial<TaskStatus> = {},
    ): boolean => {
        of.saw([backlog("a", 1)], nowMs);
        const [id] = launch(of, [offer(host, 1)], nowMs);
        if (id === undefined) return false;
        of.heard(status(id, "TASK_RUNNING"), nowMs + 100);
        of.heard(status(id, state, more), nowMs + 1000);
        return true;
    };
    test("when workers fail on most hosts, it is not the hosts: the rest are used again soon", () => {
        const of = book();
        of.offered(
            ["a", "b", "c"].map((host) => offer(host, 0)),
            0,
        );
        for (const host of ["a", "b", "c"]) {
            failed(of, host, 0);
            failed(of, host, 100);
        }
        expect(of.avoided(5000).map(({ host, untilMs }) => [host, untilMs])).toEqual([
            ["a", 601_100],
            ["b", 11_100],
            ["c", 11_100],
        ]);
        expect(failed(of, "b", 12_000)).toBe(true);
    });
    test("one whose workers never reach their manager is avoided, however long they have tried", () => {
        const of = book();
        const astray = { message: "Command exited with status 75" };
        const cutOff = (nowMs: number, waits: number): void => {
            of.saw([backlog("a", 1)], nowMs);
            const [id = ""] = launch(of, [offer("cut", 1)], nowMs);
            of.heard(status(id, "TASK_RUNNING"), nowMs + 100);
            of.saw([backlog("a", waits)], nowMs + 100_000);
            of.heard(status(id, "TASK_FAILED", astray), nowMs + 100_000);
        };
        // A manager that has ended meanwhile could not be reached: that speaks against nobody.
        cutOff(0, 0);
        cutOff(200_000, 0);
        expect([of.avoided(300_000), of.counters.failed]).toEqual([[], 0]);
        cutOff(400_000, 1);
        cutOff(600_000, 1);
        expect(of.avoided(700_000)).toEqual([{ host: "cut", untilMs: 1_300_000, reason: "no way to a's manager" }]);
    });
    test("one where workers fail early is avoided, longer each time, and the others are used", () => {
        const of = book();
        expect(failed(of, "bad", 0)).toBe(true);
        expect(failed(of, "bad", 5000, "TASK_FAILED", { message: "no such program" })).toBe(true);
        expect(failed(of, "bad", 10_000)).toBe(false);
        expect(failed(of, "good", 10_000, "TASK_FINISHED")).toBe(true);
        expect(of.avoided(10_000)).toEqual([{ host: "bad", untilMs: 606_000, reason: "no such program" }]);
        // After its time one failure is enough.
        expect(failed(of, "bad", 607_000)).toBe(true);
        expect(of.avoided(609_000).map(({ untilMs }) => untilMs)).toEqual([608_000 + 1_200_000]);
        expect(failed(of, "bad", 1_810_000)).toBe(true);
        expect(of.avoided(1_812_000).map(({ untilMs }) => untilMs)).toEqual([1_811_000 + 2_000_000]);
    });
    test("a worker that does well there clears it", () => {
        const of = book();
        failed(of, "h", 0);
        failed(of, "h", 5000, "TASK_FINISHED");
        failed(of, "h", 10_000);
        expect(of.avoided(12_000)).toEqual([]);
    });
    test.each<[TaskState, Partial<TaskStatus>]>([
        ["TASK_LOST", {}],
        ["TASK_KILLED", {}],
        ["TASK_GONE", {}],
        ["TASK_FAILED", { reason: "REASON_CONTAINER_LIMITATION_MEMORY" }],
    ])("%s %j is no fault of the host's", (state, more) => {
        const of = book();
        for (let round = 0; round < 5; round++) failed(of, "h", round * 5000, state, more);
        expect(of.avoided(30_000)).toEqual([]);
    });
    test("what Mesos does not take at all is not tried again at once, and speaks against no host", () => {
        const of = book();
        failed(of, "h", 0, "TASK_ERROR", { message: "user is not allowed" });
        expect(of.isPaused(2000)).toBe(true);
        expect(of.isPaused(3100)).toBe(false);
        failed(of, "h", 4000, "TASK_ERROR");
        expect(of.avoided(10_000)).toEqual([]);
        expect(of.lastError).toContain("h: ");
    });
});
