/** Sets of whole numbers as sorted, disjoint, non-adjacent ranges: ports, as Mesos counts them. */
import type { Range } from "./messages";

export type Ranges = readonly Range[];

/**
 * The one normal form of a set of ranges.
 * @throws {RangeError} when one begins after its end, or is not of whole numbers
 */
export function normalizeRanges(ranges: Ranges): Range[] {
    const wrong = ranges.find(
        ({ begin, end }) => !Number.isSafeInteger(begin) || !Number.isSafeInteger(end) || begin > end,
    );
    if (wrong !== undefined) {
        throw new RangeError(`${wrong.begin}-${wrong.end} is no range: whole numbers, the smaller first`);
    }
    const merged: Range[] = [];
    for (const range of [...ranges].sort((a, b) => a.begin - b.begin)) {
        const last = merged[merged.length - 1];
        if (last !== undefined && range.begin <= last.end + 1) {
            merged[merged.length - 1] = { begin: last.begin, end: Math.max(last.end, range.end) };
        } else {
            merged.push({ begin: range.begin, end: range.end });
        }
    }
    return merged;
}

export const addRanges = (a: Ranges, b: Ranges): Range[] => normalizeRanges([...a, ...b]);

/** What is in `a` and not in `b`. */
export function subtractRanges(a: Ranges, b: Ranges): Range[] {
    const holes = normalizeRanges(b);
    return normalizeRanges(a).flatMap(({ begin, end }) => {
        const rest: Range[] = [];
        let from = begin;
        for (const hole of holes) {
            if (hole.end < from || hole.begin > end) {
                continue;
            }
            if (hole.begin > from) {
                rest.push({ begin: from, end: hole.begin - 1 });
            }
            from = hole.end + 1;
        }
        return from <= end ? [...rest, { begin: from, end }] : rest;
    });
}

/** Whether every number of `b` is in `a`. */
export const containsRanges = (a: Ranges, b: Ranges): boolean => subtractRanges(b, a).length === 0;

/** How many numbers there are. */
export const countRanges = (ranges: Ranges): number =>
    normalizeRanges(ranges).reduce((sum, { begin, end }) => sum + end - begin + 1, 0);

/** The first `count` numbers; fewer when there are not so many. */
export function firstOfRanges(ranges: Ranges, count: number): number[] {
    const found: number[] = [];
    for (const { begin, end } of normalizeRanges(ranges)) {
        for (let number = begin; number <= end && found.length < count; number++) {
            found.push(number);
        }
    }
    return found;
}
