// Seconds until the work goes on after `kill -9` of the framework that leads, of a Work Queue manager, of an agent's process.
// One makeflow runs all the time; whoever supervises on a site starts again here: a second instance, systemd.
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../toolchain/steps.mjs";
import { note, round } from "./lib.mjs";

const ROUNDS = Number(process.env.BENCH_KILLS ?? 3);
const PROJECT = "kills-all";
const DIR = `/root/bench/${PROJECT}`;
const PORT = 9231;
const TASKS = 20_000;
const TASK_SEC = 1;
/** Fewer than there is room for: a new project finds some. */
const AT_ONCE = 5;

const seconds = (beganMs) => (Date.now() - beganMs) / 1000;
const workers = (report, project) =>
    (report?.workers ?? [])
        .filter((one) => one.project === project && one.state === "running")
        .reduce((sum, { count }) => sum + count, 0);

/**
 * @param site `on(host, command)`, `until(what, probe)`, `makeflow(project, tasks, options)`, `askMaster(path)`; hosts
 *   `manager` and `agents`; `start()`: an instance with `status()` and `kill(signal)`, subscribed or standing by
 */
export async function recovery({ on, until, makeflow, askMaster, start, manager, agents, catalog }) {
    const instances = [start(), start()];
    const leading = async () => {
        for (const instance of instances) {
            const report = await instance.status();
            if (report?.leads && report.master) return { instance, report };
        }
        return undefined;
    };
    const complete = (what) =>
        until(what, async () => {
            const now = await leading();
            const connected = now?.report.managers?.find(({ project }) => project === PROJECT)?.workersConnected;
            return workers(now?.report, PROJECT) >= AT_ONCE && connected >= AT_ONCE && now;
        });
    /** Times of all results, milliseconds since 1970, by task. */
    const results = async () =>
        (await on(manager, `grep -v '^#' ${DIR}/dag.makeflowlog | cut -d' ' -f1-3`))
            .trim()
            .split("\n")
            .map((line) => line.split(" ").map(Number))
            .filter(([, , state]) => state === 2)
            .map(([time, task]) => ({ atMs: time / 1000, task }));

    async function framework(index) {
        const { instance, report } = await complete("the framework has its workers");
        const began = Date.now();
        instance.kill("SIGKILL");
        // While nobody leads.
        const more = makeflow(`kills-new${index}`, 1, { port: PORT + 1 + index });
        const next = await until("another instance leads", async () => {
            const now = await leading();
            return now && now.instance !== instance && now;
        });
        const subscribed = seconds(began);
        if (next.report.frameworkId !== report.frameworkId) throw new Failure("another framework id than before");
        await until("a worker for what is new", async () => {
            const now = await next.instance.status();
            return workers(now, `kills-new${index}`) > 0;
        });
        const started = seconds(began);
        await more;
        instances.splice(instances.indexOf(instance), 1, start());
        return [subscribed, started];
    }

    async function queueManager() {
        await complete("the manager has its workers");
        const before = await results();
        // By the host's own clock, when it is dead: what it has written until then is no sign of a recovery.
        const killed = Number(await on(manager, "systemctl kill -s KILL kills-all && date +%s%3N"));
        const first = await until("a result after it", async () =>
            (await results()).map(({ atMs }) => atMs).find((atMs) => atMs > killed),
        );
        await complete("the manager has its workers again");
        const all = seconds(killed);
        const after = await results();
        const kept = before.every(({ task }) => after.some((one) => one.task === task));
        if (!kept) throw new Failure("results of before are gone");
        return [(first - killed) / 1000, all];
    }

    async function agent(index) {
        const { report } = await complete("all workers run");
        const host = agents[index % agents.length];
        const tasksThere = async () => {
            const { slaves } = await askMaster("/slaves");
            const there = slaves.find(({ hostname }) => hostname === host);
            const { tasks } = await askMaster("/tasks?limit=1000");
            const ids = tasks
                .filter(({ slave_id: of, state }) => of === there?.id && state === "TASK_RUNNING")
                .map(({ id }) => id);
            return { there, ids };
        };
        const before = await tasksThere();
        const began = Date.now();
        await on(host, "systemctl kill --kill-whom=main -s KILL mesos-agent");
        const after = await until(`${host} is back`, async () => {
            const now = await tasksThere();
            return now.there?.active && now.there.reregistered_time * 1000 > began && now;
        });
        const back = seconds(began);
        const { report: now } = await leading();
        const lost = now.counters.lost - report.counters.lost;
        const same = before.ids.filter((id) => after.ids.includes(id)).length;
        return { sec: back, had: before.ids.length, same, lost };
    }

    const rows = { framework: [], manager: [], agent: [] };
    try {
        const rules = `for i in $(seq ${TASKS}); do printf 'out/%s: t.sh\\n\\tsh t.sh out/%s\\n\\n' $i $i; done`;
        await on(
            manager,
            `rm -rf ${DIR}; mkdir -p ${DIR}; cd ${DIR}; echo 'mkdir -p out; sleep ${TASK_SEC}; hostname >$1' >t.sh; { printf 'CATEGORY=t\\nCORES=1\\nMEMORY=50\\nDISK=50\\n'; ${rules}; } >dag
             systemd-run -q --collect --unit=kills-all -p WorkingDirectory=${DIR} -p Restart=always -p RestartSec=2 -p StandardOutput=null -p StandardError=null -p StartLimitIntervalSec=0 -E OMPI_MCA_ess_singleton_isolated=1 -E HOME=/root /usr/bin/makeflow -T wq -J ${AT_ONCE} -N ${PROJECT} -C ${catalog} -p ${PORT} dag`,
        );
        for (let index = 0; index < ROUNDS; index++) {
            rows.framework.push(await framework(index));
            rows.manager.push(await queueManager());
            rows.agent.push(await agent(index));
            await sleep(1000);
        }
        const all = (await results()).map(({ task }) => task);
        const twice = all.length - new Set(all).size;
        note(`workqueue: kills: ${JSON.stringify(rows)}, ${all.length} results, ${twice} of them twice`);
        return report(rows, all.length, twice);
    } finally {
        await on(manager, "systemctl stop kills-all 2>/dev/null; true");
        instances.forEach((instance) => instance.kill());
    }
}

function report({ framework, manager, agent }, results, twice) {
    const had = agent.reduce((sum, one) => sum + one.had, 0);
    const same = agent.reduce((sum, one) => sum + one.same, 0);
    const lost = agent.reduce((sum, one) => sum + one.lost, 0);
    return {
        goals: [
            {
                what: "workers that an agent's process, killed and back, still has",
                value: `${same} of ${had}`,
                goal: "all",
                met: same === had && had > 0 && lost === 0,
            },
            {
                what: `results that are there twice, of ${results}, while framework, manager and agents were killed`,
                value: twice,
                goal: "0",
                met: twice === 0,
            },
        ],
        tables: [
            {
                title: "After `kill -9`, seconds",
                head: ["killed", "until", ...framework.map((_, index) => `run ${index + 1}`)],
                rows: [
                    [
                        "the framework that leads",
                        "another leads, under the same id",
                        ...framework.map(([value]) => round(value, 1)),
                    ],
                    ["", "a worker runs for a project that is new", ...framework.map(([, value]) => round(value, 1))],
                    ["a project's manager", "its next result", ...manager.map(([value]) => round(value, 1))],
                    ["", "all its workers are connected again", ...manager.map(([, value]) => round(value, 1))],
                    [
                        "an agent's process",
                        "it is back with its workers",
                        ...agent.map(({ sec: value }) => round(value, 1)),
                    ],
                ],
            },
        ],
    };
}
