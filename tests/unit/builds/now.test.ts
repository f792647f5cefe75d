/** A build at once: which one is meant, and what becomes of it, on the lab's Metronome and a real store. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BadChoice, type Chosen, chosen, type Options } from "../../../builds/chosen";
import { recordOf, resultText } from "../../../builds/follow";
import { buildNow, CannotRun, type Now } from "../../../builds/now";
import { buildSchema, storeSchema } from "../../../frameworks/builds/declaration";
import type { Result, RunRecord } from "../../../frameworks/builds/runs";
import { servePage } from "../../../frameworks/builds/serve";
import { Store } from "../../../frameworks/builds/store";
import { serve } from "../../../lab/marathon/http";
import { MemoryStore } from "../../../lab/marathon/store";
import { MetronomeApi } from "../../../lab/metronome/api";
import { Metronome, type Run } from "../../../lab/metronome/metronome";
import { MetronomeClient } from "../../../provider/clients/metronome";
import { planSite } from "../../../site";
import { parseStack } from "../../../site/load";
import { buildDefinitions } from "../../../site/plan/builds";
import { normalizeJob } from "../../../site/metronome";

const planned = planSite(
    parseStack(readFileSync(join(__dirname, "../../../examples/Pulumi.builds.yaml"), "utf8"), "/home/admin").config,
);
if ("issues" in planned) throw new Error("the example has faults");
const { site, plan } = planned;
const choose = (name: string, options: Options = {}): Chosen => chosen(site, plan, name, options);

describe("which build", () => {
    test("with what is declared its own job runs", () => {
        expect(choose("daily.el9")).toEqual({ job: "builds.daily.el9", build: "daily.el9" });
    });

    test("with other options a job of its own, without a schedule, and with a name that is not the release's", () => {
        const { job, build, definition } = choose("daily.el9-arm", {
            ref: "v2.1",
            packages: ["ROOT"],
            environment: { DEBUG: "1" },
        });
        expect([job, build, definition?.["id"]]).toEqual([
            "builds.daily.now.el9-arm",
            "daily.now.el9-arm",
            "builds.daily.now.el9-arm",
        ]);
        expect(definition).not.toHaveProperty("schedules");
        const { env } = definition?.["run"] as { env: { MESOS_BUILD: string } };
        expect(buildSchema.parse(JSON.parse(env.MESOS_BUILD))).toMatchObject({
            name: "daily.now.el9-arm",
            architecture: "slc9_aarch64",
            recipes: { source: "alidist", ref: "v2.1" },
            packages: ["ROOT"],
            environment: { DEBUG: "1" },
        });
    });

    test.each<[string, Options, RegExp]>([
        ["dayly.el9", {}, /^there is no release "dayly\.el9": is daily meant\? Declared are daily/],
        ["daily", {}, /^daily has several builds: say which, one of daily\.el9, daily\.el9-arm$/],
        ["daily.el8", {}, /^daily has no builder "el8": say which, one of/],
        ["daily.el9", { ref: "a b", packages: ["../x"] }, /^ref: must be a branch.*\npackages\.0: must be letters/],
        ["daily.el9", { environment: { MY_TOKEN: "x" } }, /^environment\.MY_TOKEN: looks like a secret/],
    ])("%s with %j is refused with every fault", (name, options, message) => {
        expect(() => choose(name, options)).toThrow(BadChoice);
        expect(() => choose(name, options)).toThrow(message);
    });
});

/** What a builder does with its run. */
type Builder = (run: Run, task: string) => void;

let dir: string;
let metronome: Metronome;
let builders: Builder[];
let servers: Server[];
let ticking: NodeJS.Timeout;
let now: Omit<Now, "chosen">;
let lines: string[];
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "build-now-"));
    [builders, lines] = [[], []];
    metronome = new Metronome(new MemoryStore());
    // Every run goes to the next builder.
    metronome.start({
        kill: () => undefined,
        wanted: () =>
            metronome.waiting().forEach((run) => {
                const task = metronome.taskName(run);
                const launched: Run = { ...run, status: "ACTIVE", task, taskStatus: "TASK_RUNNING" };
                metronome.setRun(launched);
                builders.shift()?.(launched, task);
            }),
    });
    for (const { kind, definition } of buildDefinitions(site, plan))
        if (kind === "job") metronome.create(normalizeJob(definition), []);
    const api = serve(new MetronomeApi(metronome, { leader: () => "here", version: "0" }).handle);
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
    const store = new Store({
        config: storeSchema.parse({
            ...{ dir, ports: { rsync: 1, git: 2, page: 3 }, user: "b", secretsFile: "/s", freeMiB: 1 },
            mirror: { everySec: 600, sources: {} },
        }),
        version: "test",
        log: () => undefined,
    });
    const page = await servePage(0, store);
    ticking = setInterval(() => void store.tick(), 20);
    servers = [api, page];
    now = {
        metronome: new MetronomeClient({ urls: [`http://127.0.0.1:${portOf(api)}`] }),
        page: `http://127.0.0.1:${portOf(page)}/`,
        log: (line) => lines.push(line),
        everyMs: 20,
    };
});
afterEach(async () => {
    clearInterval(ticking);
    metronome.close();
    for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    }
    rmSync(dir, { recursive: true });
});

const news = ({ job }: Run, task: string, name: string): object => ({
    ...{ build: job.replace(/^builds\./, ""), run: name, architecture: "slc9_x86-64", host: "build01", task },
    ...{ stage: "building", startedAt: Date.now() },
});

