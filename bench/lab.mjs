// Real hosts: first converge, a run that has nothing to do, and one changed flag; by us, by one shell script per host over
// SSH, and by a plain Ansible playbook. A lab of its own beside the default one, gone at the end.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { down, ssh, up } from "../lab/hosts.mjs";
import { localized, readSettings } from "../lab/settings.mjs";
import { readStatus } from "../lab/status.mjs";
import { projectDir } from "../toolchain/places.mjs";
import { ensureAnsible } from "../toolchain/python.mjs";
import { best, engine, measure, note, project, ratio, round, scratch } from "./lib.mjs";
import { ansibleSite, makeSecrets, sshScripts } from "./plain.mjs";

export const settings = readSettings({
    PULUMI_MESOS_LAB: process.env.BENCH_LAB ?? "/var/lib/pulumi-mesos-bench",
    PULUMI_MESOS_LAB_NET: process.env.BENCH_LAB_NET ?? "10.217.0",
    PULUMI_MESOS_LAB_BRIDGE: process.env.BENCH_LAB_BRIDGE ?? "br-mesosbench",
    PULUMI_MESOS_LAB_PREFIX: "mb",
    PULUMI_MESOS_LAB_PORT: process.env.BENCH_LAB_PORT ?? "8217",
});
const FIRST = Number(process.env.BENCH_FIRST ?? 2);
const NOOPS = 5;
const HOSTS = 6;
/** Seconds for what a change started to come to rest: a JVM that has answered still compiles. */
const REST_SEC = 5;

/** CPU seconds of all hosts of the bench's lab since they were started. */
function hostsCpu() {
    const v1 = ["cpuacct", "cpu,cpuacct"]
        .map((c) => `/sys/fs/cgroup/${c}/${settings.bridge}/cpuacct.usage`)
        .find((file) => existsSync(file));
    if (v1) return Number(readFileSync(v1, "utf8")) / 1e9;
    return (
        Number(/^usage_usec (\d+)/m.exec(readFileSync(`/sys/fs/cgroup/${settings.bridge}/cpu.stat`, "utf8"))[1]) / 1e6
    );
}

export const stackText = (syncLimit) => {
    const text = localized(readFileSync(join(projectDir, "lab", "Pulumi.lab.yaml"), "utf8"), settings);
    const changed = text.replace(/syncLimit: \d+/, `syncLimit: ${syncLimit}`);
    if (syncLimit !== 10 && changed === text) throw new Error("lab/Pulumi.lab.yaml has no syncLimit to change");
    return changed;
};

function planOf(text, dir) {
    const file = join(dir, "stack.yaml");
    writeFileSync(file, text);
    return JSON.parse(
        execFileSync("node", [join(projectDir, "bin", "site.js"), "plan", "-s", file, "--json"], {
            encoding: "utf8",
            maxBuffer: 1 << 26,
        }),
    );
}

/** What was made once for the default lab need not be fetched again. */
export function seed() {
    const other = readSettings({}).dir;
    if (other === settings.dir) throw new Error("the benchmark's lab must not be the default one");
    mkdirSync(settings.dir, { recursive: true, mode: 0o700 });
    for (const kind of ["base", "packages"]) {
        if (existsSync(join(settings.dir, kind)) || !existsSync(join(other, kind))) continue;
        mkdirSync(join(settings.dir, kind));
        for (const name of readdirSync(join(other, kind)))
            if (/^[0-9a-f]{16}$/.test(name))
                // Node's own copy knows no device nodes, and a base system has some.
                execFileSync("cp", ["-a", join(other, kind, name), join(settings.dir, kind, name)]);
    }
}

export async function freshHosts() {
    await down({ disks: true, settings, log: () => undefined });
    await up(HOSTS, { settings, log: () => undefined });
    for (let i = 1; i <= HOSTS; i++)
        // A base system that was made within the hour looks to Ansible as if its lists of packages were fresh: it has none.
        await ssh(
            `${settings.prefix}${i}`,
            "systemctl is-system-running --wait; touch -d 2000-01-01 /var/lib/apt/lists; true",
            { settings },
        );
    await sleep(3000);
}

