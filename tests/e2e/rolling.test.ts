/** A changed flag reaches every member of a quorum, one after the other, and nobody who uses the quorum notices. */
import { ask, operatorAuth } from "./support/endpoints";
import { invocations, on, QUORUM } from "./support/hosts";
import { History, Reader } from "./support/history";
import { expectRolled } from "./support/rolled";
import { agentIds } from "./support/endpoints";
import { healthy, onTheLab } from "./support/site";
import { declare, preview, up } from "./support/stack";

onTheLab();

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

    const histories: History[] = [];
    const readings = await Reader.during(async () => histories.push(await History.during(() => up())));
    const [history] = histories as [History];

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
