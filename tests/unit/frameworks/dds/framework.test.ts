/**
 * The framework between a master that is a fake and the lab's stand-in for DDS: what it launches is run as it is, in a folder in
 * place of a sandbox.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../../frameworks/dds/config";
import { DdsFramework } from "../../../../frameworks/dds/framework";
import { serve } from "../../../../frameworks/dds/server";
import { requestOf } from "../../../../frameworks/dds/submissions";
import {
    MastersList,
    MemoryIdStore,
    type Offer,
    type TaskInfo,
    type TaskState,
} from "../../../../frameworks/scheduler";
import { MemoryShelf } from "../../../../frameworks/service/shelf";
import { Dds, until } from "../../../fakes/dds";
import { FakeMaster } from "../../../fakes/master";

jest.setTimeout(90_000);
const dds = new Dds();
const work = mkdtempSync(join(tmpdir(), "dds-framework-"));
const path = process.env["PATH"];
const shelves = {
    state: new MemoryShelf(),
    sessions: new MemoryShelf(),
    submissions: new MemoryShelf(),
    packages: new MemoryShelf(),
};
const log: string[] = [];
const children = new Map<string, ChildProcess>();
let master: FakeMaster;
let server: Server;
let framework: DdsFramework;
let id: string;
let file: string;

const port = (): number => (server.address() as AddressInfo).port;
const session = (name = "s") =>
    framework.report({ leader: undefined, version: "" }).sessions?.find((one) => one.name === name);

async function start(agents: number, store = new MemoryIdStore()): Promise<void> {
    const config = readConfig(
        JSON.stringify({
            masters: [master.address],
            zookeeper: "zk://none/dds",
            user: "dds",
            pollSec: 0.2,
            tools: { timeoutSec: 5 },
            goneSec: 1,
            stateDir: work,
            sessions: { s: { package: file, commander: "127.0.0.1", agents } },
            submissions: { agents: 2, commander: "127.0.0.1" },
        }),
    );
    framework = new DdsFramework({
        config,
        masters: new MastersList([master.address]),
        store,
        address: `127.0.0.1:${port()}`,
        shelves,
        log: (line) => log.push(line),
    });
    await framework.start();
}

beforeAll(async () => {
    process.env["PATH"] = `${dds.bin}:${path ?? ""}`;
    master = await FakeMaster.start();
    id = await dds.start();
    file = await dds.prepare(id);
    server = await serve({
        bind: "127.0.0.1",
        port: 0,
        report: () => framework.report({ leader: "me", version: "" }),
        framework: () => framework,
        from: ["127.0.0.1"],
    });
    await start(1);
});
afterAll(async () => {
    process.env["PATH"] = path;
    await framework.stop();
    await dds.end();
    children.forEach((child) => child.kill("SIGTERM"));
    await new Promise((resolve) => server.close(resolve));
    await master.stop();
    rmSync(work, { recursive: true, force: true });
});

const offer = (host: string): Offer => ({
    id: { value: `offer-${host}-${Date.now()}` },
    framework_id: { value: "framework-1" },
    agent_id: { value: `agent-${host}` },
    hostname: host,
    resources: ["cpus", "mem", "disk"].map((name) => ({ name, type: "SCALAR", scalar: { value: 10_000 } })),
});
const launched = (): TaskInfo[] =>
    master.calls
        .filter(({ type }) => type === "ACCEPT")
        .flatMap(({ accept }) =>
            (accept as { operations: { launch: { task_infos: TaskInfo[] } }[] }).operations.flatMap(
                ({ launch }) => launch.task_infos,
            ),
        );
const say = (task: TaskInfo, state: TaskState): void =>
    master.send({
        type: "UPDATE",
        update: {
            status: {
                task_id: task.task_id,
                state,
                uuid: Buffer.from(`${task.task_id.value}${state}`).toString("base64"),
                agent_id: task.agent_id,
            },
        },
    });

/** As an agent of Mesos would; and says how it ends. */
function run(task: TaskInfo): ChildProcess {
    const sandbox = join(work, `sandbox-${task.task_id.value}`);
    mkdirSync(sandbox);
    type Variable = { name: string; value?: string; secret?: { value: { data: string } } };
    const variables = (task.command?.environment?.variables ?? []) as Variable[];
    const env = Object.fromEntries(
        variables.map(({ name, value, secret }) => [
            name,
            value ?? Buffer.from(secret?.value.data ?? "", "base64").toString(),
        ]),
    );
    const [, ...args] = task.command?.arguments ?? [];
    const child = spawn(task.command?.value ?? "", args, {
        cwd: sandbox,
        env: { ...env, PATH: process.env["PATH"] ?? "", MESOS_SANDBOX: sandbox },
        stdio: "ignore",
    });
    child.on("close", (code) => say(task, code === 0 ? "TASK_FINISHED" : "TASK_FAILED"));
    children.set(task.task_id.value, child);
    say(task, "TASK_RUNNING");
    return child;
}

