/** Following Marathon, against a server that tells events, falls silent, and breaks. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { follow } from "../../../discovery/follow";
import { EventStream } from "../../../provider/clients/eventStream";
import { HttpGroup } from "../../../provider/clients/http";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("an event is seen at once, what no event tells by polling, and a broken answer changes nothing", async () => {
    const streams: ServerResponse[] = [];
    let answer: unknown = { apps: [{ id: "/a", tasks: [] }] };
    let status = 200;
    const server = createServer((request, response) => {
        if (request.url?.startsWith("/v2/events") === true) {
            response.writeHead(200, { "Content-Type": "text/event-stream" });
            response.write("event: event_stream_attached\ndata: {}\n\n");
            streams.push(response);
            return;
        }
        response.writeHead(status, { "Content-Type": "application/json" });
        response.end(JSON.stringify(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const seen: string[] = [];
    const said: string[] = [];
    const stop = follow({
        endpoint: { urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] },
        everyMs: 700,
        gatherMs: 20,
        seen: (services) => void seen.push(services.map(({ app }) => app).join()),
        log: (line) => void said.push(line),
    });
    await pause(300);
    expect(seen.at(-1)).toBe("/a");
    answer = { apps: [{ id: "/b", tasks: [] }] };
    streams.forEach((stream) => stream.write("event: status_update_event\ndata: {}\n\n"));
    await pause(200);
    expect(seen.at(-1)).toBe("/b");

    const count = seen.length;
    status = 500;
    answer = { message: "no leader" };
    await pause(1000);
    expect([seen.length, said.length]).toEqual([count, 1]);
    expect(said[0]).toMatch(/^what was known stays in use: /);

    status = 200;
    answer = { apps: [] };
    await pause(2500);
    expect([seen.at(-1), said.at(-1)]).toEqual(["", "Marathon answers again"]);
    stop();
    streams.forEach((stream) => stream.destroy());
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
});

/** A server of a Marathon that can be silenced: `lost()` closes all it has open and refuses from then on. */
async function marathon(apps: () => object[]) {
    const streams: ServerResponse[] = [];
    const server = createServer((request, response) => {
        if (request.url?.startsWith("/v2/events") === true) {
            response.writeHead(200, { "Content-Type": "text/event-stream" });
            response.flushHeaders();
            streams.push(response);
            return;
        }
        response.writeHead(200, { "Content-Type": "application/json" });
        response.end(JSON.stringify({ apps: apps() }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        streams,
        async lost() {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}

test("when the server that was followed is lost, the next one is, and looks come often until events do", async () => {
    let app = "/a";
    const apps = () => [{ id: app, tasks: [] }];
    const [first, second] = [await marathon(apps), await marathon(apps)];
    const seen: string[] = [];
    const stop = follow({
        endpoint: { urls: [first.url, second.url] },
        everyMs: 60_000,
        gatherMs: 20,
        seen: (services) => void seen.push(services.map(({ app: id }) => id).join()),
        log: () => undefined,
    });
    await pause(300);
    expect([seen.at(-1), first.streams.length]).toEqual(["/a", 1]);
    app = "/b";
    await first.lost();
    await pause(3500);
    expect([seen.at(-1), second.streams.length]).toEqual(["/b", 1]);
    // Its events are heard, with nothing else to wake anybody.
    app = "/c";
    second.streams.forEach((stream) => stream.write("event: status_update_event\ndata: {}\n\n"));
    await pause(300);
    expect(seen.at(-1)).toBe("/c");
    stop();
    await second.lost();
});

test("a stream that falls silent without a word is given up, and another one begun", async () => {
    const server = await marathon(() => []);
    const events = new EventStream(new HttpGroup("Marathon", { urls: [server.url] }), 300);
    const stop = events.listen(() => undefined);
    await pause(200);
    expect([events.isOpen, server.streams.length]).toEqual([true, 1]);
    await pause(1700);
    expect(server.streams.length).toBeGreaterThan(1);
    stop();
    await server.lost();
});
