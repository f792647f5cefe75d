import type { Agent, MesosClient } from "../../../provider/clients/mesos";
import { AgentStrategy } from "../../../provider/rollout/agents";
import type { Clock, Prepared } from "../../../provider/rollout/strategy";
import type { AgentService } from "../../../site/plan/types";
import { agentService, hostConfig, observation } from "../../fakes/host";

/** A master with one agent, which does what it is told one poll later. */
class FakeMaster implements MesosClient {
    public readonly calls: string[] = [];
    public agent: Agent | undefined = {
        id: "S0",
        hostname: "a1",
        active: true,
        deactivated: false,
        drain: undefined,
        registration: "S0 1",
    };

    public health = () => Promise.resolve(undefined);
    public leader = () => Promise.resolve(undefined);
    public frameworks = () => Promise.resolve([]);
    public teardown = () => Promise.resolve();
    public agents = () => Promise.resolve(this.agent === undefined ? [] : [this.agent]);

    public drain(id: string, graceSec: number): Promise<void> {
        this.calls.push(`drain ${id} ${graceSec}`);
        this.change({ drain: "DRAINING", deactivated: true, active: false });
        return Promise.resolve();
    }

    public reactivate(id: string): Promise<void> {
        this.calls.push(`reactivate ${id}`);
        this.change({ drain: undefined, deactivated: false, active: true });
        return Promise.resolve();
    }

    public markGone(id: string): Promise<void> {
        this.calls.push(`gone ${id}`);
        return Promise.resolve();
    }

    public change(changes: Partial<Agent>): void {
        this.agent = this.agent && { ...this.agent, ...changes };
    }
}

function setUp(onPoll: (master: FakeMaster, polls: number) => void = () => undefined) {
    const master = new FakeMaster();
    let now = 0;
    let polls = 0;
    const clock: Clock = {
        now: () => now,
        sleep(ms) {
            now += ms;
            polls += 1;
            onPoll(master, polls);
            return Promise.resolve();
        },
    };
    return { master, strategy: new AgentStrategy(() => master, clock) };
}

function prepared(before: AgentService | undefined, after: AgentService, changes: Partial<Prepared> = {}) {
    const said: string[] = [];
    const config = hostConfig("a1", after);
    const host: Prepared = {
        host: "a1",
        config,
        before: before && hostConfig("a1", before),
        seen: observation(config),
        drift: ["/etc/thing.conf has another content"],
        role: "serving",
        isNew: before === undefined,
        restarts: true,
        say: (line) => said.push(line),
        warn: (line) => said.push(line),
        ...changes,
    };
    return { host, said };
}

const additive: AgentService = { ...agentService, attributes: { rack: "r1", disk: "ssd" } };
const incompatible: AgentService = { ...agentService, attributes: { rack: "r2" } };

const secret = (path: string, content: string) => ({
    files: { [path]: { content, mode: "0600", owner: "root", group: "root" } },
});

/** One agent whose file has another secret. */
function renewed(path: string, host = "a1"): Prepared {
    const config = hostConfig(host, agentService, secret(path, "new"));
    return {
        ...prepared(agentService, agentService).host,
        host,
        config,
        before: hostConfig(host, agentService, secret(path, "old")),
    };
}

test("agents that masters refuse change over all at once, others as many at a time as the pool allows", async () => {
    const { master, strategy } = setUp();
    const waves = async (path: string) =>
        (await strategy.waves(["a1", "a2", "a3"].map((host) => renewed(path, host)))).map((wave) => wave.length);
    expect(await waves("/etc/mesos/agent-credential.json")).toEqual([3]);
    expect(await waves("/etc/mesos/agent-http-credentials.json")).toEqual([1, 1, 1]);
    expect(await strategy.before(renewed("/etc/mesos/agent-credential.json"))).toEqual([]);
    expect(master.calls).toEqual([]);
});

