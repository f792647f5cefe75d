import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { HttpMesosClient } from "../../../provider/clients/mesos";

let server: Server;
afterEach(() => server.close());

/** A leading master whose operator API gives these statuses, one after the other, the last one for ever. */
async function master(statuses: number[]): Promise<{ client: HttpMesosClient; asked: () => number }> {
    let asked = 0;
    server = createServer((request, response) => {
        request.resume();
        if (request.url === "/metrics/snapshot") {
            response.end(JSON.stringify({ "master/elected": 1, "registrar/log/recovered": 1 }));
            return;
        }
        response.statusCode = statuses[Math.min(asked, statuses.length - 1)] ?? 200;
        asked += 1;
        response.end(
            response.statusCode === 200 ? JSON.stringify({ get_agents: {} }) : "Master has not finished recovery",
        );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
        client: new HttpMesosClient([{ name: "m1", address: "127.0.0.1", port }], undefined, {}),
        asked: () => asked,
    };
}

test("a leader that still reads its registry is asked again", async () => {
    const { client, asked } = await master([503, 503, 200]);
    expect(await client.agents()).toEqual([]);
    expect(asked()).toBe(3);
});

test("any other refusal is told at once, with the master's name", async () => {
    const { client, asked } = await master([403]);
    await expect(client.agents()).rejects.toThrow("GET_AGENTS on master m1: HTTP 403");
    expect(asked()).toBe(1);
});
