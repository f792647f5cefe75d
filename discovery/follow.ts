/** Follows Marathon: its event stream says when to look, and where there is none it is looked at all the same. */
import { setTimeout as sleep } from "node:timers/promises";
import { EventStream } from "../provider/clients/eventStream";
import type { Endpoint } from "../provider/clients/http";
import { HttpGroup } from "../provider/clients/http";
import { type Service, servicesOf } from "./services";

export interface Following {
    readonly endpoint: Endpoint;
    /** Longest time between two looks, milliseconds: what no event has told is seen then. */
    readonly everyMs: number;
    /** Events that come within this time are one change, milliseconds. */
    readonly gatherMs: number;
    /** Called with what there is, at every look; it must be cheap where nothing has changed. */
    readonly seen: (services: readonly Service[]) => void | Promise<void>;
    readonly log: (line: string) => void;
}

/** Longest time between two looks while no events are heard, ms. */
const DEAF_MS = 1000;

const QUESTION = "/v2/apps?embed=apps.tasks";

/** Looks until it is stopped. While Marathon does not answer, what was seen last stays as it is. */
export function follow({ endpoint, everyMs, gatherMs, seen, log }: Following): () => void {
    const http = new HttpGroup("Marathon", endpoint, { answerMs: 10_000, failoverMs: 0, retryMs: 200 });
    const stop = new AbortController();
    let wake: () => void = () => undefined;
    let woken = false;
    const events = new EventStream(http);
    const unlisten = events.listen(() => {
        woken = true;
        wake();
    });
    const pause = async (): Promise<void> => {
        if (!woken)
            await Promise.race([
                new Promise<void>((resolve) => (wake = resolve)),
                sleep(events.isOpen ? everyMs : Math.min(DEAF_MS, everyMs), undefined, { signal: stop.signal }).catch(
                    () => undefined,
                ),
            ]);
        if (woken) await sleep(gatherMs, undefined, { signal: stop.signal }).catch(() => undefined);
        woken = false;
    };
    void (async () => {
        let lost: string | undefined;
        let known: readonly Service[] = [];
        while (!stop.signal.aborted) {
            try {
                const { status, body } = await http.ask("GET", QUESTION);
                if (status !== 200) throw new Error(`HTTP ${status} to GET ${QUESTION}`);
                known = servicesOf(body, known);
                await seen(known);
                if (lost !== undefined) log("Marathon answers again");
                lost = undefined;
            } catch (error) {
                const [reason = ""] = (error as Error).message.split("\n");
                if (reason !== lost) log(`what was known stays in use: ${reason}`);
                lost = reason;
                await sleep(1000, undefined, { signal: stop.signal }).catch(() => undefined);
                continue;
            }
            await pause();
        }
    })();
    return () => {
        stop.abort();
        unlisten();
    };
}
