/** `/v2/events`: what happens, told to everybody who listens. */
import type { ServerResponse } from "node:http";
import type { JsonObject } from "../../site/definitions/fields";

/** A listener that is so far behind is hung up on. */
const MAX_BEHIND = 4 * 1024 * 1024;
const HEARTBEAT_MS = 10_000;

export class Events {
    private readonly listeners = new Map<ServerResponse, ReadonlySet<string>>();

    public tell(eventType: string, body: JsonObject = {}): void {
        const timestamp = new Date().toISOString();
        const frame = `event: ${eventType}\ndata: ${JSON.stringify({ ...body, eventType, timestamp })}\n\n`;
        for (const [response, types] of this.listeners) {
            if (types.size > 0 && !types.has(eventType)) {
                continue;
            }
            if (response.writableLength > MAX_BEHIND) {
                response.destroy();
            } else {
                response.write(frame);
            }
        }
    }

    /** @param types only these. @default all */
    public attach(response: ServerResponse, types: readonly string[], remoteAddress: string): void {
        response.writeHead(200, {
            "Content-Type": "text/event-stream;charset=utf-8",
            "Cache-Control": "no-cache, no-store, must-revalidate",
        });
        this.listeners.set(response, new Set(types));
        const beat = setInterval(() => response.write("\r\n"), HEARTBEAT_MS);
        response.on("error", () => undefined);
        response.on("close", () => {
            clearInterval(beat);
            this.listeners.delete(response);
        });
        this.tell("event_stream_attached", { remoteAddress });
    }

    public close(): void {
        this.listeners.forEach((_, response) => response.destroy());
    }
}
