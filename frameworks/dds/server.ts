/** The framework by HTTP: its reports, packages for its agents, and the calls of the ALICE plug-in of 2016. */
import { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { BlockList, isIP } from "node:net";
import { type Answer, answer, listen, pathOf, send } from "../service/server";
import type { DdsFramework } from "./framework";
import { type Report, views } from "./report";

/** A package of 64 MiB, in base64. */
const MAX_BODY = 90 * 1024 * 1024;

export function allowList(from: readonly string[]): BlockList {
    const list = new BlockList();
    for (const one of from) {
        const [address = "", prefix] = one.split("/");
        const family = isIP(address) === 6 ? "ipv6" : "ipv4";
        if (prefix === undefined) {
            list.addAddress(address, family);
        } else {
            list.addSubnet(address, Number(prefix), family);
        }
    }
    return list;
}

/** Whether a peer's address is on the list; IPv4 may come in IPv6's form. */
export function isAllowed(list: BlockList, address = ""): boolean {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, "");
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
}

async function bodyOf(request: IncomingMessage): Promise<string> {
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > MAX_BODY) {
            throw new Error("the request is too large");
        }
        parts.push(part);
    }
    return Buffer.concat(parts).toString();
}

const json = (status: number, value: unknown): Answer => [status, "application/json", `${JSON.stringify(value)}\n`];

export interface Serving {
    readonly bind: string;
    readonly port: number;
    readonly report: () => Report;
    /** Undefined while this instance does not lead. */
    readonly framework: () => DdsFramework | undefined;
    /** Who may submit; nobody without it. */
    readonly from?: readonly string[] | undefined;
}

async function submissions(request: IncomingMessage, framework: DdsFramework, query: URLSearchParams): Promise<Answer> {
    if (request.method === "DELETE") {
        const there = await framework.withdraw(Number(query.get("id")));
        return there ? json(200, {}) : json(404, { Error: "there is no such submission" });
    }
    if (request.method !== "POST") {
        return json(405, { Error: "POST submits, DELETE withdraws" });
    }
    try {
        return json(200, { Id: await framework.submit(await bodyOf(request)) });
    } catch (error) {
        return json(400, { Error: (error as Error).message });
    }
}

async function handle(request: IncomingMessage, serving: Serving, allowed: BlockList | undefined): Promise<Answer> {
    const path = pathOf(request);
    const query = new URLSearchParams((request.url ?? "").split("?")[1] ?? "");
    const framework = serving.framework();
    if (path !== "/dds-submit" && path !== "/dds-work-package" && path !== "/status") {
        return answer(request.method ?? "GET", path, serving.report, views);
    }
    if (framework === undefined) {
        return json(503, { Error: `this instance stands by; ${serving.report().leader ?? "nobody"} leads` });
    }
    const header = request.headers["x-package-key"];
    const isKnown = allowed !== undefined && isAllowed(allowed, request.socket.remoteAddress);
    const hasKey = framework.sources.isKey(typeof header === "string" ? header : undefined);
    if (!isKnown && !(hasKey && path === "/dds-work-package")) {
        return json(403, { Error: "not from this address: workloads.dds.submissions.from lists those that may" });
    }
    if (path === "/dds-submit") {
        return submissions(request, framework, query);
    }
    if (path === "/status") {
        return json(200, { Status: { NumSubmissions: framework.sources.submissions } });
    }
    const data = framework.sources.package(query.get("id") ?? "");
    return data === undefined
        ? json(404, { Error: "there is no such package" })
        : [200, "application/octet-stream", data];
}

/** @returns when it listens */
export function serve(serving: Serving): Promise<Server> {
    const allowed = serving.from === undefined ? undefined : allowList(serving.from);
    const respond = (request: IncomingMessage, response: ServerResponse): void =>
        void handle(request, serving, allowed)
            .catch((error: unknown) => json(500, { Error: (error as Error).message }))
            .then((given) => {
                request.resume();
                send(response, given, request.method === "HEAD");
            });
    return listen(serving.bind, serving.port, respond);
}
