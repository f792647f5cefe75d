import { type Acl, digestId, ownAcl, sharedAcl } from "../../../frameworks/zookeeper/acl";
import { changeOwners } from "../../../frameworks/zookeeper/owners";
import { CODE, ZooKeeperError } from "../../../frameworks/zookeeper/errors";
import type { ZooKeeperSession } from "../../../frameworks/zookeeper/session";

const old = { user: "mesos", password: "old" };
const now = { user: "mesos", password: "new" };
const other = { user: "marathon", password: "old" };
const READ = { perms: 1, scheme: "world", id: "anyone" };
const all = (owner: typeof old, perms = 31): Acl => ({ perms, scheme: "digest", id: digestId(owner) });

test("a digest is written down as ZooKeeper does (its administrator's guide)", () => {
    expect(digestId({ user: "user", password: "pass" })).toBe("user:smGaoVKd/cQkjm7b88GyorAUz20=");
});

test.each<[string, Acl[], Acl[] | undefined]>([
    ["the former one's", [READ, all(old)], [READ, all(old), all(now)]],
    ["the new one's", [all(now)], [all(old), all(now)]],
    ["of both already", [all(old), READ, all(now)], undefined],
    ["of both, one with less", [all(old), all(now, 1)], [all(old), all(now)]],
    ["somebody else's", [READ, all(other)], undefined],
    ["everybody's", [{ perms: 31, scheme: "world", id: "anyone" }], undefined],
])("a node that is %s is shared", (_, acl, wanted) => {
    expect(sharedAcl(acl, [old, now])).toEqual(wanted);
    // Once is enough.
    expect(sharedAcl(wanted ?? acl, [old, now])).toBeUndefined();
});

test.each<[string, Acl[], Acl[] | undefined]>([
    ["of both", [READ, all(old), all(now)], [READ, all(now)]],
    ["the former one's alone", [all(old)], [all(now)]],
    ["the owner's alone", [READ, all(now)], undefined],
    ["somebody else's", [all(other)], undefined],
])("a node that is %s becomes the owner's alone", (_, acl, wanted) => {
    expect(ownAcl(acl, now)).toEqual(wanted);
    expect(ownAcl(wanted ?? acl, now)).toBeUndefined();
});

/** A tree of nodes; one goes while it is looked at. */
function tree(nodes: Record<string, Acl[]>, gone: string[] = []) {
    const look = <T>(path: string, value: () => T): Promise<T> =>
        gone.includes(path) ? Promise.reject(new ZooKeeperError(CODE.noNode, path)) : Promise.resolve(value());
    const session = {
        acl: (path: string) => look(path, () => nodes[path] ?? []),
        setAcl: (path: string, acl: Acl[]) => look(path, () => void (nodes[path] = acl)),
        children: (path: string) =>
            look(path, () =>
                Object.keys(nodes)
                    .filter((name) => name.startsWith(`${path}/`) && !name.slice(path.length + 1).includes("/"))
                    .map((name) => name.slice(path.length + 1)),
            ),
    };
    return session as unknown as ZooKeeperSession;
}

test("a whole part is gone through: what goes meanwhile does not matter, what is beside it is not touched", async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`/m/apps/${i}`, [all(old)]]));
    const nodes = { "/m": [READ, all(old)], "/m/apps": [all(old)], "/m2": [all(old)], "/m/gone": [all(old)], ...many };
    const session = tree(nodes, ["/m/gone"]);
    expect(await changeOwners(session, "/m", (acl) => sharedAcl(acl, [old, now]))).toBe(102);
    expect(nodes["/m"]).toEqual([READ, all(old), all(now)]);
    expect(nodes["/m2"]).toEqual([all(old)]);
    expect(await changeOwners(session, "/m", (acl) => sharedAcl(acl, [old, now]))).toBe(0);
    expect(await changeOwners(session, "/m", (acl) => ownAcl(acl, now))).toBe(102);
    expect(await changeOwners(tree({}, ["/m"]), "/m", (acl) => ownAcl(acl, now))).toBe(0);
});

test("fails at a node that is nobody's that the session speaks for", async () => {
    const session = { acl: (path: string) => Promise.reject(new ZooKeeperError(CODE.noAuth, path)) };
    await expect(changeOwners(session as unknown as ZooKeeperSession, "/m", (acl) => ownAcl(acl, now))).rejects.toThrow(
        "ZooKeeper, /m: not allowed: the node's ACL is for another user",
    );
});
