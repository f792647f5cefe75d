/** What a reviewer is told of secrets that are made anew. */
import { dangersOf } from "../../../report/dangers";
import type { HostChange } from "../../../report/hosts";
import { drains, rolloutOf } from "../../../report/rollout";
import type { Preview, Step } from "../../../report/steps";

const agent = (host: string, path: string): HostChange => ({
    host,
    address: "10.0.0.4",
    tier: "pool/work",
    kind: "mesosAgent",
    action: "changes",
    files: [{ path, change: "changed", lines: ["(its text is secret)"] }],
    packages: [],
    restarts: [{ unit: "mesos-agent.service", because: [path] }],
    others: [],
    maxUnavailable: 1,
    healthTimeoutSec: 100,
    drainGraceSec: 30,
    protect: false,
});
const pool = (path: string): HostChange[] => ["w1", "w2", "w3"].map((host) => agent(host, path));

test("agents that masters refuse restart all at once, others as the pool says", () => {
    const [refused] = rolloutOf(pool("/etc/mesos/agent-credential.json"));
    expect(refused).toMatchObject({
        waves: [["w1", "w2", "w3"]],
        note: "all at once; tasks keep running",
        atMostSec: 100,
    });
    const [other] = rolloutOf(pool("/etc/mesos/agent-http-credentials.json"));
    expect(other).toMatchObject({ waves: [["w1"], ["w2"], ["w3"]], note: "1 at a time; tasks keep running" });
});

test("agents are drained for another key of their executors", () => {
    const changes = pool("/etc/mesos/executor-key");
    expect(changes.map(drains)).toEqual([true, true, true]);
    expect(rolloutOf(changes)).toMatchObject([
        { note: "1 at a time; drained first, up to 30 s each", atMostSec: 3 * 190 },
    ]);
});

test("secrets that are made anew are dangers of their own, those with the same effect in one line", () => {
    const step = (name: string, change: Step["change"] = "update"): Step => ({
        change,
        urn: `urn:pulumi:s::p::mesos:index:GeneratedSecret::${name}`,
        type: "mesos:index:GeneratedSecret",
        name,
        paths: ["generation"],
        replacing: [],
        said: [],
    });
    const steps = ["principal-agent", "principal-web", "principal-batch"].map((name) => step(name));
    const preview = { steps: [...steps, step("marathon-http", "same")], violations: [], failed: false };
    const nothing = { declared: { cpus: 0, memMiB: 0 }, total: { cpus: 0, memMiB: 0 } };
    const facts = {
        preview: preview as unknown as Preview,
        hosts: [],
        cloud: [],
        work: [],
        before: nothing,
        after: nothing,
    };
    const dangers = dangersOf(facts as unknown as Parameters<typeof dangersOf>[0]);
    expect(dangers).toEqual([
        { kind: "secrets", text: expect.stringMatching(/^principal-agent: made anew; .*refused until/) as string },
        {
            kind: "secrets",
            text: expect.stringMatching(/^principal-web, principal-batch: made anew; its framework/) as string,
        },
    ]);
});
