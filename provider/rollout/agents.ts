/** Rolling Mesos agents: an additive change restarts in place, any other drains the agent and gives it a new id. */
import { classifyAgentChange } from "../../site/change/agentChange";
import { isRefused, refusesExecutors } from "../../site/change/secretChange";
import type { AgentService } from "../../site/plan/types";
import type { Agent, MesosClient } from "../clients/mesos";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import { agentIdentity } from "../host/inspect";
import { poolWaves, type Role } from "./order";
import {
    type Clock,
    foretold,
    type Observed,
    type Prepared,
    realClock,
    restartLines,
    type Strategy,
    waitFor,
} from "./strategy";

function agent(config: HostConfigInputs): AgentService {
    return config.service as AgentService;
}

/** For how long the master's answer serves the hosts of one refresh, which ask one after the other. */
const ANSWER_MS = 5000;

/** Whether the master offers nothing of the agent because it was told to. */
function isDrained({ deactivated, drain }: Agent): boolean {
    return deactivated || drain !== undefined;
}

const ofExecutors = "executors that run know only the former key";

/** Some seconds more than the tasks' grace: the master learns of the last task's end a moment later. */
const DRAIN_MARGIN_SEC = 60;

export class AgentStrategy implements Strategy {
    public readonly isQuorum = false;
    /** The registration of each host's agent before its service went down: the same one proves nothing afterwards. */
    private readonly stale = new Map<string, string>();
    private answer: { readonly agents: Promise<readonly Agent[]>; readonly until: number } | undefined;

    public constructor(
        private readonly connect: (config: HostConfigInputs) => MesosClient,
        private readonly clock: Clock = realClock,
    ) {}

    /** The agent that is registered under the host's name now; of several, the active one. */
    private async find(config: HostConfigInputs): Promise<Agent | undefined> {
        const all = (await this.connect(config).agents()).filter(({ hostname }) => hostname === agent(config).hostname);
        return all.find(({ active }) => active) ?? all[0];
    }

    public async roles(configs: readonly HostConfigInputs[]): Promise<ReadonlyMap<string, Role>> {
        const [first] = configs;
        // On the very first `up` there may be nobody to ask.
        const agents =
            first === undefined
                ? []
                : await this.connect(first)
                      .agents()
                      .catch(() => []);
        const active = new Set(agents.filter((a) => a.active).map(({ hostname }) => hostname));
        return new Map(configs.map((config) => [config.host, active.has(agent(config).hostname) ? "serving" : "down"]));
    }

    /** Agents that the masters refuse are away already, and their tasks are lost if they stay away too long: all at once. */
    public waves(batch: readonly Prepared[]): Promise<Prepared[][]> {
        const refused = batch.some(
            ({ before, config }) => before !== undefined && isRefused(before.files, config.files),
        );
        const atOnce = refused ? batch.length : (batch[0]?.config.rollout.maxUnavailable ?? 1);
        return Promise.resolve(poolWaves(batch, atOnce));
    }

    public async before(host: Prepared): Promise<readonly string[]> {
        // A run that was cut off after this host was done has left nothing to do here.
        if (host.drift.length === 0) {
            return [];
        }
        const change = host.before && classifyAgentChange(agent(host.before), agent(host.config));
        const needsNewId = change?.kind === "newAgentId" || change?.kind === "replaceHost";
        if (host.restarts || needsNewId) {
            const present = await this.find(host.config).catch(() => undefined);
            this.stale.set(host.host, present?.registration ?? "");
        }
        if (host.before !== undefined && refusesExecutors(host.before.files, host.config.files)) {
            host.say(ofExecutors);
            await this.drain(host);
        }
        if (!needsNewId) {
            return [];
        }
        host.say(`needs a new agent id: ${change.reasons.join("; ")}`);
        await this.drain(host);
        return agentIdentity(host.config);
    }

    /** Ends the agent's tasks and lets it have no more; a lost machine that is made again has none. */
    private async drain(host: Prepared): Promise<void> {
        const client = this.connect(host.config);
        const found = await this.find(host.config);
        if (found === undefined || found.drain === "DRAINED" || (host.comesBack === true && !found.active)) {
            return;
        }
        const { drainGraceSec } = agent(host.config);
        host.say(`drains (tasks have up to ${drainGraceSec} s to end)`);
        if (found.drain === undefined) {
            await client.drain(found.id, drainGraceSec);
        }
        const timeoutSec = drainGraceSec + DRAIN_MARGIN_SEC;
        await waitFor(
            async () => {
                // A leader that changes meanwhile, or one answer that is lost, does not end a drain.
                const agents = await client.agents().catch(() => undefined);
                if (agents === undefined) {
                    return undefined;
                }
                const now = agents.find(({ id }) => id === found.id);
                return now === undefined || now.drain === "DRAINED" ? true : undefined;
            },
            timeoutSec,
            () =>
                new HostError(
                    host.host,
                    "drain",
                    `agent ${found.id} still has tasks after ${timeoutSec} s`,
                    "a framework that is gone may not have acknowledged a task's end; look at the agent's tasks in the master's UI, then run again",
                ),
            this.clock,
        );
        host.say("drained");
    }

