/** Questions and answers of a JSON API, as both stand-ins have them. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { Refused } from "./marathon";
import type { Json, JsonObject } from "../../site/definitions/fields";

export interface Question {
    readonly method: string;
    /** Decoded, without a query. */
    readonly path: string;
    readonly query: URLSearchParams;
    readonly headers: IncomingMessage["headers"];
    readonly text: string;
    readonly remoteAddress: string;
}

export interface Answer {
    readonly status: number;
    /** A string is sent as it is, with `type`. */
    readonly body?: unknown;
    readonly type?: string;
    readonly headers?: Readonly<Record<string, string>>;
}

export type Handle = (question: Question, request: IncomingMessage, response: ServerResponse) => Promise<Answer | "taken">;

const MAX_BODY = 16 * 1024 * 1024;

export const isTrue = (query: URLSearchParams, name: string, otherwise = false): boolean => {
    const value = query.get(name);
    return value === null ? otherwise : value === "true" || value === "";
};

async function read(request: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > MAX_BODY) {
            throw new Refused(413, { message: "Request Entity Too Large" });
        }
    }
    return Buffer.concat(chunks).toString("utf8");
}

/** Who may ask; undefined when anybody may. */
function isAllowed(credentials: string | undefined, { authorization = "" }: IncomingMessage["headers"]): boolean {
    return credentials === undefined || authorization === `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** A PKCS #12 keystore: a certificate, its private key, and those whose certificates are trusted. */
export interface Keystore {
    readonly pfx: Buffer;
    readonly passphrase: string;
}

/**
 * @param credentials `user:password` that every question must bring
 * @param keystore for HTTPS
 */
export function serve(handle: Handle, credentials?: string, keystore?: Keystore): Server {
    const listener: RequestListener = (request, response) => {
        void answer(handle, credentials, request)
            .catch((error: unknown): Answer => {
                if (error instanceof Refused) {
                    return { status: error.status, body: error.body };
                }
                process.stderr.write(`${request.method ?? ""} ${request.url ?? ""}: ${(error as Error).stack ?? String(error)}\n`);
                return { status: 500, body: { message: String(error) } };
            })
            .then((result) => result !== "taken" && send(response, result));
        async function answer(to: Handle, secret: string | undefined, from: IncomingMessage): Promise<Answer | "taken"> {
            if (!isAllowed(secret, from.headers)) {
                from.resume();
                return {
                    status: 401,
                    body: { message: "Unauthorized" },
                    headers: { "WWW-Authenticate": 'Basic realm="Mesosphere"' },
                };
            }
            const url = new URL(from.url ?? "/", "http://localhost");
            const question = {
                method: from.method ?? "GET",
                path: decodeURIComponent(url.pathname),
                query: url.searchParams,
                headers: from.headers,
                text: await read(from),
                remoteAddress: from.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "",
            };
            return to(question, from, response);
        }
    };
    const server = keystore === undefined ? createServer(listener) : createSecureServer(keystore, listener);
    server.keepAliveTimeout = 60_000;
    return server;
}

export function send(response: ServerResponse, { status, body, type = "application/json", headers = {} }: Answer): void {
    if (response.headersSent || response.destroyed) {
        response.end();
        return;
    }
    const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, {
        ...(text !== "" && { "Content-Type": type }),
        "Content-Length": Buffer.byteLength(text),
        ...headers,
    });
    response.end(text);
}

/** @throws {Refused} 400 as the real one words it */
export function parseJson(text: string): Json {
    if (text.trim() === "") {
        const details = 'No content to map due to end-of-input\n at [Source: (byte[])""; line: 1, column: 0]';
        throw new Refused(400, { message: "Please specify data in JSON format", details });
    }
    try {
        return JSON.parse(text) as Json;
    } catch (error) {
        throw new Refused(400, { message: "Invalid JSON", details: (error as Error).message });
    }
}

export const refuse = (status: number, body: JsonObject): never => {
    throw new Refused(status, body);
};
