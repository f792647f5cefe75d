/** The store, over a folder of files: what builders leave, and what becomes of it. */
import { createHash } from "node:crypto";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    readlinkSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { storeSchema } from "../../../../frameworks/builds/declaration";
import { tarballPath } from "../../../../frameworks/builds/publish";
import type { Package, Result } from "../../../../frameworks/builds/runs";
import { answer } from "../../../../frameworks/builds/serve";
import { Store } from "../../../../frameworks/builds/store";

const ARCH = "slc9_x86-64";
let dir: string;
let now: number;
beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "store-"));
    now = Date.now();
});
afterEach(() => rmSync(dir, { recursive: true }));

const open = (more: object = {}, free = 1000): Store =>
    new Store({
        config: storeSchema.parse({
            ...{ dir, ports: { rsync: 1, git: 2, page: 3 }, user: "b", secretsFile: "/s", freeMiB: 100, lostSec: 60 },
            mirror: { everySec: 600, sources: {} },
            ...more,
        }),
        version: "test",
        log: () => undefined,
        now: () => now,
        freeMiB: () => free,
    });

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

function packageOf(name: string, text: string, revision = "1", reused = false): Package {
    const hash = createHash("sha1").update(text).digest("hex");
    return { name, version: "v1.0", revision, hash, reused, ...(reused ? {} : { sha256: digest(text) }) };
}

const at = (...names: string[]): string => join(dir, ...names);
function write(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
}

/** What a builder has left; its packages' texts are their tarballs. */
function leave(run: string, texts: Readonly<Record<string, string>>, more: Partial<Result> = {}): Result {
    const packages = Object.entries(texts).map(([name, text]) => packageOf(name, text));
    const result: Result = {
        ...{ build: "daily.el9", run, architecture: ARCH, host: "b1", stage: "publishing", startedAt: now },
        ...{ outcome: "built", message: "", endedAt: now, recipes: "abc", packages, lists: {} },
        ...more,
    };
    packages.forEach((one) => write(at("incoming", run, "tars", tarballPath(one, ARCH)), texts[one.name] ?? ""));
    write(at("incoming", run, "log", "build.log"), `log of ${run}`);
    write(at("incoming", run, "result.json"), JSON.stringify(result));
    return result;
}

const link = (name: string, revision = "1"): string =>
    at("store", "TARS", ARCH, name, `${name}-v1.0-${revision}.${ARCH}.tar.gz`);
const links = (): string[] =>
    existsSync(at("store", "TARS", ARCH))
        ? readdirSync(at("store", "TARS", ARCH)).filter((name) => !["store", "dist"].includes(name))
        : [];

test("what has passed is there for aliBuild: tarballs by hash, links, lists, and a record of the release", async () => {
    const path = `TARS/${ARCH}/dist/zlib/zlib-v1.0-1/zlib-v1.0-1.${ARCH}.tar.gz`;
    const zlib = packageOf("zlib", "z");
    const target = `../../../../../TARS/${ARCH}/store/${tarballPath(zlib, ARCH)}`;
    leave("r1", { zlib: "z" }, { lists: { [path]: target } });
    const store = open();
    await store.tick();
    expect(store.status().runs).toMatchObject([{ run: "r1", state: "published" }]);
    expect(readFileSync(link("zlib"), "utf8")).toBe("z");
    expect(readFileSync(at("store", path), "utf8")).toBe("z");
    expect(JSON.parse(readFileSync(at("store/releases/daily.el9/latest.json"), "utf8"))).toMatchObject({
        run: "r1",
        packages: [{ name: "zlib", sha256: digest("z"), tarball: expect.stringContaining(zlib.hash) as string }],
    });
    expect([readdirSync(at("incoming")), readdirSync(at("publishing"))]).toEqual([[], []]);
    expect(readFileSync(at("results/r1/log/build.log"), "utf8")).toBe("log of r1");
});

test("killed at any moment while it publishes, it goes on from there", async () => {
    for (const stopped of ["before", "after one tarball", "after one link"]) {
        rmSync(dir, { recursive: true });
        mkdirSync(dir);
        open();
        const { packages } = leave("r1", { zlib: "z", root: "r" });
        renameSync(at("incoming/r1"), at("publishing/r1"));
        const [zlib] = packages;
        if (stopped !== "before" && zlib !== undefined) {
            const to = at("store", "TARS", ARCH, "store", tarballPath(zlib, ARCH));
            mkdirSync(dirname(to), { recursive: true });
            renameSync(at("publishing/r1/tars", tarballPath(zlib, ARCH)), to);
        }
        const store = open();
        await store.tick();
        expect([stopped, store.status().runs[0]?.state, links()]).toEqual([stopped, "published", ["root", "zlib"]]);
        expect([readFileSync(link("zlib"), "utf8"), readFileSync(link("root"), "utf8")]).toEqual(["z", "r"]);
    }
});

