/** Schedules: cron checked for its meaning, time zones for their names. */
import { type JsonObject, readFields } from "../definitions/fields";
import { type Finding, Findings } from "../definitions/finding";
import { nearest } from "../nearest";
import { type Cron, CronError, parseCron, runDays } from "./cron";
import { scheduleDialect, scheduleFields } from "./fields";

/** A schedule in its normal form. */
export type Schedule = JsonObject & { id: string; cron: string };

/** Longest wait, in days, that the server's timer can count: 21474835 s. With a longer one its scheduler of the job dies. */
export const MAX_GAP_DAYS = Math.floor(21_474_835 / 86_400);

const zones = new Map(Intl.supportedValuesOf("timeZone").map((zone) => [zone.toLowerCase(), zone]));

/** Whether the server knows a time zone: IANA names as they are written, no offsets. */
export function isTimeZone(name: string): boolean {
    if (["UTC", "GMT", "Z"].includes(name)) return true;
    if (!/^[A-Za-z]+(?:[/_+-][A-Za-z0-9_+-]+)+$/.test(name) && !/^[A-Z]{3,4}$/.test(name)) return false;
    const known = zones.get(name.toLowerCase());
    if (known !== undefined) return known === name;
    try {
        new Intl.DateTimeFormat("en", { timeZone: name });
        // An alias, e.g. Asia/Kolkata: its parts begin with capitals as all names do.
        return /^[A-Z]/.test(name);
    } catch {
        return false;
    }
}

/** The normal form of a declared or a live schedule. */
export function normalizeSchedule(schedule: unknown): Schedule {
    const read = readFields(scheduleFields, schedule, scheduleDialect, new Findings());
    const cron = typeof read["cron"] === "string" ? read["cron"] : "";
    return { ...read, id: typeof read["id"] === "string" ? read["id"] : "", cron: canonical(cron) };
}

function canonical(cron: string): string {
    try {
        return parseCron(cron).text;
    } catch {
        return cron;
    }
}

function checkMeaning(cron: Cron, given: string, findings: Findings, now: number): void {
    const [, , day, , weekday, year] = cron.fields;
    const days = runDays(cron, now);
    const date = (at: number | undefined): string => new Date((at ?? 0) * 86_400_000).toISOString().slice(0, 10);
    if (days.length === 0) {
        findings.refuse("SCHEDULE_CRON_NEVER", "/cron", "never runs: there is no such day", {
            value: given,
            server: { error: `Can not read cron expression "${given}"` },
        });
        return;
    }
    if (cron.hasYear && year?.isAny === true)
        findings.refuse(
            "SCHEDULE_CRON_SIX",
            "/cron",
            "the sixth field is the year: seconds do not exist, and every field means something else than with seconds",
            {
                value: given,
                fix: `five fields, minute first; with seconds in front it would be "${cron.text.split(" ").slice(1).join(" ")}"`,
            },
        );
    const gaps = days.map((at, index) => (days[index + 1] ?? at) - at);
    const longest = Math.max((days[0] ?? 0) - Math.floor(now / 86_400_000), ...gaps);
    if (longest > MAX_GAP_DAYS)
        findings.refuse(
            "SCHEDULE_CRON_TOO_RARE",
            "/cron",
            `up to ${longest} days pass between two runs: Metronome's scheduler of the job dies of more than ${MAX_GAP_DAYS}`,
            {
                value: given,
                fix: "run it more often and let the command look at the date",
            },
        );
    if (day !== undefined && weekday !== undefined && !day.isAny && !weekday.isAny)
        findings.warn(
            "SCHEDULE_CRON_BOTH_DAYS",
            "/cron",
            `runs only on days that match the day of the month and the day of the week, unlike crontab; the next is ${date(days[0])}`,
            { value: given },
        );
    if (cron.hasYear && year?.isAny === false)
        findings.warn("SCHEDULE_CRON_ENDS", "/cron", `runs for the last time on ${date(days.at(-1))}`, {
            value: given,
        });
}

/**
 * Every fault and warning of a schedule.
 * @param now milliseconds since 1970
 */
export function checkSchedule(schedule: unknown, now = Date.now()): readonly Finding[] {
    const findings = new Findings();
    const read = readFields(scheduleFields, schedule, scheduleDialect, findings);
    const { cron, timezone, startingDeadlineSeconds } = read;
    if (typeof cron === "string") {
        try {
            checkMeaning(parseCron(cron), cron, findings, now);
        } catch (error) {
            if (!(error instanceof CronError)) throw error;
            const macro = /^@\w+$/.test(cron.trim());
            findings.refuse("SCHEDULE_CRON", "/cron", macro ? "macros like @daily are not known" : error.message, {
                value: cron,
                allowed: "minute hour day-of-month month day-of-week",
                ...(macro ? { fix: '@daily is "0 0 * * *", @hourly "0 * * * *"' } : {}),
                server: { error: `Can not read cron expression "${cron}"` },
            });
        }
    }
    if (typeof timezone === "string" && !isTimeZone(timezone)) {
        const near = zones.get(timezone.toLowerCase()) ?? nearest(timezone, zones.values());
        findings.refuse("SCHEDULE_TIME_ZONE", "/timezone", "is no IANA time zone", {
            value: timezone,
            allowed: "names like Europe/Moscow; no offsets",
            ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
            server: { error: `No time zone found with this id: "${timezone}"` },
        });
    }
    if (typeof startingDeadlineSeconds === "number" && startingDeadlineSeconds < 60)
        findings.warn("SCHEDULE_DEADLINE", "/startingDeadlineSeconds", "a run that is a minute late is left out", {
            value: startingDeadlineSeconds,
        });
    return findings.all;
}
