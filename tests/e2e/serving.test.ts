/** What runs on Marathon is reached, and stays reached: under a steady load, through updates, bad updates and a lost leader. */
import { Resolver } from "node:dns/promises";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { leadingMaster, operatorCall } from "./support/endpoints";
import { addressOf, AGENTS, on, QUORUM } from "./support/hosts";
import { load, type Outcome, type Target } from "./support/load";
import { copyDir } from "./support/places";
import { restore } from "./support/site";
import { exportState, outputs, preview, pulumi, startUp, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import {
    type App,
    appNow,
    askMarathon,
    askMetronome,
    changeMarathon,
    changeMetronome,
    declareServices,
    leaderOf,
    MARATHON_PORT,
    marathonPassword,
    METRONOME_HOST,
    METRONOME_PORT,
    removeDefinition,
    removeDefinitions,
    runningTasks,
    SERVERS,
    type Task,
    write,
} from "./support/work";

const HTTP_PORT = 8088;
const DNS_HOST = QUORUM[2];
const PER_SECOND = 60;

beforeAll(restore);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    await gate("rm -f");
    removeDefinitions();
    await restore();
});

/** While this file is missing on its host, a gated version does not answer well. */
const GATE = "/run/e2e-gate";

/** What a version answers, as Python. A bad one never answers well. */
const STATUS: Readonly<Record<string, string>> = {
    bad: "503",
    v3: `200 if os.path.exists("${GATE}") else 503`,
};

/**
 * Answers with its version; as services should, it goes on serving for a while after it was told to end, for those who have not
 * yet heard.
 */
const program = (version: string): string =>
    `import http.server as h, os, signal, threading
class H(h.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"${version}"
        self.send_response(${STATUS[version] ?? "200"}); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
signal.signal(signal.SIGTERM, lambda *a: threading.Timer(2, os._exit, [0]).start())
h.ThreadingHTTPServer(("", int(os.environ["PORT0"])), H).serve_forever()
`;

const gate = (verb: "touch" | "rm -f"): Promise<unknown> =>
    Promise.all(AGENTS.map((host) => on(host, `${verb} ${GATE}`)));

const web = (version: string, more: object = {}) => ({
    id: "/e2e/web",
    cmd: `exec python3 -c '${program(version)}'`,
    cpus: 0.05,
    mem: 32,
    instances: 4,
    user: "nobody",
    portDefinitions: [{ port: 0 }],
    taskKillGracePeriodSeconds: 8,
    labels: { HAPROXY_GROUP: "external", HAPROXY_0_VHOST: "web.example.org" },
    healthChecks: [
        {
            protocol: "HTTP",
            path: "/",
            gracePeriodSeconds: 10,
            intervalSeconds: 1,
            timeoutSeconds: 1,
            maxConsecutiveFailures: 0,
        },
    ],
    ...more,
});

const targets: Target[] = SERVERS.map((host) => ({
    address: addressOf(host),
    port: HTTP_PORT,
    host: "web.example.org",
}));

/** Runs `work` under load, and some seconds longer. @returns what became of the requests */
async function underLoad<T>(work: () => Promise<T>): Promise<{ value: T; outcome: Outcome }> {
    const requests = load(targets, PER_SECOND);
    let outcome: Outcome | undefined;
    try {
        const value = await work();
        await new Promise((resolve) => setTimeout(resolve, 4000));
        outcome = await requests.stop();
        tell(`load: ${JSON.stringify(outcome)}`);
        return { value, outcome };
    } finally {
        if (outcome === undefined) {
            await requests.stop();
        }
    }
}

const declareAll = (options: Parameters<typeof declareServices>[0] = {}): void =>
    declareServices(options, (site) =>
        Object.assign(site, {
            loadBalancer: { hosts: [...SERVERS], httpPort: HTTP_PORT },
            discovery: { hosts: [DNS_HOST] },
        }),
    );