async function healthy(site) {
    for (const end = Date.now() + 180_000; ; await sleep(1000)) {
        const { problems } = await readStatus(site);
        if (problems.length === 0) return;
        if (Date.now() > end) throw new Error(`the site is not healthy: ${problems.join("; ")}`);
    }
}

/** Runs a command; the hosts' CPU is counted until all is healthy and has come to rest, with what they use when idle. */
async function cost(run, site) {
    const begun = hostsCpu();
    const result = await run();
    await healthy(await site());
    await sleep(REST_SEC * 1000);
    const hosts = hostsCpu() - begun;
    return {
        controller: result.cpu,
        hosts: round(hosts, 3),
        cpu: round(result.cpu + hosts, 3),
        wall: result.wall,
        output: result.output,
    };
}

export const UP = [
    "up",
    "-s",
    "lab",
    "--yes",
    "--skip-preview",
    "--non-interactive",
    "--suppress-progress",
    "--suppress-outputs",
];

/** What the engine, its host and the SDK cost by themselves: below it no Pulumi program comes. */
async function emptyProgram() {
    const p = await project("empty", { lab: "config: {}\n" }, { main: 'require("@pulumi/pulumi");\n' });
    await p.run(UP);
    const { cpu, wall } = await best(NOOPS, () => p.run([...UP, "--refresh"]));
    return { controller: cpu, hosts: 0, cpu, wall };
}

/** The tools to compare: each with its own way to set a syncLimit, to do nothing, and to tell who may look. */
async function ours() {
    const p = await project("lab", { lab: stackText(10) });
    const file = join(p.dir, "Pulumi.lab.yaml");
    const salt = /^encryptionsalt:.*$/m.exec(readFileSync(file, "utf8"))?.[0] ?? "";
    const { pulumi } = await engine();
    const go = (more = []) => p.run([...UP, ...more], { timeoutSec: 900 });
    return {
        converge: (limit) => (writeFileSync(file, `${stackText(limit)}${salt}\n`), go()),
        noop: async () => {
            const result = await go(["--refresh"]);
            if (/ (created|updated|deleted|replaced)\b/.test(result.output))
                throw new Error(`not a no-op:\n${result.output.slice(-2000)}`);
            return result;
        },
        site: async () =>
            JSON.parse(
                execFileSync(pulumi, ["stack", "output", "-s", "lab", "--show-secrets", "--json"], {
                    cwd: p.dir,
                    env: p.env,
                    encoding: "utf8",
                }),
            ),
    };
}

async function plain(kind) {
    const dir = scratch(kind);
    const secrets = makeSecrets(planOf(stackText(10), dir));
    const { ansiblePlaybook } = await ensureAnsible();
    let plan;
    const write = (limit) => {
        plan = planOf(stackText(limit), dir);
        return kind === "ssh"
            ? sshScripts(join(dir, "scripts"), plan, secrets, settings)
            : ansibleSite(dir, plan, secrets, settings);
    };
    // Ansible's own defaults: nothing of this machine's configuration, nothing of ours.
    const env = {
        ...process.env,
        ANSIBLE_CONFIG: join(dir, "ansible.cfg"),
        ANSIBLE_HOME: join(dir, "a"),
        ANSIBLE_LOCAL_TEMP: join(dir, "tmp"),
    };
    let args;
    const go = () =>
        kind === "ssh"
            ? measure(args[0], args.slice(1), { env, timeoutSec: 900 })
            : measure(ansiblePlaybook, args, { env, timeoutSec: 900 });
    return {
        converge: (limit) => ((args = write(limit)), go()),
        noop: async () => {
            const result = await go();
            if (kind === "ssh" ? /^(changed|restart)/m.test(result.output) : /changed=[1-9]/.test(result.output))
                throw new Error(`not a no-op:\n${result.output.slice(-2000)}`);
            return result;
        },
        site: async () => ({
            endpoints: plan.endpoints,
            operator: { principal: plan.operator.principal, secret: secrets[plan.operator.secret] },
        }),
    };
}

