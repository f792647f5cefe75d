/** When a cron expression runs next, on the clock of a time zone. */
import { type Cron, runsOn } from "../../site/metronome/cron";

const MINUTE_MS = 60_000;
/** Farther ahead nothing is looked for: 28 years, as long as weekdays take to repeat. */
const MAX_DAYS = 28 * 366;

interface Wall {
    readonly year: number;
    readonly month: number;
    readonly day: number;
    readonly hour: number;
    readonly minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of the zone show. */
export function wallTime(at: number, timeZone: string): Wall {
    const format =
        formats.get(timeZone) ??
        new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" });
    formats.set(timeZone, format);
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = parts;
    return { year, month, day, hour, minute };
}

const asUtc = ({ year, month, day, hour, minute }: Wall): number => Date.UTC(year, month - 1, day, hour, minute);

/** The moment at which the clocks of the zone show this, the first of two; where they jump over it, as late as they jump. */
function moment(wall: Wall, timeZone: string): number {
    const wanted = asUtc(wall);
    const offsets = [-1, 1].map((days) => {
        const near = wanted + days * 86_400_000;
        return asUtc(wallTime(near, timeZone)) - near;
    });
    const candidates = offsets.map((offset) => wanted - offset).sort((a, b) => a - b);
    return candidates.find((at) => asUtc(wallTime(at, timeZone)) === wanted) ?? Math.max(...candidates);
}

/**
 * The next run after a moment; undefined when there is none.
 * @param after milliseconds since 1970
 */
export function nextRun(cron: Cron, timeZone: string, after: number): number | undefined {
    const start = wallTime(after, timeZone);
    const first = Date.UTC(start.year, start.month - 1, start.day);
    const [minutes, hours] = cron.fields;
    for (let offset = 0; offset < MAX_DAYS; offset++) {
        const date = new Date(first + offset * 86_400_000);
        const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
        if (!runsOn(cron, year, month, day)) {
            continue;
        }
        const times = [...(hours?.values ?? [])].sort((a, b) => a - b).flatMap((hour) => [...(minutes?.values ?? [])].sort((a, b) => a - b).map((minute) => ({ year, month, day, hour, minute })));
        for (const time of times) {
            const at = moment(time, timeZone);
            if (at >= after + MINUTE_MS - (after % MINUTE_MS)) {
                return at;
            }
        }
    }
    return undefined;
}

/** As Metronome writes times. */
export const stamp = (at: number): string => new Date(at).toISOString().replace("Z", "+0000");
