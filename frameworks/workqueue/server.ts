/** Serves reports: `/` for people, `/status.json` for programs, `/metrics` for Prometheus, `/health` for whoever runs it. */
import { createServer, type Server } from "node:http";
import { metricsOf, pageOf, type Report } from "./report";

type Answer = readonly [status: number, type: string, body: string];

/** Pure, but for what `report` looks at. */
export function answer(method: string, path: string, report: () => Report): Answer {
    if (method !== "GET" && method !== "HEAD") {
        return [405, "text/plain", "it can only be looked at\n"];
    }
    switch (path) {
        case "/":
            return [200, "text/html; charset=utf-8", pageOf(report())];
        case "/status.json":
            return [200, "application/json", `${JSON.stringify(report(), undefined, 2)}\n`];
        case "/metrics":
            return [200, "text/plain; version=0.0.4; charset=utf-8", metricsOf(report())];
        case "/health":
            return [200, "text/plain", report().leads ? "leads\n" : "stands by\n"];
        default:
            return [404, "text/plain", "there are /, /status.json, /metrics and /health\n"];
    }
}

/** @returns when it listens */
export async function serve(bind: string, port: number, report: () => Report): Promise<Server> {
    const server = createServer((request, response) => {
        request.resume();
        const path = (request.url ?? "/").split("?")[0] ?? "/";
        const [status, type, body] = answer(request.method ?? "GET", path, report);
        response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
        response.end(request.method === "HEAD" ? undefined : body);
    });
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, bind, resolve);
    });
    return server;
}
