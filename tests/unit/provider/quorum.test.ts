import type { Framework, MasterHealth, MesosClient } from "../../../provider/clients/mesos";
import type { Mode, ZooKeeperClient } from "../../../provider/clients/zookeeper";
import { masterKind, QuorumStrategy, zookeeperKind } from "../../../provider/rollout/quorum";
import type { Clock, Prepared } from "../../../provider/rollout/strategy";
import { masterPaths } from "../../../site/plan/paths";
import { hostConfig, masterService, observation, zookeeperService } from "../../fakes/host";
import { changed, planOf, textOf } from "../site/sites";

/** Time passes only when somebody sleeps. */
function fakeClock(onSleep: () => void = () => undefined): Clock {
    let now = 0;
    return {
        now: () => now,
        sleep(ms) {
            now += ms;
            onSleep();
            return Promise.resolve();
        },
    };
}

function zookeeper(modes: Record<string, Mode>, synced = 2): ZooKeeperClient {
    const name = (address: string) => `m${address.split(".").pop() ?? ""}`;
    return {
        mode: (address) => Promise.resolve(modes[name(address)]),
        syncedFollowers: (address) => Promise.resolve(modes[name(address)] === "leader" ? synced : undefined),
        exists: () => Promise.resolve(true),
        removeAll: () => Promise.resolve(),
        share: () => Promise.resolve(0),
        claim: () => Promise.resolve(0),
        isClaimed: () => Promise.resolve(true),
    };
}

function prepared(config: ReturnType<typeof hostConfig>, said: string[] = []): Prepared {
    return {
        host: config.host,
        config,
        before: config,
        seen: observation(config),
        drift: ["x"],
        role: "follower",
        isNew: false,
        restarts: true,
        say: (line) => said.push(line),
        warn: (line) => said.push(line),
    };
}

const member = (name: string) => hostConfig(name, zookeeperService);

