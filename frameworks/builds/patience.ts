/** Asking a store that may be away for a while: it is killed, or started anew, and comes back. */
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ended } from "../shared/command";

const CONNECT_MS = 5000;

/** Whether nobody listens there. @param url `scheme://host:port` */
export function isAway(url: string): Promise<boolean> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve) => {
        const socket = connect({ host: hostname, port: Number(port), timeout: CONNECT_MS });
        const end = (away: boolean): void => {
            socket.destroy();
            resolve(away);
        };
        socket
            .on("connect", () => end(false))
            .on("error", () => end(true))
            .on("timeout", () => end(true));
    });
}

export interface Patience {
    readonly patienceSec: number;
    readonly signal: AbortSignal;
    readonly log: (line: string) => void;
    /** @default 2000 */
    readonly retryMs?: number;
}

/**
 * Asks until it goes well, as long as the store is away; where it is there, once more: it may just have come back.
 * @returns the last answer
 */
export async function patiently(
    ask: () => Promise<Ended>,
    away: () => Promise<boolean>,
    { patienceSec, signal, log, retryMs = 2000 }: Patience,
): Promise<Ended> {
    const end = Date.now() + patienceSec * 1000;
    let told = false;
    for (let left = 1; ;) {
        const answer = await ask();
        if (answer.code === 0 || signal.aborted || Date.now() > end) return answer;
        if (await away()) {
            if (!told) log("the store is away: waits for it");
            told = true;
        } else if (left-- === 0) return answer;
        await sleep(retryMs);
    }
}
