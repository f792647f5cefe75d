import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planSite, planSiteWork, type SchedulerService } from "../../../site";
import { checkSchedulerChange } from "../../../site/change/schedulerChange";
import { changed, faultsOf, planOf, type Tree } from "./sites";

const frameworks = {
    marathon: { roles: ["services", "*"], users: ["www", "root"] },
    metronome: { roles: ["jobs"], users: ["nobody"] },
};

const site = (changes: Readonly<Record<string, unknown>> = {}): Tree =>
    changed({
        frameworks,
        "marathon members": ["bm[1-2]"],
        "metronome members": ["bm2", "bm3"],
        ...changes,
    });

const serverOf = (kind: string, host: string, tree = site()) => {
    const scheduler = planOf(tree).schedulers.find((one) => one.kind === kind);
    const member = scheduler?.members.find((one) => one.host === host);
    if (scheduler === undefined || member === undefined) throw new Error(`no ${kind} on ${host}`);
    return { scheduler, member };
};

test("a site that does not ask for them has neither", () => {
    expect(planOf(changed({})).schedulers).toEqual([]);
});

test("Marathon runs on each of its hosts with the site's masters, its own part of ZooKeeper, and generated secrets", () => {
    const { scheduler, member } = serverOf("marathon", "bm2");
    expect(scheduler.urls).toEqual(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
    expect(scheduler.login).toEqual({ user: "marathon", secret: "marathon-http" });
    const lines = (name: string): string[] | undefined =>
        member.files[`/etc/marathon/${name}`]?.content.split("\n").filter((line) => line.startsWith("MARATHON_"));
    // A preview shows the lines of a file without secrets only.
    expect(lines("marathon-secrets.env")).toEqual([
        "MARATHON_HTTP_CREDENTIALS=marathon:@@secret:marathon-http@@",
        "MARATHON_ZK=zk://marathon:@@secret:marathon-zookeeper@@@10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/marathon",
    ]);
    expect(member.files["/etc/marathon/marathon-secrets.env"]?.mode).toBe("0600");
    expect(member.files["/etc/marathon/marathon.env"]).toMatchObject({ mode: "0644", secrets: [] });
    expect(lines("marathon.env")).toEqual([
        "MARATHON_FAILOVER_TIMEOUT=604800",
        "MARATHON_FRAMEWORK_NAME=marathon",
        "MARATHON_HOSTNAME=10.0.0.2",
        "MARATHON_HTTP_PORT=8080",
        "MARATHON_MASTER=zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/mesos",
        "MARATHON_MESOS_AUTHENTICATION=",
        "MARATHON_MESOS_AUTHENTICATION_PRINCIPAL=marathon",
        "MARATHON_MESOS_AUTHENTICATION_SECRET_FILE=/etc/marathon/mesos-secret",
        "MARATHON_MESOS_ROLE=services",
        "MARATHON_MESOS_USER=www",
    ]);
    expect(member.files["/etc/marathon/mesos-secret"]).toMatchObject({
        content: "@@secret:principal-marathon@@",
        mode: "0600",
        owner: "marathon",
    });
    expect(member.units["marathon.service"]?.restartOn).toEqual(Object.keys(member.files).sort());
    expect(planOf(site()).secrets.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["marathon-zookeeper", "marathon-http", "metronome-zookeeper"]),
    );
});

test("Metronome is told by the names of its own environment", () => {
    const { scheduler, member } = serverOf("metronome", "bm3");
    expect(scheduler.login).toBeUndefined();
    const text = member.files["/etc/metronome/metronome.env"]?.content;
    expect(text).toContain("METRONOME_MESOS_AUTHENTICATION_ENABLED=true\n");
    expect(text).toContain("METRONOME_LEADER_ELECTION_HOSTNAME=10.0.0.3\n");
    expect(text).toContain("METRONOME_MESOS_ROLE=jobs\n");
    expect(member.files["/etc/metronome/metronome-secrets.env"]?.content).toContain(
        "METRONOME_ZK_URL=zk://metronome:@@secret:metronome-zookeeper@@@",
    );
});

test("further settings go through; a member that comes or goes changes no other member's files", () => {
    const more = site({ "marathon settings": { max_running_deployments: 50 }, "marathon features": ["gpu_resources"] });
    const text = serverOf("marathon", "bm1", more).member.files["/etc/marathon/marathon.env"]?.content;
    expect(text).toContain("MARATHON_MAX_RUNNING_DEPLOYMENTS=50\n");
    expect(text).toContain("MARATHON_ENABLE_FEATURES=gpu_resources\n");
    const three = site({ "marathon members": ["bm[1-3]"] });
    expect(serverOf("marathon", "bm1", three).member.files).toEqual(serverOf("marathon", "bm1").member.files);
});

