/** Marathon and Metronome by `pulumi up`, with the site's work on them: the lab's stand-ins, on real hosts and a real Mesos. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openSession } from "./support/endpoints";
import { addressOf, on } from "./support/hosts";
import { copyDir } from "./support/places";
import { restore } from "./support/site";
import { declare, outputs, preview, startUp, up } from "./support/stack";
import { eventually, tell } from "./support/steps";

const SERVERS = ["bm1", "bm2"] as const;
const PORT = 8180;

// The tests go on from each other: the site as it was comes back once, at the end.
beforeAll(restore);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(restore);

const folder = (name: string): string => join(copyDir(), name);
const write = (name: string, definition: unknown): void => {
    mkdirSync(join(folder(name), ".."), { recursive: true });
    writeFileSync(folder(name), JSON.stringify(definition));
};

afterAll(() => {
    for (const name of ["e2e-apps", "e2e-jobs"]) {
        rmSync(folder(name), { recursive: true, force: true });
    }
});

/** Serves its folder; healthy as soon as it does. */
const server = (cmd: string) => ({
    id: "/e2e/server",
    cmd,
    cpus: 0.1,
    mem: 64,
    instances: 2,
    user: "nobody",
    portDefinitions: [{ port: 0 }],
    healthChecks: [
        { protocol: "HTTP", path: "/", gracePeriodSeconds: 5, intervalSeconds: 1, maxConsecutiveFailures: 0 },
    ],
});
const GOOD = "exec python3 -m http.server $PORT0";

function declareServices(settings: Record<string, unknown> = {}): void {
    declare((site) => {
        Object.assign(site, {
            marathon: {
                members: [...SERVERS],
                package: { name: "marathon-stand-in" },
                program: "/usr/bin/marathon-stand-in",
                port: PORT,
                timeoutSec: 60,
                onFailure: "rollBack",
                settings,
            },
            metronome: {
                members: ["bm3"],
                package: { name: "metronome-stand-in" },
                program: "/usr/bin/metronome-stand-in",
                principal: "marathon",
                port: 9180,
            },
            apps: ["e2e-apps"],
            jobs: ["e2e-jobs"],
            quotas: { services: { limits: { cpus: 2 } } },
        });
    });
}

interface Task {
    readonly id: string;
    readonly appId: string;
    readonly state: string;
}

let password = "";

