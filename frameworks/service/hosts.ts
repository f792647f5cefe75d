/** Which hosts are not good for tasks of a framework just now: those on which they fail soon after their start. */
import type { TaskStatus } from "../scheduler";

export interface AvoidanceRules {
    /** So many early failures in a row, and the host is avoided. @default 3 */
    readonly failures: number;
    /** A worker that fails within so long after its start has failed early. @default 60 */
    readonly earlySec: number;
    /** How long a host is avoided the first time; twice as long each time after it. @default 600 */
    readonly avoidSec: number;
    /** Never longer. @default 14400 */
    readonly maxAvoidSec: number;
}

/** What is known of one host. */
interface Standing {
    readonly failures: number;
    /** How often it has been avoided since a worker did well there. */
    readonly times: number;
    /** Milliseconds since 1970. */
    readonly untilMs: number;
    readonly lastMessage: string;
}

export type Hosts = ReadonlyMap<string, Standing>;

export interface Avoided {
    readonly host: string;
    readonly untilMs: number;
    readonly reason: string;
}

/** Whether an end of a worker speaks against its host. */
export function speaksAgainst({ state, reason = "" }: TaskStatus): boolean {
    // A worker over its limits, or preempted, is no fault of the host's.
    return state === "TASK_FAILED" && !reason.startsWith("REASON_CONTAINER_LIMITATION");
}

/** A pause, where avoiding would be wrong, milliseconds. */
const BREATHER_MS = 10_000;

/**
 * After a worker has failed early, or could not be started in time.
 *
 * Where workers fail on more than half of all hosts, it is not the hosts: then none but these is left alone for long.
 * @param known how many hosts there are
 */
export function afterFailure(
    hosts: Hosts,
    host: string,
    message: string,
    nowMs: number,
    rules: AvoidanceRules,
    known: number,
): Hosts {
    const { failures = 0, times = 0, untilMs = 0 } = hosts.get(host) ?? {};
    // Several that were started together fail together: they count once it is avoided for one reason only.
    if (untilMs > nowMs) {
        return hosts;
    }
    const avoid = failures + 1 >= rules.failures;
    const others = [...hosts.values()].filter(({ untilMs: until }) => until > nowMs).length;
    if (avoid && others > 0 && others + 1 > known / 2) {
        return new Map(hosts).set(host, { failures, times, untilMs: nowMs + BREATHER_MS, lastMessage: message });
    }
    const avoidMs = Math.min(rules.maxAvoidSec, rules.avoidSec * 2 ** Math.min(times, 30)) * 1000;
    return new Map(hosts).set(host, {
        // After its time one more failure is enough.
        failures: avoid ? rules.failures - 1 : failures + 1,
        times: avoid ? times + 1 : times,
        untilMs: avoid ? nowMs + avoidMs : 0,
        lastMessage: message,
    });
}

/** After a worker has done well: ended in order, or lived longer than "early". */
export function afterSuccess(hosts: Hosts, host: string): Hosts {
    if (!hosts.has(host)) {
        return hosts;
    }
    const rest = new Map(hosts);
    rest.delete(host);
    return rest;
}

/** Milliseconds that the host is still avoided; 0 when it may be used. */
export const avoidedMs = (hosts: Hosts, host: string, nowMs: number): number =>
    Math.max(0, (hosts.get(host)?.untilMs ?? 0) - nowMs);

export const avoidedHosts = (hosts: Hosts, nowMs: number): Avoided[] =>
    [...hosts].flatMap(([host, { untilMs, lastMessage }]) =>
        untilMs > nowMs ? [{ host, untilMs, reason: lastMessage }] : [],
    );
