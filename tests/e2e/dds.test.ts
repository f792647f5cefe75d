/**
 * Agents of DDS sessions by `pulumi up` on real Mesos, counted at their commander; the lab's stand-in is commander and agent. How Mesos
 * says that an agent has ended tells nothing: it is 0 whatever has happened.
 */
import { ask, leadingMaster } from "./support/endpoints";
import { addressOf, AGENTS, on, QUORUM, tryOn } from "./support/hosts";
import {
    addSession,
    COMMANDER,
    handOver,
    leader,
    PACKAGE,
    placeTools,
    removeTools,
    session,
    startSession,
    tool,
    traces,
    type Wish,
} from "./support/dds";
import { onTheLabThroughout } from "./support/site";
import { declare, NOW, outputs, preview, startPulumi, startUp, up } from "./support/stack";
import { eventually, pause } from "./support/steps";

let id = "";

onTheLabThroughout({
    async place() {
        await placeTools();
        // The framework's user is not there yet.
        id = await startSession("root");
    },
    remove: removeTools,
});

async function wish(of: Wish): Promise<void> {
    declare((site) => addSession(site, of));
    await up();
}

const joined = (count: number, name = "e2e"): Promise<NonNullable<Awaited<ReturnType<typeof session>>>> => {
    let last = "";
    return eventually(
        `${count} agents have joined`,
        async () => {
            const now = await session(name);
            last = JSON.stringify(now);
            return now?.agents.joined === count && now.agents.running === count ? now : undefined;
        },
        { timeoutSec: 60, everyMs: 300 },
        () => last,
    );
};

/** Tasks of the framework that run, as the master has them. */
async function tasks(): Promise<{ id: string; host: string }[]> {
    const { operator } = await outputs();
    const auth = `${operator.principal}:${operator.secret}`;
    const master = (await leadingMaster()) ?? QUORUM[0];
    const frameworkId = (await leader())?.report.frameworkId;
    const read = async <T>(path: string): Promise<T> => JSON.parse((await ask(master, 5050, path, { auth })).body) as T;
    type Task = Readonly<Record<"id" | "state" | "framework_id" | "slave_id", string>>;
    const all = await read<{ tasks: Task[] }>("/tasks?limit=1000");
    const agents = await read<{ slaves: { id: string; hostname: string }[] }>("/slaves");
    const hosts = new Map(agents.slaves.map((one) => [one.id, one.hostname]));
    return all.tasks
        .filter(({ state, framework_id: framework }) => state === "TASK_RUNNING" && framework === frameworkId)
        .map((task) => ({ id: task.id, host: hosts.get(task.slave_id) ?? "" }));
}

const kill = (host: string): Promise<unknown> => on(host, "pkill -9 -f '^python3 ./dds-agent'");

test("as many agents as asked for run, and the commander has them", async () => {
    await wish({ agents: 2 });
    await eventually("what is missing is said", async () =>
        (await leader())?.report.troubles.some((one) =>
            one.startsWith(`e2e: no package: the framework's user dds may not read ${PACKAGE}`),
        )
            ? true
            : undefined,
    );
    await handOver();
    const now = await joined(2);
    expect(now).toMatchObject({ state: "complete", slots: { total: 4, idle: 4 }, losses: 0 });
    expect(await tool(`DDS_SESSION_ID=${id} dds-info -l`)).toMatch(/Agent 1: .*group name \(mesos\)/);
    expect(await preview()).toMatch(/Resources:\n\s+\d+ unchanged\n/);
});

test("who has the session's id has the session: it is in no log, process list, or file that others may read", async () => {
    const found = await Promise.all([
        ...AGENTS.map((host) =>
            tryOn(
                host,
                `ps axww -o args | grep -F ${id} | grep -v grep; find /var/lib/mesos/agent -path '*/dds/*' -perm /044 -name 'D*.sh'`,
            ),
        ),
        ...QUORUM.map((host) =>
            tryOn(
                host,
                `ps axww -o args | grep -F ${id} | grep -v -e grep -e 'bash -c'; journalctl -u mesos-dds -u mesos-master | grep -F ${id}; find /var/lib/mesos-dds /etc/mesos-dds -name '*${id}*' -perm /077`,
            ),
        ),
    ]);
    expect(found.map(({ stdout }) => stdout)).toEqual(found.map(() => ""));
    // Nor does the package come to anybody who only asks.
    const { status } = await fetch(`http://${addressOf((await leader())?.host ?? "")}:9098/dds-work-package?id=e2e`);
    expect(status).toBe(403);
});

test("another number of agents is what there is after the next up", async () => {
    await wish({ agents: 3 });
    await joined(3);
    await wish({ agents: 1, replacements: 2 });
    await joined(1);
    expect(await tasks()).toHaveLength(1);
});

