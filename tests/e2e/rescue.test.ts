/** Disasters, each played on the lab: the masters lost, a quorum lost, Pulumi's state lost, everything lost. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentIds, ask, leadingMaster, operatorAuth } from "./support/endpoints";
import { addressOf, HOSTS, invocations, lab, on } from "./support/hosts";
import { copyDir } from "./support/places";
import { must, type Result, run } from "./support/processes";
import { allSecrets, secretsIn } from "./support/secrets";
import { restore } from "./support/site";
import { declare, forgetOutputs, markChanged, pulumi, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import { type S3, startS3 } from "../support/s3";

const [M1, M2, M3, ...AGENT_HOSTS] = HOSTS;
const MASTERS = [M1, M2, M3] as const;
const INSTANCES = 3;
/** Where everything is kept, by this machine and by the hosts. */
const BUCKET = "s3://backups/lab";
/** The same, as the store's files. */
const kept = (): string => join(s3.folder, "lab");

const at = (name: string): string => join(copyDir(), name);
const key = (): string => at("rescue.key");
const firstFile = (path: string): string => readdirSync(path).filter((name) => name.startsWith("lab-"))[0] ?? "";

let recipient = "";
let s3: S3;
/** The stack file as the site's repository has it: the bucket's key is in it. */
let committed = "";
let firstUpSec = 0;

/** The site with everything that must come back. */
function declareSite(): void {
    declare((site) => {
        const program = (name: string) => ({
            package: { name: `${name}-stand-in` },
            program: `/usr/bin/${name}-stand-in`,
        });
        Object.assign(site, {
            marathon: { members: [M1, M2], ...program("marathon"), port: 8180, timeoutSec: 120 },
            metronome: { members: [M3], ...program("metronome"), principal: "marathon", port: 9180 },
            apps: ["rescue-apps"],
            jobs: ["rescue-jobs"],
            quotas: { services: { limits: { cpus: 2 } } },
            weights: { services: 3 },
            backup: {
                recipients: [recipient],
                keep: 2,
                to: BUCKET,
                s3: { endpoint: s3.endpoint },
                timer: { at: ["02:30"], to: BUCKET },
            },
        });
    });
}

const rescue = (...args: string[]): Promise<Result> => {
    tell(`rescue ${args.join(" ")}`);
    const all = [join("bin", "rescue.js"), ...args, "--stack", "lab"];
    return run(process.execPath, all, { cwd: copyDir(), timeoutSec: 560 });
};

async function succeeds(...args: string[]): Promise<string> {
    const { code, text } = await rescue(...args);
    if (code !== 0) throw new Error(`rescue ${args.join(" ")}: exit status ${code}\n${text}`);
    return text;
}

async function refused(...args: string[]): Promise<string> {
    const { code, text } = await rescue(...args);
    expect([code, text]).toEqual([1, expect.any(String)]);
    return text;
}

/** Hosts as they come from the installer: same name and address, empty disk, another key. */
async function lose(...hosts: readonly string[]): Promise<void> {
    markChanged();
    forgetOutputs();
    for (const host of hosts) await lab("remove", host);
    await lab("up", String(HOSTS.length));
}

const forgetStack = (): Promise<Result> => pulumi(["stack", "rm", "--force", "--yes", "--preserve-config"]);

interface MesosState {
    readonly frameworks: readonly {
        readonly name: string;
        readonly id: string;
        /** One that came and went while its id was not kept yet stays known for its failover time-out. */
        readonly active: boolean;
        readonly tasks: readonly { readonly id: string; readonly state: string }[];
    }[];
}

/** Framework ids, running tasks, quotas and weights, as the leader has them. */
async function running(): Promise<{
    frameworks: Record<string, string>;
    tasks: string[];
    quotas: string;
    weights: string;
}> {
    const auth = await operatorAuth();
    const leader = (await leadingMaster()) ?? M1;
    const get = async (path: string): Promise<string> => (await ask(leader, 5050, path, { auth })).body;
    const { frameworks = [] } = JSON.parse((await get("/state")) || "{}") as Partial<MesosState>;
    const tasks = frameworks.flatMap((one) => one.tasks.filter(({ state }) => state === "TASK_RUNNING"));
    const names = tasks.map(({ id }) => id).filter((id) => id.startsWith("rescue_"));
    return {
        frameworks: Object.fromEntries(frameworks.filter(({ active }) => active).map(({ name, id }) => [name, id])),
        tasks: names.sort(),
        quotas: await get("/quota"),
        weights: await get("/weights"),
    };
}

interface Life {
    /** What each start of a task has noted in its sandbox. */
    readonly starts: string[];
    /** Process id and time of start of each that runs, as the host counts. */
    readonly alive: string[];
}

