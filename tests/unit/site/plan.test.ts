import type { HostSpec } from "../../../site";
import { expandHome, parseStack } from "../../../site/load";
import { pictureOf } from "../../../site/picture";
import { duration } from "../../../site/plan/files";
import { changed, openstackSection, planOf, smallSite, textOf, type Tree } from "./sites";

const masterEnv = (changes: Record<string, unknown>) =>
    textOf(planOf(changed(changes)).masters.members, "/etc/mesos/master.env");
const agentEnv = (changes: Record<string, unknown>) =>
    textOf(planOf(changed(changes)).pools[0]?.agents ?? [], "/etc/mesos/agent.env");

test.each<[string, Record<string, unknown>, string]>([
    ["more than half of the masters", {}, "MESOS_QUORUM=2"],
    [
        "whatever ZooKeeper's size",
        { "zookeeper members": { bm1: 1, bm2: 2, bm3: 3, bm4: 4, bm5: 5 } },
        "MESOS_QUORUM=2",
    ],
    ["of one master", { "masters members": ["bm1"] }, "MESOS_QUORUM=1"],
    ["as declared", { "masters quorum": 3 }, "MESOS_QUORUM=3"],
])("the quorum is %s", (_what, changes, line) => {
    expect(masterEnv(changes)).toContain(`${line}\n`);
});

test("masters say their declared address and name, whatever DNS thinks", () => {
    expect(masterEnv({})).toMatch(/MESOS_HOSTNAME=bm1\nMESOS_HOSTNAME_LOOKUP=false\n/);
    expect(masterEnv({})).toContain("MESOS_IP=10.0.0.1\n");
});

test("a fault domain is JSON in single quotes, which systemd takes literally", () => {
    expect(masterEnv({ domain: { region: "cern" } })).toContain(
        `MESOS_DOMAIN='{"fault_domain":{"region":{"name":"cern"},"zone":{"name":"a"}}}'\n`,
    );
});

test("raw flags go through", () => {
    expect(masterEnv({ "masters flags": { offer_timeout: "30secs" } })).toContain("MESOS_OFFER_TIMEOUT=30secs\n");
});

test("agents offer what is declared, each with its differences", () => {
    const plan = planOf(
        changed({
            "pools work attributes": { rack: "r1", size: 4 },
            "pools work overrides": {
                "bm[5-6]": { attributes: { size: 8 } },
                bm6: { resources: { cpus: 8, ports: ["53-53", "31000-32000"] } },
            },
        }),
    );
    const envs = plan.pools[0]?.agents.map(({ files }) => files["/etc/mesos/agent.env"]?.content ?? "") ?? [];
    const lines = envs.map((env) => env.split("\n").filter((line) => /^MESOS_(ATTRIBUTES|RESOURCES)=/.test(line)));
    expect(lines).toEqual([
        ["MESOS_ATTRIBUTES=rack:r1;size:4", "MESOS_RESOURCES=cpus:4;mem:4096;disk:10000;ports:[31000-32000]"],
        ["MESOS_ATTRIBUTES=rack:r1;size:8", "MESOS_RESOURCES=cpus:4;mem:4096;disk:10000;ports:[31000-32000]"],
        ["MESOS_ATTRIBUTES=rack:r1;size:8", "MESOS_RESOURCES=cpus:8;mem:4096;disk:10000;ports:[53-53,31000-32000]"],
    ]);
});

test("caches and images are on the data volume, not in /tmp", () => {
    const env = agentEnv({ "pools work dataDir": "/build/mesos" });
    expect(env).toContain("MESOS_WORK_DIR=/build/mesos/agent\n");
    expect(env).toContain("MESOS_FETCHER_CACHE_DIR=/build/mesos/fetcher\n");
    expect(env).toContain("MESOS_DOCKER_STORE_DIR=/build/mesos/store/docker\n");
    expect(env).not.toContain("/tmp");
});