function leave(name: string, file: string, value: object): void {
    mkdirSync(join(dir, "incoming", name, "log"), { recursive: true });
    writeFileSync(join(dir, "incoming", name, file), JSON.stringify(value));
}

/** A builder that tells the store of a run, and a while later how it has ended. */
const works =
    (name: string, result: Partial<Result>): Builder =>
    (run, task) => {
        leave(name, "state.json", news(run, task, name));
        setTimeout(() => {
            leave(name, "result.json", {
                ...news(run, task, name),
                ...{ outcome: "built", message: "", endedAt: Date.now(), recipes: "abc", packages: [], lists: {} },
                ...result,
            });
            metronome.ended({ ...run, task, taskStatus: "TASK_FINISHED" }, result.outcome === undefined);
        }, 150);
    };

test("it is started, followed and told of", async () => {
    builders = [works("one", {})];
    const record = await buildNow({ ...now, chosen: choose("daily.el9") });
    expect(record).toMatchObject({ state: "published", run: "one", build: "daily.el9" });
    expect(lines[0]).toMatch(/^builds\.daily\.el9: run \d{14}\w{5} is started$/);
    expect(lines).toContain("building on build01");
});

test("with other options its job is gone at the end, and one left behind by others is in nobody's way", async () => {
    const which = choose("daily.el9", { ref: "v2" });
    metronome.create(normalizeJob({ ...which.definition, description: "an old one" }), []);
    builders = [works("one", { outcome: "failed", message: "O2 v2 has failed" })];
    const record = await buildNow({ ...now, chosen: which });
    expect(record).toMatchObject({ state: "failed", message: "O2 v2 has failed", build: "daily.now.el9" });
    expect(metronome.jobs.has(which.job)).toBe(false);
});

test("while one with other options runs, there is no second one", async () => {
    const which = choose("daily.el9", { ref: "v2" });
    metronome.create(normalizeJob(which.definition), []);
    metronome.trigger(which.job);
    await expect(buildNow({ ...now, chosen: which })).rejects.toThrow(/runs already, with options of its own/);
});

test("on a host that is not reached it does not stay", async () => {
    builders = [(run, task) => metronome.setRun({ ...run, task, taskStatus: "TASK_UNREACHABLE" }), works("two", {})];
    const record = await buildNow({ ...now, chosen: choose("daily.el9") });
    expect(record).toMatchObject({ state: "published", run: "two" });
    expect(lines.join("\n")).toMatch(/is on a host that is not reached: once more/);
    expect(metronome.runsOf("builds.daily.el9")).toEqual([]);
});

test("of three hosts that are not reached nothing is left running", async () => {
    const lost: Builder = (run, task) => metronome.setRun({ ...run, task, taskStatus: "TASK_UNREACHABLE" });
    builders = [lost, lost, lost];
    await expect(buildNow({ ...now, chosen: choose("daily.el9") })).rejects.toThrow(CannotRun);
    expect(metronome.runsOf("builds.daily.el9")).toEqual([]);
});

test("who stops it hears what the store makes of it", async () => {
    const stop = new AbortController();
    builders = [
        (run, task) => {
            works("one", { outcome: "cancelled", message: "it was cancelled" })(run, task);
            stop.abort();
        },
    ];
    const record = await buildNow({ ...now, chosen: choose("daily.el9"), signal: stop.signal });
    expect(record).toMatchObject({ state: "cancelled" });
    expect(metronome.runsOf("builds.daily.el9")).toEqual([]);
});

test("nothing is started for a store that does not answer, or a job that is not there", async () => {
    const which = choose("daily.el9");
    await expect(buildNow({ ...now, page: "http://127.0.0.1:1/", chosen: which })).rejects.toThrow(
        /nothing is started/,
    );
    metronome.removeJob(which.job);
    await expect(buildNow({ ...now, chosen: which })).rejects.toThrow(
        "there is no job builds.daily.el9: pulumi up makes it",
    );
});

test("who does not wait is told that it is started", async () => {
    expect(await buildNow({ ...now, chosen: choose("daily.el9"), wait: false })).toBeUndefined();
    expect(metronome.runsOf("builds.daily.el9")).toHaveLength(1);
});

describe("of several runs", () => {
    const record = (run: string, startedAt: number, task?: string): RunRecord => ({
        ...{ run, build: "b", architecture: "slc9_x86-64", host: "h", stage: "building", startedAt },
        ...{ state: "running", message: "", packages: [], ...(task !== undefined && { task }) },
    });
    const seen = { id: "2026X", build: "b", run: undefined, before: new Set(["old"]) };

    test("the one whose task it is", () => {
        const records = [record("old", 1), record("other", 2, "b_2026Y.1"), record("mine", 3, "b_2026X.1")];
        expect(recordOf({ ...seen, records })?.run).toBe("mine");
        expect(recordOf({ ...seen, records: records.slice(0, 2) })).toBeUndefined();
    });

    test("of builders that do not tell, the first new one", () => {
        expect(recordOf({ ...seen, records: [record("late", 3), record("first", 2), record("old", 1)] })?.run).toBe(
            "first",
        );
    });

    test("its result in words", () => {
        const text = resultText(
            { ...record("one", 0), state: "failed", message: "x has failed", endedAt: 90_000 },
            "http://s:1/",
        );
        expect(text).toBe("failed, 90 s on h\nx has failed\nhttp://s:1/results/one/");
    });
});
