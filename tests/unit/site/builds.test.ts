/** Release builds in a stack file: what hosts and schedulers get, and what is refused. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, storeSchema } from "../../../frameworks/builds/declaration";
import { planSite, planSiteWork, type WorkPlan } from "../../../site";
import { parseStack } from "../../../site/load";
import { markOf } from "../../../site/plan/builds";
import { changed, faultsOf, planOf, type Tree, warningsOf } from "./sites";

const example = (): Tree =>
    structuredClone(
        parseStack(readFileSync(join(__dirname, "../../../examples/Pulumi.builds.yaml"), "utf8"), "/home/admin").config,
    ) as Tree;

function workOf(site: Tree): WorkPlan | readonly string[] {
    const result = planSite(site);
    if ("issues" in result) return result.issues.map(({ code, path }) => `${code} ${path}`);
    const work = planSiteWork(result.site, result.plan, "/", { config: () => undefined, hasSecret: () => false });
    return "issues" in work ? work.issues.map(({ code, path }) => `${code} ${path}`) : work.work;
}

function planned(site: Tree): NonNullable<WorkPlan["builds"]> {
    const work = workOf(site);
    if ("builds" in work && work.builds !== undefined) return work.builds;
    throw new Error(JSON.stringify(work));
}

interface JobDefinition {
    readonly run: {
        readonly env: { readonly MESOS_BUILD: string };
        readonly placement: { readonly constraints: readonly unknown[] };
        readonly [field: string]: unknown;
    };
}

const jobOf = (site: Tree, name: string): JobDefinition =>
    planned(site).jobs.find((job) => job.name === name)?.definition as unknown as JobDefinition;

test("a job's variable is such as its program takes, and holds no secret", () => {
    const { run } = jobOf(example(), "builds.daily.el9");
    expect(run).toMatchObject({ cpus: 20, mem: 40_000, disk: 200_000, user: "builder" });
    expect(buildSchema.parse(JSON.parse(run.env.MESOS_BUILD))).toMatchObject({
        name: "daily.el9",
        architecture: "slc9_x86-64",
        jobs: 20,
        packages: ["O2"],
        store: {
            rsync: "10.0.0.21:8730",
            url: "http://10.0.0.21:8731",
            passwordFile: "/etc/mesos-builds/password",
        },
        mirror: { url: "git://10.0.0.21:9418", dir: "/var/lib/mesos-builds" },
    });
    expect(run.env.MESOS_BUILD).not.toContain("@@secret");
});

test("the store looks after what has a schedule, where it can ask Metronome", () => {
    const patrol = (changes: Readonly<Record<string, unknown>>): unknown => {
        const { env } = planned(changed(changes, example())).store.definition as {
            env: { MESOS_BUILDS_STORE: string };
        };
        return storeSchema.parse(JSON.parse(env.MESOS_BUILDS_STORE)).patrol;
    };
    const jobs = (JSON.parse(JSON.stringify(patrol({}))) as { jobs: { job: string }[] }).jobs.map(({ job }) => job);
    expect(jobs).toEqual(
        planned(example()).jobs.flatMap(({ name, schedule }) => (schedule === undefined ? [] : [name])),
    );
    expect(jobs.length).toBeGreaterThan(0);
    const metronome = (existing: object): Record<string, unknown> => ({
        metronome: { existing: { urls: ["https://m1:9443"], ...existing } },
    });
    expect(patrol(metronome({}))).toMatchObject({ urls: ["https://m1:9443"], jobs: [{ startWithinSec: 7200 }, {}] });
    expect(patrol(metronome({ user: "admin", passwordSecret: "word" }))).toBeUndefined();
});

test("a build runs in its builder's pool alone, by its schedule where it has one, and never twice at once", () => {
    expect(jobOf(example(), "builds.daily.el9-arm").run.placement.constraints).toEqual([
        { attribute: "architecture", operator: "IS", value: "slc9_aarch64" },
    ]);
    const schedules = planned(example()).jobs.map(({ name, schedule }) => [name, schedule]);
    expect(schedules).toEqual([
        ["builds.daily.el9", expect.objectContaining({ cron: "0 1 * * *", concurrencyPolicy: "FORBID" })],
        ["builds.daily.el9-arm", expect.objectContaining({ timezone: "Europe/Zurich" })],
        ["builds.o2-tag.el9", undefined],
    ]);
});

test("the store is one instance on its host, which a change replaces instead of doubling", () => {
    const { definition } = planned(example()).store;
    expect(definition).toMatchObject({
        constraints: [["hostname", "LIKE", "store1"]],
        instances: 1,
        upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    });
    const { MESOS_BUILDS_STORE = "" } = definition["env"] as Record<string, string>;
    expect(storeSchema.parse(JSON.parse(MESOS_BUILDS_STORE))).toMatchObject({ dir: "/srv/builds", keepRuns: 50 });
});

test("hosts get programs, folders and the password where only the builds' user reads it; others get nothing", () => {
    const plan = planOf(example());
    const specs = Object.fromEntries(plan.pools.flatMap(({ agents }) => agents.map((agent) => [agent.host, agent])));
    const { store1, build01 } = specs;
    const secrets = (spec: typeof store1): unknown[] =>
        Object.entries(spec?.files ?? {})
            .filter(([path]) => path.startsWith("/etc/mesos-builds/"))
            .map(([path, { mode, owner, secrets: names }]) => [path, mode, owner, ...names]);
    expect(secrets(build01)).toEqual([["/etc/mesos-builds/password", "0600", "builder", "builds-password"]]);
    expect(secrets(store1)).toEqual([["/etc/mesos-builds/logins", "0600", "builder", "builds-password"]]);
    expect(build01?.packages.map(({ name }) => name)).toEqual(["mesos", "mesos-builds", "alibuild"]);
    expect(store1?.packages.map(({ name }) => name)).toEqual(["mesos", "mesos-builds"]);
    expect(store1?.directories["/srv/builds"]).toMatchObject({ owner: "builder" });
    expect(store1?.preflight.freeMiB["/srv/builds"]).toBe(20_000);
    expect(build01?.units["mesos-agent.service"]?.restartOn).not.toContain("/etc/mesos-builds/password");
    expect(plan.secrets.map(({ name }) => name)).toContain("builds-password");
    const without = planOf(changed({ "workloads builds": undefined }, example()));
    expect(JSON.stringify(without.pools)).not.toContain("mesos-builds");
});

const builds = "workloads builds";
const daily = `${builds} releases daily`;
const el9 = `${builds} builders el9`;
test.each<[string, Record<string, unknown>, string]>([
    ["a pool that is not there", { [`${el9} pool`]: "buld" }, "BUILDER_POOL workloads.builds.builders.el9.pool"],
    [
        "another architecture than the pool's",
        { [`${el9} architecture`]: "slc8_x86-64" },
        "BUILDER_ARCHITECTURE workloads.builds.builders.el9.architecture",
    ],
    [
        "agents that nothing tells from others",
        { "pools build attributes": {} },
        "BUILDER_MARK workloads.builds.builders.el9.pool",
    ],
    [
        "a size that no agent has",
        { [`${el9} sizes large cpus`]: 48 },
        "BUILDER_SIZE workloads.builds.builders.el9.sizes.large.cpus",
    ],
    [
        "a builder that is not there",
        { [`${daily} builders`]: ["el8"] },
        "RELEASE_BUILDER workloads.builds.releases.daily.builders[0]",
    ],
    [
        "one architecture twice",
        { [`${daily} builders`]: ["el9", "el9"] },
        "RELEASE_TWICE workloads.builds.releases.daily.builders[1]",
    ],
    ["a size that is not there", { [`${daily} size`]: "huge" }, "RELEASE_SIZE workloads.builds.releases.daily.size"],
    [
        "recipes of nowhere",
        { [`${daily} recipes source`]: "alidsit" },
        "RELEASE_RECIPES workloads.builds.releases.daily.recipes.source",
    ],
    [
        "a secret in the environment",
        { [`${daily} environment`]: { CCDB_TOKEN: "x" } },
        "RELEASE_SECRET workloads.builds.releases.daily.environment.CCDB_TOKEN",
    ],
    [
        "an argument that is the build's own",
        { [`${daily} arguments`]: ["--remote-store=x"] },
        "RELEASE_ARGUMENT workloads.builds.releases.daily.arguments[0]",
    ],
    ["a store that is no agent", { [`${builds} store host`]: "mesos1" }, "STORE_AGENT workloads.builds.store.host"],
    ["a host that is not there", { [`${builds} store host`]: "store2" }, "HOST_UNKNOWN workloads.builds.store.host"],
    [
        "a store among sandboxes",
        { [`${builds} store dir`]: "/var/lib/mesos/agent/s" },
        "STORE_DIR workloads.builds.store.dir",
    ],
    ["the agent's port", { [`${builds} store port`]: 5051 }, "PORT_CLASH pools.services.port"],
    ["a user that a pool does not make", { "pools build users": [] }, "BUILDS_USER workloads.builds.user"],
    [
        "a user that is not the principal's",
        { "frameworks metronome users": ["nobody"] },
        "BUILDS_USER workloads.builds.user",
    ],
    [
        "a password in a URL",
        { [`${builds} mirror sources o2`]: "https://me:pw@h/o2" },
        "FORMAT workloads.builds.mirror.sources.o2",
    ],
    [
        "an unknown architecture",
        { [`${el9} architecture`]: "el9" },
        "NOT_ALLOWED workloads.builds.builders.el9.architecture",
    ],
    ["an unknown key", { [`${builds} store folder`]: "/x" }, "KEY_UNKNOWN workloads.builds.store.folder"],
    ["no Marathon", { marathon: undefined }, "SERVER_MISSING marathon"],
    [
        "a day that never comes",
        { [`${daily} schedule cron`]: "0 0 30 2 *" },
        "SCHEDULE_CRON_NEVER workloads.builds.releases.daily/schedules(0)/cron",
    ],
])("%s: refused", (_what, changes, expected) => {
    const site = changed(changes, example());
    const faults = faultsOf(structuredClone(site)).map(({ code, path }) => `${code} ${path}`);
    expect(faults.length > 0 ? faults : workOf(site)).toContain(expected);
});

test("names that were probably meant are said", () => {
    const said = faultsOf(changed({ [`${daily} builders`]: ["el9-amr"], [`${el9} pool`]: "buld" }, example()));
    expect(said.map(({ fix }) => fix)).toEqual(
        expect.arrayContaining(['did you mean "el9-arm"?', 'did you mean "build"?']),
    );
});

test("a store whose host may be destroyed is worth a word", () => {
    const site = changed({ "hosts store1 protect": undefined }, example());
    expect(warningsOf(site).map(({ code }) => code)).toContain("STORE_UNPROTECTED");
});

test("a pool's mark is an attribute of all of its agents and of no other's", () => {
    const site = planSite(
        changed({ "pools build overrides": { build01: { attributes: { architecture: "x" } } } }, example()),
    );
    expect("issues" in site ? site.issues.map(({ code }) => code) : []).toContain("BUILDER_MARK");
    expect(markOf({}, "none")).toBeUndefined();
});
