/** Campaigns run to their end with a program in makeflow's place: crashes, failures, additions; every result once. */
import {
    chmodSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Summary } from "../../../../frameworks/campaign/accounting";
import { check, daysLeft } from "../../../../frameworks/campaign/checks";
import { type Campaign, campaignSchema } from "../../../../frameworks/campaign/declaration";
import { answer } from "../../../../frameworks/campaign/main";
import { CampaignRun, makeflowArguments } from "../../../../frameworks/campaign/run";

let dir: string;
const makeflow = join(__dirname, "makeflow.mjs");

beforeAll(() => chmodSync(makeflow, 0o755));
beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "campaign-"));
    mkdirSync(join(dir, "src"));
});
afterEach(() => {
    delete process.env["MAKEFLOW_DIES_AFTER"];
    rmSync(dir, { recursive: true, force: true });
});

const campaign = (work: object): Campaign =>
    campaignSchema.parse({
        name: "test",
        dir: join(dir, "out"),
        catalogs: ["c:9097"],
        port: 9123,
        statusPort: 9180,
        work,
    });

const production = (more: object = {}): Campaign =>
    campaign({
        kind: "production",
        jobs: 7,
        eventsPerJob: 3,
        seed: 50,
        chunk: 3,
        command: 'for n in $(seq {events}); do echo "{seed}.$n"; done >{output}',
        ...more,
    });

async function done(of: Campaign): Promise<CampaignRun> {
    const run = new CampaignRun({ campaign: of, version: "0", makeflow, pauseMs: 5, log: () => undefined });
    await run.run();
    return run;
}

const current = (...names: string[]): string => join(dir, "out", "current", ...names);
const summary = (): Summary => JSON.parse(readFileSync(current("summary.json"), "utf8")) as Summary;
const events = (): string[] =>
    readdirSync(current("results"))
        .sort()
        .flatMap((name) => readFileSync(current("results", name), "utf8").trim().split("\n"));
const expected = (jobs: number): string[] =>
    Array.from({ length: jobs * 3 }, (_, index) => `${50 + Math.floor(index / 3)}.${(index % 3) + 1}`);

test("all events of all jobs are there once, and accounted for", async () => {
    const run = await done(production());
    expect(run.status()).toMatchObject({ state: "passed", troubles: [], tasks: { total: 7, done: 7 } });
    expect(events()).toEqual(expected(7));
    expect(summary()).toMatchObject({
        passed: true,
        production: { jobs: 7, eventsAsked: 21, eventsMade: 21, seeds: [50, 56] },
    });
    expect(summary().results).toHaveLength(7);
    expect(readFileSync(current("results.sha256"), "utf8").trim().split("\n")).toHaveLength(7);
});

test("a manager that is killed again and again goes on from where it was", async () => {
    process.env["MAKEFLOW_DIES_AFTER"] = "1";
    const run = await done(production());
    expect(run.status()).toMatchObject({ state: "passed", tasks: { done: 7 } });
    expect(events()).toEqual(expected(7));
}, 60_000);

test("one that is killed without getting anywhere is given up, and the accounting says what is missing", async () => {
    process.env["MAKEFLOW_DIES_AFTER"] = "0";
    const run = await done(production({ jobs: 1 }));
    expect(run.status()).toMatchObject({ state: "failed", tasks: { done: 0, running: 1 } });
    expect(summary().passed).toBe(false);
}, 60_000);

test("a job that fails is tried as often as asked; its log is kept, the others are done, and another start tries it again", async () => {
    const command = `echo try >>${dir}/tries; [ {job} != 2 ] || [ -e ${dir}/mended ] || { echo "no field map"; exit 9; }; echo {seed} >{output}`;
    const work = production({ jobs: 4, chunk: 10, retries: 2, command });
    const run = await done(work);
    expect(run.status()).toMatchObject({ state: "failed", tasks: { total: 4, done: 3, failed: 1 } });
    expect(readFileSync(join(dir, "tries"), "utf8").trim().split("\n")).toHaveLength(3 + 3);
    expect(summary().failures).toMatchObject([
        { task: "job-000002", log: "logs/job-000002.log", lastLines: "no field map" },
    ]);
    expect(existsSync(current("results", "job-000002.out"))).toBe(false);
    writeFileSync(join(dir, "mended"), "");
    expect((await done(work)).status()).toMatchObject({ state: "passed", tasks: { done: 4, retried: 1 } });
    // Those that were done have not been done again.
    expect(readFileSync(join(dir, "tries"), "utf8").trim().split("\n")).toHaveLength(7);
});

test("a command that ends well without a result has failed", async () => {
    const run = await done(production({ jobs: 1, retries: 0, command: "true {seed} {output}" }));
    expect(run.status()).toMatchObject({ state: "failed", tasks: { failed: 1 } });
    expect(summary().failures[0]?.lastLines).toContain("left no result");
});

test("jobs that are added are made, and no other again", async () => {
    await done(production());
    const before = readFileSync(current("results", "job-000001.out"), "utf8");
    writeFileSync(current("results", "job-000001.out"), before);
    const run = await done(production({ jobs: 10 }));
    expect(run.status()).toMatchObject({ state: "passed", tasks: { done: 10 } });
    expect(events()).toEqual(expected(10));
    expect(readdirSync(join(dir, "out")).filter((name) => name.startsWith("run-"))).toHaveLength(1);
});

test("a result that has been taken away, and one of nobody's, are told", async () => {
    await done(production());
    rmSync(current("results", "job-000003.out"));
    writeFileSync(current("results", "stranger"), "x");
    const run = await done(production());
    expect(run.status().state).toBe("failed");
    expect(summary()).toMatchObject({ passed: false, lost: ["job-000003"], strays: ["results/stranger"] });
    expect(summary().production?.eventsMade).toBe(18);
});

