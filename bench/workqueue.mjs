// Work Queue through Mesos beside workers started by hand, on the lab that is up (npm run lab); and what an offer costs the
// framework. The lab's site stays as it is: the framework runs here, under the principal "tester".
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { ssh } from "../lab/hosts.mjs";
import { addressOf, readSettings } from "../lab/settings.mjs";
import { projectDir } from "../toolchain/places.mjs";
import { preparePulumi } from "../toolchain/pulumi.mjs";
import { Failure, run } from "../toolchain/steps.mjs";
import { measure, note, ratio, round, scratch } from "./lib.mjs";
import { recovery } from "./recovery.mjs";

const TASKS = Number(process.env.BENCH_TASKS ?? 1000);
const TASK_SEC = 0.5;
const WORKERS = 9;
const PAIRS = Number(process.env.BENCH_PAIRS ?? 2);
const AGENTS = Number(process.env.BENCH_AGENTS ?? 10_000);
const STATUS_PORT = 9299;
// Another one each time: the framework of a run that was cut short is gone, and its id with it.
const ZK_PATH = `/bench-workqueue-${Date.now()}`;

const settings = readSettings();
const host = (number) => `${settings.prefix}${number}`;
const [CATALOG, MANAGER, ...WORKING] = [3, 2, 4, 5, 6].map(host);
const on = (name, command) => ssh(name, command, { settings, timeout: 900_000 }).then(({ stdout }) => stdout);
const catalog = `${addressOf(settings, CATALOG)}:9097`;
const middle = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function prepare() {
    for (const name of [CATALOG, MANAGER, ...WORKING])
        await on(
            name,
            "which makeflow >/dev/null || { apt-get -q update && apt-get -q -y install coop-computing-tools; }",
        );
    await on(
        CATALOG,
        "systemctl is-active -q workqueue-catalog bench-catalog || systemd-run -q --collect --unit=bench-catalog catalog_server -p 9097 -u 127.0.0.1 -H /run/bench-catalog",
    );
    await on(MANAGER, "mkdir -p /root/bench");
}

async function siteOutputs() {
    const { pulumi, env } = await preparePulumi();
    const output = ["stack", "output", "--show-secrets", "--json", "--stack", "lab"];
    const { stdout, code } = await run(pulumi, output, { cwd: projectDir, env, allowFailure: true });
    if (code !== 0) throw new Failure('the lab is not up: start it with "npm run lab"');
    return JSON.parse(stdout);
}

/**
 * Starts an instance of the framework here.
 * @param name of the framework; projects that begin with it get workers, and instances of one name stand by for each other
 */
function startInstance(dir, site, { name, port, workers }) {
    writeFileSync(join(dir, "secret"), site.frameworks.tester.secret, { mode: 0o600 });
    const servers = site.endpoints.zookeeper.map((one) => `${one.address}:${one.port}`).join(",");
    const config = {
        name,
        masters: `zk://${servers}/mesos`,
        zookeeper: `zk://${servers}${ZK_PATH}-${name}`,
        principal: "tester",
        secretFile: join(dir, "secret"),
        role: "tests",
        user: "nobody",
        failoverTimeoutSec: 60,
        catalogs: [catalog],
        projects: `${name}-.*`,
        sizes: [{ name: "small", cores: 1, cpus: 0.3, memMiB: 64, diskMiB: 100 }],
        ceiling: { workers },
        idleSec: 5,
        http: { bind: "127.0.0.1", port },
    };
    const file = join(dir, `${name}-${port}.json`);
    writeFileSync(file, JSON.stringify(config));
    const program = join(projectDir, "bin", "programs", "mesos-workqueue.js");
    const child = spawn(process.execPath, [program, file], { stdio: ["ignore", "ignore", "inherit"] });
    const status = async () => {
        try {
            return await (await fetch(`http://127.0.0.1:${port}/status.json`)).json();
        } catch {
            return undefined;
        }
    };
    return { status, kill: (signal) => child.kill(signal) };
}

