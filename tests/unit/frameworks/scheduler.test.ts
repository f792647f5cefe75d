/** The scheduler against a master that fails in every way, over real HTTP. */
import type { Offer, SchedulerOptions, TaskReference, TaskStatus } from "../../../frameworks/scheduler";
import {
    launch,
    type LeaderDetector,
    MastersList,
    MemoryIdStore,
    Scheduler,
    SubscriptionEnded,
} from "../../../frameworks/scheduler";
import { encodeRecord } from "../../../frameworks/scheduler/recordIo";
import { FakeMaster } from "../../fakes/master";

let master: FakeMaster;
let other: FakeMaster;
let stops: (() => Promise<void>)[] = [];

beforeEach(async () => {
    master = await FakeMaster.start();
    other = await FakeMaster.start();
});
afterEach(async () => {
    await Promise.all(stops.map((stop) => stop()));
    stops = [];
    await Promise.all([master.stop(), other.stop()]);
});

class Heard {
    public readonly offers: Offer[] = [];
    public readonly updates: TaskStatus[] = [];
    public readonly subscribed: string[] = [];
    public readonly disconnected: string[] = [];
    public readonly log: string[] = [];
    public tasks: TaskReference[] = [];
    public onUpdate: (status: TaskStatus) => void | Promise<void> = () => undefined;
    private waiters: (() => void)[] = [];

    public note = (): void => this.waiters.splice(0).forEach((wake) => wake());

    public async until(test: (heard: this) => boolean): Promise<void> {
        while (!test(this)) {
            await new Promise<void>((resolve) => this.waiters.push(resolve));
        }
    }
}

function scheduler(more: Partial<SchedulerOptions> = {}): { scheduler: Scheduler; heard: Heard; store: MemoryIdStore } {
    const heard = new Heard();
    const store = new MemoryIdStore();
    const made = new Scheduler({
        masters: new MastersList([master.address, other.address]),
        framework: { name: "tests", user: "root", roles: ["a", "b"] },
        store,
        backoff: { baseMs: 1, maxMs: 4 },
        reconcile: { baseMs: 5, maxMs: 10 },
        log: (line) => (heard.log.push(line), heard.note()),
        handler: {
            subscribed: (_id, address) => (heard.subscribed.push(address), heard.note()),
            offers: (offers) => (heard.offers.push(...offers), heard.note()),
            update: async (status) => {
                heard.updates.push(status);
                heard.note();
                await heard.onUpdate(status);
            },
            disconnected: (reason) => (heard.disconnected.push(reason), heard.note()),
            tasks: () => heard.tasks,
        },
        ...more,
    });
    stops.push(() => made.stop());
    return { scheduler: made, heard, store: (more.store as MemoryIdStore | undefined) ?? store };
}

const offer = (id: string): Offer => ({
    id: { value: id },
    framework_id: { value: "framework-1" },
    agent_id: { value: "agent-1" },
    hostname: "host-1",
    resources: [{ name: "cpus", type: "SCALAR", scalar: { value: 1 } }],
});
const update = (task: string, state: TaskStatus["state"], uuid?: string): TaskStatus => ({
    task_id: { value: task },
    agent_id: { value: "agent-1" },
    state,
    ...(uuid !== undefined && { uuid }),
});
const sendUpdate = (to: FakeMaster, status: TaskStatus): void => to.send({ type: "UPDATE", update: { status } });
const typesOf = (at: FakeMaster): string[] => at.calls.map(({ type }) => type);

test("subscribes with what the framework is, keeps its id, and asks for all tasks", async () => {
    const { scheduler: made, heard, store } = scheduler({ credential: { principal: "p", secret: "s:ecret" } });
    await made.start();
    expect([made.frameworkId, store.id, made.master]).toEqual(["framework-1", "framework-1", master.address]);
    expect(master.subscriptions[0]?.["subscribe"]).toEqual({
        framework_info: {
            user: "root",
            name: "tests",
            roles: ["a", "b"],
            principal: "p",
            checkpoint: true,
            failover_timeout: 604800,
            capabilities: ["MULTI_ROLE", "RESERVATION_REFINEMENT", "TASK_KILLING_STATE", "PARTITION_AWARE"].map(
                (type) => ({ type }),
            ),
        },
        suppressed_roles: [],
    });
    expect(master.authorizations).toEqual([`Basic ${Buffer.from("p:s:ecret").toString("base64")}`]);
    await master.until(({ calls }) => calls.length > 0);
    expect(master.calls[0]).toEqual({
        type: "RECONCILE",
        reconcile: { tasks: [] },
        framework_id: { value: "framework-1" },
    });
    expect(heard.subscribed).toEqual([master.address]);
});

