/**
 * What the stack files of this repository come to, as text. A change here is a change on every host of those sites: read the
 * diff as an administrator would, then `npx jest --selectProjects golden -u`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { formatIssues, planSite, type HostSpec, type SitePlan } from "../../site";
import { referenceText } from "../../site/generate/reference";
import { stackSchemaText } from "../../site/generate/stackSchema";
import { parseStack } from "../../site/load";
import { pictureOf } from "../../site/picture";
import { summaryOf } from "../../site/summary";
import { page } from "./page";

const root = join(__dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

function planOf(path: string): SitePlan {
    const { config } = parseStack(read(path), "/home/admin");
    const result = planSite(config);
    if ("issues" in result) throw new Error(formatIssues(result.issues));
    return result.plan;
}

/** The first host of each service; the others differ by what the next test shows. */
const firsts = ({ zookeeper, masters, pools }: SitePlan) =>
    [zookeeper.members[0], masters.members[0], ...pools.map(({ agents }) => agents[0])].filter(
        (host) => host !== undefined,
    );

/** Lines of a host's files that its tier's first host does not have. */
function differences(host: HostSpec, first: HostSpec): string[] {
    return Object.entries(host.files).flatMap(([path, { content }]) => {
        const known = new Set(first.files[path]?.content.split("\n"));
        return content.split("\n").flatMap((line) => (known.has(line) ? [] : [`${path}: ${line}`]));
    });
}

describe.each([
    ["lab", "lab/Pulumi.lab.yaml"],
    ["prod", "Pulumi.prod.yaml"],
])("%s", (_name, path) => {
    const plan = planOf(path);

    test("the first host of each service", () => {
        for (const host of firsts(plan)) expect(page(host)).toMatchSnapshot(`${host.rollout.tier} ${host.host}`);
    });

    test("how the other hosts of a tier differ", () => {
        const tiers = [plan.zookeeper.members, plan.masters.members, ...plan.pools.map(({ agents }) => agents)];
        const found = tiers.flatMap(([first, ...others]) =>
            first ? others.map((host) => [host.host, differences(host, first)] as const) : [],
        );
        expect(Object.fromEntries(found.map(([host, lines], index) => [`${index} ${host}`, lines]))).toMatchSnapshot();
    });

    test("hosts, machines, secrets, endpoints", () => {
        expect(summaryOf(plan)).toMatchSnapshot("summary");
        expect(plan.instances).toMatchSnapshot("instances");
        expect(plan.secrets).toMatchSnapshot("secrets");
        expect(plan.endpoints).toMatchSnapshot("endpoints");
        expect(plan.frameworks).toMatchSnapshot("frameworks");
    });

    test("the picture", () => {
        expect(pictureOf(plan)).toMatchSnapshot();
    });

    test("nothing to warn of", () => {
        expect(plan.warnings).toEqual([]);
    });
});

test("the site's own work: what the hosts of the example get", () => {
    const { workQueue, campaigns } = planOf("examples/Pulumi.workloads.yaml").workloads;
    const hosts = [workQueue?.catalogs[0], workQueue?.members[0], ...campaigns.map(({ member }) => member)];
    for (const host of hosts.filter((one) => one !== undefined))
        expect(page(host)).toMatchSnapshot(`${host.rollout.tier} ${host.host}`);
    expect(workQueue?.members.map((host) => [host.host, differences(host, hosts[1] ?? host)])).toMatchSnapshot();
});

test("DDS sessions: what the hosts of the example get", () => {
    const [first, second] = planOf("examples/Pulumi.dds.yaml").workloads.dds?.members ?? [];
    if (first === undefined || second === undefined) throw new Error("the example has two instances");
    expect(page(first)).toMatchSnapshot("first");
    expect([second.host, differences(second, first)]).toMatchSnapshot("second");
});

test("the ALICE site: three masters in three zones, about 500 cores, pets protected", () => {
    const plan = planOf("Pulumi.prod.yaml");
    const [master] = plan.masters.members;
    expect(master?.service.kind === "mesosMaster" && master.service.members.map(({ zone }) => zone)).toEqual([
        "cern-geneva-a",
        "cern-geneva-b",
        "cern-geneva-c",
    ]);
    const agents = plan.pools.flatMap((pool) => pool.agents);
    const cpus = agents.reduce(
        (sum, { service }) => sum + (service.kind === "mesosAgent" ? service.resources.cpus : 0),
        0,
    );
    expect(cpus).toBeGreaterThan(450);
    expect(cpus).toBeLessThan(600);
    expect(agents.filter(({ protect }) => protect).map(({ host }) => host)).toEqual([
        "alibuild03",
        "alibuild09",
        "alijenkins01",
    ]);
    expect(read("Pulumi.prod.yaml").split("\n").length).toBeLessThan(150);
});

test.each([
    ["schema/site.schema.json", stackSchemaText],
    ["docs/reference.md", referenceText],
])("%s is what the schema makes of it (else: npm run generated)", (path, make) => {
    expect(read(path)).toBe(make());
});
