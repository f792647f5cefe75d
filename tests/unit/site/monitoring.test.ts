/** `monitoring` in a stack file: what hosts get, what is watched, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { RuleGroup } from "../../../site/plan/alerts";
import { servicesOf } from "../../../site/plan/services";
import { changed, faultsOf, openstackSection, planOf, textOf, warningsOf } from "./sites";

const SETTINGS = "/etc/pulumi-mesos/exporter.json";
const CONFIG = "/etc/prometheus/prometheus.yml";
const RULES = "/etc/prometheus/pulumi-mesos.rules.yml";

const whole = {
    monitoring: { hosts: ["bm3"], alertmanagers: ["10.0.0.9:9093"] },
    marathon: { members: ["bm[1-2]"] },
    loadBalancer: { hosts: ["bm[1-2]"] },
    discovery: { hosts: ["bm3"] },
    frameworks: { marathon: { roles: ["services"], users: ["root"] } },
};

interface Config {
    readonly scrape_configs: readonly {
        readonly job_name: string;
        readonly static_configs: readonly { readonly targets: string[]; readonly labels: Record<string, string> }[];
    }[];
    readonly alerting?: unknown;
}

const configOf = (changes: object = whole): Config =>
    parse(textOf(planOf(changed({ ...changes })).monitoring?.monitors ?? [], CONFIG)) as Config;
const rulesOf = (changes: object = whole) =>
    (parse(textOf(planOf(changed({ ...changes })).monitoring?.monitors ?? [], RULES)) as { groups: RuleGroup[] })
        .groups;

test("everything that the site declares is looked at, under its host's name", () => {
    const jobs = Object.fromEntries(
        configOf().scrape_configs.map(({ job_name: job, static_configs: configs }) => [
            job,
            configs.map(({ labels }) => labels["instance"]),
        ]),
    );
    expect(jobs).toEqual({
        node: ["bm1", "bm2", "bm3", "bm4", "bm5", "bm6"],
        zookeeper: ["bm1", "bm2", "bm3"],
        "mesos-master": ["bm1", "bm2", "bm3"],
        "mesos-agent": ["bm4", "bm5", "bm6"],
        marathon: ["bm1", "bm2"],
        "load-balancer": ["bm1", "bm2"],
        "name-server": ["bm3"],
    });
    const { monitoring } = planOf(changed(whole));
    const asked = JSON.parse(textOf(monitoring?.monitors ?? [], SETTINGS)) as { jobs: Record<string, unknown[]> };
    expect(Object.keys(asked.jobs).sort()).toEqual(
        Object.keys(jobs)
            .filter((job) => job !== "node")
            .sort(),
    );
});

test("it is told as whom to ask, and may read metrics only; its passwords are its own", () => {
    const plan = planOf(changed(whole));
    const [monitor] = plan.monitoring?.monitors ?? [];
    expect(monitor?.files["/etc/pulumi-mesos/exporter-mesos"]).toMatchObject({
        content: "@@secret:principal-monitor@@",
        mode: "0600",
        owner: "pulumi-mesos",
    });
    expect(monitor?.files["/etc/pulumi-mesos/exporter-marathon"]?.secrets).toEqual(["marathon-http"]);
    expect(JSON.stringify(monitor?.files[SETTINGS])).not.toContain("@@secret");
    const acls = JSON.parse(textOf(plan.masters.members, "/etc/mesos/acls.json")) as Record<string, unknown[]>;
    const granted = Object.entries(acls).filter(([, list]) => JSON.stringify(list).includes('"monitor"'));
    expect(granted).toEqual([
        [
            "get_endpoints",
            expect.arrayContaining([{ principals: { values: ["monitor"] }, paths: { values: ["/metrics/snapshot"] } }]),
        ],
    ]);
});

test("without `monitoring` nobody has the principal, and no host gets anything", () => {
    const plan = planOf(changed({}));
    expect(plan.monitoring).toBeUndefined();
    expect(plan.secrets.map(({ name }) => name)).not.toContain("principal-monitor");
    expect(JSON.stringify(servicesOf(plan))).not.toContain("monitor");
});

test("without HTTP authentication nobody is asked for a password", () => {
    const plan = planOf(
        changed({
            ...whole,
            "authentication http": false,
            marathon: undefined,
            loadBalancer: undefined,
            discovery: undefined,
        }),
    );
    expect(plan.secrets.map(({ name }) => name)).not.toContain("principal-monitor");
    expect(textOf(plan.monitoring?.monitors ?? [], SETTINGS)).not.toContain("login");
});

test("every rule has a name of its own in its group, a severity, and a runbook that there is", () => {
    const rules = rulesOf({ ...whole, backup: { recipients: [`age1${"q".repeat(58)}`], timer: { to: "/srv/b" } } });
    const all = rules.flatMap((group) => group.rules);
    expect(all.length).toBeGreaterThan(25);
    for (const { annotations, labels, for: time } of all) {
        expect(["check", "masters", "agents", "rescue", "storage", "backup"]).toContain(
            /^docs\/runbooks\/(\w+)\.md$/.exec(annotations.runbook)?.[1],
        );
        expect(labels.cluster).toBe("small");
        expect(time).toBe("60s");
    }
    expect(rules.map(({ name }) => name)).toContain("backup");
    const page = readFileSync(join(__dirname, "..", "..", "..", "docs", "monitoring.md"), "utf8");
    expect(all.map(({ alert }) => alert).filter((alert) => !page.includes(`\`${alert}\``))).toEqual([]);
});

test("what is not there is not missed: no rules for services that the site does not have", () => {
    const names = rulesOf({ monitoring: { hosts: ["bm3"] } }).flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(names.filter((name) => /Marathon|Metronome|Balancer|Backup|App/.test(name))).toEqual([]);
    const agents = rulesOf({
        monitoring: { hosts: ["bm3"] },
        "pools spare": { hosts: [], resources: { cpus: 1, memMiB: 64, diskMiB: 10 } },
    });
    expect(JSON.stringify(agents)).toContain("mesos_master_slaves_active < 3");
});

test("a drained host is not missed", () => {
    const rules = rulesOf({ monitoring: { hosts: ["bm3"] }, "pools work overrides": { bm4: { state: "drained" } } });
    expect(JSON.stringify(rules)).toContain("mesos_master_slaves_active < 2");
});

test("a virtual machine lets in who watches it, and nobody else", () => {
    const site = changed({
        openstack: openstackSection(),
        monitoring: { hosts: ["bm3"] },
    });
    site["hosts"] = {
        ...(site["hosts"] as object),
        vm1: {
            kind: "openstack",
            zone: "a",
            flavor: "m1.small",
            image: "i",
            keyPair: "k",
            project: "p",
            address: "10.0.0.21",
        },
    };
    (site["pools"] as Record<string, unknown>)["cloud"] = {
        hosts: ["vm1"],
        resources: { cpus: 1, memMiB: 512, diskMiB: 100 },
    };
    const groups = planOf(site).openstack?.securityGroups ?? [];
    const from = (name: string, port: number) =>
        groups
            .find((group) => group.name === `small-${name}`)
            ?.rules.filter(({ ports }) => ports[0] === port)
            .map(({ remote }) => remote);
    expect(from("hosts", 9100)).toEqual([{ cidr: "10.0.0.3/32" }, { cidr: "10.9.0.0/16" }]);
    expect(from("agents", 5051)).toContainEqual({ cidr: "10.0.0.3/32" });
});

test.each([
    ["no hosts", { monitoring: { hosts: [] } }, "EMPTY monitoring.hosts"],
    ["a host twice", { monitoring: { hosts: ["bm3", "bm[3-4]"] } }, "HOST_REUSED monitoring.hosts[1]"],
    ["a host that is not there", { monitoring: { hosts: ["bm9"] } }, "HOST_UNKNOWN monitoring.hosts[0]"],
    ["a port that Mesos has", { monitoring: { hosts: ["bm3"], port: 5050 } }, "PORT_CLASH"],
    [
        "a port of the node exporter that ZooKeeper has",
        { monitoring: { hosts: ["bm4"], nodeExporterPort: 2181 } },
        "PORT_CLASH",
    ],
    [
        "a port that tasks are offered",
        { monitoring: { hosts: ["bm3"], nodeExporterPort: 31500 } },
        "PORTS_TAKEN pools.work.resources.ports",
    ],
    [
        "a wait shorter than a look",
        { monitoring: { hosts: ["bm3"], everySec: 60, alerts: { forSec: 30 } } },
        "MONITORING_FOR monitoring.alerts.forSec",
    ],
    [
        "the monitor's own principal",
        { monitoring: { hosts: ["bm3"] }, frameworks: { monitor: { roles: ["a"] } } },
        "PRINCIPAL_RESERVED frameworks.monitor",
    ],
    [
        "an Alertmanager without a port",
        { monitoring: { hosts: ["bm3"], alertmanagers: ["http://am"] } },
        "monitoring.alertmanagers[0]",
    ],
])("%s is refused", (_what, changes, wanted) => {
    expect(
        faultsOf(changed(changes))
            .map(({ code, path }) => `${code} ${path}`)
            .join("\n"),
    ).toContain(wanted);
});

test("alerts that nobody is told of are worth a word", () => {
    expect(warningsOf(changed({ monitoring: { hosts: ["bm3"] } })).map(({ code }) => code)).toContain(
        "MONITORING_SILENT",
    );
    expect(warningsOf(changed(whole)).map(({ code }) => code)).not.toContain("MONITORING_SILENT");
});
