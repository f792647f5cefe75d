/** More than half of `count`. */
export function majority(count: number): number {
    return Math.floor(count / 2) + 1;
}

/**
 * Whether a replicated log of `count` masters is safe with this quorum: two quorums always meet, and all replicas present
 * make one (`N/2 < quorum`, docs/operational-guide.md of Mesos: `N < 2 * quorum`).
 */
export function quorumFits(count: number, quorum: number): boolean {
    return count < 2 * quorum && quorum <= count;
}
