/**
 * A hybrid site on a real OpenStack: masters and one pool on instances, one pool on registered hosts.
 *
 * The tests go on from each other, as a site's life does: to make it anew for each would take an hour. After each one the lists
 * of what the projects hold are what the state says.
 */
import { eventually, tell } from "../e2e/support/steps";
import { emptyProjects, expectNoOrphans, expectOnlyVolumes, holdings, openstack, serverIds } from "./support/cloud";
import { addressOf, AGENTS, type Health, healthy, on, QUORUM } from "./support/site";
import { type CloudSite, hybrid, slowest } from "./support/stack";

/** The pool on instances with so many hosts. */
function declarePool(count: number, more: (site: CloudSite) => void = () => undefined): void {
    hybrid.declare((site) => {
        const { "vm[1-2]": machines, ...others } = site.hosts;
        const last = 40 + count;
        const range = count === 1 ? "vm1" : `vm[1-${count}]`;
        site.hosts = {
            ...others,
            [range]: { ...machines, address: count === 1 ? "10.77.0.41" : `10.77.0.[41-${last}]` },
        };
        Object.assign(site.pools["virtual"] ?? {}, { hosts: [range] });
        more(site);
    });
}

let first: Health;
let ids: Record<string, string>;

beforeAll(async () => {
    await emptyProjects();
    hybrid.declare();
    await hybrid.init();
});

beforeEach(() => {
    tell(`▸ ${expect.getState().currentTestName ?? ""}`);
});

test("from nothing to a healthy site with one command, and three runs after it change nothing", async () => {
    tell(slowest(await hybrid.up()));
    first = await healthy();
    ids = await serverIds();
    expect(Object.keys(ids).sort()).toEqual(["os1", "os2", "os3", "vm1", "vm2"]);
    await expectNoOrphans(hybrid);
    const zones = (await holdings()).servers.map(({ name, zone }) => `${name} ${zone}`);
    expect(zones.sort()).toEqual(["os1 az1", "os2 az2", "os3 az3", "vm1 az1", "vm2 az2"]);
    expect(await on("os1", "findmnt -no FSTYPE,OPTIONS /data; ls /data")).toMatch(/^ext4 .*\n(.*\n)*zookeeper$/m);

    await hybrid.changesNothing();
    expect(await serverIds()).toEqual(ids);
});

test("what the projects cannot have is refused by preview, and nothing is made", async () => {
    declarePool(25, (site) => {
        site.hosts["big1"] = { ...site.hosts["os[1-3]"], address: "10.77.0.90", zone: "az1", flavor: "m1.smal" };
        site.pools["metal"]?.hosts.push("big1");
    });
    const { code, text } = await hybrid.run("preview", "--non-interactive");
    expect(code).not.toBe(0);
    expect(text).toMatch(/project two: .*instances/);
    expect(text).toMatch(/m1\.smal.*m1\.small/s);
    await expectNoOrphans(hybrid);
    expect(await serverIds()).toEqual(ids);
});

test("Nova's API dies while a host is made: it is said, and the next run goes on without an orphan", async () => {
    declarePool(3);
    const running = hybrid.startUp();
    await running.says(/compute:Instance vm3-instance creating/);
    await openstack("kill", "nova-api");
    const { code, text } = await running.ended;
    expect(code).not.toBe(0);
    expect(text).toMatch(/vm3/);
    await openstack("restart", "nova-api");
    await hybrid.up();
    const now = await healthy([...AGENTS, "vm3"]);
    expect(now.agents).toMatchObject(first.agents);
    await expectNoOrphans(hybrid);
    const { vm3, ...others } = await serverIds();
    expect(vm3).toBeDefined();
    expect(others).toEqual(ids);
});

test("a host that leaves is drained before its machine goes", async () => {
    hybrid.declare();
    const text = await hybrid.up();
    const at = (pattern: RegExp): number => text.search(pattern);
    expect(at(/vm3: agent \S+ is marked gone/)).toBeGreaterThan(-1);
    expect(at(/compute:Instance vm3-instance deleting/)).toBeGreaterThan(at(/vm3: agent \S+ is marked gone/));
    const now = await healthy();
    expect(now.agents).toEqual(first.agents);
    expect(await serverIds()).toEqual(ids);
    await expectNoOrphans(hybrid);
    await hybrid.up("--refresh", "--expect-no-changes");
});

test("a master's machine that is deleted behind our back is made again, it alone, with its name, address and id", async () => {
    const { leader } = await healthy();
    const lost = QUORUM.find((host) => host !== leader) ?? "os1";
    const data = (await holdings()).servers.find(({ name }) => name === lost)?.volumes;
    await openstack("delete", "lab-one", "server", lost);
    await hybrid.up("--refresh");
    const now = await healthy(AGENTS, 180);
    expect(now.agents).toEqual(first.agents);
    const after = await serverIds();
    expect(after[lost]).not.toBe(ids[lost]);
    expect({ ...after, [lost]: "" }).toEqual({ ...ids, [lost]: "" });
    const server = (await holdings()).servers.find(({ name }) => name === lost);
    expect(server?.addresses).toEqual([addressOf(lost)]);
    expect(server?.volumes).toEqual(data);
    expect((await on(lost, "cat /data/zookeeper/myid")).trim()).toBe(lost.slice(2));
    ids = after;
    await expectNoOrphans(hybrid);
    await hybrid.up("--refresh", "--expect-no-changes");
});

test("a new image generation replaces the machines one by one, and the quorum stays", async () => {
    hybrid.declare((site) => {
        site.openstack["images"] = { debian: { name: "debian-12.2", generation: 2 } };
    });
    const shown = await hybrid.preview();
    expect(shown.match(/compute\/instance:Instance: \(replace\)/g)).toHaveLength(5);
    const running = hybrid.startUp();
    // Two of three members must serve, all through; how long not, seconds.
    let [longest, quorumAt, over] = [0, Date.now(), false];
    void running.ended.finally(() => (over = true));
    await eventually(
        "the run is over",
        async () => {
            // Asked from a host that stays: one that goes would keep the question waiting.
            const asked = QUORUM.map((host) => `echo srvr | timeout 3 nc -w 3 ${addressOf(host)} 2181 & `).join("");
            const answer = await on("hy1", `${asked} wait`).catch(() => "");
            if ((answer.match(/^Mode: (leader|follower)$/gm)?.length ?? 0) >= 2) {
                longest = Math.max(longest, (Date.now() - quorumAt) / 1000);
                quorumAt = Date.now();
            }
            return over ? true : undefined;
        },
        { timeoutSec: 1100, everyMs: 500 },
    );
    tell(`longest time between two looks that found a quorum: ${longest.toFixed(1)} s`);
    const { code, text } = await running.ended;
    if (code !== 0) {
        throw new Error(text);
    }
    await healthy(AGENTS, 180);
    // Elections on a busy machine, and looks that wait for a member which is gone. Without a quorum it would be the time that a
    // machine takes to be made anew, which is more.
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(30);
    const after = await serverIds();
    expect(Object.keys(after).sort()).toEqual(Object.keys(ids).sort());
    expect(Object.values(after).filter((id) => Object.values(ids).includes(id))).toEqual([]);
    ids = after;
    await expectNoOrphans(hybrid);
    await hybrid.up("--refresh", "--expect-no-changes");
});

test("destroy leaves nothing but the data volumes", async () => {
    const { volumes } = await holdings();
    await hybrid.destroy();
    await expectOnlyVolumes(volumes);
});
