/** Catalogs and managers over real sockets, with every way in which they do not answer. */
import { askManager } from "../../../../frameworks/workqueue/managers";
import { Watch } from "../../../../frameworks/workqueue/watch";
import { FakeCatalog, FakeManager } from "../../../fakes/workqueue";
import { MIXED, MIXED_TASKS, SAME } from "./samples";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
    await Promise.all(stops.splice(0).map((stop) => stop()));
});

const catalog = async (): Promise<FakeCatalog> => {
    const made = await FakeCatalog.start();
    stops.push(() => made.stop());
    return made;
};
const manager = async (password?: string): Promise<FakeManager> => {
    const made = await FakeManager.start(password);
    stops.push(() => made.stop());
    return made;
};
const now = (): number => Math.floor(Date.now() / 1000);
const record = (port: number, more: object = {}): object => ({ ...SAME, port, lastheardfrom: now(), ...more });
const watch = (catalogs: readonly FakeCatalog[], password?: string): Watch =>
    new Watch({
        catalogs: catalogs.map(({ address }) => address),
        projects: /^alirelval_/,
        staleSec: 180,
        ...(password !== undefined && { password }),
    });
const ASK = { timeoutMs: 2000 };

describe("a manager", () => {
    test("is asked, and answers", async () => {
        const one = await manager();
        one.queue = [SAME];
        expect(await askManager(one.address, "queue_status", ASK)).toEqual([SAME]);
        expect(one.questions).toEqual(["queue_status"]);
    });
    test("with a password is asked with it; both prove that they know it", async () => {
        const one = await manager("word\n");
        one.queue = [SAME];
        expect(await askManager(one.address, "queue_status", { ...ASK, password: "word\n" })).toEqual([SAME]);
        for (const password of ["word", "other", undefined]) {
            await expect(askManager(one.address, "queue_status", { ...ASK, password })).rejects.toMatchObject({
                kind: "password",
            });
        }
        expect(one.questions).toEqual(["queue_status"]);
    });
    test("without a password is none that workers with one could work for", async () => {
        const one = await manager();
        one.queue = "auth?";
        await expect(askManager(one.address, "queue_status", { ...ASK, password: "word" })).rejects.toMatchObject({
            kind: "password",
        });
    });
    test("that is mute, or gone", async () => {
        const one = await manager();
        one.mute = true;
        await expect(askManager(one.address, "queue_status", { timeoutMs: 50 })).rejects.toMatchObject({
            kind: "silent",
        });
        const { address } = one;
        await stops.pop()?.();
        await expect(askManager(address, "queue_status", ASK)).rejects.toMatchObject({ kind: "gone" });
    });
});

describe("a look", () => {
    test("what the manager says itself counts, not what the catalog was told a minute ago", async () => {
        const [book, one] = [await catalog(), await manager()];
        book.records = [record(one.port, { tasks_waiting: 99 })];
        one.queue = [SAME];
        const looked = watch([book]);
        expect(await looked.look()).toMatchObject([{ project: "alirelval_same", groups: [{ count: 6 }] }]);
        expect(looked.managers).toMatchObject([{ waiting: 4, onWorkers: 2 }]);
        expect(one.questions).toEqual(["queue_status"]);
    });
    test("tasks of different sizes are listed, seldom", async () => {
        const [book, one] = [await catalog(), await manager()];
        book.records = [record(one.port)];
        one.queue = [MIXED];
        one.tasks = MIXED_TASKS;
        const looked = watch([book]);
        expect((await looked.look())[0]?.groups).toHaveLength(3);
        expect((await looked.look())[0]?.groups).toHaveLength(3);
        expect(one.questions).toEqual(["queue_status", "task_status", "queue_status"]);
    });
    test("a manager that is gone is not told of; one that cannot be asked wants what the catalog says", async () => {
        const [book, gone, mute, locked] = [await catalog(), await manager(), await manager(), await manager("word")];
        mute.mute = true;
        book.records = [gone, mute, locked].map(({ port }) => record(port));
        await gone.stop();
        const looked = watch([book]);
        const backlogs = await looked.look();
        expect(backlogs).toHaveLength(1);
        expect(looked.managers.map(({ waiting, error }) => [waiting, error?.replace(/^\S+ /, "")])).toEqual([
            [4, "does not answer within 2000 ms"],
            [0, expect.stringContaining("password")],
        ]);
        await gone.stop().catch(() => undefined);
    });
    test("a record that is old is none", async () => {
        const [book, one] = [await catalog(), await manager()];
        book.records = [record(one.port, { lastheardfrom: now() - 200 })];
        expect(await watch([book]).look()).toEqual([]);
    });
    test("two catalogs are one list; without any, what was known is asked on", async () => {
        const [first, second, one, two] = [await catalog(), await catalog(), await manager(), await manager()];
        one.queue = two.queue = [SAME];
        first.records = [record(one.port)];
        second.records = [record(one.port), record(two.port)];
        const looked = watch([first, second]);
        expect(await looked.look()).toHaveLength(2);
        first.status = second.status = 500;
        expect(await looked.look()).toHaveLength(2);
        expect(looked.catalogs.map(({ error }) => error)).toEqual(["it answered 500", "it answered 500"]);
    });
});
