/** Serves reports: `/` for people, `/status.json` for programs, `/metrics` for Prometheus, `/health` for whoever runs it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export type Answer = readonly [status: number, type: string, body: string | Buffer];

/** One state of a framework in each of its forms. */
export interface Views<R extends { readonly leads: boolean }> {
    readonly page: (report: R) => string;
    readonly metrics: (report: R) => string;
}

/** Pure, but for what `report` looks at. */
export function answer<R extends { readonly leads: boolean }>(
    method: string,
    path: string,
    report: () => R,
    { page, metrics }: Views<R>,
): Answer {
    if (method !== "GET" && method !== "HEAD") {
        return [405, "text/plain", "it can only be looked at\n"];
    }
    switch (path) {
        case "/":
            return [200, "text/html; charset=utf-8", page(report())];
        case "/status.json":
            return [200, "application/json", `${JSON.stringify(report(), undefined, 2)}\n`];
        case "/metrics":
            return [200, "text/plain; version=0.0.4; charset=utf-8", metrics(report())];
        case "/health":
            return [200, "text/plain", report().leads ? "leads\n" : "stands by\n"];
        default:
            return [404, "text/plain", "there are /, /status.json, /metrics and /health\n"];
    }
}

/** Without what comes after a question mark. */
export const pathOf = ({ url }: IncomingMessage): string => (url ?? "/").split("?")[0] ?? "/";

export function send(response: ServerResponse, [status, type, body]: Answer, isHead = false): void {
    response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
    response.end(isHead ? undefined : body);
}

/** @returns when it listens */
export async function listen(
    bind: string,
    port: number,
    handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
    const server = createServer(handle);
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, bind, resolve);
    });
    return server;
}

/** A server of reports alone. @returns when it listens */
export const serve = <R extends { readonly leads: boolean }>(
    bind: string,
    port: number,
    report: () => R,
    views: Views<R>,
): Promise<Server> =>
    listen(bind, port, (request, response) => {
        request.resume();
        const { method = "GET" } = request;
        send(response, answer(method, pathOf(request), report, views), method === "HEAD");
    });
