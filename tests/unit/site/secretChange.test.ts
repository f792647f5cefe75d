import {
    checkSecretsTogether,
    isRefused,
    refusesAgents,
    refusesExecutors,
    renewal,
} from "../../../site/change/secretChange";
import { siteSecrets } from "../../../site/plan/generations";
import { UNKNOWN } from "../../../provider/wire";
import { changed, faultsOf, planOf, type Tree } from "./sites";
import { validateSite } from "../../../site/validate";

const credentials = (agent: string, more: object[] = []) => ({
    "/etc/mesos/credentials.json": {
        content: JSON.stringify({ credentials: [{ principal: "agent", secret: agent }, ...more] }),
    },
});
const agent = (credential: string, key: string) => ({
    "/etc/mesos/agent-credential.json": { content: credential },
    "/etc/mesos/executor-key": { content: key },
});

test("masters refuse agents only when the agents' own secret is another one", () => {
    expect(refusesAgents(credentials("a"), credentials("b"))).toBe(true);
    expect(refusesAgents(credentials("a"), credentials("a", [{ principal: "new", secret: "x" }]))).toBe(false);
    expect(refusesAgents({}, credentials("b"))).toBe(false);
    expect(refusesAgents({ "/etc/mesos/credentials.json": { content: "edited by hand" } }, credentials("b"))).toBe(
        false,
    );
});

test("an agent's two secrets are told apart, and never change together: also while they are not known", () => {
    expect([isRefused(agent("a", "k"), agent("b", "k")), refusesExecutors(agent("a", "k"), agent("b", "k"))]).toEqual([
        true,
        false,
    ]);
    expect([isRefused({}, agent("b", "k")), refusesExecutors({}, agent("b", "k"))]).toEqual([false, false]);
    expect(checkSecretsTogether(agent("a", "k"), agent(UNKNOWN, "k"))).toEqual([]);
    expect(checkSecretsTogether(agent("a", "k"), agent("a", UNKNOWN))).toEqual([]);
    expect(checkSecretsTogether(agent("a", "k"), agent(UNKNOWN, UNKNOWN))).toMatchObject([
        { code: "SECRETS_TOGETHER", path: "secrets.generations.executor-key" },
    ]);
});

const full = (): Tree =>
    changed({
        "frameworks marathon": { roles: ["services"], users: ["www"] },
        "pools work users": [{ name: "www" }],
        marathon: { members: ["bm1"] },
        workloads: {
            workQueue: {
                catalog: { hosts: ["bm3"] },
                members: ["bm2"],
                principal: "marathon",
                sizes: [{ name: "s", memMiB: 100, diskMiB: 100 }],
            },
        },
    });

test("every generated secret of a site says what it does when it is made anew", () => {
    const { site } = validateSite(full());
    if (site === undefined) throw new Error("the site has faults");
    const texts = Object.fromEntries(siteSecrets(site).map(({ name }) => [name, renewal(name)]));
    expect(texts["principal-agent"]).toMatch(/agents are refused until .* masters\.agentReregisterTimeoutSec/);
    expect(texts["principal-marathon"]).toMatch(/its framework is refused .* its tasks run on/);
    expect(texts["zookeeper-digest"]).toMatch(/Nothing is refused/);
    expect(texts["marathon-zookeeper"]).toMatch(/open to the old one too/);
    expect(texts["executor-key"]).toMatch(/drained/);
    expect(texts["workqueue-password"]).toMatch(/workers are started anew/);
    expect(Object.keys(texts)).toEqual(expect.arrayContaining(["marathon-http", "workqueue-zookeeper"]));
});

test("a generation is of all but what running tasks hold; a number of its own is of one alone", () => {
    const plan = planOf(
        changed({ secrets: { generation: 2, generations: { "marathon-http": 3, "executor-key": 4 } } }, full()),
    );
    const of = Object.fromEntries(
        plan.secrets.map(({ name, generation, ownGeneration }) => [name, [generation, ownGeneration]]),
    );
    expect(of["principal-agent"]).toEqual([2, undefined]);
    expect(of["marathon-http"]).toEqual([2, 3]);
    expect(of["executor-key"]).toEqual([undefined, 4]);
    expect(of["workqueue-password"]).toEqual([undefined, undefined]);
    expect(plan.masters.state).toMatchObject({ path: "/mesos", user: "mesos", secret: "zookeeper-digest" });
    // Where nothing is said of secrets, nothing of it is in the plan.
    const silent = planOf(full());
    expect(silent.secrets.filter(({ generation, ownGeneration }) => generation ?? ownGeneration)).toEqual([]);
    expect([silent.masters.state, silent.renewsSecrets]).toEqual([undefined, undefined]);
});

test.each<[string, Tree, string, RegExp]>([
    ["a mistyped name", { "principal-agnet": 2 }, "SECRET_UNKNOWN", /did you mean principal-agent\?/],
    [
        "a secret that is given",
        { "zookeeper-digest": 2 },
        "SECRET_GIVEN",
        /pulumi config set --secret zookeeper-digest/,
    ],
])("fails with %s", (_, generations, code, fix) => {
    const existing = code === "SECRET_GIVEN" ? { zookeeper: { existing: { servers: ["10.0.0.9:2181"] } } } : {};
    expect(faultsOf(changed({ ...existing, secrets: { generations } }, full()))).toMatchObject([
        { code, path: `secrets.generations.${Object.keys(generations)[0]}`, fix: expect.stringMatching(fix) as string },
    ]);
});
