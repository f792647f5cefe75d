/** Host ranges: `alibuild[01-20]`, `bm[1-3,5]`, `10.1.2.[101-120]`. */

/** One name that a range stands for. */
export interface RangeItem {
    readonly text: string;
    /** The number in the brackets; undefined when the text has none. */
    readonly number?: number;
    /** `number` counted from the first number of the range: pairs hosts with addresses. */
    readonly offset: number;
}

/** A parsed range, or `fault` when the brackets are wrong. */
export interface Range {
    readonly items: readonly RangeItem[];
    /** How many numbers lie from the first to the last, gaps included. */
    readonly span: number;
    readonly fault?: string;
}

const brackets = /^([^[\]]*)\[([^[\]]*)\]([^[\]]*)$/;
const maximum = 100_000;

function faulty(fault: string): Range {
    return { items: [], span: 0, fault };
}

/**
 * Expands a name with at most one pair of brackets. Numbers are padded with zeros to the width of the first one, and
 * ascend; gaps are written with commas (`[01-02,04-20]`), so that taking a host away leaves the others as they are.
 */
export function expandRange(text: string): Range {
    if (!/[[\]]/.test(text)) return { items: [{ text, offset: 0 }], span: 1 };
    const match = brackets.exec(text);
    if (!match) return faulty("brackets must be closed and may be used once");
    const [, before = "", inside = "", after = ""] = match;
    const items: RangeItem[] = [];
    let first: number | undefined;
    let last = -1;
    let width = 0;
    for (const part of inside.split(",")) {
        const bounds = /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(part);
        if (!bounds) return faulty(`"${part.trim()}" is neither a number nor two with a dash between them`);
        const [, low = "", high = low] = bounds;
        if (first === undefined) width = low.length;
        first ??= Number(low);
        if (Number(low) <= last || Number(high) < Number(low)) return faulty("numbers must ascend");
        if (Number(high) - Number(low) > maximum) return faulty(`more than ${maximum} hosts in one range`);
        for (let number = Number(low); number <= Number(high); number++)
            items.push({
                text: `${before}${String(number).padStart(width, "0")}${after}`,
                number,
                offset: number - first,
            });
        last = Number(high);
    }
    return { items, span: last - (first ?? 0) + 1 };
}
