/** A pool grows by a host and shrinks again: the newcomer is taken in, later emptied in order and released. */
import { agentIds, agents, ask, leadingMaster, operatorAuth } from "./support/endpoints";
import { DIARY, diary, Framework } from "./support/framework";
import { addressOf, invocations, lab, on, tryOn } from "./support/hosts";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { declare, preview, up } from "./support/stack";

onTheLab();

const GUEST = "bm7";

test("a pool goes from two hosts to three and back; the leaving one is drained, the others notice nothing", async () => {
    const ids = await agentIds();
    const lives = await invocations();
    await lab("add", GUEST);
    declare((site) => {
        site.hosts[GUEST] = { kind: "bareMetal", address: addressOf(GUEST), zone: "zone-a" };
        site.pools["build"]?.hosts.push(GUEST);
    });
    await up();
    await healthy([...AGENTS, GUEST]);
    const grown = await agentIds();
    expect(Object.keys(grown).sort()).toEqual([...AGENTS, GUEST]);
    expect(grown).toMatchObject(ids);
    const guest = ((await agents()) ?? []).find(({ hostname }) => hostname === GUEST);
    expect(guest?.attributes).toEqual({ rack: "r1", type: "build" });
    expect(await invocations()).toEqual(lives);

    const framework = await Framework.subscribe();
    try {
        await framework.launch("guest", GUEST, DIARY);
        declare();
        expect(await preview()).toMatch(/^\s*- mesos:index:HostConfig: \(delete\)[^+~]*agent-bm7/m);
        expect(framework.stateOf("guest")).toBe("TASK_RUNNING");
        const told = await up();
        expect(told).toMatch(/bm7: drains \(tasks have up to 30 s to end\)/);
        expect(told).toContain(`bm7: agent ${grown[GUEST] ?? ""} is marked gone`);
        await framework.reaches("guest", "TASK_KILLED", 10);
        expect(framework.states.get("guest")?.filter((state) => state !== "TASK_STARTING")).toEqual([
            "TASK_RUNNING",
            "TASK_KILLING",
            "TASK_KILLED",
        ]);
        expect(await diary(GUEST, "guest", "ended")).not.toBe("");
    } finally {
        await framework.teardown();
    }

    expect((await tryOn(GUEST, "systemctl cat mesos-agent.service")).code).not.toBe(0);
    expect((await tryOn(GUEST, "pgrep -x mesos-agent")).stdout).toBe("");
    expect((await tryOn(GUEST, "ls -A /etc/mesos")).stdout).toBe("");
    // Released, not wiped.
    expect(await on(GUEST, "ls /var/lib/mesos/agent")).toContain("meta");

    await healthy();
    expect(await agentIds()).toEqual(ids);
    expect(((await agents()) ?? []).map(({ hostname }) => hostname).sort()).toEqual([...AGENTS]);
    const leader = (await leadingMaster()) ?? "";
    const { body } = await ask(leader, 5050, "/metrics/snapshot", { auth: await operatorAuth() });
    // Gone for good: the masters do not wait for it.
    expect(JSON.parse(body)).toMatchObject({ "master/slaves_unreachable": 0, "master/slaves_active": AGENTS.length });
    expect(await invocations()).toEqual(lives);
    await up("--refresh", "--expect-no-changes");
    await lab("remove", GUEST);
});

test("an agent that is declared drained ends its tasks, takes none, and comes back with its id", async () => {
    const ids = await agentIds();
    const lives = await invocations();
    const framework = await Framework.subscribe();
    try {
        await framework.launch("moved", "bm6", DIARY);
        declare((site) => {
            Object.assign(site.pools["relval"] ?? {}, { state: "drained" });
        });
        expect(await preview()).toContain("bm6: drains: its tasks have up to 30 s to end, and no new ones come");
        await up();
        await framework.reaches("moved", "TASK_KILLED", 10);
    } finally {
        await framework.teardown();
    }
    expect(((await agents()) ?? []).find(({ hostname }) => hostname === "bm6")).toMatchObject({ active: false });
    await up("--refresh", "--expect-no-changes");

    declare();
    expect(await preview()).toContain("bm6: takes tasks again (it is drained)");
    await up();
    await healthy();
    expect(await agentIds()).toEqual(ids);
    expect(await invocations()).toEqual(lives);
});
