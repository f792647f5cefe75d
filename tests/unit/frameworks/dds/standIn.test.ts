/** What the framework knows of a session, of the lab's stand-in for DDS over real sockets and processes. */
import { readdirSync, readFileSync, statSync, writeFileSync, mkdtempSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { askAgents, makeHome } from "../../../../frameworks/dds/agents";
import { probe } from "../../../../frameworks/dds/wire";
import { sessionOf, withSetting } from "../../../../frameworks/dds/workerPackage";
import { Dds, until } from "../../../fakes/dds";

jest.setTimeout(60_000);
const dds = new Dds();
let id: string;
let file: string;
const home = mkdtempSync(join(tmpdir(), "dds-home-"));
const path = process.env["PATH"];

beforeAll(async () => {
    process.env["PATH"] = `${dds.bin}:${path ?? ""}`;
    id = await dds.start();
    file = await dds.prepare(id);
});
afterAll(async () => {
    process.env["PATH"] = path;
    await dds.end();
    rmSync(home, { recursive: true, force: true });
});

const queues = (): string[] => readdirSync("/dev/shm").filter((name) => name.includes(id.slice(0, 8)));

test("a package says whose it is; a handshake, whether its commander is there", async () => {
    const session = sessionOf(readFileSync(file));
    expect(session).toMatchObject({ id });
    expect(await probe("127.0.0.1", session.uiPort, id, 3000)).toEqual({ kind: "answers" });
    const other = await probe("127.0.0.1", session.uiPort, id.replace(/^./, "x"), 3000);
    expect(other).toMatchObject({ kind: "other session" });
    expect(await probe("127.0.0.1", 1, id, 3000)).toMatchObject({ kind: "closed" });
});

test("agents are counted by dds-info, from a home that only its owner can read", async () => {
    const scout = dds.scout(file, "counted");
    const session = sessionOf(readFileSync(file));
    makeHome(home, session, "127.0.0.1");
    const ask = () => askAgents(session, home, { timeoutSec: 10 });
    await until(async () => (await ask()).length === 1);
    const [agent] = await ask();
    expect(agent).toMatchObject({ group: "g", slots: 2, idle: 2 });
    expect(agent?.workDir).toMatch(/\/counted-\w+\/$/);
    expect(statSync(join(home, ".DDS", "sessions", id)).mode & 0o777).toBe(0o700);
    expect(queues()).toHaveLength(4);
    scout.kill("SIGTERM");
    await until(async () => (await ask()).length === 0);
    await until(() => scout.exitCode === 0);
    expect(queues()).toEqual([]);
});

test("where a commander's host has a name that agents cannot resolve, the package tells its address", async () => {
    const data = readFileSync(file);
    // As the commander writes it on such a host.
    const broken = withSetting(data, { commander: "no-such-host.invalid", environment: {} });
    const mended = withSetting(broken, { commander: "127.0.0.1", environment: { MARK: "it's me" } });
    const place = join(dds.home, "mended.sh");
    writeFileSync(place, mended, { mode: 0o700 });
    const scout = dds.scout(place, "mended");
    const session = sessionOf(data);
    await until(async () => (await askAgents(session, home, { timeoutSec: 10 })).length === 1);
    scout.kill("SIGTERM");
    await until(() => scout.exitCode === 0);
});

test("a tool that hangs is ended in time, and one that fails tells no secret", async () => {
    const session = sessionOf(readFileSync(file));
    const setup = join(dds.home, "hangs.sh");
    writeFileSync(setup, "sleep 60\n");
    await expect(askAgents(session, home, { timeoutSec: 0.3, setup })).rejects.toThrow("not answered within 0.3 s");
    writeFileSync(setup, `echo "no session ${id}" >&2; exit 3\n`);
    await expect(askAgents(session, home, { timeoutSec: 5, setup })).rejects.toThrow("(status 3): no session …");
    writeFileSync(setup, "PATH=/nowhere\n");
    await expect(askAgents(session, home, { timeoutSec: 5, setup })).rejects.toThrow("dds-info is not here");
});

test("with its session an agent ends, in order, and its queues go", async () => {
    const scout = dds.scout(file, "stopped");
    const session = sessionOf(readFileSync(file));
    await until(async () => (await askAgents(session, home, { timeoutSec: 10 })).length === 1);
    await dds.stop(id);
    await until(() => scout.exitCode === 0);
    expect(queues()).toEqual([]);
    await until(async () => (await probe("127.0.0.1", session.uiPort, id, 3000)).kind === "closed");
    expect(existsSync(file)).toBe(true);
});
