/** Generated secrets made anew: what a preview says, in which order hosts change over, and that a run that stops is gone on with. */
import { Stack, siteOf, type Site } from "./stack";

const { pools, ...rest } = siteOf("lab/Pulumi.lab.yaml");
/** An agent that does not come back is given up soon. */
const lab: Site = {
    ...rest,
    pools: Object.fromEntries(
        Object.entries(pools as Record<string, object>).map(([name, pool]) => [name, { ...pool, healthTimeoutSec: 2 }]),
    ),
};
const renewed = (secrets: object): Site => ({ ...lab, secrets });
const MASTERS = ["converge masters bm1", "converge masters bm3", "converge masters bm2"];

let stack: Stack;

interface Resource {
    readonly type: string;
    readonly urn: string;
    readonly outputs?: { readonly value?: { readonly plaintext?: string } };
}

/** Generated values by name. */
function values(): Record<string, string> {
    const { deployment } = JSON.parse(stack.pulumi("stack", "export", "-s", "test", "--show-secrets").text) as {
        deployment: { resources: Resource[] };
    };
    return Object.fromEntries(
        deployment.resources
            .filter(({ type }) => type === "mesos:index:GeneratedSecret")
            .map(({ urn, outputs }) => [
                urn.split("::").pop() ?? "",
                JSON.parse(outputs?.value?.plaintext ?? '""') as string,
            ]),
    );
}

const changedFrom = (before: Record<string, string>): string[] => {
    const now = values();
    return Object.keys(now)
        .filter((name) => now[name] !== before[name])
        .sort();
};

beforeAll(() => {
    stack = new Stack(lab);
    expect(stack.up().text).toContain("21 created");
    stack.done();
});
afterAll(() => stack.remove());

test("all at once: the preview says what happens, masters change before agents, nothing is left over", () => {
    const before = values();
    stack.declare(renewed({ generation: 2 }));
    const { text } = stack.preview();
    expect(text).toContain("principal-agent: made anew; when the leading master changes, agents are refused until");
    expect(text).toContain("principal-marathon: made anew; its framework is refused");
    expect(text).toMatch(/bm2: restarts mesos-master\.service \(.*credentials\.json.*\); turn 3 of 3, the leader/);
    expect(text).toMatch(
        /bm4: restarts mesos-agent\.service in place, with all of its pool at once, tasks keep running/,
    );
    expect(text).not.toContain("executor-key: made anew");
    expect(stack.done()).toEqual([]);

    const up = stack.up("--diff");
    expect([up.ok, up.text]).toEqual([true, expect.any(String)]);
    const done = stack.done();
    expect(done.filter((line) => line.includes("masters"))).toEqual(MASTERS);
    // ZooKeeper is open to both passwords before the first master changes, and to the new one alone after the last.
    expect(done.indexOf("share /mesos")).toBeLessThan(done.indexOf(MASTERS[0] ?? ""));
    expect(done.filter((line) => line === "claim /mesos")).toHaveLength(1);
    expect(done.indexOf("claim /mesos")).toBeGreaterThan(done.indexOf(MASTERS[2] ?? ""));
    const agents = done.filter((line) => line.includes("pool/"));
    expect(agents.map((line) => line.split(" ").pop()).sort()).toEqual(["bm4", "bm5", "bm6"]);
    expect(done.indexOf(agents[0] ?? "")).toBeGreaterThan(done.indexOf(MASTERS[2] ?? ""));
    expect(done.filter((line) => /^drain|zookeeper/.test(line))).toEqual([]);

    expect(changedFrom(before)).toEqual(
        Object.keys(before)
            .filter((name) => name !== "executor-key")
            .sort(),
    );
    const shown = [...Object.values(before), ...Object.values(values())].filter((one) =>
        `${text}${up.text}`.includes(one),
    );
    expect(shown).toEqual([]);
    expect(stack.up("--refresh", "--expect-no-changes").ok).toBe(true);
    expect(stack.done()).toEqual([]);
});

test("a run that stops half-way is gone on with, under the same new secrets", () => {
    stack.declare(renewed({ generation: 3 }));
    stack.setIll("bm6", true);
    const before = values();
    expect(stack.up().ok).toBe(false);
    const half = values();
    expect(changedFrom(before)).toContain("principal-agent");
    expect(stack.done()).toEqual(expect.arrayContaining(MASTERS));
    stack.setIll("bm6", false);
    const { ok, text } = stack.up();
    expect([ok, text]).toEqual([true, expect.any(String)]);
    expect(changedFrom(half)).toEqual([]);
    // What was done is not done again.
    expect(stack.done().filter((line) => /masters|claim/.test(line))).toEqual([]);
    expect(stack.up("--expect-no-changes").ok).toBe(true);
});

test("one alone: the executors' key drains one agent after the other; with the agents' own secret it is refused", () => {
    const before = values();
    stack.declare(renewed({ generation: 4, generations: { "executor-key": 2 } }));
    const refused = stack.preview();
    expect(refused.ok).toBe(false);
    expect(refused.text).toContain("make the one anew, run up, then the other");
    stack.declare(renewed({ generation: 3, generations: { "executor-key": 2 } }));
    expect(stack.preview().text).toContain("bm4: drains, then restarts: executors that run know only the former key");
    stack.done();
    expect(stack.up().ok).toBe(true);
    expect(changedFrom(before)).toEqual(["executor-key"]);
    expect(
        stack
            .done()
            .filter((line) => /^drain/.test(line))
            .sort(),
    ).toEqual(["drain S-bm4", "drain S-bm5", "drain S-bm6"]);
    stack.declare(lab);
    // Taken out, the numbers change nothing any more.
    expect(stack.up().ok).toBe(true);
    expect(stack.done()).toEqual([]);
    expect(changedFrom({ ...before, "executor-key": values()["executor-key"] ?? "" })).toEqual([]);
});
