/** A host that was changed and did not get well is in the state: `up` goes on with it, `destroy` takes it off again. */
import { siteOf, Stack } from "./stack";

const lab = siteOf("lab/Pulumi.lab.yaml");
const pools = lab["pools"] as Record<string, object>;
const impatient = { ...lab, pools: { ...pools, relval: { ...pools["relval"], healthTimeoutSec: 1 } } };

let stack: Stack;

beforeAll(() => {
    stack = new Stack(impatient);
    stack.setIll("bm6", true);
});
afterAll(() => stack.remove());

test("up says what is wrong, and the host is not forgotten", () => {
    const { ok, text } = stack.up();
    expect(ok).toBe(false);
    expect(text).toContain("bm6: health: the agent did not register with the leading master within 1 s");
    expect(text).toContain("the last line of its log");
    expect(stack.pulumi("stack", "export", "-s", "test").text).toContain("HostConfig::agent-bm6");
});

test("once the host is well, up goes on with it alone", () => {
    stack.done();
    stack.setIll("bm6", false);
    const { ok, text } = stack.up();
    expect(ok).toBe(true);
    expect(text).toContain("1 updated");
    expect(stack.up("--expect-no-changes").ok).toBe(true);
});

test("destroy takes a host off that never got well", () => {
    stack.setIll("bm6", true);
    stack.declare({
        ...impatient,
        pools: { relval: { ...(impatient.pools["relval"] as object), attributes: { rack: "r7" } } },
    });
    expect(stack.up().ok).toBe(false);
    stack.setIll("bm6", false);
    stack.done();
    expect(stack.pulumi("destroy", "-s", "test", "--yes", "--skip-preview").ok).toBe(true);
    expect(stack.done()).toContain("remove pool/relval bm6");
});
