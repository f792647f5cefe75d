// Apps on a Marathon: a hundred deployed for the first time, read, and one changed, beside a script that sends the same requests
// at once and waits for the same; a thousand against a hundred. A lab of its own, as for the part `lab`.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { addressOf } from "../lab/settings.mjs";
import { checkpointEnv } from "../toolchain/pulumi.mjs";
import { down, ssh } from "../lab/hosts.mjs";
import { freshHosts, seed, settings, stackText, UP } from "./lab.mjs";
import { best, engine, measure, note, project, ratio, round, scratch } from "./lib.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const PORT = 8180;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 2);
const READS = Number(process.env.BENCH_READS ?? 5);
/** Fewer only to see that it works: what is measured of few says nothing of many. */
const APPS = Number(process.env.BENCH_APPS ?? 100);
const MANY = 10 * APPS;
const host = (number) => `${settings.prefix}${number}`;

/** The lab's site with Marathon's stand-in. */
function siteText() {
    const { config } = parse(stackText(10));
    config["pulumi-mesos:site"].marathon = {
        members: [host(1), host(2)],
        package: { name: "marathon-stand-in" },
        program: "/usr/bin/marathon-stand-in",
        port: PORT,
    };
    return stringify({ config });
}

/** A stack of apps alone: all else is there already. */
const appsText = () =>
    stringify({
        config: {
            "pulumi-mesos:site": {
                cluster: "apps",
                distribution: { kind: "installed" },
                zookeeper: { existing: { servers: [1, 2, 3].map((n) => `${addressOf(settings, host(n))}:2181`) } },
                masters: {
                    existing: {
                        addresses: Object.fromEntries([1, 2, 3].map((n) => [host(n), addressOf(settings, host(n))])),
                    },
                },
                marathon: {
                    existing: {
                        urls: [1, 2].map((n) => `http://${addressOf(settings, host(n))}:${PORT}`),
                        user: "marathon",
                        passwordSecret: "marathon-password",
                    },
                },
                apps: ["apps"],
            },
        },
    });

const many = (count, more) =>
    Array.from({ length: count }, (_, index) => ({
        id: `/bench/a${index}`,
        cmd: "exec sleep 3600",
        cpus: 0.005,
        mem: 4,
        user: "nobody",
        ...more,
    }));

async function ourStack(password) {
    const p = await project("apps", { apps: appsText() });
    const { pulumi } = await engine();
    for (const [name, value] of Object.entries({
        "marathon-password": password,
        // Asked for, and not used: nothing of this stack is on hosts.
        "zookeeper-digest": "unused",
        "principal-operator": "unused",
        "principal-agent": "unused",
    }))
        execFileSync(pulumi, ["config", "set", "-s", "apps", "--secret", name], {
            cwd: p.dir,
            env: p.env,
            input: value,
        });
    const folder = join(p.dir, "apps");
    const go = async (args, changes) => {
        const result = await p.run(args, { timeoutSec: 1200, more: checkpointEnv(args, p.dir) });
        if (!changes.test(result.output)) throw new Error(`not what was to be done:\n${result.output.slice(-3000)}`);
        return result;
    };
    return {
        declare(apps) {
            rmSync(folder, { recursive: true, force: true });
            mkdirSync(folder);
            apps.forEach((app, index) => writeFileSync(join(folder, `a${index}.json`), JSON.stringify(app)));
        },
        // As toolchain/pulumi.mjs starts it.
        up: (changes) => go(["up", "-s", "apps", ...UP.slice(3)], changes),
        read: async () => {
            const result = await p.preview("apps", ["--refresh", "--expect-no-changes"]);
            return result;
        },
    };
}

function floorOf(password) {
    const dir = scratch("floor");
    const file = join(dir, "apps.json");
    const env = {
        ...process.env,
        MARATHON_URL: `http://${addressOf(settings, host(1))}:${PORT}`,
        MARATHON_LOGIN: `marathon:${password}`,
    };
    return (verb, apps) => {
        writeFileSync(file, JSON.stringify(apps));
        return measure(process.execPath, [join(here, "appsFloor.mjs"), verb, file], { env });
    };
}

