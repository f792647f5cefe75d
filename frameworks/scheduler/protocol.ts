/**
 * The life of a subscription as a pure function: what happened goes in, what to do comes out.
 *
 *     detached ──leader known──► subscribing ──SUBSCRIBED──► subscribed
 *        ▲                            │                          │
 *        └──────── back-off ◄─────────┴──────────────────────────┘      ended: nothing more
 */
import { type Backoff, backoffMs } from "./backoff";
import { explainError, explainRefusal, type SubscriptionEnded } from "./errors";
import type { Event } from "./messages";

export interface ProtocolOptions {
    readonly name: string;
    readonly principal?: string;
    readonly backoff?: Backoff;
    /** The stream counts as dead after this many heartbeat intervals of silence. @default 2 */
    readonly missedHeartbeats?: number;
    /** Until the first SUBSCRIBED event after a connection. @default 15000 */
    readonly subscribeTimeoutMs?: number;
}

export interface State {
    readonly phase: "detached" | "subscribing" | "subscribed" | "ended";
    readonly frameworkId: string | undefined;
    /** Whom the stream is with, `host:port`. */
    readonly master: string | undefined;
    /** Of this stream; every call names it. */
    readonly streamId: string | undefined;
    /** Whom a master named as the leader: the next to be asked. */
    readonly hint: string | undefined;
    /** In a row, since the last SUBSCRIBED. */
    readonly failures: number;
    /** Whether this process has ever been subscribed. */
    readonly proven: boolean;
    readonly silenceMs: number;
}

export type Input =
    | { readonly type: "start" }
    /** The time set by `retry` has passed. */
    | { readonly type: "retry" }
    /** Nothing was heard for as long as `silence` said. */
    | { readonly type: "silence" }
    | { readonly type: "leader"; readonly master: string | undefined }
    | { readonly type: "opened"; readonly streamId: string }
    | { readonly type: "refused"; readonly status: number; readonly body: string; readonly location?: string }
    | { readonly type: "event"; readonly event: Event }
    | { readonly type: "closed"; readonly reason: string }
    /** Who watches the masters says that another one leads now. */
    | { readonly type: "leaderChanged"; readonly master: string | undefined }
    | { readonly type: "stop" };

export type Effect =
    /** Ask who leads; `hint` is whom a master named. */
    | { readonly type: "findLeader"; readonly hint?: string }
    | { readonly type: "subscribe"; readonly master: string }
    | { readonly type: "hangUp" }
    | { readonly type: "retry"; readonly afterMs: number }
    /** From now on, and again after every byte. */
    | { readonly type: "silence"; readonly afterMs: number }
    | { readonly type: "saveId"; readonly id: string }
    | { readonly type: "deliver"; readonly event: Event }
    | { readonly type: "reconcile" }
    /** A subscription is gone, and with it every offer. */
    | { readonly type: "disconnected"; readonly reason: string }
    /** A try to subscribe has come to nothing. */
    | { readonly type: "failed"; readonly reason: string }
    | { readonly type: "end"; readonly error?: SubscriptionEnded };

export const initialState = (frameworkId?: string): State => ({
    phase: "detached",
    frameworkId,
    master: undefined,
    streamId: undefined,
    hint: undefined,
    failures: 0,
    proven: false,
    silenceMs: 0,
});

const DEFAULT_HEARTBEAT_SEC = 15;

type Step = readonly [State, readonly Effect[]];

/** `//host:port/path` or `http://host:port/path` → `host:port`. */
export function hostOfLocation(location: string | undefined): string | undefined {
    return /^(?:https?:)?\/\/([^/@]+)/.exec(location ?? "")?.[1];
}

/**
 * Whether the same question to the same master may be answered otherwise later. A master that starts listens before its
 * routes are there: until then it answers 404.
 */
const mayPass = (status: number): boolean => [404, 408, 409, 429].includes(status) || status >= 500;

