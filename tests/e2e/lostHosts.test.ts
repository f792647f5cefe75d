/** Hosts that are lost while the site works: a whole zone that comes back, and machines that are installed anew. */
import { agentIds, agents } from "./support/endpoints";
import { AGENTS, HOSTS, lab, on, powerOn, QUORUM } from "./support/hosts";
import { History, Reader } from "./support/history";
import { healthy, restore } from "./support/site";
import { declare, failingUp, forgetOutputs, markChanged, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import { appNow, declareServices, marathonPassword, removeDefinitions, write } from "./support/work";

const [M1, M2, M3] = QUORUM;
const [A1, A2, A3] = AGENTS;
/** A server and an agent: a third of everything. Marathon's other server and Metronome stay. */
const ZONE = [M2, A2];
const INSTANCES = 3;

const server = (cpus: number) => ({
    id: "/e2e/lasting",
    cmd: "exec python3 -m http.server $PORT0",
    cpus,
    mem: 64,
    instances: INSTANCES,
    user: "nobody",
    portDefinitions: [{ port: 0 }],
    healthChecks: [
        { protocol: "HTTP", path: "/", gracePeriodSeconds: 5, intervalSeconds: 2, maxConsecutiveFailures: 0 },
    ],
    unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
});

/** Lost agents are noticed within seconds, not within the 75 that a real site gives a cable. */
function declareImpatient(): void {
    declareServices({ timeoutSec: 180 }, (site) => {
        Object.assign(site.masters, { agentPingTimeoutSec: 4, maxAgentPingTimeouts: 3 });
    });
}

const fullCount = (): Promise<true> =>
    eventually(
        "as many healthy instances run as are declared",
        async () => {
            const { tasksHealthy, tasksRunning } = await appNow("e2e/lasting");
            return tasksHealthy === INSTANCES && tasksRunning === INSTANCES ? true : undefined;
        },
        { timeoutSec: 120 },
    );

beforeAll(async () => {
    await restore();
    write("apps", "lasting", server(0.1));
    write("jobs", "tick", { id: "e2e-tick", run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" } });
    declareImpatient();
    await up();
    await marathonPassword();
    await fullCount();
});
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    removeDefinitions();
    declare();
    await restore();
});

test("a zone is lost: the others serve at full count, what is not in it can be changed, and it comes back by itself", async () => {
    const ids = await agentIds();
    const history = await History.during(async () => {
        markChanged();
        await Promise.all(ZONE.map((host) => lab("power-cut", host)));
        await eventually(
            "its agent counts as lost",
            async () => {
                const active = ((await agents()) ?? []).filter((agent) => agent.active);
                return active.length === AGENTS.length - 1 ? true : undefined;
            },
            { timeoutSec: 120 },
        );
        await fullCount();

        // Who looks is told what is out of reach, and nothing else is touched.
        const refused = await failingUp("--refresh");
        for (const host of ZONE) expect(refused).toMatch(new RegExp(`${host}: look: cannot reach`));
        // What is not in the zone can be changed without a look.
        write("apps", "lasting", server(0.11));
        await up();
        await fullCount();

        await Promise.all(ZONE.map(powerOn));
        await healthy();
    });
    // A host in zone-b led at most one of the two, so at most one election each.
    expect(history.fewestServing("zookeeper")).toBeGreaterThanOrEqual(2);
    expect(history.fewestServing("mesos-master")).toBeGreaterThanOrEqual(2);
    expect(Object.keys(await agentIds()).sort()).toEqual([A1, A2, A3]);
    // An agent that was declared lost comes back under its old id.
    expect(await agentIds()).toEqual(ids);
    await fullCount();
    await up("--refresh", "--expect-no-changes");
});

test("a server and an agent are installed anew: one up makes them what they were, and the others notice nothing", async () => {
    const ids = await agentIds();
    const readings = await Reader.during(async () => {
        markChanged();
        forgetOutputs();
        for (const host of ZONE) await lab("remove", host);
        await lab("up", String(HOSTS.length));
        for (const host of ZONE) expect((await on(host, "ls /etc/mesos 2>/dev/null; true")).trim()).toBe("");
        const told = await up("--refresh");
        expect(told).toMatch(new RegExp(`${M2}: (stands by|leads)`));
        await healthy();
    });
    expect([readings.session.expired, readings.errors]).toEqual([false, []]);
    // The server that came with an empty disk has its number and the ensemble's data.
    expect((await on(M2, "cat /var/lib/zookeeper/myid")).trim()).toBe("2");
    const now = await agentIds();
    expect([now[A1], now[A3]]).toEqual([ids[A1], ids[A3]]);
    // What was on the old disk is gone, and so is the agent that it was.
    expect(now[A2]).not.toBe(ids[A2]);
    await fullCount();
    await up("--refresh", "--expect-no-changes");
    for (const host of [M1, M3]) expect((await on(host, "systemctl is-active mesos-master")).trim()).toBe("active");
});
