/** What stands after the first `pulumi up`, and that a second one has nothing to do. */
import { agents, ask, leaderBy } from "./support/endpoints";
import { invocations, QUORUM } from "./support/hosts";
import { AGENTS, health, onTheLab } from "./support/site";
import { exportState, pulumi, up } from "./support/stack";

onTheLab();

describe("after the first up", () => {
    test("three ZooKeeper servers serve: one leads, two follow", async () => {
        const { zookeeper } = await health();
        expect(Object.values(zookeeper).sort()).toEqual(["follower", "follower", "leader"]);
    });

    test("three masters answer and agree on one leader among them", async () => {
        const views = await Promise.all(QUORUM.map((host) => leaderBy(host)));
        expect(views.map(({ answers }) => answers)).toEqual([true, true, true]);
        expect(new Set(views.map(({ leader }) => leader)).size).toBe(1);
        expect(QUORUM).toContain(views[0]?.leader);
    });

    test("three agents are active, in two pools with different attributes", async () => {
        const list = (await agents()) ?? [];
        expect(
            list
                .filter(({ active }) => active)
                .map(({ hostname }) => hostname)
                .sort(),
        ).toEqual([...AGENTS]);
        const racks = Object.fromEntries(list.map(({ hostname, attributes }) => [hostname, attributes]));
        expect(racks).toEqual({
            bm4: { rack: "r1", type: "build" },
            bm5: { rack: "r1", type: "build" },
            bm6: { rack: "r2", type: "relval" },
        });
    });

    test("every server says which version it is", async () => {
        const answers = await Promise.all(QUORUM.map((host) => ask(host, 5050, "/version")));
        expect(answers.map(({ body }) => (JSON.parse(body) as { version: string }).version)).toEqual(
            QUORUM.map(() => "1.11.0"),
        );
    });
});

describe("a second up", () => {
    test("changes nothing, with and without a look at the hosts, and restarts nothing", async () => {
        const before = await invocations();
        await up("--expect-no-changes");
        await up("--expect-no-changes", "--refresh");
        const { code, text } = await pulumi(["refresh", "--yes", "--non-interactive", "--expect-no-changes"]);
        expect([code, text]).toEqual([0, expect.any(String)]);
        expect(await invocations()).toEqual(before);
        expect((await exportState()).pending).toEqual([]);
    });
});