const allHosts = (): HostSpec[] => {
    const plan = planOf(changed({ frameworks: { marathon: { roles: ["services"], users: ["root"] } } }));
    return [...plan.zookeeper.members, ...plan.masters.members, ...plan.pools.flatMap(({ agents }) => agents)];
};

test("no file that others may read has a secret, and every secret is listed", () => {
    const plan = planOf(smallSite());
    const known = new Set(plan.secrets.map(({ name }) => name));
    for (const { files } of allHosts())
        for (const { mode, content, secrets } of Object.values(files)) {
            if (content.includes("@@secret:")) expect(mode).toBe("0600");
            expect(secrets.length > 0).toBe(content.includes("@@secret:"));
            for (const name of secrets) expect(known.has(name) || name === "principal-marathon").toBe(true);
        }
});

test("no file holds what a missing value leaves behind", () => {
    for (const { files } of allHosts())
        for (const { content } of Object.values(files))
            expect(content).not.toMatch(/undefined|null|NaN|\[object|\{\{|\{%/);
});

test("every service is supervised and restarts for each of its files, and only for files that exist", () => {
    for (const { files, units } of allHosts())
        for (const [name, { restartOn, enabled, active }] of Object.entries(units)) {
            const text = files[`/etc/systemd/system/${name}`]?.content ?? "";
            expect(text).toContain("Restart=always\n");
            expect(text).toContain("StartLimitIntervalSec=0\n");
            expect([enabled, active]).toEqual([true, true]);
            expect(restartOn).toEqual(Object.keys(files).sort());
        }
});

test("tasks outlive a restart of the agent", () => {
    expect(textOf(planOf(smallSite()).pools[0]?.agents ?? [], "/etc/systemd/system/mesos-agent.service")).toContain(
        "KillMode=process\n",
    );
});

test("the ZooKeeper URL has no newline at its end: Mesos would take it for a part of the path", () => {
    expect(textOf(planOf(smallSite()).masters.members, "/etc/mesos/zk")).toBe(
        "zk://mesos:@@secret:zookeeper-digest@@@10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/mesos",
    );
});

test("a single ZooKeeper has no server lines; several have real addresses", () => {
    const single = textOf(
        planOf(changed({ "zookeeper members": { bm1: 1 } })).zookeeper.members,
        "/etc/zookeeper/conf/zoo.cfg",
    );
    expect(single).not.toMatch(/server\.|quorumListenOnAllIPs/);
    const three = textOf(planOf(smallSite()).zookeeper.members, "/etc/zookeeper/conf/zoo.cfg");
    expect(three).toContain("server.1=10.0.0.1:2888:3888\nserver.2=10.0.0.2:2888:3888\nserver.3=10.0.0.3:2888:3888\n");
    expect(three).not.toContain("0.0.0.0");
});

test("ACLs are closed; a framework gets its roles and users and nothing else", () => {
    const plan = planOf(changed({ frameworks: { marathon: { roles: ["services", "*"], users: ["root"] } } }));
    const acls = JSON.parse(textOf(plan.masters.members, "/etc/mesos/acls.json")) as Record<string, unknown[]>;
    expect(acls["permissive"]).toBe(false);
    const mine = Object.entries(acls).filter(([, list]) => JSON.stringify(list).includes('"marathon"'));
    expect(mine.map(([name]) => name)).toEqual([
        "create_volumes",
        "destroy_volumes",
        "register_frameworks",
        "reserve_resources",
        "resize_volumes",
        "run_tasks",
        "unreserve_resources",
    ]);
    expect(acls["register_frameworks"]).toEqual([
        { principals: { values: ["marathon"] }, roles: { values: ["services", "*"] } },
    ]);
    expect(acls["reserve_resources"]?.[1]).toEqual({
        principals: { values: ["marathon"] },
        roles: { values: ["services"] },
    });
    expect(acls["register_agents"]).toEqual([{ principals: { values: ["agent"] }, agents: { type: "ANY" } }]);
    expect(acls).not.toHaveProperty("set_quotas");
});

test("a new framework changes the masters' files and no agent's", () => {
    const before = planOf(smallSite());
    const after = planOf(changed({ frameworks: { marathon: { roles: ["services"], users: ["root"] } } }));
    expect(after.pools).toEqual(before.pools);
    expect(after.masters).not.toEqual(before.masters);
    const acls = JSON.parse(textOf(after.pools[0]?.agents ?? [], "/etc/mesos/agent-acls.json")) as Record<
        string,
        unknown
    >;
    // Without this the agent refuses every task (TASK_ERROR, REASON_TASK_UNAUTHORIZED): seen on a real Mesos 1.11.
    expect(acls["run_tasks"]).toEqual([{ principals: { type: "ANY" }, users: { type: "ANY" } }]);
});

test.each<[string, Record<string, unknown>, Partial<HostSpec>]>([
    [
        "apt",
        { distribution: { kind: "apt", package: "mesos", version: "1.11.0-2" } },
        { packages: [{ name: "mesos", version: "1.11.0-2" }], artifacts: [] },
    ],
    [
        "a tarball",
        { distribution: { kind: "tarball", source: "/m.tgz", sha256: "0".repeat(64) } },
        {
            packages: [],
            artifacts: [{ source: "/m.tgz", sha256: "0".repeat(64), kind: "tarball", prefix: "/opt/mesos" }],
        },
    ],
    [
        "a package file",
        { distribution: { kind: "package", source: "http://r/m.deb", sha256: "0".repeat(64) } },
        { packages: [], artifacts: [{ source: "http://r/m.deb", sha256: "0".repeat(64), kind: "package" }] },
    ],
    ["what is installed", { distribution: { kind: "installed" } }, { packages: [], artifacts: [] }],
])("Mesos comes from %s", (_what, changes, expected) => {
    expect(planOf(changed(changes)).masters.members[0]).toMatchObject(expected);
});

test("a tarball's programs are found under its prefix", () => {
    const plan = planOf(changed({ distribution: { kind: "tarball", source: "/m.tgz", sha256: "0".repeat(64) } }));
    expect(textOf(plan.masters.members, "/etc/systemd/system/mesos-master.service")).toContain(
        " /opt/mesos/sbin/mesos-master\n",
    );
    expect(textOf(plan.pools[0]?.agents ?? [], "/etc/mesos/agent.env")).toContain(
        "MESOS_LAUNCHER_DIR=/opt/mesos/libexec/mesos\n",
    );
});

test("an apt repository is a file, and no reason to restart", () => {
    const [master] = planOf(changed({ "distribution repository": "deb http://r ./" })).masters.members;
    expect(master?.files["/etc/apt/sources.list.d/mesos.list"]?.content).toBe("deb http://r ./\n");
    expect(master?.units["mesos-master.service"]?.restartOn).not.toContain("/etc/apt/sources.list.d/mesos.list");
});

test.each<[string, Record<string, unknown>, string]>([
    ["Apache Mesos needs v1", {}, "v1"],
    ["clusterd needs v2", { "distribution flavour": "clusterd" }, "v2"],
    [
        "without cgroups either will do",
        { "pools work launcher": "posix", "pools work isolation": ["posix/cpu", "posix/mem"] },
        "any",
    ],
])("cgroups: %s", (_what, changes, cgroup) => {
    expect(planOf(changed(changes)).pools[0]?.agents[0]?.preflight.cgroup).toBe(cgroup);
});

test("parts that others run are used, not planned, and their secrets are given", () => {
    const plan = planOf(
        changed({
            zookeeper: { existing: { servers: ["zk1:2181", "zk2:2181"] } },
            masters: { existing: { addresses: { m1: "10.9.0.1" } } },
        }),
    );
    expect(plan.zookeeper).toEqual({ members: [], connect: "zk1:2181,zk2:2181" });
    expect(plan.masters.members).toEqual([]);
    expect(plan.masters.endpoints).toEqual([{ name: "m1", address: "10.9.0.1", port: 5050 }]);
    expect(textOf(plan.pools[0]?.agents ?? [], "/etc/mesos/agent-zk")).toContain("@zk1:2181,zk2:2181/mesos");
    expect(plan.secrets.filter(({ given }) => given).map(({ name }) => name)).toEqual([
        "zookeeper-digest",
        "principal-operator",
        "principal-agent",
    ]);
});

test("only machines that something runs on are made", () => {
    const vm = { kind: "openstack", flavor: "f", zone: "a" };
    const plan = planOf(
        changed({
            openstack: openstackSection(),
            "hosts vm[1-2]": { ...vm, address: "10.1.0.[1-2]" },
            "pools work hosts": ["bm[4-6]", "vm1"],
        }),
    );
    expect(plan.instances.map(({ host }) => host)).toEqual(["vm1"]);
});

/** The same file with every map written the other way round. */
function reversed(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
        Object.entries(value)
            .reverse()
            .map(([key, inner]) => [key, reversed(inner)]),
    );
}

test("the plan does not depend on the order of maps: the engine sorts them", () => {
    const site = () =>
        changed({
            "pools work attributes": { z: 1, a: 2 },
            "pools work overrides": { bm5: { resources: { cpus: 2 } }, "bm[4-6]": { resources: { cpus: 1 } } },
            "pools other": { hosts: [], resources: { cpus: 1, memMiB: 512, diskMiB: 100 } },
            frameworks: { b: {}, a: {} },
        });
    const plan = planOf(site());
    expect(JSON.stringify(planOf(reversed(site()) as Tree))).toBe(JSON.stringify(plan));
    const cpus = plan.pools[1]?.agents.map(({ service }) => service.kind === "mesosAgent" && service.resources.cpus);
    expect(cpus).toEqual([1, 2, 1]);
});

test("planning 10,000 agents takes seconds, not minutes", () => {
    const started = performance.now();
    const plan = planOf(
        changed({
            "hosts n[00001-10000]": { kind: "bareMetal", address: "n[00001-10000].example.org" },
            "pools large": { hosts: ["n[00001-10000]"], resources: { cpus: 8, memMiB: 8192, diskMiB: 10000 } },
        }),
    );
    expect(plan.pools[0]?.agents).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(20_000);
});

test.each([
    [0, "0secs"],
    [90, "90secs"],
    [300, "5mins"],
    [604800, "168hrs"],
])("%i seconds are %s", (sec, text) => {
    expect(duration(sec)).toBe(text);
});

test("the picture shows quorum hosts by zone and the pools", () => {
    const picture = pictureOf(planOf(smallSite()));
    expect(picture).toContain('host_bm1["bm1<br/>ZooKeeper 1<br/>Mesos master"]');
    expect(picture).toContain('subgraph pool_work["pool work: 12 CPUs"]');
});

test("~ in ssh's paths is the home directory, elsewhere it stays", () => {
    expect(expandHome({ ssh: { privateKeyFile: "~/.ssh/k" }, a: ["~/b"] }, "/home/me")).toEqual({
        ssh: { privateKeyFile: "/home/me/.ssh/k" },
        a: ["~/b"],
    });
});

test("a fault is found again in the file by its line", () => {
    const stack = parseStack(
        'config:\n  pulumi-mesos:site:\n    cluster: x\n    hosts:\n      "bm[1-2]":\n        address: a\n',
    );
    expect(stack.lineOf('hosts["bm[1-2]"].address')).toBe(6);
    expect(stack.lineOf("cluster")).toBe(3);
    expect(stack.lineOf('hosts["bm[1-2]"].zone')).toBe(6);
});

test("a file that is no YAML, or has no site, says so", () => {
    expect(parseStack("a: [").issues[0]?.code).toBe("YAML");
    expect(parseStack("config: {}\n").issues).toEqual([
        {
            code: "SITE_MISSING",
            path: 'config["pulumi-mesos:site"]',
            message: "the stack file declares no site",
            fix: "see README.md for the shortest one",
        },
    ]);
});