test("a stored id is used, in both places where Mesos wants it", async () => {
    const { scheduler: made } = scheduler({ store: new MemoryIdStore("old-1") });
    await made.start();
    expect(master.subscriptions[0]).toMatchObject({
        framework_id: { value: "old-1" },
        subscribe: { framework_info: { id: { value: "old-1" } } },
    });
    expect(made.frameworkId).toBe("old-1");
});

test("the id is kept before anything is offered", async () => {
    const order: string[] = [];
    const store = new MemoryIdStore();
    const slow = {
        place: "a slow place",
        load: () => store.load(),
        clear: () => store.clear(),
        save: async (id: string) => {
            await new Promise((resolve) => setImmediate(resolve));
            order.push("kept");
            await store.save(id);
        },
    };
    const { scheduler: made } = scheduler({
        store: slow,
        handler: { offers: () => void order.push("offered"), update: () => undefined, tasks: () => [] },
    });
    const started = made.start();
    await master.until(({ subscriptions }) => subscriptions.length > 0);
    master.send({ type: "OFFERS", offers: { offers: [offer("o1")] } });
    master.send({ type: "OFFERS", offers: { offers: [offer("o2")] } });
    await started;
    await master.until(({ calls }) => calls.length > 0);
    while (order.length < 3) {
        await new Promise((resolve) => setImmediate(resolve));
    }
    expect(order).toEqual(["kept", "offered", "offered"]);
});

test("an id that cannot be kept ends the framework: its tasks would be orphans", async () => {
    const store = {
        place: "/full/disk",
        load: () => Promise.resolve(undefined),
        save: () => Promise.reject(new Error("no space")),
        clear: () => Promise.resolve(),
    };
    const { scheduler: made } = scheduler({ store });
    await expect(made.start()).rejects.toThrow("the framework's id cannot be written to /full/disk: Error: no space");
});

test("every call says what Mesos' API wants", async () => {
    const { scheduler: made } = scheduler();
    await made.start();
    await master.until(({ calls }) => calls.length === 1);
    const task = { name: "t", task_id: { value: "t" }, agent_id: { value: "agent-1" }, resources: [] };
    await made.accept([{ value: "o1" }], [launch(task)]);
    await made.decline([{ value: "o2" }], 60);
    await made.suppress(["b"]);
    await made.revive(["b"]);
    await made.kill("t", "agent-1", 2);
    await made.shutdownExecutor("e", "agent-1");
    await made.message("agent-1", "e", Buffer.from("hello"));
    const id = { framework_id: { value: "framework-1" } };
    expect(master.calls.slice(1)).toEqual([
        {
            type: "ACCEPT",
            accept: {
                offer_ids: [{ value: "o1" }],
                operations: [{ type: "LAUNCH", launch: { task_infos: [task] } }],
                filters: { refuse_seconds: 5 },
            },
            ...id,
        },
        { type: "DECLINE", decline: { offer_ids: [{ value: "o2" }], filters: { refuse_seconds: 60 } }, ...id },
        { type: "SUPPRESS", suppress: { roles: ["b"] }, ...id },
        { type: "REVIVE", revive: { roles: ["b"] }, ...id },
        {
            type: "KILL",
            kill: {
                task_id: { value: "t" },
                agent_id: { value: "agent-1" },
                kill_policy: { grace_period: { nanoseconds: 2e9 } },
            },
            ...id,
        },
        { type: "SHUTDOWN", shutdown: { executor_id: { value: "e" }, agent_id: { value: "agent-1" } }, ...id },
        {
            type: "MESSAGE",
            message: { agent_id: { value: "agent-1" }, executor_id: { value: "e" }, data: "aGVsbG8=" },
            ...id,
        },
    ]);
});

