/** The hybrid site's health, asked of every server itself. */
import { join } from "node:path";
import { must } from "../../e2e/support/processes";
import { eventually } from "../../e2e/support/steps";
import { HYBRID, hybrid } from "./stack";

export const QUORUM = ["os1", "os2", "os3"] as const;
export const AGENTS = ["hy1", "hy2", "vm1", "vm2"] as const;

/** As lab/Pulumi.lab-openstack.yaml has them. */
export function addressOf(host: string): string {
    const [net, first] = { os: ["10.77.0", 30], vm: ["10.77.0", 40], hy: ["10.214.0", 10] }[host.slice(0, 2)] ?? [];
    return `${net ?? ""}.${Number(first) + Number(host.slice(2))}`;
}

/** A shell command as root on a host. @returns its standard output */
export function on(host: string, command: string): Promise<string> {
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5"];
    const args = ["-i", join(HYBRID, "id_ed25519"), ...options.flatMap((option) => ["-o", option])];
    return must("ssh", [...args, `root@${addressOf(host)}`, command], { timeoutSec: 60 });
}

async function zookeeperMode(host: string): Promise<string> {
    const text = await on(host, `echo srvr | nc -w 2 ${addressOf(host)} 2181`).catch(() => "");
    return /^Mode: (\w+)$/m.exec(text)?.[1] ?? "silent";
}

/** The leader by a master's own word; "" when it does not answer or knows none. */
async function leaderBy(host: string): Promise<string> {
    const answer = await fetch(`http://${addressOf(host)}:5050/redirect`, {
        redirect: "manual",
        signal: AbortSignal.timeout(2000),
    }).catch(() => undefined);
    return /^(?:https?:)?\/\/([^/:]+)/.exec(answer?.headers.get("location") ?? "")?.[1] ?? "";
}

export interface Agent {
    readonly id: string;
    readonly hostname: string;
    readonly active: boolean;
}

async function agents(leader: string): Promise<Agent[]> {
    const { operator } = await hybrid.outputs();
    const answer = await fetch(`http://${addressOf(leader)}:5050/api/v1`, {
        method: "POST",
        headers: {
            "Content-Type": "application/json",
            Accept: "application/json",
            Authorization: `Basic ${Buffer.from(`${operator.principal}:${operator.secret}`).toString("base64")}`,
        },
        body: '{"type": "GET_AGENTS"}',
        signal: AbortSignal.timeout(5000),
    });
    interface ApiAgent {
        readonly active: boolean;
        readonly agent_info: { readonly id: { readonly value: string }; readonly hostname: string };
    }
    const { get_agents: list } = (await answer.json()) as { get_agents: { agents?: ApiAgent[] } };
    return (list.agents ?? []).map(({ active, agent_info: { id, hostname } }) => ({ id: id.value, hostname, active }));
}

export interface Health {
    readonly leader: string;
    /** Active agents' ids by host. */
    readonly agents: Readonly<Record<string, string>>;
}

/** Waits until one ensemble serves, one master leads, and exactly these hosts have an active agent. */
export async function healthy(expected: readonly string[] = AGENTS, timeoutSec = 90): Promise<Health> {
    let last = "";
    return eventually(
        "the site is healthy",
        async () => {
            const modes = await Promise.all(QUORUM.map(zookeeperMode));
            const leaders = [...new Set(await Promise.all(QUORUM.map(leaderBy)))];
            const [leader = ""] = leaders;
            const list = leader === "" ? [] : await agents(leader).catch(() => []);
            const active = list.filter((agent) => agent.active);
            last = JSON.stringify({ modes, leaders, agents: active.map(({ hostname }) => hostname).sort() });
            const isWell =
                [...modes].sort().join() === "follower,follower,leader" &&
                leaders.length === 1 &&
                leader !== "" &&
                active
                    .map(({ hostname }) => hostname)
                    .sort()
                    .join() === [...expected].sort().join();
            return isWell
                ? { leader, agents: Object.fromEntries(active.map(({ hostname, id }) => [hostname, id])) }
                : undefined;
        },
        { timeoutSec, everyMs: 1000 },
        () => last,
    );
}