/** Offers hosts until a number of agents has been launched in all, and runs the last one. */
async function next(count: number, host: string): Promise<TaskInfo> {
    await until(() => {
        if (launched().length < count) master.send({ type: "OFFERS", offers: { offers: [offer(host)] } });
        return new Promise((resolve) => setTimeout(() => resolve(launched().length >= count), 200));
    }, 30_000);
    const task = launched()[count - 1] as TaskInfo;
    run(task);
    return task;
}

test("an agent is launched, fetches its package, and is counted at the commander", async () => {
    const task = await next(1, "h1");
    await until(() => session()?.agents.joined === 1, 20_000);
    expect(session()).toMatchObject({ state: "complete", slots: { total: 2 } });
    const place = join(work, `sandbox-${task.task_id.value}`, "dds", task.task_id.value);
    expect(readdirSync(place)).toEqual(expect.arrayContaining(["DDSWorker.sh", "dds-agent.client.id"]));
});

test("neither the session's id nor the package's key is in what Mesos or a reader of logs sees", () => {
    const key = shelves.state.all.get("package-key")?.toString() ?? "";
    expect(key).toHaveLength(48);
    const said = JSON.stringify([
        master.calls,
        master.subscriptions,
        log,
        framework.report({ leader: "", version: "" }),
    ]);
    expect(said).not.toContain(id);
    expect(said).not.toContain(key);
});

test("one that is ended in order, though nobody has asked for it, is replaced", async () => {
    const [first] = launched();
    children.get(first?.task_id.value ?? "")?.kill("SIGTERM");
    await next(2, "h2");
    await until(() => session()?.agents.joined === 1 && session()?.losses === 1, 20_000);
    expect(log.join("\n")).toMatch(/TASK_FINISHED s\./);
});

test("a framework that comes back keeps its agents and what it knows of losses", async () => {
    await framework.stop();
    const [, second] = launched() as [TaskInfo, TaskInfo];
    await start(1, new MemoryIdStore("framework-1"));
    say(second, "TASK_RUNNING");
    await until(() => session()?.agents.joined === 1, 20_000);
    expect([launched().length, session()?.losses]).toEqual([2, 1]);
});

test("a submission by REST runs, is one however often it is posted, is within the limit, and can be withdrawn", async () => {
    const url = `http://127.0.0.1:${port()}`;
    const post = async (submission: string, agents: number) => {
        const request = { agents, cpus: "0.5", memMiB: "100", image: "", directory: "" };
        const body = JSON.stringify(requestOf(request, submission, readFileSync(file), 3));
        const answer = await fetch(`${url}/dds-submit`, { method: "POST", body });
        return [answer.status, await answer.json()] as [number, { Id?: number; Error?: string }];
    };
    expect(await post("one", 1)).toEqual([200, { Id: 1 }]);
    expect(await post("one", 1)).toEqual([200, { Id: 1 }]);
    expect(await (await fetch(`${url}/status`)).json()).toEqual({ Status: { NumSubmissions: 1 } });
    const [status, refusal] = await post("two", 2);
    expect([status, refusal.Error]).toEqual([400, expect.stringMatching(/2 agents are too many/)]);
    const had = Buffer.from(await (await fetch(`${url}/dds-work-package?id=1`)).arrayBuffer());
    expect(had.includes("PAYLOAD:")).toBe(true);
    const task = await next(3, "h3");
    await until(() => session("r-1")?.agents.joined === 1, 20_000);
    expect((await fetch(`${url}/dds-submit?id=1`, { method: "DELETE" })).status).toBe(200);
    const killed = () =>
        master.calls
            .filter(({ type }) => type === "KILL")
            .map(({ kill }) => JSON.stringify(kill))
            .join();
    await until(() => killed().includes(task.task_id.value));
    children.get(task.task_id.value)?.kill("SIGTERM");
    await until(() => shelves.packages.all.size === 0);
});

test("with the session its agents end, none is started again, and it is said why", async () => {
    await dds.stop(id);
    await until(() => session()?.state.startsWith("over: nobody listens at 127.0.0.1:") === true, 20_000);
    await until(() => session()?.agents.running === 0, 20_000);
    master.send({ type: "OFFERS", offers: { offers: [offer("h9")] } });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(launched()).toHaveLength(3);
    expect(readdirSync("/dev/shm").filter((name) => name.includes(id.slice(0, 8)))).toEqual([]);
});
