/** A steady load of HTTP requests, half of them on kept connections, as browsers and services make them. */
import { Agent, request } from "node:http";

export interface Outcome {
    readonly requests: number;
    /** What failed, by reason. */
    readonly failed: Readonly<Record<string, number>>;
    /** How often each answer came. */
    readonly answers: Readonly<Record<string, number>>;
    /** Milliseconds that the slowest took. */
    readonly slowestMs: number;
}

export interface Target {
    readonly address: string;
    readonly port: number;
    readonly host?: string;
}

const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** Sends `perSecond` requests in turn to the targets until `stop` is called, which waits for the last answer. */
export function load(targets: readonly Target[], perSecond: number): { stop(): Promise<Outcome> } {
    const kept = new Agent({ keepAlive: true, maxSockets: 20 });
    const failed = new Map<string, number>();
    const answers = new Map<string, number>();
    const open = new Set<Promise<void>>();
    let sent = 0;
    let slowestMs = 0;

    const once = (target: Target, agent: Agent | false): Promise<void> =>
        new Promise((resolve) => {
            const began = Date.now();
            const end = (counts: Map<string, number>, key: string): void => {
                clearTimeout(timer);
                slowestMs = Math.max(slowestMs, Date.now() - began);
                count(counts, key);
                resolve();
            };
            const { address, port, host = address } = target;
            const call = request({ host: address, port, path: "/", agent, headers: { Host: host } });
            const timer = setTimeout(() => call.destroy(new Error("no answer within 10 s")), 10_000);
            call.on("error", (error: NodeJS.ErrnoException) => end(failed, error.code ?? error.message));
            call.on("response", (response) => {
                let text = "";
                response.setEncoding("utf8").on("data", (data: string) => (text += data));
                response.on("error", (error: NodeJS.ErrnoException) => end(failed, error.code ?? error.message));
                response.on("end", () =>
                    response.statusCode === 200
                        ? end(answers, text.trim())
                        : end(failed, `HTTP ${response.statusCode ?? 0}`),
                );
            });
            call.end();
        });

    const clock = setInterval(() => {
        const target = targets[sent % targets.length];
        if (target === undefined) return;
        const work = once(target, Math.floor(sent / targets.length) % 2 === 0 ? kept : false).finally(() =>
            open.delete(work),
        );
        open.add(work);
        sent += 1;
    }, 1000 / perSecond);
    return {
        async stop() {
            clearInterval(clock);
            await Promise.all(open);
            kept.destroy();
            return {
                requests: sent,
                failed: Object.fromEntries(failed),
                answers: Object.fromEntries(answers),
                slowestMs,
            };
        },
    };
}
