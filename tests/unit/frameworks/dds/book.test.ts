/** What is started and ended, from what Mesos and the commander say. */
import { Book } from "../../../../frameworks/dds/book";
import { specOf } from "../../../../frameworks/dds/config";
import { parseTaskId, taskId } from "../../../../frameworks/dds/sessions";
import type { Offer, TaskState } from "../../../../frameworks/scheduler";

const T = 1_000_000;
const AVOID = { failures: 3, earlySec: 60, avoidSec: 600, maxAvoidSec: 3600 };
let book: Book;
let now: number;
let made: number;

const spec = (more: object = {}) => specOf({ agents: 2, cpus: 1, memMiB: 100, diskMiB: 500, ...more });
const declare = (more: object = {}, generation = "a1"): void =>
    book.declare("s", spec(more), generation, JSON.stringify([more, generation]));
const answers = (): void => book.asked("s", { kind: "answers" }, now);
const closed = (): void => book.asked("s", { kind: "closed", message: "refused" }, now);
const offer = (host: string, attributes: Offer["attributes"] = []): Offer => ({
    id: { value: `o-${host}-${now}` },
    framework_id: { value: "f" },
    agent_id: { value: `a-${host}` },
    hostname: host,
    attributes,
    resources: [
        ["cpus", 4],
        ["mem", 1000],
        ["disk", 5000],
    ].map(([name, value]) => ({ name: String(name), type: "SCALAR", scalar: { value: Number(value) } })),
});
const say = (id: string, state: TaskState, message = ""): { kill?: string } =>
    book.heard(
        { task_id: { value: id }, state, agent_id: { value: book.tasks.get(id)?.agentId ?? "a" }, message },
        now,
    );
/** Starts what is missing. @returns ids of what was started */
function start(...hosts: string[]): string[] {
    const { launches } = book.offered(
        hosts.map((host) => offer(host)),
        now,
    );
    const ids = launches.flatMap(({ offer: of, tasks }) =>
        tasks.map((agent) => {
            const id = taskId("s", agent.of.generation, String(made++).padStart(4, "0"));
            book.launching(id, agent, of, now);
            say(id, "TASK_RUNNING");
            return id;
        }),
    );
    book.launched(now);
    return ids;
}
const count = (...ids: string[]): void =>
    book.counted(
        "s",
        ids.map((id) => ({ group: "g", slots: 2, idle: 2, host: "u@h", workDir: `/sandbox/dds/${id}/` })),
        now,
    );
const missing = (): number => book.missing(now).reduce((sum, one) => sum + one.count, 0);
const kills = (): string[] => book.kills(now).map(({ agent, reason }) => `${agent.id} ${reason}`);
const session = () => book.sessions.get("s");
const later = (sec: number): void => void (now += sec * 1000);

beforeEach(() => {
    book = new Book({ role: "dds", avoid: AVOID, startSec: 300, goneSec: 60 });
    [now, made] = [T, 0];
    declare();
});

test("nothing is started before the commander answers, then one agent on each host", () => {
    expect(missing()).toBe(0);
    answers();
    expect(missing()).toBe(2);
    expect(start("h1")).toHaveLength(1);
    expect(start("h1")).toHaveLength(0);
    expect(start("h2")).toHaveLength(1);
    expect(missing()).toBe(0);
});

test("only hosts with the attributes that are asked for", () => {
    declare({ attributes: { rack: "r1" } });
    answers();
    expect(start("h1")).toEqual([]);
    const suitable = offer("h2", [{ name: "rack", type: "TEXT", text: { value: "r1" } }]);
    expect(book.offered([suitable], now).launches).toHaveLength(1);
});

test("joined are those that the commander has, by the task's id in their directory", () => {
    answers();
    const [one = "", two = ""] = start("h1", "h2");
    count(one);
    const joined = [one, two].map((id) => book.joined(book.tasks.get(id) ?? (undefined as never)));
    expect(joined).toEqual([true, false]);
});

test("an agent that ends in order is a loss, replaced when its commander has answered since", () => {
    answers();
    const [one = "", two = ""] = start("h1", "h2");
    count(one, two);
    say(one, "TASK_FINISHED");
    expect(missing()).toBe(0);
    later(1);
    answers();
    expect(missing()).toBe(0);
    later(3);
    expect(missing()).toBe(0);
    answers();
    expect(missing()).toBe(1);
    expect(session()?.kept.losses).toHaveLength(1);
    expect(book.changed.has("s")).toBe(true);
});

test("agents that end with their session are no losses, and none is started again", () => {
    answers();
    const [one = "", two = ""] = start("h1", "h2");
    say(one, "TASK_FINISHED");
    say(two, "TASK_FINISHED");
    later(4);
    closed();
    expect([missing(), session()?.kept.losses]).toEqual([0, []]);
    later(61);
    closed();
    expect(book.isOver(session() ?? (undefined as never), now)).toBe(true);
    later(10_000);
    expect(missing()).toBe(0);
});

test("what is left of a session that is over is ended; of one that is only out of reach, it is not", () => {
    answers();
    const ids = start("h1", "h2");
    book.asked("s", { kind: "silent", message: "no answer" }, now);
    later(1000);
    book.asked("s", { kind: "silent", message: "no answer" }, now);
    expect([kills(), missing()]).toEqual([[], 0]);
    closed();
    later(61);
    closed();
    expect(kills()).toEqual(ids.map((id) => `${id} session over`));
    expect(kills()).toEqual([]);
    later(21);
    expect(kills()).toHaveLength(2);
});

test("another session in its commander's place: this one is over at once", () => {
    answers();
    const ids = start("h1", "h2");
    book.asked("s", { kind: "other session", message: "Incompatible Session ID" }, now);
    expect(kills()).toEqual(ids.map((id) => `${id} session over`));
});