async function ask(
    path: string,
    method = "GET",
    server: string = SERVERS[0],
): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`http://${addressOf(server)}:${PORT}${path}`, {
        method,
        headers: {
            Accept: "application/json",
            ...(password !== "" && {
                Authorization: `Basic ${Buffer.from(`marathon:${password}`).toString("base64")}`,
            }),
        },
        signal: AbortSignal.timeout(10_000),
    });
    const text = await answer.text();
    return { status: answer.status, body: /^\s*[[{]/.test(text) ? JSON.parse(text) : text };
}

const tasks = async (): Promise<string[]> =>
    ((await ask("/v2/tasks")).body as { tasks: Task[] }).tasks
        .filter(({ state }) => state === "TASK_RUNNING")
        .map(({ id }) => id)
        .sort();

interface App {
    readonly cmd: string;
    readonly tasksHealthy: number;
    readonly tasksRunning: number;
    readonly deployments: readonly unknown[];
}

const healthyNow = async (): Promise<number> =>
    ((await ask("/v2/apps//e2e/server")).body as { app: App }).app.tasksHealthy;

async function generatedPassword(): Promise<string> {
    const text = await on("bm1", "cat /etc/marathon/marathon-secrets.env");
    return /^MARATHON_HTTP_CREDENTIALS=marathon:(\w+)$/m.exec(text)?.[1] ?? "";
}

test("one up installs them, in order, and runs what is declared on them", async () => {
    write("e2e-apps/server.json", server(GOOD));
    write("e2e-jobs/tick.json", {
        id: "e2e-tick",
        run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" },
        schedules: [{ id: "minutely", cron: "* * * * *" }],
    });
    declareServices();
    const told = await up();
    expect(told).toMatch(/bm[12]: (leads|stands by; bm[12] leads)/);
    expect((await ask("/v2/info")).status).toBe(401);
    password = await generatedPassword();
    expect(await tasks()).toHaveLength(2);
    await up("--refresh", "--expect-no-changes");
    await eventually(
        "the job has run by its schedule",
        async () => {
            const answer = await fetch(`http://${addressOf("bm3")}:9180/v1/jobs/e2e-tick?embed=history`);
            const { history } = (await answer.json()) as { history: { successCount: number } };
            return history.successCount > 0 ? true : undefined;
        },
        { timeoutSec: 90, everyMs: 2000 },
    );
});

test("their secrets stand in no process list and no file that others may read; nobody else opens their state", async () => {
    const { operator } = await outputs();
    for (const host of SERVERS) {
        const list = await on(host, "ps -eo args");
        expect(list).not.toContain(password);
        expect(list).not.toContain(operator.secret);
        const modes = await on(
            host,
            "stat -c '%a %U %n' /etc/marathon/marathon-secrets.env /etc/marathon/mesos-secret",
        );
        expect(modes.trim().split("\n")).toEqual([
            "600 root /etc/marathon/marathon-secrets.env",
            "600 marathon /etc/marathon/mesos-secret",
        ]);
    }
    const session = await openSession();
    try {
        await expect(session.children("/marathon/state")).rejects.toThrow();
    } finally {
        await session.close();
    }
});

test("a setting rolls the servers, the leader last, and no task notices", async () => {
    const before = await tasks();
    declareServices({ max_running_deployments: 50 });
    const shown = await preview();
    expect(shown).toContain("+ MARATHON_MAX_RUNNING_DEPLOYMENTS=50");
    expect(shown).toMatch(/bm1: restarts marathon\.service, tasks keep running/);
    await up();
    await eventually("the tasks are known again", async () => {
        const now = await tasks().catch(() => []);
        return now.join() === before.join() ? true : undefined;
    });
});

test("what is done to an app behind our back is shown and mended; a bad update is rolled back", async () => {
    declareServices({ max_running_deployments: 50 });
    await ask("/v2/apps//e2e/server", "DELETE");
    await eventually("it is gone", async () => ((await ask("/v2/apps//e2e/server")).status === 404 ? true : undefined));
    expect(await preview("--refresh")).toContain("e2e/server");
    await up("--refresh");
    expect(await tasks()).toHaveLength(2);

    write("e2e-apps/server.json", server("exec sleep 3600"));
    expect(await preview()).toMatch(/server.*restart/);
    const update = startUp();
    const counts: number[] = [];
    const watch = setInterval(() => void healthyNow().then((count) => counts.push(count)), 1000);
    const { code, text } = await update.ended.finally(() => clearInterval(watch));
    expect(code).not.toBe(0);
    expect(text).toMatch(/rolled back/i);
    expect(text).toMatch(/0 of 2 healthy|2 of 2 healthy, [34] running/);
    await eventually("the old definition serves alone", async () => {
        const { app } = (await ask("/v2/apps//e2e/server")).body as { app: App };
        return app.cmd === GOOD && app.tasksHealthy === 2 && app.tasksRunning === 2 && app.deployments.length === 0
            ? true
            : undefined;
    });
    // The new one never took the old one's place.
    expect(counts.length).toBeGreaterThan(20);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
});

test("taken out of the stack file they end with their framework and their state, and can come again", async () => {
    declare();
    const told = await up("--refresh");
    expect(told).toMatch(/bm\d: framework \S+ is ended/);
    expect(told).toMatch(/its state in ZooKeeper, \/marathon, is removed/);
    const session = await openSession();
    try {
        expect(await session.exists("/marathon")).toBe(false);
    } finally {
        await session.close();
    }
    expect(
        (await on("bm1", "ls /etc/marathon 2>/dev/null; systemctl cat marathon.service 2>/dev/null; true")).trim(),
    ).toBe("");
});