    public async after(host: Prepared): Promise<void> {
        const { healthTimeoutSec } = host.config.rollout;
        const drained = agent(host.config).drained === true;
        let reactivated = false;
        const found = await waitFor(
            async () => {
                const now = await this.find(host.config).catch(() => undefined);
                if (now === undefined || now.registration === this.stale.get(host.host)) {
                    return undefined;
                }
                if (drained) {
                    return now.active || isDrained(now) ? now : undefined;
                }
                if (isDrained(now) && !reactivated) {
                    await this.connect(host.config).reactivate(now.id);
                    reactivated = true;
                    host.say("reactivated: takes tasks again");
                    return undefined;
                }
                return now.active ? now : undefined;
            },
            healthTimeoutSec,
            () =>
                new HostError(
                    host.host,
                    "health",
                    `the agent did not register with the leading master within ${healthTimeoutSec} s`,
                    `look at its log: ssh ${host.config.connection.address} journalctl -u mesos-agent`,
                ),
            this.clock,
        );
        this.stale.delete(host.host);
        host.say(`registered as ${found.id}`);
        if (drained) {
            await this.drain(host);
        }
    }

    /** A drained agent is drift where it should take tasks: a run that was killed, or a hand, has left it so. */
    public async observe(config: HostConfigInputs): Promise<Observed> {
        const now = this.clock.now();
        if (this.answer === undefined || this.answer.until < now) {
            this.answer = { agents: this.connect(config).agents(), until: now + ANSWER_MS };
        }
        const planned = agent(config);
        const found = (await this.answer.agents).filter(({ hostname }) => hostname === planned.hostname);
        if (found.length === 0 || found.every(isDrained) === (planned.drained === true)) {
            return { service: planned, drift: [] };
        }
        const { drained, ...active } = planned;
        return drained === true
            ? { service: active, drift: ["the master gives it tasks, although it is declared drained"] }
            : { service: { ...active, drained: true }, drift: ["the master gives it no tasks: it was drained"] };
    }

    public async beforeRemoval(leaving: readonly Prepared[], confirmed: boolean): Promise<ReadonlyMap<string, Error>> {
        const drains = await Promise.allSettled(leaving.map((host) => this.drain(host)));
        const stay = new Map<string, Error>();
        leaving.forEach((host, index) => {
            const drain = drains[index];
            if (drain?.status !== "rejected") {
                return;
            }
            const error = drain.reason as Error;
            if (confirmed) {
                host.warn(`is taken out without being drained: ${error.message.split("\n")[0] ?? ""}`);
            } else if (error instanceof HostError) {
                stay.set(host.host, error);
            } else {
                const fix = `to take the agent out without draining it, run with PULUMI_MESOS_CONFIRM=${host.config.cluster}`;
                stay.set(host.host, new HostError(host.host, "drain", error.message, fix));
            }
        });
        return stay;
    }

    /** The drained agent's id. */
    public outdated({ config }: Prepared): readonly string[] {
        return agentIdentity(config);
    }

    /** The agent's id never comes back, so the master need not wait for it. */
    public async afterRemoval(host: Prepared): Promise<void> {
        const found = await this.find(host.config).catch(() => undefined);
        if (found !== undefined) {
            await this.connect(host.config).markGone(found.id);
            host.say(`agent ${found.id} is marked gone`);
        }
    }

    public foretell(config: HostConfigInputs, before: HostConfigInputs): string {
        const change = classifyAgentChange(agent(before), agent(config));
        if (change.kind === "newAgentId" || change.kind === "replaceHost") {
            return `drains, then restarts as a new agent: ${change.reasons.join("; ")}`;
        }
        if (refusesExecutors(before.files, config.files)) {
            return `drains, then restarts: ${ofExecutors}`;
        }
        const { drained = false, drainGraceSec } = agent(config);
        const wasDrained = agent(before).drained ?? false;
        const refused = isRefused(before.files, config.files) ? ", with all of its pool at once" : "";
        const lines = restartLines(config, before, ` in place${refused}, tasks keep running`);
        if (drained && !wasDrained) {
            lines.push(`drains: its tasks have up to ${drainGraceSec} s to end, and no new ones come`);
        }
        if (wasDrained && !drained) {
            lines.push("takes tasks again (it is drained)");
        }
        return foretold(lines);
    }
}
