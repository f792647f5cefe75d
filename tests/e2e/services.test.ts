/** Marathon and Metronome by `pulumi up`, with the site's work on them: the lab's stand-ins, on real hosts and a real Mesos. */
import { agentIds, openSession, operatorCall } from "./support/endpoints";
import { addressOf, AGENTS, on, QUORUM } from "./support/hosts";
import { healthy, onTheLabThroughout } from "./support/site";
import { declare, exportState, outputs, preview, pulumi, startUp, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import {
    appNow,
    askMarathon,
    askMetronome,
    changeMarathon,
    declareServices,
    FIRST,
    marathonPassword,
    removeDefinitions,
    runningTasks,
    SERVERS,
    write,
} from "./support/work";

onTheLabThroughout({
    release() {
        removeDefinitions();
        // A test that failed may have left a volume, which nothing else takes away.
        return pulumi(["state", "unprotect", "--all", "--yes"]);
    },
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

let password = "";

test("one up installs them, in order, and runs what is declared on them", async () => {
    write("apps", "server", server(GOOD));
    write("jobs", "tick", {
        id: "e2e-tick",
        run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" },
        schedules: [{ id: "minutely", cron: "* * * * *" }],
    });
    declareServices();
    const told = await up();
    const either = `(${SERVERS.join("|")})`;
    expect(told).toMatch(new RegExp(`${either}: (leads|stands by; ${either} leads)`));
    expect((await askMarathon("/v2/info")).status).toBe(401);
    password = await marathonPassword();
    expect(await runningTasks()).toHaveLength(2);
    await up("--refresh", "--expect-no-changes");
    await eventually(
        "the job has run by its schedule",
        async () => {
            const { history } = (await askMetronome("/v1/jobs/e2e-tick?embed=history")).body as {
                history?: { successCount: number };
            };
            return (history?.successCount ?? 0) > 0 ? true : undefined;
        },
        { timeoutSec: 180, everyMs: 2000 },
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
    const before = await runningTasks();
    declareServices({ settings: { max_running_deployments: 50 } });
    const shown = await preview();
    expect(shown).toContain("+ MARATHON_MAX_RUNNING_DEPLOYMENTS=50");
    expect(shown).toMatch(new RegExp(`${FIRST}: restarts marathon\\.service, tasks keep running`));
    await up();
    await eventually("the tasks are known again", async () => {
        const now = await runningTasks();
        return now.join() === before.join() ? true : undefined;
    });
});

test("what is done to an app behind our back is shown and mended; a bad update is rolled back", async () => {
    declareServices({ settings: { max_running_deployments: 50 }, timeoutSec: 60 });
    await changeMarathon("/v2/apps//e2e/server", "DELETE");
    await eventually("it is gone", async () =>
        (await askMarathon("/v2/apps//e2e/server")).status === 404 ? true : undefined,
    );
    expect(await preview("--refresh")).toContain("e2e/server");
    await up("--refresh");
    expect(await runningTasks()).toHaveLength(2);

    write("apps", "server", server("exec sleep 3600"));
    expect(await preview()).toMatch(/server.*restart/);
    const update = startUp();
    const counts: number[] = [];
    const watch = setInterval(
        () =>
            void appNow("e2e/server").then(
                ({ tasksHealthy }) => counts.push(tasksHealthy),
                (error: unknown) => tell(String(error)),
            ),
        1000,
    );
    const { code, text } = await update.ended.finally(() => clearInterval(watch));
    expect(code).not.toBe(0);
    expect(text).toMatch(/rolled back/i);
    expect(text).toMatch(/0 of 2 new ones healthy, 2 old ones run/);
    await eventually("the old definition serves alone", async () => {
        const app = await appNow("e2e/server");
        return app.cmd === GOOD && app.tasksHealthy === 2 && app.tasksRunning === 2 && app.deployments.length === 0
            ? true
            : undefined;
    });
    // The new one never took the old one's place.
    expect(counts.length).toBeGreaterThan(20);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
});

/** What the master tells that an agent keeps for the role `services`: amounts, and volumes by id. */
async function reservedOn(host: string): Promise<Record<string, number>> {
    interface Resource {
        readonly name: string;
        readonly scalar?: { readonly value: number };
        readonly reservations?: readonly { readonly role: string }[];
        readonly disk?: { readonly persistence?: { readonly id: string } };
    }
    const answer = (await operatorCall("GET_AGENTS"))?.["get_agents"] as
        { agents: { agent_info: { hostname: string }; active: boolean; total_resources: Resource[] }[] } | undefined;
    const agent = answer?.agents.find(({ agent_info: info, active }) => info.hostname === host && active);
    return Object.fromEntries(
        (agent?.total_resources ?? [])
            .filter(({ reservations }) => reservations?.[0]?.role === "services")
            .map(({ name, scalar, disk }) => [disk?.persistence?.id ?? name, scalar?.value ?? 0]),
    );
}

test("resources and a volume are reserved on a pool, outlive its agent, and are mended, taken over and given back", async () => {
    const host = AGENTS[2];
    const declareReserved = (volumes: object | undefined, more: object = {}): void =>
        declareServices({ settings: { max_running_deployments: 50 } }, (site) =>
            Object.assign(
                site,
                more,
                volumes && {
                    reservations: {
                        services: { pool: "relval", role: "services", resources: { cpus: 0.3, diskMiB: 200 }, volumes },
                    },
                },
            ),
        );
    const all = { cpus: 0.3, disk: 120, data: 80 };
    write("apps", "server", server(GOOD));
    declareReserved({ data: { sizeMiB: 80 } });
    await up();
    expect(await reservedOn(host)).toEqual(all);

    const file = "/var/lib/mesos/agent/volumes/roles/services/data/kept";
    await on(host, `echo precious > ${file} && systemctl restart mesos-agent`);
    await eventually("its agent is back with all of it", async () =>
        JSON.stringify(Object.entries(await reservedOn(host)).sort()) === JSON.stringify(Object.entries(all).sort())
            ? true
            : undefined,
    );
    await healthy();

    const agent = (await agentIds())[host] ?? "";
    const { operator } = await outputs();
    const resource = {
        name: "cpus",
        type: "SCALAR",
        scalar: { value: 0.1 },
        reservations: [{ type: "DYNAMIC", role: "services", principal: operator.principal }],
    };
    const taken = { unreserve_resources: { agent_id: { value: agent }, resources: [resource] } };
    expect(await operatorCall("UNRESERVE_RESOURCES", taken)).toBeDefined();
    expect(await preview("--refresh")).toMatch(/cpus *: 0\.2 *=> *0\.3/);
    await up("--refresh");
    expect(await reservedOn(host)).toEqual(all);

    const name = `${host}/services`;
    const { resources } = await exportState();
    const urnOf = (end: string): string => resources.find(({ urn }) => urn.endsWith(end))?.urn ?? `none like ${end}`;
    const gone = ["state", "delete", "--yes", "--force", urnOf(`MesosReservation::${name}`)];
    expect(await pulumi(gone)).toMatchObject({ code: 0 });
    const args = [
        "import",
        "--yes",
        "--skip-preview",
        "--generate-code=false",
        "mesos:index:MesosReservation",
        name,
        name,
    ];
    const imported = await pulumi([...args, "--parent", `settings=${urnOf("OperatorSettings::settings")}`], {
        PULUMI_MESOS_MASTERS: QUORUM.map((master) => `http://${addressOf(master)}:5050`).join(","),
        PULUMI_MESOS_MASTERS_CREDENTIALS: `${operator.principal}:${operator.secret}`,
    });
    expect(imported).toMatchObject({ code: 0 });
    await up("--refresh", "--expect-no-changes");

    declareReserved({});
    const refused = await pulumi(["preview", "--non-interactive"]);
    expect(refused.code).not.toBe(0);
    expect(refused.text).toMatch(/the data on volume data of \w+ would be lost\n.*confirm: lab/);
    declareReserved(undefined);
    expect((await pulumi(["preview", "--non-interactive"])).text).toMatch(/protected/);
    expect((await on(host, `cat ${file}`)).trim()).toBe("precious");
    declareReserved({}, { confirm: "lab" });
    await up();
    expect(await reservedOn(host)).toEqual({ cpus: 0.3, disk: 200 });
    declareReserved(undefined);
    expect(await up()).toMatch(/1 deleted/);
    expect(await reservedOn(host)).toEqual({});
});

test("ranges of ports are reserved under labels, changed as a difference, and given back", async () => {
    const host = AGENTS[2];
    const declareLabelled = (...ports: string[]): void =>
        declareServices({ settings: { max_running_deployments: 50 } }, (site) => {
            const labels = { owner: "e2e" };
            if (ports.length > 0)
                site["reservations"] = { e2e: { hosts: [host], role: "services", resources: { ports }, labels } };
        });
    /** As the leading master tells it. */
    const held = async (): Promise<unknown[]> => {
        const answer = (await operatorCall("GET_AGENTS"))?.["get_agents"] as {
            agents: { agent_info: { hostname: string }; total_resources: Record<string, unknown>[] }[];
        };
        const agent = answer.agents.find(({ agent_info: info }) => info.hostname === host);
        return (agent?.total_resources ?? [])
            .filter(({ reservations = [] }) => (reservations as { role: string }[])[0]?.role === "services")
            .map(({ name, ranges, reservations }) => [
                name,
                (ranges as { range: unknown }).range,
                (reservations as { labels: { labels: unknown } }[])[0]?.labels.labels,
            ]);
    };
    const labels = [{ key: "owner", value: "e2e" }];
    // The last of the pool's: apps that run take the first ones, and what a task uses cannot be reserved.
    declareLabelled("31060-31069", "31080-31089");
    await up();
    expect(await held()).toEqual([
        [
            "ports",
            [
                { begin: 31060, end: 31069 },
                { begin: 31080, end: 31089 },
            ],
            labels,
        ],
    ]);
    await up("--refresh", "--expect-no-changes");
    declareLabelled("31065-31074");
    await up();
    expect(await held()).toEqual([["ports", [{ begin: 31065, end: 31074 }], labels]]);
    declareLabelled();
    expect(await up()).toMatch(/1 deleted/);
    expect(await held()).toEqual([]);
});

test("taken out of the stack file they end with their framework and their state, and can come again", async () => {
    declare();
    const told = await up("--refresh");
    expect(told).toMatch(/\w+: framework \S+ is ended/);
    expect(told).toMatch(/its state in ZooKeeper, \/marathon, is removed/);
    const session = await openSession();
    try {
        expect(await session.exists("/marathon")).toBe(false);
    } finally {
        await session.close();
    }
    expect(
        (await on(FIRST, "ls /etc/marathon 2>/dev/null; systemctl cat marathon.service 2>/dev/null; true")).trim(),
    ).toBe("");
});
