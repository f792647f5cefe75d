/** From three servers to five and back, as README.md says it: nothing is lost, and five survive what three do not. */
import { agentIds, agents, leaderBy, zookeeperMode } from "./support/endpoints";
import { DIARY, diary, Framework, longestPause } from "./support/framework";
import { addressOf, lab, on, PREFIX, powerOn, QUORUM, tryOn } from "./support/hosts";
import { parentOf, processesLike } from "./support/processes";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { copyDir } from "./support/places";
import { declare, failingUp, startUp, up } from "./support/stack";
import { eventually } from "./support/steps";

onTheLab();

const NEW = [`${PREFIX}7`, `${PREFIX}8`] as const;
const ALL = [...QUORUM, ...NEW];
const [TASK_HOST] = AGENTS;

interface Size {
    readonly zookeeper: number;
    readonly masters: number;
    readonly quorum: number;
}

/** The lab's site with so many of the five servers. */
function declareSize({ zookeeper, masters, quorum }: Size): void {
    declare((site) => {
        NEW.forEach((host, index) => {
            const zone = ["zone-a", "zone-b"][index];
            site.hosts[host] = { kind: "bareMetal", address: addressOf(host), zone };
        });
        site.zookeeper.members = Object.fromEntries(ALL.slice(0, zookeeper).map((host, index) => [host, index + 1]));
        site.zookeeper["allowEven"] = zookeeper % 2 === 0;
        Object.assign(site.masters, { members: ALL.slice(0, masters), quorum });
    });
}

const five = { quorum: ALL };

test("three servers become five, which go on with two lost; then five become three again, a killed run in between", async () => {
    await healthy();
    const ids = await agentIds();
    const framework = await Framework.subscribe();
    await framework.launch("lasting", TASK_HOST, DIARY);
    for (const host of NEW) await lab("add", host);

    // The short way is refused, and the long one told.
    declareSize({ zookeeper: 3, masters: 5, quorum: 3 });
    const refused = await failingUp();
    expect(refused).toMatch(/masters\.quorum: 3 with the present masters; then 5 masters/);
    expect(refused).toMatch(new RegExp(`(${NEW.join("|")}): not changed: the rollout of masters stopped at`));
    for (const host of NEW) expect((await tryOn(host, "systemctl cat mesos-master.service")).code).not.toBe(0);
    declareSize({ zookeeper: 5, masters: 3, quorum: 3 });
    expect(await failingUp()).toMatch(/one member more, or one less, at a time/);
    declareSize({ zookeeper: 4, masters: 3, quorum: 3 });
    await up();
    declareSize({ zookeeper: 5, masters: 3, quorum: 3 });
    await up();
    declareSize({ zookeeper: 5, masters: 5, quorum: 3 });
    await up();
    await healthy(AGENTS, five);
    await up("--refresh", "--expect-no-changes");
    expect(await agentIds()).toEqual(ids);

    const lost = QUORUM.slice(0, 2);
    for (const host of lost) await lab("power-cut", host);
    const rest = ALL.filter((host) => !lost.includes(host));
    await eventually("the other three agree on a leader, and all agents are back", async () => {
        const leaders = new Set((await Promise.all(rest.map((host) => leaderBy(host)))).map(({ leader }) => leader));
        const [leader = ""] = leaders;
        const active = ((await agents()) ?? []).filter((agent) => agent.active);
        return leaders.size === 1 && rest.includes(leader) && active.length === AGENTS.length ? true : undefined;
    });
    expect((await Promise.all(rest.map(zookeeperMode))).filter((mode) => mode === "leader")).toHaveLength(1);
    for (const host of lost) await powerOn(host);
    await healthy(AGENTS, five);
    expect(framework.stateOf("lasting")).toBe("TASK_RUNNING");

    // Back: the engine is killed while the two leave.
    declareSize({ zookeeper: 5, masters: 3, quorum: 3 });
    const running = startUp();
    await running.says(new RegExp(`(${NEW.join("|")}): `));
    const [plugin = 0] = processesLike(new RegExp(`${copyDir()}/bin/plugin/plugin\\.js`));
    process.kill(parentOf(plugin) ?? 0, "SIGKILL");
    await running.ended;
    await up("--refresh");
    declareSize({ zookeeper: 5, masters: 3, quorum: 2 });
    await up();
    // Those that stay would never follow a leader that their new configuration does not name.
    for (const [size, leaving] of [
        [4, NEW[1]],
        [3, NEW[0]],
    ] as const) {
        declareSize({ zookeeper: size, masters: 3, quorum: 2 });
        if ((await zookeeperMode(leaving)) === "leader") {
            expect(await failingUp()).toMatch(new RegExp(`${leaving}, which leaves, leads`));
            await on(leaving, "systemctl restart zookeeper");
            await eventually(`${leaving} follows`, async () =>
                (await zookeeperMode(leaving)) === "follower" ? true : undefined,
            );
        }
        await up();
    }
    await healthy();
    for (const host of NEW) {
        expect((await tryOn(host, "systemctl cat mesos-master.service zookeeper.service")).code).not.toBe(0);
    }
    expect(await agentIds()).toEqual(ids);
    expect(framework.stateOf("lasting")).toBe("TASK_RUNNING");
    expect((await diary(TASK_HOST, "lasting", "starts")).trim().split("\n")).toHaveLength(1);
    expect(longestPause(await diary(TASK_HOST, "lasting", "beats"))).toBeLessThan(3000);
    await framework.teardown();
});
