/** The part of Mesos' operator API that hosts need: who leads, which agents are there, draining. */
import { request as httpRequest } from "node:http";
import type { RunningFramework } from "../../site/change/principalChange";
import type { Credential } from "../host/config";
import { UnreachableError, UserError } from "../resources/resource";
import type { Plain } from "../wire";
import { dial, patience, type Route } from "./dial";

export interface MasterAddress {
    readonly name: string;
    readonly address: string;
    readonly port: number;
}

export interface Agent {
    readonly id: string;
    readonly hostname: string;
    readonly active: boolean;
    readonly deactivated: boolean;
    readonly drain: "DRAINING" | "DRAINED" | undefined;
    /** Changes with every (re-)registration; compared only with itself, so clocks do not matter. */
    readonly registration: string;
}

/** A framework that has not ended. */
export type Framework = RunningFramework;

/** Health of one master. */
export interface MasterHealth {
    readonly elected: boolean;
    /** Its replica of the registry's log takes part. */
    readonly recovered: boolean;
    readonly activeAgents: number;
}

/** Any call of the operator API, sent to the leader. */
export interface OperatorApi {
    operate(type: string, parts: object): Promise<Record<string, Plain>>;
}

export interface MesosClient {
    /** @returns undefined when the master does not answer */
    health(master: MasterAddress): Promise<MasterHealth | undefined>;
    /** @returns undefined when no master leads */
    leader(): Promise<MasterAddress | undefined>;
    agents(): Promise<Agent[]>;
    drain(agentId: string, graceSec: number): Promise<void>;
    reactivate(agentId: string): Promise<void>;
    markGone(agentId: string): Promise<void>;
    /** Frameworks that have not ended, connected or not. */
    frameworks(): Promise<Framework[]>;
    /** Ends a framework, and every task of it. */
    teardown(frameworkId: string): Promise<void>;
}

const TIMEOUT_MS = 5000;
/** How long a new leader may take to read the registry, and how often it is asked. */
const RECOVERY_MS = 30_000;
const RETRY_MS = 500;

interface Answer {
    readonly status: number;
    readonly body: string;
}

interface ApiAgent {
    readonly agent_info: { readonly id: { readonly value: string }; readonly hostname: string };
    readonly active: boolean;
    readonly deactivated?: boolean;
    readonly drain_info?: { readonly state: "DRAINING" | "DRAINED" };
    readonly registered_time?: { readonly nanoseconds: number };
    readonly reregistered_time?: { readonly nanoseconds: number };
}

interface ApiFramework {
    readonly framework_info: {
        readonly id: { readonly value: string };
        readonly name: string;
        readonly principal?: string;
    };
}

interface ApiTask {
    readonly framework_id: { readonly value: string };
}

export class HttpMesosClient implements MesosClient, OperatorApi {
    public constructor(
        private readonly masters: readonly MasterAddress[],
        private readonly operator: Credential | undefined,
        private readonly route: Route,
        /** For masters that do not accept the other one, or not yet. @default - there is none */
        private readonly former?: Credential,
    ) {}

    private async send(master: MasterAddress, method: string, path: string, body?: unknown): Promise<Answer> {
        const answer = await this.sendAs(this.operator, master, method, path, body);
        return answer.status === 401 && this.former !== undefined
            ? this.sendAs(this.former, master, method, path, body)
            : answer;
    }

    private sendAs(
        operator: Credential | undefined,
        master: MasterAddress,
        method: string,
        path: string,
        body: unknown,
    ): Promise<Answer> {
        return new Promise((resolve, reject) => {
            const text = body === undefined ? "" : JSON.stringify(body);
            const timeoutMs = patience(this.route, TIMEOUT_MS);
            const stream = dial(master.address, master.port, this.route);
            const request = httpRequest({
                createConnection: () => stream,
                host: master.address,
                port: master.port,
                method,
                path,
                ...(operator && { auth: `${operator.principal}:${operator.secret}` }),
                headers: {
                    Accept: "application/json",
                    Connection: "close",
                    ...(body !== undefined && {
                        "Content-Type": "application/json",
                        "Content-Length": Buffer.byteLength(text),
                    }),
                },
            });
            const timer = setTimeout(() => {
                request.destroy(new Error(`${master.name} gave no answer within ${timeoutMs / 1000} s`));
                // The stream itself, too: a connection attempt to a dead host would go on for minutes.
                stream.destroy();
            }, timeoutMs);
            request.on("response", (response) => {
                let answer = "";
                response.setEncoding("utf8");
                response.on("data", (chunk: string) => (answer += chunk));
                response.on("end", () => {
                    clearTimeout(timer);
                    resolve({ status: response.statusCode ?? 0, body: answer });
                });
                response.on("error", reject);
            });
            request.on("error", (error) => {
                clearTimeout(timer);
                reject(error);
            });
            request.end(text);
        });
    }

