/** What the site survives by itself, without any `pulumi up`. */
import { agentIds, leaderBy, leadingMaster, zookeeperMode } from "./support/endpoints";
import { invocation, lab, on, powerOn, QUORUM } from "./support/hosts";
import { Reader } from "./support/history";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { markChanged, up } from "./support/stack";
import { eventually } from "./support/steps";

onTheLab();

test("the host of the ZooKeeper leader loses its power: the others go on, and it comes back by itself", async () => {
    const before = await healthy();
    const ids = await agentIds();
    const victim = QUORUM.find((host) => before.zookeeper[host] === "leader") ?? "";
    const others = QUORUM.filter((host) => host !== victim);
    const readings = await Reader.during(async () => {
        markChanged();
        await lab("power-cut", victim);
        await eventually("the others have a ZooKeeper leader", async () => {
            const modes = await Promise.all(others.map(zookeeperMode));
            return modes.includes("leader") && modes.includes("follower") ? true : undefined;
        });
        const leader = await eventually(
            "the others agree on a leading master",
            async () => {
                const views = await Promise.all(others.map((host) => leaderBy(host)));
                const [first] = views;
                const same = views.every((view) => view.leader === first?.leader);
                return same && first?.leader !== victim ? first?.leader : undefined;
            },
            { timeoutSec: 60 },
        );
        expect(others).toContain(leader);
        await eventually("all agents are active at it", async () => {
            const now = await agentIds();
            return AGENTS.every((host) => now[host] !== undefined) ? true : undefined;
        });
        expect(await agentIds()).toEqual(ids);
        await powerOn(victim);
        await healthy();
        expect(await agentIds()).toEqual(ids);
    });
    expect([readings.session.expired, readings.errors]).toEqual([false, []]);
    // A power cut is no drift: what was configured is still there.
    await up("--refresh", "--expect-no-changes");
});

test("the leading master is killed: another one leads, and systemd brings it back as a follower", async () => {
    const { leader: old = "" } = await healthy();
    const ids = await agentIds();
    const life = await invocation(old, "mesos-master");
    await on(old, "systemctl kill --kill-whom=main -s KILL mesos-master");
    const next = await eventually("another master leads", async () => {
        const now = await leadingMaster();
        return now !== undefined && now !== old ? now : undefined;
    });
    const now = await healthy();
    expect(now.leader).toBe(next);
    expect(await invocation(old, "mesos-master")).not.toBe(life);
    expect(await agentIds()).toEqual(ids);
});
