/**
 * All generated secrets of a site are made anew by one number, under a steady load of requests to what runs on it: no task starts
 * again, no quorum is lost, and the former secrets open nothing any more. Then a run that is killed at the worst moment.
 */
import { digestId } from "../../frameworks/zookeeper/acl";
import { CODE } from "../../frameworks/zookeeper/errors";
import type { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import { agentIds, ask, leadingMaster, openSession } from "./support/endpoints";
import { History } from "./support/history";
import { addressOf, AGENTS, invocations, QUORUM } from "./support/hosts";
import { load, type Outcome } from "./support/load";
import { copyDir } from "./support/places";
import { parentOf, processesLike } from "./support/processes";
import { expectRolled } from "./support/rolled";
import { allSecrets, secretsIn } from "./support/secrets";
import { healthy, restore } from "./support/site";
import { exportState, forgetOutputs, preview, startUp, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import {
    declareServices,
    MARATHON_PORT,
    marathonPassword,
    METRONOME_HOST,
    removeDefinitions,
    runningTasks,
    SERVERS,
    write,
} from "./support/work";

const HTTP_PORT = 8088;
const PROMETHEUS_PORT = 9090;
/** Of the app's requests. */
const PER_SECOND = 20;
const PARTS = ["/mesos", "/marathon", "/metronome"] as const;

type Secrets = Readonly<Record<string, string>>;

// The tests go on from each other.
beforeAll(restore);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    removeDefinitions();
    await restore();
});

