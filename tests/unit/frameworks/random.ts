/** Reproducible chance for property tests: the seed stands in the test's name when one fails. */

/** @returns numbers 0 … 1, the same ones for the same seed (mulberry32) */
export function chance(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(state ^ (state >>> 15), state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

export const below = (random: () => number, bound: number): number => Math.floor(random() * bound);

export const SEEDS = Array.from({ length: 200 }, (_, index) => index + 1);
