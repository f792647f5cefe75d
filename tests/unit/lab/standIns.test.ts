import { admits } from "../../../lab/marathon/constraints";
import { isSettled, ordersFor } from "../../../lab/marathon/control";
import { readFlags } from "../../../lab/marathon/flags";
import { afterProbe } from "../../../lab/marathon/health";
import type { Agent, Instance, Spec } from "../../../lab/marathon/model";
import { stepsOf } from "../../../lab/marathon/plan";
import { portVariables } from "../../../lab/marathon/taskInfo";
import { nextRun } from "../../../lab/metronome/cronTimes";
import { parseCron } from "../../../site/metronome";

const spec = (definition: object = {}, config = "2"): Spec => ({
    kind: "app",
    id: "/a",
    definition: { id: "/a", instances: 2, ...definition },
    version: config,
    lastScalingAt: config,
    lastConfigChangeAt: config,
});

function instance(id: string, config: string, more: Partial<Instance> = {}): Instance {
    const state = "TASK_RUNNING";
    return { id, spec: "/a", kind: "app", config, version: config, attempt: 1, goal: "Running", state, tasks: [id], states: {}, ports: [], health: [], startedAt: id, ...more };
}

describe("a rolling update", () => {
    const CHECKED = { healthChecks: [{ protocol: "HTTP" }] };
    const well = { alive: true, consecutiveFailures: 0, firstSuccess: "x" };
    const old = (id: string): Instance => instance(id, "1", { health: [well] });

    test.each([
        ["nothing runs: all are started", {}, [], { start: 2, kill: [] }],
        ["too many: the youngest go", {}, ["1", "2", "3"].map((id) => instance(id, "2")), { start: 0, kill: ["3"] }],
        ["or the oldest", { killSelection: "OLDEST_FIRST" }, ["1", "2", "3"].map((id) => instance(id, "2")), { start: 0, kill: ["1"] }],
        ["with room for twice as many, all new ones come first", {}, [instance("1", "1"), instance("2", "1")], { start: 2, kill: [] }],
        [
            "an old one goes for each new one that serves",
            {},
            [instance("1", "1"), instance("2", "1"), instance("3", "2"), instance("4", "2", { state: "TASK_STAGING" })],
            { start: 0, kill: ["2"] },
        ],
        [
            "without room, half go first when half are enough",
            { upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } },
            [instance("1", "1"), instance("2", "1")],
            { start: 0, kill: ["2"] },
        ],
        [
            "but with checks of Marathon's own it never begins: as the real one",
            { ...CHECKED, upgradeStrategy: { minimumHealthCapacity: 0.5, maximumOverCapacity: 0 } },
            [old("1"), old("2")],
            { start: 0, kill: [] },
        ],
        ["with them and room, the new ones come first", CHECKED, [old("1"), old("2")], { start: 2, kill: [] }],
    ])("%s", (_, definition, instances, orders) => expect(ordersFor(spec(definition), instances)).toEqual(orders));

    test.each([1, 2, 3, 5, 8])("of %i instances comes to its end, and never below what must serve", (count) => {
        for (const [minimum, over] of [[1, 1], [1, 0], [0.5, 0], [0.5, 0.2], [0, 0]] as const) {
            const wanted = spec({ instances: count, upgradeStrategy: { minimumHealthCapacity: minimum, maximumOverCapacity: over } });
            let all = Array.from({ length: count }, (_, index) => instance(`old${index}`, "1"));
            let made = 0;
            for (let round = 0; !isSettled(wanted, all); round++) {
                expect([count, minimum, over, round < 100]).toEqual([count, minimum, over, true]);
                const { start, kill } = ordersFor(wanted, all);
                all = all.filter(({ id }) => !kill.includes(id));
                expect(all.length).toBeGreaterThanOrEqual(Math.ceil(count * minimum));
                all = [...all, ...Array.from({ length: start }, () => instance(`new${made++}`, "2"))];
                expect(all.length).toBeLessThanOrEqual(Math.max(Math.floor(count * (1 + over)), Math.ceil(count * minimum) + 1, count));
            }
        }
    });
});