describe("updates", () => {
    test("are acknowledged after they were handled, and only those with a uuid", async () => {
        const { scheduler: made, heard } = scheduler();
        await made.start();
        const seen: [string, string[]][] = [];
        heard.onUpdate = ({ state }) => void seen.push([state, typesOf(master)]);
        sendUpdate(master, update("t", "TASK_STARTING", "u1"));
        sendUpdate(master, update("t", "TASK_RUNNING"));
        sendUpdate(master, update("t", "TASK_FINISHED", "u2"));
        await master.until(({ calls }) => calls.length === 3);
        expect(seen).toEqual([
            ["TASK_STARTING", ["RECONCILE"]],
            ["TASK_RUNNING", ["RECONCILE", "ACKNOWLEDGE"]],
            ["TASK_FINISHED", ["RECONCILE", "ACKNOWLEDGE"]],
        ]);
        expect(master.calls.slice(1).map((call) => call["acknowledge"])).toEqual(
            ["u1", "u2"].map((uuid) => ({ agent_id: { value: "agent-1" }, task_id: { value: "t" }, uuid })),
        );
    });

    test("that are repeated are handled once and acknowledged again", async () => {
        const { scheduler: made, heard } = scheduler();
        await made.start();
        sendUpdate(master, update("t", "TASK_RUNNING", "u1"));
        sendUpdate(master, update("t", "TASK_RUNNING", "u1"));
        await master.until(({ calls }) => calls.length === 3);
        expect([heard.updates.length, typesOf(master)]).toEqual([1, ["RECONCILE", "ACKNOWLEDGE", "ACKNOWLEDGE"]]);
    });

    test("that could not be handled are not acknowledged, so they come again", async () => {
        const { scheduler: made, heard } = scheduler();
        await made.start();
        heard.onUpdate = () => Promise.reject(new Error("the disk is full"));
        sendUpdate(master, update("t", "TASK_FAILED", "u1"));
        await heard.until(({ log }) =>
            log.some((line) => line.includes("TASK_FAILED of t was not handled: Error: the disk is full")),
        );
        heard.onUpdate = () => undefined;
        sendUpdate(master, update("t", "TASK_FAILED", "u1"));
        await master.until(({ calls }) => calls.length === 2);
        expect([heard.updates.length, typesOf(master)]).toEqual([2, ["RECONCILE", "ACKNOWLEDGE"]]);
    });
});

describe("reconciliation", () => {
    const task = (id: string): TaskReference => ({ task_id: { value: id }, agent_id: { value: "agent-1" } });

    test("asks about known tasks until each is answered, then no more", async () => {
        const { scheduler: made, heard } = scheduler();
        heard.tasks = [task("t1"), task("t2")];
        await made.start();
        await master.until(({ calls }) => calls.length === 2);
        expect(master.calls.map((call) => call["reconcile"])).toEqual([
            { tasks: [task("t1"), task("t2")] },
            { tasks: [] },
        ]);
        sendUpdate(master, { ...update("t1", "TASK_RUNNING"), reason: "REASON_RECONCILIATION" });
        await master.until(
            ({ calls }) =>
                JSON.stringify(calls[calls.length - 1]?.["reconcile"]) === JSON.stringify({ tasks: [task("t2")] }),
        );
        sendUpdate(master, { ...update("t2", "TASK_UNKNOWN"), reason: "REASON_RECONCILIATION" });
        await heard.until(({ updates }) => updates.length === 2);
        const asked = master.calls.length;
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(master.calls.length - asked).toBeLessThanOrEqual(1);
    });

    test("begins anew at the next leader", async () => {
        const { scheduler: made, heard } = scheduler();
        await made.start();
        heard.tasks = [task("t1")];
        await master.until(({ calls }) => calls.length === 1);
        master.endStream();
        await other.until(({ calls }) => calls.length >= 2);
        expect(other.calls.slice(0, 2).map((call) => call["reconcile"])).toEqual([
            { tasks: [task("t1")] },
            { tasks: [] },
        ]);
    });
});

