/** From one server to three, the way docs/how-it-works.md describes it, with data, agents and a running task kept. */
import { agentIds, openSession } from "./support/endpoints";
import { DIARY, diary, Framework, longestPause } from "./support/framework";
import { on } from "./support/hosts";
import { AGENTS, healthy, onTheLab } from "./support/site";
import { declare, destroy, failingUp, markChanged, outputs, type Site, up } from "./support/stack";
import { eventually } from "./support/steps";

let grown = false;
// What a failed test has left halfway cannot become the lab's site in one step, so it ends first.
afterEach(async () => {
    if (!grown) {
        await destroy();
    }
}, 1_200_000);
onTheLab();

/** The lab's site with so many servers. */
function declareSize(zookeeper: number, masters: number, more: Partial<Site> = {}): void {
    declare((site) => {
        const members = [1, 2, 3].slice(0, zookeeper).map((id) => [`bm${id}`, id]);
        site.zookeeper = {
            ...site.zookeeper,
            members: Object.fromEntries(members) as Record<string, number>,
            allowEven: zookeeper % 2 === 0,
        };
        site.masters.members = [1, 2, 3].slice(0, masters).map((id) => `bm${id}`);
        Object.assign(site, more);
    });
}

async function note(server: string, text?: string): Promise<string> {
    const session = await openSession([server]);
    try {
        if (text !== undefined) {
            await session.create("/note", text);
        }
        return (await session.data("/note")).toString();
    } finally {
        await session.close();
    }
}

test("a site of one server grows to three: ZooKeeper member by member, the masters once that is confirmed", async () => {
    await destroy();
    markChanged();
    declareSize(1, 1);
    await up();
    await healthy(AGENTS, { quorum: ["bm1"] });
    const ids = await agentIds();
    await note("bm1", "kept");
    const framework = await Framework.subscribe();
    await framework.launch("lasting", "bm4", DIARY);

    // Two newcomers could outvote the one member that holds the data.
    declareSize(3, 1);
    expect(await failingUp()).toMatch(/bm2, bm3, which are empty, could outvote the members that hold the data/);
    declareSize(2, 1);
    await up();
    expect(await note("bm2")).toBe("kept");
    declareSize(3, 1);
    await up();
    expect(await note("bm3")).toBe("kept");
    await eventually("the agents are back", async () =>
        Object.keys(await agentIds()).length === AGENTS.length ? true : undefined,
    );
    expect(await agentIds()).toEqual(ids);
    expect(framework.stateOf("lasting")).toBe("TASK_RUNNING");

    declareSize(3, 3);
    expect(await failingUp()).toMatch(/a single master's replicated log cannot grow/);
    declareSize(3, 3, { confirm: "lab" });
    await up();
    await healthy();
    expect(await agentIds()).toEqual(ids);
    expect((await on("bm1", "ls -d /var/lib/mesos/master/replicated_log.before-*")).trim()).not.toBe("");
    expect((await diary("bm4", "lasting", "starts")).trim().split("\n")).toHaveLength(1);
    expect(await diary("bm4", "lasting", "ended")).toBe("");
    expect(longestPause(await diary("bm4", "lasting", "beats"))).toBeLessThan(3000);
    await framework.teardown();
    const { operator } = await outputs();
    expect(operator.principal).not.toBe("");

    // The word is taken out again, and nothing is left to do.
    declare();
    await up();
    await up("--refresh", "--expect-no-changes");
    grown = true;
}, 1_200_000);