test.each<[string, string, string | undefined, string, string[], boolean]>([
    ["rack", "UNIQUE", undefined, "r1", ["r2"], true],
    ["rack", "UNIQUE", undefined, "r1", ["r1"], false],
    ["rack", "CLUSTER", undefined, "r1", ["r1"], true],
    ["rack", "CLUSTER", undefined, "r2", ["r1"], false],
    ["rack", "CLUSTER", "r1", "r1", [], true],
    ["rack", "CLUSTER", "r1", "r2", [], false],
    ["rack", "GROUP_BY", "2", "r1", ["r1"], false],
    ["rack", "GROUP_BY", "2", "r2", ["r1"], true],
    ["rack", "GROUP_BY", "2", "r1", ["r1", "r2"], true],
    ["rack", "GROUP_BY", undefined, "r1", ["r1", "r1", "r2"], false],
    ["rack", "MAX_PER", "2", "r1", ["r1"], true],
    ["rack", "MAX_PER", "2", "r1", ["r1", "r1"], false],
    ["rack", "LIKE", "r[0-9]", "r1", [], true],
    ["rack", "LIKE", "r", "r1", [], false],
    ["rack", "UNLIKE", "r[0-9]", "r1", [], false],
    ["disk", "UNLIKE", "x", "r1", [], true],
    ["disk", "LIKE", ".*", "r1", [], false],
    ["rack", "IS", "r1", "r1", [], true],
])("constraint %s %s %s: on %s beside %j is %s", (field, operator, value, here, there, expected) => {
    const agent = (rack: string): Agent => ({ id: rack, hostname: rack, attributes: { rack } });
    const constraint = { field, operator: operator as "IS", ...(value !== undefined && { value }) };
    expect(admits(constraint, agent(here), there.map(agent))).toBe(expected);
});

test("steps: dependencies first, whatever depends on them after", () => {
    const one = (id: string, dependencies: string[] = []): Spec => ({ ...spec(), id, definition: { id, instances: 1, dependencies } });
    const specs = new Map([one("/g/db"), one("/g/web", ["/g/db"]), one("/front", ["/g"])].map((each) => [each.id, each]));
    const steps = stepsOf([...specs.values()].map((after) => ({ before: undefined, after })), specs);
    expect(steps.slice(1).map((actions) => actions.map(({ id }) => id))).toEqual([["/g/db"], ["/g/web"], ["/front"]]);
});

test("ports in the environment: by number, by name, by service port", () => {
    expect(portVariables([{ port: 10001, name: "http" }, { port: 0, name: "a-b" }], [31000, 31001])).toEqual({
        PORT0: "31000",
        PORT1: "31001",
        PORT: "31000",
        PORTS: "31000,31001",
        PORT_10001: "31000",
        PORT_HTTP: "31000",
        PORT_A_B: "31001",
    });
});

test("a check counts failures in a row, and remembers its first success", () => {
    const first = afterProbe(null, "refused", "1");
    const second = afterProbe(first, "refused", "2");
    expect([first.consecutiveFailures, second.consecutiveFailures, second.alive]).toEqual([1, 2, false]);
    const better = afterProbe(second, undefined, "3");
    expect(better).toEqual({ alive: true, consecutiveFailures: 0, firstSuccess: "3", lastSuccess: "3" });
    expect(afterProbe(afterProbe(better, "refused", "4"), undefined, "5").firstSuccess).toBe("3");
});

test.each([
    ["*/5 * * * *", "UTC", "2026-11-25T03:20:00Z", "2026-11-25T03:25:00Z"],
    ["0 4 * * *", "Europe/Moscow", "2026-11-25T03:20:00Z", "2026-11-26T01:00:00Z"],
    ["0 0 13 * 5", "UTC", "2026-11-25T00:00:00Z", "2027-08-13T00:00:00Z"],
    ["59 23 31 12 *", "UTC", "2026-12-31T23:59:00Z", "2027-12-31T23:59:00Z"],
    // The clocks jump from two to three: half past two is not shown that day.
    ["30 2 * * *", "Europe/Zurich", "2027-03-27T12:00:00Z", "2027-03-28T01:30:00Z"],
])("%s in %s after %s runs at %s", (cron, zone, after, expected) => {
    expect(new Date(nextRun(parseCron(cron), zone, Date.parse(after)) ?? 0).toISOString()).toBe(new Date(expected).toISOString());
});

test("flags: by command line or environment, never both", () => {
    const read = (argv: string[], env = {}): Record<string, string> => Object.fromEntries(readFlags("MARATHON_", argv, env));
    expect(read(["--zk", "zk://a/m", "--ha", "--http_port=8081"], { MARATHON_MASTER: "m", OTHER: "x" })).toEqual({ zk: "zk://a/m", ha: "", http_port: "8081", master: "m" });
    expect(() => read(["--zk", "a"], { MARATHON_ZK: "b" })).toThrow("--zk is given twice");
    expect(() => read(["zk"])).toThrow('"zk" is no flag');
});
