import type { Ansible, Job } from "../../../provider/clients/ansible";
import type { Ssh } from "../../../provider/clients/ssh";
import type { HostConfigInputs } from "../../../provider/host/config";
import { HostError } from "../../../provider/host/errors";
import { agentIdentity, type Observation } from "../../../provider/host/inspect";
import { poolWaves, quorumWaves, type Role } from "../../../provider/rollout/order";
import type { Prepared, Strategy } from "../../../provider/rollout/strategy";
import { Tier } from "../../../provider/rollout/tier";
import { agentService, hostConfig, observation, zookeeperService } from "../../fakes/host";

const edited = { sha256: "0".repeat(64), mode: "0644", owner: "root", group: "root" };

/** Hosts that answer looks by `seen`, and a record of all that was done to them. */
class World {
    public readonly events: string[] = [];
    public readonly roles = new Map<string, Role>();
    public readonly seen = new Map<string, Partial<Observation> | HostError>();
    public failAnsible: string | undefined;
    public failHealth: string | undefined;
    /** Called when a host is healthy again. */
    public onHealthy: (host: string) => void = () => undefined;
    private readonly configs = new Map<string, HostConfigInputs>();

    public readonly ssh: Ssh = {
        firstContact: () => Promise.resolve([]),
        run: (host, _connection, command) => {
            const config = this.configs.get(host);
            const seen = this.seen.get(host);
            if (!command.startsWith("python3")) {
                return Promise.resolve("failed\nthe last line of its log");
            }
            if (seen instanceof HostError) {
                return Promise.reject(seen);
            }
            return Promise.resolve(config === undefined ? "" : JSON.stringify(observation(config, seen)));
        },
    };

    public readonly ansible: Ansible = {
        run: (jobs: readonly Job[]) => {
            const hosts = jobs.map(({ config, remove }) => `${config.host}${remove === true ? " removed" : ""}`);
            this.events.push(`ansible ${hosts.join(" ")}`);
            return Promise.resolve(
                jobs.map(({ config: { host } }) =>
                    host === this.failAnsible
                        ? { error: new HostError(host, "files", "no space left") }
                        : { changes: ["file"] },
                ),
            );
        },
    };

    public constructor(public readonly quorum: boolean) {}

    public readonly strategy: Strategy = {
        isQuorum: true,
        roles: () => Promise.resolve(this.roles),
        waves: (batch) =>
            Promise.resolve(
                this.quorum
                    ? quorumWaves(batch, { serving: this.roles.size, members: 3, quorum: 2, newcomersFirst: true })
                    : poolWaves(batch, 2),
            ),
        before: ({ host }) => {
            this.events.push(`before ${host}`);
            return Promise.resolve([]);
        },
        after: ({ host }) => {
            this.events.push(`healthy ${host}`);
            this.onHealthy(host);
            return host === this.failHealth
                ? Promise.reject(new HostError(host, "health", "is ill"))
                : Promise.resolve();
        },
        beforeRemoval: (hosts: readonly Prepared[]) => {
            this.events.push(`empty ${hosts.map(({ host }) => host).join(" ")}`);
            return Promise.resolve(new Map());
        },
        outdated: ({ config }) => agentIdentity(config),
        afterRemoval: ({ host }) => {
            this.events.push(`gone ${host}`);
            return Promise.resolve();
        },
        observe: ({ service }) => Promise.resolve({ service, drift: [] }),
        foretell: () => "",
    };

    public async roll(
        kind: "converge" | "remove",
        hosts: readonly string[],
        confirmed = false,
        machine?: HostConfigInputs["machine"],
        refused?: string,
    ): Promise<Record<string, string>> {
        const tier = new Tier({ ...this.strategy, isQuorum: this.quorum }, this);
        if (refused !== undefined) {
            tier.refused(refused);
        }
        const results = await Promise.allSettled(
            hosts.map((host) => {
                const config = hostConfig(host, this.quorum ? zookeeperService : agentService, {
                    ...(machine === undefined ? {} : { machine }),
                });
                this.configs.set(host, config);
                if (!this.seen.has(host)) {
                    this.seen.set(host, { files: { "/etc/thing.conf": edited, "/etc/notes": edited } });
                }
                const quiet = () => undefined;
                return tier.submit({ kind, config, before: config, confirmed, say: quiet, warn: quiet });
            }),
        );
        return Object.fromEntries(
            results.map((result, index) => [
                hosts[index] ?? "",
                result.status === "fulfilled" ? "done" : (result.reason as Error).message,
            ]),
        );
    }
}

function quorum(): World {
    const world = new World(true);
    world.roles.set("m1", "follower").set("m2", "leader").set("m3", "follower");
    return world;
}

const three = ["m1", "m2", "m3"];

