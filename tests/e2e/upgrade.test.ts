/** Another release of Mesos on a running site, and back: nobody who uses it notices. */
import { agentIds, ask, leadingMaster } from "./support/endpoints";
import { DIARY, diary, Framework, longestPause } from "./support/framework";
import { History } from "./support/history";
import { AGENTS, invocations, on, QUORUM } from "./support/hosts";
import { expectRolled } from "./support/rolled";
import { healthy, onTheLab } from "./support/site";
import { declare, failingUp, preview, type Site, up } from "./support/stack";

onTheLab();

/** Longest time that a task may stand still: it has nothing to do with its agent's restart. */
const STILL_MS = 3000;

const pin = (version: string, change: (site: Site) => void = () => undefined): void =>
    void declare((site) => {
        Object.assign(site["distribution"] as object, { version: `${version}-1~lab1` });
        change(site);
    });

/** What masters and agents say themselves. */
async function versions(): Promise<string[]> {
    const ports = [...QUORUM.map((host) => [host, 5050] as const), ...AGENTS.map((host) => [host, 5051] as const)];
    const said = await Promise.all(ports.map(([host, port]) => ask(host, port, "/version")));
    return [...new Set(said.map(({ body }) => (JSON.parse(body) as { version: string }).version))];
}

test("Mesos 1.11.0 to 1.10.0 and back: masters followers first, agents keep ids and tasks, never with another configuration", async () => {
    await healthy();
    const ids = await agentIds();
    const framework = await Framework.subscribe();
    for (const host of AGENTS) await framework.launch(`lasting-${host}`, host, DIARY);
    expect(await versions()).toEqual(["1.11.0"]);

    // What runs is what is declared now: nothing restarts.
    const lives = await invocations();
    pin("1.11.0");
    await up();
    expect(await invocations()).toEqual(lives);

    for (const version of ["1.10.0", "1.11.0"]) {
        pin(version, (site) => (site.masters["maxCompletedFrameworks"] = 33));
        const before = await invocations();
        expect(await failingUp()).toMatch(/another version and another configuration in one run/);
        expect(await invocations()).toEqual(before);

        pin(version);
        const leader = await leadingMaster();
        expect(await preview()).toMatch(
            new RegExp(`${leader ?? ""}: restarts mesos-master.service.*turn 3 of 3, the leader`),
        );
        const history = await History.during(() => up());
        await expectRolled(history, "mesos-master");
        await healthy();
        expect(await versions()).toEqual([version]);
        expect(await agentIds()).toEqual(ids);
        for (const host of AGENTS) {
            expect(framework.stateOf(`lasting-${host}`)).toBe("TASK_RUNNING");
            expect((await diary(host, `lasting-${host}`, "starts")).trim().split("\n")).toHaveLength(1);
            expect(await diary(host, `lasting-${host}`, "ended")).toBe("");
            expect(longestPause(await diary(host, `lasting-${host}`, "beats"))).toBeLessThan(STILL_MS);
            expect((await on(host, "dpkg-query -W -f '${Version}' mesos")).trim()).toBe(`${version}-1~lab1`);
        }
    }
    await framework.teardown();
});
