import type { Range, Resource } from "../../../frameworks/scheduler";
import {
    addResources,
    allRangesOf,
    asVolume,
    containsResources,
    countRanges,
    describeResources,
    normalizeRanges,
    normalizeResources,
    reservedFor,
    scalarOf,
    subtractRanges,
    subtractResources,
    takeResources,
    withReservation,
} from "../../../frameworks/scheduler";
import { below, chance, SEEDS } from "./random";

const scalar = (name: string, value: number, more: Partial<Resource> = {}): Resource => ({
    name,
    type: "SCALAR",
    scalar: { value },
    ...more,
});
const ports = (range: Range[], more: Partial<Resource> = {}): Resource => ({
    name: "ports",
    type: "RANGES",
    ranges: { range },
    ...more,
});
const reserved = (role: string): Partial<Resource> => ({ reservations: [{ type: "STATIC", role }] });

/** Resources of a small world, so that kinds meet often. */
function someResources(random: () => number): Resource[] {
    const mores: Partial<Resource>[] = [
        {},
        reserved("web"),
        {
            reservations: [
                { type: "STATIC", role: "web" },
                { type: "DYNAMIC", role: "web/a", principal: "p" },
            ],
        },
        { revocable: {} },
        { allocation_info: { role: "web" } },
    ];
    return Array.from({ length: below(random, 8) }, (): Resource => {
        const more = mores[below(random, mores.length)] ?? {};
        switch (below(random, 4)) {
            case 0:
                return scalar("cpus", below(random, 3000) / 1000, more);
            case 1:
                return scalar("mem", below(random, 5) * 128, more);
            case 2: {
                const begin = 31000 + below(random, 20);
                return ports([{ begin, end: begin + below(random, 10) }], more);
            }
            default:
                return {
                    name: "gpu-kinds",
                    type: "SET",
                    set: { item: ["a", "b", "c"].slice(below(random, 3)) },
                    ...more,
                };
        }
    });
}

const sorted = (resources: readonly Resource[]): string[] => resources.map((r) => JSON.stringify(r)).sort();

describe("scalars, ranges and sets by chance", () => {
    test("normalising changes nothing the second time", () => {
        for (const seed of SEEDS) {
            const once = normalizeResources(someResources(chance(seed)));
            expect([seed, normalizeResources(once)]).toEqual([seed, once]);
        }
    });

    test("the order of a sum makes no difference", () => {
        for (const seed of SEEDS) {
            const random = chance(seed);
            const [a, b, c] = [someResources(random), someResources(random), someResources(random)];
            const left = addResources(addResources(a, b), c);
            const right = addResources(addResources(c, a), b);
            expect(containsResources(left, right) && containsResources(right, left)).toBe(true);
        }
    });

    test("what was added to scalars can be taken away again, to the thousandth", () => {
        for (const seed of SEEDS) {
            const random = chance(seed);
            const only = (list: Resource[]): Resource[] => list.filter(({ type }) => type === "SCALAR");
            const [a, b] = [only(someResources(random)), only(someResources(random))];
            expect([seed, sorted(subtractResources(addResources(a, b), b))]).toEqual([
                seed,
                sorted(normalizeResources(a)),
            ]);
        }
    });

    test("what is taken was there, and together with the rest it is the whole", () => {
        let takings = 0;
        for (const seed of SEEDS) {
            const random = chance(seed);
            const all = [...someResources(random), ...someResources(random)];
            const ask = { scalars: { cpus: below(random, 3000) / 1000, mem: below(random, 4) * 100 }, ports: [0, 0] };
            const result = takeResources(all, ask);
            if ("lacking" in result) {
                continue;
            }
            takings += 1;
            expect([seed, containsResources(all, result.taken)]).toEqual([seed, true]);
            expect(scalarOf(result.taken, "cpus")).toBe(ask.scalars.cpus);
            expect(scalarOf(result.taken, "mem")).toBe(ask.scalars.mem);
            expect(new Set(result.ports).size).toBe(2);
            expect(countRanges(allRangesOf(result.taken, "ports"))).toBe(2);
            const whole = addResources(result.taken, result.rest);
            expect(containsResources(whole, all) && containsResources(all, whole)).toBe(true);
        }
        expect(takings).toBeGreaterThan(20);
    });
});

