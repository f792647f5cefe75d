/** One stack runs everything at once: a production that wants the whole cluster, a validation, builds, and services that must not starve. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAB } from "./support/places";
import { plot, type Sample, sharesDuring } from "./support/shares";
import { onTheLabThroughout, restore } from "./support/site";
import { declare, up } from "./support/stack";
import { eventually, pause, tell } from "./support/steps";
import { appNow, askMetronome, declareServices, marathonPassword, removeDefinitions, write } from "./support/work";
import { addWork, campaign, leader, placeSources, removeSources, workersOf } from "./support/workqueue";

/** Processors of the lab's three agents. */
const TOTAL = 3;
/** What is kept free for services and builds, and what they may have at most. */
const GUARANTEED = 0.8;
const SERVICES_LIMIT = 1.2;
/** What Work Queue may have at most: more than is left beside the guarantee, so that the guarantee is what holds. */
const WORK_LIMIT = 2.5;
/** As the framework asks for a worker. */
const WORKER = 0.3;
const WEB = 0.2;
/** Of the production that comes second, beside the first one's 1. */
const WEIGHT = 3;
/** Of workers, seconds; and of their tasks. */
const LIFE = 20;
const TASK = 3;
/** More than are done. */
const JOBS = 3000;
/** So many fill the cluster, four each agent. To workers with less than 64 MiB or so Work Queue gives nothing at all. */
const SMALL = { name: "small", cores: 1, cpus: 0.2, memMiB: 64, diskMiB: 200 };
const ROOM = 12;

onTheLabThroughout({ place: placeSources, release: removeDefinitions, remove: removeSources });

const web = (instances: number): void =>
    write("apps", "web", {
        id: "/e2e/web",
        cmd: "exec sleep 86400",
        cpus: WEB,
        mem: 32,
        disk: 0,
        instances,
        user: "nobody",
        upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 0 },
    });

function declareAll(): void {
    declareServices({}, (site) => {
        addWork(site, 2000);
        const { workQueue } = site["workloads"] as { workQueue: Record<string, unknown> };
        workQueue["ceiling"] = { workers: 30 };
        site["quotas"] = {
            services: { guarantees: { cpus: GUARANTEED }, limits: { cpus: SERVICES_LIMIT } },
            workqueue: { limits: { cpus: WORK_LIMIT } },
        };
        site["weights"] = { services: 2 };
    });
}

/** @returns where the picture is */
function draw(name: string, samples: readonly Sample[], lines: Readonly<Record<string, number>>): string {
    const picture = join(LAB, "logs", `${name}.svg`);
    writeFileSync(picture, plot(samples, TOTAL, lines));
    return picture;
}

const of = (role: string, samples: readonly Sample[]): number[] => samples.map(({ cpus }) => cpus[role] ?? 0);

test("shares hold while all compete, services get theirs at once, and the validation and the builds come to their end", async () => {
    web(1);
    write("jobs", "build", {
        id: "e2e-build",
        run: { cmd: "sleep 4", cpus: 0.2, mem: 32, disk: 0, user: "nobody" },
    });
    declareAll();
    await up();
    await marathonPassword();

    let built = 0;
    let scaledSec = 0;
    const samples = await sharesDuring(async () => {
        await eventually(
            "the production has what is left",
            async () => {
                const status = await campaign("production");
                return (status?.tasks.done ?? 0) > 20 ? true : undefined;
            },
            { timeoutSec: 120 },
        );
        for (let run = 0; run < 3; run++) {
            expect((await askMetronome("/v1/jobs/e2e-build/runs", "POST")).status).toBe(201);
            await eventually(
                "the build has run",
                async () => {
                    const { body } = await askMetronome("/v1/jobs/e2e-build?embed=historySummary");
                    const { historySummary } = body as { historySummary?: { successCount: number } };
                    return (historySummary?.successCount ?? 0) > run ? true : undefined;
                },
                { timeoutSec: 60 },
            );
            built++;
        }
        web(3);
        const began = Date.now();
        await up();
        scaledSec = (Date.now() - began) / 1000;
        expect(await appNow("e2e/web")).toMatchObject({ tasksRunning: 3 });
        await eventually(
            "the validation has passed",
            async () => ((await campaign("validation"))?.state === "passed" ? true : undefined),
            { timeoutSec: 180 },
        );
        // The production goes on for hours.
        await pause(10_000);
    });
    const picture = draw("shares", samples, {
        "guaranteed to services": GUARANTEED,
        "left beside it": TOTAL - GUARANTEED,
        "limit of services": SERVICES_LIMIT,
    });
    const [work, services] = [of("workqueue", samples), of("services", samples)];
    const busy = work.filter((cpus) => cpus > 0);
    tell(
        `shares over ${(samples.at(-1)?.sec ?? 0).toFixed(0)} s: Work Queue ${Math.max(...work)} of ${TOTAL - GUARANTEED} at most, in the middle ${busy.sort((a, b) => a - b)[Math.floor(busy.length / 2)] ?? 0}; services ${Math.min(...services)} to ${Math.max(...services)}; scaled in ${scaledSec.toFixed(1)} s; ${picture}`,
    );
    expect(built).toBe(3);
    // Whatever waits: the guarantee is kept free, and all that is left beside it is used.
    expect(Math.max(...work)).toBeLessThanOrEqual(TOTAL - GUARANTEED + 0.001);
    expect(Math.max(...work)).toBeGreaterThan(TOTAL - GUARANTEED - 2 * WORKER);
    expect(Math.min(...services)).toBeGreaterThanOrEqual(WEB - 0.001);
    expect(Math.max(...services)).toBeLessThanOrEqual(SERVICES_LIMIT + 0.001);
    expect(services.at(-1)).toBeCloseTo(3 * WEB);
});

