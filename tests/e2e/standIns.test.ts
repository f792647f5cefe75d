/** The lab's stand-ins for Marathon and Metronome on real hosts: installed from the lab's repository, run on the site's Mesos. */
import { openSession } from "./support/endpoints";
import { addressOf, on, QUORUM } from "./support/hosts";
import { onTheLab } from "./support/site";
import { outputs } from "./support/stack";
import { eventually } from "./support/steps";

const PRINCIPAL = "marathon";
const ROLE = "services";
const ROOTS = { marathon: "/e2e-marathon", metronome: "/e2e-metronome" };
const [FIRST, SECOND] = QUORUM;
const PORTS: Readonly<Record<string, number>> = { [FIRST]: 8181, [SECOND]: 8182 };
const METRONOME_PORT = 9191;

onTheLab();

const ensemble = (): string => QUORUM.map((host) => `${addressOf(host)}:2181`).join(",");

function unit(name: string, env: Readonly<Record<string, string | number>>): string {
    const settings = Object.entries(env).map(([key, value]) => `--setenv=${key}=${value}`);
    return `systemctl reset-failed ${name} 2>/dev/null; systemd-run -q --unit=${name} -p Restart=always -p RestartSec=1 ${settings.join(" ")} /usr/bin/${name.replace(/-\d+$/, "")}`;
}

async function install(host: string, secret: string): Promise<void> {
    await on(host, "apt-get -qq update && apt-get -qq install -y marathon-stand-in metronome-stand-in >/dev/null");
    // By standard input: it stands in no process list.
    await on(host, "umask 077; cat >/root/e2e-secret", `${secret}\n`);
}

const startMarathon = (host: string): Promise<string> =>
    on(
        host,
        unit(`marathon-stand-in-${PORTS[host] ?? 0}`, {
            MARATHON_MASTER: `zk://${ensemble()}/mesos`,
            MARATHON_ZK: `zk://${ensemble()}${ROOTS.marathon}`,
            MARATHON_HOSTNAME: addressOf(host),
            MARATHON_HTTP_PORT: PORTS[host] ?? 0,
            MARATHON_FRAMEWORK_NAME: "e2e-marathon",
            MARATHON_MESOS_ROLE: ROLE,
            MARATHON_MESOS_AUTHENTICATION_PRINCIPAL: PRINCIPAL,
            MARATHON_MESOS_AUTHENTICATION_SECRET_FILE: "/root/e2e-secret",
        }),
    );

const stop = (host: string): Promise<string> =>
    on(host, "systemctl stop 'marathon-stand-in-*' metronome-stand-in 2>/dev/null; rm -f /root/e2e-secret; true");

interface Answer {
    readonly status: number;
    readonly body: unknown;
    readonly headers: Headers;
}

