/** Every alert of the site is made to fire, on the lab: what the rules ask for must be what the services really tell. */
import { leadingMaster } from "./support/endpoints";
import { DIARY, Framework } from "./support/framework";
import { addressOf, AGENTS, HOSTS, invocations, on, QUORUM, tryOn } from "./support/hosts";
import { healthy, restore } from "./support/site";
import { type Site, up } from "./support/stack";
import { eventually, tell } from "./support/steps";
import {
    changeMarathon,
    declareServices,
    marathonPassword,
    METRONOME_HOST,
    removeDefinitions,
    SERVERS,
    write,
} from "./support/work";

const [M1, M2, M3] = QUORUM;
const [A1, A2] = AGENTS;
const PORT = 9090;
const BACKUPS = "/srv/mesos-backups";
/** Its private key is nobody's: what is sealed here is not opened again. */
const RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

// The second test goes on from the first.
beforeAll(restore);
beforeEach(() => tell(`▸ ${expect.getState().currentTestName ?? ""}`));
afterAll(async () => {
    removeDefinitions();
    // What a failed test has stopped must answer before its apps can be looked at.
    const stopped = "systemctl start --no-block zookeeper mesos-master mesos-agent marathon metronome";
    await Promise.all(HOSTS.map((host) => tryOn(host, stopped)));
    await restore();
});

function declareSite(alerts: object = {}): void {
    declareServices({}, (site: Site) =>
        Object.assign(site, {
            loadBalancer: { hosts: [...SERVERS], httpPort: 8088 },
            discovery: { hosts: [M3] },
            backup: { recipients: [RECIPIENT], to: BACKUPS, timer: { at: ["02:30"], to: BACKUPS } },
            // An agent is given up after 25 s, not 75.
            masters: { ...site.masters, agentPingTimeoutSec: 5, maxAgentPingTimeouts: 5 },
            monitoring: { hosts: [M3], port: PORT, everySec: 2, alerts: { forSec: 2, failedTasks: 0, ...alerts } },
        }),
    );
}

async function asked<T>(path: string): Promise<T> {
    const answer = await fetch(`http://${addressOf(M3)}:${PORT}/api/v1/${path}`, { signal: AbortSignal.timeout(5000) });
    return ((await answer.json()) as { data: T }).data;
}

interface Alert {
    readonly state: string;
    readonly labels: { readonly alertname: string; readonly instance?: string };
    readonly annotations: { readonly summary: string };
}

/** Everything that has fired so far. */
const fired = new Set<string>();

async function firing(): Promise<string[]> {
    const { alerts } = await asked<{ alerts: Alert[] }>("alerts").catch(() => ({ alerts: [] as Alert[] }));
    const now = alerts.filter(({ state }) => state === "firing");
    for (const { labels, annotations } of now) {
        if (!fired.has(labels.alertname)) tell(`${labels.alertname}: ${annotations.summary}`);
        fired.add(labels.alertname);
    }
    return [...new Set(now.map(({ labels }) => labels.alertname))].sort();
}

/** Waits until at least these fire. */
async function fires(...names: string[]): Promise<void> {
    let last: string[] = [];
    await eventually(
        `${names.join(", ")} fire`,
        async () => {
            last = await firing();
            return names.every((name) => last.includes(name)) ? true : undefined;
        },
        { timeoutSec: 90, everyMs: 1000 },
        () => `(firing: ${last.join(", ")})`,
    );
}

/** Waits until nothing fires, but what counts the last ten minutes. */
async function quiet(...others: string[]): Promise<void> {
    let last: string[] = [];
    await eventually(
        "nothing else fires",
        async () => {
            last = (await firing()).filter((name) => !["TasksLost", "TasksFailing", ...others].includes(name));
            return last.length === 0 ? true : undefined;
        },
        { timeoutSec: 120, everyMs: 1000 },
        () => `(firing: ${last.join(", ")})`,
    );
}

const systemctl = (verb: "start" | "stop", ...places: (readonly [host: string, unit: string])[]): Promise<unknown> =>
    Promise.all(places.map(([host, unit]) => on(host, `systemctl ${verb} ${unit}`)));

