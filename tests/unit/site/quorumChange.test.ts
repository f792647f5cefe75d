import { checkMasterChange, checkZooKeeperChange, couldSplit } from "../../../site/change/quorumChange";
import type { MasterService, ZooKeeperMember } from "../../../site/plan/types";

const member = (id: number, name = `zk${id}`): ZooKeeperMember => ({ name, id, address: `10.0.0.${id}`, zone: "a" });
const ensemble = (...ids: number[]) => ids.map((id) => member(id));
const codes = (issues: readonly { readonly code: string }[]) => issues.map(({ code }) => code);

describe("ZooKeeper", () => {
    test.each([
        ["1 → 2", [1], [1, 2], []],
        ["2 → 3", [1, 2], [1, 2, 3], []],
        ["3 → 4", [1, 2, 3], [1, 2, 3, 4], []],
        ["4 → 5", [1, 2, 3, 4], [1, 2, 3, 4, 5], []],
        ["3 → 2", [1, 2, 3], [1, 2], []],
        ["2 → 1", [1, 2], [1], []],
        ["no change", [1, 2, 3], [1, 2, 3], []],
        ["the first ensemble", [], [1, 2, 3], []],
        ["1 → 3", [1], [1, 2, 3], ["ZK_NEWCOMERS"]],
        ["1 → another", [1], [2], ["ZK_NEWCOMERS"]],
        ["two of three replaced", [1, 2, 3], [1, 4, 5], ["ZK_NEWCOMERS"]],
        ["3 → 5", [1, 2, 3], [1, 2, 3, 4, 5], ["ZK_SPLIT"]],
        ["5 → 3", [1, 2, 3, 4, 5], [1, 2, 3], ["ZK_SPLIT"]],
        ["one of three replaced", [1, 2, 3], [1, 2, 4], ["ZK_SPLIT"]],
    ])("%s", (_what, before, after, expected) => {
        expect(codes(checkZooKeeperChange(ensemble(...before), ensemble(...after)))).toEqual(expected);
    });

    test("what needs a word from the administrator is let through with it; what loses data is not", () => {
        expect(checkZooKeeperChange(ensemble(1, 2, 3), ensemble(1, 2, 4), true)).toEqual([]);
        expect(codes(checkZooKeeperChange(ensemble(1), ensemble(1, 2, 3), true))).toEqual(["ZK_NEWCOMERS"]);
    });

    test("fails when an id moves to another host, with the way out", () => {
        expect(checkZooKeeperChange(ensemble(1, 2, 3), [member(1), member(2), member(3, "new")], true)).toEqual([
            {
                code: "ZK_ID_MOVED",
                path: "zookeeper.members.new",
                message: "server id 3 belongs to zk3, whose votes it stands for",
                value: "3",
                allowed: "an id that no member ever had",
                fix: "give new a new id and add 3 to zookeeper.retiredIds",
            },
        ]);
    });

    test("fails when a host changes its id", () => {
        expect(codes(checkZooKeeperChange(ensemble(1, 2, 3), [member(1), member(2), member(7, "zk3")]))).toEqual([
            "ZK_ID_CHANGED",
        ]);
    });

    test("one member more or less is safe at any size", () => {
        for (let count = 1; count < 12; count++) {
            expect(couldSplit(count, count + 1, 1)).toBe(false);
            if (count > 1) expect(couldSplit(count, count - 1, 0)).toBe(false);
        }
    });
});

describe("masters", () => {
    const masters = (names: string, quorum: number): MasterService => ({
        kind: "mesosMaster",
        port: 5050,
        workDir: "/w",
        quorum,
        members: Array.from(names, (name) => ({ name, address: name, zone: "a" })),
    });

    test.each([
        ["no change", "abc", 2, "abc", 2, []],
        ["the first masters", "", 1, "abc", 2, []],
        ["3 learn the quorum of 5", "abc", 2, "abc", 3, []],
        ["then two more come", "abc", 3, "abcde", 3, []],
        ["two of 5 go, the quorum stays", "abcde", 3, "abc", 3, []],
        ["then the quorum falls", "abc", 3, "abc", 2, []],
        ["one is replaced", "abc", 2, "abd", 2, []],
        ["1 → 3", "a", 1, "abc", 2, ["MASTER_LOG_LOST"]],
        ["another single master", "a", 1, "b", 1, ["MASTER_LOG_LOST"]],
        ["two of three replaced", "abc", 2, "ade", 2, ["MASTER_LOG_LOST"]],
        ["3 → 5 in one step", "abc", 2, "abcde", 3, ["MASTER_QUORUM_STEP"]],
        ["5 → 3 in one step", "abcde", 3, "abc", 2, ["MASTER_QUORUM_STEP"]],
        ["the quorum by two", "abcde", 3, "abcde", 5, ["MASTER_QUORUM_STEP"]],
        ["two of five replaced", "abcde", 3, "abcfg", 3, ["MASTER_REPLACE_MANY"]],
    ])("%s", (_what, before, oldQuorum, after, quorum, expected) => {
        expect(codes(checkMasterChange(masters(before, oldQuorum), masters(after, quorum)))).toEqual(expected);
    });

    test("fails on 1 → 3, unless the loss of the registry is confirmed", () => {
        expect(checkMasterChange(masters("a", 1), masters("abc", 2))).toEqual([
            {
                code: "MASTER_LOG_LOST",
                path: "masters.members",
                message:
                    "a single master's replicated log cannot grow: it must be wiped, and with it the list of agents, quotas, weights and maintenance",
                value: '{"members":["a","b","c"],"quorum":2}',
                allowed: "a change that keeps a quorum of the present masters",
                fix: "repeat the cluster's name in `confirm` to go on; quotas and weights are set again from this file",
            },
        ]);
        expect(checkMasterChange(masters("a", 1), masters("abc", 2), true)).toEqual([]);
    });

    test.each([
        [
            "abc",
            2,
            "abcde",
            3,
            "one `pulumi up` for each step: masters.quorum: 3 with the present masters; then 5 masters",
        ],
        [
            "abcde",
            3,
            "abc",
            2,
            "one `pulumi up` for each step: 3 masters with masters.quorum: 3; then masters.quorum: 2",
        ],
        [
            "abc",
            2,
            "abcdefg",
            4,
            "one `pulumi up` for each step: masters.quorum: 3 with the present masters; then 5 masters; masters.quorum: 4 with the present masters; then 7 masters",
        ],
    ])("the steps from %s (quorum %i) to %s (%i)", (before, oldQuorum, after, quorum, fix) => {
        expect(checkMasterChange(masters(before, oldQuorum), masters(after, quorum))[0]?.fix).toBe(fix);
    });
});