const validation = (more: object = {}): Campaign => {
    for (const n of [1, 2, 3]) writeFileSync(join(dir, "src", `in${n}`), `${n}\n`);
    writeFileSync(join(dir, "src", "double.sh"), 'echo $(($(cat "$1") * 2)) >"$2"\n');
    return campaign({
        kind: "validation",
        inputs: [1, 2, 3].map((n) => join(dir, "src", `in${n}`)),
        files: [join(dir, "src", "double.sh")],
        retries: 0,
        stages: [
            { name: "double", kind: "each", command: "sh double.sh {input} {output}" },
            { name: "sum", kind: "merge", command: "cat {inputs} | paste -sd+ | xargs echo >{output}", fanIn: 2 },
            { name: "qa", kind: "each", command: "cp {input} {output}; grep -q 6 {input}" },
        ],
        ...more,
    });
};

test("a validation goes through its stages, and its page shows it", async () => {
    const run = await done(validation());
    expect(run.status()).toMatchObject({ state: "passed", tasks: { total: 7, done: 7 } });
    expect(readFileSync(current("results", "qa-00001.out"), "utf8").trim()).toBe("2+4+6");
    const [status, , page] = answer("/", () => run.status());
    expect([status, page.includes("validation test: passed"), page.includes("<svg")]).toEqual([200, true, true]);
    expect(answer("/metrics", () => run.status())[2]).toContain('campaign_tasks{campaign="test",state="done"} 7');
    expect(answer("/health", () => run.status())[2]).toBe("passed\n");
    expect(answer("/else", () => run.status())[0]).toBe(404);
    expect(readFileSync(current("summary.html"), "utf8")).toBe(page);
});

test("what rests on something that has failed waits, and the summary says so", async () => {
    const stages = [
        { name: "double", kind: "each", command: "grep -v 2 {input} >{output}" },
        { name: "sum", kind: "merge", command: "cat {inputs} >{output}", fanIn: 9 },
    ];
    const run = await done(validation({ stages }));
    expect(run.status()).toMatchObject({ state: "failed", tasks: { total: 4, done: 2, failed: 1, waiting: 1 } });
    expect(run.status().troubles.join()).toContain("for want of what others make");
});

test("nothing is started before its checks hold, and all that is wrong is told at once", async () => {
    const requires = { paths: ["/nowhere/release"], freeMiB: 1e12, credential: { file: "/nowhere/proxy" } };
    const run = await done(validation({ requires }));
    expect(run.status().state).toBe("failed");
    expect(run.status().troubles).toEqual([
        expect.stringMatching(/MiB free; 1000000000000 MiB are asked for/),
        expect.stringMatching(/^\/nowhere\/proxy cannot be read/),
        "/nowhere/release is not there",
    ]);
    expect(readdirSync(join(dir, "out"))).toEqual([]);
});

test("a release that is published a little later is waited for", async () => {
    const release = join(dir, "release");
    const started = done(validation({ requires: { paths: [release], waitSec: 30 } }));
    setTimeout(() => writeFileSync(release, ""), 500);
    expect((await started).status().state).toBe("passed");
});

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 10, without its key.
const PEM = `-----BEGIN CERTIFICATE-----
MIIBdzCCAR2gAwIBAgIUD0FRTZWTeAbctfjmwo/0jaIzQlwwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGcmVsdmFsMB4XDTI2MTEyNjEzMTk1NFoXDTM2MTEyMzEzMTk1
NFowETEPMA0GA1UEAwwGcmVsdmFsMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
E9Y6i9NGTXg5Ogsck8cdhu6YoRYpjsVoIfj0hHhQZ9Ihu0gQyzvEKnGKr4a98C1Y
49ST09jlN4iG5Gb4n9d45KNTMFEwHQYDVR0OBBYEFDGlmDX1DjOeDpovZmSA0pQ5
6FUkMB8GA1UdIwQYMBaAFDGlmDX1DjOeDpovZmSA0pQ56FUkMA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgHEOO/IQyDS5HJOA7dQlr2kXY/wD9vhNR
d3xE+vW5usoCIQC13RzEHNh+x6K3PKbzH753lVNpmxUmL1NOWoyfmYXgXQ==
-----END CERTIFICATE-----`;

test("a credential's life is that of the first of its certificates to end", async () => {
    const end = Date.parse("Nov 23 13:19:54 2036 GMT");
    expect(daysLeft(`${PEM}\n${PEM}`, end - 3 * 86_400_000)).toBeCloseTo(3);
    const file = join(dir, "proxy");
    writeFileSync(file, PEM);
    const { work } = production({ requires: { credential: { file, days: 7 } } });
    expect((await check(work, dir, end - 8 * 86_400_000)).faults).toEqual([]);
    expect((await check(work, dir, end - 2 * 86_400_000)).faults).toEqual([
        `${file} is valid for 2.0 days only; 7 days are asked for`,
    ]);
    expect((await check(work, dir, end + 86_400_000)).faults[0]).toContain("has run out");
});

test("the password is named by its file, in no argument", () => {
    const of = { ...production(), passwordFile: "/etc/pw" };
    expect(makeflowArguments(of, { name: "chunk-0001" }).join(" ")).toBe(
        "-T wq -N production-test -C c:9097 -p 9123 -r 3 --password /etc/pw -u 30 -t 30 --skip-file-check chunk-0001.makeflow",
    );
});
