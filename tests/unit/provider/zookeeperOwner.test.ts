import type { ZooKeeperClient } from "../../../provider/clients/zookeeper";
import { zookeeperOwner } from "../../../provider/resources/zookeeperOwner";

const inputs = {
    servers: ["10.0.0.1:2181"],
    path: "/marathon",
    owner: { principal: "marathon", secret: "now" },
    connection: { address: "10.0.0.1", user: "root" },
};
const told: string[] = [];
const context = { urn: "u", name: "marathon", log: (_: string, line: string) => void told.push(line) };

function setUp(answers: Partial<ZooKeeperClient> = {}) {
    told.length = 0;
    const calls: string[] = [];
    const client = {
        claim: ({ path }: { path: string }, { secret }: { secret: string }) => {
            calls.push(`${path} ${secret}`);
            return Promise.resolve(7);
        },
        isClaimed: () => Promise.resolve(true),
        ...answers,
    } as unknown as ZooKeeperClient;
    return { type: zookeeperOwner(client), calls };
}

test("a former password is shut out when it is made and when the password is another one; never in a preview", async () => {
    const { type, calls } = setUp();
    await type.create(inputs, true, context);
    await type.update("/marathon", inputs, inputs, true, context);
    expect(calls).toEqual([]);
    expect(await type.create(inputs, false, context)).toEqual({ id: "/marathon", outputs: {} });
    await type.update("/marathon", inputs, inputs, false, context);
    expect(calls).toEqual(["/marathon now", "/marathon now"]);
    expect(told).toEqual(["marathon: 7 nodes of /marathon are nobody's by the former password any more"]);
});

test("how ZooKeeper is reached changes nothing; another password does, another path is another part", () => {
    const { type } = setUp();
    const diff = (changes: object) => type.diff(inputs, { ...inputs, ...changes }, context);
    expect(diff({ servers: ["x:1"], connection: { address: "y", user: "z" } }).changes).toEqual([]);
    expect(diff({ owner: { principal: "marathon", secret: "next" } })).toEqual({
        changes: [{ path: ["owner", "secret"], kind: "update" }],
        replaces: [],
    });
    expect(diff({ path: "/other" }).replaces).toEqual([["path"]]);
});

test("fails with what to do when something is not the owner's", async () => {
    const { type } = setUp({ claim: () => Promise.reject(new Error("not allowed")) });
    await expect(type.create(inputs, false, context)).rejects.toThrow(
        /^\/marathon in ZooKeeper is not its owner's alone: not allowed\n {2}fix: /,
    );
});

test("a refresh sees another password, and keeps what it cannot look at", async () => {
    const open = setUp({ isClaimed: () => Promise.resolve(false) });
    expect(await open.type.read("/marathon", inputs, {}, context)).toMatchObject({
        inputs: { owner: { principal: "marathon", secret: "" } },
    });
    expect(told).toEqual(["marathon: /marathon is also open to another password than its owner's"]);
    const away = setUp({ isClaimed: () => Promise.reject(new Error("no ZooKeeper server gave a session")) });
    expect(await away.type.read("/marathon", inputs, {}, context)).toMatchObject({ inputs });
    expect(told).toEqual(["marathon: kept as it was remembered: no ZooKeeper server gave a session"]);
});
