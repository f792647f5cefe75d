/**
 * Cron expressions as Metronome reads them: the UNIX dialect of cron-utils with L, W and #. Two things differ from every crontab:
 * the days of the month and of the week must BOTH match, and a sixth field is the year, not the seconds.
 */

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

interface FieldRange {
    readonly name: string;
    readonly min: number;
    readonly max: number;
    readonly words?: readonly string[];
    /** Number of the first word. */
    readonly first?: number;
}

const ranges: readonly FieldRange[] = [
    { name: "minute", min: 0, max: 59 },
    { name: "hour", min: 0, max: 23 },
    { name: "day of month", min: 1, max: 31 },
    { name: "month", min: 1, max: 12, words: MONTHS, first: 1 },
    { name: "day of week", min: 0, max: 7, words: DAYS, first: 0 },
    { name: "year", min: 1970, max: 2099 },
];

/** A day rule that depends on the month. */
type SpecialDay =
    | { readonly kind: "last" }
    | { readonly kind: "lastWeekday" }
    | { readonly kind: "nearestWeekday"; readonly day: number }
    | { readonly kind: "nth"; readonly weekday: number; readonly n: number }
    | { readonly kind: "lastOf"; readonly weekday: number };

interface ParsedField {
    readonly values: ReadonlySet<number>;
    readonly special: readonly SpecialDay[];
    readonly isAny: boolean;
}

export interface Cron {
    /** As the server stores it. */
    readonly text: string;
    readonly hasYear: boolean;
    readonly fields: readonly ParsedField[];
}

/** Why a text is no cron expression. */
export class CronError extends Error {}

function numberOf(word: string, { name, min, max, words, first = 0 }: FieldRange): number {
    const index = words?.indexOf(word.toUpperCase()) ?? -1;
    if (index >= 0) return index + first;
    if (!/^\d+$/.test(word)) throw new CronError(`"${word}" is no ${name}`);
    const value = Number(word);
    if (value < min || value > max) throw new CronError(`${name} ${word} is not in ${min}..${max}`);
    return name === "day of week" && value === 7 ? 0 : value;
}

function specialOf(part: string, index: number): SpecialDay | undefined {
    const range = ranges[index];
    if (range === undefined) return undefined;
    if (index === 2) {
        if (/^L$/i.test(part)) return { kind: "last" };
        if (/^LW$/i.test(part)) return { kind: "lastWeekday" };
        const near = /^(\d+)W$/i.exec(part)?.[1];
        if (near !== undefined) return { kind: "nearestWeekday", day: numberOf(near, range) };
    }
    if (index === 4) {
        const [, weekday, n] = /^(\w+)#(\d)$/.exec(part) ?? [];
        if (weekday !== undefined && n !== undefined) {
            if (n < "1" || n > "5") throw new CronError(`there is no week number ${n} in a month`);
            return { kind: "nth", weekday: numberOf(weekday, range), n: Number(n) };
        }
        const last = /^(\d|[a-z]{3})L$/i.exec(part)?.[1];
        if (last !== undefined) return { kind: "lastOf", weekday: numberOf(last, range) };
    }
    return undefined;
}

