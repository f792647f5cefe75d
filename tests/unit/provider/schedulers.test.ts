import { leaderOf } from "../../../provider/clients/schedulers";
import type { Framework, MesosClient } from "../../../provider/clients/mesos";
import type { ZooKeeperClient } from "../../../provider/clients/zookeeper";
import { withFormer } from "../../../provider/host/config";
import { type SchedulerHealth, SchedulerStrategy } from "../../../provider/rollout/schedulers";
import type { Prepared } from "../../../provider/rollout/strategy";
import type { SchedulerService } from "../../../site/plan/types";
import { hostConfig, masterService, observation } from "../../fakes/host";

const service: SchedulerService = {
    kind: "marathon",
    port: 8080,
    members: masterService.members,
    masters: [],
    frameworkName: "marathon",
    principal: "marathon",
    user: "www",
    zookeeper: { servers: ["10.0.0.1:2181"], path: "/marathon" },
};

interface World {
    readonly health?: Readonly<Record<string, SchedulerHealth>>;
    readonly frameworks?: readonly Framework[];
    readonly kept?: boolean;
}

function strategyOf({ health = {}, frameworks = [], kept = true }: World): SchedulerStrategy {
    let now = 0;
    const clock = { now: () => now, sleep: (ms: number) => Promise.resolve(void (now += ms)) };
    const mesos = { frameworks: () => Promise.resolve([...frameworks]) } as unknown as MesosClient;
    const zookeeper = { exists: () => Promise.resolve(kept) } as unknown as ZooKeeperClient;
    const client = { health: (url: string) => Promise.resolve(health[new URL(url).hostname]) };
    return new SchedulerStrategy(client, () => mesos, zookeeper, clock);
}

function prepared(host: string, changes: Partial<Prepared> = {}) {
    const said: string[] = [];
    const config = hostConfig(host, service);
    const one: Prepared = {
        host,
        config,
        before: config,
        seen: observation(config),
        drift: ["x"],
        role: "follower",
        isNew: false,
        restarts: true,
        say: (line) => said.push(line),
        warn: (line) => said.push(line),
        ...changes,
    };
    return { one, said };
}

const serving = {
    "10.0.0.1": { leader: "10.0.0.2:8080" },
    "10.0.0.2": { leader: "10.0.0.2:8080" },
};
const old: Framework = { id: "F-1", name: "marathon", principal: "marathon", tasks: 3 };

test("who leads is known by its address, and goes last", async () => {
    const strategy = strategyOf({ health: serving });
    const hosts = ["m1", "m2", "m3"].map((host) => prepared(host).one);
    const roles = await strategy.roles(hosts.map(({ config }) => config));
    expect(Object.fromEntries(roles)).toEqual({ m1: "follower", m2: "leader", m3: "down" });
    const waves = await strategy.waves(hosts.map((host) => ({ ...host, role: roles.get(host.host) ?? "absent" })));
    expect(waves.map((wave) => wave.map(({ host }) => host))).toEqual([["m3"], ["m1"], ["m2"]]);
});

test("healthy is who answers and knows a leader", async () => {
    const { one, said } = prepared("m1");
    await strategyOf({ health: serving }).after(one);
    expect(said).toEqual(["stands by; m2 leads"]);
    const alone = { "10.0.0.1": { leader: undefined } };
    await expect(strategyOf({ health: alone }).after(one)).rejects.toThrow(
        "m1: health: Marathon is not well within 5 s: it knows no leader",
    );
    await expect(strategyOf({}).after(one)).rejects.toThrow("it does not answer");
});

test("one that speaks HTTPS is asked so; while a site changes over, who still speaks HTTP is found, without a password", async () => {
    const asked: string[] = [];
    const client = {
        health: (url: string, _kind: string, login: unknown, ca?: string) => {
            asked.push(`${url} ${login === undefined ? "anonymous" : "as"} ${ca ?? "-"}`);
            const isNew = url.includes("10.0.0.1");
            return Promise.resolve(url.startsWith("https:") === isNew ? { leader: "10.0.0.2:8080" } : undefined);
        },
    };
    const strategy = new SchedulerStrategy(client, () => ({}) as MesosClient, {} as ZooKeeperClient);
    const config = {
        ...hostConfig("m1", { ...service, tls: { ca: "PEM" }, members: service.members.slice(0, 2) }),
        login: { principal: "p", secret: "s" },
    };
    expect(Object.fromEntries(await strategy.roles([config]))).toEqual({ m1: "follower", m2: "leader" });
    expect(asked).toEqual([
        "https://10.0.0.1:8080 as PEM",
        "https://10.0.0.2:8080 as PEM",
        "http://10.0.0.2:8080 anonymous -",
    ]);
    // But healthy, once changed, is only who speaks HTTPS.
    const { one, said } = prepared("m1", { config });
    await strategy.after(one);
    expect(said).toEqual(["stands by; m2 leads"]);
});

