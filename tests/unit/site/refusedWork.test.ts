/**
 * Every bad job or setting, and every clash between definitions, that the facts and the public bug reports name: a preview refuses it, with the
 * file, the path and a reason, before anything is sent. What a server would take without a word, or break by, is no exception.
 */
import type { Finding } from "../../../site/marathon";
import { checkSchedule } from "../../../site/metronome";
import { app, cron, expectRefused, job, marathon, type Row, said } from "./previews";

const fixed = { requirePorts: true, portDefinitions: [{ port: 31080 }] };
const stopFirst = { upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 } };

const jobs: Row[] = [
    ["an unknown field", job({ instances: 1 }), "JOB_KEY_UNKNOWN jobs/a.json/instances"],
    [
        "a field of Marathon's",
        job({}, { maxLaunchDelaySeconds: 5 }),
        "JOB_KEY_UNKNOWN jobs/a.json/run/maxLaunchDelaySeconds",
    ],
    [
        "an unknown field of the schedule, which the server drops",
        cron("0 4 * * *", { timeZone: "UTC" }),
        "SCHEDULE_KEY_UNKNOWN jobs/a.json/schedules(0)/timeZone",
    ],
    ["no disk", { id: "job", run: { cmd: "ls", cpus: 0.1, mem: 32 } }, "JOB_MISSING jobs/a.json/run/disk"],
    ["too little memory", job({}, { mem: 16 }), "JOB_OUT_OF_RANGE jobs/a.json/run/mem"],
    ["too little of a CPU", job({}, { cpus: 0.001 }), "JOB_OUT_OF_RANGE jobs/a.json/run/cpus"],
    ["an id with a slash", job({ id: "a/b" }), "JOB_PATTERN jobs/a.json/id"],
    ["an id with an underscore", job({ id: "a_b" }), "JOB_PATTERN jobs/a.json/id"],
    ["the 30th of February", cron("0 0 30 2 *"), "SCHEDULE_CRON_NEVER jobs/a.json/schedules(0)/cron"],
    ["seconds, which would be a year", cron("0 */5 * * * *"), "SCHEDULE_CRON_SIX jobs/a.json/schedules(0)/cron"],
    [
        "once a year, of which the server's scheduler dies",
        cron("0 0 1 1 *"),
        "SCHEDULE_CRON_TOO_RARE jobs/a.json/schedules(0)/cron",
    ],
    ["Friday the 13th, the same", cron("0 0 13 * 5"), "SCHEDULE_CRON_TOO_RARE jobs/a.json/schedules(0)/cron"],
    ["a macro", cron("@daily"), "SCHEDULE_CRON jobs/a.json/schedules(0)/cron: macros like @daily"],
    ["a question mark", cron("0 0 ? * *"), 'SCHEDULE_CRON jobs/a.json/schedules(0)/cron: "?"'],
    [
        "an offset as time zone",
        cron("0 4 * * *", { timezone: "+03:00" }),
        "SCHEDULE_TIME_ZONE jobs/a.json/schedules(0)/timezone",
    ],
    [
        "a policy that is none",
        cron("0 4 * * *", { concurrencyPolicy: "REPLACE" }),
        "SCHEDULE_NOT_ALLOWED jobs/a.json/schedules(0)/concurrencyPolicy",
    ],
    [
        "a schedule's id of one character",
        job({ schedules: [{ id: "s", cron: "0 4 * * *" }] }),
        "SCHEDULE_PATTERN jobs/a.json/schedules(0)/id",
    ],
    [
        "two schedules, at which the server hangs",
        job({ schedules: ["s1", "s2"].map((id) => ({ id, cron: "0 4 * * *" })) }),
        "JOB_SCHEDULES jobs/a.json/schedules",
    ],
    [
        "a schedule and dependencies",
        job({ schedules: [{ id: "s1", cron: "0 4 * * *" }], dependencies: [{ id: "other" }] }),
        "JOB_DEPENDENCIES_AND_SCHEDULES jobs/a.json/schedules",
    ],
    [
        "a dependency on nothing",
        job({ dependencies: [{ id: "nobody" }] }),
        "JOB_DEPENDENCY_UNKNOWN jobs/a.json/dependencies",
    ],
    [
        "docker and ucr",
        job({}, { docker: { image: "a" }, ucr: { image: { id: "a" } } }),
        "JOB_CONTAINER_TWICE jobs/a.json/run",
    ],
    ["GPUs for Docker", job({}, { gpus: 1, docker: { image: "a" } }), "JOB_GPUS_DOCKER jobs/a.json/run/gpus"],
    ["args without an image", job({}, { cmd: undefined, args: ["a"] }), "JOB_COMMAND jobs/a.json/run"],
    [
        "a secret that nothing uses",
        job({}, { secrets: { s: { source: "a" } } }),
        "JOB_SECRET_UNUSED jobs/a.json/run/secrets/s",
    ],
    [
        "a secret that is not declared",
        job({}, { env: { A: { secret: "s" } } }),
        "JOB_SECRET_UNDEFINED jobs/a.json/run/secrets",
    ],
    [
        "half a volume",
        job({}, { volumes: [{ containerPath: "/a", hostPath: "/b" }] }),
        "JOB_VOLUME jobs/a.json/run/volumes(0)",
    ],
    [
        "a network without a name, the server's error 500",
        job({}, { networks: [{ mode: "container" }] }),
        "JOB_NETWORK jobs/a.json/run/networks(0)",
    ],
    [
        "a pattern that is none, which the server takes",
        job({}, { placement: { constraints: [{ attribute: "a", operator: "LIKE", value: "(" }] } }),
        "JOB_CONSTRAINT jobs/a.json/run/placement/constraints(0)",
    ],
    [
        "more CPUs than an agent has",
        job({}, { cpus: 32 }),
        "JOB_FIT jobs/a.json: no pool can hold one instance: cpus 32 > 4",
    ],
];

