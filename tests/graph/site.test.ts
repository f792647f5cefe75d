/** The resources of whole sites, by Pulumi's mocks: what there is, under which name, and what waits for what. */
import { register, type Registered, siteOf } from "./register";

const names = (all: readonly Registered[], type: string) =>
    all
        .filter((one) => one.type === type)
        .map(({ name }) => name)
        .sort();

describe("the lab's site", () => {
    let all: Registered[];
    beforeAll(async () => (all = await register(siteOf("lab/Pulumi.lab.yaml"))));

    test("has one HostConfig for each service on each host", () => {
        expect(names(all, "mesos:index:HostConfig")).toEqual([
            "agent-bm4",
            "agent-bm5",
            "agent-bm6",
            "master-bm1",
            "master-bm2",
            "master-bm3",
            "zookeeper-bm1",
            "zookeeper-bm2",
            "zookeeper-bm3",
        ]);
    });

    test("has one component each for the ensemble, the masters and every pool", () => {
        const components = all
            .filter(({ type }) => type.startsWith("pulumi-mesos:"))
            .map(({ type, name }) => `${type} ${name}`);
        expect(components.sort()).toEqual([
            "pulumi-mesos:mesos:AgentPool build",
            "pulumi-mesos:mesos:AgentPool relval",
            "pulumi-mesos:mesos:MesosMasters masters",
            "pulumi-mesos:shared:SiteSecrets secrets",
            "pulumi-mesos:zookeeper:ZooKeeperEnsemble zookeeper",
        ]);
    });

    test("has no mark of a secret left in any file, and no secret outside of files that only root may read", () => {
        for (const { name, inputs } of all.filter(({ type }) => type === "mesos:index:HostConfig")) {
            const files = inputs["files"] as Record<string, { content: string; mode: string }>;
            for (const [path, { content, mode }] of Object.entries(files)) {
                expect(`${name} ${path} ${content}`).not.toContain("@@secret:");
                if (content.includes("value-of-")) {
                    expect(`${path} ${mode}`).toMatch(/ 06[04]0$/);
                }
            }
        }
    });
});

test("the production site's resources keep their names: each is an address in the state", async () => {
    const all = await register(siteOf("Pulumi.prod.yaml"));
    expect(all.map(({ type, name }) => `${type} ${name}`).sort()).toMatchSnapshot();
}, 60_000);

describe("parts that others own", () => {
    const attached = () => ({
        ...siteOf("lab/Pulumi.lab.yaml"),
        zookeeper: { existing: { servers: ["zk1.example.org:2181"] } },
        masters: { existing: { addresses: { other1: "10.9.9.1" } } },
    });
    const secretNames = [
        "zookeeper-digest",
        "principal-operator",
        "principal-agent",
        "principal-marathon",
        "principal-tester",
    ];
    const given = Object.fromEntries(secretNames.map((name) => [`pulumi-mesos:${name}`, `given-${name}`]));

    test("are attached to, not made", async () => {
        const all = await register(attached(), given);
        expect(names(all, "mesos:index:HostConfig")).toEqual(["agent-bm4", "agent-bm5", "agent-bm6"]);
        expect(names(all, "pulumi-mesos:mesos:MesosMasters")).toEqual([]);
    });

    test("fail without the secrets that they accept, and all of these are named", async () => {
        await expect(register(attached())).rejects.toThrow(
            /--secret zookeeper-digest\n[^]*--secret principal-operator\n[^]*--secret principal-agent/,
        );
    });
});

test("a secret that the stack's configuration gives is used, not generated", async () => {
    const all = await register(siteOf("lab/Pulumi.lab.yaml"), { "pulumi-mesos:principal-agent": "given-by-hand" });
    expect(names(all, "mesos:index:GeneratedSecret")).not.toContain("principal-agent");
    expect(JSON.stringify(all.find(({ name }) => name === "agent-bm4"))).toContain("given-by-hand");
});

test("a site with faults registers nothing and names them all", async () => {
    const lab = siteOf("lab/Pulumi.lab.yaml");
    const broken = { ...lab, cluster: "Not A Name", masters: { members: ["bm1", "bm9"] } };
    await expect(register(broken)).rejects.toThrow(/cluster[^]*masters\.members/);
});
