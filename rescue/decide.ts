/** What a restore does to a part, from how its hosts are. Pure. */
import type { HostPart } from "./manifest";

/** How a part is on a host. */
export type Look =
    | {
          /** Takes part in a quorum. */
          readonly serves: boolean;
          readonly leads: boolean;
          /** Its unit runs, well or not. */
          readonly active: boolean;
          readonly data: boolean;
          /** Id of the copy that a restore before this one has put there, if it did not come to its end. */
          readonly restored: string;
      }
    | { readonly error: string };

export interface Wish {
    /** Id of the copy that is to be put in place. */
    readonly id: string;
    /** Host whose own data is used, instead of a backup's. */
    readonly survivor?: string | undefined;
    /** Data that stands in the way may be put aside. */
    readonly replace: boolean;
    readonly cluster: string;
}

export type Decision =
    | { readonly action: "leave"; readonly reason: string }
    | { readonly action: "seed"; readonly hosts: readonly string[] }
    | { readonly action: "refuse"; readonly reasons: readonly string[] };

const names: Readonly<Record<HostPart, string>> = { zookeeper: "ZooKeeper", registry: "a master" };

/** A quorum that lives, or could, knows more than any copy of it: it is left alone. */
export function decide(part: HostPart, looks: ReadonlyMap<string, Look>, wish: Wish): Decision {
    const all = [...looks].map(([host, look]) => ({ host, ...look }));
    const leader = all.find((one) => "leads" in one && one.leads);
    // One that has just lost its quorum takes itself for the leader until its session ends: hosts that hold nothing are none of its.
    const followers = all.filter((one) => "error" in one || one.data);
    if (leader !== undefined && followers.length > all.length / 2)
        return { action: "leave", reason: `${names[part]} leads on ${leader.host}` };
    const holders = all.flatMap((one) => ("data" in one && one.data && one.restored !== wish.id ? [one.host] : []));
    if (holders.length > all.length / 2 && wish.survivor === undefined && !wish.replace)
        return {
            action: "leave",
            reason: `${holders.join(", ")} still hold${holders.length > 1 ? "" : "s"} it, which is a quorum`,
        };
    const unknown = all.flatMap((one) => ("error" in one ? [one.error] : []));
    if (unknown.length > 0) return { action: "refuse", reasons: unknown };
    const others = all.map(({ host }) => host).filter((host) => host !== wish.survivor);
    if (wish.survivor !== undefined && !holders.includes(wish.survivor))
        return { action: "refuse", reasons: [`${wish.survivor} holds no data of ${part} that could be used`] };
    const inTheWay = holders.filter((host) => host !== wish.survivor);
    if (inTheWay.length === 0 || wish.replace) return { action: "seed", hosts: others };
    const many = inTheWay.length > 1;
    return {
        action: "refuse",
        reasons: [
            `${inTheWay.join(", ")} still hold${many ? "" : "s"} data of ${part}, newer than any backup, although there is no quorum` +
                `\n  fix: bring the other hosts back as they were; or use what is there: --survivor ${inTheWay[0] ?? ""}; or put it aside: --replace ${wish.cluster}`,
        ],
    };
}

export interface KnownAgent {
    readonly id: string;
    readonly hostname: string;
}

/**
 * Agents of the registry that will never come back, because their hosts' disks do not know them any more. Told so before frameworks
 * register, Mesos answers the first question about their tasks with "gone". Not told, it says nothing for
 * `agentReregisterTimeoutSec`, Marathon asks again only every ten minutes, and then a leader that misses too many agents at once
 * gives up (`recovery_agent_removal_limit`).
 *
 * @param kept what each host's disk knows, by the agent's host name; hosts that cannot be asked are not in it
 */
export function lostAgents(known: readonly KnownAgent[], kept: ReadonlyMap<string, string>): KnownAgent[] {
    return known.filter(({ id, hostname }) => kept.has(hostname) && kept.get(hostname) !== id);
}
