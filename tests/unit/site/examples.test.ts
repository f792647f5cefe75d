/** The examples are such as a preview takes: no fault, no warning but those that are meant. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { planSite, planSiteWork, type WorkPlan } from "../../../site";
import { parseStack } from "../../../site/load";

const root = join(__dirname, "../../..");

function workOf(file: string): WorkPlan {
    const { config } = parseStack(readFileSync(join(root, file), "utf8"), "/home/admin");
    const result = planSite(config);
    if ("issues" in result) throw new Error(JSON.stringify(result.issues, undefined, 1));
    const work = planSiteWork(result.site, result.plan, root, {
        config: () => undefined,
        hasSecret: (name) => name === "github-token",
    });
    if ("issues" in work) throw new Error(JSON.stringify(work.issues, undefined, 1));
    expect([...result.plan.warnings, ...work.work.warnings]).toEqual([]);
    return work.work;
}

test("every stack file of the examples is looked at here", () => {
    const files = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" });
    expect(files.filter((name) => /Pulumi\..*\.yaml$/.test(name)).sort()).toEqual([
        "Pulumi.builds.yaml",
        "Pulumi.dds.yaml",
        "Pulumi.workloads.yaml",
        "services/Pulumi.services.yaml",
    ]);
});

test("DDS sessions", () => {
    expect(workOf("examples/Pulumi.dds.yaml").items).toEqual([]);
});

test("the builds", () => {
    const { builds, items, jobs } = workOf("examples/Pulumi.builds.yaml");
    expect(builds?.store.id).toBe("/builds/store");
    expect(builds?.jobs.map(({ name }) => name)).toEqual([
        "builds.daily.el9",
        "builds.daily.el9-arm",
        "builds.o2-tag.el9",
    ]);
    expect([items, jobs]).toEqual([[], []]);
});

test("the workloads", () => {
    expect(workOf("examples/Pulumi.workloads.yaml").quotas).toMatchObject([{ role: "workqueue" }]);
});

describe("the services", () => {
    const work = workOf("examples/services/Pulumi.services.yaml");
    test("are all there", () => {
        expect(work.items.map(({ id }) => id).sort()).toEqual([
            "/checkers/w0",
            "/checkers/w1",
            "/checkers/w2",
            "/checkers/w3",
            "/logs/elasticsearch",
            "/logs/kibana",
            "/store/repo",
            "/web/mirror",
            "/web/pages",
            "/web/status",
        ]);
        expect(work.jobs.map(({ name }) => name).sort()).toEqual(["nightly.curator", "nightly.mirror"]);
    });
    test("checkers have an index each, and change from the last to the first", () => {
        const checkers = work.items.filter(({ id }) => id.startsWith("/checkers/"));
        const order = checkers.map(({ name, after }) => [name, ...after]).sort();
        expect(order).toEqual([
            ["checkers/w0", "checkers/w1"],
            ["checkers/w1", "checkers/w2"],
            ["checkers/w2", "checkers/w3"],
            ["checkers/w3"],
        ]);
        expect(
            checkers.map(({ definition }) => (definition["env"] as { WORKER_INDEX: string }).WORKER_INDEX).sort(),
        ).toEqual(["0", "1", "2", "3"]);
    });
    test("the secret is asked of the stack, and in no plan", () => {
        expect(work.secrets).toContain("github-token");
    });
});
