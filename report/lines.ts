/** Differences between two texts, line by line. */

/** Longest texts that are compared line by line; of longer ones only the number of lines is told. */
const MOST_LINES = 2000;

/** Lengths of the longest common subsequences of all ends of `a` and `b`. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array[] {
    const table = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
        for (let j = b.length - 1; j >= 0; j--) {
            const [row, below] = [table[i] as Uint32Array, table[i + 1] as Uint32Array];
            row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
        }
    return table;
}

/** The lines that go, each with `-` before it, and those that come, with `+`; unchanged lines are left out. */
export function changedLines(before: string, after: string): string[] {
    const split = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
    let [a, b] = [split(before), split(after)];
    while (a.length > 0 && b.length > 0 && a[0] === b[0]) [a, b] = [a.slice(1), b.slice(1)];
    while (a.length > 0 && b.length > 0 && a.at(-1) === b.at(-1)) [a, b] = [a.slice(0, -1), b.slice(0, -1)];
    if (a.length === 0 && b.length === 0)
        // The last line's end is all that differs.
        return before === after ? [] : ["(the end of the last line)"];
    if (a.length > MOST_LINES || b.length > MOST_LINES) return [`(${a.length} lines become ${b.length})`];
    const table = commonLengths(a, b);
    const out: string[] = [];
    let [i, j] = [0, 0];
    while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) [i, j] = [i + 1, j + 1];
        else if (i < a.length && (j >= b.length || (table[i + 1]?.[j] ?? 0) >= (table[i]?.[j + 1] ?? 0)))
            out.push(`-${a[i++] ?? ""}`);
        else out.push(`+${b[j++] ?? ""}`);
    }
    return out;
}
