/** Rolling ZooKeeper members and Mesos masters: never without a quorum, followers first, the leader last. */
import { checkMasterChange } from "../../site/change/quorumChange";
import { checkPrincipalsChange, leavingPrincipals } from "../../site/change/principalChange";
import { refusesAgents } from "../../site/change/secretChange";
import { masterPaths } from "../../site/plan/paths";
import type { Issue, MasterService, QuorumMember, ZooKeeperService } from "../../site/plan/types";
import { type MasterAddress, type MasterHealth, type MesosClient } from "../clients/mesos";
import type { ZooKeeperClient } from "../clients/zookeeper";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import { dataPaths } from "../host/inspect";
import { UserError } from "../resources/resource";
import { deletionRefusal, type QuorumState, quorumWaves, refusal, type Role } from "./order";
import { shareState } from "./state";
import {
    type Clock,
    type Prepared,
    realClock,
    type Strategy,
    waitFor,
    asPlanned,
    foretold,
    restartLines,
} from "./strategy";

/** How one kind of quorum service is looked at. */
interface Kind {
    readonly name: string;
    readonly newcomersFirst: boolean;
    /** Members follow only a leader that they know: one that leaves must not lead when they forget it. */
    readonly followsKnown: boolean;
    members(config: HostConfigInputs): readonly QuorumMember[];
    quorum(config: HostConfigInputs): number;
    /** Role of every member, by name. */
    roles(config: HostConfigInputs): Promise<Map<string, Role>>;
    /**
     * undefined while the host is not yet as healthy as it was meant to be; else what to say about it. A member that leaves may still
     * lead: it goes last.
     */
    healthy(host: Prepared, baseline: number): Promise<string | undefined>;
    /**
     * What must be as good after the change as before: followers in step, agents registered. Of members only those that stay count:
     * the others are not asked any more.
     */
    baseline(before: HostConfigInputs, wanted: HostConfigInputs): Promise<number>;
    /** What a member must put aside to start with the others from nothing: only where that is confirmed. */
    startsOver(host: Prepared): readonly string[];
    /** What is of no use any more, on a member's host, once all members are taken away together. */
    worthlessAfterAll(config: HostConfigInputs): readonly string[];
    /** Why the host is not healthy, for the error. */
    diagnosis(config: HostConfigInputs): string;
    objections?(config: HostConfigInputs, before: HostConfigInputs): Promise<readonly Issue[]>;
    /** What must be done elsewhere before the member changes. */
    prepare(host: Prepared): Promise<void>;
    /** Clients are away until they have changed over too: nobody waits for them here. */
    losesClients(host: Prepared): boolean;
}

export class QuorumStrategy implements Strategy {
    public readonly isQuorum = true;
    private readonly baselines = new Map<string, number>();

    public constructor(
        private readonly kind: Kind,
        private readonly clock: Clock = realClock,
    ) {}

    public roles(configs: readonly HostConfigInputs[]): Promise<ReadonlyMap<string, Role>> {
        const [first] = configs;
        return first === undefined ? Promise.resolve(new Map()) : this.kind.roles(first);
    }

    private async state(config: HostConfigInputs): Promise<QuorumState & { roles: ReadonlyMap<string, Role> }> {
        const roles = await this.kind.roles(config);
        const serving = [...roles.values()].filter((role) => role === "leader" || role === "follower").length;
        return {
            roles,
            serving,
            members: roles.size,
            quorum: this.kind.quorum(config),
            newcomersFirst: this.kind.newcomersFirst,
        };
    }

    public async waves(batch: readonly Prepared[]): Promise<Prepared[][]> {
        const [first] = batch;
        if (first === undefined) {
            return [];
        }
        if (batch.some((host) => this.kind.startsOver(host).length > 0)) {
            return [[...batch]];
        }
        const state = await this.state(first.before ?? first.config);
        const newcomers = batch.filter(({ isNew }) => isNew).length;
        const needed = this.kind.quorum(first.config);
        // Newcomers know nothing: enough of them to be a quorum could decide without those who do, and all would be lost.
        if (state.serving > 0 && newcomers >= needed) {
            throw new UserError(
                `${newcomers} new members would be a quorum of ${this.kind.name} by themselves and could outvote the ${state.serving} that hold its data\n  fix: add fewer than ${needed} at a time, one pulumi up after the other`,
            );
        }
        // A single server listens to nobody: it and its first companion can only become a quorum together.
        const wasAlone = batch.some(({ before }) => before !== undefined && this.kind.members(before).length === 1);
        return wasAlone ? [[...batch]] : quorumWaves(batch, state);
    }

