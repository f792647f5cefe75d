/** What was reviewed is what is applied: a saved plan, and a stack or a site that has moved in between. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Site, siteOf, Stack } from "./stack";

const lab = siteOf("lab/Pulumi.lab.yaml");
const pools = lab["pools"] as Record<string, object>;
const zookeeper = (changes: object): Site => ({ ...lab, zookeeper: { ...(lab["zookeeper"] as object), ...changes } });
const named = (name: string): Site => ({
    ...lab,
    pools: { ...pools, relval: { ...pools["relval"], attributes: { rack: "r2", type: "relval", name } } },
});
const quiet = ["--look", "no", "--markdown", "/dev/null"];

let stack: Stack;
let plan: string;
let events: string;
let secrets: string[];

beforeAll(() => {
    stack = new Stack(lab);
    plan = join(stack.dir, "reviewed.plan");
    events = join(stack.dir, "reviewed.events");
    expect(stack.up().ok).toBe(true);
    const state = JSON.parse(stack.pulumi("stack", "export", "-s", "test", "--show-secrets").text) as {
        deployment: { resources: { type: string; outputs?: { value?: { plaintext?: string } } }[] };
    };
    secrets = state.deployment.resources
        .filter(({ type }) => type === "mesos:index:GeneratedSecret")
        .map(({ outputs }) => JSON.parse(outputs?.value?.plaintext ?? '""') as string);
    expect(secrets.length).toBeGreaterThan(4);
});
afterAll(() => stack.remove());

function review(site: Site): void {
    stack.declare(site);
    expect(stack.tool("report", ...quiet, "--save-plan", plan, "--save-events", events).status).toBe(0);
    stack.done();
}

const compare = (): ReturnType<Stack["tool"]> => stack.tool("report", ...quiet, "--reviewed", events);

test("what is kept of a review holds no secret in plain, and is for its owner alone", () => {
    review(zookeeper({ syncLimit: 12 }));
    for (const file of [plan, events]) {
        const text = readFileSync(file, "utf8");
        expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
        expect(statSync(file).mode & 0o077).toBe(0);
    }
});

test("what was reviewed is applied", () => {
    expect(compare().status).toBe(0);
    const { ok, text } = stack.up("--plan", plan);
    expect(text).toContain("3 updated");
    expect(ok).toBe(true);
    expect(stack.done()).toEqual(["converge zookeeper bm1", "converge zookeeper bm3", "converge zookeeper bm2"]);
});

test("a stack file that says something else than what was reviewed is refused, with what moved; nothing is touched", () => {
    review(zookeeper({ syncLimit: 13 }));
    stack.declare(zookeeper({ syncLimit: 14 }));
    const { status, stderr } = compare();
    expect(status).toBe(1);
    expect(stderr).toContain(
        [
            "not as reviewed: zookeeper-bm[1-3]:",
            "    as it is to be: files./etc/zookeeper/conf/zoo.cfg.content: -syncLimit=13",
            "    as it is to be: files./etc/zookeeper/conf/zoo.cfg.content: +syncLimit=14",
        ].join("\n"),
    );
    const { ok, text } = stack.up("--plan", plan);
    expect(ok).toBe(false);
    expect(text).toContain("violates plan");
    expect(stack.done()).toEqual([]);
});

test("what is said of what moved holds no secret", () => {
    review(named("a"));
    stack.declare(named("b"));
    const { ok, text } = stack.up("--plan", plan);
    expect(ok).toBe(false);
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    const { stderr } = compare();
    expect(stderr).toContain("as it is to be: service.attributes.name: -a");
    expect(secrets.filter((secret) => stderr.includes(secret))).toEqual([]);
});

test("a stack that another run has changed since is refused, with what moved; nothing is touched", () => {
    review(zookeeper({ syncLimit: 15 }));
    stack.declare({ ...lab, pools: { build: pools["build"] } });
    expect(stack.up().ok).toBe(true);
    stack.declare(zookeeper({ syncLimit: 15 }));
    stack.done();
    const { status, stderr } = compare();
    expect(status).toBe(1);
    expect(stderr).toContain("not as reviewed: agent-bm6:\n    when reviewed, it stays as it is; now it is made");
    const { ok, text } = stack.up("--plan", plan);
    expect(ok).toBe(false);
    expect(text).toContain("create is not allowed by the plan: this resource is constrained to same");
    expect(stack.done()).toEqual([]);
});
