/** Rolling Mesos agents: an additive change restarts in place, any other drains the agent and gives it a new id. */
import { classifyAgentChange } from "../../site/change/agentChange";
import type { AgentService } from "../../site/plan/types";
import type { Agent, MesosClient } from "../clients/mesos";
import { type HostConfigInputs, plannedRestarts } from "../host/config";
import { HostError } from "../host/errors";
import { agentIdentity } from "../host/inspect";
import { poolWaves, type Role } from "./order";
import { type Clock, type Prepared, realClock, type Strategy, waitFor } from "./strategy";

function agent(config: HostConfigInputs): AgentService {
    return config.service as AgentService;
}

/** Some seconds more than the tasks' grace: the master learns of the last task's end a moment later. */
const DRAIN_MARGIN_SEC = 60;

export class AgentStrategy implements Strategy {
    public readonly isQuorum = false;
    /** The registration of each host's agent before its service went down: the same one proves nothing afterwards. */
    private readonly stale = new Map<string, string>();

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

    public waves(batch: readonly Prepared[]): Promise<Prepared[][]> {
        return Promise.resolve(poolWaves(batch, batch[0]?.config.rollout.maxUnavailable ?? 1));
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
        if (!needsNewId) {
            return [];
        }
        host.say(`needs a new agent id: ${change.reasons.join("; ")}`);
        await this.drain(host);
        return agentIdentity(host.config);
    }

    private async drain(host: Prepared): Promise<void> {
        const client = this.connect(host.config);
        const found = await this.find(host.config);
        if (found === undefined || (host.comesBack === true && !found.active)) {
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
                const now = (await client.agents()).find(({ id }) => id === found.id);
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
        const found = await waitFor(
            async () => {
                const now = await this.find(host.config).catch(() => undefined);
                return now?.active === true && now.registration !== this.stale.get(host.host) ? now : undefined;
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
        if (found.deactivated || found.drain !== undefined) {
            await this.connect(host.config).reactivate(found.id);
            host.say("reactivated (it was drained by a run that did not finish)");
        }
        host.say(`registered as ${found.id}`);
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
        const restarts = plannedRestarts(before, config);
        return restarts.length === 0
            ? "no service restarts"
            : restarts
                  .map(({ unit, because }) => `restarts ${unit} in place, tasks keep running (${because.join(", ")})`)
                  .join("; ");
    }
}