    public async before(host: Prepared): Promise<readonly string[]> {
        // Asked again for each host: what was true when the waves were planned may have changed since.
        const state = await this.state(host.before ?? host.config);
        const role = state.roles.get(host.host) ?? "absent";
        const [leader] = [...state.roles].find(([, one]) => one === "leader") ?? [];
        const stays = this.kind.members(host.config).some(({ name }) => name === leader);
        if (this.kind.followsKnown && leader !== undefined && !stays) {
            throw new HostError(
                host.host,
                "quorum",
                `${leader}, which leaves, leads: those that stay would not follow a leader that they know no more`,
                `let another one lead (on ${leader}: systemctl restart zookeeper), then run again`,
            );
        }
        const aside = this.kind.startsOver(host);
        const hasNothingToLose = state.serving < state.quorum || aside.length > 0;
        const reason = hasNothingToLose ? undefined : refusal({ ...host, role }, state);
        if (reason !== undefined) {
            throw new HostError(host.host, "quorum", reason, "bring the other members back, then run again");
        }
        await this.kind.prepare(host);
        // Agents that have to find a new registry come back in their own time.
        const { before = host.config, config } = host;
        const losesClients = aside.length > 0 || this.kind.losesClients(host);
        this.baselines.set(host.host, losesClients ? 0 : await this.kind.baseline(before, config));
        return aside;
    }

    public async after(host: Prepared): Promise<void> {
        const { healthTimeoutSec } = host.config.rollout;
        const baseline = this.baselines.get(host.host) ?? 0;
        const said = await waitFor(
            () => this.kind.healthy(host, baseline),
            healthTimeoutSec,
            () =>
                new HostError(
                    host.host,
                    "health",
                    `${this.kind.diagnosis(host.config)} within ${healthTimeoutSec} s`,
                    `look at the service's log: ssh ${host.config.connection.address} journalctl -u ${Object.keys(host.config.units)[0] ?? ""}`,
                ),
            this.clock,
        );
        host.say(said);
    }

    public async beforeRemoval(leaving: readonly Prepared[], confirmed: boolean): Promise<ReadonlyMap<string, Error>> {
        const [first] = leaving;
        if (first === undefined || confirmed) {
            return new Map();
        }
        const names = this.kind.members(first.config).map(({ name }) => name);
        const roles = await this.kind.roles(first.config);
        const serving = [...roles].filter(([, role]) => role === "leader" || role === "follower").map(([name]) => name);
        const gone = new Set(leaving.map(({ host }) => host));
        const comesBack = leaving.some((host) => host.comesBack === true);
        const reason =
            comesBack && names.length > 1 && names.every((name) => gone.has(name))
                ? "all members' machines would be replaced at once"
                : deletionRefusal(names, gone, new Set(serving));
        const confirm = `run with PULUMI_MESOS_CONFIRM=${first.config.cluster}`;
        const stay = names.filter((name) => !gone.has(name));
        // As after a run that failed between taking a member away and making it anew: the end of the site looks like its loss.
        const nobodyServes = stay.length > 0 && !stay.some((name) => serving.includes(name));
        const fix = comesBack
            ? `bring the other members back first, then run again; to do it all the same, ${confirm}`
            : nobodyServes
              ? `to keep the site, bring ${stay.join(", ")} back with pulumi up; to end the whole site, ${confirm}`
              : `put the host back into the stack file; to do it all the same, ${confirm}`;
        return new Map(
            reason === undefined
                ? []
                : leaving.map(({ host }) => [
                      host,
                      new HostError(host, "removal", `refused for the sake of ${this.kind.name}: ${reason}`, fix),
                  ]),
        );
    }

    public outdated({ config, comesBack }: Prepared, leaving: readonly Prepared[]): readonly string[] {
        if (comesBack === true) {
            return [];
        }
        const gone = new Set(leaving.map(({ host }) => host));
        return this.kind.members(config).every(({ name }) => gone.has(name)) ? this.kind.worthlessAfterAll(config) : [];
    }

    public readonly observe = asPlanned;

    public async objections(config: HostConfigInputs, before: HostConfigInputs): Promise<readonly Issue[]> {
        return (await this.kind.objections?.(config, before)) ?? [];
    }

    public afterRemoval(): Promise<void> {
        return Promise.resolve();
    }

    public foretell(config: HostConfigInputs, before: HostConfigInputs): string {
        return foretold(restartLines(config, before));
    }
}

function server(config: HostConfigInputs): ZooKeeperService {
    return config.service as ZooKeeperService;
}