describe("ZooKeeper", () => {
    test("a member may go down while all serve", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "follower", m2: "leader", m3: "follower" })));
        await expect(strategy.before(prepared(member("m1")))).resolves.toEqual([]);
    });

    test("fails to go down when another member does not serve, and says which quorum would be lost", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "follower", m2: "leader" })));
        await expect(strategy.before(prepared(member("m1")))).rejects.toThrow(
            "m1: quorum: only 2 members serve and 2 are needed: without m1 the quorum would be lost",
        );
    });

    test("is not changed while a member leads that leaves: it would wait for a leader that it knows for ever", async () => {
        const change = (modes: Record<string, Mode>) => {
            const strategy = new QuorumStrategy(zookeeperKind(zookeeper(modes)));
            const members = zookeeperService.members.filter(({ name }) => name !== "m3");
            const config = hostConfig("m1", { ...zookeeperService, members });
            return strategy.before({ ...prepared(config), before: member("m1") });
        };
        await expect(change({ m1: "follower", m2: "follower", m3: "leader" })).rejects.toThrow(
            /m3, which leaves, leads: .*\n {2}fix: let another one lead \(on m3: systemctl restart zookeeper\), then run again/,
        );
        await expect(change({ m1: "follower", m2: "leader", m3: "follower" })).resolves.toEqual([]);
    });

    test("that gets smaller is healthy with all that stay: who leaves is asked no more", async () => {
        const modes: Record<string, Mode> = { m1: "follower", m2: "leader", m3: "follower" };
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper(modes)), fakeClock());
        const members = zookeeperService.members.filter(({ name }) => name !== "m3");
        const said: string[] = [];
        const host = {
            ...prepared(hostConfig("m1", { ...zookeeperService, members }), said),
            before: member("m1"),
        };
        await strategy.before(host);
        await strategy.after(host);
        expect(said).toEqual(["serves as follower; m2 leads, 2 followers in step"]);
    });

    test("puts its data aside when all members go, never when one of them goes", () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({})));
        const all = ["m1", "m2", "m3"].map((name) => prepared(member(name)));
        expect(all.map((host) => strategy.outdated(host, all))).toEqual(all.map(() => ["/var/lib/x/version-2"]));
        expect(all.slice(0, 1).map((host) => strategy.outdated(host, all.slice(0, 1)))).toEqual([[]]);
        expect(all.slice(1).map((host) => strategy.outdated(host, all.slice(1)))).toEqual([[], []]);
    });

    test("is healthy only when whoever served before serves again, in step with the leader", async () => {
        const modes: Record<string, Mode> = { m1: "follower", m2: "leader", m3: "follower" };
        let polls = 0;
        const clock = fakeClock(() => {
            polls += 1;
            if (polls === 3) {
                modes["m1"] = "follower";
            }
        });
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper(modes)), clock);
        const said: string[] = [];
        await strategy.before(prepared(member("m1")));
        delete modes["m1"];
        await strategy.after(prepared(member("m1"), said));
        expect(polls).toBe(3);
        expect(said).toEqual(["serves as follower; m2 leads, 2 followers in step"]);
    });

    test("that lags behind is not healthy", async () => {
        const client = zookeeper({ m1: "follower", m2: "leader", m3: "follower" }, 1);
        const strategy = new QuorumStrategy(zookeeperKind(client), fakeClock());
        await strategy.before(prepared(member("m1")));
        await expect(strategy.after(prepared(member("m1")))).rejects.toThrow(
            "m1: health: ZooKeeper did not join a quorum within 5 s",
        );
    });

    test("newcomers that would be a quorum by themselves are refused: 1 to 3 in one step", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "standalone" })));
        const batch = ["m1", "m2", "m3"].map((name) => ({ ...prepared(member(name)), isNew: name !== "m1" }));
        await expect(strategy.waves(batch)).rejects.toThrow(
            "2 new members would be a quorum of the ZooKeeper ensemble by themselves",
        );
    });

    test("a single server and its first companion start together: alone neither is a quorum", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "standalone" })));
        const [one, two] = zookeeperService.members;
        const pair = { ...zookeeperService, members: [one, two].filter((m) => m !== undefined) };
        const single = { ...zookeeperService, members: pair.members.slice(0, 1) };
        const first = { ...prepared(hostConfig("m1", pair)), before: hostConfig("m1", single) };
        const second = { ...prepared(hostConfig("m2", pair)), before: undefined, isNew: true };
        expect((await strategy.waves([first, second])).map((wave) => wave.map(({ host }) => host))).toEqual([
            ["m1", "m2"],
        ]);
    });

    test("members leave all together or so that a quorum stays", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "follower", m2: "leader", m3: "follower" })));
        const all = ["m1", "m2", "m3"].map((name) => prepared(member(name)));
        expect((await strategy.beforeRemoval(all, false)).size).toBe(0);
        const stay = await strategy.beforeRemoval(all.slice(1), false);
        expect([...stay.keys()]).toEqual(["m2", "m3"]);
        expect(stay.get("m2")?.message).toMatch(
            /^m2: removal: refused for the sake of the ZooKeeper ensemble: of 3 members 1 would be left serving \(m1\), 2 are needed[^]*PULUMI_MESOS_CONFIRM=test/,
        );
        expect((await strategy.beforeRemoval(all.slice(1), true)).size).toBe(0);
    });

    test("where only a member stays that a failed run has left off, the way to end the site is told", async () => {
        const strategy = new QuorumStrategy(zookeeperKind(zookeeper({ m1: "follower", m2: "leader" })));
        const stay = await strategy.beforeRemoval([prepared(member("m1")), prepared(member("m2"))], false);
        expect(stay.get("m1")?.message).toMatch(
            /0 would be left serving \(m3\)[^]*bring m3 back with pulumi up; to end the whole site, run with PULUMI_MESOS_CONFIRM=test/,
        );
    });
});

