/**
 * The Work Queue framework before a master with many agents, which all offer at once: what an offer costs. The master, the catalog
 * and the manager are the tests' own, in another process, over real HTTP and TCP.
 *
 *     node simulated.js AGENTS          # prints one line of JSON
 */
import { fork } from "node:child_process";
import { MastersList, MemoryIdStore, type Offer } from "../frameworks/scheduler";
import { readConfig } from "../frameworks/workqueue/config";
import { WorkQueueFramework } from "../frameworks/workqueue/framework";
import { FakeMaster } from "../tests/fakes/master";
import { FakeCatalog, FakeManager } from "../tests/fakes/workqueue";

/** Offers in one message, as a master's allocator makes them. */
const BATCH = 1000;
const CORES = 16;

interface Cost {
    readonly cpuMs: number;
    readonly launched: number;
    readonly declined: number;
    readonly rssMiB: number;
}

async function beFramework(master: string, catalog: string): Promise<void> {
    const config = readConfig(
        JSON.stringify({
            masters: [master],
            zookeeper: "zk://none/wq",
            user: "wq",
            catalogs: [catalog],
            sizes: [{ name: "small", memMiB: 1000, diskMiB: 1000 }],
        }),
    );
    const framework = new WorkQueueFramework({
        config,
        masters: new MastersList([master]),
        store: new MemoryIdStore(),
        log: () => undefined,
    });
    await framework.start();
    process.on("message", () => {
        const { user, system } = process.cpuUsage();
        const { launched, declined } = framework.book.counters;
        const cost: Cost = {
            cpuMs: (user + system) / 1000,
            launched,
            declined,
            rssMiB: process.memoryUsage().rss / 2 ** 20,
        };
        process.send?.(cost);
    });
}

const offer = (id: string, agent: number): Offer => ({
    id: { value: id },
    framework_id: { value: "framework-1" },
    agent_id: { value: `agent-${agent}` },
    hostname: `host-${agent}`,
    resources: Object.entries({ cpus: CORES, mem: 64_000, disk: 500_000 }).map(([name, value]) => ({
        name,
        type: "SCALAR",
        scalar: { value },
    })),
});

async function measure(agents: number): Promise<void> {
    const [master, catalog, manager] = await Promise.all([
        FakeMaster.start(),
        FakeCatalog.start(),
        FakeManager.start(),
    ]);
    const queue = (waiting: number): void => {
        const categories = [
            {
                category: "whole queue",
                tasks_waiting: waiting,
                tasks_running: 0,
                max_cores: "1.000",
                max_memory: "500",
            },
        ];
        const record = {
            type: "wq_master",
            project: "simulated",
            name: "localhost",
            address: "127.0.0.1",
            port: manager.port,
            version: "8.0.0",
            owner: "root",
            tasks_total_cores: waiting,
            tasks_total_memory: waiting * 500,
            tasks_waiting: waiting,
            tasks_on_workers: 0,
            tasks_running: 0,
            workers_connected: 0,
            cores_total: 0,
            categories,
        };
        manager.queue = [record];
        catalog.records = [{ ...record, lastheardfrom: Math.floor(Date.now() / 1000) }];
    };
    queue(agents);
    const child = fork(process.argv[1] ?? "", ["framework", master.address, catalog.address]);
    const ask = (): Promise<Cost> =>
        new Promise((resolve) => {
            child.once("message", (cost) => resolve(cost as Cost));
            child.send("");
        });
    await master.until(({ calls }) => calls.some(({ type }) => type === "REVIVE"));
    let offers = 0;
    const round = async (label: string): Promise<{ cpuMs: number; wallMs: number; cost: Cost }> => {
        const before = await ask();
        const seen = before.launched + before.declined;
        const began = Date.now();
        for (let at = 0; at < agents; at += BATCH) {
            const batch = Array.from({ length: Math.min(BATCH, agents - at) }, (_, index) =>
                offer(`${label}-${at + index}`, at + index),
            );
            offers += batch.length;
            master.send({ type: "OFFERS", offers: { offers: batch } });
        }
        // Each offer is either used or declined.
        for (;;) {
            const now = await ask();
            const used = master.calls.filter(({ type }) => type === "ACCEPT").length;
            if (now.declined + used >= offers || (now.launched + now.declined > seen && Date.now() - began > 120_000)) {
                return { cpuMs: now.cpuMs - before.cpuMs, wallMs: Date.now() - began, cost: now };
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    };
    // One worker for each agent: as many are filled as it takes, the others are declined.
    const first = await round("first");
    const second = await round("second");
    process.stdout.write(
        `${JSON.stringify({
            agents,
            launched: second.cost.launched,
            accepts: master.calls.filter(({ type }) => type === "ACCEPT").length,
            firstCpuMs: first.cpuMs,
            firstWallMs: first.wallMs,
            idleCpuMs: second.cpuMs,
            rssMiB: second.cost.rssMiB,
        })}\n`,
    );
    child.kill();
    await Promise.all([master.stop(), catalog.stop(), manager.stop()]);
}

const [, , what = "10000", ...rest] = process.argv;
void (what === "framework" ? beFramework(rest[0] ?? "", rest[1] ?? "") : measure(Number(what)));