export function zookeeperKind(client: ZooKeeperClient): Kind {
    const roles = async (config: HostConfigInputs): Promise<Map<string, Role>> => {
        const { members, clientPort } = server(config);
        const found = await Promise.all(
            members.map(async ({ name, address }): Promise<[string, Role]> => {
                const mode = await client.mode(address, clientPort, config.connection);
                return [
                    name,
                    mode === undefined
                        ? "down"
                        : mode === "standalone"
                          ? "leader"
                          : mode === "observer"
                            ? "down"
                            : mode,
                ];
            }),
        );
        return new Map(found);
    };
    return {
        name: "the ZooKeeper ensemble",
        newcomersFirst: true,
        followsKnown: true,
        members: (config) => server(config).members,
        quorum: (config) => Math.floor(server(config).members.length / 2) + 1,
        roles,
        async baseline(before, wanted) {
            const now = await roles(before);
            const staying = server(wanted).members.map(({ name }) => now.get(name));
            return staying.filter((role) => role === "leader" || role === "follower").length;
        },
        async healthy({ config }, baseline) {
            const { members, clientPort } = server(config);
            const now = await roles(config);
            const own = now.get(config.host);
            const leader = members.find(({ name }) => now.get(name) === "leader");
            if ((own !== "leader" && own !== "follower") || leader === undefined) {
                return undefined;
            }
            const serving = [...now.values()].filter((role) => role === "leader" || role === "follower").length;
            const synced =
                members.length === 1 ? 0 : await client.syncedFollowers(leader.address, clientPort, config.connection);
            // Whoever served before must serve again and be in step with the leader before the next one goes down.
            if (
                synced === undefined ||
                serving < baseline ||
                (members.length > 1 && synced < Math.min(baseline, serving) - 1)
            ) {
                return undefined;
            }
            return members.length === 1
                ? "serves"
                : `serves as ${own}; ${leader.name} leads, ${synced} followers in step`;
        },
        startsOver: () => [],
        // The secrets that its access lists are made with go with the stack: under new ones, Mesos' masters could not even
        // write their own nodes.
        worthlessAfterAll: dataPaths,
        diagnosis: () => "ZooKeeper did not join a quorum",
        prepare: () => Promise.resolve(),
        losesClients: () => false,
    };
}

function master(config: HostConfigInputs): MasterService {
    return config.service as MasterService;
}

export function masterAddresses(config: HostConfigInputs): MasterAddress[] {
    const { members, port } = master(config);
    return members.map(({ name, address }) => ({ name, address, port }));
}

export function masterKind(connect: (config: HostConfigInputs) => MesosClient, zookeeper: ZooKeeperClient): Kind {
    /** Of all members of a configuration, and of those that leave it; each is asked once. */
    const healths = async (
        config: HostConfigInputs,
        before = config,
    ): Promise<Map<string, MasterHealth | undefined>> => {
        const client = connect(config);
        const known = [...masterAddresses(before), ...masterAddresses(config)];
        const masters = [...new Map(known.map((one) => [one.name, one])).values()];
        const found = await Promise.all(masters.map((address) => client.health(address)));
        return new Map(masters.map(({ name }, index) => [name, found[index]]));
    };
    return {
        name: "the Mesos masters",
        newcomersFirst: false,
        followsKnown: false,
        members: (config) => master(config).members,
        quorum: (config) => master(config).quorum,
        async roles(config) {
            const roles = [...(await healths(config))].map(([name, health]): [string, Role] => [
                name,
                health === undefined ? "down" : health.elected ? "leader" : health.recovered ? "follower" : "down",
            ]);
            return new Map(roles);
        },
        async baseline(config) {
            return [...(await healths(config)).values()].find((health) => health?.elected === true)?.activeAgents ?? 0;
        },
        async healthy({ config, before }, baseline) {
            const now = await healths(config, before);
            const own = now.get(config.host);
            const leader = [...now].find(([, health]) => health?.elected === true);
            if (own?.recovered !== true || leader?.[1] === undefined || leader[1].activeAgents < baseline) {
                return undefined;
            }
            const agents = `${leader[1].activeAgents} agent${leader[1].activeAgents === 1 ? "" : "s"} active`;
            return own.elected
                ? `leads, registry recovered, ${agents}`
                : `stands by, registry recovered; ${leader[0]} leads, ${agents}`;
        },
        // A log cannot grow out of a minority of its replicas: it stays silent for ever instead of losing something.
        startsOver: ({ before, config }) =>
            before !== undefined &&
            checkMasterChange(master(before), master(config)).some(({ code }) => code === "MASTER_LOG_LOST")
                ? [`${master(config).workDir}/replicated_log`]
                : [],
        // Nothing in it belongs to a credential: new masters go on with the agents, quotas and weights of the old ones.
        worthlessAfterAll: () => [],
        async objections(config, before) {
            const rules = (one: HostConfigInputs): string | undefined => one.files[masterPaths.acls]?.content;
            const leaving = leavingPrincipals(rules(before), rules(config));
            if (leaving.length === 0) {
                return [];
            }
            // The masters as they are, by the secret that they have.
            const frameworks = await connect(before)
                .frameworks()
                .catch(() => []);
            return checkPrincipalsChange(leaving, frameworks, config.cluster);
        },
        diagnosis: () => "the master did not recover its registry under a leader with all agents back",
        prepare: (host) => shareState(zookeeper, host),
        losesClients: ({ before, config }) => before !== undefined && refusesAgents(before.files, config.files),
    };
}
