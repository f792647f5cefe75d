import {
    type Expected,
    faultsOf,
    folderOf,
    type Manifest,
    newest,
    outdated,
    parseManifest,
} from "../../../rescue/manifest";

const now = new Date("2027-03-01T12:00:00Z");

const good: Manifest = {
    format: 1,
    cluster: "alpha",
    time: "2027-03-01T10:00:00.000Z",
    recipients: ["age1x"],
    parts: {
        zookeeper: {
            sha256: "a".repeat(64),
            bytes: 10,
            host: "m1",
            facts: { part: "zookeeper", cluster: "alpha", time: 1, zxid: "0x1", nodes: 5, top: ["marathon", "mesos"] },
        },
    },
};

const expected: Expected = {
    cluster: "alpha",
    maxAgeHours: 48,
    acceptOld: false,
    now,
    paths: ["/marathon"],
};

const faults = (change: Partial<Manifest>, more: Partial<Expected> = {}): string =>
    faultsOf({ ...good, ...change }, ["zookeeper"], { ...expected, ...more }).join("\n");

describe("a backup is refused", () => {
    test.each<[string, Partial<Manifest>, Partial<Expected>, RegExp]>([
        ["of another cluster", { cluster: "beta" }, {}, /of the cluster beta, the stack file declares alpha/],
        ["that is too old", { time: "2027-02-20T10:00:00.000Z" }, {}, /9 days old.*--accept-old/s],
        ["from the future", { time: "2027-03-02T10:00:00.000Z" }, {}, /future/],
        ["without the part", { parts: {} }, {}, /no zookeeper part/],
        ["without a framework's state", {}, { paths: ["/marathon", "/metronome"] }, /no \/metronome/],
    ])("%s", (_, change, more, why) => expect(faults(change, more)).toMatch(why));

    test("with all its faults at once", () => {
        expect(faults({ cluster: "beta", time: "2027-02-20T10:00:00.000Z" }).split("\n")).toHaveLength(2);
    });
});

test("a good one is taken, an old one where that is said", () => {
    expect(faults({})).toBe("");
    expect(faults({ time: "2027-02-20T10:00:00.000Z" }, { acceptOld: true })).toBe("");
});

test.each<[string, string, RegExp]>([
    ["half a file", '{"format": 1, "clus', /no JSON/],
    ["a later format", JSON.stringify({ ...good, format: 2 }), /format/],
    ["no checksum", JSON.stringify({ ...good, parts: { pulumi: { bytes: 1 } } }), /parts\.pulumi/],
])("%s is no manifest", (_, text, why) => expect(() => parseManifest(text, "m.json")).toThrow(why));

test("a manifest survives being written and read", () => {
    expect(parseManifest(JSON.stringify(good), "m.json")).toEqual(good);
});

describe("rotation", () => {
    const at = (day: number): string => folderOf("alpha", new Date(Date.UTC(2027, 0, day)));
    const names = [at(3), at(1), at(2), folderOf("alpha-two", new Date(0)), ".alpha-20270101T000000Z.new", "notes.txt"];

    test("takes the oldest of the cluster's own, nothing else", () => {
        expect(outdated(names, "alpha", 2)).toEqual([at(1)]);
        expect(outdated(names, "alpha", 3)).toEqual([]);
        expect(outdated(names, "two", 0)).toEqual([]);
    });

    test("the newest is by time", () => {
        expect(newest(names, "alpha", "pulumi")).toBe(at(3));
        expect(newest(names, "beta", "pulumi")).toBeUndefined();
    });

    test("what hosts keep has one part each, and is nobody else's to remove", () => {
        const own = [...names, `${at(4)}-registry`, `${at(2)}-zookeeper`, `${at(9)}-else`];
        expect(newest(own, "alpha", "registry")).toBe(`${at(4)}-registry`);
        expect(newest(own, "alpha", "zookeeper")).toBe(at(3));
        expect(newest(own, "alpha", "pulumi")).toBe(at(3));
        expect(outdated(own, "alpha", 3)).toEqual([]);
    });
});
