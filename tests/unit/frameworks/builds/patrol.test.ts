/** Scheduled runs on a host that is lost, at the lab's Metronome. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { metronomeAt, Patrol, verdictOf } from "../../../../frameworks/builds/patrol";
import type { State } from "../../../../frameworks/builds/runs";
import { MetronomeApi } from "../../../../lab/metronome/api";
import { Metronome, type Run } from "../../../../lab/metronome/metronome";
import { serve } from "../../../../lab/marathon/http";
import { MemoryStore } from "../../../../lab/marathon/store";
import { normalizeJob } from "../../../../site/metronome";

const JOB = "builds.daily.el9";
let metronome: Metronome;
let server: Server;
let patrol: Patrol;
let known: State | undefined;
let lines: string[];
/** What the next runs' tasks come to. */
let fates: string[];
const START = Date.now();

beforeEach(async () => {
    [known, lines, fates] = [undefined, [], []];
    metronome = new Metronome(new MemoryStore());
    metronome.start({
        kill: () => undefined,
        wanted: () =>
            metronome.waiting().forEach((run) => {
                const taskStatus = fates.shift() ?? "TASK_RUNNING";
                metronome.setRun({ ...run, status: "ACTIVE", task: metronome.taskName(run), taskStatus });
            }),
    });
    metronome.create(normalizeJob({ id: JOB, run: { cmd: "build", cpus: 1, mem: 32, disk: 0 } }), []);
    server = serve(new MetronomeApi(metronome, { leader: () => "here", version: "0" }).handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    patrol = new Patrol(
        [{ job: JOB, build: "daily.el9", startWithinSec: 3600 }],
        metronomeAt({ urls: ["http://127.0.0.1:1", url] }),
        () => (known === undefined ? undefined : { state: known }),
        (line) => lines.push(line),
    );
});
afterEach(async () => {
    metronome.close();
    await new Promise((resolve) => server.close(resolve));
});

const runs = (): Run[] => metronome.runsOf(JOB);
const begin = (...tasks: string[]): Run => {
    fates = tasks;
    return metronome.trigger(JOB);
};
const look = (sec: number): Promise<void> => patrol.look(START + sec * 1000);

test("a run that its lost host never began is stopped after a while, and another stands in for it", async () => {
    const { id } = begin("TASK_UNREACHABLE");
    await look(0);
    await look(29);
    expect(runs().map((run) => run.id)).toEqual([id]);
    await look(31);
    expect(lines).toEqual([
        `run ${id} of ${JOB} is on a host that is lost: stopped`,
        expect.stringMatching(/^run \S+ of builds\.daily\.el9 stands in for it$/),
    ]);
    const [next] = runs();
    expect([runs().length, next?.id === id, next?.taskStatus]).toEqual([1, false, "TASK_RUNNING"]);
    await look(120);
    expect(runs()).toHaveLength(1);
});

test("a host that comes back goes on with its run", async () => {
    const { id } = begin("TASK_UNREACHABLE");
    await look(0);
    const [run] = runs();
    if (run !== undefined) metronome.setRun({ ...run, taskStatus: "TASK_RUNNING" });
    await look(20);
    if (run !== undefined) metronome.setRun({ ...run, taskStatus: "TASK_UNREACHABLE" });
    await look(40);
    expect([runs().map((one) => one.id), lines]).toEqual([[id], []]);
});

test("those that stand in are no reason to go on for ever: after the schedule's own time nothing is begun", async () => {
    begin(...Array.from({ length: 99 }, () => "TASK_UNREACHABLE"));
    for (let sec = 0; sec < 8000; sec += 300) await look(sec);
    expect(runs()).toEqual([]);
    expect(lines.filter((line) => line.endsWith("stands in for it")).length).toBeGreaterThan(2);
    expect(lines.at(-1)).toMatch(/: stopped$/);
});

test("a Metronome that does not answer is told of, and asked again", async () => {
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    await expect(look(0)).rejects.toThrow(/^Metronome: http:\/\/127\.0\.0\.1:\d+\/?: connect ECONNREFUSED/);
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    await look(1);
});

test.each<[State | undefined, number, string]>([
    [undefined, 10, "start again"],
    ["lost", 10, "start again"],
    ["lost", 3601, "stop"],
    ["running", 10, "leave"],
    ["running", 9999, "leave"],
    ["published", 10, "stop"],
    ["failed", 10, "stop"],
])("of a run that the store knows as %s, begun %d s ago: %s", (state, sec, verdict) => {
    expect(verdictOf(state && { state }, 0, sec * 1000, 3600)).toBe(verdict);
});