    public async health(master: MasterAddress): Promise<MasterHealth | undefined> {
        const answer = await this.send(master, "GET", "/metrics/snapshot").catch(() => undefined);
        if (answer?.status !== 200) {
            return undefined;
        }
        const metrics = JSON.parse(answer.body) as Record<string, number>;
        return {
            elected: metrics["master/elected"] === 1,
            recovered: metrics["registrar/log/recovered"] === 1,
            activeAgents: metrics["master/slaves_active"] ?? 0,
        };
    }

    /** By each master's own word, not by redirects: those name hosts by names that need not resolve here. */
    public async leader(): Promise<MasterAddress | undefined> {
        const healths = await Promise.all(this.masters.map((master) => this.health(master)));
        return this.masters.find((_, index) => healths[index]?.elected === true);
    }

    /** A leader that has just been elected first reads the registry, and answers 503 until it has. */
    private async call(body: { type: string; [key: string]: unknown }): Promise<string> {
        const deadline = Date.now() + RECOVERY_MS;
        for (;;) {
            const { leader, status, text } = await this.callOnce(body);
            if (status === 200 || status === 202) {
                return text;
            }
            if (status !== 503 || Date.now() > deadline) {
                throw new UserError(`${body.type} on master ${leader}: HTTP ${status} ${text.trim().slice(0, 500)}`);
            }
            await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
    }

    private async callOnce(body: object): Promise<{ leader: string; status: number; text: string }> {
        const leader = await this.leader();
        if (leader === undefined) {
            const list = this.masters.map(({ address, port }) => `${address}:${port}`).join(", ");
            throw new UnreachableError(
                `no Mesos master leads (asked ${list})\n  fix: bring the masters and ZooKeeper back first`,
            );
        }
        const { status, body: text } = await this.send(leader, "POST", "/api/v1", body);
        return { leader: leader.name, status, text };
    }

    public async operate(type: string, parts: object): Promise<Record<string, Plain>> {
        const text = await this.call({ type, ...parts });
        return text.trim() === "" ? {} : (JSON.parse(text) as Record<string, Plain>);
    }

    public async agents(): Promise<Agent[]> {
        const answer = JSON.parse(await this.call({ type: "GET_AGENTS" })) as { get_agents: { agents?: ApiAgent[] } };
        return (answer.get_agents.agents ?? []).map((agent) => {
            const { id, hostname } = agent.agent_info;
            const registered = (agent.reregistered_time ?? agent.registered_time)?.nanoseconds ?? 0;
            return {
                id: id.value,
                hostname,
                active: agent.active,
                deactivated: agent.deactivated ?? false,
                drain: agent.drain_info?.state,
                registration: `${id.value} ${registered}`,
            };
        });
    }

    public async frameworks(): Promise<Framework[]> {
        const [frameworks, tasks] = await Promise.all([
            this.operate("GET_FRAMEWORKS", {}) as unknown as Promise<{
                get_frameworks: { frameworks?: ApiFramework[] };
            }>,
            this.operate("GET_TASKS", {}) as unknown as Promise<{ get_tasks: { tasks?: ApiTask[] } }>,
        ]);
        const owners = (tasks.get_tasks.tasks ?? []).map(({ framework_id: { value } }) => value);
        return (frameworks.get_frameworks.frameworks ?? []).map(({ framework_info: { id, name, principal = "" } }) => ({
            id: id.value,
            name,
            principal,
            tasks: owners.filter((owner) => owner === id.value).length,
        }));
    }

    public async teardown(frameworkId: string): Promise<void> {
        await this.call({ type: "TEARDOWN", teardown: { framework_id: { value: frameworkId } } });
    }

    public async drain(agentId: string, graceSec: number): Promise<void> {
        await this.call({
            type: "DRAIN_AGENT",
            drain_agent: { agent_id: { value: agentId }, max_grace_period: { seconds: graceSec }, mark_gone: false },
        });
    }

    public async reactivate(agentId: string): Promise<void> {
        await this.call({ type: "REACTIVATE_AGENT", reactivate_agent: { agent_id: { value: agentId } } });
    }

    public async markGone(agentId: string): Promise<void> {
        await this.call({ type: "MARK_AGENT_GONE", mark_agent_gone: { agent_id: { value: agentId } } });
    }
}