/** What the leading master answers to the site's operator. */
async function askMaster(site, path) {
    const { principal, secret } = site.operator;
    const Authorization = `Basic ${Buffer.from(`${principal}:${secret}`).toString("base64")}`;
    for (const { address, port } of site.endpoints.masters) {
        const answer = await fetch(`http://${address}:${port}${path}`, { headers: { Authorization } }).catch(
            () => undefined,
        );
        if (answer?.ok) return answer.json();
    }
    throw new Failure(`no master answers ${path}`);
}

async function until(what, probe, timeoutSec = 60) {
    for (const end = Date.now() + timeoutSec * 1000; ; await sleep(200)) {
        const value = await probe();
        if (value) return value;
        if (Date.now() > end) throw new Failure(`${what}: not within ${timeoutSec} s`);
    }
}

/** Runs tasks, and tells from makeflow's own log how long it took: from the first that waits to the last that is done. */
async function makeflow(project, tasks, { port, byHand = 0 }) {
    const dir = `/root/bench/${project}`;
    const rules = `for i in $(seq ${tasks}); do printf 'out/%s: t.sh\\n\\tsh t.sh out/%s\\n\\n' $i $i; done`;
    await on(
        MANAGER,
        `rm -rf ${dir}; mkdir -p ${dir}; cd ${dir}; echo 'mkdir -p out; sleep ${TASK_SEC}; hostname >$1' >t.sh; { printf 'CATEGORY=t\\nCORES=1\\nMEMORY=50\\nDISK=50\\n'; ${rules}; } >dag`,
    );
    const started = on(
        MANAGER,
        `cd ${dir}; OMPI_MCA_ess_singleton_isolated=1 makeflow -T wq -N ${project} -C ${catalog} -p ${port} dag >log 2>&1 & echo $! >/root/bench/pid; wait $!; ls out | wc -l`,
    );
    if (byHand > 0) {
        const command = `work_queue_worker -t 30 --single-shot --cores 1 --memory 64 --disk 100 ${addressOf(settings, MANAGER)} ${port}`;
        await Promise.all(
            WORKING.map((name) =>
                on(
                    name,
                    `for i in $(seq ${byHand / WORKING.length}); do systemd-run -q --collect --uid=nobody -p WorkingDirectory=/tmp ${command}; done`,
                ),
            ),
        );
    }
    const made = Number(await started);
    if (made !== tasks) throw new Failure(`${project}: ${made} of ${tasks} results`);
    const log = await on(MANAGER, `grep -v '^#' ${dir}/dag.makeflowlog | cut -d' ' -f1-3; rm -rf ${dir}`);
    const lines = log
        .trim()
        .split("\n")
        .map((line) => line.split(" ").map(Number));
    const begin = lines.find(([, , state]) => state === 1)[0];
    const done = lines.filter(([, , state]) => state === 2).map(([time]) => time);
    return { wall: (done.at(-1) - begin) / 1e6, first: (done[0] - begin) / 1e6 - TASK_SEC };
}

async function simulated() {
    const dir = scratch("simulated");
    const outfile = join(dir, "simulated.js");
    const entry = { entryPoints: [join(projectDir, "bench", "simulated.ts")], outfile };
    await build({ ...entry, bundle: true, platform: "node", target: "node20", format: "cjs", logLevel: "error" });
    const { output } = await measure(process.execPath, [outfile, String(AGENTS)]);
    return JSON.parse(output.trim().split("\n").at(-1));
}

