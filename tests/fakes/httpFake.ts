import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on a free port of the loopback address, for as long as a test needs it. */
export abstract class HttpFake {
    private server: Server | undefined;

    protected abstract serve(request: IncomingMessage, response: ServerResponse): Promise<void>;

    /** @returns its base URL */
    public async start(): Promise<string> {
        const server = createServer((request, response) => void this.serve(request, response));
        this.server = server;
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    public async stop(): Promise<void> {
        this.server?.closeAllConnections();
        await new Promise((resolve) => this.server?.close(resolve));
    }
}
