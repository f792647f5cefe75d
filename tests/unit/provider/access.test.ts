import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { namesOf } from "../../../discovery/names";
import { respond } from "../../../discovery/responder";
import { accessClient } from "../../../provider/clients/access";
import { accessStrategy } from "../../../provider/rollout/access";
import type { Prepared } from "../../../provider/rollout/strategy";
import type { AccessService } from "../../../site/plan/types";
import { hostConfig, observation } from "../../fakes/host";

const members = ["m1", "m2"].map((name, index) => ({ name, address: `10.0.0.${index + 1}`, zone: "a" }));
const service: AccessService = { kind: "loadBalancer", port: 8405, members };
const config = (name: string) => hostConfig(name, service);

const prepared = (name: string): Prepared => ({
    host: name,
    config: config(name),
    before: config(name),
    seen: observation(config(name)),
    drift: ["x"],
    role: "serving",
    isNew: false,
    restarts: true,
    say: () => undefined,
    warn: () => undefined,
});

let now = 0;
const clock = { now: () => now, sleep: (ms: number) => ((now += ms), Promise.resolve()) };

test("those that answer change one after the other", async () => {
    const strategy = accessStrategy({ answers: () => Promise.resolve(true) });
    const waves = await strategy.waves([prepared("m1"), prepared("m2")]);
    expect(waves.map((wave) => wave.map(({ host }) => host))).toEqual([["m1"], ["m2"]]);
});

test("each is asked at its own address, and fails by name when it does not answer in time", async () => {
    const strategy = accessStrategy({ answers: (_, address) => Promise.resolve(address === "10.0.0.1") }, clock);
    expect([...(await strategy.roles([config("m1"), config("m2")]))]).toEqual([
        ["m1", "serving"],
        ["m2", "down"],
    ]);
    await expect(strategy.after(prepared("m1"))).resolves.toBeUndefined();
    await expect(strategy.after(prepared("m2"))).rejects.toThrow(
        /m2: health: the load balancer does not answer on port 8405 within \d+ s/,
    );
});

test("a load balancer answers when its health page says so", async () => {
    let status = 200;
    const server = createServer((request, response) =>
        response.writeHead(request.url === "/healthy" ? status : 404).end("x"),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = { ...service, port: (server.address() as AddressInfo).port };
    expect(await accessClient.answers(at, "127.0.0.1", {})).toBe(true);
    status = 503;
    expect(await accessClient.answers(at, "127.0.0.1", {})).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await accessClient.answers(at, "127.0.0.1", {})).toBe(false);
});

test("a name server answers when it knows its own domain", async () => {
    const settings = { domain: "mesos", framework: "marathon", ttlSec: 5 };
    const names = namesOf([], { leader: undefined }, settings);
    const server = await respond({ address: "127.0.0.1", port: 0 }, settings, () => names);
    const at = { kind: "nameServer" as const, members, port: server.port };
    expect(await accessClient.answers({ ...at, domain: "mesos" }, "127.0.0.1", {})).toBe(true);
    expect(await accessClient.answers({ ...at, domain: "other" }, "127.0.0.1", {})).toBe(false);
    await server.close();
});