/** The lives of the app's tasks, by host. */
async function lives(): Promise<Record<string, Life>> {
    const place = "/var/lib/mesos/agent/slaves/*/frameworks/*/executors/*/runs/*/starts";
    const lines = (text: string): string[] => text.split("\n").filter(Boolean).sort();
    const found = await Promise.all(
        AGENT_HOSTS.map(async (host) => {
            const noted = await on(host, `for f in $(ls -d ${place} 2>/dev/null | grep -v /latest/); do cat $f; done`);
            const alive = await on(
                host,
                "for p in $(pgrep -u nobody -x sleep); do echo $p $(cut -d' ' -f22 /proc/$p/stat); done",
            );
            return [host, { starts: lines(noted), alive: lines(alive) }] as const;
        }),
    );
    return Object.fromEntries(found);
}

/** Each of the app's tasks has been started once and runs. */
function expectEachOnce(found: Record<string, Life>): void {
    expect(Object.values(found).flatMap(({ starts }) => starts)).toHaveLength(INSTANCES);
    expect(Object.values(found).flatMap(({ alive }) => alive)).toHaveLength(INSTANCES);
}

const untouched = async (host: string): Promise<void> =>
    expect((await on(host, "ls -d /var/lib/zookeeper /var/lib/mesos/master 2>/dev/null; true")).trim()).toBe("");

/** "altogether  98.2 s", of the table at the end. */
const took = (text: string): number => Number(/^altogether +([\d.]+) s$/m.exec(text)?.[1]);

async function setKey(): Promise<void> {
    for (const [name, value] of [
        ["backup-s3-access-key", s3.accessKey],
        ["backup-s3-secret-key", s3.secretKey],
    ] as const)
        await must(process.execPath, ["toolchain/pulumi.mjs", "config", "set", "-s", "lab", "--secret", name], {
            cwd: copyDir(),
            input: value,
        });
}

beforeAll(async () => {
    // The machine's own address on the hosts' bridge.
    s3 = await startS3("backups", addressOf(M1).replace(/\d+$/, "1"));
    await must("age-keygen", ["-o", key()]);
    recipient = /age1\w+/.exec(readFileSync(key(), "utf8"))?.[0] ?? "";
    mkdirSync(at("rescue-apps"), { recursive: true });
    mkdirSync(at("rescue-jobs"), { recursive: true });
    const app = {
        id: "/rescue/sleeper",
        cmd: "cat /proc/sys/kernel/random/uuid >>starts; exec sleep 86400",
        cpus: 0.1,
        mem: 32,
        instances: INSTANCES,
        user: "nobody",
    };
    writeFileSync(at("rescue-apps/sleeper.json"), JSON.stringify(app));
    const job = { id: "rescue-tick", run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" } };
    writeFileSync(at("rescue-jobs/tick.json"), JSON.stringify(job));
    await lose(...HOSTS);
    await forgetStack();
    declareSite();
    await must(process.execPath, ["toolchain/pulumi.mjs", "stack", "init", "lab", "--non-interactive"], {
        cwd: copyDir(),
    });
    await setKey();
    committed = readFileSync(at("Pulumi.lab.yaml"), "utf8");
    const began = Date.now();
    await up();
    firstUpSec = (Date.now() - began) / 1000;
    tell(`the first up took ${firstUpSec.toFixed(0)} s`);
}, 600_000);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    for (const name of ["rescue-apps", "rescue-jobs", "worse", "rescue.key"])
        rmSync(at(name), { recursive: true, force: true });
    await restore();
    await s3.stop();
}, 600_000);

test("a backup is checked by real servers, sealed, and refused where it is damaged, mixed, old or another cluster's", async () => {
    const told = await succeeds("backup");
    expect(told).toMatch(/zookeeper: copied and checked: \d+ nodes up to 0x\w+: .*\/marathon .*\/metronome/);
    expect(told).toMatch(/registry: copied and checked: 3 agents, quotas of 1 roles, weights of 1/);
    expect(await succeeds("inspect", "-i", key())).toMatch(/opens with the key/);

    const name = firstFile(kept());
    const secrets = await allSecrets();
    for (const file of readdirSync(join(kept(), name))) {
        expect(secretsIn(readFileSync(join(kept(), name, file), "latin1"), secrets)).toEqual([]);
    }
    /** A copy of the backup, made worse. */
    const worse = (change: (folder: string) => void): string[] => {
        rmSync(at("worse"), { recursive: true, force: true });
        cpSync(join(kept(), name), join(at("worse"), name), { recursive: true });
        change(join(at("worse"), name));
        return ["inspect", "-i", key(), "--from", at("worse"), "--backup", name];
    };
    const manifest =
        (change: (one: Record<string, unknown>) => void) =>
        (folder: string): void => {
            const path = join(folder, "manifest.json");
            const one = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
            change(one);
            writeFileSync(path, JSON.stringify(one));
        };
    const flip = (folder: string): void => {
        const data = readFileSync(join(folder, "zookeeper.age"));
        data.writeUInt8(data.readUInt8(data.length - 20) ^ 1, data.length - 20);
        writeFileSync(join(folder, "zookeeper.age"), data);
    };
    expect(await refused(...worse(flip))).toMatch(/zookeeper\.age is damaged/);
    expect(await refused(...worse(manifest((one) => (one["cluster"] = "other"))))).toMatch(/of the cluster other/);
    expect(await refused(...worse(manifest((one) => (one["time"] = "2020-01-01T00:00:00.000Z"))))).toMatch(/days old/);
    const mixed = manifest((one) => {
        const { zookeeper } = one["parts"] as Record<string, { facts: Record<string, unknown> }>;
        Object.assign(zookeeper?.facts ?? {}, { zxid: "0x1" });
    });
    expect(await refused(...worse(mixed))).toMatch(/another one than the manifest says/);
    await must("age-keygen", ["-o", at("other.key")]);
    expect(await refused("inspect", "-i", at("other.key"))).toMatch(/cannot be opened/);
    expect(await succeeds("restore", "-i", key(), "--check")).toMatch(/zookeeper: left alone.*registry: left alone/s);
});

