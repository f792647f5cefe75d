/** Is a server of Marathon, Metronome or a framework of ours there, and who leads? */
import { basicAuth } from "../../frameworks/scheduler/credential";
import type { SchedulerService } from "../../site/plan/types";
import type { Credential } from "../host/config";
import type { SchedulerClient, SchedulerHealth } from "../rollout/schedulers";
import { open, textOf } from "./request";

const TIMEOUT_MS = 3000;

/** Where each says who leads (facts: rest-apis 1.1 and 2.1). */
const paths: Readonly<Record<SchedulerService["kind"], string>> = {
    marathon: "/v2/leader",
    metronome: "/leader",
    workQueue: "/status.json",
    dds: "/status.json",
};

/** "10.0.0.1:8080", from {"leader": "10.0.0.1:8080"} or from the text itself. */
export function leaderOf(text: string): string | undefined {
    try {
        const parsed = JSON.parse(text) as unknown;
        const leader = typeof parsed === "object" && parsed !== null ? (parsed as { leader?: unknown }).leader : parsed;
        return typeof leader === "string" && leader !== "" ? leader : undefined;
    } catch {
        return /^[\w.-]+:\d+$/.exec(text.trim())?.[0];
    }
}

async function health(
    url: string,
    kind: SchedulerService["kind"],
    login: Credential | undefined,
    ca?: string,
): Promise<SchedulerHealth | undefined> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (login !== undefined) {
        headers["Authorization"] = basicAuth(login);
    }
    try {
        const answer = await open(new URL(paths[kind], url), { headers, ca, signal: AbortSignal.timeout(TIMEOUT_MS) });
        const text = await textOf(answer);
        return { leader: answer.statusCode === 200 ? leaderOf(text) : undefined };
    } catch {
        return undefined;
    }
}

export const schedulerClient: SchedulerClient = { health };