async function ask(base: string, path: string, method = "GET", body?: unknown): Promise<Answer> {
    const answer = await fetch(`http://${base}${path}`, {
        method,
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        signal: AbortSignal.timeout(20_000),
        redirect: "manual",
        ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: /^\s*[[{]/.test(text) ? JSON.parse(text) : text, headers: answer.headers };
}

const base = (host: string): string => `${addressOf(host)}:${PORTS[host] ?? 0}`;

interface App {
    readonly tasksRunning: number;
    readonly tasksHealthy: number;
    readonly version: string;
    readonly deployments: readonly unknown[];
    readonly tasks: readonly { readonly id: string; readonly host: string; readonly ports: readonly number[] }[];
}

async function app(id: string, host: string = FIRST): Promise<App | undefined> {
    const { status, body } = await ask(base(host), `/v2/apps${id}`).catch(() => ({ status: 0, body: {} }));
    return status === 200 ? (body as { app: App }).app : undefined;
}

const settled = (id: string, instances: number, healthy = 0): Promise<App> =>
    eventually(
        `${id} has ${instances} tasks`,
        async () => {
            const now = await app(id);
            const there =
                now?.deployments.length === 0 && now.tasksRunning === instances && now.tasks.length === instances;
            return there && now.tasksHealthy >= healthy ? now : undefined;
        },
        { timeoutSec: 120 },
    );

beforeAll(async () => {
    const { frameworks } = await outputs();
    await Promise.all([FIRST, SECOND].map(stop));
    for (const host of [FIRST, SECOND]) {
        await install(host, frameworks[PRINCIPAL]?.secret ?? "");
        await startMarathon(host);
    }
    await eventually("a leader", async () =>
        (await ask(base(FIRST), "/v2/leader").catch(() => undefined))?.status === 200 ? true : undefined,
    );
});

afterAll(async () => {
    await ask(base(FIRST), "/v2/groups", "DELETE").catch(() => undefined);
    await eventually("no task is left", async () => {
        const { body } = await ask(base(FIRST), "/v2/deployments");
        return (body as unknown[]).length === 0 ? true : undefined;
    }).catch(() => undefined);
    await Promise.all([FIRST, SECOND].map(stop));
    const session = await openSession();
    const remove = async (path: string): Promise<void> => {
        const children = await session.children(path).catch(() => []);
        await Promise.all(children.map((name) => remove(`${path}/${name}`)));
        await session.remove(path).catch(() => undefined);
    };
    await remove(ROOTS.marathon);
    await remove(ROOTS.metronome);
    await session.close();
});

test("a service runs, is checked, is updated while it serves, and is scaled", async () => {
    const web = {
        id: "/web",
        cmd: "echo $V >index.html; exec python3 -m http.server $PORT0",
        cpus: 0.1,
        mem: 32,
        instances: 2,
        env: { V: "1" },
        healthChecks: [
            {
                protocol: "HTTP",
                path: "/",
                portIndex: 0,
                intervalSeconds: 1,
                timeoutSeconds: 2,
                gracePeriodSeconds: 30,
            },
        ],
    };
    expect((await ask(base(FIRST), "/v2/apps", "POST", web)).status).toBe(201);
    const before = await settled("/web", 2, 2);
    const fewest = { running: 2 };
    const watching = setInterval(() => {
        void app("/web").then((now) => (fewest.running = Math.min(fewest.running, now?.tasksHealthy ?? 2)));
    }, 200);
    const update = await ask(base(SECOND), "/v2/apps/web?partialUpdate=false", "PUT", { ...web, env: { V: "2" } });
    expect(update.status).toBe(200);
    const locked = await ask(base(FIRST), "/v2/apps/web", "PUT", { env: { V: "3" } });
    expect([locked.status, (locked.body as { deployments?: unknown[] }).deployments]).toEqual([
        409,
        [{ id: update.headers.get("Marathon-Deployment-Id") }],
    ]);
    const after = await settled("/web", 2, 2);
    clearInterval(watching);
    expect(after.tasks.map(({ id }) => id)).not.toEqual(expect.arrayContaining(before.tasks.map(({ id }) => id)));
    expect(fewest.running).toBe(2);
    await ask(base(FIRST), "/v2/apps/web", "PUT", { instances: 1 });
    const scaled = await settled("/web", 1, 1);
    expect(after.tasks.map(({ id }) => id)).toContain(scaled.tasks[0]?.id);
    expect((await ask(base(FIRST), "/v2/apps/web", "DELETE")).status).toBe(200);
});

test("instances that must not share a host do not", async () => {
    const spread = {
        id: "/spread",
        cmd: "sleep 600",
        cpus: 0.1,
        mem: 32,
        instances: 2,
        constraints: [["hostname", "UNIQUE"]],
    };
    await ask(base(FIRST), "/v2/apps", "POST", spread);
    const { tasks } = await settled("/spread", 2);
    expect(new Set(tasks.map(({ host }) => host)).size).toBe(2);
    await ask(base(FIRST), "/v2/apps/spread", "DELETE");
});

test("what fits nowhere says why, and a rollback takes it away", async () => {
    const { headers } = await ask(base(FIRST), "/v2/apps", "POST", { id: "/big", cmd: "sleep 600", cpus: 32, mem: 32 });
    const id = headers.get("Marathon-Deployment-Id") ?? "";
    const reasons = await eventually("reasons", async () => {
        const { queue } = (await ask(base(FIRST), "/v2/queue")).body as {
            queue: { processedOffersSummary: { rejectSummaryLastOffers: { reason: string; declined: number }[] } }[];
        };
        const declined = queue[0]?.processedOffersSummary.rejectSummaryLastOffers.filter((one) => one.declined > 0);
        return declined !== undefined && declined.length > 0 ? declined.map(({ reason }) => reason) : undefined;
    });
    expect(reasons).toEqual(["InsufficientCpus"]);
    expect((await ask(base(FIRST), `/v2/deployments/${id}`, "DELETE")).status).toBe(200);
    expect(await app("/big")).toBeUndefined();
});

test("a pod runs as a group of tasks", async () => {
    const container = (name: string): object => ({
        name,
        resources: { cpus: 0.1, mem: 32 },
        exec: { command: { shell: "sleep 600" } },
    });
    expect(
        (await ask(base(FIRST), "/v2/pods", "POST", { id: "/duo", containers: [container("a"), container("b")] }))
            .status,
    ).toBe(201);
    const status = await eventually("the pod is stable", async () => {
        const body = (await ask(base(FIRST), "/v2/pods/duo::status")).body as {
            status: string;
            instances: { containers: { status: string }[] }[];
        };
        return body.status === "STABLE" ? body : undefined;
    });
    expect(status.instances.map(({ containers }) => containers.map((one) => one.status))).toEqual([
        ["TASK_RUNNING", "TASK_RUNNING"],
    ]);
    expect((await ask(base(FIRST), "/v2/pods/duo", "DELETE")).status).toBe(202);
});

test("the leader is killed: the other one leads with the same tasks", async () => {
    await ask(base(FIRST), "/v2/apps", "POST", { id: "/lasting", cmd: "sleep 600", cpus: 0.1, mem: 32 });
    const before = await settled("/lasting", 1);
    const { leader } = (await ask(base(FIRST), "/v2/leader")).body as { leader: string };
    const old = leader === base(FIRST) ? FIRST : SECOND;
    const other = old === FIRST ? SECOND : FIRST;
    const follower = await ask(base(other), "/v2/leader");
    expect([follower.headers.get("X-Marathon-Via"), follower.headers.get("X-Marathon-Leader")]).toEqual([
        `1.1 ${base(other)}`,
        `http://${leader}`,
    ]);
    await on(old, `systemctl kill -s KILL marathon-stand-in-${PORTS[old] ?? 0}`);
    await eventually("another leader", async () => {
        const answer = await ask(base(other), "/v2/leader").catch(() => undefined);
        return (answer?.body as { leader?: string } | undefined)?.leader === base(other) ? true : undefined;
    });
    const after = await settled("/lasting", 1);
    expect(after.tasks.map(({ id }) => id)).toEqual(before.tasks.map(({ id }) => id));
    await ask(base(other), "/v2/apps/lasting", "DELETE");
});

test("a job runs, on demand and by its schedule, and its history tells", async () => {
    await on(
        FIRST,
        unit("metronome-stand-in", {
            METRONOME_MESOS_MASTER_URL: `zk://${ensemble()}/mesos`,
            METRONOME_ZK_URL: `zk://${ensemble()}${ROOTS.metronome}`,
            METRONOME_HOSTNAME: addressOf(FIRST),
            METRONOME_PLAY_SERVER_HTTP_PORT: METRONOME_PORT,
            METRONOME_FRAMEWORK_NAME: "e2e-metronome",
            METRONOME_MESOS_ROLE: ROLE,
            METRONOME_MESOS_AUTHENTICATION_PRINCIPAL: PRINCIPAL,
            METRONOME_MESOS_AUTHENTICATION_SECRET_FILE: "/root/e2e-secret",
        }),
    );
    const at = `${addressOf(FIRST)}:${METRONOME_PORT}`;
    await eventually("metronome answers", async () =>
        (await ask(at, "/v1/jobs").catch(() => undefined))?.status === 200 ? true : undefined,
    );
    const job = (id: string, cmd: string): object => ({ id, run: { cmd, cpus: 0.1, mem: 32, disk: 0 } });
    const counts = async (id: string): Promise<number[]> => {
        const { history } = (await ask(at, `/v1/jobs/${id}?embed=history`)).body as {
            history: { successCount: number; failureCount: number };
        };
        return [history.successCount, history.failureCount];
    };
    for (const [id, cmd, expected] of [
        ["good", "true", [1, 0]],
        ["bad", "exit 3", [0, 1]],
    ] as const) {
        expect((await ask(at, "/v1/jobs", "POST", job(id, cmd))).status).toBe(201);
        expect((await ask(at, `/v1/jobs/${id}/runs`, "POST")).status).toBe(201);
        await eventually(`${id} has run`, async () =>
            (await counts(id)).join() === expected.join() ? true : undefined,
        );
    }
    await ask(at, "/v1/jobs/good/schedules", "POST", { id: "every-minute", cron: "* * * * *" });
    await eventually("the schedule has run it", async () => ((await counts("good"))[0] === 2 ? true : undefined), {
        timeoutSec: 90,
    });
    for (const id of ["good", "bad"]) {
        await ask(at, `/v1/jobs/${id}?stopCurrentJobRuns=true`, "DELETE");
    }
});