/** Two productions that never end, each with a role of its own. @param both or the first one alone */
function declareProductions(both: boolean): void {
    declare((site) => {
        addWork(site, JOBS);
        const { workQueue, productions } = site["workloads"] as Record<string, Record<string, unknown>>;
        const command = `python3 simulate.py {seed} {events} {output} ${TASK}`;
        // In one piece: between two chunks nothing is wanted.
        const endless = { command, chunk: JOBS, resources: { memMiB: 50, diskMiB: 60 } };
        const first = { ...(productions?.["e2e"] as object), ...endless };
        const second = { ...first, port: 9125, statusPort: 9182, seed: 100_000 };
        const roles = { steady: "production-e2e", urgent: "production-urgent" };
        (site["frameworks"] as Record<string, unknown>)["workqueue"] = { roles: Object.keys(roles), users: ["nobody"] };
        site["weights"] = { urgent: WEIGHT };
        site["workloads"] = {
            workQueue: { ...workQueue, sizes: [SMALL], ceiling: {}, roles, lifeSec: LIFE },
            productions: both ? { e2e: first, urgent: second } : { e2e: first },
        };
    });
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;

test("what is free is shared by weight: a production that comes later takes three quarters, one worker's end after the other", async () => {
    removeDefinitions();
    await restore();
    declareProductions(false);
    await up();
    await eventually(
        "the first production has the cluster",
        async () => (workersOf((await leader())?.report, "running") >= ROOM - 1 ? true : undefined),
        { timeoutSec: 120 },
    );
    declareProductions(true);
    await up();
    const before = (await leader())?.report.counters;
    const samples = await sharesDuring(() => pause(120_000));
    const full = ROOM * SMALL.cpus;
    const share = WEIGHT / (WEIGHT + 1);
    const picture = draw("weights", samples, { [`${WEIGHT} parts`]: full * share, "1 part": full * (1 - share) });
    const settled = samples.filter(({ sec }) => sec > 60);
    const [urgent, steady] = [mean(of("urgent", settled)), mean(of("steady", settled))];
    const report = (await leader())?.report;
    tell(
        `weights over ${(settled.at(-1)?.sec ?? 0) - 60} s: ${urgent.toFixed(2)} and ${steady.toFixed(2)} CPUs of ${full.toFixed(2)}, ${(urgent / steady).toFixed(2)} : 1 (configured ${WEIGHT} : 1); ${(report?.counters?.finished ?? 0) - (before?.finished ?? 0)} workers have left; ${picture}`,
    );
    // By the second minute; one worker more or less is a twelfth of it all.
    expect(Math.abs(urgent / (urgent + steady) - share)).toBeLessThan(0.08);
    expect(urgent + steady).toBeGreaterThan(0.8 * full);
    expect(report?.counters).toMatchObject({ failed: before?.failed, lost: before?.lost });
    expect((await campaign("production"))?.tasks.failed).toBe(0);
});
