/** Apps and jobs by the real engine: previews that say what restarts, drift, import, secrets, refusals. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Services, startServices } from "./services";
import { type Site, siteOf, Stack } from "./stack";

let stack: Stack;
let services: Services;
let site: Site;

const web = {
    id: "/shop/web",
    cmd: "serve",
    instances: 2,
    cpus: 0.1,
    mem: 32,
    env: { TOKEN: "t:${secret:token}", V: "${config:version}" },
};
const api = { id: "/shop/api", cmd: "serve", cpus: 0.1, mem: 32, dependencies: ["web"] };
const backup = {
    id: "backup",
    run: { cmd: "backup", cpus: 0.1, mem: 32, disk: 0 },
    schedules: [{ id: "nightly", cron: "0 4 * * MON" }],
};

function write(name: string, definition: object): void {
    writeFileSync(join(stack.dir, name), JSON.stringify(definition));
}

/** This process is blocked while the engine runs: no connection survives that. */
const fresh = { headers: { Connection: "close" } };

async function live(path: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${services.marathon}/v2/apps${path}`, fresh);
    return ((await answer.json()) as { app: Record<string, unknown> }).app;
}

beforeAll(async () => {
    const lab = siteOf("lab/Pulumi.lab.yaml");
    stack = new Stack(lab);
    services = await startServices(stack.dir);
    site = {
        ...lab,
        marathon: { existing: { urls: [services.marathon] }, groups: { "/shop": {} } },
        metronome: { existing: { urls: [services.metronome] } },
        apps: ["apps"],
        jobs: ["jobs"],
    };
    mkdirSync(join(stack.dir, "apps", "shop"), { recursive: true });
    mkdirSync(join(stack.dir, "jobs"));
    write("apps/shop/web.json", web);
    write("apps/shop/api.json", api);
    write("jobs/backup.json", backup);
    stack.declare(site);
});
afterAll(() => {
    services.stop();
    stack.remove();
});

test("values and secrets that the stack does not have are asked for", () => {
    const { ok, text } = stack.preview();
    expect(ok).toBe(false);
    expect(text).toContain('the stack has no secret "token"');
    expect(text).toContain('the stack has no value "version"');
    stack.pulumi("config", "set", "-s", "test", "pulumi-mesos:version", "1.2");
    stack.pulumi("config", "set", "-s", "test", "--secret", "pulumi-mesos:token", "geheim-und-lang");
});

test("a first up deploys what depends on what in order, and keeps the secret", async () => {
    const { ok, text } = stack.up();
    expect(text).toContain("2 of 2 healthy");
    expect(ok).toBe(true);
    expect((await live("/shop/web"))["env"]).toEqual({ TOKEN: "t:geheim-und-lang", V: "1.2" });
    expect(text).not.toContain("geheim-und-lang");
    const state = stack.pulumi("stack", "export", "-s", "test").text;
    expect(state).not.toContain("geheim-und-lang");
    expect(state).toContain("MetronomeSchedule::backup");
    expect(stack.up("--expect-no-changes").ok).toBe(true);
});

test("a preview says what a change restarts, and shows the field", () => {
    write("apps/shop/web.json", { ...web, cmd: "serve --fast" });
    const { text } = stack.preview();
    expect(text).toContain("/shop/web: restarts 2 tasks: cmd");
    expect(text).toMatch(/cmd *: "serve" *=> *"serve --fast"/);
    expect(text).not.toContain("geheim-und-lang");
    expect(stack.up().text).toContain("1 updated");
});

test("what was edited and deleted by hand is seen and mended; what others run is listed", async () => {
    const put = (path: string, body: object, method = "PUT"): Promise<Response> =>
        fetch(`${services.marathon}${path}`, { ...fresh, method, body: JSON.stringify(body) });
    await put("/v2/apps/shop/api?partialUpdate=false", { ...api, cmd: "by hand" });
    await put("/v2/apps", { id: "/shop/stranger", cmd: "mine" }, "POST");
    await fetch(`${services.metronome}/v1/jobs/backup/schedules/nightly`, { ...fresh, method: "DELETE" });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const seen = stack.preview("--refresh");
    expect(seen.text).toContain("/shop/stranger");
    expect(seen.text).toMatch(/"by hand" *=> *"serve"/);
    expect(stack.up("--refresh").ok).toBe(true);
    expect((await live("/shop/api"))["cmd"]).toBe("serve");
    expect((await live("/shop/stranger"))["cmd"]).toBe("mine");
    expect(await (await fetch(`${services.metronome}/v1/jobs/backup/schedules`, fresh)).json()).toHaveLength(1);
});

test("a running app is taken over: the next preview is empty", () => {
    write("apps/shop/stranger.json", { id: "/shop/stranger", cmd: "mine" });
    expect(stack.up().text).toContain("1 created");
    expect(stack.up("--expect-no-changes").ok).toBe(true);
    const urn = /urn:\S+MarathonApp::shop\/stranger/
        .exec(stack.pulumi("stack", "export", "-s", "test").text)?.[0]
        .replace(/",?$/, "");
    expect(stack.pulumi("state", "delete", "-s", "test", "--yes", urn ?? "").ok).toBe(true);
    process.env["PULUMI_MESOS_MARATHON"] = services.marathon;
    process.env["PULUMI_MESOS_MARATHON_CREDENTIALS"] = "importer:streng-geheim";
    const parent =
        /urn:\S+MarathonWork::marathon/
            .exec(stack.pulumi("stack", "export", "-s", "test").text)?.[0]
            .replace(/",?$/, "") ?? "";
    const file = join(stack.dir, "import.json");
    writeFileSync(
        file,
        JSON.stringify({
            nameTable: { work: parent },
            resources: [
                { type: "mesos:index:MarathonApp", name: "shop/stranger", id: "/shop/stranger", parent: "work" },
            ],
        }),
    );
    const imported = stack.pulumi(
        "import",
        "-s",
        "test",
        "--yes",
        "--skip-preview",
        "--generate-code=false",
        "--protect=false",
        "-f",
        file,
    );
    expect(imported.text).toMatch(/1 imported/);
    // From then on the state knows where it is, and keeps the password as a secret.
    delete process.env["PULUMI_MESOS_MARATHON"];
    delete process.env["PULUMI_MESOS_MARATHON_CREDENTIALS"];
    const state = stack.pulumi("stack", "export", "-s", "test").text;
    expect(state).toContain("importer");
    expect(state).not.toContain("streng-geheim");
    const refreshed = stack.up("--refresh", "--expect-no-changes");
    expect(refreshed.text).not.toContain("does not know where");
    expect(refreshed.ok).toBe(true);
});

test("bad definitions are refused before anything is touched", () => {
    write("apps/shop/web.json", { ...web, cpus: 99, instancess: 2, constraints: [["hostname", "unique"]] });
    const { ok, text } = stack.preview();
    expect(ok).toBe(false);
    expect(text).toContain("APP_KEY_UNKNOWN at apps/shop/web.json/instancess");
    expect(text).toContain('did you mean "instances"?');
    write("apps/shop/web.json", { ...web, cpus: 99 });
    expect(stack.preview().text).toContain("no pool can hold one instance: cpus 99 >");
    write("apps/shop/web.json", { ...web, cmd: "serve --fast" });
});

test("what leaves the folders leaves Marathon; destroy leaves nothing", async () => {
    rmSync(join(stack.dir, "apps", "shop", "stranger.json"));
    expect(stack.up().text).toContain("1 deleted");
    expect(stack.pulumi("destroy", "-s", "test", "--yes", "--skip-preview").ok).toBe(true);
    expect(await (await fetch(`${services.marathon}/v2/apps`, fresh)).json()).toEqual({ apps: [] });
    expect(await (await fetch(`${services.metronome}/v1/jobs`, fresh)).json()).toEqual([]);
    expect(readFileSync(join(stack.dir, "Pulumi.test.yaml"), "utf8")).not.toContain("geheim-und-lang");
});

test("while no server answers, a refresh keeps what the state says, warns, and the run goes on", () => {
    expect(stack.up().ok).toBe(true);
    services.stop();
    const { ok, text } = stack.up("--refresh", "--expect-no-changes");
    expect(text).toMatch(/kept as it was remembered: Marathon at \S+ does not serve GET/);
    expect(text).toMatch(/kept as it was remembered: Metronome at \S+ does not serve GET/);
    expect(ok).toBe(true);
    expect(stack.pulumi("stack", "export", "-s", "test").text).toContain("MarathonApp::shop/web");
});