test("a healthy site is quiet; what fails is told, all of it; what is mended falls silent", async () => {
    write("apps", "sleeper", { id: "/e2e/sleeper", cmd: "exec sleep 86400", cpus: 0.1, mem: 32, user: "nobody" });
    write("jobs", "tick", { id: "e2e-tick", run: { cmd: "true", cpus: 0.1, mem: 32, disk: 0, user: "nobody" } });
    declareSite();
    await up();
    await marathonPassword();
    await quiet("BackupMissing");
    await fires("BackupMissing");
    const { activeTargets } = await asked<{ activeTargets: { health: string; scrapeUrl: string }[] }>("targets");
    expect(activeTargets.filter(({ health }) => health !== "up").map(({ scrapeUrl }) => scrapeUrl)).toEqual([]);
    await Promise.all(QUORUM.map((host) => on(host, "systemctl start mesos-backup.service")));
    await quiet();

    const framework = await Framework.subscribe();
    await framework.launch("lost", A1, DIARY);
    // A new leader would not know yet whom it has lost.
    const leader = await leadingMaster();
    const [follower = ""] = QUORUM.filter((host) => host !== leader);
    const others = QUORUM.filter((host) => host !== follower);
    const marathon = SERVERS.map((host) => [host, "marathon"] as const);
    const broken = [
        [A1, "mesos-agent"],
        [A2, "prometheus-node-exporter"],
        [follower, "mesos-master"],
        [M1, "haproxy"],
        [M3, "pulumi-mesos-names"],
        [METRONOME_HOST, "metronome"],
    ] as const;
    await framework.launch("fails", A2, "sleep 3; exit 1");
    await changeMarathon("/v2/apps//e2e/stuck", "PUT", { cmd: "true", cpus: 100, mem: 32, user: "nobody" });
    await fires("AppNotServing", "TasksFailing");
    await changeMarathon("/v2/apps//e2e/stuck?force=true", "DELETE");
    await systemctl("stop", ...broken, ...marathon);
    await on(M2, "systemd-run --unit=mesos-e2e-fails false");
    // As old as a backup can be.
    const note = "/var/lib/prometheus/node-exporter/mesos_backup_zookeeper.prom";
    for (const host of QUORUM) await on(host, `test ! -e ${note} || sed -i 's/ [0-9]*$/ 1000/' ${note}`);
    await fires(
        ...["HostDown", "UnitFailed", "MasterDown", "AgentDown", "AgentsMissing"],
        ...["MarathonDown", "MarathonWithoutLeader", "FrameworkLost", "MetronomeDown", "MetronomeWithoutLeader"],
        ...["LoadBalancerDown", "NameServerDown", "BackupOld"],
    );
    await fires("TasksLost");
    await systemctl("stop", [M3, "pulumi-mesos-exporter"]);
    await fires("ExporterDown");
    await systemctl("start", [M3, "pulumi-mesos-exporter"]);

    await systemctl("stop", [follower, "zookeeper"]);
    await fires("ZooKeeperDown", "ZooKeeperBehind");

    // The registry of a master that begins with nothing, alone.
    await systemctl("stop", ...others.map((host) => [host, "mesos-master"] as const));
    await fires("MesosWithoutLeader");
    await systemctl("start", [follower, "zookeeper"]);
    const log = "/var/lib/mesos/master/replicated_log";
    await on(follower, `mv ${log} /var/tmp/ && systemctl start mesos-master`);
    await fires("RegistryNotRecovered");
    await on(follower, `systemctl stop mesos-master; rm -rf ${log}; mv /var/tmp/replicated_log ${log}`);
    await systemctl("start", ...QUORUM.map((host) => [host, "mesos-master"] as const));
    await systemctl("stop", [M1, "zookeeper"], [M2, "zookeeper"]);
    await fires("ZooKeeperWithoutLeader");

    await systemctl("start", [M1, "zookeeper"], [M2, "zookeeper"], ...broken, ...marathon);
    await on(M2, "systemctl reset-failed mesos-e2e-fails");
    await Promise.all(QUORUM.map((host) => on(host, "systemctl start mesos-backup.service")));
    await healthy();
    await quiet();
    await framework.teardown();
});

test("thresholds are the site's: Prometheus alone begins anew, and every rule that there is has fired", async () => {
    const lives = await invocations(HOSTS);
    declareSite({ diskFreePercent: 100, memoryFreePercent: 100, clockOffsetMs: 1, usedPercent: 0 });
    await up();
    expect(await invocations(HOSTS)).toEqual(lives);
    await fires("DiskFilling", "InodesFilling", "MemoryShort", "ClockOff", "ClusterFull");
    const { groups } = await asked<{ groups: { rules: { name: string }[] }[] }>("rules");
    const all = groups.flatMap(({ rules }) => rules.map(({ name }) => name));
    expect([...new Set(all)].filter((name) => !fired.has(name))).toEqual([]);
});
