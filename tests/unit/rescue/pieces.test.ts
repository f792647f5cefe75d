/** The host program's archives, secrets read back from files, and where a site's parts are. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { secretsOf } from "../../../rescue/adopt";
import { factsOf } from "../../../rescue/archive";
import { folderOf, newest } from "../../../rescue/manifest";
import { membersOf } from "../../../rescue/site";
import { statePaths } from "../../../site/plan/backup";
import { openStore } from "../../../rescue/openStore";
import { Steps } from "../../../rescue/steps";
import { fillSecrets, planSite } from "../../../site";

const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-rescue-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const python = (code: string): string =>
    execFileSync(
        "python3",
        [
            "-c",
            `import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, "rescue/host")\nimport mesos_rescue as m\n${code}`,
        ],
        { encoding: "utf8" },
    ).trim();

describe("which files of ZooKeeper are taken", () => {
    const taken = (names: string): string =>
        python(`print(" ".join(__import__("mesos_copies").zookeeper_files(${JSON.stringify(names.split(" "))})))`);

    test("the two newest snapshots, the log that runs over the older one, all later logs, the epochs", () => {
        expect(
            taken("snapshot.9 snapshot.a0 snapshot.b0 log.1 log.8a log.a1 log.b5 currentEpoch acceptedEpoch log.tmp"),
        ).toBe("snapshot.a0 snapshot.b0 log.8a log.a1 log.b5 acceptedEpoch currentEpoch");
    });

    test("numbers are hexadecimal, not words", () => {
        expect(taken("snapshot.ff snapshot.100 snapshot.1000")).toBe("snapshot.100 snapshot.1000");
    });

    test("without a snapshot all logs are needed", () => {
        expect(taken("log.1 log.2")).toBe("log.1 log.2");
    });
});

test("long stretches of zeros cost no disk, and nothing is lost of them", () => {
    const [from, to] = [join(dir, "from"), join(dir, "to")];
    const content = Buffer.concat([
        Buffer.from("head"),
        Buffer.alloc(3 << 20),
        Buffer.from("tail"),
        Buffer.alloc((2 << 20) - 4),
    ]);
    writeFileSync(from, content);
    python(`m.write_sparse(open(${JSON.stringify(from)}, "rb"), open(${JSON.stringify(to)}, "wb"))`);
    expect(readFileSync(to).equals(content)).toBe(true);
});

test("what a part says of itself is found at its head, and nothing else is taken for a part", () => {
    const facts = { part: "zookeeper", cluster: "alpha", time: 7, zxid: "0x2", nodes: 9, top: ["mesos"] };
    writeFileSync(join(dir, "part.json"), JSON.stringify(facts));
    writeFileSync(join(dir, "zeros"), Buffer.alloc(8 << 20));
    const tar = (...names: string[]): Buffer => execFileSync("tar", ["-C", dir, "-czf", "-", ...names]);
    expect(factsOf(tar("part.json", "zeros"), "zookeeper")).toEqual(facts);
    expect(() => factsOf(tar("part.json"), "registry")).toThrow(/does not tell/);
    expect(() => factsOf(tar("zeros", "part.json"), "zookeeper")).toThrow(/damaged/);
    expect(() => factsOf(Buffer.from("no archive"), "zookeeper")).toThrow(/damaged/);
});

describe("secrets are read back from a host's file", () => {
    const found = (planned: string, live: string): Record<string, string> =>
        Object.fromEntries(secretsOf(planned, live));

    test("a file that is nothing but the secret", () => {
        expect(found("@@secret:one@@", "s3cret\n")).toEqual({ one: "s3cret" });
    });

    test("several in one file, although others have been added since", () => {
        const planned = '{"p": "a", "secret": "@@secret:a@@"}, {"p": "b", "secret": "@@secret:b@@"}';
        const live = '{"p": "x", "secret": "zzz"}, {"p": "a", "secret": "AAA"}, {"p": "b", "secret": "BBB"}';
        expect(found(planned, live)).toEqual({ a: "AAA", b: "BBB" });
    });

    test("a file that is not there, or another one, gives nothing", () => {
        expect(found("zk://mesos:@@secret:d@@@h:1/mesos", "")).toEqual({});
        expect(found("zk://mesos:@@secret:d@@@h:1/mesos", "zk://other:1/mesos")).toEqual({});
    });
});

const config = {
    cluster: "alpha",
    distribution: { kind: "apt" },
    hosts: { "m[1-3]": { kind: "bareMetal", address: "10.0.0.[1-3]" }, w1: { kind: "bareMetal", address: "10.0.1.1" } },
    zookeeper: { members: { m1: 1, m2: 2, m3: 3 }, dataDir: "/srv/zk" },
    masters: { members: ["m[1-3]"] },
    pools: { work: { hosts: ["w1"], resources: { cpus: 4, memMiB: 4096, diskMiB: 10000 } } },
    frameworks: { marathon: { roles: ["services"] } },
    marathon: { members: ["m[1-2]"], zkPath: "/apps/marathon" },
    backup: { recipients: [`age1${"q".repeat(58)}`] },
};

test("every secret of a site can be read back from the files that the plan would write", () => {
    const planned = planSite(config);
    if ("issues" in planned) throw new Error(JSON.stringify(planned.issues));
    const { plan } = planned;
    const values = Object.fromEntries(plan.secrets.map(({ name }, index) => [name, `Value${index}x`]));
    const files = [
        ...plan.zookeeper.members,
        ...plan.masters.members,
        ...plan.schedulers.flatMap(({ members }) => members),
        ...plan.pools.flatMap(({ agents }) => agents),
    ].flatMap((spec) => Object.values(spec.files));
    const back: Record<string, string> = {};
    for (const { content } of files)
        Object.assign(back, Object.fromEntries(secretsOf(content, fillSecrets(content, values))));
    expect(back).toEqual(values);
});

test("a site's parts are where the stack file puts them", () => {
    const planned = planSite(config);
    if ("issues" in planned) throw new Error(JSON.stringify(planned.issues));
    const { zookeeper, registry } = membersOf(planned.site, planned.plan);
    expect(zookeeper.map(({ host }) => host)).toEqual(["m1", "m2", "m3"]);
    expect(zookeeper[0]?.settings).toMatchObject({ cluster: "alpha", dataDir: "/srv/zk", paths: ["/apps/marathon"] });
    expect(registry[1]?.settings).toMatchObject({ address: "10.0.0.2", workDir: "/var/lib/mesos/master" });
    expect(statePaths(planned.plan.schedulers, planned.plan.workloads)).toEqual(["/apps/marathon"]);
    expect(JSON.stringify([zookeeper, registry])).not.toContain("@@secret");
});

test("a secret that is a file of its own may have several lines", () => {
    const key = "-----BEGIN KEY-----\nab/+\n-----END KEY-----";
    expect([...secretsOf("@@secret:backup-key@@\n", `${key}\n`)]).toEqual([["backup-key", key]]);
    expect([...secretsOf("@@secret:backup-key@@\n", "\n")]).toEqual([]);
});

test.each(["age1short", "AGE-SECRET-KEY-1QQ", "ssh-dss AAAA"])("%s is no recipient", (recipient) => {
    const planned = planSite({ ...config, backup: { recipients: [recipient] } });
    expect("issues" in planned && planned.issues.map(({ path }) => path)).toEqual(["backup.recipients[0]"]);
});

/** What a machine at the other end of ssh would do with the command, done here. */
function withFakeSsh<T>(work: () => Promise<T>): Promise<T> {
    const bin = join(dir, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "ssh"), '#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n', { mode: 0o755 });
    const before = process.env["PATH"];
    process.env["PATH"] = `${bin}:${before ?? ""}`;
    return work().finally(() => (process.env["PATH"] = before));
}

