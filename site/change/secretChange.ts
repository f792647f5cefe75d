/**
 * What another secret means for those who prove themselves by it: from the files before and after, and for a preview from its
 * name.
 *
 * Mesos reads secrets when it starts, and knows one for each principal (asked over HTTP, of two entries the last counted), so that masters and
 * their clients cannot change over one by one: from the first leader with a new secret on, the old one is refused.
 */
import { issue } from "../issue";
import { agentPaths, masterPaths } from "../plan/paths";
import {
    agentPrincipal,
    executorKeySecret,
    operatorPrincipal,
    principalSecret,
    workQueuePasswordSecret,
    zookeeperSecret,
} from "../plan/principals";
import type { Issue } from "../plan/types";

type Files = Readonly<Record<string, { readonly content: string }>>;

const isOther = (path: string, before: Files, after: Files): boolean =>
    before[path] !== undefined && after[path] !== undefined && before[path].content !== after[path].content;

interface Credentials {
    readonly credentials: readonly { readonly principal: string; readonly secret: string }[];
}

function secretOf(principal: string, files: Files): string | undefined {
    const text = files[masterPaths.credentials]?.content;
    if (text === undefined) return undefined;
    try {
        return (JSON.parse(text) as Credentials).credentials.find((one) => one.principal === principal)?.secret;
    } catch {
        // Not known before up, or edited by hand on the host.
        return undefined;
    }
}

/** Of a master: whether it will refuse agents that have not changed over yet. */
export function refusesAgents(before: Files, after: Files): boolean {
    const [old, now] = [secretOf(agentPrincipal, before), secretOf(agentPrincipal, after)];
    return old !== undefined && now !== undefined && old !== now;
}

/** Of an agent: whether the masters refuse it until it has changed over. */
export const isRefused = (before: Files, after: Files): boolean => isOther(agentPaths.credential, before, after);

/** Of an agent: whether it will refuse the executors that run. */
export const refusesExecutors = (before: Files, after: Files): boolean =>
    isOther(agentPaths.executorKey, before, after);

/** An agent that the masters refuse cannot be drained. */
export function checkSecretsTogether(before: Files, after: Files): Issue[] {
    if (!isRefused(before, after) || !refusesExecutors(before, after)) return [];
    return [
        issue(
            "SECRETS_TOGETHER",
            `secrets.generations.${executorKeySecret}`,
            "agents are drained for another key of their executors, and cannot be while masters refuse them for another secret of theirs",
            { fix: "make the one anew, run up, then the other" },
        ),
    ];
}

/** What happens when a secret is made anew, in one line for the preview. */
export function renewal(name: string): string {
    switch (name) {
        case zookeeperSecret:
            return "the masters restart, the leader last; until all have it, their part of ZooKeeper is open to the old one too. Nothing is refused";
        case principalSecret(agentPrincipal):
            return "when the leading master changes, agents are refused until they have restarted with it, all of a pool at once; their tasks run on. It must be done within masters.agentReregisterTimeoutSec: run up again if it is stopped";
        case principalSecret(operatorPrincipal):
            return "masters and agents restart with it; whoever else uses it finds the new one in the stack's outputs";
        case executorKeySecret:
            return "agents are drained, as many at a time as the pool says: running executors prove themselves by the old one";
        case workQueuePasswordSecret:
            return "running workers have the old one: managers that have the new one refuse them, and workers are started anew; give it to managers elsewhere";
        case "marathon-http":
            return "Marathon's servers restart, the leader last; clients elsewhere need the new one from then on";
        default:
            break;
    }
    if (name.startsWith("principal-"))
        return "its framework is refused from the change of the leading master until it comes with the new one; its tasks run on";
    if (name.endsWith("-zookeeper"))
        return "its servers restart, the leader last; until all have it, their part of ZooKeeper is open to the old one too";
    return "what uses it gets it in this run";
}
