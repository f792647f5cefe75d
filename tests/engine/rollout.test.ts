/** What an administrator sees of a change: in the preview, in the order of the work, in the state. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Stack, siteOf, type Site } from "./stack";

const lab = siteOf("lab/Pulumi.lab.yaml");
const merged = (section: string, changes: object): Site => ({
    ...lab,
    [section]: { ...(lab[section] as object), ...changes },
});
const zookeeper = (changes: object): Site => merged("zookeeper", changes);

let stack: Stack;
let secrets: string[];

beforeAll(() => {
    stack = new Stack(lab);
    const first = stack.up();
    expect(first.text).toContain("21 created");
    stack.done();
    const plain = JSON.parse(stack.pulumi("stack", "export", "-s", "test", "--show-secrets").text) as {
        deployment: { resources: { type: string; outputs?: { value?: { plaintext?: string } } }[] };
    };
    secrets = plain.deployment.resources
        .filter(({ type }) => type === "mesos:index:GeneratedSecret")
        .map(({ outputs }) => JSON.parse(outputs?.value?.plaintext ?? '""') as string);
    expect(secrets.length).toBeGreaterThanOrEqual(5);
});

afterAll(() => stack.remove());

/** Each test starts from the lab's site as it is declared. */
afterEach(() => {
    stack.declare(lab);
    expect(stack.up("--refresh").ok).toBe(true);
    stack.done();
});

test("a second up makes no change", () => {
    const again = stack.up("--expect-no-changes");
    expect(again.text).toContain("21 unchanged");
    expect(again.ok).toBe(true);
    expect(stack.done()).toEqual([]);
});

test("no secret stands in the state in plain, before and after a refresh", () => {
    const plain = (): string[] => {
        const state = readFileSync(join(stack.dir, "state", ".pulumi", "stacks", "pulumi-mesos", "test.json"), "utf8");
        return secrets.filter((secret) => state.includes(secret));
    };
    expect(plain()).toEqual([]);
    expect(stack.pulumi("refresh", "-s", "test", "--yes", "--skip-preview").ok).toBe(true);
    expect(plain()).toEqual([]);
});

test("a changed flag shows its line, the restart and the order with the leader last; up keeps the order", () => {
    stack.declare(zookeeper({ syncLimit: 12 }));
    const { text } = stack.preview();
    expect(text).toMatch(/- syncLimit=10\n\s+\+ syncLimit=12/);
    expect(text).toContain("bm1: restarts zookeeper.service (/etc/zookeeper/conf/zoo.cfg); turn 1 of 3, a follower");
    expect(text).toContain("bm3: restarts zookeeper.service (/etc/zookeeper/conf/zoo.cfg); turn 2 of 3, a follower");
    expect(text).toContain("bm2: restarts zookeeper.service (/etc/zookeeper/conf/zoo.cfg); turn 3 of 3, the leader");
    expect(text).toContain("3 to update");
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(stack.done()).toEqual([]);
    expect(stack.up().ok).toBe(true);
    expect(stack.done()).toEqual(["converge zookeeper bm1", "converge zookeeper bm3", "converge zookeeper bm2"]);
});

test("a hand-edited file is shown by refresh and mended by up, on that host only", () => {
    stack.editFile("bm3", "/etc/zookeeper/conf/zoo.cfg", "tickTime=1\n");
    const refresh = stack.pulumi("refresh", "-s", "test", "--yes", "--skip-preview", "--diff");
    expect(refresh.text).toContain("bm3: /etc/zookeeper/conf/zoo.cfg has another content");
    const { text } = stack.preview();
    expect(text).toContain("- tickTime=1");
    expect(text).toContain("1 to update");
    expect(stack.up().ok).toBe(true);
    expect(stack.done()).toEqual(["converge zookeeper bm3"]);
});

test("an agent's attribute: additive restarts in place, any other drains", () => {
    const pools = lab["pools"] as Record<string, { attributes: object }>;
    const withAttributes = (attributes: object): Site =>
        merged("pools", { relval: { ...pools["relval"], attributes } });
    stack.declare(withAttributes({ ...pools["relval"]?.attributes, disk: "ssd" }));
    expect(stack.preview().text).toContain(
        "bm6: restarts mesos-agent.service in place, tasks keep running (/etc/mesos/agent.env)",
    );
    stack.declare(withAttributes({ rack: "r9", type: "relval" }));
    expect(stack.preview().text).toContain(
        "bm6: drains, then restarts as a new agent: attribute rack changes from r2 to r9",
    );
});

test.each<[string, () => Site, RegExp]>([
    [
        "an even number of masters",
        () => ({ ...merged("masters", { members: ["bm1", "bm2"] }) }),
        /masters\.members[^]*(even|odd)/,
    ],
    [
        "a server id that moves to another host",
        () => zookeeper({ members: { bm1: 2, bm2: 1, bm3: 3 } }),
        /server id \d belongs to bm[12][^]*ZK_ID_MOVED/,
    ],
    ["an unknown key", () => ({ ...lab, zookeepr: {} }), /zookeepr[^]*zookeeper/],
])("the preview refuses %s and touches nothing", (_, site, message) => {
    stack.declare(site());
    const { ok, text } = stack.preview();
    expect(ok).toBe(false);
    expect(text).toMatch(message);
    expect(text).not.toMatch(/\n\s+at .*\.(js|ts):\d+/);
    expect(stack.done()).toEqual([]);
});

test("destroy takes agents off before masters and masters before ZooKeeper", () => {
    expect(stack.pulumi("destroy", "-s", "test", "--yes", "--skip-preview").text).toContain("21 deleted");
    const order = stack.done().map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(
        order.filter((line) => line.startsWith("remove")).map((line) => line.replace("remove ", "").split("/")[0]),
    ).toEqual([
        ...Array<string>(3).fill("pool"),
        ...Array<string>(3).fill("masters"),
        ...Array<string>(3).fill("zookeeper"),
    ]);
});