describe("a subscription that is lost is had again, under the same id", () => {
    const LOSSES: [string, (at: FakeMaster) => void, string][] = [
        ["the stream ends", (at) => at.endStream(), "the stream has ended"],
        ["the connection is cut", (at) => at.cut(), ""],
        [
            "the stream is cut in the middle of a frame",
            (at) => {
                at.write(encodeRecord(JSON.stringify({ type: "HEARTBEAT" })).subarray(0, 7));
                setImmediate(() => setImmediate(() => at.endStream()));
            },
            "the stream was cut within an event",
        ],
        ["bytes that are no RecordIO", (at) => at.write(Buffer.from("<html>\n")), 'not a RecordIO stream: "<html>"'],
        ["a record that is no JSON", (at) => at.write(encodeRecord("{]")), "an event is not understood"],
        [
            "a record beyond the limit",
            (at) => at.write(Buffer.from("99999\n")),
            "a record of 99999 bytes; at most 9000 are taken",
        ],
    ];

    test.each(LOSSES)("%s", async (_, fail, reason) => {
        const { scheduler: made, heard } = scheduler({ maxRecordBytes: 9000 });
        await made.start();
        fail(master);
        await heard.until(({ subscribed }) => subscribed.length === 2);
        expect(heard.disconnected).toEqual([expect.stringContaining(reason)]);
        expect(other.subscriptions[0]?.framework_id).toEqual({ value: "framework-1" });
        expect(made.master).toBe(other.address);
    });

    test("the heartbeat stays away", async () => {
        master.heartbeatSec = 0.05;
        const { scheduler: made, heard } = scheduler();
        await made.start();
        await heard.until(({ disconnected }) => disconnected.length > 0);
        expect(heard.disconnected[0]).toBe(`nothing was heard of ${master.address} for 0.1 s`);
        await heard.until(({ subscribed }) => subscribed.length >= 2);
    });

    test("a heartbeat that comes late but comes keeps it", async () => {
        master.heartbeatSec = 0.1;
        const { scheduler: made, heard } = scheduler({ missedHeartbeats: 20 });
        await made.start();
        for (let beats = 0; beats < 5; beats++) {
            await new Promise((resolve) => setTimeout(resolve, 120));
            master.send({ type: "HEARTBEAT" });
        }
        expect([heard.disconnected, master.subscriptions.length]).toEqual([[], 1]);
    });

    test("a master that takes the connection and says nothing", async () => {
        master.mute = true;
        const { scheduler: made, heard } = scheduler({ subscribeTimeoutMs: 30 });
        await made.start();
        expect([made.master, heard.log[0]]).toEqual([
            other.address,
            `not subscribed: nothing was heard of ${master.address} for 0.03 s`,
        ]);
    });

    test("a call that is answered by 307 or 503 tells that the leader has changed", async () => {
        for (const status of [307, 503]) {
            const { scheduler: made, heard } = scheduler();
            await made.start();
            const at = made.master === master.address ? master : other;
            await at.until(({ calls }) => calls.length > 0);
            at.calls.length = 0;
            at.callRefusals.push({ status });
            await expect(made.suppress()).rejects.toMatchObject({ status, call: "SUPPRESS" });
            await heard.until(({ subscribed }) => subscribed.length === 2);
            await made.stop();
        }
    });

    test("suppressed roles stay suppressed", async () => {
        const { scheduler: made, heard } = scheduler();
        await made.start();
        await made.suppress(["b"]);
        master.endStream();
        await heard.until(({ subscribed }) => subscribed.length === 2);
        expect(other.subscriptions[0]?.["subscribe"]).toMatchObject({ suppressed_roles: ["b"] });
    });

    test("who watches the masters need not wait for the old one to fall silent", async () => {
        const listeners: ((to: string | undefined) => void)[] = [];
        let leader: string | undefined = master.address;
        const masters: LeaderDetector = {
            find: () => Promise.resolve(leader),
            onChange: (listener) => void listeners.push(listener),
            close: () => undefined,
        };
        const { scheduler: made, heard } = scheduler({ masters });
        await made.start();
        leader = other.address;
        listeners.forEach((tell) => tell(undefined));
        listeners.forEach((tell) => tell(leader));
        await heard.until(({ subscribed }) => subscribed.length === 2);
        expect(heard.disconnected).toEqual([`${other.address} leads now`]);
    });
});

