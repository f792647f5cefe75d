/** A changed flag reaches every member of a quorum, one after the other, and nobody who uses the quorum notices. */
import { ask, operatorAuth } from "./support/endpoints";
import { invocations, on, QUORUM } from "./support/hosts";
import { History, lastRestart, Reader, type Tier } from "./support/history";
import { agentIds } from "./support/endpoints";
import { healthy, onTheLab } from "./support/site";
import { declare, preview, up } from "./support/stack";

onTheLab();

/** In the lab's stack file zkSessionTimeoutSec is left at its default. */
const SESSION_MS = 10_000;

/** How the members of a tier were restarted, from systemd's timestamps and the polled history. */
async function expectRolled(history: History, tier: Tier): Promise<void> {
    const restarts = (await Promise.all(QUORUM.map((host) => lastRestart(host, tier)))).sort((a, b) => a.down - b.down);
    for (const [index, { host, down, up: started }] of restarts.entries()) {
        expect(started).toBeGreaterThan(down);
        const { roles } = history.before(tier, down);
        // Everybody served before this one went down: never two at once, always a quorum.
        expect([host, Object.values(roles).filter(Boolean).length]).toEqual([host, QUORUM.length]);
        // Who leads at that moment goes only when the others are done.
        expect([host, roles[host]]).toEqual([host, index === restarts.length - 1 ? "leader" : "follower"]);
        const next = restarts[index + 1];
        if (next !== undefined) {
            expect(history.servedAgain(tier, host, started)).toBeLessThan(next.down);
        }
    }
    const leader = restarts[restarts.length - 1];
    expect(history.fewestServing(tier, leader?.down)).toBeGreaterThanOrEqual(QUORUM.length - 1);
    // Only while the others elect a new one is there none.
    expect(history.longestWithoutLeader(tier)).toBeLessThan(SESSION_MS + 5000);
}

test("a changed ZooKeeper and master flag rolls: followers first, the leader last, never two at once", async () => {
    const before = await healthy();
    const ids = await agentIds();
    const lives = await invocations();
    declare((site) => {
        site.zookeeper["maxClientConnections"] = 77;
        site.masters["maxCompletedFrameworks"] = 33;
    });

    const foretold = await preview();
    expect(foretold).toMatch(/^\s*-.*maxClientCnxns=60/m);
    expect(foretold).toMatch(/^\s*\+.*maxClientCnxns=77/m);
    expect(foretold).toMatch(/^\s*\+.*MESOS_MAX_COMPLETED_FRAMEWORKS=\W*33/m);
    const zookeeperLeader = QUORUM.find((host) => before.zookeeper[host] === "leader") ?? "";
    for (const [unit, leader] of [
        ["zookeeper", zookeeperLeader],
        ["mesos-master", before.leader ?? ""],
    ] as const) {
        expect(foretold).toMatch(new RegExp(`${leader}: restarts ${unit}.service.*turn 3 of 3, the leader`));
        expect(foretold.match(new RegExp(`restarts ${unit}.service.*turn [12] of 3, a follower`, "g"))).toHaveLength(2);
    }
    // A preview touches nothing.
    expect(await invocations()).toEqual(lives);

    const history = new History();
    const reader = await Reader.start();
    await up();
    const readings = await reader.stop();
    await history.stop();

    await expectRolled(history, "zookeeper");
    await expectRolled(history, "mesos-master");
    expect(readings.errors).toEqual([]);
    expect(readings.count).toBeGreaterThan(100);
    expect(readings.longestMs).toBeLessThan(readings.session.timeoutMs);
    expect(readings.session.expired).toBe(false);
    // It has really been moved from server to server.
    expect(readings.session.attached.length).toBeGreaterThan(1);

    for (const host of QUORUM) {
        expect(await on(host, "cat /etc/zookeeper/conf/zoo.cfg")).toContain("maxClientCnxns=77");
        const { body } = await ask(host, 5050, "/flags", { auth: await operatorAuth() });
        expect((JSON.parse(body) as { flags: Record<string, string> }).flags["max_completed_frameworks"]).toBe("33");
    }
    // Agents were not part of it.
    const now = await invocations();
    expect(
        Object.entries(now)
            .filter(([unit, life]) => lives[unit] === life)
            .map(([unit]) => unit),
    ).toEqual(["bm4/mesos-agent", "bm5/mesos-agent", "bm6/mesos-agent"]);
    await healthy();
    expect(await agentIds()).toEqual(ids);
});
