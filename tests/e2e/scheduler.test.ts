/** The scheduler client against real masters: what a fake cannot prove. */
import {
    asVolume,
    createVolumes,
    destroyVolumes,
    isTerminal,
    launch,
    launchGroup,
    MastersList,
    MemoryIdStore,
    type Offer,
    type Operation,
    reserve,
    Scheduler,
    SubscriptionEnded,
    takeResources,
    type TaskInfo,
    type TaskReference,
    type TaskStatus,
    unreserve,
    withReservation,
    ZooKeeperIdStore,
    ZooKeeperMasters,
} from "../../frameworks/scheduler";
import { CODE } from "../../frameworks/zookeeper/errors";
import { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import { leadingMaster, openSession } from "./support/endpoints";
import { addressOf, on, QUORUM } from "./support/hosts";
import { onTheLab } from "./support/site";
import { markChanged, outputs } from "./support/stack";
import { eventually } from "./support/steps";

const PRINCIPAL = "tester";
const ROLE = "tests";
const DIGEST = { user: "tester", password: "of-the-tests" };
const ID_PATH = "/e2e-scheduler/framework-id";
const SMALL = { scalars: { cpus: 0.1, mem: 32 } };

type Plan = (offer: Offer) => readonly Operation[] | undefined;

class Client {
    public readonly updates: TaskStatus[] = [];
    public readonly masters: string[] = [];
    public readonly alive = new Map<string, TaskReference>();
    public plan: Plan = () => undefined;
    public readonly scheduler: Scheduler;

    public constructor(
        options: Pick<ConstructorParameters<typeof Scheduler>[0], "masters" | "store"> & {
            secret: string;
            principal?: string;
        },
    ) {
        this.scheduler = new Scheduler({
            masters: options.masters,
            store: options.store,
            credential: { principal: options.principal ?? PRINCIPAL, secret: options.secret },
            framework: { name: "e2e-scheduler", user: "root", roles: [ROLE], failoverTimeoutSec: 300 },
            backoff: { maxMs: 500 },
            reconcile: { baseMs: 1000 },
            handler: {
                subscribed: (_id, master) => this.masters.push(master),
                offers: async (offers) => {
                    for (const offer of offers) {
                        const operations = this.plan(offer);
                        await (operations === undefined
                            ? this.scheduler.decline([offer.id], 1)
                            : this.scheduler.accept([offer.id], operations, { refuse_seconds: 0 }));
                    }
                },
                update: (status) => {
                    this.updates.push(status);
                    const { task_id, agent_id, state } = status;
                    if (isTerminal(state)) {
                        this.alive.delete(task_id.value);
                    } else {
                        this.alive.set(task_id.value, { task_id, ...(agent_id !== undefined && { agent_id }) });
                    }
                },
                tasks: () => this.alive.values(),
            },
        });
    }

    /** Does `make` with the first offer that has what is needed, once. */
    public once(make: Plan): Promise<void> {
        return new Promise((resolve) => {
            this.plan = (offer) => {
                const operations = make(offer);
                if (operations !== undefined) {
                    this.plan = () => undefined;
                    resolve();
                }
                return operations;
            };
        });
    }

    public statesOf(task: string): string[] {
        return this.updates.filter(({ task_id: id }) => id.value === task).map(({ state }) => state);
    }

    public async reaches(task: string, state: string): Promise<TaskStatus> {
        return eventually(
            `${task} is ${state}`,
            () => this.updates.find((update) => update.task_id.value === task && update.state === state),
            { timeoutSec: 60 },
            () => `(heard: ${this.updates.map(({ state: at, message = "" }) => `${at} ${message}`).join(", ")})`,
        );
    }
}

let secret = "";
let session: ZooKeeperSession;
const clients: Client[] = [];

onTheLab();
beforeAll(async () => {
    secret = (await outputs()).frameworks[PRINCIPAL]?.secret ?? "";
    session = await ZooKeeperSession.open({ servers: QUORUM.map((host) => `${addressOf(host)}:2181`), digest: DIGEST });
});
afterEach(async () => {
    await Promise.all(clients.splice(0).map(({ scheduler }) => scheduler.teardown().catch(() => scheduler.stop())));
});
afterAll(async () => {
    await session.remove(ID_PATH).catch(() => undefined);
    await session.remove("/e2e-scheduler").catch(() => undefined);
    await session.close();
});

async function client(store = new MemoryIdStore() as MemoryIdStore | ZooKeeperIdStore): Promise<Client> {
    const made = new Client({ masters: new ZooKeeperMasters(session), store, secret });
    clients.push(made);
    await made.scheduler.start();
    return made;
}

/** A task of a small size on whatever offer has room. */
function task(id: string, command: string, more: Partial<TaskInfo> = {}): (offer: Offer) => TaskInfo | undefined {
    return (offer) => {
        const found = takeResources(offer.resources, SMALL);
        return "lacking" in found
            ? undefined
            : {
                  name: id,
                  task_id: { value: id },
                  agent_id: offer.agent_id,
                  resources: found.taken,
                  command: { shell: true, value: command },
                  ...more,
              };
    };
}

const asLaunch =
    (make: (offer: Offer) => TaskInfo | undefined): Plan =>
    (offer) => {
        const made = make(offer);
        return made && [launch(made)];
    };

test("a list of masters: whichever is asked first, the leader is found", async () => {
    const leader = await leadingMaster();
    const followers = QUORUM.filter((host) => host !== leader);
    for (const first of QUORUM) {
        const rest = [...followers, leader ?? ""].filter((host) => host !== first);
        const masters = new MastersList([first, ...rest].map((host) => `${addressOf(host)}:5050`));
        const made = new Client({ masters, store: new MemoryIdStore(), secret });
        clients.push(made);
        await made.scheduler.start();
        expect([first, made.scheduler.master]).toEqual([first, `${addressOf(leader ?? "")}:5050`]);
    }
});

test("a task runs, its status is acknowledged, it is killed within its grace", async () => {
    const made = await client();
    await made.once(asLaunch(task("short", "sleep 1; exit 0")));
    await made.reaches("short", "TASK_FINISHED");
    await made.once(asLaunch(task("killed", "trap 'sleep 600' TERM; while :; do sleep 0.1; done")));
    const running = await made.reaches("killed", "TASK_RUNNING");
    await made.scheduler.kill("killed", running.agent_id?.value, 1);
    await made.reaches("killed", "TASK_KILLED");
    // What Mesos had to repeat would have a uuid that was told before.
    const uuids = made.updates.map(({ uuid }) => uuid).filter((uuid) => uuid !== undefined);
    expect(new Set(uuids).size).toBe(uuids.length);
    expect(made.statesOf("killed")).toContain("TASK_KILLING");
});

test("a group of tasks starts together and ends together", async () => {
    const made = await client();
    await made.once((offer) => {
        const whole = takeResources(offer.resources, { scalars: { cpus: 0.3, mem: 96, disk: 32 } });
        if ("lacking" in whole) {
            return undefined;
        }
        const [one, two] = ["sleep 600", "sleep 2; exit 1"].map((command, index) =>
            task(`group-${index}`, command)({ ...offer, resources: whole.taken }),
        );
        const executor = {
            executor_id: { value: "group" },
            type: "DEFAULT" as const,
            framework_id: { value: made.scheduler.frameworkId ?? "" },
        };
        // The executor must have some disk too.
        const own = takeResources(whole.taken, { scalars: { ...SMALL.scalars, disk: 32 } });
        return one === undefined || two === undefined || "lacking" in own
            ? undefined
            : [launchGroup({ ...executor, resources: own.taken }, [one, two])];
    });
    await made.reaches("group-1", "TASK_FAILED");
    await made.reaches("group-0", "TASK_KILLED");
});

test("disk is reserved, becomes a volume, outlives its task, and goes back", async () => {
    const made = await client();
    const disk = { name: "disk", type: "SCALAR" as const, scalar: { value: 32 } };
    let agent = "";
    let volume = disk as ReturnType<typeof asVolume>;
    await made.once((offer) => {
        const found = takeResources(offer.resources, { scalars: { cpus: 0.1, mem: 32, disk: 32 } });
        if ("lacking" in found) {
            return undefined;
        }
        agent = offer.agent_id.value;
        const plain = found.taken.filter(({ name }) => name === "disk");
        const kept = plain.map((part) => withReservation(part, { role: ROLE, principal: PRINCIPAL }));
        volume = asVolume(kept[0] ?? disk, { id: "e2e-volume", containerPath: "data", principal: PRINCIPAL });
        const small = task("writer", "echo kept >data/file")(offer);
        return (
            small && [
                reserve(kept),
                createVolumes([volume]),
                launch({ ...small, resources: [...found.taken.filter(({ name }) => name !== "disk"), volume] }),
            ]
        );
    });
    await made.reaches("writer", "TASK_FINISHED");
    await made.once((offer) => {
        const mine = offer.resources.filter((resource) => resource.disk?.persistence?.id === "e2e-volume");
        const small =
            offer.agent_id.value === agent && mine.length > 0
                ? task("reader", "grep -q kept data/file")(offer)
                : undefined;
        return small && [launch({ ...small, resources: [...small.resources, ...mine] })];
    });
    await made.reaches("reader", "TASK_FINISHED");
    await made.once((offer) => {
        const mine = offer.resources.filter((resource) => resource.disk?.persistence?.id === "e2e-volume");
        const bare = mine.map((resource) => ({ ...resource, disk: undefined }));
        return mine.length > 0 ? [destroyVolumes(mine), unreserve(bare)] : undefined;
    });
    let seen: Offer | undefined;
    await made.once((offer) => {
        seen = offer.agent_id.value === agent ? offer : undefined;
        return seen && [];
    });
    expect(seen?.resources.filter(({ name, reservations = [] }) => name === "disk" && reservations.length > 0)).toEqual(
        [],
    );
});

test("a framework that comes back under the id that ZooKeeper keeps finds its task; nobody else may read the id", async () => {
    const store = new ZooKeeperIdStore(session, ID_PATH);
    const before = await client(store);
    await before.once(asLaunch(task("stays", "sleep 600")));
    await before.reaches("stays", "TASK_RUNNING");
    await before.scheduler.stop();
    clients.length = 0;
    const stranger = await openSession();
    await expect(stranger.data(ID_PATH)).rejects.toMatchObject({ code: CODE.noAuth });
    await stranger.close();
    const after = await client(store);
    expect(after.scheduler.frameworkId).toBe(before.scheduler.frameworkId);
    // It knows of no task: implicit reconciliation tells it.
    expect((await after.reaches("stays", "TASK_RUNNING")).reason).toBe("REASON_RECONCILIATION");
    await after.scheduler.kill("stays");
    await after.reaches("stays", "TASK_KILLED");
});

test("another leader: subscribed there within seconds, the task runs on, and is asked about", async () => {
    const made = await client();
    await made.once(asLaunch(task("lasting", "sleep 600")));
    await made.reaches("lasting", "TASK_RUNNING");
    const old = await leadingMaster();
    const heard = made.updates.length;
    markChanged();
    await on(old ?? "", "systemctl restart mesos-master");
    await eventually("another subscription", () => (made.masters.length > 1 ? true : undefined), { timeoutSec: 60 });
    expect(made.masters[1]).not.toBe(made.masters[0]);
    const answer = await eventually("the task's state at the new leader", () =>
        made.updates.slice(heard).find(({ state }) => state === "TASK_RUNNING"),
    );
    expect(answer.reason).toBe("REASON_RECONCILIATION");
});

test("what Mesos refuses is told in words: a wrong secret, a role that is not allowed, an id that has been torn down", async () => {
    const masters = new ZooKeeperMasters(session);
    const wrong = new Client({ masters, store: new MemoryIdStore(), secret: "wrong" });
    await expect(wrong.scheduler.start()).rejects.toThrow(/principal "tester" \(401\)/);
    const first = await client();
    const id = first.scheduler.frameworkId ?? "";
    await first.scheduler.teardown();
    clients.length = 0;
    const late = new Client({ masters: new ZooKeeperMasters(session), store: new MemoryIdStore(id), secret });
    const failure: unknown = await late.scheduler.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SubscriptionEnded);
    expect(failure).toMatchObject({ kind: "removed" });
});

test("two processes under one id: the first is told that it has been superseded", async () => {
    const store = new MemoryIdStore();
    const first = await client(store);
    await client(store);
    await expect(first.scheduler.ended).rejects.toMatchObject({ kind: "superseded" });
    clients.shift();
});