test("who has changed over to HTTPS cannot ask a leader that has not, and is well when it answers", async () => {
    const secure = hostConfig("m1", { ...service, tls: {} });
    const alone = { "10.0.0.1": { leader: undefined } };
    const { one, said } = prepared("m1", { config: secure });
    await strategyOf({ health: alone }).after({ ...one, before: hostConfig("m1", service) });
    expect(said).toEqual(["answers; it will know the leader when all have changed over"]);
    await expect(strategyOf({}).after({ ...one, before: hostConfig("m1", service) })).rejects.toThrow(
        "does not answer",
    );
    // The same where the authorities have nothing in common; but not while one is trusted before and after.
    const trusting = (ca: string) => hostConfig("m1", { ...service, tls: { ca } });
    const [first, second] = ["QQ==", "Qg=="].map(
        (text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    );
    const to = prepared("m1", { config: trusting(second ?? "") });
    await strategyOf({ health: alone }).after({ ...to.one, before: trusting(first ?? "") });
    expect(to.said).toEqual(["answers; it will know the leader when all have changed over"]);
    await expect(
        strategyOf({ health: alone }).after({ ...to.one, before: trusting(`${first ?? ""}${second ?? ""}`) }),
    ).rejects.toThrow("it knows no leader");
    // One that spoke HTTPS before must know its leader.
    await expect(strategyOf({ health: alone }).after({ ...one, before: secure })).rejects.toThrow("it knows no leader");
});

test("while its password is made anew, a leader that still asks for the former one is known", async () => {
    const asked: string[] = [];
    const client = {
        health: (url: string, _kind: string, login?: { secret: string }) => {
            asked.push(`${new URL(url).hostname} ${login?.secret ?? ""}`);
            // m1 has changed over and hands the question on to m2, which has not.
            return Promise.resolve({ leader: login?.secret === "old" ? "10.0.0.2:8080" : undefined });
        },
    };
    const strategy = new SchedulerStrategy(client, () => ({}) as MesosClient, {} as ZooKeeperClient);
    const login = (secret: string) => ({ login: { principal: "marathon", secret } });
    const [old, now] = [hostConfig("m1", service, login("old")), hostConfig("m1", service, login("new"))];
    const { one, said } = prepared("m1", { config: withFormer(now, old), before: old });
    await strategy.after(one);
    expect(said).toEqual(["stands by; m2 leads"]);
    expect(asked).toEqual(["10.0.0.1 new", "10.0.0.1 old"]);
    expect(withFormer(now, now)).toBe(now);
    // One that asks for the new password itself, and whose leader asks for the former one, answers nobody's question.
    const refusing = strategyOf({ health: { "10.0.0.1": { leader: undefined } } });
    const standby = prepared("m1", { config: withFormer(now, old), before: old });
    await refusing.after(standby.one);
    expect(standby.said).toEqual(["answers; it will know the leader when all have changed over"]);
    // When the leader changes, all others have the new one.
    const last = prepared("m1", { config: withFormer(now, old), before: old, role: "leader" });
    await expect(refusing.after(last.one)).rejects.toThrow("it knows no leader");
});

test("while the password of its state is made anew, both open it: before a server has the new one, and until it is well", async () => {
    const shared: string[] = [];
    const share: ZooKeeperClient["share"] = ({ path, servers }, owners) =>
        Promise.resolve(shared.push(`${servers.join()} ${path} ${owners.map(({ secret }) => secret).join()}`));
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    const answers = [undefined, undefined, serving["10.0.0.1"]];
    const client = { health: () => Promise.resolve(answers.shift()) };
    const strategy = new SchedulerStrategy(
        client,
        () => ({}) as MesosClient,
        { share } as unknown as ZooKeeperClient,
        clock,
    );
    const owned = (secret: string) => hostConfig("m1", service, { stateOwner: { principal: "marathon", secret } });
    const { one } = prepared("m1", { config: owned("new"), before: owned("old") });
    await strategy.before(one);
    expect(shared).toEqual(["10.0.0.1:2181 /marathon old,new"]);
    await strategy.after(one);
    // At each look, and once more when nobody writes with the former one any more.
    expect(shared).toHaveLength(5);
    await strategy.before(prepared("m1", { config: owned("new"), before: owned("new") }).one);
    expect(shared).toHaveLength(5);
});

describe("a framework id that is lost while its tasks run", () => {
    const fresh: Partial<Prepared> = { before: undefined, isNew: true, role: "absent" };

    test("stops it before anything is started twice, and says the way out", async () => {
        const strategy = strategyOf({ frameworks: [old], kept: false });
        await expect(strategy.before(prepared("m1", fresh).one)).rejects.toThrow(
            /3 tasks of the framework F-1 .* its id is lost: ZooKeeper has no \/marathon.*\n.*backup/s,
        );
    });

    test.each<[string, World, Partial<Prepared>]>([
        ["its state is there", { frameworks: [old], kept: true }, fresh],
        ["nothing of it runs", { frameworks: [{ ...old, tasks: 0 }], kept: false }, fresh],
        ["the tasks are another's", { frameworks: [{ ...old, name: "other" }], kept: false }, fresh],
        ["it has served before", { frameworks: [old], kept: false }, {}],
    ])("does not when %s", async (_, world, changes) => {
        expect(await strategyOf(world).before(prepared("m1", changes).one)).toEqual([]);
    });

    test("does not when the loss is confirmed", async () => {
        const { one } = prepared("m1", fresh);
        const confirmed = { ...one, config: { ...one.config, confirmed: true } };
        expect(await strategyOf({ frameworks: [old], kept: false }).before(confirmed)).toEqual([]);
    });
});

test.each([
    ['{"leader":"10.0.0.1:8080"}', "10.0.0.1:8080"],
    ['"10.0.0.1:9000"', "10.0.0.1:9000"],
    ["10.0.0.1:9000\n", "10.0.0.1:9000"],
    ['{"leader":""}', undefined],
    ["<html>Could not determine the current leader</html>", undefined],
])("an answer about the leader: %s", (text, leader) => {
    expect(leaderOf(text)).toBe(leader);
});

describe("when the last server leaves", () => {
    const owner = { principal: "marathon", secret: "s" };

    function leave(
        frameworks: readonly Framework[],
        hosts: readonly string[],
        confirmed = false,
        apart = false,
        comesBack = false,
    ) {
        const done: string[] = [];
        const mesos = {
            frameworks: () => Promise.resolve([...frameworks]),
            teardown: (id: string) => Promise.resolve(void done.push(`end ${id}`)),
        } as unknown as MesosClient;
        const zookeeper = {
            removeAll: (_: unknown, path: string, by: unknown) =>
                Promise.resolve(void done.push(`remove ${path} as ${JSON.stringify(by)}`)),
        } as unknown as ZooKeeperClient;
        const client = { health: () => Promise.resolve(undefined) };
        const strategy = new SchedulerStrategy(client, () => mesos, zookeeper);
        const leaving = hosts.map((host) => {
            const { one } = prepared(host);
            return { ...one, comesBack, config: { ...one.config, stateOwner: owner } };
        });
        const run = async () => {
            const refused: (string | undefined)[] = [];
            for (const batch of apart ? leaving.map((one) => [one]) : [leaving]) {
                const stay = await strategy.beforeRemoval(batch, confirmed);
                const going = batch.filter(({ host }) => !stay.has(host));
                await Promise.all(going.map((host) => strategy.afterRemoval(host)));
                refused.push(...[...stay.values()].map(({ message }) => message.split("\n")[0]));
            }
            return refused;
        };
        return { done, run };
    }

    const all = ["m1", "m2", "m3"];
    const idle = { ...old, tasks: 0 };
    const ended = ["end F-1", `remove /marathon as ${JSON.stringify(owner)}`];

    test("its framework ends and its state goes, once", async () => {
        const { done, run } = leave([idle, { ...idle, id: "F-2", name: "other" }], all);
        expect(await run()).toEqual([]);
        expect(done).toEqual(ended);
    });

    test("also where the calls for its servers come one by one: the last one ends it, or is refused", async () => {
        const { done, run } = leave([idle], all, false, true);
        expect(await run()).toEqual([]);
        expect(done).toEqual(ended);
        const busy = leave([old], all, false, true);
        expect(await busy.run()).toEqual([expect.stringMatching(/^m3: removal: 3 tasks of Marathon still run/)]);
        expect(busy.done).toEqual([]);
    });

    test("tasks that nobody has declared keep it there", async () => {
        const { done, run } = leave([old], all);
        expect(await run()).toEqual(
            all.map(
                (host) =>
                    `${host}: removal: 3 tasks of Marathon still run that this stack does not declare, and would be ended with it`,
            ),
        );
        expect(done).toEqual([]);
    });

    test("unless that is confirmed", async () => {
        const { done, run } = leave([old], all, true);
        expect(await run()).toEqual([]);
        expect(done).toEqual(ended);
    });

    test("one whose machine is replaced comes back: nothing ends, and no task keeps it there", async () => {
        const { done, run } = leave([old], all, false, false, true);
        expect(await run()).toEqual([]);
        expect(done).toEqual([]);
    });

    test("while another one stays nothing ends", async () => {
        const { done, run } = leave([old], ["m1", "m2"]);
        expect(await run()).toEqual([]);
        expect(done).toEqual([]);
    });
});
