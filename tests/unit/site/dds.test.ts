/** DDS sessions in a stack file: what hosts get, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../../frameworks/dds/config";
import { parseStack } from "../../../site/load";
import { changed, faultsOf, planOf, textOf, type Tree } from "./sites";

const example = (): Tree =>
    structuredClone(
        parseStack(readFileSync(join(__dirname, "../../../examples/Pulumi.dds.yaml"), "utf8"), "/home/admin").config,
    ) as Tree;
const codes = (changes: Readonly<Record<string, unknown>>): string[] =>
    faultsOf(changed(changes, example())).map(({ code, path }) => `${code} ${path}`);
const dds = planOf(example()).workloads.dds;

test("the framework's file is one that it takes, and secrets lie in files of its own user", () => {
    const text = textOf(dds?.members ?? [], "/etc/mesos-dds/config.json");
    expect(text).not.toContain("@@secret");
    expect(readConfig(text)).toMatchObject({
        zookeeper: "zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/dds",
        user: "dds",
        sessions: { reconstruction: { agents: 16, slots: 8, commander: "10.0.0.1" } },
        advertise: "10.0.0.1:9098",
    });
    const secret = Object.entries(dds?.members[0]?.files ?? {}).filter(([, { secrets }]) => secrets.length > 0);
    expect(secret.map(([path, { mode, owner }]) => [path, mode, owner])).toEqual([
        ["/etc/mesos-dds/mesos-secret", "0600", "dds"],
        ["/etc/mesos-dds/zookeeper-digest", "0600", "dds"],
    ]);
});

const root = "workloads dds";
const one = `${root} sessions reconstruction`;
const at = "workloads.dds.sessions.reconstruction";
test.each<[string, Record<string, unknown>, string]>([
    ["no instance", { [`${root} members`]: [] }, "EMPTY workloads.dds.members"],
    ["an unknown host", { [`${root} members`]: ["mesos9"] }, "HOST_UNKNOWN workloads.dds.members[0]"],
    ["a host twice", { [`${root} members`]: ["mesos1", "mesos1"] }, "HOST_REUSED workloads.dds.members[1]"],
    ["a principal of nobody's", { frameworks: {} }, "SCHEDULER_PRINCIPAL workloads.dds.principal"],
    ["the masters' port", { [`${root} port`]: 5050 }, "PORT_CLASH workloads.dds.port"],
    ["more agents than hosts", { [`${one} agents`]: 21 }, `DDS_ROOM ${at}.agents`],
    ["agents larger than a host", { [`${one} cpus`]: 31 }, `DDS_ROOM ${at}.agents`],
    ["no such hosts", { [`${one} attributes`]: { rack: "r9" } }, `DDS_ROOM ${at}.agents`],
    ["queues that two would share", { [`${one} agentsPerHost`]: 2 }, `DDS_QUEUES ${at}.agentsPerHost`],
    [
        "a secret in the environment",
        { [`${one} environment`]: { A_TOKEN: "x" } },
        `DDS_CONFIG ${at}.environment.A_TOKEN`,
    ],
    [
        "a submission's name",
        { [`${root} sessions r-1`]: { package: "/x", agents: 1 } },
        "DDS_CONFIG workloads.dds.sessions.r-1",
    ],
])("%s is refused", (_, changes, expected) => expect(codes(changes)).toContain(expected));

test("an unknown key is refused, with the one that was meant", () => {
    const faults = faultsOf(changed({ [`${one} agent`]: 3 }, example()));
    expect(faults.map(({ path }) => path)).toContain(`${at}.agent`);
});

test("two on a host, where each has queues of its own", () => {
    const isolation = ["cgroups/cpu", "cgroups/mem", "filesystem/linux", "namespaces/pid", "namespaces/ipc"];
    expect(codes({ "pools online isolation": isolation, [`${one} agentsPerHost`]: 2, [`${one} agents`]: 40 })).toEqual(
        [],
    );
});
