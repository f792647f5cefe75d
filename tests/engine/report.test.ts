/**
 * Reports of real previews. Each preview's event log is what `tests/golden/report` renders; `RECORD=1` writes them anew.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Report } from "../../report/model";
import { type Services, startServices } from "./services";
import { type Site, siteOf, Stack } from "./stack";

const recordings = join(__dirname, "..", "golden", "report");
const lab = siteOf("lab/Pulumi.lab.yaml");
const resources = { cpus: 4, memMiB: 8192, diskMiB: 10000, ports: ["31000-31100"] };
const web = { id: "/shop/web", cmd: "serve", instances: 4, cpus: 1, mem: 64, env: { TOKEN: "${secret:token}" } };
const workers = (changes: object = {}): object => ({
    hosts: ["w[01-24]"],
    attributes: { rack: "r1" },
    resources,
    ...changes,
});

let stack: Stack;
let services: Services;
let site: Site;

interface Run {
    readonly status: number | null;
    readonly report: Report;
    readonly page: string;
    readonly stderr: string;
}

function report(name: string, ...args: string[]): Run {
    const [json, page, events] = ["json", "md", "events"].map((end) => join(stack.dir, `report.${end}`)) as [
        string,
        string,
        string,
    ];
    const options = ["--json", json, "--markdown", page, "--save-events", events, ...args];
    const { status, stdout, stderr } = stack.tool("report", ...options);
    expect(stdout).toBe("");
    const log = readFileSync(events, "utf8");
    expect(log).not.toContain("geheim-und-lang");
    if (process.env["RECORD"] !== undefined) {
        mkdirSync(recordings, { recursive: true });
        // This run's folder says nothing.
        const lines = log.replaceAll(stack.dir, "/stack");
        writeFileSync(join(recordings, `${name}.events.gz`), gzipSync(lines, { level: 9 }));
    }
    return {
        status,
        stderr,
        report: JSON.parse(readFileSync(json, "utf8")) as Report,
        page: readFileSync(page, "utf8"),
    };
}

beforeAll(async () => {
    stack = new Stack(lab);
    services = await startServices(stack.dir);
    site = {
        ...lab,
        hosts: {
            ...(lab["hosts"] as object),
            "w[01-24]": { kind: "bareMetal", address: "10.213.1.[1-24]", zone: ["zone-a", "zone-b", "zone-c"] },
        },
        pools: { ...(lab["pools"] as object), work: workers() },
        marathon: { existing: { urls: [services.marathon] }, groups: { "/shop": {} } },
        apps: ["apps"],
    };
    mkdirSync(join(stack.dir, "apps"));
    writeFileSync(join(stack.dir, "apps", "web.json"), JSON.stringify(web));
    stack.declare(site);
    stack.pulumi("config", "set", "-s", "test", "--secret", "pulumi-mesos:token", "geheim-und-lang");
});
afterAll(() => {
    services.stop();
    stack.remove();
});

test("a first preview: what joins, folded, and the capacity to come", () => {
    const { status, report: first, page } = report("first", "--look", "no");
    expect(status).toBe(0);
    expect(first.dangers).toEqual([]);
    expect(first.hosts.map(({ tier, hosts }) => [tier, hosts.length])).toContainEqual(["pool/work", 24]);
    expect(first.capacity.after.withoutLargest).toMatchObject({ agents: 18 });
    expect(page).toContain("pool/work on 24 hosts alike: w\\[01-24\\]: joins");
    expect(stack.done()).toEqual([]);
    expect(stack.up().ok).toBe(true);
    stack.done();
});

test("nothing to do is said in two lines", () => {
    const { report: none, page } = report("none", "--look", "yes", "--fail-on", "change,drift,unseen,danger");
    expect(none).toMatchObject({ verdict: "no change", dangers: [], drift: [], unseen: [], hosts: [] });
    expect(page).toContain("no drift. No danger found.");
});

test("a change of everything: dangers first, diffs folded, order with the leader last, drift, what was not seen", () => {
    stack.declare({
        ...site,
        zookeeper: { ...(site["zookeeper"] as object), syncLimit: 12 },
        masters: { ...(site["masters"] as object), quorum: 3 },
        pools: {
            ...(lab["pools"] as object),
            work: workers({ hosts: ["w[01-22]"], attributes: { rack: "r2" }, maxUnavailable: 4 }),
        },
        distribution: { kind: "apt", package: "mesos", version: "1.11.0-1" },
    });
    writeFileSync(
        join(stack.dir, "apps", "web.json"),
        JSON.stringify({ ...web, cmd: "serve --fast", cpus: 4, instances: 22 }),
    );
    stack.editFile("bm3", "/etc/zookeeper/conf/zoo.cfg", "tickTime=1\n");
    stack.setDead("bm5", true);
    const { status, report: all, page } = report("change", "--fail-on", "quorum,tasks");
    stack.setDead("bm5", false);
    expect(status).toBe(1);
    expect(all.dangers.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(["quorum", "mixed", "agentId", "tasks", "capacity"]),
    );
    expect(page).toContain("pool/work on 22 hosts alike: w[01-22]: ");
    expect(page).toContain("bm1 → bm3 → bm2");
    expect(page).toContain("app /shop/web restarts 4 tasks and scales 4 → 22");
    expect(all.drift).toContainEqual({
        names: ["zookeeper-bm3"],
        lines: ["/etc/zookeeper/conf/zoo.cfg has another content"],
    });
    expect(all.unseen.join("\n")).toContain("agent-bm5: kept as it was remembered: bm5: look: cannot reach it");
    expect(page).not.toContain("geheim-und-lang");
    expect(stack.done()).toEqual([]);
});

test("without access to any host or API it still says what changes, and that it did not look", () => {
    const { status, report: blind } = report("blind", "--look", "no");
    expect(status).toBe(0);
    expect(blind.drift).toBeUndefined();
    expect(blind.unseen[0]).toContain("hosts and APIs were not looked at");
    expect(blind.hosts.length).toBeGreaterThan(0);
});

test("a look that must succeed and does not is a refusal with the host's name", () => {
    stack.setDead("bm5", true);
    const { status, report: failed } = report("unreachable", "--look", "yes");
    stack.setDead("bm5", false);
    expect(status).toBe(1);
    expect(failed.errors.join("\n")).toContain("bm5: look: cannot reach it");
});

test("faults of the stack file are the page", () => {
    stack.declare({ ...site, zookeepr: {} });
    const { status, report: faulty, page } = report("fault");
    expect(status).toBe(1);
    expect(faulty.verdict).toBe("refused");
    expect(page).toContain('did you mean "zookeeper"?');
    expect(report("fault", "--fail-on", "never").status).toBe(0);
});

test("no such stack, wrong usage: no page, and what to do", () => {
    expect(stack.tool("report", "-s", "nosuch").stderr).toContain("no stack named 'nosuch' found");
    const wrong = stack.tool("report", "--fail-on", "quorums");
    expect([wrong.status, wrong.stderr.split("\n")[0]]).toEqual([2, "--fail-on does not know quorums"]);
});
