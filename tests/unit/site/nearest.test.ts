import { editDistance, nearest } from "../../../site/nearest";

test.each([
    ["", "abc", 3],
    ["kitten", "sitting", 3],
    ["quorum", "quorum", 0],
])("from %j to %j it is %i letters", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
});

test.each([
    ["quorom", "quorum"],
    ["Members", "members"],
    ["bm12", "bm1"],
    ["completely-else", undefined],
    ["x", undefined],
])("%s was meant to be %s", (name, expected) => {
    expect(nearest(name, ["members", "quorum", "bm1"])).toBe(expected);
});