test.each<[string, Partial<Result>, RegExp]>([
    ["a failed run", { outcome: "failed", message: "zlib v1.0 has failed" }, /zlib v1.0 has failed/],
    ["a cancelled run", { outcome: "cancelled", message: "it was cancelled" }, /cancelled/],
    ["another digest", { packages: [{ ...packageOf("zlib", "z"), sha256: digest("other") }] }, /not what was built/],
    [
        "a tarball that has not come",
        { packages: [packageOf("zlib", "z"), packageOf("root", "r")] },
        /root.*has not come/,
    ],
    ["one that was reused and is gone", { packages: [packageOf("zlib", "z", "1", true)] }, /has gone from the store/],
    [
        "a list that leads out",
        { lists: { [`TARS/${ARCH}/dist/a/b/c`]: "../../../../../../etc/passwd" } },
        /none of aliBuild/,
    ],
    ["a list elsewhere", { lists: { "../../x": "y" } }, /none of aliBuild/],
])("%s publishes nothing, and is kept with its reason and its logs", async (_what, more, reason) => {
    leave("r1", { zlib: "z" }, more);
    const store = open();
    await store.tick();
    const [run] = store.status().runs;
    expect(run?.state).not.toBe("published");
    expect(run?.message).toMatch(reason);
    expect([links(), existsSync(at("store/releases"))]).toEqual([[], false]);
    expect(readFileSync(at("results/r1/log/build.log"), "utf8")).toBe("log of r1");
    expect(existsSync(at("results/r1/tars"))).toBe(false);
});

test("of two that have made the same revision, the second is told to build again; the same package twice is none", async () => {
    const store = open();
    leave("r1", { zlib: "z" });
    await store.tick();
    leave("r2", { zlib: "different" });
    leave("r3", { zlib: "z", root: "r" });
    await store.tick();
    expect(store.runOf("r2")).toMatchObject({ state: "refused", again: true });
    expect(store.runOf("r3")).toMatchObject({ state: "published" });
    expect(readFileSync(link("zlib"), "utf8")).toBe("z");
    expect(readlinkSync(link("root"))).toMatch(/^\.\.\/\.\.\//);
});

test("without space nothing is published", async () => {
    leave("r1", { zlib: "z" });
    const store = open({}, 99);
    await store.tick();
    expect(store.runOf("r1")).toMatchObject({ state: "refused", again: false });
    expect(store.status().troubles).toEqual(["only 99 MiB are free: nothing is published"]);
    expect(links()).toEqual([]);
});

describe("a run that is not heard of", () => {
    const news = { build: "daily.el9", run: "r1", architecture: ARCH, host: "b1", stage: "building", startedAt: 1 };
    beforeEach(() => write(at("incoming/r1/state.json"), JSON.stringify(news)));

    test("is lost after its time, not before; should it come back, its result counts", async () => {
        const store = open();
        await store.tick();
        expect(store.runOf("r1")?.state).toBe("running");
        now += 61_000;
        await store.tick();
        expect(store.runOf("r1")).toMatchObject({ state: "lost", stage: "building" });
        expect(readdirSync(at("incoming"))).toEqual([]);
        leave("r1", { zlib: "z" });
        await store.tick();
        expect([store.runOf("r1")?.state, links()]).toEqual(["published", ["zlib"]]);
    });

    test("is not lost for the time that the store itself was away", async () => {
        now += 3_600_000;
        const store = open();
        await store.tick();
        expect(store.runOf("r1")?.state).toBe("running");
    });
});

test("started again, it knows all runs, and keeps as many of each build as it should", async () => {
    const first = open();
    for (const run of ["r1", "r2", "r3"]) {
        now += 1000;
        leave(run, { zlib: "z" });
        await first.tick();
    }
    leave("s1", { zlib: "z" }, { build: "other.el9" });
    await first.tick();
    const again = open({ keepRuns: 2 });
    await again.tick();
    expect(
        again
            .status()
            .runs.map(({ run }) => run)
            .sort(),
    ).toEqual(["r2", "r3", "s1"]);
    expect(readdirSync(at("results")).sort()).toEqual(["r2", "r3", "s1"]);
    expect(links()).toEqual(["zlib"]);
});

test("its page hands out logs, and nothing else", async () => {
    leave("r1", { zlib: "z" }, { outcome: "failed", message: "<b>zlib</b> has failed" });
    write(at("secret"), "x");
    const store = open();
    await store.tick();
    const page = answer("/", store) as readonly [number, string, string];
    expect([page[0], page[2].includes("<b>zlib")]).toEqual([200, false]);
    expect(answer("/results/r1/log/build.log", store)).toEqual({ file: at("results/r1/log/build.log") });
    for (const path of [
        "/results/r1/../../secret",
        "/results/r1/log/../../../secret",
        "/results/r9/",
        "/results/r1/result.json",
    ])
        expect([path, answer(path, store)]).toEqual([path, expect.arrayContaining([404])]);
    expect((answer("/metrics", store) as readonly string[])[2]).toContain(
        'builds_runs{build="daily.el9",state="failed"} 1',
    );
});
