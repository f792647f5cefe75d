/** HTTP to a master: one long answer with the events, and short calls beside it. */
import * as http from "node:http";
import * as https from "node:https";
import { basicAuth, type Credential } from "./credential";
import type { Call } from "./messages";
import { FramingError, RecordIoDecoder } from "./recordIo";

export interface ConnectionOptions {
    readonly credential?: Credential;
    /** With it masters are spoken to by https, and must show a certificate signed by this authority (PEM). */
    readonly ca?: string;
    /** @default 64 MiB */
    readonly maxRecordBytes?: number;
    /** Until a call is answered. @default 10000 */
    readonly callTimeoutMs?: number;
}

export interface StreamListener {
    opened(streamId: string): void;
    refused(answer: { status: number; body: string; location?: string }): void;
    record(text: string): void;
    /** Something was heard, be it half a record. */
    heard(): void;
    /** Once, at the end of a stream that had been opened or of a connection that never came about. */
    closed(reason: string): void;
}

const PATH = "/api/v1/scheduler";
/** Of a refusal's text, the rest is not kept. */
const MAX_BODY = 64 * 1024;

export class MasterConnection {
    private readonly agent: http.Agent;
    private readonly underWay = new Set<http.ClientRequest>();

    public constructor(private readonly options: ConnectionOptions) {
        // One connection for all calls: Mesos takes those of one connection in their order, so a KILL cannot overtake its LAUNCH.
        const one = { keepAlive: true, maxSockets: 1 };
        this.agent = options.ca === undefined ? new http.Agent(one) : new https.Agent({ ...one, ca: options.ca });
    }

    private request(master: string, headers: http.OutgoingHttpHeaders, agent: http.Agent | false): http.ClientRequest {
        const { credential, ca } = this.options;
        const colon = master.lastIndexOf(":");
        const options: https.RequestOptions = {
            host: master.slice(0, colon).replace(/^\[|\]$/g, ""),
            port: Number(master.slice(colon + 1)),
            method: "POST",
            path: PATH,
            agent,
            ...(ca !== undefined && { ca }),
            headers: {
                "Content-Type": "application/json",
                Accept: "application/json",
                ...(credential !== undefined && { Authorization: basicAuth(credential) }),
                ...headers,
            },
        };
        return ca === undefined ? http.request(options) : https.request(options);
    }

    /** Subscribes. @returns how to hang up; the listener hears nothing after that */
    public stream(master: string, call: object, listener: StreamListener): () => void {
        const state = { over: false };
        const request = this.request(master, { Connection: "keep-alive" }, false);
        const close = (reason: string): void => {
            if (!state.over) {
                state.over = true;
                request.destroy();
                listener.closed(reason);
            }
        };
        request.on("error", (error) => close(error.message));
        request.on("response", (response) => {
            if (response.statusCode !== 200) {
                void readBody(response).then((body) => {
                    if (!state.over) {
                        state.over = true;
                        const { location } = response.headers;
                        listener.refused({
                            status: response.statusCode ?? 0,
                            body,
                            ...(location !== undefined && { location }),
                        });
                    }
                });
                return;
            }
            const decoder = new RecordIoDecoder(this.options.maxRecordBytes);
            if (!state.over) {
                listener.opened(String(response.headers["mesos-stream-id"] ?? ""));
            }
            response.on("data", (data: Buffer) => {
                if (state.over) {
                    return;
                }
                listener.heard();
                try {
                    for (const record of decoder.push(data)) {
                        if (!this.isOver(state)) {
                            listener.record(record.toString("utf8"));
                        }
                    }
                } catch (error) {
                    close(
                        error instanceof FramingError ? error.message : `an event is not understood: ${String(error)}`,
                    );
                }
            });
            response.on("error", (error) => close(error.message));
            response.on("close", () =>
                close(decoder.isWithinRecord ? "the stream was cut within an event" : "the stream has ended"),
            );
        });
        request.end(JSON.stringify(call));
        return () => {
            state.over = true;
            request.destroy();
        };
    }

    /** What a listener does with a record may hang the stream up. */
    private isOver(state: { readonly over: boolean }): boolean {
        return state.over;
    }

    /**
     * Sends a call. It is never repeated: whether a call whose answer was lost had its effect is not known.
     * @returns status 0 and the reason when there was no answer
     */
    public post(
        master: string,
        streamId: string,
        call: Call & { framework_id?: unknown },
    ): Promise<{ status: number; body: string }> {
        return new Promise((resolve) => {
            const text = JSON.stringify(call);
            const request = this.request(
                master,
                { "Mesos-Stream-Id": streamId, "Content-Length": Buffer.byteLength(text) },
                this.agent,
            );
            const { callTimeoutMs = 10_000 } = this.options;
            request.setTimeout(callTimeoutMs, () => request.destroy(new Error(`no answer within ${callTimeoutMs} ms`)));
            this.underWay.add(request);
            request.on("close", () => this.underWay.delete(request));
            request.on("error", (error) => resolve({ status: 0, body: error.message }));
            request.on("response", (response) => {
                void readBody(response).then((body) => resolve({ status: response.statusCode ?? 0, body }));
            });
            request.end(text);
        });
    }

    /** Gives up what has not been answered, the calls that wait for their turn too. */
    public close(): void {
        this.underWay.forEach((request) => request.destroy(new Error("the subscription is gone")));
        this.agent.destroy();
    }
}

function readBody(response: http.IncomingMessage): Promise<string> {
    return new Promise((resolve) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (data: string) => {
            text = text.length < MAX_BODY ? text + data : text;
        });
        response.on("end", () => resolve(text));
        response.on("error", () => resolve(text));
        response.on("close", () => resolve(text));
    });
}