test("each part is backed up by the host that leads it, once, and status tells its age", async () => {
    for (const host of MASTERS) {
        expect(await on(host, "systemctl show -P NextElapseUSecRealtime mesos-backup.timer")).toContain(" 02:30:00 ");
    }
    await Promise.all(MASTERS.map((host) => on(host, "systemctl start mesos-backup.service")));
    const names = readdirSync(kept()).filter((name) => /^lab-\d{8}T\d{6}Z-\w+$/.test(name));
    expect(names.map((name) => name.split("-").pop()).sort()).toEqual(["registry", "zookeeper"]);
    const secrets = await allSecrets();
    for (const name of names)
        for (const file of readdirSync(join(kept(), name)))
            expect(secretsIn(readFileSync(join(kept(), name, file), "latin1"), secrets)).toEqual([]);
    expect(await succeeds("inspect", "-i", key())).toMatch(/3 agents, quotas of 1 roles.*opens with the key/s);
    const { stdout } = await run(process.execPath, [join("bin", "status.js"), "-s", "lab", "--json"], {
        cwd: copyDir(),
    });
    const { backups, problems } = JSON.parse(stdout) as { backups: { ageHours: number }[]; problems: string[] };
    expect(backups.map(({ ageHours }) => Math.round(ageHours))).toEqual([0, 0]);
    expect(problems).toEqual([]);
});

test("all masters lost: tasks never notice, and everything has its old id", async () => {
    const [before, were, ids] = [await running(), await lives(), await agentIds()];
    expect(before.tasks).toHaveLength(INSTANCES);
    expectEachOnce(were);
    await lose(...MASTERS);
    const name = firstFile(at("worse"));
    expect(await refused("restore", "-i", key(), "--from", at("worse"), "--backup", name)).toMatch(/another one than/);
    for (const host of MASTERS) await untouched(host);
    // From what the hosts themselves have kept: it is the newest.
    const told = await succeeds("restore", "-i", key());
    for (const part of ["zookeeper", "registry"]) expect(told).toMatch(new RegExp(`lab-\\d{8}T\\d{6}Z-${part} of `));
    tell(told.slice(told.lastIndexOf("Pulumi's state ")));
    expect(await running()).toEqual(before);
    expect(await lives()).toEqual(were);
    expect(await agentIds()).toEqual(ids);
    await up("--refresh", "--expect-no-changes");
});

test("one of three left: a backup does not overrule it, and with its own data the site comes back", async () => {
    const [before, were, ids] = [await running(), await lives(), await agentIds()];
    await lose(M1, M2);
    expect(await refused("restore", "-i", key())).toMatch(new RegExp(`${M3} still holds data.*--survivor ${M3}`, "s"));
    for (const host of [M1, M2]) await untouched(host);
    const told = await succeeds("restore", "--survivor", M3);
    tell(told.slice(told.lastIndexOf("Pulumi's state ")));
    expect(await running()).toEqual(before);
    expect(await lives()).toEqual(were);
    expect(await agentIds()).toEqual(ids);
});

test("Pulumi's state lost: the secrets are read back from the hosts, and nothing restarts", async () => {
    const [before, were, services] = [await running(), await lives(), await invocations()];
    await forgetStack();
    forgetOutputs();
    const told = await succeeds("adopt");
    expect(secretsIn(told, { marathon: before.frameworks["marathon"] ?? "" })).toEqual([]);
    await up();
    expect(await invocations()).toEqual(services);
    expect(await running()).toEqual(before);
    expect(await lives()).toEqual(were);
    await up("--refresh", "--expect-no-changes");
});

test("everything lost: from the backup to the same site, nothing twice", async () => {
    const before = await running();
    await lose(...HOSTS);
    await forgetStack();
    writeFileSync(at("Pulumi.lab.yaml"), committed);
    const told = await succeeds("restore", "-i", key());
    tell(told.slice(told.lastIndexOf("Pulumi's state ")));
    // The goal: no more than a minute longer. Told, not asserted: a machine that others share is slower at one time than at another.
    tell(`everything lost: back in ${took(told).toFixed(0)} s; the first up took ${firstUpSec.toFixed(0)} s`);
    const after = await eventually("all tasks run", async () => {
        const now = await running();
        return now.tasks.length === INSTANCES ? now : undefined;
    });
    expect([after.frameworks, after.quotas, after.weights]).toEqual([before.frameworks, before.quotas, before.weights]);
    expectEachOnce(await lives());
    expect(took(told)).toBeGreaterThan(0);
});
