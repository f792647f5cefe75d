import {
    type Candidate,
    deletionRefusal,
    leaderLast,
    poolWaves,
    quorumWaves,
    refusal,
    type Role,
} from "../../../provider/rollout/order";

const host = (name: string, role: Role, changes: Partial<Candidate> = {}): Candidate => ({
    host: name,
    role,
    restarts: true,
    isNew: false,
    ...changes,
});
const names = (waves: Candidate[][]) => waves.map((wave) => wave.map((candidate) => candidate.host));
const healthy = { serving: 3, quorum: 2, members: 3, newcomersFirst: true };

describe("a quorum tier", () => {
    test("changes followers one at a time and the leader last", () => {
        // The facts' example: m1 leads Mesos but follows in ZooKeeper, m2 leads ZooKeeper.
        const zookeeper = [host("m1", "follower"), host("m2", "leader"), host("m3", "follower")];
        expect(names(quorumWaves(zookeeper, healthy))).toEqual([["m1"], ["m3"], ["m2"]]);
    });

    test("mends a member that is down before it touches one that serves", () => {
        const waves = quorumWaves([host("m1", "follower"), host("m2", "leader"), host("m3", "down")], {
            ...healthy,
            serving: 2,
        });
        expect(names(waves)).toEqual([["m3"], ["m1"], ["m2"]]);
    });

    test("keeps the leader last when another one has come to lead meanwhile; newcomers and what restarts nothing keep their places", () => {
        const [m1, m2, m4] = [host("m1", "follower"), host("m2", "leader"), host("m4", "absent", { isNew: true })];
        const moved = leaderLast(
            [[m1], [m2], [m4]],
            new Map([
                ["m1", "leader"],
                ["m2", "follower"],
            ] as const),
        );
        expect(names(moved)).toEqual([["m2"], ["m1"], ["m4"]]);
        expect(moved.flat().map(({ role }) => role)).toEqual(["follower", "leader", "absent"]);
        const quiet = host("m3", "leader", { restarts: false });
        expect(names(leaderLast([[quiet], [m1], [m2]], new Map([["m3", "leader"]])))).toEqual([["m3"], ["m1"], ["m2"]]);
        expect(names(leaderLast([[m1], [m2]], new Map()))).toEqual([["m1"], ["m2"]]);
    });

    test("that has no quorum starts all members together", () => {
        const waves = quorumWaves([host("m1", "down"), host("m2", "absent"), host("m3", "down")], {
            ...healthy,
            serving: 0,
        });
        expect(names(waves)).toEqual([["m1", "m2", "m3"]]);
    });

    test("takes what restarts nothing first and together", () => {
        const quiet = { restarts: false };
        const waves = quorumWaves(
            [host("m1", "leader", quiet), host("m2", "follower", quiet), host("m3", "follower")],
            healthy,
        );
        expect(names(waves)).toEqual([["m1", "m2"], ["m3"]]);
    });

    test.each([
        [true, [["m4"], ["m5"], ["m1"], ["m3"], ["m2"]]],
        [false, [["m1"], ["m3"], ["m2"], ["m4"], ["m5"]]],
    ])("with newcomersFirst %s adds newcomers one at a time", (newcomersFirst, expected) => {
        const isNew = { isNew: true };
        const all = [
            host("m1", "follower"),
            host("m2", "leader"),
            host("m3", "follower"),
            host("m4", "down", isNew),
            host("m5", "absent", isNew),
        ];
        expect(names(quorumWaves(all, { ...healthy, newcomersFirst }))).toEqual(expected);
    });

    test("counts like a person: m2 before m10", () => {
        const waves = quorumWaves([host("m10", "follower"), host("m2", "follower")], healthy);
        expect(names(waves)).toEqual([["m2"], ["m10"]]);
    });
});

describe("taking a member down", () => {
    test.each<[string, Role, number, boolean]>([
        ["all serve", "follower", 3, true],
        ["one other is down", "follower", 2, false],
        ["it is the one that is down", "down", 2, true],
        ["it leads and one other is down", "leader", 2, false],
    ])("when %s", (_, role, serving, allowed) => {
        const reason = refusal(host("m1", role), { ...healthy, serving });
        expect(reason === undefined).toBe(allowed);
    });

    test.each([
        [1, 1],
        [2, 2],
        [3, 3],
    ])("is allowed where all %i members are needed anyway", (members, quorum) => {
        expect(refusal(host("m1", "leader"), { ...healthy, serving: members, members, quorum })).toBeUndefined();
    });

    test("says how many serve and how many are needed", () => {
        expect(refusal(host("m1", "follower"), { ...healthy, serving: 2 })).toBe(
            "only 2 members serve and 2 are needed: without m1 the quorum would be lost",
        );
    });
});

describe("deleting members", () => {
    const members = ["m1", "m2", "m3"];
    test.each([
        ["all of them", ["m1", "m2", "m3"], ["m1", "m2", "m3"], true],
        ["one of three healthy ones", ["m3"], ["m1", "m2", "m3"], true],
        ["one while another is down", ["m3"], ["m1", "m3"], false],
        ["two of three", ["m2", "m3"], ["m1", "m2", "m3"], false],
        ["the one that is dead", ["m3"], ["m1", "m2"], true],
    ])("%s", (_, leaving, serving, allowed) => {
        expect(deletionRefusal(members, new Set(leaving), new Set(serving)) === undefined).toBe(allowed);
    });
});

test("a pool changes maxUnavailable agents at a time, newcomers and quiet changes at once", () => {
    const agents = [1, 2, 3, 4, 5].map((n) =>
        host(`a${n}`, n === 4 ? "down" : "serving", { isNew: n === 5, restarts: n !== 3 }),
    );
    expect(names(poolWaves(agents, 2))).toEqual([["a3", "a5"], ["a4", "a1"], ["a2"]]);
});
