/** A run that is killed on a stack of apps and jobs alone, whose state is written once, at the end: what it has made is found again. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Services, startServices } from "./services";
import { Stack } from "./stack";

const root = join(__dirname, "..", "..");
const LENGTH = 12;

let stack: Stack;
let services: Services;

/** Each needs the one before: they come one after the other. */
const app = (index: number, more: object = {}) => ({
    id: `/chain/a${index}`,
    cmd: `serve ${index}`,
    cpus: 0.1,
    mem: 32,
    ...(index === 0 ? {} : { dependencies: [`a${index - 1}`] }),
    ...more,
});

const write = (index: number, more?: object): void =>
    writeFileSync(join(stack.dir, "apps", `a${index}.json`), JSON.stringify(app(index, more)));

async function live(): Promise<{ id: string; version: string; cmd: string }[]> {
    // This process is blocked while an engine runs: no connection survives that.
    const answer = await fetch(`${services.marathon}/v2/apps`, { headers: { Connection: "close" } });
    return ((await answer.json()) as { apps: { id: string; version: string; cmd: string }[] }).apps;
}

/** Processes below one, itself included. */
function family(pid: number): number[] {
    const parents = readdirSync("/proc")
        .filter((name) => /^\d+$/.test(name))
        .flatMap((name): [number, number][] => {
            try {
                const text = readFileSync(`/proc/${name}/stat`, "utf8");
                return [[Number(name), Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1])]];
            } catch {
                // It has just ended.
                return [];
            }
        });
    const below = (one: number): number[] => [
        one,
        ...parents.filter(([, parent]) => parent === one).flatMap(([child]) => below(child)),
    ];
    return below(pid);
}

const isEngine = (pid: number): boolean => {
    try {
        return /\/pulumi$/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0] ?? "");
    } catch {
        return false;
    }
};

/** An `up` whose engine is killed as soon as this is so. */
async function killedUp(isTime: () => Promise<boolean>): Promise<void> {
    const args = ["-C", stack.dir, "up", "-s", "test", "--yes", "--skip-preview", "--non-interactive"];
    const child = spawn(process.execPath, [join(root, "toolchain", "pulumi.mjs"), ...args], {
        env: stack.env(),
        stdio: "ignore",
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    for (const deadline = Date.now() + 60_000; !(await isTime());) {
        if (Date.now() > deadline) throw new Error("it is not time within a minute");
        await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const engines = family(child.pid ?? 0).filter(isEngine);
    expect(engines).not.toEqual([]);
    for (const pid of engines) process.kill(pid, "SIGKILL");
    expect(await ended).not.toBe(0);
    // The plugin notices within a second.
    await new Promise((resolve) => setTimeout(resolve, 1500));
}

beforeAll(async () => {
    stack = new Stack({});
    services = await startServices(stack.dir);
    stack.declare({
        cluster: "apps",
        distribution: { kind: "installed" },
        zookeeper: { existing: { servers: ["127.0.0.1:1"], authenticated: false } },
        masters: { existing: { addresses: { m1: "127.0.0.1" } } },
        marathon: { existing: { urls: [services.marathon] } },
        metronome: { existing: { urls: [services.metronome] } },
        apps: ["apps"],
        jobs: ["jobs"],
    });
    for (const secret of ["principal-operator", "principal-agent"])
        stack.pulumi("config", "set", "-s", "test", "--secret", `pulumi-mesos:${secret}`, "unused");
    mkdirSync(join(stack.dir, "apps"));
    mkdirSync(join(stack.dir, "jobs"));
    for (let index = 0; index < LENGTH; index++) write(index);
    const run = { cmd: "true", cpus: 0.1, mem: 32, disk: 0 };
    const schedules = [{ id: "nightly", cron: "0 4 * * *" }];
    writeFileSync(join(stack.dir, "jobs", "tick.json"), JSON.stringify({ id: "tick", run, schedules }));
});
afterAll(() => {
    services.stop();
    stack.remove();
});

test("killed while it makes them: the next up takes those that are there for its own, and makes the rest once", async () => {
    await killedUp(async () => (await live()).length >= 4);
    const before = await live();
    expect(before.length).toBeGreaterThanOrEqual(4);
    expect(before.length).toBeLessThan(LENGTH);
    expect(stack.pulumi("stack", "export", "-s", "test").text).not.toContain("MarathonApp::chain");

    const { ok, text } = stack.up();
    expect([ok, text]).toEqual([true, expect.stringMatching(/\d+ created/)]);
    const after = await live();
    expect(after.map(({ id }) => id).sort()).toEqual(Array.from({ length: LENGTH }, (_, i) => app(i).id).sort());
    // Nothing was deployed a second time.
    expect(after).toEqual(
        expect.arrayContaining(before.map(({ id, version }): unknown => expect.objectContaining({ id, version }))),
    );
    expect(stack.up("--refresh", "--expect-no-changes").ok).toBe(true);
});

test("killed while it changes them: the next up changes only what is left", async () => {
    const mine = (): Promise<string[]> =>
        live().then((all) => all.filter(({ cmd }) => cmd.endsWith("--fast")).map(({ id }) => id));
    for (let index = 0; index < LENGTH; index++) write(index, { cmd: `serve ${index} --fast` });
    await killedUp(async () => (await mine()).length >= 4);
    const before = await live();
    const done = await mine();
    expect(done.length).toBeLessThan(LENGTH);
    const { ok, text } = stack.up();
    expect([ok, text]).toEqual([true, expect.stringContaining(`${LENGTH} updated`)]);
    const after = new Map((await live()).map(({ id, version }) => [id, version]));
    for (const { id, version } of before) expect([id, after.get(id) === version]).toEqual([id, done.includes(id)]);
    expect(stack.up("--refresh", "--expect-no-changes").ok).toBe(true);
});

test("declared otherwise after it was killed: what is there is named with its import, nothing is overwritten", async () => {
    const twelve = LENGTH;
    write(twelve);
    write(twelve + 1);
    const last = `/chain/a${twelve}`;
    await killedUp(async () => (await live()).some(({ id }) => id === last));
    write(twelve, { cmd: "something else" });
    const refused = stack.up();
    expect([refused.ok, refused.text]).toEqual([
        false,
        expect.stringContaining(`pulumi import mesos:index:MarathonApp chain/a${twelve} ${last}`),
    ]);
    expect((await live()).find(({ id }) => id === last)?.cmd).toBe(`serve ${twelve}`);
    write(twelve);
    expect(stack.up().ok).toBe(true);
    expect(stack.up("--refresh", "--expect-no-changes").ok).toBe(true);
});
