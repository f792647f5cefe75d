/** Release builds by `pulumi up`, with real aliBuild on real Mesos: what has passed is published, whole; what has not, not at all. */
import { lab, on, powerOn } from "./support/hosts";
import {
    addBuilds,
    buildNow,
    built,
    isOver,
    latestOf,
    logOf,
    placeUpstream,
    published,
    removeBuilds,
    runOf,
    start,
    stop,
    stopAll,
    STORE,
    storeStatus,
} from "./support/builds";
import { onTheLabThroughout } from "./support/site";
import { declare, preview, up } from "./support/stack";
import { eventually } from "./support/steps";

const tarball = (name: string): string => `${name}.slc9_x86-64.tar.gz`;
const GOOD = ["defaults-release-v1-1", "greeting-v1.0-1", "top-1-1"].map(tarball);

onTheLabThroughout({ place: placeUpstream, release: stopAll, remove: removeBuilds });

test("one up installs it all, and a build from nothing is tested and published", async () => {
    declare(addBuilds);
    await up();
    await eventually("the mirror has everything", async () =>
        (await storeStatus())?.mirror.every(({ freshAt }) => freshAt !== undefined) === true ? true : undefined,
    );
    const run = await built("good");
    expect([run.state, run.message]).toEqual(["published", ""]);
    expect(run.packages.map(({ name, reused }) => [name, reused])).toEqual([
        ["defaults-release", false],
        ["greeting", false],
        ["top", false],
    ]);
    expect(await logOf(run, "qa/histogram.txt")).toBe("hello from the mirror, twice\n");
    expect(await published()).toEqual({ packages: GOOD, unfinished: [] });
    expect(await preview()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

test("built again, all of it comes from the store, and who asked is told", async () => {
    const { code, stdout } = await buildNow("good");
    expect(stdout).toMatch(
        /^published, \d+ s on \S+, 0 packages built, 3 reused\nhttp:\S+\/results\/good\.here-\S+\/\n$/,
    );
    expect(code).toBe(0);
    expect((await published()).packages).toEqual(GOOD);
});

test("with other options it is a build of its own", async () => {
    const latest = await latestOf("good.here");
    const { code, stdout } = await buildNow("good", "--package", "greeting", "--ref", "main");
    expect(stdout).toMatch(/^published, .*, 0 packages built, 2 reused\n\S+\/results\/good\.now\.here-\S+\n$/);
    expect(code).toBe(0);
    expect(await latestOf("good.here")).toBe(latest);
    expect(await preview()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

test("a recipe that fails: its name, its last lines, its log, and nothing published", async () => {
    const { code, stdout } = await buildNow("broken");
    expect(stdout).toMatch(/^failed, .*\nbad 1 has failed\n/);
    expect(code).toBe(1);
    const run = await runOf("broken", isOver);
    expect(run).toMatchObject({ state: "failed", stage: "building" });
    expect(run.message).toContain("bad.cc:7: error: expected ';'");
    expect(await logOf(run, "bad.log")).toContain("bad.cc:7: error");
    expect(await published()).toEqual({ packages: GOOD, unfinished: [] });
});

test("QA that fails: why, and nothing published though it was built", async () => {
    const run = await built("untrue");
    expect(run).toMatchObject({ state: "failed", stage: "qa" });
    expect(run.message).toBe("QA has failed (3)\nhistogram 3 is empty");
    expect(run.packages.find(({ name }) => name === "other")).toMatchObject({ reused: false });
    expect(await published()).toEqual({ packages: GOOD, unfinished: [] });
});

test("a build that is stopped says so, and nothing is published", async () => {
    const id = await start("long");
    await runOf("long", ({ stage }) => stage === "building");
    await stop("long", id);
    const run = await runOf("long", isOver);
    expect(run).toMatchObject({ state: "cancelled", message: "it was cancelled" });
    expect(await published()).toEqual({ packages: GOOD, unfinished: [] });
});

test("a builder of a scheduled build is lost in the middle: nothing of it is published, and another builds it by itself", async () => {
    const before = ((await storeStatus())?.runs ?? []).map(({ run }) => run);
    await start("long");
    const { host, run: lost } = await runOf("long", ({ stage }) => stage === "building", before);
    await lab("power-cut", host);
    try {
        expect(await runOf("long", isOver, before)).toMatchObject({ state: "lost", run: lost });
        expect(await published()).toEqual({ packages: GOOD, unfinished: [] });
        const again = await runOf("long", isOver, [...before, lost], 240);
        expect(again.state).toBe("published");
        expect(again.host).not.toBe(host);
    } finally {
        await powerOn(host);
    }
});

test("the store is killed while a build goes on: it comes back with all it had, and the build is published", async () => {
    const before = (await storeStatus())?.runs ?? [];
    const packages = (await published()).packages;
    expect(packages).toEqual([...GOOD, tarball("long-1-1")].sort());
    await start("good");
    await on(STORE, "pkill -9 -f '^/usr/bin/node .*mesos-builds.js store'");
    const run = await runOf(
        "good",
        isOver,
        before.map((one) => one.run),
    );
    expect(run).toMatchObject({ state: "published", packages: expect.arrayContaining([]) as unknown });
    const after = (await storeStatus())?.runs.map((one) => one.run);
    expect(after).toEqual([run.run, ...before.map((one) => one.run)]);
    expect(await published()).toEqual({ packages, unfinished: [] });
});