test("an agent that is killed, and whose task has finished in order, is replaced, as often as is allowed", async () => {
    for (const losses of [1, 2, 3]) {
        const [victim] = await tasks();
        await kill(victim?.host ?? "");
        await eventually("the loss is known", async () => ((await session())?.losses === losses ? true : undefined));
        expect((await session())?.lastEnd).toMatch(/TASK_FINISHED/);
        if (losses < 3) {
            await joined(1);
        }
    }
    await pause(4000);
    const { report } = (await leader()) ?? {};
    expect(report?.troubles.join()).toMatch(/e2e: given up: more than 2 agents have ended by themselves/);
    expect(await tasks()).toEqual([]);
});

test("the leading framework is killed: another one goes on with the same agents", async () => {
    await wish({ agents: 2 });
    await joined(2);
    const before = await tasks();
    const host = (await leader())?.host ?? "";
    await on(host, "systemctl kill -s KILL mesos-dds");
    await eventually("an instance leads again", async () =>
        (await leader())?.report.master === undefined ? undefined : true,
    );
    await joined(2);
    expect((await tasks()).map((one) => one.id).sort()).toEqual(before.map((one) => one.id).sort());
});

test("what the plug-in of 2016 submits with runs: its file of seven lines, its calls, and dds-submit", async () => {
    await wish({ agents: 0 });
    await eventually("the declared session is stopped", async () =>
        (await session())?.state === "stopped" ? true : undefined,
    );
    const now = await leader();
    const rest = `${addressOf(now?.host ?? "")}:9098`;
    const file = ["zk", "1", "", "DDSEnvironment", "0.2", "96", rest].join("\n");
    await on(COMMANDER, "cat >/tmp/submit.cfg", file);
    await on(COMMANDER, `mesos-dds submit /tmp/submit.cfg ${PACKAGE}`);
    const submitted = (await leader())?.report.sessions?.find(({ name }) => name.startsWith("r-"))?.name ?? "";
    await joined(1, submitted);
    const status = await on(COMMANDER, `curl -sS http://${rest}/status`);
    expect(JSON.parse(status)).toEqual({ Status: { NumSubmissions: 1 } });
    const said = await tool(
        `DDS_SESSION_ID=${id} dds-submit -r mesos --path /usr/lib/mesos-dds/plugins -n 2 --slots 3 -g mesos -c /tmp/submit.cfg`,
    );
    expect(said).toMatch(/Plug-in: submission 2: 2 agents on Mesos/);
    await joined(2, "r-2");
    // The limit of all submissions together is 3.
    const refused = await tool(
        `DDS_SESSION_ID=${id} dds-submit -r mesos --path /usr/lib/mesos-dds/plugins -n 2 -c /tmp/submit.cfg || true`,
    );
    expect(refused).toMatch(/Error: .*2 agents are too many/);
    await on(COMMANDER, `curl -sS -X DELETE 'http://${rest}/dds-submit?id=1'`);
    await eventually("it is gone", async () => ((await session(submitted)) === undefined ? true : undefined));
    await eventually("its agents too", async () => ((await tasks()).length === 2 ? true : undefined));
});

test("with its session all agents end, nothing is started again, and it is said why; the next package goes on", async () => {
    await tool(`dds-session stop ${id}`);
    await eventually("no task is left", async () => ((await tasks()).length === 0 ? true : undefined), {
        timeoutSec: 40,
    });
    const over = await eventually("it is over", async () => {
        const now = await session("r-2");
        return now?.state.startsWith("over: ") === true ? now : undefined;
    });
    expect(over.state).toMatch(
        /nobody listens at .*; all agents have ended, and none is started until there is another package/,
    );
    await eventually("no trace", async () => ((await traces()).length === 0 ? true : undefined));
    id = await startSession();
    await wish({ agents: 2 });
    await joined(2);
});

test("without the session in the stack file no task is left, and no message queue", async () => {
    declare();
    // Tasks that still run are ended only when that is said; until then no master is touched.
    const since = (): Promise<string[]> =>
        Promise.all(QUORUM.map((host) => on(host, "systemctl show -p ActiveEnterTimestamp mesos-master")));
    const before = await since();
    for (const refused of [await startPulumi(["preview", "--non-interactive"]).ended, await startUp().ended]) {
        expect(refused.text).toMatch(
            /error PRINCIPAL_IN_USE at frameworks\.dds: 2 tasks of the framework "dds" \(\S+\) still run/,
        );
        expect(refused.code).not.toBe(0);
    }
    expect(await since()).toEqual(before);
    expect(await startPulumi(["up", ...NOW], { PULUMI_MESOS_CONFIRM: "lab" }).ended).toMatchObject({ code: 0 });
    await eventually("no trace", async () => ((await traces()).length === 0 ? true : undefined));
    expect(await tryOn(COMMANDER, "systemctl is-active mesos-dds")).toMatchObject({ code: 3 });
});
