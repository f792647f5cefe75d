/** Servers that do not answer: one waits for a change of leader, those right behind it do not wait anew. */
import { type AddressInfo, createServer } from "node:net";
import { HttpGroup } from "../../../provider/clients/http";
import { HttpMesosClient } from "../../../provider/clients/mesos";
import { UnreachableError } from "../../../provider/resources/resource";

/** A port of the loopback address that nothing listens at. */
async function closedPort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}

const took = async (work: Promise<unknown>): Promise<number> => {
    const began = Date.now();
    await expect(work).rejects.toThrow(UnreachableError);
    return Date.now() - began;
};

test("of many that ask a group which is away, only the first ones wait as long as a change of leader may take", async () => {
    const urls = [`http://127.0.0.1:${await closedPort()}`, `http://127.0.0.1:${await closedPort()}`];
    const group = new HttpGroup("Marathon", { urls }, { answerMs: 1000, failoverMs: 2000, retryMs: 100 });
    const first = await took(group.ask("GET", "/v2/apps//a"));
    expect(first).toBeGreaterThan(1000);
    expect(await took(group.ask("GET", "/v2/apps//b"))).toBeLessThan(first);
});

test("masters of which none leads are away, too", async () => {
    const master = { name: "bm1", address: "127.0.0.1", port: await closedPort() };
    await expect(new HttpMesosClient([master], undefined, {}).agents()).rejects.toThrow(UnreachableError);
});