const tools = { ssh: () => plain("ssh"), ours, ansible: () => plain("ansible") };
const names = {
    ssh: "a shell script per host over SSH",
    ours: "pulumi-mesos",
    ansible: "Ansible, default settings",
    empty: "for comparison: Pulumi with an empty program, no hosts",
};

export async function lab() {
    seed();
    const runs = {};
    const keep = (tool, what, result) => {
        ((runs[what] ??= {})[tool] ??= []).push({ ...result, output: undefined });
        note(
            `lab: ${tool} ${what}: controller ${result.controller}, hosts ${result.hosts} CPU s, wall ${result.wall} s`,
        );
    };
    let idle = 0;
    try {
        for (let round_ = 0; round_ < FIRST; round_++) {
            for (const [name, make] of Object.entries(tools)) {
                await freshHosts();
                const tool = await make();
                keep(name, "first converge", await cost(() => tool.converge(10), tool.site));
                if (round_ > 0) continue;
                for (let i = 0; i < (name === "ansible" ? 2 : NOOPS); i++)
                    keep(name, "nothing to do", await cost(() => tool.noop(), tool.site));
                for (const limit of [12, 10])
                    keep(name, "one flag of ZooKeeper", await cost(() => tool.converge(limit), tool.site));
                const before = hostsCpu();
                await sleep(10_000);
                idle = (hostsCpu() - before) / 10;
            }
        }
    } finally {
        await down({ disks: true, all: process.env.BENCH_KEEP === undefined, settings, log: () => undefined });
        if (process.env.BENCH_KEEP === undefined) rmSync(settings.dir, { recursive: true, force: true });
    }
    keep("empty", "nothing to do", await emptyProgram());
    const bestOf = (list) => list.reduce((a, b) => (b.cpu < a.cpu ? b : a));
    const rows = Object.entries(runs).flatMap(([what, by]) =>
        Object.keys(names)
            .filter((name) => by[name])
            .map((name) => {
                const it = bestOf(by[name]);
                const ssh_ = bestOf(by.ssh);
                return [
                    what,
                    names[name],
                    by[name].length,
                    it.controller,
                    it.hosts,
                    it.cpu,
                    it.wall,
                    name === "ssh" ? "1" : ratio(it.cpu, ssh_.cpu),
                    name === "ssh" ? "1" : ratio(it.wall, ssh_.wall),
                ];
            }),
    );
    const against = (what) => ratio(bestOf(runs[what].ours).cpu, bestOf(runs[what].ssh).cpu);
    const goals = [
        ["nothing to do", "no-op `up --refresh`", 2],
        ["first converge", "first converge", 1.5],
    ].map(([what, title, goal]) => ({
        what: `${title}: CPU of controller and hosts against plain SSH`,
        value: `${against(what)} ×`,
        goal: `≤ ${goal} ×`,
        met: against(what) <= goal,
    }));
    goals.push({
        what: "one flag of ZooKeeper: the same (no goal)",
        value: `${against("one flag of ZooKeeper")} ×`,
        goal: "–",
        met: undefined,
    });
    return {
        data: { runs, idle },
        tables: [
            {
                title: "Six hosts: 3 × ZooKeeper and master, 3 agents (best by CPU; ratios against plain SSH)",
                head: ["what", "by", "runs", "controller CPU s", "hosts' CPU s", "sum", "wall s", "CPU ×", "wall ×"],
                rows,
            },
        ],
        goals,
        notes: [
            `Hosts' CPU is counted until the site is healthy and ${REST_SEC} s more, so it holds what six idle hosts with their services use: ${round(idle, 3)} CPU s a second.`,
            "Ours waits for health itself and says so; after the other two it is looked for from outside, uncounted, so their wall ends before the site serves.",
            "All three put the same texts, packages and units on the hosts. Plain SSH restarts ZooKeeper's members one by one in the order of their names and looks at the restarted member only.",
        ],
    };
}
