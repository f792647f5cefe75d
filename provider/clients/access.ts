/** Does a load balancer, a name server, a catalog, a campaign or what watches answer? Asked by TCP, which a bastion hands on too. */
import { type DecodedPacket, streamDecode, streamEncode } from "dns-packet";
import type { AccessService } from "../../site/plan/types";
import type { AccessClient } from "../rollout/access";
import { dial, patience, type Route } from "./dial";

const TIMEOUT_MS = 3000;

/** Sends, and collects what comes until it is enough; false when that does not happen in time. */
function ask(
    address: string,
    port: number,
    route: Route,
    question: Buffer,
    isAnswer: (received: Buffer) => boolean,
): Promise<boolean> {
    return new Promise((resolve) => {
        const stream = dial(address, port, route);
        let received = Buffer.alloc(0);
        const end = (value: boolean): void => {
            clearTimeout(timer);
            stream.destroy();
            resolve(value);
        };
        const timer = setTimeout(() => end(false), patience(route, TIMEOUT_MS));
        stream.on("data", (data: Buffer) => {
            received = Buffer.concat([received, data]);
            if (isAnswer(received)) end(true);
        });
        stream.on("end", () => end(isAnswer(received)));
        stream.on("error", () => end(false));
        stream.write(question);
    });
}

function isGoodAnswer(received: Buffer): boolean {
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return false;
    try {
        const answer = streamDecode(received) as DecodedPacket & { readonly rcode?: string };
        return answer.type === "response" && answer.rcode === "NOERROR";
    } catch {
        return false;
    }
}

/** What is asked for by HTTP. */
const pages = {
    loadBalancer: "/healthy",
    workQueueCatalog: "/",
    campaign: "/health",
    monitoring: "/-/ready",
    nodeExporter: "/",
} as const;

function answers(service: AccessService, address: string, route: Route): Promise<boolean> {
    const { kind, port } = service;
    if (kind !== "nameServer") {
        const question = Buffer.from(`GET ${pages[kind]} HTTP/1.0\r\nHost: ${address}\r\n\r\n`);
        return ask(address, port, route, question, (text) => /^HTTP\/1\.\d 200 /.test(text.toString("latin1")));
    }
    const question = streamEncode({ type: "query", id: 1, questions: [{ type: "SOA", name: service.domain }] });
    return ask(address, port, route, question, isGoodAnswer);
}

export const accessClient: AccessClient = { answers };
