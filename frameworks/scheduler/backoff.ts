/** How long to wait before the next try. */

export interface Backoff {
    /** Of the first retry. @default 100 */
    readonly baseMs?: number;
    /** Never longer than this. @default 10000 */
    readonly maxMs?: number;
}

/**
 * Doubles with each failure up to the bound; the upper half is left to chance, so that the frameworks of a whole site do not
 * all come back to a new master in the same moment.
 * @param failures how often it has failed in a row, 1 or more
 * @param random 0 … 1
 */
export function backoffMs(failures: number, random: number, { baseMs = 100, maxMs = 10_000 }: Backoff = {}): number {
    const bound = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 30));
    return Math.round(bound / 2 + (bound / 2) * random);
}
