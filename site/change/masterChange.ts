/** What a change of the masters does to their registry: known at preview, from the old and the new plan. */
import { issue } from "../issue";
import type { Issue, MasterService } from "../plan/types";

const path = "masters";

/** The walk from one size to another, as `masters.members` and `masters.quorum` of each `pulumi up`. */
function steps(old: MasterService, next: MasterService): string {
    const [from, to] = [old.members.length, next.members.length];
    const walk: string[] = [];
    if (to >= from) {
        // The old members learn the larger quorum first: a new one can then never decide with too few of them.
        for (let quorum = old.quorum + 1; quorum <= next.quorum; quorum++) {
            const members = Math.min(2 * quorum - 1, to);
            walk.push(`masters.quorum: ${quorum} with the present masters`, `then ${members} masters`);
        }
    } else {
        for (let quorum = old.quorum; quorum > next.quorum; quorum--)
            walk.push(
                `${Math.max(2 * quorum - 3, to)} masters with masters.quorum: ${quorum}`,
                `then masters.quorum: ${quorum - 1}`,
            );
    }
    return `one \`pulumi up\` for each step: ${walk.join("; ")}`;
}

/**
 * Checks a change of masters or quorum against docs/operational-guide.md of Mesos.
 * @param confirmed the stack file repeats the cluster's name, so the registry may be lost
 * @returns faults; none when there were no masters before, or none are left
 */
export function checkMasterChange(old: MasterService, next: MasterService, confirmed = false): Issue[] {
    if (old.members.length === 0 || next.members.length === 0) return [];
    const before = new Set(old.members.map(({ name }) => name));
    const kept = next.members.filter(({ name }) => before.has(name)).length;
    const added = next.members.length - kept;
    const removed = old.members.length - kept;
    const value = { members: next.members.map(({ name }) => name), quorum: next.quorum };
    if (added === 0 && removed === 0 && old.quorum === next.quorum) return [];
    if (kept < old.quorum || (old.members.length === 1 && added > 0)) {
        if (confirmed) return [];
        const why =
            old.members.length === 1 && kept === 1
                ? "a single master's replicated log cannot grow: it must be wiped"
                : `too few of the present masters stay (${kept} of ${old.quorum} needed) to hand the replicated log on`;
        return [
            issue(
                "MASTER_LOG_LOST",
                `${path}.members`,
                `${why}, and with it the list of agents, quotas, weights and maintenance`,
                {
                    value,
                    allowed: "a change that keeps a quorum of the present masters",
                    fix: "repeat the cluster's name in `confirm` to go on; quotas and weights are set again from this file",
                },
            ),
        ];
    }
    if (Math.abs(next.quorum - old.quorum) > 1 || ((added > 0 || removed > 0) && next.quorum !== old.quorum))
        return [
            issue(
                "MASTER_QUORUM_STEP",
                `${path}.quorum`,
                `masters and quorum change together, from ${old.members.length} with quorum ${old.quorum} to ${next.members.length} with ${next.quorum}: some would decide by the old quorum, some by the new`,
                {
                    value,
                    allowed:
                        "either other masters with the same quorum, or the same masters with a quorum of one more or less",
                    fix: steps(old, next),
                },
            ),
        ];
    if (added > 0 && removed > 1)
        return [
            issue("MASTER_REPLACE_MANY", `${path}.members`, `${removed} masters are replaced at once`, {
                value,
                allowed: "one",
                fix: "replace one, run `pulumi up`, wait for registrar/log/recovered, then the next; the old one must never come back",
            }),
        ];
    return [];
}
