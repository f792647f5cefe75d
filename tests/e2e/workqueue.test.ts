/**
 * The site's own work by `pulumi up`, with real CCTools on real Mesos: workers come with the backlog and go when idle; workers,
 * framework and agents are killed; every result is there exactly once.
 */
import { ask, leadingMaster } from "./support/endpoints";
import { AGENTS, lab, on, powerOn, tryOn, addressOf, QUORUM } from "./support/hosts";
import { onTheLabThroughout } from "./support/site";
import { declare, outputs, preview, up } from "./support/stack";
import { eventually } from "./support/steps";
import {
    addWork,
    campaign,
    events,
    expectedEvents,
    INPUTS,
    leader,
    MANAGERS,
    placeSources,
    removeSources,
    workersOf,
} from "./support/workqueue";

onTheLabThroughout({
    place: placeSources,
    release: () => tryOn(AGENTS[0], `ip route del blackhole ${addressOf(MANAGERS)}`),
    remove: removeSources,
});

let jobs = 0;

/** Adds jobs to the production: those that are done stay. */
async function add(more: number): Promise<void> {
    jobs += more;
    declare((site) => addWork(site, jobs));
    await up();
}

const finished = (kind: "production" | "validation", timeoutSec: number): Promise<void> =>
    eventually(
        `the ${kind} has come to its end`,
        async () => {
            const status = await campaign(kind);
            return status?.state === "passed" || status?.state === "failed" ? status : undefined;
        },
        { timeoutSec, everyMs: 1000 },
    ).then(({ state, troubles, tasks }) => {
        expect([state, troubles, tasks.failed, tasks.done]).toEqual(["passed", [], 0, tasks.total]);
    });

async function everyResultOnce(): Promise<void> {
    expect(await events()).toEqual(expectedEvents(jobs));
    const status = await campaign("production");
    expect(status?.summary?.production).toMatchObject({ jobs, eventsMade: jobs * 50, eventsAsked: jobs * 50 });
    expect([status?.summary?.lost, status?.summary?.strays]).toEqual([[], []]);
}

const working = (least: number): Promise<NonNullable<Awaited<ReturnType<typeof leader>>>> =>
    eventually(
        `${least} workers run`,
        async () => {
            const now = await leader();
            return now !== undefined && workersOf(now.report, "running") >= least ? now : undefined;
        },
        { timeoutSec: 60, everyMs: 200 },
    );

/** Running tasks of the framework, as the master has them. */
async function tasks(): Promise<string[]> {
    const { operator } = await outputs();
    const now = await leader();
    const { body } = await ask((await leadingMaster()) ?? QUORUM[0], 5050, "/tasks?limit=1000", {
        auth: `${operator.principal}:${operator.secret}`,
    });
    return (JSON.parse(body) as { tasks: { id: string; state: string; framework_id: string }[] }).tasks
        .filter((task) => task.state === "TASK_RUNNING" && task.framework_id === now?.report.frameworkId)
        .map(({ id }) => id);
}

test("one up installs it all, and a production and a validation run to their end", async () => {
    await add(20);
    await Promise.all([finished("production", 120), finished("validation", 120)]);
    await everyResultOnce();
    const qa = JSON.parse(
        await on(MANAGERS, "cat /var/lib/mesos-campaign/validation-e2e/current/results/qa-00001.json"),
    ) as { files: number; events: number };
    expect(qa).toMatchObject({ files: INPUTS, events: INPUTS * 300 });
    const now = await leader();
    // Each time that a project had tasks and no worker: from its first task to its first worker that runs.
    const { count = 0, sumMs = 0 } = now?.report.waits ?? {};
    expect(count).toBeGreaterThan(0);
    expect(sumMs / count).toBeLessThan(5000);
    expect(await preview()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

test("idle workers leave, and offers are wanted no more", async () => {
    await eventually("no worker is left", async () => {
        const now = await leader();
        return now !== undefined && workersOf(now.report) === 0 && now.report.suppressed === true ? now : undefined;
    });
    expect(await tasks()).toEqual([]);
});

test("workers are killed at random: every result is there once", async () => {
    await add(40);
    await working(3);
    let kills = 0;
    for (let round = 0; (await campaign("production"))?.state === "running" && round < 60; round += 1) {
        const host = AGENTS[round % AGENTS.length] ?? AGENTS[0];
        const { stdout } = await tryOn(host, "pkill -9 -o -x work_queue_work && echo killed");
        kills += Number(stdout.includes("killed"));
        await new Promise((resolve) => setTimeout(resolve, kills < 8 ? 1500 : 5000));
    }
    expect(kills).toBeGreaterThan(3);
    await finished("production", 180);
    await everyResultOnce();
});

test("the leading framework is killed: another leads under the same id, and no worker ends for it", async () => {
    await add(90);
    const before = await working(5);
    const running = await tasks();
    await on(before.host, "systemctl kill -s KILL mesos-workqueue");
    const after = await eventually(
        "another instance leads",
        async () => {
            const now = await leader();
            return now !== undefined && now.host !== before.host && now.report.master !== undefined ? now : undefined;
        },
        { timeoutSec: 60, everyMs: 200 },
    );
    expect(after.report.frameworkId).toBe(before.report.frameworkId);
    expect(await tasks()).toEqual(expect.arrayContaining(running));
    await eventually("it knows them all", async () =>
        workersOf((await leader())?.report, "running") >= running.length ? true : undefined,
    );
});

test("the manager is killed as well: it goes on from what is done", async () => {
    const done = (await campaign("production"))?.tasks.done ?? 0;
    expect(done).toBeLessThan(jobs);
    await on(MANAGERS, "systemctl kill -s KILL mesos-campaign-production-e2e");
    await finished("production", 240);
    await everyResultOnce();
});

test("an agent is lost: its workers are replaced, and what they had is done by others", async () => {
    const lostBefore = (await leader())?.report.counters?.lost ?? 0;
    // More than are done before Mesos gives the agent up, after 25 s.
    await add(150);
    await working(5);
    // Not the managers' own host, and one that has workers: five of them fit on two agents.
    const [first, second] = await Promise.all(
        [AGENTS[0], AGENTS[1]].map(async (host) => Number(await on(host, "pgrep -c work_queue_work || true"))),
    );
    const victim = (first ?? 0) > (second ?? 0) ? AGENTS[0] : AGENTS[1];
    await lab("power-cut", victim);
    try {
        await eventually(
            "its workers are given up and replaced",
            async () => {
                const { report } = (await leader()) ?? {};
                const gone = workersOf(report, "unreachable") + (report?.counters?.lost ?? 0) - lostBefore;
                return gone > 0 && workersOf(report, "running") >= 4 ? true : undefined;
            },
            { timeoutSec: 180, everyMs: 500 },
        );
        await finished("production", 300);
        await everyResultOnce();
    } finally {
        await powerOn(victim);
    }
});

test("a host whose workers cannot reach the manager is avoided, and the others do its work", async () => {
    await on(AGENTS[0], `ip route add blackhole ${addressOf(MANAGERS)}`);
    await add(40);
    const now = await eventually(
        `${AGENTS[0]} is avoided`,
        async () => {
            const { report } = (await leader()) ?? {};
            return report?.avoided?.some(({ host }) => host === AGENTS[0]) === true ? report : undefined;
        },
        { timeoutSec: 120, everyMs: 500 },
    );
    expect(now.avoided).toMatchObject([{ host: AGENTS[0], reason: "no way to production-e2e's manager" }]);
    await finished("production", 180);
    await everyResultOnce();
    await on(AGENTS[0], `ip route del blackhole ${addressOf(MANAGERS)}`);
});