test("apps and jobs are given to them, with the generated password and their role", () => {
    const root = mkdtempSync(join(tmpdir(), "schedulers-"));
    try {
        const planned = planSite(site());
        if ("issues" in planned) throw new Error(JSON.stringify(planned.issues));
        const result = planSiteWork(planned.site, planned.plan, root, {
            config: () => undefined,
            hasSecret: () => false,
        });
        expect(result).toMatchObject({
            work: {
                marathon: {
                    urls: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"],
                    user: "marathon",
                    passwordSecret: "marathon-http",
                    role: "services",
                    features: [],
                },
                metronome: { urls: ["http://10.0.0.2:9000", "http://10.0.0.3:9000"] },
            },
        });
    } finally {
        rmSync(root, { recursive: true });
    }
});

const existing = { urls: ["http://10.0.0.1:8080"] };

test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["both ways", { "marathon existing": existing }, "SCHEDULER_WHICH marathon"],
    ["neither way", { "marathon members": undefined, "marathon role": "x" }, "SCHEDULER_WHICH marathon"],
    ["no host", { "marathon members": [] }, "EMPTY marathon.members"],
    ["a host that is not there", { "marathon members": ["bm9"] }, "HOST_UNKNOWN marathon.members[0]"],
    ["a host twice", { "marathon members": ["bm1", "bm1"] }, "HOST_REUSED marathon.members[1]"],
    ["a principal of nobody", { "marathon principal": "marathom" }, "SCHEDULER_PRINCIPAL marathon.principal"],
    ["a role of others", { "marathon role": "jobs" }, "SCHEDULER_RIGHTS marathon.role"],
    ["a user of others", { "metronome user": "root" }, "SCHEDULER_RIGHTS metronome.user"],
    ["a setting that has a field", { "marathon settings": { zk: "x" } }, "FLAG_OWNED marathon.settings.zk"],
    ["a setting by its flag", { "marathon settings": { "--max-apps": 1 } }, "FLAG_NAME marathon.settings.--max-apps"],
    ["a line break", { "metronome settings": { x: "a\nb" } }, "FLAG_VALUE metronome.settings.x"],
    ["one state for both", { "metronome zkPath": "/marathon" }, "SCHEDULER_PATH metronome.zkPath"],
    ["one name for both", { "metronome frameworkName": "marathon" }, "SCHEDULER_NAME metronome.frameworkName"],
    ["one port for both", { "metronome port": 8080 }, "PORT_CLASH metronome.port"],
    ["the master's port", { "marathon port": 5050 }, "PORT_CLASH marathon.port"],
])("is refused: %s", (_, changes, expected) => {
    expect(faultsOf(site(changes)).map(({ code, path }) => `${code} ${path}`)).toEqual([expected]);
});

describe("what a framework that has registered cannot change", () => {
    const serviceOf = (changes: Readonly<Record<string, unknown>> = {}): SchedulerService =>
        serverOf("marathon", "bm1", site(changes)).member.service as SchedulerService;
    const refused = (changes: Readonly<Record<string, unknown>>, confirmed = false): string[] =>
        checkSchedulerChange(serviceOf(), serviceOf(changes), confirmed).map(({ code, path }) => `${code} ${path}`);

    test.each<[string, Readonly<Record<string, unknown>>, string[]]>([
        ["nothing", {}, []],
        ["what it may", { "marathon settings": { max_apps: 9 }, "marathon members": ["bm1"] }, []],
        [
            "its principal, and the user with it",
            { "marathon principal": "metronome" },
            ["SCHEDULER_FIXED marathon.principal", "SCHEDULER_FIXED marathon.user"],
        ],
        ["its user", { "marathon user": "root" }, ["SCHEDULER_FIXED marathon.user"]],
        [
            "its user by its principal's rights",
            { "frameworks marathon": { roles: ["services"], users: ["root"] } },
            ["SCHEDULER_FIXED marathon.user"],
        ],
        ["its path", { "marathon zkPath": "/other" }, ["SCHEDULER_FIXED marathon.zkPath"]],
    ])("%s", (_, changes, expected) => {
        expect(refused(changes)).toEqual(expected);
        expect(refused(changes, true)).toEqual([]);
    });
});