describe("a subscription that is not had at once", () => {
    test("307 names the leader, which is asked at once", async () => {
        master.refusals.push({ status: 307, location: `//${other.address}/api/v1/scheduler` });
        const { scheduler: made } = scheduler({ masters: new MastersList([master.address]) });
        await made.start();
        expect(made.master).toBe(other.address);
    });

    test("two masters that name each other are not asked without pause", async () => {
        for (let round = 0; round < 3; round++) {
            master.refusals.push({ status: 307, location: `//${other.address}/` });
            other.refusals.push({ status: 307, location: `//${master.address}/` });
        }
        const { scheduler: made, heard } = scheduler({ masters: new MastersList([master.address]) });
        await made.start();
        expect(heard.log.filter((line) => line.includes("answered 307"))).toHaveLength(6);
        expect(made.master).toBe(master.address);
    });

    test.each([404, 409, 429, 500, 503])("%i: is asked again", async (status) => {
        master.refusals.push({ status });
        other.refusals.push({ status });
        const { scheduler: made, heard } = scheduler();
        await made.start();
        expect(heard.log.slice(0, 2)).toEqual(
            [master, other].map(({ address }) => `not subscribed: ${address} answered ${status}`),
        );
    });

    test("nobody is there: the next one is asked", async () => {
        const gone = await FakeMaster.start();
        const address = gone.address;
        await gone.stop();
        const { scheduler: made, heard } = scheduler({ masters: new MastersList([address, other.address]) });
        await made.start();
        expect(heard.log[0]).toContain("ECONNREFUSED");
        expect(made.master).toBe(other.address);
    });

    test.each([
        [401, 'principal "p" (401). The principal and its secret must stand in the masters\' credentials'],
        [403, 'principal "p" may not register as this framework (403): the masters\' ACLs must allow it'],
        [400, "the master refuses the subscription (400). Mesos said: because"],
    ])("%i: ends it, with what to do", async (status, text) => {
        master.refusals.push({ status, body: "because" });
        const { scheduler: made } = scheduler({ credential: { principal: "p", secret: "topsecret" } });
        const failure: unknown = await made.start().catch((error: unknown) => error);
        expect(failure).toMatchObject({ kind: "refused", message: expect.stringContaining(text) as string });
        expect(String(failure)).not.toContain("topsecret");
    });

    test.each([401, 403])(
        "%i while the masters' files are being changed: a framework that has run waits",
        async (status) => {
            const { scheduler: made, heard } = scheduler();
            await made.start();
            other.refusals.push({ status });
            master.endStream();
            await heard.until(({ subscribed }) => subscribed.length === 2);
            expect(heard.log).toContain(`not subscribed: ${other.address} answered ${status}`);
        },
    );
});

describe("an ERROR event ends it, in words", () => {
    test.each([
        ["Framework has been removed", "removed", "The id can never be used again: remove it from where it is stored"],
        ["Framework failed over", "superseded", "another process has subscribed under the same id"],
        ["Changing framework's principal is not allowed.", "refused", "principal is not allowed"],
    ])("%s", async (message, kind, text) => {
        const { scheduler: made } = scheduler();
        await made.start();
        master.send({ type: "ERROR", error: { message } });
        const failure: unknown = await made.ended.catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(SubscriptionEnded);
        expect(failure).toMatchObject({ kind, message: expect.stringContaining(text) as string });
        await expect(made.decline([])).rejects.toThrow("not subscribed");
        expect([master.subscriptions.length, other.subscriptions.length]).toEqual([1, 0]);
    });
});

test("offers of a stream that is gone are not told", async () => {
    const { scheduler: made, heard } = scheduler();
    await made.start();
    master.send({ type: "OFFERS", offers: { offers: [offer("o1")] } });
    await heard.until(({ offers }) => offers.length === 1);
    master.endStream();
    await heard.until(({ subscribed }) => subscribed.length === 2);
    other.send({ type: "OFFERS", offers: { offers: [offer("o2")] } });
    await heard.until(({ offers }) => offers.length === 2);
    expect(heard.offers.map(({ id }) => id.value)).toEqual(["o1", "o2"]);
});

test("a framework that is stopped hangs up and keeps its id; torn down, it forgets it", async () => {
    const first = scheduler();
    await first.scheduler.start();
    await first.scheduler.stop();
    await expect(first.scheduler.ended).resolves.toBeUndefined();
    expect(first.store.id).toBe("framework-1");
    const second = scheduler({ store: first.store });
    await second.scheduler.start();
    const at = second.scheduler.master === master.address ? master : other;
    await second.scheduler.teardown();
    expect([typesOf(at).pop(), first.store.id]).toEqual(["TEARDOWN", undefined]);
});