/** @param random 0 … 1, for the back-off */
export function step(state: State, input: Input, options: ProtocolOptions, random: number): Step {
    if (state.phase === "ended") {
        return [state, []];
    }
    const who = { name: options.name, frameworkId: state.frameworkId, principal: options.principal };
    switch (input.type) {
        case "start":
        case "retry":
            return state.phase === "detached" ? [{ ...state, hint: undefined }, [find(state.hint)]] : [state, []];
        case "leader":
            return found(state, input.master, options, random);
        case "opened":
            return state.phase === "subscribing" ? [{ ...state, streamId: input.streamId }, []] : [state, []];
        case "refused":
            return refused(state, input, options, random);
        case "closed":
            return state.phase === "detached" ? [state, []] : lose(state, input.reason, options, random);
        case "silence":
            return state.phase === "detached"
                ? [state, []]
                : lose(
                      state,
                      `nothing was heard of ${state.master ?? ""} for ${state.silenceMs / 1000} s`,
                      options,
                      random,
                  );
        case "leaderChanged": {
            const stays = state.phase === "detached" || input.master === undefined || input.master === state.master;
            return stays ? [state, []] : lose(state, `${input.master} leads now`, options, random, input.master);
        }
        case "event":
            return heard(state, input.event, options);
        case "stop":
            return end(state);
    }

    function found(now: State, master: string | undefined, opts: ProtocolOptions, chance: number): Step {
        if (now.phase !== "detached") {
            return [now, []];
        }
        if (master === undefined) {
            return wait(now, opts, chance);
        }
        const silenceMs = opts.subscribeTimeoutMs ?? 15_000;
        return [
            { ...now, phase: "subscribing", master, silenceMs },
            [
                { type: "subscribe", master },
                { type: "silence", afterMs: silenceMs },
            ],
        ];
    }

    function refused(
        now: State,
        { status, body, location }: Extract<Input, { type: "refused" }>,
        opts: ProtocolOptions,
        chance: number,
    ): Step {
        if (now.phase !== "subscribing") {
            return [now, []];
        }
        const hint = status === 307 || status === 302 ? hostOfLocation(location) : undefined;
        if (status === 307 || status === 302 || mayPass(status)) {
            return lose(now, `${now.master ?? ""} answered ${status}`, opts, chance, hint);
        }
        // A framework that has run with this credential meets a master whose files are just being changed.
        const passing = now.proven && (status === 401 || status === 403);
        return passing
            ? lose(now, `${now.master ?? ""} answered ${status}`, opts, chance)
            : end(now, explainRefusal(status, body, who));
    }

    function heard(now: State, event: Event, opts: ProtocolOptions): Step {
        if (now.phase === "detached") {
            return [now, []];
        }
        if (event.type === "ERROR") {
            return end(now, explainError(event.error.message, who));
        }
        if (event.type !== "SUBSCRIBED") {
            return now.phase === "subscribed" ? [now, [{ type: "deliver", event }]] : [now, []];
        }
        const { framework_id: id, heartbeat_interval_seconds: heartbeatSec = DEFAULT_HEARTBEAT_SEC } = event.subscribed;
        const silenceMs = Math.round(heartbeatSec * 1000 * (opts.missedHeartbeats ?? 2));
        return [
            { ...now, phase: "subscribed", frameworkId: id.value, failures: 0, proven: true, silenceMs },
            [
                { type: "silence", afterMs: silenceMs },
                { type: "saveId", id: id.value },
                { type: "deliver", event },
                { type: "reconcile" },
            ],
        ];
    }
}

const find = (hint: string | undefined): Effect => ({ type: "findLeader", ...(hint !== undefined && { hint }) });

function wait(state: State, { backoff }: ProtocolOptions, random: number, hint?: string): Step {
    const failures = state.failures + 1;
    const next: State = { ...state, phase: "detached", master: undefined, streamId: undefined, failures, hint };
    return [next, [{ type: "retry", afterMs: backoffMs(failures, random, backoff) }]];
}

/** The stream is gone, or was never had. A master that names another one is believed at once, but only once in a row. */
function lose(state: State, reason: string, options: ProtocolOptions, random: number, hint?: string): Step {
    const [next, later] = wait(state, options, random, hint);
    const told: Effect[] = [
        { type: "hangUp" },
        { type: state.phase === "subscribed" ? "disconnected" : "failed", reason },
    ];
    return hint !== undefined && next.failures === 1
        ? [{ ...next, hint: undefined }, [...told, find(hint)]]
        : [next, [...told, ...later]];
}

function end(state: State, error?: SubscriptionEnded): Step {
    const over: State = { ...state, phase: "ended", master: undefined, streamId: undefined };
    return [over, [{ type: "hangUp" }, { type: "end", ...(error !== undefined && { error }) }]];
}