/** @param generation undefined: nothing is said of secrets */
function declareSite(generation: number | undefined, instances = 4): void {
    write("apps", "web", {
        id: "/e2e/web",
        cmd: "echo here >index.html; exec python3 -m http.server $PORT0",
        cpus: 0.05,
        mem: 32,
        instances,
        user: "nobody",
        portDefinitions: [{ port: 0 }],
        labels: { HAPROXY_GROUP: "external", HAPROXY_0_VHOST: "web.example.org" },
        healthChecks: [{ protocol: "HTTP", path: "/", gracePeriodSeconds: 10, intervalSeconds: 2, timeoutSeconds: 2 }],
    });
    write("jobs", "tick", { id: "e2e-tick", run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" } });
    declareServices({}, (site) =>
        Object.assign(site, {
            loadBalancer: { hosts: [...SERVERS], httpPort: HTTP_PORT },
            monitoring: { hosts: [METRONOME_HOST], port: PROMETHEUS_PORT, everySec: 2, alerts: { forSec: 2 } },
            ...(generation === undefined ? {} : { secrets: { generation } }),
        }),
    );
}

const targets = SERVERS.map((host) => ({ address: addressOf(host), port: HTTP_PORT, host: "web.example.org" }));

/** What became of the requests while `work` was done. */
async function underLoad(work: () => Promise<unknown>): Promise<Outcome> {
    const requests = load(targets, PER_SECOND);
    try {
        await work();
    } finally {
        tell(`load: ${JSON.stringify(await requests.stop())}`);
    }
    return requests.stop();
}

/** Every node at and below a path, with whom it is open to. */
async function owners(session: ZooKeeperSession, path: string): Promise<string[]> {
    const ids = (await session.acl(path)).filter(({ scheme }) => scheme === "digest").map(({ id }) => id);
    const below = await Promise.all((await session.children(path)).map((name) => owners(session, `${path}/${name}`)));
    return [...ids, ...below.flat()];
}

const digestOf = (secrets: Secrets, path: string): { user: string; password: string } =>
    path === "/mesos"
        ? { user: "mesos", password: secrets["zookeeper-digest"] ?? "" }
        : { user: path.slice(1), password: secrets[`${path.slice(1)}-zookeeper`] ?? "" };

/** That the former secrets are refused wherever they were accepted, and the present ones are not. */
async function expectRefused(former: Secrets, present: Secrets): Promise<void> {
    const status = async (host: string, port: number, path: string, user: string, secrets: Secrets, name: string) =>
        (await ask(host, port, path, { auth: `${user}:${secrets[name] ?? ""}` })).status;
    const places = [
        ...QUORUM.map((host) => [host, 5050, "/flags", "operator", "principal-operator"] as const),
        ...AGENTS.map((host) => [host, 5051, "/flags", "operator", "principal-operator"] as const),
        ...QUORUM.map((host) => [host, 5050, "/metrics/snapshot", "monitor", "principal-monitor"] as const),
        ...AGENTS.map((host) => [host, 5051, "/metrics/snapshot", "monitor", "principal-monitor"] as const),
        ...SERVERS.map((host) => [host, MARATHON_PORT, "/v2/info", "marathon", "marathon-http"] as const),
    ];
    for (const [host, port, path, user, name] of places) {
        const both = [former, present].map((secrets) => status(host, port, path, user, secrets, name));
        expect([host, port, name, ...(await Promise.all(both))]).toEqual([host, port, name, 401, 200]);
    }
    const leader = (await leadingMaster()) ?? "";
    for (const principal of ["marathon", "tester"]) {
        const call = { type: "SUBSCRIBE", subscribe: { framework_info: { user: "root", name: "x", principal } } };
        const auth = `${principal}:${former[`principal-${principal}`] ?? ""}`;
        const answer = await ask(leader, 5050, "/api/v1/scheduler", { method: "POST", auth, body: call });
        expect([principal, answer.status]).toEqual([principal, 401]);
    }
    for (const path of PARTS) {
        const session = await openSession();
        try {
            const old = digestOf(former, path);
            await session.authenticate(old.user, old.password);
            await expect(session.create(`${path}/intruder`)).rejects.toMatchObject({ code: CODE.noAuth });
            const now = digestOf(present, path);
            await session.authenticate(now.user, now.password);
            const found = new Set(await owners(session, path));
            expect([path, ...found]).toEqual([path, digestId(now)]);
        } finally {
            await session.close();
        }
    }
}

/** Running tasks, as soon as Marathon knows all of them again. */
async function expectTasks(wanted: readonly string[]): Promise<void> {
    let last: readonly string[] = [];
    await eventually(
        "Marathon knows its tasks",
        async () => {
            last = await runningTasks();
            return last.length === wanted.length ? true : undefined;
        },
        { timeoutSec: 60 },
        () => `(${last.join(", ")})`,
    );
    expect(last).toEqual(wanted);
}

/** By the leading master's word. */
async function activeAgents(secrets: Secrets): Promise<number> {
    const leader = await eventually("a master leads", leadingMaster);
    const auth = `operator:${secrets["principal-operator"] ?? ""}`;
    const { status, body } = await ask(leader, 5050, "/metrics/snapshot", { auth });
    expect(status).toBe(200);
    return (JSON.parse(body) as Record<string, number>)["master/slaves_active"] ?? NaN;
}

/** Everything that Prometheus looks at answers it. */
async function expectWatched(): Promise<void> {
    let last = "";
    await eventually(
        "Prometheus reaches everything",
        async () => {
            const url = `http://${addressOf(METRONOME_HOST)}:${PROMETHEUS_PORT}/api/v1/query?query=up or probe_success`;
            last = await fetch(url, { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text());
            const { data } = JSON.parse(last) as { data: { result: { value: [number, string] }[] } };
            const isAll = data.result.every(({ value: [, value] }) => value === "1");
            return data.result.length > 10 && isAll ? true : undefined;
        },
        { timeoutSec: 60, everyMs: 1000 },
        () => last,
    );
}

const changedFrom = (before: Secrets, now: Secrets): string[] =>
    Object.keys(now)
        .filter((name) => now[name] !== before[name])
        .sort();

test("all at once, under load: no task starts again, no quorum is lost, the former secrets open nothing", async () => {
    declareSite(undefined);
    await up();
    await marathonPassword();
    await eventually("the load balancers serve", async () => {
        const requests = load(targets, PER_SECOND);
        await new Promise((resolve) => setTimeout(resolve, 500));
        return Object.keys((await requests.stop()).failed).length === 0 ? true : undefined;
    });
    const former = await allSecrets();
    const [ids, tasks, lives] = [await agentIds(), await runningTasks(), await invocations()];
    expect(tasks).toHaveLength(4);

    declareSite(2);
    const foretold = await preview();
    expect(foretold).toContain("principal-agent: made anew; when the leading master changes, agents are refused until");
    expect(foretold).toMatch(
        /restarts mesos-agent\.service in place, with all of its pool at once, tasks keep running/,
    );
    expect(foretold).toMatch(/restarts mesos-master\.service .*; turn 3 of 3, the leader/);
    expect(await invocations()).toEqual(lives);

    let told = "";
    const histories: History[] = [];
    const outcome = await underLoad(async () => {
        histories.push(await History.during(async () => (told = await up("--diff"))));
    });
    forgetOutputs();
    await marathonPassword();
    const [history] = histories as [History];

    expect(outcome.failed).toEqual({});
    expect(outcome.answers).toEqual({ here: outcome.requests });
    await expectTasks(tasks);
    await expectRolled(history, "mesos-master");
    expect(history.fewestServing("zookeeper")).toBe(QUORUM.length);
    await healthy();
    expect(await agentIds()).toEqual(ids);
    tell(`longest without a leading master: ${history.longestWithoutLeader("mesos-master")} ms`);

    const present = await allSecrets();
    expect(changedFrom(former, present)).toEqual(
        Object.keys(former)
            .filter((name) => name !== "executor-key")
            .sort(),
    );
    expect(secretsIn(`${foretold}${told}`, former)).toEqual([]);
    expect(secretsIn(`${foretold}${told}`, present)).toEqual([]);
    const { text } = await exportState();
    expect([...secretsIn(text, former), ...secretsIn(text, present)]).toEqual([]);
    await expectRefused(former, present);
    await expectWatched();
    await up("--expect-no-changes");
    await up("--refresh", "--expect-no-changes");
});

test("what is new starts under the new secrets: another task of the app", async () => {
    const before = await runningTasks();
    declareSite(2, 5);
    await up();
    const now = await runningTasks();
    expect(now).toHaveLength(5);
    expect(now).toEqual(expect.arrayContaining(before));
});

test("killed when masters refuse all agents: tasks run on, and the next up goes on with the same new secrets", async () => {
    const former = await allSecrets();
    const [ids, tasks] = [await agentIds(), await runningTasks()];
    declareSite(3, 5);
    const outcome = await underLoad(async () => {
        const running = startUp();
        await running.says(/turn 3 of 3, the leader/);
        await running.says(/registry recovered[^\n]*, 0 agents active/);
        const [plugin = 0] = processesLike(new RegExp(`${copyDir()}/bin/plugin/plugin\\.js`));
        process.kill(parentOf(plugin) ?? 0, "SIGKILL");
        await running.ended;
        forgetOutputs();
        const half = await allSecrets();
        expect(changedFrom(former, half)).toContain("principal-agent");
        // It was really in the middle: the masters refuse agents.
        expect(await activeAgents(half)).toBeLessThan(AGENTS.length);
        await up();
        expect(changedFrom(half, await allSecrets())).toEqual([]);
    });
    forgetOutputs();
    await marathonPassword();
    expect(outcome.failed).toEqual({});
    await healthy();
    await expectTasks(tasks);
    expect(await agentIds()).toEqual(ids);
    await expectRefused(former, await allSecrets());
    await up("--refresh", "--expect-no-changes");
});
