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
const RECONNECT_MS = 1000;
/** Marathon lets something be heard every 10 s: after this time of silence, ms, the other end is gone without a word. */
const SILENCE_MS = 30_000;

/** Calls back on every event while somebody listens, and whenever something may have been missed: as a stream begins or ends. */
export class EventStream {
    private abort: AbortController | undefined;
    private readonly listeners = new Set<() => void>();
    private open = false;

    public constructor(
        private readonly http: HttpGroup,
        private readonly silenceMs = SILENCE_MS,
    ) {}

    /** Whether events are heard just now: who relies on them looks more often while not. */
    public get isOpen(): boolean {
        return this.open;
    }

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

    private wake(): void {
        for (const wake of this.listeners) wake();
    }

    private async run(signal: AbortSignal): Promise<void> {
        const query = kinds.map((kind) => `event_type=${kind}`).join("&");
        for (;;) {
            const attempt = new AbortController();
            const abort = (): void => attempt.abort();
            signal.addEventListener("abort", abort);
            try {
                await this.follow(`/v2/events?plan-format=light&${query}`, attempt);
            } catch {
                // No stream (a proxy in between, a change of leader): the waiters poll, and the next server is tried.
            }
            signal.removeEventListener("abort", abort);
            this.open = false;
            if (signal.aborted) return;
            this.wake();
            this.http.moveOn();
            await sleep(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => undefined);
        }
    }

    private async follow(path: string, attempt: AbortController): Promise<void> {
        const silence = setTimeout(() => attempt.abort(), this.silenceMs).unref();
        try {
            const response = await this.http.stream(path, "text/event-stream", attempt.signal);
            if (response.statusCode !== 200) {
                response.destroy();
                return;
            }
            this.open = true;
            this.wake();
            const decoder = new TextDecoder();
            for await (const chunk of response) {
                silence.refresh();
                if (decoder.decode(chunk as Uint8Array, { stream: true }).includes("event:")) this.wake();
            }
        } finally {
            clearTimeout(silence);
        }
    }
}
