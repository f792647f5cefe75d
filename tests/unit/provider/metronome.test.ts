import { Connections } from "../../../provider/resources/connections";
import { metronomeJob, metronomeSchedule } from "../../../provider/resources/metronome";
import type { CheckResult, Context, ResourceType, State } from "../../../provider/resources/resource";
import type { Properties } from "../../../provider/wire";
import { normalizeJob } from "../../../site/metronome";
import { FakeMetronome } from "../../fakes/metronome";

let fake: FakeMetronome;
let server: { urls: string[] };
let job: ResourceType;
let schedule: ResourceType;
let said: string[];
const context: Context = {
    urn: "urn",
    name: "backup",
    log: (severity, message) => said.push(`${severity} ${message}`),
};

beforeEach(async () => {
    fake = new FakeMetronome();
    server = { urls: [await fake.start()] };
    const connections = new Connections({ http: { answerMs: 2000, failoverMs: 500, retryMs: 20 }, runsMs: 50 });
    [job, schedule] = [metronomeJob(connections), metronomeSchedule(connections)];
    said = [];
});
afterEach(() => fake.stop());

const backup = { id: "backup", run: { cmd: "backup", cpus: 0.1, mem: 64, disk: 0 } };
const nightly = { id: "nightly", cron: "0 4 * * MON" };
const jobInputs = (definition: object): Properties => ({ server, definition }) as unknown as Properties;
const scheduleInputs = (definition: object): Properties =>
    ({ server, jobId: "backup", definition }) as unknown as Properties;

async function create(type: ResourceType, given: Properties): Promise<[Properties, State]> {
    const { failures, inputs = given } = (await type.check(given, undefined, context)) as CheckResult;
    if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join());
    return [inputs, await type.create(inputs, false, context)];
}

test("a job and its schedule live each on its own", async () => {
    const [jobGood, jobState] = await create(job, jobInputs(backup));
    const [good, state] = await create(schedule, scheduleInputs(nightly));
    expect(state.id).toBe("backup/nightly");
    expect(fake.jobs.get("backup")?.schedule?.cron).toBe("0 4 * * 1");

    const jobRead = await job.read(jobState.id, jobGood, {}, context);
    expect(job.diff(jobRead?.inputs ?? {}, jobGood, context).changes).toEqual([]);
    const read = await schedule.read(state.id, good, {}, context);
    expect(schedule.diff(read?.inputs ?? {}, good, context).changes).toEqual([]);

    const [, next] = [
        jobGood,
        (await job.check(
            jobInputs({ ...backup, run: { ...backup.run, mem: 128 } }),
            undefined,
            context,
        )) as CheckResult,
    ];
    await job.update("backup", jobGood, next.inputs ?? {}, true, context);
    expect(said.join()).toMatch(/the next run is another one: run.mem; a run that is under way goes on/);
    await job.update("backup", jobGood, next.inputs ?? {}, false, context);
    expect(fake.jobs.get("backup")).toMatchObject({ job: { run: { mem: 128 } }, schedule: { id: "nightly" } });

    await schedule.delete(state.id, good, {}, context);
    await schedule.delete(state.id, good, {}, context);
    await job.delete("backup", jobGood, {}, context);
    await job.delete("backup", jobGood, {}, context);
    expect(fake.jobs.size).toBe(0);
});

test("the same times in other words are no change", async () => {
    const [good] = await create(schedule, scheduleInputs({ id: "every-half", cron: "*/30 * * * *" })).catch(
        () => [] as never,
    );
    expect(good).toBeUndefined();
    await create(job, jobInputs(backup));
    const [before] = await create(schedule, scheduleInputs({ id: "every-half", cron: "*/30 * * * *" }));
    const after = (await schedule.check(
        scheduleInputs({ id: "every-half", cron: "0,30 * * * *" }),
        undefined,
        context,
    )) as CheckResult;
    expect(schedule.diff(before, after.inputs ?? {}, context).changes).toEqual([]);
});

test("what the server never answers to is not asked", async () => {
    await create(job, jobInputs(backup));
    const [good, state] = await create(schedule, scheduleInputs(nightly));
    await expect(create(schedule, scheduleInputs({ ...nightly, id: "other" }))).rejects.toThrow(
        /has the schedule nightly already, and a job has only one/,
    );
    delete fake.jobs.get("backup")?.schedule;
    expect(await schedule.read(state.id, good, {}, context)).toBeUndefined();
    await expect(schedule.update(state.id, good, good, false, context)).rejects.toThrow(/not there any more/);
    await schedule.delete(state.id, good, {}, context);
    expect(fake.changes).toEqual(["POST /v1/jobs", "POST /v1/jobs/backup/schedules"]);
});

test("runs are left alone", async () => {
    const [good] = await create(job, jobInputs(backup));
    const held = fake.jobs.get("backup");
    if (held !== undefined) held.runs = 1;
    await expect(job.delete("backup", good, {}, context)).rejects.toThrow(
        /still runs, and a run is never stopped by its removal: run-0 \(ACTIVE, TASK_UNREACHABLE\)\n/,
    );
    expect(fake.changes.every((change) => !change.includes("stopCurrentJobRuns=true"))).toBe(true);
});

test("a cycle never reaches the server", async () => {
    const run = backup.run;
    fake.jobs.set("b", { job: normalizeJob({ id: "b", run, dependencies: [{ id: "a" }] }), runs: 0 });
    await expect(create(job, jobInputs({ id: "a", run, dependencies: [{ id: "b" }] }))).rejects.toThrow(
        /wait for each other: \S+ → \S+ → \S+/,
    );
    await expect(create(job, jobInputs({ id: "c", run, dependencies: [{ id: "nobody" }] }))).rejects.toThrow(
        /there is no job nobody/,
    );
    expect(fake.changes).toEqual([]);
});

test("a job that is there already is not taken, unless it is the same", async () => {
    await create(job, jobInputs(backup));
    await create(job, jobInputs(backup));
    await expect(create(job, jobInputs({ ...backup, description: "other" }))).rejects.toThrow(
        /pulumi import mesos:index:MetronomeJob/,
    );
});

test("another name is another job; another schedule id takes the old one's place", () => {
    const before = jobInputs(normalizeJob(backup));
    expect(job.diff(before, jobInputs(normalizeJob({ ...backup, id: "other" })), context).replaces).toEqual([
        ["definition", "id"],
    ]);
    expect(schedule.diff(scheduleInputs(nightly), scheduleInputs({ ...nightly, id: "other" }), context)).toMatchObject({
        deleteBeforeReplace: true,
    });
});

test("bad definitions are refused before anything is sent", async () => {
    await expect(create(job, jobInputs({ id: "Bad", run: { cmd: "x" } }))).rejects.toThrow(
        /JOB_PATTERN in job \S* at \/id[^]*JOB_MISSING/,
    );
    await expect(create(schedule, scheduleInputs({ id: "s1", cron: "0 0 30 2 *" }))).rejects.toThrow(/never runs/);
    expect(fake.changes).toEqual([]);
});