test("ranges: a set of numbers behaves as a set of numbers does", () => {
    const numbers = (ranges: readonly Range[]): number[] =>
        ranges.flatMap(({ begin, end }) => Array.from({ length: end - begin + 1 }, (_, i) => begin + i));
    const some = (random: () => number): Range[] =>
        Array.from({ length: below(random, 5) }, () => {
            const begin = below(random, 30);
            return { begin, end: begin + below(random, 6) };
        });
    for (const seed of SEEDS) {
        const random = chance(seed);
        const [a, b] = [some(random), some(random)];
        const difference = [...new Set(numbers(a))].filter((n) => !numbers(b).includes(n)).sort((x, y) => x - y);
        expect([seed, numbers(subtractRanges(a, b))]).toEqual([seed, difference]);
        expect(normalizeRanges(normalizeRanges(a))).toEqual(normalizeRanges(a));
        expect(countRanges(a)).toBe(new Set(numbers(a)).size);
    }
    expect(() => normalizeRanges([{ begin: 5, end: 4 }])).toThrow("5-4 is no range");
});

test("a thousand thousandths are one, as Mesos counts", () => {
    const parts = Array.from({ length: 1000 }, () => scalar("cpus", 0.001));
    expect(normalizeResources(parts)).toEqual([scalar("cpus", 1)]);
    expect(normalizeResources([scalar("cpus", 0.0004)])).toEqual([]);
    const rest = subtractResources([scalar("cpus", 0.3)], [scalar("cpus", 0.1)]);
    expect(rest).toEqual([scalar("cpus", 0.2)]);
});

test("more than there is cannot be taken away, nor what is of another kind", () => {
    expect(() => subtractResources([scalar("cpus", 1)], [scalar("cpus", 1.001)])).toThrow(
        "cpus 1.001 is not contained in cpus 1",
    );
    expect(containsResources([scalar("cpus", 2, reserved("web"))], [scalar("cpus", 1)])).toBe(false);
    expect(containsResources([scalar("cpus", 2, { revocable: {} })], [scalar("cpus", 1)])).toBe(false);
    expect(containsResources([scalar("cpus", 2, { allocation_info: { role: "a" } })], [scalar("cpus", 1)])).toBe(false);
});

test("the older form of a reservation is the same reservation", () => {
    expect(containsResources([scalar("cpus", 1, { role: "web" })], [scalar("cpus", 1, reserved("web"))])).toBe(true);
    expect(reservedFor(scalar("cpus", 1, { role: "web" }))).toBe("web");
    expect(reservedFor(scalar("cpus", 1, { role: "*" }))).toBeUndefined();
});

test("reserved resources go first, then what is for everybody; nothing revocable, no volumes, no labelled reservation", () => {
    const labels = { labels: [{ key: "owner", value: "db" }] };
    const offer = [
        scalar("cpus", 4),
        scalar("cpus", 1, reserved("web")),
        scalar("cpus", 8, { revocable: {} }),
        scalar("cpus", 8, { reservations: [{ type: "DYNAMIC", role: "web", labels }] }),
        asVolume(withReservation(scalar("disk", 100), { role: "web", principal: "p" }), {
            id: "v1",
            containerPath: "data",
        }),
        scalar("disk", 50),
    ];
    const result = takeResources(offer, { scalars: { cpus: 2, disk: 50 } });
    expect(result).toMatchObject({
        taken: [scalar("cpus", 1, reserved("web")), scalar("cpus", 1), scalar("disk", 50)],
    });
    expect(takeResources(offer, { scalars: { cpus: 6, disk: 51 } })).toEqual({ lacking: ["cpus", "disk"] });
});

test("a volume is had as a whole", () => {
    const volume = asVolume(withReservation(scalar("disk", 100), { role: "web" }), { id: "v1", containerPath: "data" });
    expect(takeResources([volume], { scalars: { disk: 60 } }, () => true)).toEqual({ lacking: ["disk"] });
    expect(takeResources([volume], { scalars: { disk: 100 } }, () => true)).toMatchObject({
        taken: [volume],
        rest: [],
    });
    expect(describeResources([volume])).toBe("disk 100 (reserved for web, volume v1)");
});

test.each<[string, number[], number[] | undefined]>([
    ["the lowest ones", [0, 0], [31000, 31001]],
    ["a named one, and another", [0, 31000], [31001, 31000]],
    ["across ranges", [0, 0, 0, 31010], [31000, 31001, 31002, 31010]],
    ["none that is not offered", [80], undefined],
    ["none twice", [31000, 31000], undefined],
    ["not more than there are", [0, 0, 0, 0, 0, 0], undefined],
])("ports: %s", (_, asked, expected) => {
    const offer = [
        ports([
            { begin: 31000, end: 31002 },
            { begin: 31010, end: 31011 },
        ]),
    ];
    const result = takeResources(offer, { scalars: {}, ports: asked });
    expect("ports" in result ? result.ports : undefined).toEqual(expected);
});
