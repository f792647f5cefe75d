/** The tiers of this run, by name, and what a HostConfig works with. */
import type { Ansible } from "../clients/ansible";
import type { MesosClient } from "../clients/mesos";
import type { Ssh } from "../clients/ssh";
import type { ZooKeeperClient } from "../clients/zookeeper";
import { type HostConfigInputs, plannedRestarts } from "../host/config";
import type { HostConfigDependencies } from "../resources/hostConfig";
import { type AccessClient, accessStrategy, timerStrategy } from "./access";
import { AgentStrategy } from "./agents";
import { type SchedulerClient, SchedulerStrategy } from "./schedulers";
import { masterKind, QuorumStrategy, zookeeperKind } from "./quorum";
import { quorumWaves, type Role } from "./order";
import type { Strategy } from "./strategy";
import { Tier } from "./tier";

/** The ways out of the plugin; the tests have fakes for them. */
export interface Clients {
    readonly ssh: Ssh;
    readonly ansible: Ansible;
    readonly zookeeper: ZooKeeperClient;
    readonly schedulers: SchedulerClient;
    readonly access: AccessClient;
    /** The masters that a host's service belongs to. */
    mesos(config: HostConfigInputs): MesosClient;
}

/** Milliseconds without another call after which a preview's order is told. */
const QUIET_MS = 400;

interface Foretelling {
    readonly config: HostConfigInputs;
    readonly before: HostConfigInputs;
    readonly tell: (text: string) => void;
}

/** Collects the previewed changes of one quorum tier and answers each with its place in the order. */
class Foreteller {
    private waiting: Foretelling[] = [];
    private timer: NodeJS.Timeout | undefined;

    public constructor(private readonly strategy: Strategy) {}

    public ask(config: HostConfigInputs, before: HostConfigInputs): Promise<string> {
        return new Promise((tell) => {
            this.waiting.push({ config, before, tell });
            clearTimeout(this.timer);
            this.timer = setTimeout(() => void this.answer(), QUIET_MS);
        });
    }

    private async answer(): Promise<void> {
        const batch = this.waiting;
        this.waiting = [];
        const roles = await this.strategy.roles(batch.map(({ before }) => before)).catch(() => new Map<string, Role>());
        const known = [...roles.values()].some((role) => role === "leader");
        const candidates = batch.map(({ config, before, tell }) => ({
            host: config.host,
            role: roles.get(config.host) ?? "down",
            restarts: plannedRestarts(before, config).length > 0,
            isNew: false,
            tell,
        }));
        // As if all served: a preview tells the order of a healthy rollout.
        const waves = quorumWaves(candidates, {
            serving: roles.size,
            members: roles.size,
            quorum: 1,
            newcomersFirst: true,
        });
        const turns = waves.flat().filter(({ restarts }) => restarts);
        for (const { host, restarts, role, tell } of candidates) {
            const turn = turns.findIndex((other) => other.host === host) + 1;
            if (!restarts) {
                tell("");
            } else if (known) {
                tell(
                    `; turn ${turn} of ${turns.length}${role === "leader" ? ", the leader" : role === "follower" ? ", a follower" : ", not serving now"}`,
                );
            } else {
                tell("; one at a time, followers first, the leader last (who leads is not known: no member answered)");
            }
        }
    }
}

/** Everything a HostConfig works with, and how to stop it. */
export function hostDependencies(clients: Clients): HostConfigDependencies & { stop(): void } {
    const mesos = (config: HostConfigInputs): MesosClient => clients.mesos(config);
    const strategies: Record<HostConfigInputs["service"]["kind"], () => Strategy> = {
        zookeeper: () => new QuorumStrategy(zookeeperKind(clients.zookeeper)),
        mesosMaster: () => new QuorumStrategy(masterKind(mesos, clients.zookeeper)),
        mesosAgent: () => new AgentStrategy(mesos),
        marathon: () => new SchedulerStrategy(clients.schedulers, mesos, clients.zookeeper),
        metronome: () => new SchedulerStrategy(clients.schedulers, mesos, clients.zookeeper),
        workQueue: () => new SchedulerStrategy(clients.schedulers, mesos, clients.zookeeper),
        dds: () => new SchedulerStrategy(clients.schedulers, mesos, clients.zookeeper),
        workQueueCatalog: () => accessStrategy(clients.access),
        campaign: () => accessStrategy(clients.access),
        loadBalancer: () => accessStrategy(clients.access),
        backup: () => timerStrategy(),
        monitoring: () => accessStrategy(clients.access),
        nodeExporter: () => accessStrategy(clients.access),
        nameServer: () => accessStrategy(clients.access),
    };
    const made = new Map<string, { strategy: Strategy; tier: Tier; foreteller: Foreteller }>();
    const of = ({ rollout, service }: HostConfigInputs): { strategy: Strategy; tier: Tier; foreteller: Foreteller } => {
        const present = made.get(rollout.tier);
        if (present !== undefined) {
            return present;
        }
        const strategy = strategies[service.kind]();
        const entry = { strategy, tier: new Tier(strategy, clients), foreteller: new Foreteller(strategy) };
        made.set(rollout.tier, entry);
        return entry;
    };
    return {
        ssh: clients.ssh,
        tier: (config) => of(config).tier,
        strategy: (config) => of(config).strategy,
        foretellOrder: (config, before) =>
            of(config).strategy.isQuorum ? of(config).foreteller.ask(config, before) : Promise.resolve(""),
        stop: () => [...made.values()].forEach(({ tier }) => tier.stop()),
    };
}