test("an agent is drained before running executors' key is another one, and keeps its id", async () => {
    const { master, strategy } = setUp((m, polls) => {
        if (polls === 1) m.change({ drain: "DRAINED" });
        if (polls === 2) m.change({ registration: "S0 2" });
    });
    const host = renewed("/etc/mesos/executor-key");
    expect(await strategy.before(host)).toEqual([]);
    expect(master.calls).toEqual(["drain S0 30"]);
    await strategy.after(host);
    expect(master.calls).toEqual(["drain S0 30", "reactivate S0"]);
});

test("what secrets do is foretold", () => {
    const { strategy } = setUp();
    const foretold = (path: string): string => {
        const { config, before = config } = renewed(path);
        const units = { "mesos-agent.service": { enabled: true, active: true, restartOn: [path] } };
        return strategy.foretell({ ...config, units }, { ...before, units });
    };
    expect(foretold("/etc/mesos/agent-credential.json")).toBe(
        "restarts mesos-agent.service in place, with all of its pool at once, tasks keep running (/etc/mesos/agent-credential.json)",
    );
    expect(foretold("/etc/mesos/executor-key")).toBe(
        "drains, then restarts: executors that run know only the former key",
    );
});

test("an additive change restarts in place: nothing is drained", async () => {
    const { master, strategy } = setUp();
    const { host } = prepared(agentService, additive);
    expect(await strategy.before(host)).toEqual([]);
    expect(master.calls).toEqual([]);
});

test("any other change drains first and forgets the agent's id", async () => {
    const { master, strategy } = setUp((m, polls) => {
        if (polls === 2) m.change({ drain: "DRAINED" });
    });
    const { host, said } = prepared(agentService, incompatible);
    expect(await strategy.before(host)).toEqual(["/var/lib/mesos/agent/meta/slaves/latest"]);
    expect(master.calls).toEqual(["drain S0 30"]);
    expect(said).toEqual([
        "needs a new agent id: attribute rack changes from r1 to r2",
        "drains (tasks have up to 30 s to end)",
        "drained",
    ]);
});

test("an answer that is lost while an agent drains does not end the drain", async () => {
    const { strategy } = setUp((m, polls) => {
        const lost = () => Promise.reject(new Error("m1 gave no answer within 5 s"));
        m.agents = polls === 1 ? lost : () => Promise.resolve(m.agent === undefined ? [] : [m.agent]);
        if (polls === 2) m.change({ drain: "DRAINED" });
    });
    const { host, said } = prepared(agentService, { ...agentService, attributes: { type: "other" } });
    await strategy.before(host);
    expect(said.at(-1)).toBe("drained");
});

test("a host that is done already is not drained again", async () => {
    const { master, strategy } = setUp();
    const { host } = prepared(agentService, incompatible, { drift: [], restarts: false });
    expect(await strategy.before(host)).toEqual([]);
    expect(master.calls).toEqual([]);
});

test("fails when tasks do not end", async () => {
    const { strategy } = setUp();
    await expect(strategy.before(prepared(agentService, incompatible).host)).rejects.toThrow(
        "a1: drain: agent S0 still has tasks after 90 s",
    );
});

test("the registration from before the restart does not count", async () => {
    const { strategy } = setUp((m, polls) => {
        if (polls === 1) m.change({ active: false });
        if (polls === 3) m.change({ active: true, registration: "S0 2" });
    });
    const { host, said } = prepared(agentService, additive);
    await strategy.before(host);
    await strategy.after(host);
    expect(said).toEqual(["registered as S0"]);
});

test("fails when the agent does not come back", async () => {
    const { strategy } = setUp();
    const { host } = prepared(agentService, additive);
    await strategy.before(host);
    await expect(strategy.after(host)).rejects.toThrow(
        "a1: health: the agent did not register with the leading master within 5 s",
    );
});

test("an agent that an interrupted run has left drained is reactivated", async () => {
    const { master, strategy } = setUp();
    master.change({ drain: "DRAINED", deactivated: true, active: false });
    const { host } = prepared(agentService, agentService, { restarts: false, drift: [] });
    await strategy.after(host);
    expect(master.calls).toEqual(["reactivate S0"]);
});

