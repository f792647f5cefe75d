import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOfMaster, FileIdStore, readCredential, type TaskReference } from "../../../frameworks/scheduler";
import { backoffMs } from "../../../frameworks/scheduler/backoff";
import { hostOfLocation, initialState, type Input, type State, step } from "../../../frameworks/scheduler/protocol";
import { Reconciler } from "../../../frameworks/scheduler/reconciler";
import { parseZooKeeperAddress } from "../../../frameworks/zookeeper/address";
import { lowest } from "../../../frameworks/zookeeper/election";
import { below, chance, SEEDS } from "./random";

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), "scheduler-test-"))));
afterAll(() => rmSync(dir, { recursive: true }));

describe("credential", () => {
    const file = (mode: number, text: string): string => {
        const path = join(dir, "secret");
        writeFileSync(path, text);
        chmodSync(path, mode);
        return path;
    };

    test.each([0o600, 0o400])("from a file of mode 0%o, without its last newline", (mode) => {
        const secretFile = file(mode, " a:b \n");
        expect(readCredential({ principal: "p", secretFile })).toEqual({ principal: "p", secret: " a:b " });
        chmodSync(secretFile, 0o600);
    });

    test.each([0o640, 0o604, 0o660, 0o644])("not from a file of mode 0%o", (mode) => {
        const secretFile = file(mode, "topsecret\n");
        expect(() => readCredential({ principal: "p", secretFile })).toThrow(
            `${secretFile} has mode 0${mode.toString(8)}, so others may read the secret of p: chmod 600 ${secretFile}`,
        );
        chmodSync(secretFile, 0o600);
    });

    test("from the environment, by name", () => {
        expect(readCredential({ principal: "p", secretEnv: "S" }, { S: "x" })).toEqual({ principal: "p", secret: "x" });
        expect(() => readCredential({ principal: "p", secretEnv: "S" }, {})).toThrow(
            "the environment variable S with the secret of p is not set",
        );
    });

    test("an empty secret, and a principal that HTTP cannot send, are refused", () => {
        const secretFile = file(0o600, "\n");
        expect(() => readCredential({ principal: "p", secretFile })).toThrow("is empty");
        expect(() => readCredential({ principal: "a:b", secretFile })).toThrow('principal "a:b"');
    });
});

test("a framework's id in a file: 0600, replaced as a whole, gone when it is cleared", async () => {
    const path = join(dir, "framework-id");
    const store = new FileIdStore(path);
    expect(await store.load()).toBeUndefined();
    await store.save("one");
    await store.save("two");
    expect([await store.load(), readFileSync(path, "utf8"), statSync(path).mode & 0o777]).toEqual([
        "two",
        "two\n",
        0o600,
    ]);
    await store.clear();
    expect(await store.load()).toBeUndefined();
});

test("back-off doubles up to its bound, and is never less than half of that", () => {
    const bounds = { baseMs: 100, maxMs: 1000 };
    const times = [1, 2, 3, 4, 5, 50, 5000].map((failures) => [
        backoffMs(failures, 0, bounds),
        backoffMs(failures, 1, bounds),
    ]);
    expect(times).toEqual([
        [50, 100],
        [100, 200],
        [200, 400],
        [400, 800],
        [500, 1000],
        [500, 1000],
        [500, 1000],
    ]);
});

test.each([
    ["//m1:5050/api/v1/scheduler", "m1:5050"],
    ["http://10.0.0.1:5050", "10.0.0.1:5050"],
    ["https://m1:5050/", "m1:5050"],
    ["/relative", undefined],
    [undefined, undefined],
])("the leader in Location %s is %s", (location, host) => expect(hostOfLocation(location)).toBe(host));

test("a master's node in ZooKeeper: its address, not the number that stands beside it", () => {
    const node =
        '{"address":{"hostname":"bm1","ip":"10.0.0.11","port":5050},"ip":184549386,"pid":"master@10.0.0.11:5050"}';
    expect(addressOfMaster(node)).toBe("10.0.0.11:5050");
    expect(addressOfMaster("{}")).toBeUndefined();
});

test("of an election the lowest number leads, by number", () => {
    const names = ["log_replicas", "json.info_0000000010", "json.info_0000000009", "info_0000000001", "json.info_x"];
    expect(lowest(names, "json.info_")).toBe("json.info_0000000009");
    expect(lowest(["log_replicas"], "json.info_")).toBeUndefined();
});

