import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { upgradeCommand } from "../../../lab/hosts.mjs";
import { link } from "../../../lab/hosts/inventory.mjs";
import { addressOf, localized, readSettings } from "../../../lab/settings.mjs";
import { problemsOf, statusTable } from "../../../lab/status.mjs";

describe("settings", () => {
    test("a host's address follows from its name", () => {
        assert.equal(addressOf(readSettings({}), "bm7"), "10.213.0.17");
        assert.equal(addressOf(readSettings({ PULUMI_MESOS_LAB_NET: "10.9.8" }), "bm1"), "10.9.8.11");
    });

    for (const name of ["bm0", "bm01", "bm241", "host1", "bm"]) {
        test(`${name} is no name`, () =>
            assert.throws(() => addressOf(readSettings({}), name), /no name for a host here/));
    }

    for (const env of [{ PULUMI_MESOS_LAB_NET: "10.9" }, { PULUMI_MESOS_LAB_PREFIX: "Host-1" }]) {
        test(`${Object.keys(env)[0]}=${Object.values(env)[0]} is refused`, () =>
            assert.throws(() => readSettings(env), /is "/));
    }

    test("hosts of the same name in two labs have cables of their own, with names that are short enough", () => {
        const cable = (env, name) => link(readSettings(env), name);
        assert.equal(cable({}, "bm1"), "vb-bm1");
        const other = { PULUMI_MESOS_LAB_NET: "10.255.255" };
        assert.notEqual(cable(other, "bm1"), cable({ PULUMI_MESOS_LAB_NET: "10.255.254" }, "bm1"));
        for (const env of [
            other,
            { ...other, PULUMI_MESOS_LAB_PREFIX: "abcd" },
            { ...other, PULUMI_MESOS_LAB_PREFIX: "abcdefghi" },
        ])
            assert.ok(cable(env, `${env.PULUMI_MESOS_LAB_PREFIX ?? "bm"}240`).length <= 15);
    });

    test("the stack file is rewritten for another place, network and prefix, and nothing else in it", () => {
        const settings = readSettings({
            PULUMI_MESOS_LAB: "/srv/lab",
            PULUMI_MESOS_LAB_NET: "10.9.8",
            PULUMI_MESOS_LAB_PREFIX: "vm",
        });
        assert.equal(
            localized(
                '"bm[1-3]": 10.213.0.[11-13] key: /var/lib/pulumi-mesos/lab/id members: {bm1: 1} submit',
                settings,
            ),
            '"vm[1-3]": 10.9.8.[11-13] key: /srv/lab/id members: {vm1: 1} submit',
        );
    });
});

describe("the state of a site", () => {
    const site = () => ({
        zookeeper: ["leader", "follower", "follower"].map((mode, i) => ({
            name: `bm${i + 1}`,
            address: `10.0.0.${i + 1}`,
            mode,
        })),
        masters: [true, false, false].map((leader, i) => ({ name: `bm${i + 1}`, address: `10.0.0.${i + 1}`, leader })),
        agents: [
            {
                name: "bm4",
                hostname: "bm4",
                address: "10.0.0.4:5051",
                active: true,
                attributes: {},
                resources: { cpus: 1 },
            },
        ],
    });

    test("is healthy with one leader in each quorum and all agents active", () =>
        assert.deepEqual(problemsOf(site()), []));

    for (const [what, change, problem] of [
        ["no ZooKeeper leader", (s) => (s.zookeeper[0].mode = "follower"), "ZooKeeper has no leader"],
        ["two ZooKeeper leaders", (s) => (s.zookeeper[1].mode = "leader"), "ZooKeeper has 2 leaders"],
        [
            "a dead ZooKeeper",
            (s) => Object.assign(s.zookeeper[1], { mode: "none", error: "ECONNREFUSED" }),
            "ZooKeeper on bm2: ECONNREFUSED",
        ],
        ["no leading master", (s) => (s.masters[0].leader = false), "Mesos has no leading master"],
        ["an agent away", (s) => (s.agents[0].active = false), "Mesos agent on bm4: not active"],
    ]) {
        test(`with ${what} is not`, () => {
            const state = site();
            change(state);
            assert.deepEqual(problemsOf(state), [problem]);
            assert.match(statusTable({ ...state, problems: problemsOf(state) }), new RegExp(`problem: ${problem}`));
        });
    }
});

test("a host gets this checkout's programs where it has others of them, and no more", () => {
    const bin = mkdtempSync(join(tmpdir(), "pulumi-mesos-host-"));
    const program = (name, text) => {
        writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
        chmodSync(join(bin, name), 0o755);
    };
    // Installed as it is wanted, in another version, removed, and never there.
    program("dpkg-query", "case $4 in same) echo -n 1.0+2 ;; other) echo -n 1.0+1 ;; gone) ;; *) exit 1 ;; esac");
    program("apt-get", 'echo "$@"');
    const asked = (...names) => {
        const files = names.map((name) => `/cache/${name}_1.0+2_all.deb`);
        const { status, stdout } = spawnSync("bash", ["-c", upgradeCommand(files)], {
            env: { PATH: `${bin}:/usr/bin:/bin` },
            encoding: "utf8",
        });
        return [status, stdout.trim().split("\n")];
    };
    assert.deepEqual(asked("same", "gone", "never"), [0, [""]]);
    assert.deepEqual(asked("same", "other", "gone", "never"), [
        0,
        ["update -qq", "install -y -qq --allow-downgrades other=1.0+2"],
    ]);
    rmSync(bin, { recursive: true });
});
