/** Server-sent events: wakes who waits for a change. What it misses the waiters see by asking now and then. */
import { setTimeout as sleep } from "node:timers/promises";
import type { HttpGroup } from "./http";

const kinds = [
    "deployment_success",
    "deployment_failed",
    "status_update_event",
    "instance_changed_event",
    "instance_health_changed_event",
];
const RECONNECT_MS = 2000;

/** Calls back on every event while somebody listens. */
export class EventStream {
    private abort: AbortController | undefined;
    private readonly listeners = new Set<() => void>();

    public constructor(private readonly http: HttpGroup) {}

    public listen(wake: () => void): () => void {
        this.listeners.add(wake);
        if (this.abort === undefined) {
            this.abort = new AbortController();
            void this.run(this.abort.signal);
        }
        return () => {
            this.listeners.delete(wake);
            if (this.listeners.size > 0) return;
            this.abort?.abort();
            this.abort = undefined;
        };
    }

    private async run(signal: AbortSignal): Promise<void> {
        const query = kinds.map((kind) => `event_type=${kind}`).join("&");
        while (!signal.aborted) {
            try {
                await this.follow(this.http.url(`/v2/events?plan-format=light&${query}`), signal);
            } catch {
                // No stream (a proxy in between, a change of leader): the waiters poll.
            }
            await sleep(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => undefined);
        }
    }

    private async follow(url: string, signal: AbortSignal): Promise<void> {
        const headers = { ...this.http.headers(), Accept: "text/event-stream" };
        // A standby redirects to the leader; fetch would drop the credentials on the way.
        const first = await fetch(url, { headers, signal, redirect: "manual" });
        const location = first.headers.get("location");
        const response =
            first.status === 302 && location !== null
                ? await fetch(new URL(location, url), { headers, signal, redirect: "error" })
                : first;
        if (!response.ok || response.body === null) {
            await response.body?.cancel();
            return;
        }
        const decoder = new TextDecoder();
        for await (const chunk of response.body)
            if (decoder.decode(chunk as Uint8Array, { stream: true }).includes("event:"))
                for (const wake of this.listeners) wake();
    }
}
