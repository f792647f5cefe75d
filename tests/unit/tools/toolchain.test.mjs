import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, existsSync, mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { compareVersions, environment } from "../../../toolchain/engine.mjs";
import { checkNode } from "../../../toolchain/project.mjs";
import { clearDeadLocks, previewEnv, subcommand } from "../../../toolchain/pulumi.mjs";

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