test("as often as allowed, and then no more, until something else is asked for", () => {
    declare({ replacements: 2 });
    answers();
    for (let round = 0; round < 3; round += 1) {
        later(120);
        answers();
        const [one = ""] = start(`h${round}`, "x");
        later(120);
        count(one);
        say(one, "TASK_FINISHED");
        later(10);
        answers();
    }
    expect(session()?.kept).toMatchObject({ givenUp: true });
    later(100_000);
    answers();
    expect(missing()).toBe(0);
    const { kept } = session() ?? {};
    // A restart of the framework changes nothing about that.
    const again = new Book({ role: "dds", avoid: AVOID, startSec: 300, goneSec: 60 });
    again.declare("s", spec({ replacements: 2 }), "a1", kept?.of ?? "", kept);
    again.asked("s", { kind: "answers" }, now);
    expect(again.missing(now)).toEqual([]);
    // Nor is how they have ended forgotten: somebody is to look at it.
    expect(again.sessions.get("s")?.lastEnd).toMatch(/^s\.a1\.\d+ on h\d: TASK_FINISHED$/);
    declare({ replacements: 3 });
    answers();
    expect(missing()).toBeGreaterThan(0);
});

test("losses of long ago do not count", () => {
    declare({ replacements: 1, withinSec: 100 });
    answers();
    const ids = start("h1", "h2");
    for (const id of ids) {
        say(id, "TASK_FINISHED");
        later(200);
        answers();
    }
    expect(session()?.kept).toMatchObject({ givenUp: false, losses: [] });
});

test("a lost host's agent is replaced, and no loss", () => {
    answers();
    const [one = ""] = start("h1", "h2");
    say(one, "TASK_UNREACHABLE");
    expect(missing()).toBe(1);
    say(one, "TASK_GONE");
    later(5);
    answers();
    expect([missing(), session()?.kept.losses]).toEqual([1, []]);
});

test("agents that fail early are tried again later and later, and a host where they do is avoided", () => {
    declare({ agents: 1, replacements: 100 });
    answers();
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
        const [one = ""] = start("h1");
        later(1);
        say(one, "TASK_FAILED", "exited with status 73");
        const began = now;
        do {
            later(1);
            answers();
        } while (missing() === 0);
        waits.push((now - began) / 1000);
    }
    expect(waits).toEqual([6, 12, 24]);
    expect(book.avoided(now)).toMatchObject([{ host: "h1", reason: "exited with status 73" }]);
    expect(start("h1")).toEqual([]);
});

test("an agent that hangs is a running task all the same: it is ended when the commander has not had it for long", () => {
    answers();
    const [one = "", two = ""] = start("h1", "h2");
    count(one, two);
    later(89);
    count(one);
    expect(kills()).toEqual([]);
    later(2);
    count(one);
    expect(kills()).toEqual([`${two} not joined`]);
    say(two, "TASK_KILLED");
    later(4);
    answers();
    expect([missing(), session()?.kept.losses.length]).toEqual([1, 1]);
});

test("where agents cannot be counted, none is ended for not being counted", () => {
    answers();
    start("h1", "h2");
    later(1000);
    book.counted("s", new Error("dds-info is not here"), now);
    expect(kills()).toEqual([]);
});

test("fewer are wanted: those that have not joined go first", () => {
    declare({ agents: 3 });
    answers();
    const [one = "", two = "", three = ""] = start("h1", "h2", "h3");
    count(one, three);
    declare({ agents: 2 });
    expect(kills()).toEqual([`${two} not wanted`]);
    say(two, "TASK_KILLED");
    later(5);
    answers();
    expect([missing(), session()?.kept.losses]).toEqual([0, []]);
});

test("with another package the agents of the one before go", () => {
    answers();
    const ids = start("h1", "h2");
    declare({}, "b2");
    expect(kills()).toEqual(ids.map((id) => `${id} other package`));
    answers();
    expect(missing()).toBe(2);
});

test("a framework that comes back knows agents by their tasks' ids, and ends nothing before it has heard of all", () => {
    const fresh = new Book({ role: "dds", avoid: AVOID, startSec: 300, goneSec: 60 });
    fresh.declare("s", spec(), "a1", "x");
    fresh.pause(now + 2000);
    fresh.asked("s", { kind: "answers" }, now);
    const status = (id: string) => ({
        task_id: { value: id },
        state: "TASK_RUNNING" as const,
        agent_id: { value: "a" },
    });
    expect(fresh.heard(status("s.a1.0001"), now)).toEqual({});
    expect(fresh.heard(status("gone.a1.0001"), now)).toEqual({});
    expect(fresh.heard(status("not ours"), now)).toEqual({ kill: "not ours" });
    expect([fresh.kills(now), fresh.missing(now)]).toEqual([[], []]);
    expect(fresh.missing(now + 2001)).toMatchObject([{ count: 1 }]);
    expect(fresh.kills(now + 2001).map(({ agent, reason }) => `${agent.id} ${reason}`)).toEqual([
        "gone.a1.0001 no such session",
    ]);
    expect(parseTaskId("x")).toBeUndefined();
});

test("a launch that is refused is tried again, later", () => {
    answers();
    const [launch] = book.offered([offer("h1")], now).launches;
    book.launching("s.a1.00ff", launch?.tasks[0] ?? (undefined as never), offer("h1"), now);
    book.notLaunched(["s.a1.00ff"], now, "bad task");
    expect([book.tasks.size, missing(), book.lastError]).toEqual([0, 0, "bad task"]);
    later(7);
    answers();
    expect(missing()).toBe(2);
});