async function measureAll(password) {
    const ours = await ourStack(password);
    const floor = floorOf(password);
    const empty = await project("empty", { apps: "config: {}\n" }, { main: 'require("@pulumi/pulumi");\n' });
    const runs = {};
    const keep = (what, result) => {
        (runs[what] ??= []).push({ wall: result.wall, cpu: result.cpu });
        note(`apps: ${what}: wall ${result.wall} s, CPU ${result.cpu} s`);
        return result;
    };
    const hundred = many(APPS);
    const changed = [{ ...hundred[0], cmd: "exec sleep 3601" }, ...hundred.slice(1)];
    // What is not an app is there before anything is measured.
    ours.declare([]);
    await ours.up(/created/);
    for (let i = 0; i < ROUNDS; i++) {
        keep(`floor: ${APPS} apps deployed`, await floor("put", hundred));
        keep("floor: one of them changed", await floor("put", changed.slice(0, 1)));
        await floor("delete", hundred);
        ours.declare(hundred);
        keep(`ours: ${APPS} apps deployed`, await ours.up(new RegExp(`${APPS} created`)));
        ours.declare(changed);
        keep("ours: one of them changed", await ours.up(/1 updated/));
        if (i === 0) {
            keep("an empty preview", await best(READS, () => empty.preview("apps")));
            keep(`ours: ${APPS} apps read, nothing to do`, await best(READS, ours.read));
        }
        ours.declare([]);
        await ours.up(new RegExp(`${APPS} deleted`));
    }
    // A thousand executors do not fit on this machine: apps without instances cost client and server the same requests.
    for (const count of [APPS, MANY]) {
        const idle = many(count, { instances: 0 });
        keep(`floor: ${count} apps of no instance deployed`, await floor("put", idle));
        await floor("delete", idle);
        ours.declare(idle);
        keep(`ours: ${count} apps of no instance deployed`, await ours.up(new RegExp(`${count} created`)));
        keep(`ours: ${count} apps of no instance read`, await best(3, ours.read));
        ours.declare([]);
        await ours.up(new RegExp(`${count} deleted`));
    }
    return runs;
}

export async function apps() {
    let runs;
    seed();
    try {
        await freshHosts();
        const site = await project("site", { lab: siteText() });
        await site.run(UP);
        const secrets = await ssh(host(1), "cat /etc/marathon/marathon-secrets.env", { settings });
        const password = /^MARATHON_HTTP_CREDENTIALS=marathon:(\w+)$/m.exec(secrets.stdout)[1];
        runs = await measureAll(password);
    } finally {
        await down({ disks: true, all: process.env.BENCH_KEEP === undefined, settings, log: () => undefined });
        if (process.env.BENCH_KEEP === undefined) rmSync(settings.dir, { recursive: true, force: true });
    }
    const wall = (what) => Math.min(...runs[what].map((run) => run.wall));
    const goal = (what, value, unit, most) => ({
        what,
        value: value === undefined ? "lost in noise" : `${value} ${unit}`,
        goal: most === undefined ? "–" : `≤ ${most} ${unit}`,
        met: most === undefined ? undefined : value !== undefined && value <= most,
    });
    const over = round(wall(`ours: ${APPS} apps read, nothing to do`) - wall("an empty preview"));
    // What the server itself needs for each change is the floor's.
    const perApp = (what, count) =>
        (wall(`ours: ${count} apps of no instance ${what}`) -
            wall("an empty preview") -
            (what === "deployed" ? wall(`floor: ${count} apps of no instance deployed`) : 0)) /
        count;
    // Where an empty preview took as long, the run was disturbed: no ratio of that is one.
    const more = (what) =>
        [MANY, APPS].every((count) => perApp(what, count) > 0)
            ? ratio(perApp(what, MANY), perApp(what, APPS))
            : undefined;
    return {
        data: { runs },
        goals: [
            goal(
                `${APPS} apps deployed for the first time: wall against the floor`,
                ratio(wall(`ours: ${APPS} apps deployed`), wall(`floor: ${APPS} apps deployed`)),
                "×",
                1.3,
            ),
            goal(`${APPS} apps read, nothing to do: wall over an empty preview`, over, "s", 2),
            goal(
                `one of ${APPS} apps changed: wall over the floor`,
                round(wall("ours: one of them changed") - wall("floor: one of them changed")),
                "s",
            ),
            goal(
                `an app of ${MANY} deployed against one of ${APPS}: wall above the empty preview's and the floor's`,
                more("deployed"),
                "×",
                1,
            ),
            goal(`an app of ${MANY} read against one of ${APPS}: wall above the empty preview's`, more("read"), "×", 1),
        ],
        tables: [
            {
                title: "Apps on the lab's stand-in for Marathon, on a real Mesos (best by wall)",
                head: ["what", "runs", "wall s", "CPU s of the client"],
                rows: Object.entries(runs).map(([what, all]) => [
                    what,
                    all.length,
                    wall(what),
                    Math.min(...all.map(({ cpu }) => cpu)),
                ]),
            },
        ],
        notes: [
            "The floor is a script of 50 lines (appsFloor.mjs): up to 90 requests at a time, then a look five times a second until no deployment is left and every task runs.",
            "`read` is `pulumi preview --refresh`: every app is read from the server and compared.",
        ],
    };
}
