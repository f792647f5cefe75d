/** JSON over HTTP or HTTPS to a group of servers of which one leads: any of them is asked, what a change of leader spoils is asked again. */
import type { IncomingMessage } from "node:http";
import { UnreachableError, UserError } from "../resources/resource";
import { open, RequestError, textOf, type Wanted } from "./request";

export interface Endpoint {
    /** Base URLs of the servers, e.g. ["http://10.0.0.1:8080"]. */
    readonly urls: readonly string[];
    readonly username?: string;
    readonly password?: string;
    /** Certificates of the authorities that may have signed the servers', PEM. @default - those that Node.js knows */
    readonly ca?: string;
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

/** How long the vain wait of one counts for others, milliseconds: a run that starts the servers takes longer to come to what is on them. */
const HOPELESS_MS = 5000;

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

function headersOf({ headers }: IncomingMessage): Headers {
    const made = new Headers();
    for (const [name, value] of Object.entries(headers)) for (const one of [value ?? []].flat()) made.append(name, one);
    return made;
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
    /** When one last waited in vain for as long as a change of leader may take, by `Date.now()`. */
    private givenUpAt = 0;
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
            ...(username === undefined
                ? {}
                : { Authorization: `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}` }),
        };
    }

    /** Base URL of the server that answered last. */
    public url(path: string): string {
        return new URL(path, this.endpoint.urls[this.current % this.endpoint.urls.length]).href;
    }

    /** The next question goes to the next server. */
    public moveOn(): void {
        this.current++;
    }

    /** A redirect leads to the leader: the same method, body and credentials go there. */
    private async open(url: string, wanted: Omit<Wanted, "ca">, hops = 0): Promise<IncomingMessage> {
        const response = await open(url, { ...wanted, ca: this.endpoint.ca });
        const { location } = response.headers;
        if (![301, 302, 307, 308].includes(response.statusCode ?? 0) || location === undefined || hops === 3)
            return response;
        response.resume();
        return this.open(new URL(location, url).href, wanted, hops + 1);
    }

    private async once(method: string, url: string, body: string | undefined, timeoutMs: number): Promise<Answer> {
        const response = await this.open(url, {
            method,
            headers: { ...this.headers(), ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
            body,
            signal: AbortSignal.timeout(timeoutMs),
        });
        const text = await textOf(response);
        let parsed: unknown = text;
        try {
            parsed = text === "" ? undefined : JSON.parse(text);
        } catch {
            // Not JSON: the text itself.
        }
        return { status: response.statusCode ?? 0, headers: headersOf(response), body: parsed };
    }

    /** An answer that has no end, from the leader. */
    public stream(path: string, accept: string, signal: AbortSignal): Promise<IncomingMessage> {
        return this.open(this.url(path), { headers: { ...this.headers(), Accept: accept }, signal });
    }

    /**
     * Asks, and asks again while leaders change. Who comes right after one that has waited for that in vain asks every server once
     * only: of a thousand apps on a server that is away, each would wait anew.
     * @throws {UnreachableError} when nothing answers
     */
    public async ask(method: string, path: string, body?: unknown): Promise<Answer> {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const deadline = Date.now() + this.patience.failoverMs;
        const isHopeless = Date.now() - this.givenUpAt < HOPELESS_MS;
        let pause = this.patience.retryMs;
        for (let asked = 1; ; asked++) {
            let reason: string;
            let again = true;
            let fix = "see that it runs and that this machine reaches it";
            try {
                const answer = await this.gate.run(() =>
                    this.once(method, this.url(path), text, this.patience.answerMs),
                );
                if (!isFailover(answer)) return answer;
                reason = `HTTP ${answer.status}: no server leads`;
            } catch (error) {
                const { message, sent = true, untrusted = false } = error as Partial<RequestError> & Error;
                // A POST that was sent may have been carried out: it is not sent twice.
                again = method !== "POST" || !sent;
                reason = message;
                if (untrusted) {
                    // Waiting makes no certificate better; another server may have a good one.
                    again &&= asked < this.endpoint.urls.length;
                    reason = `its certificate is refused, ${message}`;
                    fix = "give the certificate of the authority that has signed it as `ca`, or renew it";
                }
            }
            // Also when it is given up: whoever asks anew later asks another one.
            this.moveOn();
            const isLate = Date.now() + pause > deadline || (isHopeless && asked >= this.endpoint.urls.length);
            if (isLate) this.givenUpAt = Date.now();
            if (!again || isLate)
                throw new UnreachableError(
                    `${this.name} at ${this.address} does not serve ${method} ${path.split("?")[0] ?? path}: ${reason}\n  fix: ${fix}`,
                );
            await wait(pause);
            pause = Math.min(pause * 2, this.patience.retryMs * 10);
        }
    }

    /** Whether it answers at all, asked once. */
    public async tryGet(path: string, timeoutMs: number): Promise<unknown> {
        for (const base of this.endpoint.urls)
            try {
                const answer = await this.once("GET", new URL(path, base).href, undefined, timeoutMs);
                if (answer.status >= 200 && answer.status < 300) return answer.body;
            } catch {
                // The next one may be there.
            }
        return undefined;
    }
}
