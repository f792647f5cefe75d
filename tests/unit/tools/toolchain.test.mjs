import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compareVersions, environment } from "../../../toolchain/engine.mjs";
import { packageVersion } from "../../../toolchain/places.mjs";
import { checkNode, newestSource } from "../../../toolchain/project.mjs";
import { checkpointEnv, clearDeadLocks, previewEnv, subcommand } from "../../../toolchain/pulumi.mjs";

describe("versions", () => {
    for (const [a, b, sign] of [
        ["3.274.1", "3.229.0", 1],
        ["v3.9.0", "3.10.0", -1],
        ["go1.26.8", "1.26.8", 0],
        ["1.26", "1.26.1", -1],
    ]) {
        test(`${a} against ${b}`, () => assert.equal(Math.sign(compareVersions(a, b)), sign));
    }
    test("Node.js 18 is refused, in words", () =>
        assert.throws(() => checkNode("18.19.0"), /18\.19\.0; version 20 or newer/));
});

test("a package that is built later has a higher version, the same sources keep theirs", () => {
    const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-packages-"));
    const at = (epoch, sources) =>
        packageVersion({ dir, name: "mesos-dds", version: "0.1.0", sources }, { SOURCE_DATE_EPOCH: String(epoch) });
    const first = at(1_700_000_000, "f00d");
    assert.equal(first, "0.1.0+20231114221320.f00d");
    writeFileSync(join(dir, `mesos-dds_${first}_all.deb`), "");
    assert.equal(at(1_800_000_000, "f00d"), first);
    // By their digests alone the second would be the lower one, and apt would keep the first.
    const second = at(1_800_000_000, "1234");
    const { status } = spawnSync("dpkg", ["--compare-versions", second, "gt", first]);
    assert.equal(status, 0);
    assert.equal(spawnSync("dpkg", ["--compare-versions", second, "gt", "0.1.0+2ec01d00f49031cb"]).status, 0);
    rmSync(dir, { recursive: true });
});

describe("the engine's environment", () => {
    const place = () => mkdtempSync(join(tmpdir(), "pulumi-mesos-toolchain-"));

    test("keeps state in a folder of its own, with a passphrase that only its owner may read, made once", () => {
        const state = place();
        const env = environment("/engine/bin", join(state, "home"), { PATH: "/usr/bin", PULUMI_MESOS_STATE: state });
        assert.equal(env.PATH, "/engine/bin:/usr/bin");
        assert.equal(fileURLToPath(env.PULUMI_BACKEND_URL), join(state, "stacks"));
        const file = env.PULUMI_CONFIG_PASSPHRASE_FILE;
        assert.equal(statSync(file).mode & 0o777, 0o600);
        const passphrase = readFileSync(file, "utf8");
        assert.equal(Buffer.from(passphrase, "base64").length, 32);
        environment("/engine/bin", join(state, "home"), { PATH: "/usr/bin", PULUMI_MESOS_STATE: state });
        assert.equal(readFileSync(file, "utf8"), passphrase);
        rmSync(state, { recursive: true });
    });

    test("leaves a backend and a passphrase that the user has chosen alone", () => {
        const env = environment("/engine/bin", "/nowhere", { PULUMI_BACKEND_URL: "s3://bucket" });
        assert.equal(env.PULUMI_BACKEND_URL, undefined);
        assert.equal(env.PULUMI_CONFIG_PASSPHRASE_FILE, undefined);
    });
});

describe("the bundle", () => {
    for (const [file, isSource] of [
        ["index.ts", true],
        ["package.json", true],
        ["site/plan/work.ts", true],
        ["ansible-templates/templates/zoo.cfg.j2", true],
        ["rescue/host/mesos_rescue.py", true],
        ["apps/web.yaml", false],
        ["jobs/nightly.json", false],
        ["services/physics/apps/store.yml", false],
        ["tests/unit/x.test.ts", false],
        ["Pulumi.prod.yaml", false],
    ]) {
        test(`${isSource ? "is made anew" : "stays"} after an edit of ${file}`, () => {
            const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-project-"));
            mkdirSync(join(dir, file, ".."), { recursive: true });
            writeFileSync(join(dir, "index.ts"), "");
            utimesSync(join(dir, "index.ts"), 1000, 1000);
            writeFileSync(join(dir, file), "");
            utimesSync(join(dir, file), 2000, 2000);
            assert.equal(newestSource(dir), isSource ? 2_000_000 : 1_000_000);
            rmSync(dir, { recursive: true });
        });
    }
});

describe("the wrapper", () => {
    for (const [args, expected] of [
        [["preview", "-s", "lab"], "preview"],
        [["-s", "up", "-C", "/x", "preview"], "preview"],
        [["--color", "never", "up"], "up"],
        [["--help"], ""],
    ]) {
        test(`finds the subcommand of ${args.join(" ")}`, () => assert.equal(subcommand(args), expected));
    }

    test("spares the checkpoints of previews only: those of up are what a killed run recovers from", () => {
        assert.deepEqual(previewEnv(["up", "-s", "preview"]), {});
        assert.equal(previewEnv(["preview"]).PULUMI_SKIP_CHECKPOINTS, "true");
    });

    const apart = "masters: { existing: { addresses: { m1: 10.0.0.1 } } }, apps: [apps]";
    for (const [what, site, args, spared] of [
        ["of apps alone spares them", apart, ["up", "-s", "apps"], true],
        ["of apps alone, told otherwise", apart, ["--stack=organization/p/apps", "destroy", "--yes"], true],
        ["that is not named writes every step", apart, ["up"], false],
        ["that is another one", apart, ["up", "-s", "other"], false],
        ["is not changed by an export", apart, ["stack", "export", "-s", "apps"], false],
        ["with hosts writes every step", "hosts: { bm1: {} }", ["up", "-s", "apps"], false],
        ["with reserved hosts, too", "reservations: { r: { hosts: [w1] } }", ["up", "-s", "apps"], false],
        ["on a cloud, too", "openstack: {}", ["up", "-s", "apps"], false],
    ]) {
        test(`checkpoints: a stack ${what}`, () => {
            const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-stack-"));
            writeFileSync(join(dir, "Pulumi.apps.yaml"), `config:\n  pulumi-mesos:site: { cluster: c, ${site} }\n`);
            const wanted = spared ? { PULUMI_SKIP_CHECKPOINTS: "true" } : {};
            assert.deepEqual(checkpointEnv(args, dir, {}), wanted);
            assert.deepEqual(checkpointEnv(args, dir, { PULUMI_SKIP_CHECKPOINTS: "false" }), {});
            rmSync(dir, { recursive: true });
        });
    }

    test("removes a dead lock of this machine and no other", () => {
        const state = mkdtempSync(join(tmpdir(), "pulumi-mesos-locks-"));
        const locks = join(state, ".pulumi", "locks", "organization", "p", "s");
        mkdirSync(locks, { recursive: true });
        const lock = (name, content) => writeFileSync(join(locks, `${name}.json`), JSON.stringify(content));
        lock("dead", { pid: 2 ** 22 + 1, hostname: hostname() });
        lock("elsewhere", { pid: 2 ** 22 + 1, hostname: "another.example.org" });
        writeFileSync(join(locks, "torn.json"), "{");
        const said = [];
        clearDeadLocks(`file://${state}`, { log: (line) => said.push(line) });
        assert.equal(existsSync(join(locks, "dead.json")), false);
        assert.equal(existsSync(join(locks, "elsewhere.json")), true);
        assert.equal(existsSync(join(locks, "torn.json")), true);
        assert.equal(said.length, 1);
        rmSync(state, { recursive: true });
    });
});
