import { type Turn, Turns, waits } from "../../../components/shared/turns";
import type * as pulumi from "@pulumi/pulumi";

const quorum = (host: string): Turn => ({ host, tier: "quorum", maxUnavailable: 1, services: 2 });
const agent = (host: string, maxUnavailable = 1, tier = "build"): Turn => ({ host, tier, maxUnavailable, services: 1 });

test("machines of the quorum go one at a time, then those of each pool, as many as may be away", () => {
    const order = waits([
        quorum("m1"),
        quorum("m2"),
        agent("a1", 2),
        agent("a2", 2),
        agent("a3", 2),
        agent("a4", 2),
        agent("b1", 1, "other"),
    ]);
    expect(Object.fromEntries(order)).toEqual({ m2: "m1", a1: "m2", a2: "m2", a3: "a1", a4: "a2", b1: "m2" });
});

test("nobody waits where nothing of the quorum is replaced", () => {
    expect([...waits([agent("a1"), agent("b1", 1, "other")])]).toEqual([]);
});

test("whatever is replaced: everybody's turn comes, and never more of a tier at once than may be away", () => {
    let seed = 3;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % below;
    for (let round = 0; round < 100; round++) {
        const most = 1 + random(3);
        const all = [
            ...Array.from({ length: random(5) }, (_, index) => quorum(`m${index}`)),
            ...Array.from({ length: random(12) }, (_, index) => agent(`a${index}`, most)),
        ];
        const order = waits(all);
        const done = new Set<string>();
        while (done.size < all.length) {
            const ready = all.filter(({ host }) => {
                const former = order.get(host);
                return !done.has(host) && (former === undefined || done.has(former));
            });
            expect(ready.length).toBeGreaterThan(0);
            expect(ready.filter(({ tier }) => tier === "quorum").length).toBeLessThanOrEqual(1);
            expect(ready.filter(({ tier }) => tier === "build").length).toBeLessThanOrEqual(most);
            expect(new Set(ready.map(({ tier }) => tier === "quorum")).size).toBe(1);
            ready.forEach(({ host }) => done.add(host));
        }
    }
});

/** A resource whose registration ends when the test says so. */
function resource(): { resource: pulumi.Resource; finish: () => void } {
    let finish: () => void = () => undefined;
    const registered = new Promise<string>((resolve) => (finish = () => resolve("urn")));
    return { resource: { urn: { promise: () => registered } } as unknown as pulumi.Resource, finish: () => finish() };
}

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
    let done = false;
    void promise.then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 10));
    return done;
};

test("a machine waits until all services of the one before are healthy, however late they are declared", async () => {
    const turns = new Turns(Promise.resolve([quorum("m1"), quorum("m2")]));
    expect(await settled(turns.of("m1"))).toBe(true);
    const second = turns.of("m2");
    const [zookeeper, master] = [resource(), resource()];
    turns.put("m1", zookeeper.resource, false);
    zookeeper.finish();
    expect(await settled(second)).toBe(false);
    turns.put("m1", master.resource, false);
    expect(await settled(second)).toBe(false);
    master.finish();
    expect(await settled(second)).toBe(true);
});

test("a service does not wait for one that waits for it", async () => {
    const turns = new Turns(Promise.resolve([quorum("m1"), quorum("m2"), agent("a1")]));
    const [one, two] = [resource().resource, resource().resource];
    turns.put("m1", one, false);
    turns.put("m2", two, false);
    expect(await turns.withoutLater("m1", [one, two])).toEqual([one]);
    expect(await turns.withoutLater("m2", [one, two])).toEqual([one, two]);
    expect(await turns.withoutLater("a1", [one, two])).toEqual([one, two]);
});

test("a machine without services is waited for itself, and one that has an agent alone for that", async () => {
    const bastion: Turn = { host: "gate", tier: "quorum", maxUnavailable: 1, services: undefined };
    const turns = new Turns(Promise.resolve([bastion, { ...quorum("m1"), services: 0 }, quorum("m2")]));
    const [machine, agentService] = [resource(), resource()];
    const [first, second] = [turns.of("m1"), turns.of("m2")];
    expect(await settled(first)).toBe(false);
    turns.belongs("gate", [machine.resource]);
    machine.finish();
    expect(await settled(first)).toBe(true);
    turns.put("m1", agentService.resource, true);
    expect(await settled(second)).toBe(false);
    agentService.finish();
    expect(await settled(second)).toBe(true);
});