describe("Mesos masters", () => {
    const healthy = (elected: boolean, activeAgents = 3): MasterHealth => ({ elected, recovered: true, activeAgents });
    const connect = (healths: Record<string, MasterHealth | undefined>) => () =>
        ({ health: ({ name }: { name: string }) => Promise.resolve(healths[name]) }) as unknown as MesosClient;
    const master = (name: string) => hostConfig(name, masterService);

    test("the leading one is the one that says so", async () => {
        const strategy = new QuorumStrategy(
            masterKind(connect({ m1: healthy(false), m2: healthy(true), m3: undefined }), zookeeper({})),
        );
        expect(Object.fromEntries(await strategy.roles([master("m1")]))).toEqual({
            m1: "follower",
            m2: "leader",
            m3: "down",
        });
    });

    test("are healthy only when all agents are back under a leader", async () => {
        const healths: Record<string, MasterHealth | undefined> = {
            m1: healthy(false),
            m2: healthy(true, 3),
            m3: healthy(false),
        };
        const counts = [undefined, healthy(true, 0), healthy(true, 2), healthy(true, 3)];
        const clock = fakeClock(() => (healths["m3"] = counts.shift()));
        const strategy = new QuorumStrategy(masterKind(connect(healths), zookeeper({})), clock);
        const said: string[] = [];
        await strategy.before(prepared(master("m2")));
        healths["m2"] = healthy(false);
        await strategy.after(prepared(master("m2"), said));
        expect(counts).toEqual([]);
        expect(said).toEqual(["stands by, registry recovered; m3 leads, 3 agents active"]);
    });

    test("are healthy under a leader that leaves: it is the last to go", async () => {
        const healths = { m1: healthy(false), m2: healthy(false), m3: healthy(true) };
        const strategy = new QuorumStrategy(masterKind(connect(healths), zookeeper({})), fakeClock());
        const members = masterService.members.filter(({ name }) => name !== "m3");
        const said: string[] = [];
        const host = {
            ...prepared(hostConfig("m1", { ...masterService, members }), said),
            before: master("m1"),
        };
        await strategy.before(host);
        await strategy.after(host);
        expect(said).toEqual(["stands by, registry recovered; m3 leads, 3 agents active"]);
    });

    test("leave their registry to masters to come", () => {
        const strategy = new QuorumStrategy(masterKind(connect({}), zookeeper({})));
        const all = ["m1", "m2", "m3"].map((name) => prepared(master(name)));
        expect(all.map((host) => strategy.outdated(host, all))).toEqual([[], [], []]);
    });

    test("that grow from one, when that is confirmed, start together with the old log put aside", async () => {
        const strategy = new QuorumStrategy(masterKind(connect({ m1: healthy(true) }), zookeeper({})));
        const single = { ...masterService, quorum: 1, members: masterService.members.slice(0, 1) };
        const first = { ...prepared(master("m1")), before: hostConfig("m1", single) };
        const others = ["m2", "m3"].map((name) => ({ ...prepared(master(name)), before: undefined, isNew: true }));
        expect((await strategy.waves([first, ...others])).map((wave) => wave.map(({ host }) => host))).toEqual([
            ["m1", "m2", "m3"],
        ]);
        expect(await strategy.before(first)).toEqual(["/var/lib/mesos/master/replicated_log"]);
        for (const other of others) {
            expect(await strategy.before(other)).toEqual([]);
        }
    });

    describe("whose access rules change", () => {
        const site = (...principals: string[]): string => {
            const roles = (principal: string) => ({ roles: [principal], users: ["nobody"] });
            const frameworks = Object.fromEntries(principals.map((principal) => [principal, roles(principal)]));
            return textOf(planOf(changed({ frameworks })).masters.members, masterPaths.acls);
        };
        const withRules = (content: string) => {
            const files = { [masterPaths.acls]: { content, mode: "0644", owner: "root", group: "root" } };
            return hostConfig("m1", masterService, { files });
        };
        const running = (principal: string, tasks: number): Framework => ({ id: "F-7", name: "dds", principal, tasks });
        const objections = (before: string, after: string, frameworks: () => Promise<Framework[]>) =>
            new QuorumStrategy(masterKind(() => ({ frameworks }) as unknown as MesosClient, zookeeper({}))).objections(
                withRules(after),
                withRules(before),
            );

        test("lock no framework out that has tasks, and say whose they are", async () => {
            const found = await objections(site("dds", "marathon"), site("marathon"), () =>
                Promise.resolve([running("dds", 2), running("marathon", 9)]),
            );
            expect(found).toEqual([
                expect.objectContaining({
                    code: "PRINCIPAL_IN_USE",
                    path: "frameworks.dds",
                    message: expect.stringMatching(/^2 tasks of the framework "dds" \(F-7\) still run/) as string,
                }),
            ]);
        });
        test.each<[string, string, string, () => Promise<Framework[]>]>([
            ["nothing of it runs", site("dds", "x"), site("x"), () => Promise.resolve([running("dds", 0)])],
            ["who leads cannot be asked", site("dds", "x"), site("x"), () => Promise.reject(new Error("no master"))],
            ["somebody comes", site("x"), site("x", "dds"), () => Promise.reject(new Error("asked in vain"))],
            ["the rules were changed by hand", "no JSON", site("x"), () => Promise.resolve([running("dds", 2)])],
        ])("go on where %s", async (_what, before, after, frameworks) => {
            expect(await objections(before, after, frameworks)).toEqual([]);
        });
    });

    test("whose registry does not recover stop the rollout", async () => {
        const notRecovered = { ...healthy(false), recovered: false };
        const strategy = new QuorumStrategy(
            masterKind(connect({ m1: notRecovered, m2: healthy(true), m3: healthy(false) }), zookeeper({})),
            fakeClock(),
        );
        await expect(strategy.after(prepared(master("m1")))).rejects.toThrow("the master did not recover its registry");
    });

    describe("whose secrets are made anew", () => {
        const text = (content: string) => ({ content, mode: "0600", owner: "root", group: "root" });
        const files = (agent: string, digest: string) => ({
            "/etc/mesos/credentials.json": text(
                JSON.stringify({
                    credentials: [
                        { principal: "operator", secret: "same" },
                        { principal: "agent", secret: agent },
                    ],
                }),
            ),
            "/etc/mesos/zk": text(`zk://mesos:${digest}@10.0.0.1:2181,10.0.0.2:2181/mesos`),
        });
        const changed = (from: [string, string], to: [string, string]): Prepared => ({
            ...prepared(hostConfig("m2", masterService, { files: files(...to) })),
            before: hostConfig("m2", masterService, { files: files(...from) }),
        });
        const healths = { m1: healthy(true, 3), m2: healthy(false), m3: healthy(false) };

        test("wait for no agent where they refuse the former secret of all of them, and for all where they do not", async () => {
            const noneBack = { ...healths, m1: healthy(true, 0) };
            const after = async (host: Prepared) => {
                const now: Record<string, MasterHealth> = { ...healths };
                const strategy = new QuorumStrategy(masterKind(connect(now), zookeeper({})), fakeClock());
                await strategy.before(host);
                Object.assign(now, noneBack);
                return strategy.after(host);
            };
            await expect(after(changed(["a", "z"], ["b", "z"]))).resolves.toBeUndefined();
            await expect(after(changed(["a", "z"], ["a", "y"]))).rejects.toThrow("with all agents back");
        });

        test("open their part of ZooKeeper to both passwords before a member has the new one, and only then", async () => {
            const shared: unknown[] = [];
            const client: ZooKeeperClient = {
                ...zookeeper({}),
                share: (part, owners) => Promise.resolve(shared.push([part, owners])),
            };
            const strategy = new QuorumStrategy(masterKind(connect(healths), client), fakeClock());
            await strategy.before(changed(["a", "z"], ["b", "z"]));
            expect(shared).toEqual([]);
            await strategy.before(changed(["a", "old"], ["a", "new"]));
            expect(shared).toEqual([
                [
                    {
                        servers: ["10.0.0.1:2181", "10.0.0.2:2181"],
                        path: "/mesos",
                        route: { address: "10.0.0.9", user: "root" },
                    },
                    [
                        { principal: "mesos", secret: "old" },
                        { principal: "mesos", secret: "new" },
                    ],
                ],
            ]);
        });

        test("do not go down while ZooKeeper cannot be opened to the new password", async () => {
            const client = { ...zookeeper({}), share: () => Promise.reject(new Error("no server answers")) };
            const strategy = new QuorumStrategy(masterKind(connect(healths), client), fakeClock());
            await expect(strategy.before(changed(["a", "old"], ["a", "new"]))).rejects.toThrow(
                "m2: ZooKeeper: /mesos cannot be opened to the new password: no server answers",
            );
        });
    });
});
