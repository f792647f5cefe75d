/** What a person who follows the run sees, and bounded waiting. */

const began = Date.now();

/** One line for one step, past jest's own buffering. */
export function tell(line: string): void {
    const clock = new Date().toTimeString().slice(0, 8);
    process.stderr.write(`${clock}  e2e ${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${line}\n`);
}

export interface Patience {
    /** @default 60 */
    readonly timeoutSec?: number;
    /** @default 200 */
    readonly everyMs?: number;
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Polls until `probe` gives a value; what it threw last, or `state()`, explains why it did not. */
export async function eventually<T>(
    what: string,
    probe: () => Promise<T | undefined> | T | undefined,
    { timeoutSec = 60, everyMs = 200 }: Patience = {},
    state: () => string = () => "",
): Promise<T> {
    const deadline = Date.now() + timeoutSec * 1000;
    for (;;) {
        const value = await probe();
        if (value !== undefined) {
            return value;
        }
        if (Date.now() > deadline) {
            throw new Error(`${what}: not within ${timeoutSec} s ${state()}`.trim());
        }
        await pause(everyMs);
    }
}
