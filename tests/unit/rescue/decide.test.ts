import { decide, type Decision, lostAgents, type Look, type Wish } from "../../../rescue/decide";

const empty: Look = { serves: false, leads: false, active: false, data: false, restored: "" };
const holds: Look = { ...empty, active: true, data: true };
const wish: Wish = { id: "backup-1", replace: false, cluster: "alpha" };

const decided = (looks: Record<string, Look>, more: Partial<Wish> = {}): Decision =>
    decide("zookeeper", new Map(Object.entries(looks)), { ...wish, ...more });

test("a quorum that lives is left alone, whatever is asked for", () => {
    const looks = { a: { ...holds, serves: true, leads: true }, b: empty, c: { error: "c: no answer" } };
    expect(decided(looks, { replace: true, survivor: "b" })).toEqual({
        action: "leave",
        reason: "ZooKeeper leads on a",
    });
});

test("who leads nobody has lost its quorum, and does not know it yet", () => {
    const looks = { a: empty, b: empty, c: { ...holds, serves: true, leads: true } };
    expect(decided(looks).action).toBe("refuse");
    expect(decided(looks, { survivor: "c" })).toEqual({ action: "seed", hosts: ["a", "b"] });
});

test("empty hosts are given the copy", () => {
    expect(decided({ a: empty, b: empty })).toEqual({ action: "seed", hosts: ["a", "b"] });
});

test("a host that nobody can look at stops everything", () => {
    expect(decided({ a: empty, b: { error: "b: cannot reach it" } })).toEqual({
        action: "refuse",
        reasons: ["b: cannot reach it"],
    });
});

test("a quorum that only does not run is left for pulumi up, even if the third host is out of reach", () => {
    const looks = { a: holds, b: { ...holds, active: false }, c: { error: "c: no answer" } };
    expect(decided(looks)).toEqual({ action: "leave", reason: "a, b still hold it, which is a quorum" });
    expect(decided({ a: holds })).toMatchObject({ action: "leave" });
    expect(decided({ a: holds, b: holds, c: empty }, { replace: true })).toEqual({
        action: "seed",
        hosts: ["a", "b", "c"],
    });
});

describe("data without a quorum", () => {
    test("is newer than any backup: refused, with the ways out", () => {
        const one = decided({ a: empty, b: empty, c: holds });
        expect(one.action === "refuse" && one.reasons.join()).toMatch(
            /^c still holds data.*--survivor c.*--replace alpha/s,
        );
    });

    test("of the survivor is used, and stays where it is", () => {
        expect(decided({ a: empty, b: empty, c: holds }, { survivor: "c" })).toEqual({
            action: "seed",
            hosts: ["a", "b"],
        });
    });

    test("of a second host is in the survivor's way, unless it may be put aside", () => {
        const looks = { a: empty, b: holds, c: holds };
        expect(decided(looks, { survivor: "c" }).action).toBe("refuse");
        expect(decided(looks, { survivor: "c", replace: true })).toEqual({ action: "seed", hosts: ["a", "b"] });
    });

    test("cannot come from a host that has none", () => {
        const one = decided({ a: empty, b: holds }, { survivor: "a" });
        expect(one.action === "refuse" && one.reasons.join()).toMatch(/a holds no data/);
    });

    test("of this very copy is what a restore has left that was stopped: it goes on", () => {
        const begun: Look = { ...empty, data: true, restored: "backup-1" };
        expect(decided({ a: begun, b: empty })).toEqual({ action: "seed", hosts: ["a", "b"] });
        expect(decided({ a: { ...begun, restored: "backup-0" }, b: empty }).action).toBe("refuse");
    });
});

test("an agent is lost when its host's disk knows it no more; of a host that is out of reach nobody can tell", () => {
    const known = ["a", "b", "c", "d"].map((hostname) => ({ hostname, id: `old-${hostname}` }));
    const kept = new Map([
        ["a", "old-a"],
        ["b", ""],
        ["c", "new-c"],
    ]);
    expect(lostAgents(known, kept).map(({ hostname }) => hostname)).toEqual(["b", "c"]);
});
