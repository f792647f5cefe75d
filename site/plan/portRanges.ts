/** Sets of whole numbers as inclusive ranges. */

export type NumberRange = readonly [number, number];

/** Sorted, with touching and overlapping ranges made one. */
export function coalesce(ranges: readonly NumberRange[]): NumberRange[] {
    const result: [number, number][] = [];
    for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
        const last = result.at(-1);
        if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
        else result.push([low, high]);
    }
    return result;
}

/** Whether every number of `inner` is in `outer`. */
export function covers(outer: readonly NumberRange[], inner: readonly NumberRange[]): boolean {
    const whole = coalesce(outer);
    return inner.every(([low, high]) => whole.some(([from, to]) => from <= low && high <= to));
}

/** The numbers of `ranges` that are not in `others`. */
export function subtract(ranges: readonly NumberRange[], others: readonly NumberRange[]): NumberRange[] {
    return others.reduce<NumberRange[]>(
        (left, [from, to]) =>
            left.flatMap(([low, high]): NumberRange[] =>
                from > high || to < low
                    ? [[low, high]]
                    : [
                          ...(low < from ? [[low, from - 1] as const] : []),
                          ...(high > to ? [[to + 1, high] as const] : []),
                      ],
            ),
        coalesce(ranges),
    );
}

/** The numbers that are in both. */
export function common(ranges: readonly NumberRange[], others: readonly NumberRange[]): NumberRange[] {
    return subtract(ranges, subtract(ranges, others));
}

/** Whether `ranges` hold the number. */
export function holds(ranges: readonly NumberRange[], number: number): boolean {
    return ranges.some(([low, high]) => low <= number && number <= high);
}

/** For messages: "31000-32000, 53-53". */
export function formatRanges(ranges: readonly NumberRange[]): string {
    return ranges.map(([low, high]) => `${low}-${high}`).join(", ");
}