describe("ZooKeeper's address", () => {
    test.each([
        ["zk://a:2181,b:2182/mesos", { servers: ["a:2181", "b:2182"], path: "/mesos" }],
        ["zk://a/x/y/", { servers: ["a:2181"], path: "/x/y" }],
        ["zk://u:p:w@a:1/x", { servers: ["a:1"], path: "/x", digest: { user: "u", password: "p:w" } }],
        ["zk://a:2181", { servers: ["a:2181"], path: "" }],
    ])("%s", (text, expected) => expect(parseZooKeeperAddress(text)).toEqual(expected));

    test.each(["http://u:topsecret@a/x", "zk://", "zk:///x", "a:2181"])("not %s", (text) => {
        const parse = (): unknown => parseZooKeeperAddress(text);
        expect(parse).toThrow("is no ZooKeeper address");
        expect(parse).not.toThrow("topsecret");
    });
});

describe("reconciler", () => {
    const task = (id: number): TaskReference => ({ task_id: { value: `t${id}` } });

    test("many tasks go in lists of a thousand, the implicit question last", () => {
        const reconciler = new Reconciler();
        const lists = reconciler.begin(Array.from({ length: 2500 }, (_, id) => task(id)));
        expect(lists.map((list) => list.length)).toEqual([1000, 1000, 500, 0]);
    });

    test("the pauses double up to a bound, and end with the last answer", () => {
        const reconciler = new Reconciler({ baseMs: 10, maxMs: 30 });
        reconciler.begin([task(1), task(2)]);
        expect([reconciler.next()?.afterMs, reconciler.next()?.afterMs, reconciler.next()?.afterMs]).toEqual([
            10, 20, 30,
        ]);
        reconciler.heard("t1");
        expect(reconciler.next()?.ask()).toEqual([[task(2)]]);
        reconciler.heard("t2");
        expect([reconciler.next(), reconciler.unanswered]).toEqual([undefined, 0]);
    });
});

describe("the protocol, whatever happens in whatever order", () => {
    const options = { name: "f" };
    const inputs: Input[] = [
        { type: "start" },
        { type: "retry" },
        { type: "silence" },
        { type: "leader", master: "m1:5050" },
        { type: "leader", master: undefined },
        { type: "opened", streamId: "s" },
        { type: "refused", status: 307, body: "", location: "//m2:5050/" },
        { type: "refused", status: 503, body: "" },
        { type: "refused", status: 401, body: "" },
        { type: "event", event: { type: "SUBSCRIBED", subscribed: { framework_id: { value: "id" } } } },
        { type: "event", event: { type: "HEARTBEAT" } },
        { type: "event", event: { type: "OFFERS", offers: { offers: [] } } },
        { type: "closed", reason: "cut" },
        { type: "leaderChanged", master: "m2:5050" },
        { type: "leaderChanged", master: undefined },
    ];

    test("it is never stuck, never doubly subscribed, and delivers only while subscribed", () => {
        for (const seed of SEEDS) {
            const random = chance(seed);
            let state: State = initialState();
            let streams = 0;
            // What will go on by itself: a retry that is set, or a question that is open.
            let pending = true;
            for (let at = 0; at < 200 && state.phase !== "ended"; at++) {
                const input = inputs[below(random, inputs.length)] ?? { type: "start" };
                const before = state;
                const [next, effects] = step(state, input, options, random());
                state = next;
                if (input.type === "retry" || input.type === "start" || input.type === "leader") {
                    pending = before.phase === "detached" ? false : pending;
                }
                for (const effect of effects) {
                    streams += effect.type === "subscribe" ? 1 : 0;
                    streams = effect.type === "hangUp" ? 0 : streams;
                    pending = pending || effect.type === "retry" || effect.type === "findLeader";
                    if (effect.type === "deliver") {
                        expect([seed, at, state.phase]).toEqual([seed, at, "subscribed"]);
                    }
                }
                expect([seed, at, streams]).toEqual([
                    seed,
                    at,
                    ["subscribing", "subscribed"].includes(state.phase) ? 1 : 0,
                ]);
                if (state.phase === "detached") {
                    expect([seed, at, pending]).toEqual([seed, at, true]);
                }
            }
        }
    });

    test("an ended subscription stays ended", () => {
        const [ended] = step(initialState(), { type: "stop" }, options, 0);
        for (const input of inputs) {
            expect(step(ended, input, options, 0)).toEqual([ended, []]);
        }
    });
});
