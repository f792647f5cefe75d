import {
    checkJob,
    checkJobs,
    checkSchedule,
    isSameCron,
    isTimeZone,
    normalizeJob,
    normalizeSchedule,
    runDays,
    parseCron,
} from "../../../../site/metronome";

const now = Date.UTC(2026, 10, 25);
const codes = (cron: string, more: object = {}): string[] =>
    checkSchedule({ id: "nightly", cron, ...more }, now).map(({ code }) => code);
const firstRuns = (cron: string, count = 3): string[] =>
    runDays(parseCron(cron), now)
        .slice(0, count)
        .map((day) => new Date(day * 86_400_000).toISOString().slice(0, 10));

test.each<[string, string[]]>([
    ["*/5 * * * *", []],
    ["0 4 * * MON-FRI", []],
    ["5-1 * * * *", []],
    ["0 0 L * *", []],
    ["0 0 15W * *", []],
    ["0 0 * * 1#2", []],
    ["0 0 30 2 *", ["SCHEDULE_CRON_NEVER"]],
    ["0 0 31 4,6,9,11 *", ["SCHEDULE_CRON_NEVER"]],
    ["0 0 1 1 * 2020", ["SCHEDULE_CRON_NEVER"]],
    ["0 0 1 1 *", ["SCHEDULE_CRON_TOO_RARE"]],
    ["0 0 29 2 *", ["SCHEDULE_CRON_TOO_RARE"]],
    ["0 0 13 * 5", ["SCHEDULE_CRON_TOO_RARE", "SCHEDULE_CRON_BOTH_DAYS"]],
    ["0 0 1-7 * 1", ["SCHEDULE_CRON_BOTH_DAYS"]],
    ["0 */5 * * * *", ["SCHEDULE_CRON_SIX"]],
    ["0 0 * * * 2026-2027", ["SCHEDULE_CRON_ENDS"]],
    ["@daily", ["SCHEDULE_CRON"]],
    ["60 * * * *", ["SCHEDULE_CRON"]],
    ["0 0 ? * *", ["SCHEDULE_CRON"]],
    ["*/0 * * * *", ["SCHEDULE_CRON"]],
    ["* * * *", ["SCHEDULE_CRON"]],
    ["0 0 0 * * * *", ["SCHEDULE_CRON"]],
    ["", ["SCHEDULE_CRON"]],
])("cron %j", (cron, expected) => {
    expect(codes(cron)).toEqual(expected);
});

test.each<[string, string[]]>([
    ["0 0 L * *", ["2026-11-30", "2026-12-31", "2027-01-31"]],
    ["0 0 15W * *", ["2026-12-15", "2027-01-15", "2027-02-15"]],
    ["0 0 1W * *", ["2026-12-01", "2027-01-01", "2027-02-01"]],
    ["0 0 31W * *", ["2026-12-31", "2027-01-29", "2027-03-31"]],
    ["0 0 * * 1#2", ["2026-12-14", "2027-01-11", "2027-02-08"]],
    ["0 0 * * 5L", ["2026-11-27", "2026-12-25", "2027-01-29"]],
    ["0 0 13 * 5", ["2027-08-13", "2028-10-13", "2029-04-13"]],
])("days of %j", (cron, expected) => {
    expect(firstRuns(cron)).toEqual(expected);
});

test.each([
    ["0 0 * * MON", "0 0 * * 1", true],
    ["0 0 * * 7", "0 0 * * 0", true],
    [" 0  0 * JAN * ", "0 0 * 1 *", true],
    ["0 0 * * * *", "0 0 * * *", true],
    ["*/30 * * * *", "0,30 * * * *", true],
    ["0 0 * * 1", "0 0 * * 2", false],
])("%j and %j run alike: %s", (a, b, same) => {
    expect(isSameCron(a, b)).toBe(same);
});

test.each([
    ["UTC", true],
    ["Europe/Moscow", true],
    ["Asia/Kolkata", true],
    ["America/Argentina/Buenos_Aires", true],
    ["+03:00", false],
    ["UTC+3", false],
    ["europe/moscow", false],
    ["Moscow", false],
    ["Europe/Mosco", false],
])("time zone %s: %s", (zone, known) => {
    expect(isTimeZone(zone)).toBe(known);
    expect(codes("0 4 * * *", { timezone: zone })).toEqual(known ? [] : ["SCHEDULE_TIME_ZONE"]);
});

test("a misspelt setting, which the server drops, is refused", () => {
    expect(codes("0 4 * * *", { concurencyPolicy: "FORBID" })).toEqual(["SCHEDULE_KEY_UNKNOWN"]);
});

test("normal form", () => {
    expect(normalizeSchedule({ id: "a1", cron: "0 0 * * SUN", concurrencyPolicy: "forbid", nextRunAt: "x" })).toEqual({
        id: "a1",
        cron: "0 0 * * 0",
        timezone: "UTC",
        startingDeadlineSeconds: 900,
        concurrencyPolicy: "FORBID",
        enabled: true,
    });
});

const run = { cmd: "backup", cpus: 0.1, mem: 64, disk: 0 };
test.each<[string, object, string]>([
    ["no disk", { run: { cmd: "backup", cpus: 0.1, mem: 64 } }, "JOB_MISSING /run/disk"],
    ["too little memory", { run: { ...run, mem: 16 } }, "JOB_OUT_OF_RANGE /run/mem"],
    ["nothing to run", { run: { cpus: 1, mem: 64, disk: 0 } }, "JOB_COMMAND /run"],
    [
        "a setting of Marathon",
        { run: { ...run, maxLaunchDelaySeconds: 5 } },
        "JOB_KEY_UNKNOWN /run/maxLaunchDelaySeconds",
    ],
    ["cmd and args", { run: { ...run, args: ["x"] } }, "JOB_CMD_AND_ARGS /run/args"],
    ["an unused secret", { run: { ...run, secrets: { a: { source: "b" } } } }, "JOB_SECRET_UNUSED /run/secrets/a"],
    [
        "a bad pattern",
        { run: { ...run, placement: { constraints: [{ attribute: "a", operator: "LIKE", value: "(" }] } } },
        "JOB_CONSTRAINT /run/placement/constraints(0)",
    ],
    [
        "a network without a name",
        { run: { ...run, networks: [{ mode: "container" }] } },
        "JOB_NETWORK /run/networks(0)",
    ],
    ["a bad schedule inside", { run, schedules: [{ id: "s1", cron: "@daily" }] }, "SCHEDULE_CRON /schedules(0)/cron"],
    ["a report", { run, activeRuns: [] }, "JOB_READ_ONLY /activeRuns"],
])("job: %s is named", (_what, more, expected) => {
    expect(checkJob({ id: "backup", ...more }, now).map(({ code, path }) => `${code} ${path}`)).toContain(expected);
});

test("jobs that wait for each other are found before Metronome is told", () => {
    const job = (id: string, ...on: string[]) =>
        normalizeJob({ id, run, dependencies: on.map((other) => ({ id: other })) });
    expect(checkJobs([job("a", "b"), job("b", "c"), job("c", "a")]).map(({ message }) => message)).toEqual([
        "the jobs wait for each other: a → b → c → a",
    ]);
    expect(checkJobs([job("a", "x")]).map(({ message }) => message)).toEqual(["there is no job x"]);
    expect(checkJobs([job("a", "x")], new Set(["x"]))).toEqual([]);
});
