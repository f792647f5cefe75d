/** What a change of the ZooKeeper ensemble puts at risk: known at preview, from the old and the new members. */
import { issue } from "../issue";
import { majority } from "../plan/quorum";
import type { Issue, ZooKeeperMember } from "../plan/types";

const path = "zookeeper.members";

function identityIssues(old: readonly ZooKeeperMember[], next: readonly ZooKeeperMember[]): Issue[] {
    const hostOf = new Map(old.map(({ id, name }) => [id, name]));
    const idOf = new Map(old.map(({ id, name }) => [name, id]));
    return next.flatMap(({ id, name }) => {
        const host = hostOf.get(id);
        if (host !== undefined && host !== name)
            return [
                issue(
                    "ZK_ID_MOVED",
                    `${path}.${name}`,
                    `server id ${id} belongs to ${host}, whose votes it stands for`,
                    {
                        value: id,
                        allowed: "an id that no member ever had",
                        fix: `give ${name} a new id and add ${id} to zookeeper.retiredIds`,
                    },
                ),
            ];
        const before = idOf.get(name);
        if (before !== undefined && before !== id)
            return [
                issue("ZK_ID_CHANGED", `${path}.${name}`, `the server id of ${name} changes from ${before} to ${id}`, {
                    value: id,
                    allowed: String(before),
                    fix: "a member keeps its id for ever",
                }),
            ];
        return [];
    });
}

/**
 * Whether two halves of a rolling change could each be a quorum: some servers restarted with the new list (or new), the
 * others still running with the old one. Without a member in common, both would elect a leader and accept writes.
 *
 * With `k` old members restarted, the new side has `newcomers + k` voters and the old side `old.length - k`. The new side
 * first reaches its quorum at `k = majority(new) - newcomers`; by then the old side must be below its own.
 * One member more or less is always safe; 1→3, 3→5, 5→3 and a live member swapped for another are not.
 */
export function couldSplit(old: number, next: number, newcomers: number): boolean {
    const restarted = Math.max(0, majority(next) - newcomers);
    return old - restarted >= majority(old);
}

/**
 * Checks a change of members.
 * @param confirmed the stack file repeats the cluster's name: the members that go are off for good, or a partition during
 *   the change is accepted. Newcomers that could outvote the data are refused all the same.
 * @returns faults; none when there was no ensemble before, or none is left
 */
export function checkZooKeeperChange(
    old: readonly ZooKeeperMember[],
    next: readonly ZooKeeperMember[],
    confirmed = false,
): Issue[] {
    if (old.length === 0 || next.length === 0) return [];
    const issues = identityIssues(old, next);
    const known = new Set(old.map(({ name }) => name));
    const newcomers = next.filter(({ name }) => !known.has(name));
    const removed = old.length + newcomers.length - next.length;
    const names = newcomers.map(({ name }) => name).join(", ");
    if (newcomers.length >= majority(next.length))
        issues.push(
            issue("ZK_NEWCOMERS", path, `${names}, which are empty, could outvote the members that hold the data`, {
                value: next.map(({ name }) => name),
                allowed: `${old.length} → ${old.length + 1} members`,
                fix: "add one member, run `pulumi up`, then add the next (zookeeper.allowEven: true in between)",
            }),
        );
    else if (!confirmed && couldSplit(old.length, next.length, newcomers.length))
        issues.push(
            issue("ZK_SPLIT", path, "during this change two halves of the ensemble could each elect a leader", {
                value: next.map(({ name }) => name),
                allowed: "one member more, or one less, at a time",
                fix:
                    removed > 0 && newcomers.length > 0
                        ? "make sure that the removed member is off for good and repeat the cluster's name in `confirm`; or remove it, run `pulumi up`, then add the new one (zookeeper.allowEven: true in between)"
                        : "change one member, run `pulumi up`, then the next (zookeeper.allowEven: true in between)",
            }),
        );
    return issues;
}
