import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { planSite, planSiteWork, type WorkPlan } from "../../../site";
import { smallSite } from "./sites";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "work-"))));
afterEach(() => rmSync(root, { recursive: true }));

function write(name: string, definition: unknown): void {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), typeof definition === "string" ? definition : JSON.stringify(definition));
}

const values = {
    config: (name: string) => (name === "version" ? "7" : undefined),
    hasSecret: (name: string) => name === "db",
};

function plan(more: object): ReturnType<typeof planSiteWork> {
    const config = { ...smallSite(), ...more };
    const result = planSite(config);
    if ("issues" in result) throw new Error(JSON.stringify(result.issues));
    return planSiteWork(result.site, result.plan, root, values);
}

function good(more: object): WorkPlan {
    const result = plan(more);
    if ("issues" in result) throw new Error(JSON.stringify(result.issues));
    return result.work;
}

function codes(more: object): string[] {
    const result = plan(more);
    return "issues" in result ? result.issues.map(({ code, path }) => `${code} ${path}`) : [];
}

const marathon = { existing: { urls: ["http://10.0.0.1:8080"] } };
const metronome = { existing: { urls: ["http://10.0.0.1:9000"] } };
const run = { cmd: "backup", cpus: 0.1, mem: 64, disk: 0 };

test("a site without work has none", () => {
    expect(good({})).toMatchObject({ items: [], jobs: [], quotas: [], secrets: [] });
});

test("apps and jobs come from folders, filled in, in their order", () => {
    write("apps/shop/web.yaml", 'id: /shop/web\ncmd: serve ${config:version}\nenv: { DB: "u:${secret:db}@h" }\n');
    write("apps/all.json", {
        id: "/shop",
        groups: [{ id: "back", apps: [{ id: "api", cmd: "ls -l", dependencies: ["/shop/web"] }] }],
    });
    write("apps/README.md", "no definition");
    write("apps/.hidden/x.json", "not even JSON");
    write("jobs/backup.json", { id: "backup", run, schedules: [{ id: "nightly", cron: "0 4 * * *" }] });
    write("jobs/after.json", { id: "after", run, dependencies: [{ id: "backup" }] });
    const work = good({ marathon, metronome, apps: ["apps"], jobs: ["jobs"] });
    expect(work.items.map(({ name, after }) => [name, after])).toEqual([
        ["shop/back/api", ["shop/web"]],
        ["shop/web", []],
    ]);
    expect(work.items[1]?.definition).toMatchObject({ cmd: "serve 7", env: { DB: "u:@@secret:db@@@h" } });
    expect(work.secrets).toEqual(["db"]);
    expect(work.jobs.map(({ name, schedule, after }) => [name, schedule?.["id"], after])).toEqual([
        ["after", undefined, ["backup"]],
        ["backup", "nightly", []],
    ]);
});

test("every fault at once, each with its file", () => {
    write("apps/a.json", { id: "/a", cmd: "ls -l", cpus: 0 });
    write("apps/b.json", { id: "/b", cmd: "ls -l", cpus: 9999 });
    write("apps/c.json", { id: "/c", cmd: "ls -l", dependencies: ["/nobody"] });
    write("apps/d.json", "{");
    write("jobs/j.json", { id: "j", run, schedules: [{ id: "s1", cron: "0 0 30 2 *" }] });
    expect(codes({ marathon, metronome, apps: ["apps"], jobs: ["jobs", "nowhere"] })).toEqual([
        "FOLDER_MISSING jobs[1]",
    ]);
    expect(codes({ marathon, metronome, apps: ["apps"], jobs: ["jobs"] })).toEqual([
        "FILE_JSON apps/d.json",
        "APP_CPUS_ZERO apps/a.json/cpus",
        "APP_FIT apps/b.json",
        "APP_DEPENDENCY_UNKNOWN apps/c.json",
        "SCHEDULE_CRON_NEVER jobs/j.json/schedules(0)/cron",
    ]);
});

test("where to run is asked for", () => {
    write("apps/a.json", { id: "/a", cmd: "ls -l" });
    write("jobs/j.json", { id: "j", run });
    expect(codes({ apps: ["apps"], jobs: ["jobs"] })).toEqual(["SERVER_MISSING marathon", "SERVER_MISSING metronome"]);
});

test("what the server's flags decide is judged only when the stack file says them", () => {
    write("apps/a.json", { id: "/a", cmd: "ls -l", acceptedResourceRoles: ["services"] });
    expect(codes({ marathon: { ...marathon, role: "web", features: [] }, apps: ["apps"] })).toContain(
        "APP_ACCEPTED_ROLES apps/a.json/acceptedResourceRoles",
    );
    expect(codes({ marathon, apps: ["apps"] })).not.toContain("APP_ACCEPTED_ROLES apps/a.json/acceptedResourceRoles");
});

test("quotas, weights and groups", () => {
    const work = good({
        quotas: { services: { limits: { cpus: 4, memMiB: 1024 } } },
        weights: { services: 2 },
        marathon: { ...marathon, groups: { "/shop": { enforceRole: true } } },
    });
    expect(work.quotas).toEqual([{ role: "services", limits: { cpus: 4, mem: 1024 }, guarantees: {}, force: false }]);
    expect(work.weights).toEqual([{ role: "services", weight: 2 }]);
    expect(work.groups).toEqual([{ id: "/shop", enforceRole: true, dependencies: [], members: [] }]);
});

test("a group that enforces its role decides its apps' roles", () => {
    write("apps/g.json", { id: "/shop", enforceRole: true, apps: [{ id: "web", cmd: "ls -l", role: "other" }] });
    const known = { ...marathon, role: "services", features: [] };
    expect(codes({ marathon: known, apps: ["apps"] })).toEqual(["APP_ROLE apps/g.json/apps(0)/role"]);
    write("apps/g.json", { id: "/shop", enforceRole: true, apps: [{ id: "web", cmd: "ls -l" }] });
    // No pool of this site gives anything to that role alone, but what is nobody's is everybody's.
    expect(good({ marathon: known, apps: ["apps"] }).marathon?.enforcedGroups).toEqual(["shop"]);
});

test("maintenance of what is no agent", () => {
    expect(codes({ maintenance: { "power-cut": { hosts: ["nobody"], start: "2027-01-31T22:00:00Z" } } })).toEqual([
        "MAINTENANCE_HOST maintenance.power-cut.hosts",
    ]);
});
