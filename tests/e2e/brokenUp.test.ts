/** An `up` that is cut off in the middle, by the loss of a host or of the engine itself, is simply run again. */
import { readdirSync } from "node:fs";
import { agentIds, agents, leaderBy, zookeeperMode } from "./support/endpoints";
import { HOSTS, lab, on, powerOn, QUORUM, tryOn } from "./support/hosts";
import { copyDir } from "./support/places";
import { parentOf, processesLike } from "./support/processes";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { declare, exportState, startUp, up } from "./support/stack";
import { eventually, tell } from "./support/steps";

onTheLab();

const leftovers = (): string[] => readdirSync("/dev/shm").filter((name) => name.startsWith("pulumi-mesos-plugin-"));

test("a host that loses its power during up is named with the step; the next up goes on from there", async () => {
    await healthy();
    const ids = await agentIds();
    declare((site) => {
        const pool = site.pools["build"];
        if (pool !== undefined) {
            pool["gcDelayHours"] = 99;
        }
    });
    const running = startUp();
    await running.says(/bm4: turn 1 of 2/);
    await lab("power-cut", "bm4");
    const { code, text } = await running.ended;
    expect(code).not.toBe(0);
    expect(text).toMatch(/bm4: (preflight|files, then units|health|last look): .*\n\s*fix: /);
    expect(text).toMatch(/bm5: not changed: the rollout of pool\/build stopped at bm4 \(/);
    expect(text).not.toMatch(/^\s+at .*\.js:\d+/m);
    // The other host of the pool was left as it was.
    expect((await tryOn("bm5", "grep -c 99hrs /etc/mesos/agent.env")).stdout.trim()).toBe("0");

    await powerOn("bm4");
    await up("--refresh");
    await healthy();
    expect(await agentIds()).toEqual(ids);
    for (const host of ["bm4", "bm5"]) {
        expect(await on(host, "cat /etc/mesos/agent.env")).toMatch(/GC_DELAY=.*(99hrs|356400secs|5940mins)/);
    }
    await up("--expect-no-changes");
});

test("the engine is killed during a rolling change: all stops with it, and the next up finishes the work", async () => {
    await healthy();
    const ids = await agentIds();
    declare((site) => {
        site.masters["maxCompletedFrameworks"] = 44;
    });
    const running = startUp();
    await running.says(/turn 2 of 3/);
    const plugin = processesLike(new RegExp(`${copyDir()}/bin/plugin/plugin\\.js`));
    expect(plugin).toHaveLength(1);
    const engine = parentOf(plugin[0] ?? 0) ?? 0;
    const scratch = `pulumi-mesos-plugin-${plugin[0] ?? 0}-`;
    expect(leftovers().filter((name) => name.startsWith(scratch))).toHaveLength(1);
    const began = Date.now();
    process.kill(engine, "SIGKILL");
    await eventually(
        "plugin and Ansible have stopped",
        () => {
            const left = [
                ...processesLike(new RegExp(`${copyDir()}/bin/plugin`)),
                ...processesLike(new RegExp(`ansible-playbook.*${scratch}`)),
            ];
            return left.length === 0 ? true : undefined;
        },
        { timeoutSec: 10 },
    );
    tell(`plugin and Ansible stopped within ${Date.now() - began} ms`);
    await running.ended;
    const done = await Promise.all(
        QUORUM.map((host) => tryOn(host, "grep -c '_FRAMEWORKS=.*44' /etc/mesos/master.env")),
    );
    // It was really in the middle.
    expect(done.map(({ stdout }) => stdout.trim())).toContain("0");
    // A quorum stands all the same.
    const views = await Promise.all(QUORUM.map((host) => leaderBy(host)));
    expect(views.filter(({ leader }) => leader !== undefined).length).toBeGreaterThanOrEqual(2);

    await up();
    const { zookeeper } = await healthy();
    expect(Object.values(zookeeper).sort()).toEqual(["follower", "follower", "leader"]);
    expect(await agentIds()).toEqual(ids);
    const registered = (await agents()) ?? [];
    expect(registered.map(({ hostname }) => hostname).sort()).toEqual([...AGENTS]);
    const members = await Promise.all(
        QUORUM.map(async (host) => [
            (await on(host, "cat /var/lib/zookeeper/myid")).trim(),
            (await on(host, "grep -c ^server /etc/zookeeper/conf/zoo.cfg")).trim(),
            (await on(host, "grep -c '_FRAMEWORKS=.*44' /etc/mesos/master.env")).trim(),
        ]),
    );
    expect(members).toEqual([
        ["1", "3", "1"],
        ["2", "3", "1"],
        ["3", "3", "1"],
    ]);
    const { resources, pending } = await exportState();
    expect(pending).toEqual([]);
    const configs = resources
        .filter(({ type }) => type === "mesos:index:HostConfig")
        .map(({ urn }) => urn.split("::").pop());
    expect(configs.sort()).toEqual(
        HOSTS.flatMap((host) =>
            ((QUORUM as readonly string[]).includes(host) ? ["master", "zookeeper"] : ["agent"]).map(
                (kind) => `${kind}-${host}`,
            ),
        ).sort(),
    );
    await up("--expect-no-changes", "--refresh");
    expect(leftovers().filter((name) => name.startsWith(scratch))).toEqual([]);
    expect(await Promise.all(QUORUM.map(zookeeperMode))).not.toContain(undefined);
});
