/** Work goes on: tasks outlive changes of masters and agents, and end in order where they have to. */
import { agentIds, agents, leadingMaster, operatorAuth } from "./support/endpoints";
import { DIARY, diary, Framework, longestPause } from "./support/framework";
import { invocations, on } from "./support/hosts";
import { healthy, onTheLab } from "./support/site";
import { declare, markChanged, preview, up } from "./support/stack";
import { eventually } from "./support/steps";

let framework: Framework;

beforeAll(async () => {
    await healthy();
    framework = await Framework.subscribe();
});
afterAll(() => framework.teardown());
onTheLab();

async function expectUninterrupted(task: string, host: string): Promise<void> {
    expect((await diary(host, task, "starts")).trim().split("\n")).toHaveLength(1);
    expect(await diary(host, task, "ended")).toBe("");
    expect(longestPause(await diary(host, task, "beats"))).toBeLessThan(3000);
    await eventually("the leading master counts the task as running", async () =>
        (await framework.runsByMaster(task, await operatorAuth())) ? true : undefined,
    );
}

test("a checkpointed task keeps running through a change of the leading master and a restart of its agent", async () => {
    const ids = await agentIds();
    await framework.launch("lasting", "bm4", DIARY);
    const old = await leadingMaster();
    markChanged();
    await on(old ?? "", "systemctl stop mesos-master");
    await eventually("another master leads", async () => {
        const now = await leadingMaster();
        return now !== undefined && now !== old ? now : undefined;
    });
    await on(old ?? "", "systemctl start mesos-master");
    await healthy();
    await on("bm4", "systemctl restart mesos-agent");
    await healthy();
    expect(await agentIds()).toEqual(ids);
    await eventually("the framework is at the new leader", () => framework.masters.length > 1 || undefined);
    await expectUninterrupted("lasting", "bm4");
});

test("an additive change of a pool keeps agent ids and running tasks", async () => {
    const ids = await agentIds();
    const lives = await invocations();
    await framework.launch("additive", "bm5", DIARY);
    declare((site) => {
        const pool = site.pools["build"];
        if (pool !== undefined) {
            pool.attributes["os"] = "el9";
            pool.resources["diskMiB"] = 2048;
        }
    });
    expect(await preview()).toMatch(/bm5: restarts mesos-agent\.service in place, tasks keep running/);
    await up();
    await healthy();
    expect(await agentIds()).toEqual(ids);
    const now = await invocations();
    expect(Object.keys(now).filter((unit) => now[unit] !== lives[unit])).toEqual([
        "bm4/mesos-agent",
        "bm5/mesos-agent",
    ]);
    const list = (await agents()) ?? [];
    expect(list.find(({ hostname }) => hostname === "bm5")?.attributes).toEqual({
        rack: "r1",
        type: "build",
        os: "el9",
    });
    await expectUninterrupted("additive", "bm5");
});

test("any other change drains the agent: its task ends in order, and one new agent takes its place", async () => {
    const ids = await agentIds();
    await framework.launch("drained", "bm6", DIARY);
    declare((site) => {
        const pool = site.pools["relval"];
        if (pool !== undefined) {
            pool.attributes["rack"] = "r9";
        }
    });
    expect(await preview()).toMatch(/bm6: drains, then restarts as a new agent: .*rack/);
    await up();
    await healthy();
    expect(framework.states.get("drained")?.filter((state) => state !== "TASK_STARTING")).toEqual([
        "TASK_RUNNING",
        "TASK_KILLING",
        "TASK_KILLED",
    ]);
    expect(await diary("bm6", "drained", "ended")).not.toBe("");
    const now = await agentIds();
    expect(now["bm6"]).not.toBe(ids["bm6"]);
    expect({ ...now, bm6: "" }).toEqual({ ...ids, bm6: "" });
    const here = ((await agents()) ?? []).filter(({ hostname, active }) => hostname === "bm6" && active);
    expect(here.map(({ attributes }) => attributes["rack"])).toEqual(["r9"]);
});
