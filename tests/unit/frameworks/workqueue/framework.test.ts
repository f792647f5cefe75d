/** The framework between a master, a catalog and a manager that are fakes, over real HTTP and TCP. */
import {
    MastersList,
    MemoryIdStore,
    type Offer,
    type TaskInfo,
    type TaskState,
} from "../../../../frameworks/scheduler";
import { readConfig } from "../../../../frameworks/workqueue/config";
import { WorkQueueFramework } from "../../../../frameworks/workqueue/framework";
import { FakeMaster, type HeardCall } from "../../../fakes/master";
import { FakeCatalog, FakeManager } from "../../../fakes/workqueue";
import { category, SAME } from "./samples";

let master: FakeMaster;
let catalog: FakeCatalog;
let manager: FakeManager;
let framework: WorkQueueFramework | undefined;
const log: string[] = [];

beforeEach(async () => {
    [master, catalog, manager] = await Promise.all([
        FakeMaster.start(),
        FakeCatalog.start(),
        FakeManager.start("word"),
    ]);
    catalog.records = [{ ...SAME, port: manager.port, lastheardfrom: Math.floor(Date.now() / 1000) }];
    log.length = 0;
    tasks(0);
});
afterEach(async () => {
    await framework?.stop();
    framework = undefined;
    await Promise.all([master.stop(), catalog.stop(), manager.stop()]);
});

const tasks = (waiting: number): void => {
    const total = { tasks_total_cores: waiting, tasks_total_memory: 0, tasks_total_disk: 0, tasks_total_gpus: 0 };
    const categories = [category("whole queue", waiting, { max_cores: "1.000" })];
    manager.queue = [{ ...SAME, ...total, categories, tasks_waiting: waiting, tasks_on_workers: 0, cores_total: 0 }];
};

async function start(store = new MemoryIdStore(), more: object = {}): Promise<WorkQueueFramework> {
    const config = readConfig(
        JSON.stringify({
            ...more,
            masters: [master.address],
            zookeeper: "zk://none/wq",
            user: "wq",
            catalogs: [catalog.address],
            projects: "alirelval_.*",
            passwordFile: "/not/read/here",
            pollSec: 0.05,
            sizes: [{ name: "small", memMiB: 100, diskMiB: 100 }],
        }),
    );
    const made = new WorkQueueFramework({
        config,
        masters: new MastersList([master.address]),
        store,
        credential: { principal: "workqueue", secret: "s3cret" },
        password: "word",
        log: (line) => log.push(line),
    });
    framework = made;
    await made.start();
    return made;
}

const offer = (id: string, cpus: number): Offer => ({
    id: { value: id },
    framework_id: { value: "framework-1" },
    agent_id: { value: `agent-${id}` },
    hostname: `host-${id}`,
    resources: ["cpus", "mem", "disk"].map((name) => ({
        name,
        type: "SCALAR",
        scalar: { value: name === "cpus" ? cpus : 10_000 },
    })),
});
const give = (...offers: Offer[]): void => master.send({ type: "OFFERS", offers: { offers } });
const say = (id: string, state: TaskState, agent?: string): void =>
    master.send({
        type: "UPDATE",
        update: {
            status: {
                task_id: { value: id },
                state,
                uuid: Buffer.from(`${id}${state}`).toString("base64"),
                agent_id: { value: agent ?? "agent-1" },
            },
        },
    });
const calls = (type: string): HeardCall[] => master.calls.filter((call) => call.type === type);
const launched = (): TaskInfo[] =>
    calls("ACCEPT").flatMap(({ accept }) =>
        (accept as { operations: { launch: { task_infos: TaskInfo[] } }[] }).operations.flatMap(
            ({ launch }) => launch.task_infos,
        ),
    );
const until = async (test: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 400 && !test(); tries++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(test()).toBe(true);
};

test("nothing waits: offers are suppressed; a backlog: revived, workers launched, the rest declined; done: suppressed", async () => {
    const made = await start();
    await until(() => calls("SUPPRESS").length === 1);
    tasks(3);
    await until(() => calls("REVIVE").length === 1);
    give(offer("1", 2), offer("2", 4));
    await until(() => launched().length === 3);
    expect(launched().map(({ agent_id: { value } }) => value)).toEqual(["agent-1", "agent-1", "agent-2"]);
    await until(() => calls("SUPPRESS").length === 2);
    launched().forEach(({ task_id: { value } }) => say(value, "TASK_RUNNING"));
    await until(() => calls("ACKNOWLEDGE").length === 3);
    expect(made.report({ leader: undefined, version: "" })).toMatchObject({
        workers: [{ project: "alirelval_same", size: "small", state: "running", count: 3 }],
        missing: [],
        troubles: [],
        suppressed: true,
    });
    tasks(0);
    launched().forEach(({ task_id: { value } }) => say(value, "TASK_FINISHED"));
    await until(() => made.book.counters.finished === 3);
    expect(made.book.tasks.size).toBe(0);
    // Neither secret is anywhere that Mesos or a reader of logs would show it.
    const said = JSON.stringify([master.calls, master.subscriptions, log]);
    expect(said).not.toMatch(/s3cret|"word"/);
});

test("a project with a role of its own is launched from that role's offers alone", async () => {
    await start(undefined, { role: "wq", roles: { relval: "alirelval_.*" } });
    tasks(1);
    await until(() => calls("REVIVE").length === 1);
    expect(calls("REVIVE")[0]).toMatchObject({ revive: { roles: ["relval"] } });
    expect(master.subscriptions[0]).toMatchObject({
        subscribe: { framework_info: { roles: ["wq", "relval"] } },
    });
    give({ ...offer("1", 4), allocation_info: { role: "wq" } });
    await until(() => calls("DECLINE").length === 1);
    expect(launched()).toEqual([]);
    give({ ...offer("2", 4), allocation_info: { role: "relval" } });
    await until(() => launched().length === 1);
});

test("a worker that is lost is replaced", async () => {
    await start();
    tasks(1);
    await until(() => calls("REVIVE").length === 1);
    give(offer("1", 1));
    await until(() => launched().length === 1);
    say(launched()[0]?.task_id.value ?? "", "TASK_RUNNING");
    say(launched()[0]?.task_id.value ?? "", "TASK_GONE");
    await until(() => calls("REVIVE").length === 2);
    give(offer("2", 1));
    await until(() => launched().length === 2);
});

test("a framework that comes back keeps the workers that Mesos tells it of, and starts only what is missing", async () => {
    tasks(3);
    await start(new MemoryIdStore("framework-1"));
    await until(() => calls("RECONCILE").length > 0);
    say("small.aaa.alirelval_same", "TASK_RUNNING");
    say("small.bbb.alirelval_same", "TASK_RUNNING");
    give(offer("1", 8));
    await until(() => calls("DECLINE").length > 0);
    expect(launched()).toEqual([]);
    await until(() => calls("REVIVE").length === 1);
    give(offer("2", 8));
    await until(() => launched().length === 1);
});

test("a launch that the master refuses is forgotten and tried again", async () => {
    const made = await start();
    tasks(1);
    await until(() => calls("REVIVE").length === 1);
    master.callRefusals.push({ status: 400, body: "bad task" });
    give(offer("1", 1));
    await until(() => log.some((line) => line.includes("bad task")));
    expect(made.book.tasks.size).toBe(0);
    give(offer("2", 1));
    await until(() => launched().length === 1);
});
