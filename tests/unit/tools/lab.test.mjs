import assert from "node:assert/strict";
import { describe, test } from "node:test";
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