describe("an agent that shall take no tasks", () => {
    const drained: AgentService = { ...agentService, drained: true };
    const out: Partial<Agent> = { drain: "DRAINED", deactivated: true, active: false };

    test("is drained when it is declared so, and stays registered", async () => {
        const { master, strategy } = setUp((m) => m.change({ drain: "DRAINED" }));
        const { host, said } = prepared(agentService, drained, { restarts: false, drift: [] });
        await strategy.before(host);
        await strategy.after(host);
        expect(master.calls).toEqual(["drain S0 30"]);
        expect(said).toEqual(["registered as S0", "drains (tasks have up to 30 s to end)", "drained"]);
    });

    test("stays drained through a restart of its service", async () => {
        const { master, strategy } = setUp((m) => m.change({ registration: "S0 2" }));
        master.change(out);
        const { host } = prepared(drained, drained);
        await strategy.before(host);
        await strategy.after(host);
        expect(master.calls).toEqual([]);
    });

    test.each<[string, AgentService, Partial<Agent>, AgentService]>([
        ["drained by a run that was killed", agentService, out, drained],
        ["still draining", agentService, { ...out, drain: "DRAINING" }, drained],
        ["deactivated by hand", agentService, { deactivated: true, active: false }, drained],
        ["down, which its host tells", agentService, { active: false }, agentService],
        ["as declared", agentService, {}, agentService],
        ["drained as declared", drained, out, drained],
        ["reactivated by hand", drained, {}, agentService],
    ])("is seen by a refresh: %s", async (_, planned, live, seen) => {
        const { master, strategy } = setUp();
        master.change(live);
        const observed = await strategy.observe(hostConfig("a1", planned));
        expect(observed.service).toEqual(seen);
        expect(observed.drift).toHaveLength(seen === planned ? 0 : 1);
    });

    test("is as planned while the master does not know the agent", async () => {
        const { master, strategy } = setUp();
        master.agent = undefined;
        expect(await strategy.observe(hostConfig("a1", drained))).toEqual({ service: drained, drift: [] });
    });

    test("the master is asked once for all hosts of a refresh", async () => {
        const { master, strategy } = setUp();
        const agents = jest.spyOn(master, "agents");
        await strategy.observe(hostConfig("a1", agentService));
        await strategy.observe(hostConfig("a2", agentService));
        expect(agents).toHaveBeenCalledTimes(1);
    });

    test("the preview says what happens", () => {
        const { strategy } = setUp();
        const [active, off] = [hostConfig("a1", agentService), hostConfig("a1", drained)];
        expect(strategy.foretell(off, active)).toBe("drains: its tasks have up to 30 s to end, and no new ones come");
        expect(strategy.foretell(active, off)).toBe("takes tasks again (it is drained)");
    });
});

test("an agent that leaves is drained first and marked gone last", async () => {
    const { master, strategy } = setUp((m) => m.change({ drain: "DRAINED" }));
    const { host } = prepared(agentService, agentService);
    await strategy.beforeRemoval([host], false);
    await strategy.afterRemoval(host);
    expect(master.calls).toEqual(["drain S0 30", "gone S0"]);
});

test("an agent that cannot be drained leaves only when that is confirmed", async () => {
    const { strategy } = setUp();
    const { host, said } = prepared(agentService, agentService);
    const stay = await strategy.beforeRemoval([host], false);
    expect(stay.get("a1")?.message).toContain("still has tasks");
    expect((await strategy.beforeRemoval([host], true)).size).toBe(0);
    expect(said.pop()).toMatch(/^is taken out without being drained/);
});

test.each([
    [additive, "restarts thing.service in place, tasks keep running (/etc/thing.conf)"],
    [incompatible, "drains, then restarts as a new agent: attribute rack changes from r1 to r2"],
])("the preview tells what a change means", (after, text) => {
    const { strategy } = setUp();
    const before = hostConfig("a1", agentService);
    const config = hostConfig("a1", after, {
        files: { ...before.files, "/etc/thing.conf": { content: "new", mode: "0644", owner: "root", group: "root" } },
    });
    expect(strategy.foretell(config, before)).toBe(text);
});