test("a service of four is reached by both load balancers, and by name", async () => {
    write("apps", "web", web("v1"));
    write("apps", "duo", {
        id: "/e2e/duo",
        user: "nobody",
        containers: ["a", "b"].map((name) => ({
            name,
            resources: { cpus: 0.05, mem: 16 },
            exec: { command: { shell: "exec sleep 3600" } },
        })),
    });
    write("jobs", "tick", {
        id: "e2e-tick",
        run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" },
        schedules: [{ id: "daily", cron: "0 4 * * *" }],
    });
    declareAll();
    await up();
    await marathonPassword();
    for (const { address, port, host = "" } of targets) {
        await eventually(`${address} serves`, async () => {
            const requests = load([{ address, port, host }], 20);
            await new Promise((resolve) => setTimeout(resolve, 500));
            const { failed } = await requests.stop();
            return Object.keys(failed).length === 0 ? true : undefined;
        });
    }
    const resolver = new Resolver({ timeout: 2000, tries: 2 });
    resolver.setServers([addressOf(DNS_HOST)]);
    const tasks = ((await askMarathon("/v2/tasks")).body as { tasks: Task[] }).tasks.filter(
        ({ appId }) => appId === "/e2e/web",
    );
    const addresses = [...new Set(tasks.map(({ host }) => addressOf(host)))].sort();
    // It follows Marathon's events: what was deployed a moment ago may be known in the next.
    await eventually("its name has all addresses", async () => {
        const known = await resolver.resolve4("web-e2e.marathon.mesos").catch(() => []);
        return known.sort().join() === addresses.join() ? true : undefined;
    });
    const places = await resolver.resolveSrv("_web-e2e._tcp.marathon.mesos");
    expect(places.map(({ port }) => port).sort()).toEqual(tasks.flatMap(({ ports }) => ports).sort());
    for (const { name, port } of places) {
        const [address = ""] = await resolver.resolve4(name);
        expect(await (await fetch(`http://${address}:${port}/`)).text()).toBe("v1");
    }
    const leader = await eventually("a master leads", leadingMaster);
    expect(await resolver.resolve4("leader.mesos")).toEqual([addressOf(leader)]);
    await expect(resolver.resolve4("nobody.marathon.mesos")).rejects.toThrow("ENOTFOUND");
});

test("an update under load fails no request", async () => {
    write("apps", "web", web("v2"));
    const { outcome } = await underLoad(() => up());
    expect(outcome.failed).toEqual({});
    expect(Object.keys(outcome.answers).sort()).toEqual(["v1", "v2"]);
    const after = await underLoad(() => Promise.resolve());
    expect(Object.keys(after.outcome.answers)).toEqual(["v2"]);
});

test("a bad update under load is rolled back; the old one serves all the time", async () => {
    declareAll({ timeoutSec: 60 });
    write("apps", "web", web("bad"));
    const { value, outcome } = await underLoad(() => startUp().ended);
    expect(value.code).not.toBe(0);
    expect(value.text).toMatch(/rolled back: the version before serves/);
    expect(value.text).toMatch(
        /\/e2e\/web: 0 of 4 new instances are healthy after 60 s; \d run, but fail their health check/,
    );
    tell(/\/e2e\/web: 0 of 4 new instances.*/.exec(value.text)?.[0] ?? "");
    expect(outcome.failed).toEqual({});
    expect(Object.keys(outcome.answers)).toEqual(["v2"]);
    write("apps", "web", web("v2"));
    await up("--refresh");
    await up("--refresh", "--expect-no-changes");
});

test("Marathon's leader is lost in the middle of a deployment: the run waits and ends well, and no request fails", async () => {
    // The deployment cannot end before the gate is opened, and does not give up before another one leads.
    await gate("rm -f");
    write("apps", "web", web("v3"));
    declareAll();
    const { value, outcome } = await underLoad(async () => {
        const run = startUp();
        await eventually(
            "the deployment has begun",
            async () => {
                const { tasksRunning, deployments } = await appNow("e2e/web");
                return deployments.length > 0 && tasksRunning > 4 ? true : undefined;
            },
            { timeoutSec: 120 },
        );
        const old = await eventually("a server leads", leaderOf);
        tell(`${old}: Marathon is killed`);
        try {
            // For longer than a restart takes, so that the other one leads.
            await on(old, "systemctl kill -s KILL marathon && systemctl stop marathon");
            await eventually(
                "the other one leads",
                async () => ([undefined, old].includes(await leaderOf()) ? undefined : true),
                { timeoutSec: 120 },
            );
            await gate("touch");
            return await run.ended;
        } finally {
            await on(old, "systemctl start marathon");
        }
    });
    expect(value).toMatchObject({ code: 0 });
    expect(outcome.failed).toEqual({});
    const after = await appNow("e2e/web");
    expect(after).toMatchObject({ tasksHealthy: 4, tasksRunning: 4, deployments: [] });
    expect(after.cmd).toContain('b"v3"');
});