test.each([
    ["a folder", "kept"],
    ["a folder by ssh", `ssh://backup@host.example${dir}/kept-there`],
])("in %s a backup appears whole, for its owner alone, and a half one of before is no backup", (_, to) =>
    withFakeSsh(async () => {
        const store = openStore(to, dir);
        const place = join(dir, to === "kept" ? "kept" : "kept-there");
        const folder = folderOf("alpha", new Date(0));
        expect(await store.list()).toEqual([]);
        mkdirSync(join(place, `.${folder}.new`), { recursive: true });
        writeFileSync(join(place, `.${folder}.new`, "registry.age"), "half");
        const content = Buffer.from([0, 255, 10, 13, 128]);
        await store.publish(folder, { "manifest.json": content });
        expect(newest(await store.list(), "alpha", "registry")).toBe(folder);
        expect(await store.read(folder, "manifest.json")).toEqual(content);
        expect(statSync(join(place, folder)).mode & 0o777).toBe(0o700);
        expect(statSync(join(place, folder, "manifest.json")).mode & 0o777).toBe(0o600);
        await expect(store.read(folder, "registry.age")).rejects.toThrow(/registry\.age/);
        await store.remove(folder);
        expect(readdirSync(place)).toEqual([]);
    }),
);

test("each step's time is told at the end", async () => {
    const lines: string[] = [];
    const steps = new Steps((line) => lines.push(line));
    await steps.step(
        "one",
        () => Promise.resolve(3),
        (value) => `${value} things`,
    );
    expect(lines[0]).toMatch(/one: 3 things, 0\.0 s$/);
    expect(steps.table()).toMatch(/^one +0\.0 s\naltogether +0\.0 s$/);
});
