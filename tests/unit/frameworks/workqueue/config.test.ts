/** The configuration, the task that is made of it, and that no secret is seen. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BadConfiguration } from "../../../../frameworks/service/config";
import { readDigest } from "../../../../frameworks/service/secrets";
import {
    type Config,
    projectPattern,
    readConfig,
    roleOfProject,
    rolesOf,
} from "../../../../frameworks/workqueue/config";
import { readPassword } from "../../../../frameworks/workqueue/main";
import { exactly, lifeOf, taskOf, workerArguments } from "../../../../frameworks/workqueue/task";

const LEAST = {
    masters: "zk://m1:2181,m2:2181/mesos",
    zookeeper: "zk://m1:2181/workqueue",
    user: "wq",
    catalogs: ["catalog:9097"],
    sizes: [{ name: "small", memMiB: 1000, diskMiB: 500 }],
};

const read = (more: object = {}): Config => readConfig(JSON.stringify({ ...LEAST, ...more }));

function faults(text: string): readonly string[] {
    try {
        readConfig(text);
        return [];
    } catch (error) {
        expect(error).toBeInstanceOf(BadConfiguration);
        return (error as BadConfiguration).faults;
    }
}

test("the least that is wanted, and its defaults", () => {
    const config = read();
    expect(config).toMatchObject({
        role: "workqueue",
        projects: ".*",
        pollSec: 1,
        idleSec: 30,
        failoverTimeoutSec: 86_400,
        avoid: { failures: 3, earlySec: 60, avoidSec: 600 },
        http: { bind: "0.0.0.0", port: 9099 },
        sizes: [{ name: "small", cores: 1, cpus: 1, gpus: 0 }],
    });
});

test("YAML is read too", () => {
    expect(
        readConfig(
            "masters: [m1:5050]\nzookeeper: zk://m1/wq\nuser: wq\ncatalogs: [c:9097]\nsizes:\n  - { name: s, cores: 2, cpus: 0.5, memMiB: 1, diskMiB: 1 }\n",
        ).sizes[0],
    ).toMatchObject({ cores: 2, cpus: 0.5 });
});

test("all faults at once, each with its place", () => {
    const bad = {
        ...LEAST,
        masters: "zk://user:secret@m1:2181/mesos",
        user: undefined,
        catalogs: ["catalog"],
        projects: "alirelval_(",
        role: "*",
        sizes: [{ name: "a b", memMiB: 0, diskMiB: 1 }],
        idleSecs: 3,
    };
    const found = faults(JSON.stringify(bad));
    expect(found.map((line) => line.split(":")[0])).toEqual([
        "masters",
        "role",
        "user",
        "catalogs[0]",
        "projects",
        "sizes[0].name",
        "sizes[0].memMiB",
        "(all of it)",
    ]);
    expect(found.join()).not.toContain("secret");
});

test.each<[string, object, RegExp]>([
    ["a principal without a secret", { principal: "p" }, /^secretFile: /],
    ["a secret twice", { principal: "p", secretFile: "/s", secretEnv: "S" }, /^secretFile: /],
    ["a secret of nobody", { secretFile: "/s" }, /^principal: /],
    ["a size twice", { sizes: [...LEAST.sizes, ...LEAST.sizes] }, /^sizes\[1\]\.name: "small" is there twice/],
    ["a role for everybody", { roles: { "*": "x" } }, /^roles\.\*: /],
    ["a role without a pattern", { roles: { mc: "(" } }, /^roles\.mc: no regular expression/],
    ["a life of no length", { lifeSec: 0 }, /^lifeSec: /],
    ["a secret in the environment", { environment: { DB_PASSWORD: "x" } }, /^environment\.DB_PASSWORD: /],
    ["an argument of the framework's", { arguments: ["--cores=3"] }, /^arguments\[0\]: /],
    [
        "a secret for Docker's containerizer",
        { passwordFile: "/p", container: { image: "i" } },
        /^passwordFileOnAgents: /,
    ],
    ["a password on agents only", { passwordFileOnAgents: "/p" }, /^passwordFile: /],
])("%s", (_name, more, pattern) => {
    const found = faults(JSON.stringify({ ...LEAST, ...more }));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(pattern);
});

test.each(["", "[", "7", "null"])("%j is no configuration", (text) => expect(faults(text).length).toBeGreaterThan(0));

test("projects match as a whole", () => {
    const pattern = projectPattern({ projects: "alirelval_.*|mc" });
    expect(["alirelval_x", "mc", "mcx", "xmc"].map((name) => pattern.test(name))).toEqual([true, true, false, false]);
});

test("a project runs under the first role whose pattern is its whole name, the others under the framework's own", () => {
    const config = read({ role: "wq", roles: { mc: "production-.*", fast: "production-fast|relval", wq: "x" } });
    expect(rolesOf(config)).toEqual(["wq", "mc", "fast"]);
    expect(["production-fast", "relval", "relval2", "production"].map(roleOfProject(config))).toEqual([
        "mc",
        "fast",
        "wq",
        "wq",
    ]);
});

test("workers live nearly as long as they may, and not all equally long", () => {
    const lives = Array.from({ length: 200 }, (_, index) => lifeOf(`small.${index}.p`, 1000));
    expect(Math.max(...lives)).toBeLessThanOrEqual(1000);
    expect(Math.min(...lives)).toBeGreaterThanOrEqual(800);
    expect(new Set(lives).size).toBeGreaterThan(50);
    expect(lifeOf("a", 1)).toBe(1);
});

test("a worker is for exactly its project", () => {
    expect(exactly("a.b+c")).toBe("^a\\.b\\+c$");
    expect(workerArguments("p", read().sizes[0] as never, read())).toEqual([
        ..."work_queue_worker --single-shot -t 30 -C catalog:9097 -M ^p$ --cores 1 --memory 1000 --disk 500 --gpus 0".split(
            " ",
        ),
    ]);
});

describe("the task", () => {
    const make = (more: object = {}, password?: string): ReturnType<typeof taskOf> => {
        const config = read(more);
        const size = config.sizes[0];
        if (size === undefined) throw new Error("no size");
        return taskOf({ id: "small.1.p", project: "p", size, agentId: "agent-1", resources: [] }, config, password);
    };
    test("runs as the user, with the environment, in its sandbox", () => {
        const task = make({ environment: { LANG: "C" } });
        expect(task.command).toMatchObject({
            shell: false,
            user: "wq",
            environment: { variables: [{ name: "LANG", value: "C" }] },
        });
        expect(task.container).toBeUndefined();
    });
    test("a password is a secret of Mesos, and in no argument", () => {
        const task = make({ passwordFile: "/etc/pw" }, "tops3cret\n");
        expect(JSON.stringify(task)).not.toContain("tops3cret");
        expect(task.command?.environment?.variables).toEqual([
            {
                name: "WORK_QUEUE_PASSWORD",
                type: "SECRET",
                secret: { type: "VALUE", value: { data: Buffer.from("tops3cret\n").toString("base64") } },
            },
        ]);
        expect(task.command?.arguments).toEqual(expect.arrayContaining(["-P", ".work-queue-password"]));
    });
    test("a password that is on the agents already is not sent", () => {
        const task = make(
            { passwordFile: "/etc/pw", passwordFileOnAgents: "/etc/wq/pw", container: { image: "i" } },
            "tops3cret",
        );
        expect(task.command?.environment?.variables).toEqual([]);
        expect(task.container).toMatchObject({ volumes: [{ host_path: "/etc/wq/pw", mode: "RO" }] });
    });
    test.each([
        ["a worker that met its manager", "echo connected to manager m:9123 via local address h:1", 0],
        ["one that never did", "echo using workspace", 75],
        ["one that failed by itself", "echo connected to manager m:1; exit 3", 3],
        ["one that failed before", "exit 127", 127],
    ])("%s ends as it should", (_what, body, expected) => {
        const dir = mkdtempSync(join(tmpdir(), "worker-"));
        try {
            const worker = join(dir, "worker");
            writeFileSync(worker, `#!/bin/sh\n${body}\n`);
            chmodSync(worker, 0o755);
            const { command } = make({ worker });
            const [, ...args] = command?.arguments ?? [];
            const { status } = spawnSync(command?.value ?? "", args, { env: { ...process.env, MESOS_SANDBOX: dir } });
            expect(status).toBe(expected);
        } finally {
            rmSync(dir, { recursive: true });
        }
    });
    test("a worker that is told to end is told so, and waited for", () => {
        const dir = mkdtempSync(join(tmpdir(), "worker-"));
        try {
            const worker = join(dir, "worker");
            const body = "trap 'echo bye >said; exit 9' TERM\necho connected to manager m:1\nsleep 20 & wait";
            writeFileSync(worker, `#!/bin/sh\n${body}\n`);
            chmodSync(worker, 0o755);
            const { command } = make({ worker });
            const script = `"$@" & p=$!; while ! grep -q connected worker.log 2>/dev/null; do sleep 0.05; done; kill $p; wait $p; s=$?; cat said; exit $s`;
            const args = ["-c", script, "outer", command?.value ?? "", ...(command?.arguments ?? []).slice(1)];
            const { status, stdout } = spawnSync("/bin/sh", args, {
                cwd: dir,
                env: { ...process.env, MESOS_SANDBOX: dir },
            });
            expect([status, stdout.toString().split("\n").at(-2)]).toEqual([9, "bye"]);
        } finally {
            rmSync(dir, { recursive: true });
        }
    });
    /** A worker that runs tasks of so many seconds, one after the other; and how they all end. */
    const live = (
        lifeSec: number | undefined,
        tasks: string,
    ): { status: number | null; said: string[]; sec: number } => {
        const dir = mkdtempSync(join(tmpdir(), "worker-"));
        try {
            const worker = join(dir, "worker");
            const body = `trap 'echo told >>said; kill $task; exit 0' TERM
echo connected to manager m:1
for sec in ${tasks}; do sleep $sec & task=$!; wait $task; echo done $sec >>said; done`;
            writeFileSync(worker, `#!/bin/sh\n${body}\n`);
            chmodSync(worker, 0o755);
            const { command } = make({ worker, ...(lifeSec !== undefined && { lifeSec }) });
            const [, ...args] = command?.arguments ?? [];
            const began = Date.now();
            const { status } = spawnSync(command?.value ?? "", args, { env: { ...process.env, MESOS_SANDBOX: dir } });
            const said = readFileSync(join(dir, "said"), "utf8").trim().split("\n");
            return { status, said, sec: (Date.now() - began) / 1000 };
        } finally {
            rmSync(dir, { recursive: true });
        }
    };
    test("a worker whose life is over does what it has begun, and leaves with the next task just begun", () => {
        const { status, said, sec } = live(1, "3.5 30");
        expect([status, said]).toEqual([0, ["done 3.5", "told"]]);
        expect(sec).toBeLessThan(15);
    });
    test("one without a limit stays as long as there is work, and one that ends before waits for nothing", () => {
        expect(live(undefined, "1 1")).toMatchObject({ status: 0, said: ["done 1", "done 1"] });
        const { status, said, sec } = live(600, "0.1");
        expect([status, said]).toEqual([0, ["done 0.1"]]);
        expect(sec).toBeLessThan(15);
    });
    test("images and volumes, for either containerizer", () => {
        const volumes = [{ host: "/cvmfs" }, { host: "/scratch", container: "/data", readOnly: false }];
        expect(make({ volumes, container: { image: "alisw/slc9-builder", privileged: true } }).container).toEqual({
            type: "DOCKER",
            docker: { image: "alisw/slc9-builder", privileged: true, network: "HOST" },
            volumes: [
                { host_path: "/cvmfs", container_path: "/cvmfs", mode: "RO" },
                { host_path: "/scratch", container_path: "/data", mode: "RW" },
            ],
        });
        expect(make({ container: { image: "i", containerizer: "mesos" } }).container).toEqual({
            type: "MESOS",
            volumes: [],
            mesos: { image: { type: "DOCKER", docker: { name: "i" } } },
        });
        expect(make({ volumes: [{ host: "/cvmfs" }] }).container).toMatchObject({ type: "MESOS" });
    });
});

test("secrets come from files that nobody else may read", () => {
    const dir = mkdtempSync(join(tmpdir(), "wq-"));
    try {
        const file = (text: string, mode: number): string => {
            const path = join(dir, String(Math.random()));
            writeFileSync(path, text, { mode });
            return path;
        };
        // A newline at the end is part of a Work Queue password.
        expect(readPassword(file("word\n", 0o600))).toBe("word\n");
        expect(() => readPassword(file("word", 0o644))).toThrow(/chmod 600/);
        expect(() => readPassword(file("\n", 0o600))).toThrow(/is empty/);
        expect(readDigest(file("wq:pa:ss\n", 0o600))).toEqual({ user: "wq", password: "pa:ss" });
        expect(() => readDigest(file("wq", 0o600))).toThrow(/no user:password/);
    } finally {
        rmSync(dir, { recursive: true });
    }
});
