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

test("a master that does not know the new credential yet is asked with the former one, and no other master is", async () => {
    const seen: string[] = [];
    server = createServer((request, response) => {
        const [, sent = ""] = (request.headers.authorization ?? "").split(" ");
        const login = Buffer.from(sent, "base64").toString();
        seen.push(login);
        response.statusCode = login === "operator:old" ? 200 : 401;
        response.end(JSON.stringify({ "master/elected": 1, "registrar/log/recovered": 1 }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const master = { name: "m1", address: "127.0.0.1", port };
    const credential = (secret: string) => ({ principal: "operator", secret });
    const client = new HttpMesosClient([master], credential("new"), {}, credential("old"));
    expect(await client.health(master)).toMatchObject({ elected: true });
    expect(seen).toEqual(["operator:new", "operator:old"]);
    const accepted = new HttpMesosClient([master], credential("old"), {}, credential("new"));
    expect(await accepted.health(master)).toMatchObject({ elected: true });
    expect(seen.slice(2)).toEqual(["operator:old"]);
    expect(await new HttpMesosClient([master], credential("new"), {}).health(master)).toBeUndefined();
});

test("any other refusal is told at once, with the master's name", async () => {
    const { client, asked } = await master([403]);
    await expect(client.agents()).rejects.toThrow("GET_AGENTS on master m1: HTTP 403");
    expect(asked()).toBe(1);
});