export async function workqueue() {
    const sim = await simulated();
    note(`workqueue: ${AGENTS} offers cost ${round(sim.firstCpuMs / 1000)} CPU s, ${sim.launched} workers launched`);
    execFileSync(process.execPath, [join(projectDir, "build.mjs"), "programs"]);
    await prepare();
    const dir = mkdtempSync(join(tmpdir(), "bench-workqueue-"));
    let framework;
    let kills;
    const [mesos, hand, firsts] = [[], [], []];
    try {
        const site = await siteOutputs();
        framework = startInstance(dir, site, { name: "bench", port: STATUS_PORT, workers: WORKERS });
        const { status } = framework;
        await until("the framework is subscribed", async () => (await status())?.master);
        for (let i = 0; i < 5; i++) {
            firsts.push((await makeflow(`bench-first${i}`, 1, { port: 9201 + i })).first);
            await until("no worker is left", async () => (await status())?.workers?.length === 0);
        }
        note(`workqueue: first worker after ${firsts.map((sec) => round(sec)).join(", ")} s`);
        for (let i = 0; i < PAIRS; i++) {
            mesos.push((await makeflow(`bench-mesos${i}`, TASKS, { port: 9211 + i })).wall);
            await until("no worker is left", async () => (await status())?.workers?.length === 0);
            hand.push((await makeflow(`byhand${i}`, TASKS, { port: 9221 + i, byHand: WORKERS })).wall);
            note(`workqueue: ${TASKS} tasks: ${round(mesos.at(-1))} s through Mesos, ${round(hand.at(-1))} s by hand`);
        }
        framework.kill();
        let port = STATUS_PORT;
        const parts = { on, until, makeflow, manager: MANAGER, agents: WORKING, catalog };
        const start = () => startInstance(dir, site, { name: "kills", port: ++port, workers: WORKERS });
        kills = await recovery({ ...parts, start, askMaster: (path) => askMaster(site, path) });
    } finally {
        framework?.kill();
        rmSync(dir, { recursive: true, force: true });
        await on(CATALOG, "systemctl stop bench-catalog 2>/dev/null; true");
        await on(
            MANAGER,
            'p=$(cat /root/bench/pid); [ "$(cat /proc/$p/comm 2>/dev/null)" != makeflow ] || kill $p; sleep 1; rm -rf /root/bench',
        );
    }
    const overhead = ratio(middle(mesos), middle(hand));
    const first = middle(firsts);
    const perSec = Math.floor(AGENTS / (sim.firstCpuMs / 1000));
    return {
        goals: [
            { what: "backlog → first worker that has its task, s", value: round(first), goal: "≤ 5", met: first <= 5 },
            {
                what: `${TASKS} tasks of ${TASK_SEC} s, through Mesos : workers by hand`,
                value: overhead,
                goal: "≤ 1.10",
                met: overhead <= 1.1,
            },
            {
                what: `offers a second on one core, ${AGENTS} agents, workers launched`,
                value: perSec,
                goal: "≥ 1000",
                met: perSec >= 1000,
            },
            ...kills.goals,
        ],
        tables: [
            {
                title: `${TASKS} tasks of ${TASK_SEC} s on ${WORKERS} workers, wall seconds`,
                head: ["run", "through Mesos", "by hand"],
                rows: mesos.map((sec, i) => [i + 1, round(sec, 1), round(hand[i], 1)]),
            },
            {
                title: `The framework and ${AGENTS} agents that offer at once`,
                head: ["", "CPU s", "MiB"],
                rows: [
                    [
                        `${sim.launched} workers launched in ${sim.accepts} calls, the rest declined`,
                        round(sim.firstCpuMs / 1000),
                        round(sim.rssMiB, 0),
                    ],
                    ["nothing wanted: all declined", round(sim.idleCpuMs / 1000), ""],
                ],
            },
            ...kills.tables,
        ],
        notes: [
            "Wall time of the tasks from makeflow's log: from the first that is handed to Work Queue to the last result. Workers start when makeflow has, in both.",
            "Killed ones are started again by systemd after 2 s (manager) and 5 s (agent); of the framework another instance stands by, which ZooKeeper tells after 6 s.",
            "The lab's hosts share this machine; the simulated agents' master is another process, whose time is not counted.",
        ],
    };
}