test("what was changed and deleted behind our back is shown and mended: app, pod, job, schedule, quota", async () => {
    await changeMarathon("/v2/apps//e2e/web", "PUT", { instances: 3 });
    await changeMarathon("/v2/pods/e2e/duo", "DELETE");
    const job = (await askMetronome("/v1/jobs/e2e-tick")).body as { run: object };
    await changeMetronome("/v1/jobs/e2e-tick", "PUT", { ...job, run: { ...job.run, cmd: "false" } });
    await changeMetronome("/v1/jobs/e2e-tick/schedules/daily", "DELETE");
    const config = { role: "services", limits: { cpus: { value: 1.5 } } };
    await eventually("the quota is changed", () =>
        operatorCall("UPDATE_QUOTA", { update_quota: { quota_configs: [config] } }),
    );
    await eventually("Marathon has done it", async () => {
        const { body } = await askMarathon("/v2/deployments");
        return Array.isArray(body) && body.length === 0 ? true : undefined;
    });
    const shown = await preview("--refresh");
    expect(shown).toMatch(/instances *: 3 *=> *4/);
    expect(shown).toMatch(/\+ .*MarathonPod.*\n.*|e2e\/duo: starts 1 task/);
    expect(shown).toMatch(/cmd *: "false" *=> *"true"/);
    expect(shown).toMatch(/\+ mesos:index:MetronomeSchedule/);
    expect(shown).toMatch(/cpus *: 1\.5 *=> *2/);
    await up("--refresh");
    await up("--refresh", "--expect-no-changes");
    expect((await askMarathon("/v2/pods/e2e/duo::status")).body).toMatchObject({ status: "STABLE" });
    expect((await askMetronome("/v1/jobs/e2e-tick/schedules")).body).toHaveLength(1);
});

test("what runs already is imported: app, pod, job, schedule, quota; the next preview is empty", async () => {
    const { resources } = await exportState();
    const wanted = [
        ["MarathonApp", "e2e/web", "/e2e/web"],
        ["MarathonPod", "e2e/duo", "/e2e/duo"],
        ["MetronomeSchedule", "e2e-tick", "e2e-tick/daily"],
        ["MetronomeJob", "e2e-tick", "e2e-tick"],
        ["MesosQuota", "services", "services"],
    ] as const;
    const parents: Record<string, string> = {
        Marathon: "MarathonWork::",
        Metronome: "MetronomeWork::",
        Mesos: "OperatorSettings::",
    };
    const parentOf = (type: string): string => {
        const kind = /^(Marathon|Metronome|Mesos)/.exec(type)?.[0] ?? "";
        return resources.find(({ urn }) => urn.includes(parents[kind] ?? "none"))?.urn ?? "";
    };
    const before = await runningTasks();
    for (const [type, name] of wanted) {
        const urn = resources.find((one) => one.urn.endsWith(`:${type}::${name}`))?.urn ?? `no ${type} ${name}`;
        expect(await pulumi(["state", "delete", "--yes", urn])).toMatchObject({ code: 0 });
    }
    const file = join(copyDir(), "import.json");
    const nameTable = Object.fromEntries(wanted.map(([type]) => [type, parentOf(type)]));
    const imports = wanted.map(([type, name, id]) => ({ type: `mesos:index:${type}`, name, id, parent: type }));
    writeFileSync(file, JSON.stringify({ nameTable, resources: imports }));
    const { operator } = await outputs();
    const url = (hosts: readonly string[], port: number): string =>
        hosts.map((host) => `http://${addressOf(host)}:${port}`).join(",");
    const { code, text } = await pulumi(
        ["import", "--yes", "--skip-preview", "--generate-code=false", "--protect=false", "-f", file],
        {
            PULUMI_MESOS_MARATHON: url(SERVERS, MARATHON_PORT),
            PULUMI_MESOS_MARATHON_CREDENTIALS: `marathon:${await marathonPassword()}`,
            PULUMI_MESOS_METRONOME: url([METRONOME_HOST], METRONOME_PORT),
            PULUMI_MESOS_MASTERS: url(QUORUM, 5050),
            PULUMI_MESOS_MASTERS_CREDENTIALS: `${operator.principal}:${operator.secret}`,
        },
    );
    expect({ code, text }).toMatchObject({ code: 0 });
    expect(text).toMatch(/5 imported/);
    await preview("--expect-no-changes");
    // The state knows where their servers are, and as whom they are asked.
    await up("--refresh", "--expect-no-changes");
    expect(await runningTasks()).toEqual(before);
});

test("a hundred apps at once", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `n${index}`);
    const ids = many.map((name) => `/many/${name}`);
    many.forEach((name) =>
        write("apps", `many/${name}`, {
            id: `/many/${name}`,
            cmd: "exec sleep 3600",
            cpus: 0.005,
            mem: 4,
            user: "nobody",
        }),
    );
    // A busy machine starts a hundred executors in minutes.
    declareAll({ timeoutSec: 300 });
    await up();
    const { apps } = (await askMarathon("/v2/apps?embed=apps.counts")).body as { apps: App[] };
    expect(
        apps
            .filter(({ id, tasksRunning }) => id.startsWith("/many/") && tasksRunning === 1)
            .map(({ id }) => id)
            .sort(),
    ).toEqual(ids.sort());
    await preview("--expect-no-changes");
    many.forEach((name) => removeDefinition("apps", `many/${name}`));
    const told = await up();
    expect(told).toMatch(/100 deleted/);
    expect(await runningTasks()).toHaveLength(4);
});
