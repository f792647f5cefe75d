/** A master's scheduler endpoint over real HTTP, as far as a scheduler sees it, with every way in which it can fail. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Event } from "../../frameworks/scheduler";
import { encodeRecord } from "../../frameworks/scheduler/recordIo";

export interface HeardCall {
    readonly type: string;
    readonly framework_id?: { readonly value: string };
    readonly [key: string]: unknown;
}

export interface Refusal {
    readonly status: number;
    readonly body?: string;
    readonly location?: string;
}

type Waiter = () => void;

export class FakeMaster {
    /** Everything but SUBSCRIBE, in order. */
    public readonly calls: HeardCall[] = [];
    public readonly subscriptions: HeardCall[] = [];
    public readonly authorizations: (string | undefined)[] = [];
    /** Answers to the next SUBSCRIBE calls, one each; when there is none, they are taken. */
    public readonly refusals: Refusal[] = [];
    /** Answers to the next other calls. */
    public readonly callRefusals: Refusal[] = [];
    public frameworkId = "framework-1";
    /** What SUBSCRIBED says; the fake itself beats only when it is told to. */
    public heartbeatSec = 3600;
    /** Takes connections and says nothing. */
    public mute = false;
    private readonly server: Server;
    private readonly sockets = new Set<Socket>();
    private stream: ServerResponse | undefined;
    private streams = 0;
    private waiters: Waiter[] = [];

    private constructor() {
        this.server = createServer((request, response) => void this.answer(request, response));
        this.server.on("connection", (socket) => {
            this.sockets.add(socket);
            socket.on("close", () => this.sockets.delete(socket));
            // Whoever hangs up in the middle of a record is no fault here.
            socket.on("error", () => undefined);
        });
    }

    public static async start(port = 0): Promise<FakeMaster> {
        const master = new FakeMaster();
        await new Promise<void>((resolve) => master.server.listen(port, "127.0.0.1", resolve));
        return master;
    }

    public get port(): number {
        return (this.server.address() as AddressInfo).port;
    }

    public get address(): string {
        return `127.0.0.1:${this.port}`;
    }

    private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const chunks: Buffer[] = [];
        for await (const chunk of request) {
            chunks.push(chunk as Buffer);
        }
        const call = JSON.parse(Buffer.concat(chunks).toString("utf8")) as HeardCall;
        if (this.mute) {
            return;
        }
        if (call.type === "SUBSCRIBE") {
            this.subscribe(call, request, response);
        } else {
            const refusal = this.callRefusals.shift();
            const current = request.headers["mesos-stream-id"] === `stream-${this.streams}`;
            if (refusal === undefined && current) {
                this.calls.push(call);
            }
            if (call.type === "TEARDOWN" && refusal === undefined) {
                // As the real one does it: the stream ends before the answer is there.
                this.endStream();
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            this.refuse(response, refusal ?? (current ? { status: 202 } : { status: 400, body: "wrong stream id" }));
        }
        this.waiters.splice(0).forEach((wake) => wake());
    }

    private refuse(response: ServerResponse, { status, body = "", location }: Refusal): void {
        response.writeHead(status, {
            "Content-Type": "text/plain",
            ...(location !== undefined && { Location: location }),
        });
        response.end(body);
    }

    private subscribe(call: HeardCall, request: IncomingMessage, response: ServerResponse): void {
        this.subscriptions.push(call);
        this.authorizations.push(request.headers.authorization);
        const refusal = this.refusals.shift();
        if (refusal !== undefined) {
            this.refuse(response, refusal);
            return;
        }
        this.streams += 1;
        this.stream = response;
        response.writeHead(200, { "Content-Type": "application/json", "Mesos-Stream-Id": `stream-${this.streams}` });
        this.send({
            type: "SUBSCRIBED",
            subscribed: {
                framework_id: call.framework_id ?? { value: this.frameworkId },
                heartbeat_interval_seconds: this.heartbeatSec,
            },
        });
    }

    public send(event: Event): void {
        this.write(encodeRecord(JSON.stringify(event)));
    }

    /** Bytes as they are: halves of records, or no records at all. */
    public write(bytes: Buffer): void {
        this.stream?.write(bytes);
    }

    /** Ends the stream in order. */
    public endStream(): void {
        this.stream?.end();
    }

    /** Cuts every connection without a word of HTTP. */
    public cut(): void {
        this.sockets.forEach((socket) => socket.destroy());
    }

    /** When something has been heard for which `test` holds. */
    public async until(test: (master: this) => boolean): Promise<void> {
        while (!test(this)) {
            await new Promise<void>((resolve) => this.waiters.push(resolve));
        }
    }

    public async stop(): Promise<void> {
        this.cut();
        await new Promise((resolve) => this.server.close(resolve));
    }
}
