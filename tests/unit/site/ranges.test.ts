import { expandRange } from "../../../site/ranges";

const texts = (range: string) => expandRange(range).items.map(({ text }) => text);

test.each([
    ["bm1", ["bm1"]],
    ["bm[1-3]", ["bm1", "bm2", "bm3"]],
    ["alibuild[08-11]", ["alibuild08", "alibuild09", "alibuild10", "alibuild11"]],
    ["10.1.2.[101-103]", ["10.1.2.101", "10.1.2.102", "10.1.2.103"]],
    ["a[1,3-4]z", ["a1z", "a3z", "a4z"]],
    ["n[7]", ["n7"]],
])("%s stands for %j", (range, expected) => {
    expect(texts(range)).toEqual(expected);
});

test("numbers are counted from the first one, gaps included, so that addresses pair up", () => {
    const { items, span } = expandRange("a[02,06-07]");
    expect(items.map(({ offset }) => offset)).toEqual([0, 4, 5]);
    expect(span).toBe(6);
});

test.each([
    ["bm[1-3", "brackets must be closed and may be used once"],
    ["bm[1][2]", "brackets must be closed and may be used once"],
    ["bm[]", '"" is neither a number nor two with a dash between them'],
    ["bm[a-c]", '"a-c" is neither a number nor two with a dash between them'],
    ["bm[3-1]", "numbers must ascend"],
    ["bm[1-3,2]", "numbers must ascend"],
    ["bm[1-999999]", "more than 100000 hosts in one range"],
])("fails on %s", (range, fault) => {
    expect(expandRange(range)).toEqual({ items: [], span: 0, fault });
});
