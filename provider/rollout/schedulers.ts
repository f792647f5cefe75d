/** Rolling Marathon, Metronome and the frameworks of ours: one at a time, those that stand by first, the leader last. Their tasks notice nothing. */
import { sharesAuthority } from "../../site/change/certificateChange";
import type { SchedulerService } from "../../site/plan/types";
import type { Framework, MesosClient } from "../clients/mesos";
import type { ZooKeeperClient } from "../clients/zookeeper";
import type { Credential, HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import { quorumWaves, type Role } from "./order";
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

/** What one server says of itself. */
export interface SchedulerHealth {
    /** `host:port` of the one that leads, by its word; undefined when it knows none. */
    readonly leader: string | undefined;
}

export interface SchedulerClient {
    /** @returns undefined when it does not answer */
    health(
        url: string,
        kind: SchedulerService["kind"],
        login: Credential | undefined,
        /** Certificates of authorities, PEM. @default - those that Node.js knows */
        ca?: string,
    ): Promise<SchedulerHealth | undefined>;
}

const titles = {
    marathon: "Marathon",
    metronome: "Metronome",
    workQueue: "the Work Queue framework",
    dds: "the DDS framework",
} as const;

const scheduler = (config: HostConfigInputs): SchedulerService => config.service as SchedulerService;

/**
 * Between HTTP and HTTPS, between authorities that have nothing in common, or between passwords: those that have changed over and
 * those that have not cannot hand questions on to each other. Of two passwords, all others have the new one when the leader gets it.
 */
function changesOver({ before, config, role }: Prepared): boolean {
    if (before === undefined) return false;
    if (config.former?.login !== undefined && role !== "leader") return true;
    const [old, now] = [scheduler(before).tls, scheduler(config).tls];
    return old === undefined || now === undefined ? old !== now : !sharesAuthority(old.ca, now.ca);
}

export class SchedulerStrategy implements Strategy {
    public readonly isQuorum = false;
    /** Servers that have left: on a busy machine the engine's calls for those of one framework come apart. */
    private readonly gone = new Set<string>();
    /** When all servers leave: what ends with them, and the host that sees to it. */
    private ending: { readonly host: string; readonly frameworks: readonly Framework[] } | undefined;

    public constructor(
        private readonly client: SchedulerClient,
        private readonly mesos: (config: HostConfigInputs) => MesosClient,
        private readonly zookeeper: ZooKeeperClient,
        private readonly clock: Clock = realClock,
    ) {}

    /** One that hands questions on to a leader that has not changed over yet needs the former password for it. */
    private async health(config: HostConfigInputs, address: string): Promise<SchedulerHealth | undefined> {
        const { port, kind, tls } = scheduler(config);
        const url = `${tls ? "https" : "http"}://${address}:${port}`;
        const now = await this.client.health(url, kind, config.login, tls?.ca);
        const former = config.former?.login;
        if (now === undefined || now.leader !== undefined || former === undefined) return now;
        return this.client.health(url, kind, former, tls?.ca);
    }

    /** Also of those that are yet to be given a certificate; no password goes over the wire in plain for that. */
    private async anyHealth(config: HostConfigInputs, address: string): Promise<SchedulerHealth | undefined> {
        const { port, kind, tls } = scheduler(config);
        const now = await this.health(config, address);
        return now ?? (tls && this.client.health(`http://${address}:${port}`, kind, undefined));
    }

    private async healths(config: HostConfigInputs): Promise<Map<string, SchedulerHealth | undefined>> {
        const { members } = scheduler(config);
        const found = await Promise.all(members.map(({ address }) => this.anyHealth(config, address)));
        return new Map(members.map(({ name }, index) => [name, found[index]]));
    }

    /** The member at an address, by name. */
    private nameOf(config: HostConfigInputs, leader: string | undefined): string | undefined {
        const { members, port } = scheduler(config);
        return members.find(({ name, address }) => [`${name}:${port}`, `${address}:${port}`].includes(leader ?? ""))
            ?.name;
    }

    public async roles(configs: readonly HostConfigInputs[]): Promise<ReadonlyMap<string, Role>> {
        const [first] = configs;
        if (first === undefined) {
            return new Map();
        }
        const healths = await this.healths(first);
        const leaders = [...healths.values()].map((health) => this.nameOf(first, health?.leader));
        const role = (name: string, health: SchedulerHealth | undefined): Role =>
            health === undefined ? "down" : leaders.includes(name) ? "leader" : "follower";
        return new Map([...healths].map(([name, health]) => [name, role(name, health)]));
    }

    public waves(batch: readonly Prepared[]): Promise<Prepared[][]> {
        const serving = batch.filter(({ role }) => role === "leader" || role === "follower").length;
        const state = { serving, quorum: 1, members: batch.length, newcomersFirst: true };
        return Promise.resolve(quorumWaves(batch, state));
    }

    /**
     * A framework that has lost its id registers as a new one and runs everything a second time, while the tasks of the old one
     * go on until its failover time-out.
     */
    public async before(host: Prepared): Promise<readonly string[]> {
        const { kind, frameworkName, zookeeper } = scheduler(host.config);
        this.gone.delete(host.host);
        await shareState(this.zookeeper, host);
        if (!host.isNew || !host.restarts) {
            return [];
        }
        const same = (await this.mesos(host.config).frameworks()).filter(
            ({ name, tasks }) => name === frameworkName && tasks > 0,
        );
        const [first] = same;
        if (first === undefined || host.config.confirmed) {
            return [];
        }
        const isKept = await this.zookeeper.exists(zookeeper.servers, zookeeper.path).catch((error: unknown) => {
            throw new HostError(host.host, "framework id", `ZooKeeper does not answer: ${(error as Error).message}`);
        });
        if (isKept) {
            return [];
        }
        throw new HostError(
            host.host,
            "framework id",
            `${first.tasks} tasks of the framework ${first.id} ("${frameworkName}") still run, and its id is lost: ZooKeeper has no ${zookeeper.path}. ${titles[kind]} would register as a new framework and run everything twice`,
            `bring ZooKeeper's ${zookeeper.path} back from a backup; or, to give the old tasks up, end the framework (TEARDOWN at the masters) or set confirm: ${host.config.cluster}`,
        );
    }

    public async after(host: Prepared): Promise<void> {
        const { healthTimeoutSec } = host.config.rollout;
        const { kind, members } = scheduler(host.config);
        const address = members.find(({ name }) => name === host.host)?.address;
        let last = "it does not answer";
        const leader = await waitFor(
            async () => {
                // What the old leader has written last is its own alone: the new one must read it too.
                await shareState(this.zookeeper, host);
                const own = address && (await this.health(host.config, address));
                if (own) {
                    last = "it knows no leader";
                }
                return own ? (own.leader ?? (changesOver(host) ? "" : undefined)) : undefined;
            },
            healthTimeoutSec,
            () =>
                new HostError(
                    host.host,
                    "health",
                    `${titles[kind]} is not well within ${healthTimeoutSec} s: ${last}`,
                    `look at its log: ssh ${host.config.connection.address} journalctl -u ${Object.keys(host.config.units).join(" -u ")}`,
                ),
            this.clock,
        );
        await shareState(this.zookeeper, host);
        if (leader === "") {
            host.say("answers; it will know the leader when all have changed over");
            return;
        }
        const name = this.nameOf(host.config, leader) ?? leader;
        host.say(name === host.host ? "leads" : `stands by; ${name} leads`);
    }

    /** Its framework, as the masters have it. */
    private async registered(config: HostConfigInputs): Promise<readonly Framework[]> {
        const { frameworkName } = scheduler(config);
        return (await this.mesos(config).frameworks()).filter(({ name }) => name === frameworkName);
    }

    /** Without its last server nobody would look after its tasks, and Mesos would kill them all one day. */
    public async beforeRemoval(leaving: readonly Prepared[], confirmed: boolean): Promise<ReadonlyMap<string, Error>> {
        const [first] = leaving;
        // One whose machine is replaced will be back, and wants its state then.
        const leavingForGood = leaving.filter(({ comesBack }) => comesBack !== true);
        const names = new Set([...this.gone, ...leavingForGood.map(({ host }) => host)]);
        if (first === undefined || !scheduler(first.config).members.every(({ name }) => names.has(name))) {
            return new Map();
        }
        const { kind } = scheduler(first.config);
        const frameworks: readonly Framework[] = await this.registered(first.config).catch(() => []);
        const tasks = frameworks.reduce((sum, framework) => sum + framework.tasks, 0);
        if (tasks > 0 && !confirmed) {
            const reason = `${tasks} tasks of ${titles[kind]} still run that this stack does not declare, and would be ended with it`;
            const fix = `end or adopt them first; to end them all, run with PULUMI_MESOS_CONFIRM=${first.config.cluster}`;
            return new Map(leaving.map(({ host }) => [host, new HostError(host, "removal", reason, fix)]));
        }
        this.ending = { host: first.host, frameworks };
        return new Map();
    }

    public outdated(): readonly string[] {
        return [];
    }

    /**
     * With the last server go the framework and its state: the credentials of both go with the stack, and under others nobody
     * could ever open or remove them.
     */
    public async afterRemoval(host: Prepared): Promise<void> {
        const { config } = host;
        if (host.comesBack !== true) this.gone.add(host.host);
        if (this.ending?.host !== host.host) {
            return;
        }
        const { zookeeper } = scheduler(config);
        try {
            for (const { id } of this.ending.frameworks) {
                await this.mesos(config).teardown(id);
                host.say(`framework ${id} is ended`);
            }
            if (config.stateOwner !== undefined) {
                await this.zookeeper.removeAll(zookeeper.servers, zookeeper.path, config.stateOwner);
                host.say(`its state in ZooKeeper, ${zookeeper.path}, is removed`);
            }
        } catch (error) {
            host.warn(
                `what it has left at the masters or in ZooKeeper stays there: ${(error as Error).message.split("\n")[0] ?? ""}`,
            );
        }
    }

    public readonly observe = asPlanned;

    public foretell(config: HostConfigInputs, before: HostConfigInputs): string {
        return foretold(restartLines(config, before, ", tasks keep running"));
    }
}