describe("a quorum tier", () => {
    test("changes one host after another, each healthy before the next", async () => {
        const world = quorum();
        expect(await world.roll("converge", three)).toEqual({ m1: "done", m2: "done", m3: "done" });
        const step = (host: string) => [`before ${host}`, `ansible ${host}`, `healthy ${host}`];
        expect(world.events).toEqual([...step("m1"), ...step("m3"), ...step("m2")]);
    });

    test("asks again who leads before each turn: who leads by then goes last", async () => {
        const world = quorum();
        world.roles.set("m4", "follower");
        world.onHealthy = (host) => {
            if (host === "m1") world.roles.set("m2", "follower").set("m3", "leader");
        };
        await world.roll("converge", ["m1", "m2", "m3", "m4"]);
        expect(world.events.filter((event) => event.startsWith("ansible"))).toEqual(
            ["m1", "m4", "m2", "m3"].map((host) => `ansible ${host}`),
        );
    });

    test("stops at the first host that is not healthy, with the service's last words", async () => {
        const world = quorum();
        world.failHealth = "m1";
        expect(await world.roll("converge", three)).toEqual({
            m1: "m1: health: is ill\n  the service's last words: failed\n    the last line of its log",
            m2: "m2: not changed: the rollout of zookeeper stopped at m1 (health)",
            m3: "m3: not changed: the rollout of zookeeper stopped at m1 (health)",
        });
        expect(world.events).toEqual(["before m1", "ansible m1", "healthy m1"]);
    });

    test("touches nothing when one host fails its preflight", async () => {
        const world = quorum();
        world.seen.set("m2", { os: "fedora", osName: "Fedora" });
        const result = await world.roll("converge", three);
        expect(result["m2"]).toBe("m2: preflight: the host runs Fedora; supported: debian 12");
        expect(result["m1"]).toBe("m1: not changed: the rollout of zookeeper stopped at m2 (preflight)");
        expect(world.events).toEqual([]);
    });

    test("touches nothing when a member's change is refused: newcomers would be of another quorum than the others", async () => {
        const world = quorum();
        expect(await world.roll("converge", ["m4"], false, undefined, "m1")).toEqual({
            m4: "m4: not changed: the rollout of zookeeper stopped at m1 (its change is refused)",
        });
        expect(world.events).toEqual([]);
        const agents = new World(false);
        expect(await agents.roll("converge", ["a2"], false, undefined, "a1")).toEqual({ a2: "done" });
    });

    test("runs Ansible only where something differs", async () => {
        const world = quorum();
        three.forEach((host) => world.seen.set(host, {}));
        world.seen.set("m3", {
            units: { "thing.service": { enabled: true, active: false, state: "failed", stale: false } },
        });
        expect(await world.roll("converge", three)).toEqual({ m1: "done", m2: "done", m3: "done" });
        expect(world.events.filter((event) => event.startsWith("ansible"))).toEqual(["ansible m3"]);
    });
});

describe("a pool", () => {
    test("goes on with the other hosts when one fails its preflight", async () => {
        const world = new World(false);
        world.seen.set("a2", new HostError("a2", "preflight", "cannot reach root@a2:22"));
        const result = await world.roll("converge", ["a1", "a2", "a3", "a4"]);
        expect(result).toEqual({ a1: "done", a2: "a2: preflight: cannot reach root@a2:22", a3: "done", a4: "done" });
        expect(world.events.filter((event) => event.startsWith("ansible"))).toEqual(["ansible a1 a3", "ansible a4"]);
    });

    test("stops after the wave in which a host fails", async () => {
        const world = new World(false);
        world.failAnsible = "a1";
        const result = await world.roll("converge", ["a1", "a2", "a3"]);
        expect(result).toEqual({
            a1: "a1: files: no space left",
            a2: "done",
            a3: "a3: not changed: the rollout of mesosAgent stopped at a1 (files)",
        });
    });
});

describe("removal", () => {
    test("empties the hosts, takes the service off, then tells the master", async () => {
        const world = new World(false);
        expect(await world.roll("remove", ["a1", "a2"])).toEqual({ a1: "done", a2: "done" });
        expect(world.events).toEqual(["empty a1 a2", "ansible a1 removed a2 removed", "gone a1", "gone a2"]);
    });

    test.each([
        [
            false,
            /^a1: preflight: dead\n {2}to forget the host without cleaning it up, run with PULUMI_MESOS_CONFIRM=test$/,
        ],
        [true, /^done$/],
    ])("of a host that is out of reach, confirmed %s", async (confirmed, expected) => {
        const world = new World(false);
        world.seen.set("a1", new HostError("a1", "preflight", "dead"));
        const result = await world.roll("remove", ["a1", "a2"], confirmed);
        expect(result["a1"]).toMatch(expected);
        expect(result["a2"]).toBe("done");
    });

    test.each([
        [{ instance: "old", zone: "a" }, /^done$/],
        // Of a registered machine nobody knows that it is gone: somebody else may be answering.
        [undefined, /^a1: preflight: strange\n {2}to forget the host/],
    ])("of a machine in whose place another one answers: %j", async (machine, expected) => {
        const world = new World(false);
        world.seen.set("a1", Object.assign(new HostError("a1", "preflight", "strange"), { isOtherMachine: true }));
        expect((await world.roll("remove", ["a1"], false, machine))["a1"]).toMatch(expected);
        expect(world.events.filter((event) => event.startsWith("ansible"))).toEqual([]);
    });
});
