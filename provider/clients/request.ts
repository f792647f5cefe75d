/** One request over HTTP or HTTPS. `fetch` cannot be told which authority has signed the other side's certificate. */
import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface Wanted {
    /** @default "GET" */
    readonly method?: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string | undefined;
    /** Certificates of the authorities that may have signed the other side's, PEM. @default - those that Node.js knows */
    readonly ca?: string | undefined;
    readonly signal: AbortSignal;
}

/** How long until a connection is there, milliseconds: a host that is gone answers nothing at all. */
const CONNECT_MS = 10_000;

/** What OpenSSL calls a certificate that is not to be trusted, or not for this name. */
const certificate = /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|HOSTNAME_MISMATCH)/;

/** A request without an answer. */
export class RequestError extends Error {
    public constructor(
        message: string,
        /** Whether the other side may have got it, and done what it asks for. */
        public readonly sent: boolean,
        /** Whether it is the certificate that is at fault. */
        public readonly untrusted = false,
    ) {
        super(message);
    }
}

/**
 * Asks, and leaves the answer's body to the caller.
 * @throws {RequestError} when there is no answer
 */
export function open(
    url: string | URL,
    { method = "GET", headers, body, ca, signal }: Wanted,
): Promise<IncomingMessage> {
    const secure = new URL(url).protocol === "https:";
    return new Promise((resolve, reject) => {
        let connected = false;
        // Never a kept connection: the other side may close it just when a POST is sent, and that is not sent twice.
        const options = {
            method,
            headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) },
            agent: false,
            signal,
        } as const;
        const call = secure
            ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) })
            : httpRequest(url, options);
        const timer = setTimeout(() => call.destroy(new Error("no connection in time")), CONNECT_MS);
        call.on("socket", (socket) =>
            socket.once(secure ? "secureConnect" : "connect", () => {
                connected = true;
                clearTimeout(timer);
            }),
        );
        call.on("error", (error: Error & { code?: string }) => {
            clearTimeout(timer);
            const { code = "" } = error;
            const late = signal.aborted ? "no answer in time" : undefined;
            reject(new RequestError(late ?? (code || error.message), connected, certificate.test(code)));
        });
        call.on("response", resolve);
        call.end(body);
    });
}

/**
 * The whole body as text.
 * @throws {RequestError} when it breaks off
 */
export async function textOf(response: IncomingMessage): Promise<string> {
    try {
        const parts: Buffer[] = [];
        for await (const part of response) parts.push(part as Buffer);
        return Buffer.concat(parts).toString("utf8");
    } catch (error) {
        const { code, message } = error as Error & { code?: string };
        throw new RequestError(code ?? message, true);
    }
}
