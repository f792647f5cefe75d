/** The site's own work in a stack file: what hosts get, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { campaignSchema, workFaults } from "../../../frameworks/campaign/declaration";
import { projectOf } from "../../../frameworks/campaign/run";
import { readConfig } from "../../../frameworks/workqueue/config";
import { parseStack } from "../../../site/load";
import { changed, faultsOf, openstackSection, planOf, textOf, type Tree, warningsOf } from "./sites";

const example = (): Tree =>
    structuredClone(
        parseStack(readFileSync(join(__dirname, "../../../examples/Pulumi.workloads.yaml"), "utf8"), "/home/admin")
            .config,
    ) as Tree;
const codes = (changes: Readonly<Record<string, unknown>>): string[] =>
    faultsOf(changed(changes, example())).map(({ code, path }) => `${code} ${path}`);

const plan = planOf(example());
const { workQueue, campaigns } = plan.workloads;

test("the framework's file is one that the framework takes, and holds no secret", () => {
    const text = textOf(workQueue?.members ?? [], "/etc/mesos-workqueue/config.json");
    expect(text).not.toContain("@@secret");
    expect(readConfig(text)).toMatchObject({
        masters: "zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/mesos",
        zookeeper: "zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/workqueue",
        role: "workqueue",
        user: "wq",
        principal: "workqueue",
        catalogs: ["10.0.0.3:9097"],
        advertise: "10.0.0.1:9099",
        passwordFile: "/etc/mesos-workqueue/password",
    });
});

test("secrets lie in files of the service's user that nobody else may read", () => {
    const files = workQueue?.members[0]?.files ?? {};
    const secret = Object.entries(files).filter(([, { secrets }]) => secrets.length > 0);
    expect(secret.map(([path, { mode, owner, secrets }]) => [path, mode, owner, ...secrets])).toEqual([
        ["/etc/mesos-workqueue/mesos-secret", "0600", "workqueue", "principal-workqueue"],
        ["/etc/mesos-workqueue/zookeeper-digest", "0600", "workqueue", "workqueue-zookeeper"],
        ["/etc/mesos-workqueue/password", "0600", "workqueue", "workqueue-password"],
    ]);
    expect(plan.secrets.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["workqueue-zookeeper", "workqueue-password"]),
    );
});

test("instances change one at a time, and any change of their files restarts them", () => {
    const [first] = workQueue?.members ?? [];
    expect(first?.rollout).toMatchObject({ tier: "workQueue", maxUnavailable: 1 });
    expect(first?.units["mesos-workqueue.service"]?.restartOn).toEqual(Object.keys(first?.files ?? {}).sort());
});

test("a catalog tells nobody of itself", () => {
    const unit = textOf(workQueue?.catalogs ?? [], "/etc/systemd/system/workqueue-catalog.service");
    expect(unit).toContain("--update-host=127.0.0.1");
});

test("campaigns' files are such as their program takes, and their projects get workers", () => {
    expect(campaigns.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["validation pass1", "production pilot"]);
    for (const { kind, name, member } of campaigns) {
        const text = textOf([member], `/etc/mesos-campaign/${kind}-${name}.json`);
        const read = campaignSchema.parse(JSON.parse(text));
        expect(workFaults(read.work)).toEqual([]);
        expect(read.dir).toBe(`/var/lib/mesos-campaign/${kind}-${name}`);
        expect(member.directories[read.dir]).toMatchObject({ owner: "workqueue" });
        expect(member.rollout.tier).toBe(`${kind}/${name}`);
        expect(projectOf(read)).toBe(`${kind}-${name}`);
    }
});

test("agents get the packages that tasks need", () => {
    expect(plan.pools[0]?.agents[0]?.packages.map(({ name }) => name)).toEqual(["mesos", "coop-computing-tools"]);
    const without = warningsOf(changed({ "pools relval packages": [] }, example()));
    expect(without.map(({ code }) => code)).toContain("WORKER_MISSING");
});

const queue = "workloads workQueue";

test("a role's weight without an end of its workers is warned of: nothing of theirs would ever be free", () => {
    const shares = {
        "frameworks workqueue roles": ["workqueue", "mc"],
        [`${queue} roles`]: { mc: "production-.*" },
        weights: { mc: 3 },
    };
    const warned = (more: object): string[] =>
        warningsOf(changed({ ...shares, ...more }, example())).flatMap(({ code, path }) =>
            code === "WEIGHT_WAITS" ? [path] : [],
        );
    expect(warned({})).toEqual(["weights.mc"]);
    expect(warned({ [`${queue} lifeSec`]: 3600 })).toEqual([]);
    expect(warned({ weights: { services: 3 } })).toEqual([]);
    const given = planOf(changed({ ...shares, [`${queue} lifeSec`]: 3600 }, example())).workloads.workQueue;
    expect(readConfig(textOf(given?.members ?? [], "/etc/mesos-workqueue/config.json"))).toMatchObject({
        role: "workqueue",
        roles: { mc: "production-.*" },
        lifeSec: 3600,
    });
});

const pilot = "workloads productions pilot";
const pass1 = "workloads validations pass1";
test.each<[string, Record<string, unknown>, string]>([
    ["no catalog", { [`${queue} catalog`]: {} }, "CATALOG_WHICH workloads.workQueue.catalog"],
    [
        "two kinds of catalog",
        { [`${queue} catalog existing`]: ["c:9097"] },
        "CATALOG_WHICH workloads.workQueue.catalog",
    ],
    ["no instance", { [`${queue} members`]: [] }, "EMPTY workloads.workQueue.members"],
    ["an unknown host", { [`${queue} members`]: ["mesos9"] }, "HOST_UNKNOWN workloads.workQueue.members[0]"],
    ["a host twice", { [`${queue} members`]: ["mesos1", "mesos[1-2]"] }, "HOST_REUSED workloads.workQueue.members[1]"],
    [
        "a range that cannot be read",
        { [`${queue} members`]: ["mesos[2-1]"] },
        "RANGE_SYNTAX workloads.workQueue.members[0]",
    ],
    ["a principal of nobody's", { frameworks: {} }, "SCHEDULER_PRINCIPAL workloads.workQueue.principal"],
    ["a role that is not its principal's", { [`${queue} role`]: "other" }, "SCHEDULER_RIGHTS workloads.workQueue.role"],
    ["a user that is not its principal's", { [`${queue} user`]: "root" }, "SCHEDULER_RIGHTS workloads.workQueue.user"],
    [
        "a role of a project's that is not its principal's",
        { [`${queue} roles`]: { mc: "production-.*" } },
        "SCHEDULER_RIGHTS workloads.workQueue.roles.mc",
    ],
    [
        "a pattern of a role's that is none",
        { [`${queue} roles`]: { workqueue: "(" } },
        "WORKQUEUE_CONFIG workloads.workQueue.roles.workqueue",
    ],
    ["a pattern that is none", { [`${queue} projects`]: "(" }, "WORKQUEUE_CONFIG workloads.workQueue.projects"],
    [
        "a secret in the environment",
        { [`${queue} environment`]: { API_TOKEN: "x" } },
        "WORKQUEUE_CONFIG workloads.workQueue.environment.API_TOKEN",
    ],
    [
        "a password for Docker's containerizer",
        { [`${queue} container`]: { image: "i" } },
        "WORKQUEUE_CONFIG workloads.workQueue.passwordFileOnAgents",
    ],
    ["the masters' port", { [`${queue} port`]: 5050 }, "PORT_CLASH workloads.workQueue.port"],
    ["ZooKeeper's port", { [`${queue} catalog port`]: 2181 }, "PORT_CLASH workloads.workQueue.catalog.port"],
    ["two campaigns on one port", { [`${pilot} port`]: 9123 }, "PORT_CLASH workloads.productions.pilot.port"],
    ["a campaign's unknown host", { [`${pilot} host`]: "store2" }, "HOST_UNKNOWN workloads.productions.pilot.host"],
    ["a campaign without Work Queue", { [queue]: undefined }, "WORKQUEUE_MISSING workloads.productions.pilot"],
    [
        "projects without workers",
        { [`${queue} projects`]: "alirelval_.*" },
        "CAMPAIGN_PROJECT workloads.productions.pilot",
    ],
    [
        "tasks that fit no worker",
        { [`${pilot} resources memMiB`]: 64000 },
        "CAMPAIGN_SIZE workloads.productions.pilot.resources",
    ],
    [
        "jobs that are all the same",
        { [`${pilot} command`]: "sim {output}" },
        "CAMPAIGN_WORK workloads.productions.pilot.command",
    ],
    [
        "what means nothing",
        { [`${pilot} command`]: "sim {seed} {out} {output}" },
        "CAMPAIGN_WORK workloads.productions.pilot.command",
    ],
    ["seeds beyond the last", { [`${pilot} seed`]: 899_999_999 }, "CAMPAIGN_WORK workloads.productions.pilot.seed"],
    ["an input twice", { [`${pass1} inputs`]: ["/a", "/a"] }, "CAMPAIGN_WORK workloads.validations.pass1.inputs[1]"],
    [
        "files of one name",
        { [`${pass1} files`]: ["/a/x", "/b/x"] },
        "CAMPAIGN_WORK workloads.validations.pass1.files[1]",
    ],
    [
        "a file with a campaign's own name",
        { [`${pass1} files`]: ["/a/task.sh"] },
        "CAMPAIGN_WORK workloads.validations.pass1.files[0]",
    ],
])("%s: refused", (_what, changes, expected) => {
    expect(codes(changes)).toContain(expected);
});

test("on a virtual machine the ports are open: of pages for everybody, of a manager for workers", () => {
    const vm = { kind: "openstack", flavor: "f", image: "i", address: "10.0.0.41", zone: "a" };
    const { openstack } = planOf(
        changed(
            {
                openstack: openstackSection(),
                "hosts vm1": vm,
                [`${queue} catalog hosts`]: ["vm1"],
                [`${queue} members`]: ["vm1"],
            },
            example(),
        ),
    );
    expect(openstack?.instances.map(({ host, securityGroups }) => [host, securityGroups])).toEqual([
        ["vm1", expect.arrayContaining([expect.stringMatching(/-workloads$/)])],
    ]);
    const rules = openstack?.securityGroups.find(({ name }) => name.endsWith("-workloads"))?.rules ?? [];
    const opened = [...new Set(rules.map(({ protocol, ports }) => `${protocol} ${ports[0]}`))];
    expect(opened).toEqual(expect.arrayContaining(["tcp 9097", "udp 9097", "tcp 9099"]));
});

test("two productions that would make the same events are refused, with where the second may begin", () => {
    const other = { ...(example()["workloads"] as { productions: { pilot: object } }).productions.pilot };
    const both = (seed: number): Tree =>
        changed({ "workloads productions more": { ...other, seed, port: 9125, statusPort: 9182 } }, example());
    expect(faultsOf(both(10_001))).toEqual([]);
    expect(faultsOf(both(10_000))).toMatchObject([
        { code: "SEEDS_OVERLAP", path: "workloads.productions.more.seed", fix: "begin at 10001 or later" },
    ]);
});
