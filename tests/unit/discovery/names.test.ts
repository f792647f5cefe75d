import { createSocket } from "node:dgram";
import { connect } from "node:net";
import { decode, type DecodedPacket, encode, streamDecode, streamEncode } from "dns-packet";
import { labelOf, type Names, namesOf } from "../../../discovery/names";
import { Resolver, withAddresses } from "../../../discovery/resolve";
import { respond, type Responder } from "../../../discovery/responder";
import type { Service } from "../../../discovery/services";

const settings = { domain: "mesos", framework: "marathon", ttlSec: 5 };

const service = (app: string, ...addresses: string[]): Service => ({
    app,
    labels: {},
    servicePorts: [10000],
    checks: [undefined],
    tasks: addresses.map((address, index) => ({ id: `${app}.${index}`, address, ports: [31000 + index] })),
});

test.each([
    ["/web", "web"],
    ["/shop/web", "web-shop"],
    ["/a/b/c.d", "c-d-b-a"],
])("app %s is named %s", (app, label) => expect(labelOf(app)).toBe(label));

test("a name that is too long for DNS is cut, and stays unlike its neighbour's", () => {
    const [a, b] = [labelOf(`/${"x".repeat(80)}/a`), labelOf(`/${"x".repeat(80)}y/a`)];
    expect([a.length, b.length]).toEqual([63, 63]);
    expect(a).not.toBe(b);
});

test("agents that are given by name are looked up, once a minute; who is unknown is left out", async () => {
    let now = 0;
    const asked: string[] = [];
    const resolver = new Resolver(
        (name) => {
            asked.push(name);
            return name === "agent1" ? Promise.resolve("10.0.0.4") : Promise.reject(new Error("ENOTFOUND"));
        },
        () => now,
    );
    const found = await withAddresses([service("/web", "agent1", "10.0.0.9", "agent2")], resolver);
    expect(found[0]?.tasks.map(({ address }) => address)).toEqual(["10.0.0.4", "10.0.0.9"]);
    now = 59_000;
    await resolver.address("agent1");
    expect(asked).toEqual(["agent1", "agent2"]);
    now = 61_000;
    await resolver.address("agent1");
    expect(asked).toEqual(["agent1", "agent2", "agent1"]);
});

describe("the name server", () => {
    let names: Names = namesOf(
        [
            service("/shop/web", "10.0.0.4", "10.0.0.5"),
            service("/many", ...Array.from({ length: 60 }, (_, i) => `10.0.1.${i}`)),
        ],
        { leader: "10.0.0.1" },
        settings,
    );
    let server: Responder;
    beforeAll(async () => (server = await respond({ address: "127.0.0.1", port: 0 }, settings, () => names)));
    afterAll(() => server.close());

    const sendUdp = (message: Buffer): Promise<Buffer | undefined> =>
        new Promise((resolve) => {
            const socket = createSocket("udp4");
            const end = (answer?: Buffer): void => {
                clearTimeout(timer);
                socket.close();
                resolve(answer);
            };
            const timer = setTimeout(() => end(), 300);
            socket.on("message", end);
            socket.send(message, server.port, "127.0.0.1");
        });

    async function udp(type: "A" | "AAAA" | "SRV" | "SOA", name: string): Promise<DecodedPacket & { rcode?: string }> {
        const answer = await sendUdp(encode({ type: "query", id: 7, questions: [{ type, name }] }));
        if (answer === undefined) throw new Error("no answer");
        return decode(answer);
    }
    const data = ({ answers = [] }: DecodedPacket): unknown[] => answers.map((one) => ("data" in one ? one.data : ""));

    test.each([
        ["A", "web-shop.marathon.mesos", "NOERROR", ["10.0.0.4", "10.0.0.5"]],
        ["A", "WEB-Shop.Marathon.mesos", "NOERROR", ["10.0.0.4", "10.0.0.5"]],
        ["A", "leader.mesos", "NOERROR", ["10.0.0.1"]],
        ["AAAA", "leader.mesos", "NOERROR", []],
        ["A", "marathon.mesos", "NOERROR", []],
        ["SOA", "mesos", "NOERROR", []],
        ["A", "nobody.marathon.mesos", "NXDOMAIN", []],
        ["A", "example.org", "REFUSED", []],
        ["A", "notmesos", "REFUSED", []],
    ] as const)("%s %s: %s", async (type, name, code, expected) => {
        const answer = await udp(type, name);
        expect([answer.id, answer.rcode, data(answer).sort()]).toEqual([7, code, expected]);
    });

    test("says for how long there is nothing: no resolver keeps a missing app for hours", async () => {
        const { authorities = [] } = await udp("A", "nobody.marathon.mesos");
        expect(authorities).toMatchObject([{ type: "SOA", name: "mesos", ttl: 5, data: { minimum: 5 } }]);
    });

    test("tells ports by SRV, with an address for each target", async () => {
        const answer = await udp("SRV", "_web-shop._tcp.marathon.mesos");
        const places = data(answer) as { target: string; port: number }[];
        expect(places.map(({ port }) => port).sort()).toEqual([31000, 31001]);
        const targets = answer.additionals?.map((one) => [one.name, "data" in one && one.data]) ?? [];
        expect(Object.fromEntries(targets)).toEqual({
            [places.find(({ port }) => port === 31000)?.target ?? ""]: "10.0.0.4",
            [places.find(({ port }) => port === 31001)?.target ?? ""]: "10.0.0.5",
        });
    });

    test("begins each answer at another address", async () => {
        const firsts = new Set<unknown>();
        for (let i = 0; i < 4; i++) firsts.add(data(await udp("A", "web-shop.marathon.mesos"))[0]);
        expect(firsts).toEqual(new Set(["10.0.0.4", "10.0.0.5"]));
    });

    test("what is too long for a datagram is cut, and whole by TCP", async () => {
        const short = await udp("A", "many.marathon.mesos");
        expect([short.flag_tc, data(short)]).toEqual([true, []]);
        const whole = await new Promise<DecodedPacket>((resolve) => {
            const socket = connect(server.port, "127.0.0.1");
            let all = Buffer.alloc(0);
            socket.on("data", (part: Buffer) => {
                all = Buffer.concat([all, part]);
                if (all.length < 2 || all.length < 2 + all.readUInt16BE(0)) return;
                socket.destroy();
                resolve(streamDecode(all) as DecodedPacket);
            });
            socket.write(
                streamEncode({ type: "query", id: 1, questions: [{ type: "A", name: "many.marathon.mesos" }] }),
            );
        });
        expect(data(whole)).toHaveLength(60);
    });

    test("goes on after rubbish, and answers no answer", async () => {
        expect(await sendUdp(Buffer.from("rubbish"))).toBeUndefined();
        expect(await sendUdp(encode({ type: "response", id: 1 }))).toBeUndefined();
        expect((await udp("A", "leader.mesos")).rcode).toBe("NOERROR");
    });

    test("forgets a leader that is gone", async () => {
        const before = names;
        names = namesOf([service("/shop/web", "10.0.0.4")], { leader: undefined }, settings);
        expect((await udp("A", "leader.mesos")).rcode).toBe("NXDOMAIN");
        names = before;
    });
});