const both = (first: object, second: object, kind = "apps"): object => ({
    [`${kind}/a.json`]: first,
    [`${kind}/b.json`]: second,
});
const together: Row[] = [
    ["an id twice", both(app({}), app({})), "APP_DUPLICATE apps/a.json"],
    ["an app that is a group", both(app({}), app({ id: "/a/b" })), "APP_ID_IS_GROUP apps/a.json"],
    [
        "a service port twice",
        both(app({ portDefinitions: [{ port: 10_001 }] }), app({ id: "/b", portDefinitions: [{ port: 10_001 }] })),
        "APP_SERVICE_PORT apps/b.json: wants service port 10001, which /a has",
    ],
    [
        "a host port on too few agents",
        both(app({ instances: 2, ...fixed, ...stopFirst }), app({ id: "/b", instances: 2, ...fixed, ...stopFirst })),
        "APP_HOST_PORT apps/b.json: wants host port 31080 as /a does: together they need 4 agents, there are 3",
    ],
    [
        "apps that wait for each other",
        both(app({ dependencies: ["/b"] }), app({ id: "/b", dependencies: ["/a"] })),
        "APP_CYCLE apps/a.json: the apps wait for each other: /a → /b → /a",
    ],
    [
        "jobs that wait for each other, which stays in the server until it restarts",
        both(job({ dependencies: [{ id: "b" }] }), job({ id: "b", dependencies: [{ id: "job" }] }), "jobs"),
        "JOB_CYCLE jobs/a.json/dependencies",
    ],
    ["a job twice", both(job({}), job({}), "jobs"), "JOB_DUPLICATE jobs/b.json"],
];

const settings: Row[] = [
    [
        "the root group, whose removal removes everything",
        { marathon: { ...marathon, groups: { "/": {} } } },
        'FORMAT marathon.groups["/"]',
    ],
    [
        "a nested group that enforces its role",
        { marathon: { ...marathon, groups: { "/a/b": { enforceRole: true } } } },
        'GROUP_ENFORCES marathon.groups["/a/b"].enforceRole',
    ],
    ["a quota for everybody", { quotas: { "*": { limits: { cpus: 1 } } } }, "ROLE_EVERYBODY quotas"],
    [
        "a guarantee above the limit",
        { quotas: { services: { limits: { cpus: 1 }, guarantees: { cpus: 2 } } } },
        "QUOTA_ABOVE_LIMIT quotas.services.guarantees.cpus",
    ],
    [
        "a quota of what there is not",
        { quotas: { services: { limits: { cpu: 1 } } } },
        "KEY_UNKNOWN quotas.services.limits.cpu",
    ],
    [
        "a quota below nothing",
        { quotas: { services: { limits: { cpus: -1 } } } },
        "OUT_OF_RANGE quotas.services.limits.cpus",
    ],
    ["a weight of nothing", { weights: { services: 0 } }, "OUT_OF_RANGE weights.services"],
    ["a weight for everybody", { weights: { "*": 2 } }, "ROLE_EVERYBODY weights"],
    ["a role that is none", { weights: { "/a": 2 } }, "ROLE_NAME weights"],
    [
        "maintenance of what is no agent",
        { maintenance: { w: { hosts: ["nobody"], start: "2027-01-31T22:00:00Z" } } },
        "MAINTENANCE_HOST maintenance.w.hosts",
    ],
    [
        "maintenance without a time zone",
        { maintenance: { w: { hosts: ["bm4"], start: "2027-01-31T22:00:00" } } },
        "FORMAT maintenance.w.start",
    ],
];

test.each(jobs)("job: %s", (_what, definition, expected) =>
    expectRefused(said({ "jobs/a.json": definition }), expected),
);
test.each(together)("together: %s", (_what, files, expected) =>
    expectRefused(said(files as Record<string, unknown>), expected),
);
test.each(settings)("setting: %s", (_what, config, expected) => expectRefused(said({}, config as object), expected));

/** What means little harm: told when the job changes. */
test.each<readonly [string, readonly Finding[], string]>([
    [
        "a deadline of seconds",
        checkSchedule({ id: "s1", cron: "0 4 * * *", startingDeadlineSeconds: 5 }),
        "SCHEDULE_DEADLINE /startingDeadlineSeconds",
    ],
    ["both days", checkSchedule({ id: "s1", cron: "0 0 1-7 * 1" }), "SCHEDULE_CRON_BOTH_DAYS /cron"],
])("told: %s", (_what, findings, expected) =>
    expect(findings.map(({ severity, code, path }) => `${severity} ${code} ${path}`)).toContain(`warning ${expected}`),
);