function parseField(text: string, index: number): ParsedField {
    const range = ranges[index];
    if (range === undefined) throw new CronError("has more than six fields");
    const top = index === 4 ? 6 : range.max;
    const values = new Set<number>();
    const special: SpecialDay[] = [];
    for (const part of text.split(",")) {
        const found = specialOf(part, index);
        if (found !== undefined) {
            special.push(found);
            continue;
        }
        const [, base = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
        if (base === "") throw new CronError(`"${part}" is no ${range.name}`);
        if (step === "0") throw new CronError(`a step of 0 in the ${range.name} field never moves`);
        const [fromText = "", toText, more] = base.split("-");
        if (more !== undefined) throw new CronError(`"${base}" is no range`);
        const from = base === "*" ? range.min : numberOf(fromText, range);
        const to =
            base === "*" ? top : toText === undefined ? (step === undefined ? from : top) : numberOf(toText, range);
        const by = Number(step ?? 1);
        // A range may go over the top: 22-2 is 22, 23, 0, 1, 2.
        const span = to >= from ? to - from : to + (top - range.min + 1) - from;
        for (let offset = 0; offset <= span; offset += by) {
            const value = from + offset;
            values.add(value > top ? value - (top - range.min + 1) : value);
        }
    }
    return { values, special, isAny: text === "*" };
}

/** Words made numbers, and Sunday 0, as the server stores them. */
function canonicalField(text: string, index: number): string {
    const range = ranges[index];
    const words = range?.words;
    if (words === undefined) return text.toUpperCase();
    return text
        .toUpperCase()
        .replace(/[A-Z]{3}/g, (word) => {
            const at = words.indexOf(word);
            return at < 0 ? word : String(at + (range?.first ?? 0));
        })
        .replace(/(?<![\d/#])7(?!\d)/g, index === 4 ? "0" : "7");
}

/**
 * Reads a cron expression.
 * @throws {CronError} with the reason
 */
export function parseCron(text: string): Cron {
    const parts = text.trim().split(/\s+/).filter(Boolean);
    if (parts.length < 5)
        throw new CronError(`has ${parts.length} of five fields: minute hour day-of-month month day-of-week`);
    if (parts.length > 6) throw new CronError(`has ${parts.length} fields; five are allowed, and a sixth for the year`);
    return {
        text: parts.map(canonicalField).join(" "),
        hasYear: parts.length === 6,
        fields: parts.map(parseField),
    };
}

function daysIn(year: number, month: number): number {
    return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function weekdayOf(year: number, month: number, day: number): number {
    return new Date(Date.UTC(year, month - 1, day)).getUTCDay();
}

/** The weekday nearest to a day, in the same month. */
function nearestWeekday(year: number, month: number, wanted: number): number {
    const last = daysIn(year, month);
    const day = Math.min(wanted, last);
    const weekday = weekdayOf(year, month, day);
    if (weekday === 6) return day === 1 ? 3 : day - 1;
    if (weekday === 0) return day === last ? day - 2 : day + 1;
    return day;
}

function isSpecial(special: SpecialDay, year: number, month: number, day: number): boolean {
    const last = daysIn(year, month);
    switch (special.kind) {
        case "last":
            return day === last;
        case "lastWeekday":
            return day === nearestWeekday(year, month, last);
        case "nearestWeekday":
            return special.day <= last && day === nearestWeekday(year, month, special.day);
        case "nth":
            return weekdayOf(year, month, day) === special.weekday && Math.ceil(day / 7) === special.n;
        case "lastOf":
            return weekdayOf(year, month, day) === special.weekday && day > last - 7;
    }
}

function matches(field: ParsedField | undefined, value: number, year: number, month: number, day: number): boolean {
    if (field === undefined) return true;
    return field.values.has(value) || field.special.some((special) => isSpecial(special, year, month, day));
}

/** Whether it runs on a day. */
export function runsOn({ fields }: Cron, year: number, month: number, day: number): boolean {
    return (
        matches(fields[3], month, year, month, day) &&
        matches(fields[5], year, year, month, day) &&
        matches(fields[2], day, year, month, day) &&
        matches(fields[4], weekdayOf(year, month, day), year, month, day)
    );
}

const DAY_MS = 86_400_000;
/** Gregorian weekdays repeat after 28 years, but for centuries. */
const YEARS = 28;

/**
 * The days of the next 28 years on which it runs, counted in days since 1970.
 * @param from first day, milliseconds since 1970
 */
export function runDays(cron: Cron, from: number): number[] {
    const first = Math.floor(from / DAY_MS);
    const days: number[] = [];
    for (let offset = 0; offset <= YEARS * 366; offset++) {
        const date = new Date((first + offset) * DAY_MS);
        if (runsOn(cron, date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())) days.push(first + offset);
    }
    return days;
}

/** Whether two expressions run at the same times. */
export function isSameCron(a: string, b: string): boolean {
    try {
        const [one, other] = [parseCron(a), parseCron(b)];
        return [0, 1, 2, 3, 4, 5].every((index) => {
            const [x, y] = [one.fields[index], other.fields[index]];
            if (x === undefined || y === undefined) return (x ?? y)?.isAny ?? true;
            const key = ({ values, special }: ParsedField): string =>
                `${[...values].sort((p, q) => p - q).join()} ${special
                    .map((item) => JSON.stringify(item))
                    .sort()
                    .join()}`;
            return key(x) === key(y);
        });
    } catch {
        return false;
    }
}
