/** JSON over HTTP to a group of servers of which one leads: any of them is asked, what a change of leader spoils is asked again. */
import { UserError } from "../resources/resource";

export interface Endpoint {
    /** Base URLs of the servers, e.g. ["http://10.0.0.1:8080"]. */
    readonly urls: readonly string[];
    readonly username?: string;
    readonly password?: string;
}

export interface Answer {
    readonly status: number;
    readonly headers: Headers;
    /** Parsed JSON; text where it is none. */
    readonly body: unknown;
}

export interface Patience {
    /** Longest time for one answer, milliseconds. */
    readonly answerMs: number;
    /** How long a change of leader may take, milliseconds. */
    readonly failoverMs: number;
    /** First wait between two attempts, milliseconds; it grows to ten times that. */
    readonly retryMs: number;
}

const usual: Patience = { answerMs: 30_000, failoverMs: 90_000, retryMs: 300 };

/** A refusal that says what it is about. */
export class HttpError extends UserError {
    public constructor(
        public readonly status: number,
        public readonly body: unknown,
        message: string,
    ) {
        super(message);
    }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a proxy without a leader behind it answers: HTML, where the servers themselves speak JSON. */
function isFailover({ status, headers }: Answer): boolean {
    if (status === 502 || status === 503 || status === 504) return true;
    return status === 500 && !(headers.get("content-type") ?? "").includes("json");
}

/** Whether a request that failed so has certainly not been carried out. */
function wasNotSent(error: unknown): boolean {
    const { cause } = error as { cause?: { code?: string } };
    return ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "UND_ERR_CONNECT_TIMEOUT"].includes(
        cause?.code ?? "",
    );
}

function reasonOf(error: unknown): string {
    const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } };
    if (name === "TimeoutError") return "no answer in time";
    return cause?.code ?? cause?.message ?? message;
}

/** Lets only so many run at a time. */
export class Gate {
    private readonly waiting: (() => void)[] = [];
    private free: number;

    public constructor(limit: number) {
        this.free = limit;
    }

    public async run<T>(work: () => Promise<T>): Promise<T> {
        if (this.free > 0) this.free--;
        else await new Promise<void>((resolve) => this.waiting.push(resolve));
        try {
            return await work();
        } finally {
            const next = this.waiting.shift();
            if (next === undefined) this.free++;
            else next();
        }
    }
}

export class HttpGroup {
    private current = 0;
    private readonly gate = new Gate(32);

    public constructor(
        private readonly name: string,
        private readonly endpoint: Endpoint,
        private readonly patience: Patience = usual,
    ) {
        if (endpoint.urls.length === 0) throw new UserError(`no address of ${name} is given`);
    }

    /** Never with credentials in it. */
    public get address(): string {
        return this.endpoint.urls.map((url) => new URL(url).host).join(", ");
    }

    public headers(): Record<string, string> {
        const { username, password } = this.endpoint;
        return {
            Accept: "application/json",
            // A kept connection may be closed by the other side just when a POST is sent, and that is not sent twice.
            Connection: "close",
            ...(username === undefined
                ? {}
                : { Authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` }),
        };
    }

    /** Base URL of the server that answered last. */
    public url(path: string): string {
        return new URL(path, this.endpoint.urls[this.current % this.endpoint.urls.length]).href;
    }

    private async once(method: string, url: string, body: string | undefined, hops = 0): Promise<Answer> {
        const response = await fetch(url, {
            method,
            redirect: "manual",
            headers: { ...this.headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
            ...(body === undefined ? {} : { body }),
            signal: AbortSignal.timeout(this.patience.answerMs),
        });
        const location = response.headers.get("location");
        // A redirect leads to the leader: the same method, body and credentials go there, not what fetch makes of them.
        if ([301, 302, 307, 308].includes(response.status) && location !== null && hops < 3) {
            await response.body?.cancel();
            return this.once(method, new URL(location, url).href, body, hops + 1);
        }
        const text = await response.text();
        let parsed: unknown = text;
        try {
            parsed = text === "" ? undefined : JSON.parse(text);
        } catch {
            // Not JSON: the text itself.
        }
        return { status: response.status, headers: response.headers, body: parsed };
    }

    /**
     * Asks, and asks again while leaders change.
     * @throws {UserError} when nothing answers
     */
    public async ask(method: string, path: string, body?: unknown): Promise<Answer> {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const deadline = Date.now() + this.patience.failoverMs;
        let pause = this.patience.retryMs;
        for (;;) {
            let reason: string;
            let again: boolean;
            try {
                const answer = await this.gate.run(() => this.once(method, this.url(path), text));
                if (!isFailover(answer)) return answer;
                again = true;
                reason = `HTTP ${answer.status}: no server leads`;
            } catch (error) {
                // A POST that was sent may have been carried out: it is not sent twice.
                again = method !== "POST" || wasNotSent(error);
                reason = reasonOf(error);
            }
            if (!again || Date.now() + pause > deadline)
                throw new UserError(
                    `${this.name} at ${this.address} does not serve ${method} ${path.split("?")[0] ?? path}: ${reason}\n  fix: see that it runs and that this machine reaches it`,
                );
            this.current++;
            await wait(pause);
            pause = Math.min(pause * 2, this.patience.retryMs * 10);
        }
    }

    /** Whether it answers at all, asked once. */
    public async tryGet(path: string, timeoutMs: number): Promise<unknown> {
        for (const base of this.endpoint.urls)
            try {
                const response = await fetch(new URL(path, base), {
                    headers: this.headers(),
                    signal: AbortSignal.timeout(timeoutMs),
                });
                if (response.ok) return await response.json();
                await response.body?.cancel();
            } catch {
                // The next one may be there.
            }
        return undefined;
    }
}
