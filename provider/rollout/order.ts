/** Which hosts change together and in which order. Pure: it is told how the hosts are and says what comes next. */

/** The part that a host plays in its tier right now. */
export type Role = "absent" | "down" | "follower" | "leader" | "serving";

export interface Candidate {
    readonly host: string;
    readonly role: Role;
    /** Whether the change takes the service down for a moment. */
    readonly restarts: boolean;
    /** A host that was not part of the tier before. */
    readonly isNew: boolean;
}

export interface QuorumState {
    /** Members that serve now. */
    readonly serving: number;
    /** Members needed for a quorum. */
    readonly quorum: number;
    /** Members that there are. */
    readonly members: number;
    /** Whether newcomers start before the present members change (ZooKeeper) or after (Mesos masters). */
    readonly newcomersFirst: boolean;
}

const RANK: Record<Role, number> = { absent: 0, down: 1, serving: 2, follower: 2, leader: 3 };

/** Names in the order in which a person would count them: bm2 before bm10. */
export function byName(a: { readonly host: string }, b: { readonly host: string }): number {
    return a.host.localeCompare(b.host, "en", { numeric: true });
}

/**
 * Waves of a quorum tier: what restarts nothing goes first, all together; then one host at a time, those that are down
 * before those that serve, the leader last. Where there is no quorum to lose, everything goes at once: a new quorum can
 * only form together.
 *
 * Leader last costs one election instead of two, and an update never meets a leader that is older than its followers
 * (facts: the ZooKeeper leader goes last in the ZooKeeper tier, the leading master in the tier of masters).
 */
export function quorumWaves<T extends Candidate>(candidates: readonly T[], state: QuorumState): T[][] {
    const sorted = [...candidates].sort(byName);
    if (state.serving < state.quorum) {
        return sorted.length > 0 ? [sorted] : [];
    }
    const quiet = sorted.filter(({ restarts, isNew }) => !restarts && !isNew);
    const newcomers = sorted.filter(({ isNew }) => isNew);
    const present = sorted
        .filter(({ restarts, isNew }) => restarts && !isNew)
        .sort((a, b) => RANK[a.role] - RANK[b.role] || byName(a, b));
    const rolling = state.newcomersFirst ? [...newcomers, ...present] : [...present, ...newcomers];
    return [...(quiet.length > 0 ? [quiet] : []), ...rolling.map((candidate) => [candidate])];
}

/**
 * The waves that are left, with the one that leads now as the last of those that roll: a rollout takes minutes, and who led at its
 * beginning need not lead at its end. Newcomers keep their places.
 *
 * @param roles who leads now; where nobody is known to, nothing changes
 */
export function leaderLast<T extends Candidate>(waves: readonly T[][], roles: ReadonlyMap<string, Role>): T[][] {
    const isRolling = ([one, ...others]: readonly T[]): boolean =>
        one !== undefined && others.length === 0 && one.restarts && !one.isNew;
    const leads = ([one]: readonly T[]): boolean => roles.get(one?.host ?? "") === "leader";
    const rolling = waves.filter(isRolling);
    if (!rolling.some(leads)) {
        return [...waves];
    }
    const now = rolling.map((wave) => wave.map((one) => ({ ...one, role: roles.get(one.host) ?? one.role })));
    const inOrder = [...now.filter((wave) => !leads(wave)), ...now.filter(leads)];
    return waves.map((wave) => (isRolling(wave) ? (inOrder.shift() ?? wave) : wave));
}

/** Waves of a pool: newcomers and quiet changes at once, the rest `maxUnavailable` at a time. */
export function poolWaves<T extends Candidate>(candidates: readonly T[], maxUnavailable: number): T[][] {
    const sorted = [...candidates].sort(byName);
    const atOnce = sorted.filter(({ restarts, isNew }) => isNew || !restarts);
    const rolling = sorted
        .filter(({ restarts, isNew }) => restarts && !isNew)
        .sort((a, b) => RANK[a.role] - RANK[b.role]);
    const waves = atOnce.length > 0 ? [atOnce] : [];
    for (let i = 0; i < rolling.length; i += maxUnavailable) {
        waves.push(rolling.slice(i, i + maxUnavailable));
    }
    return waves;
}

/**
 * Whether taking a member down now leaves a quorum. A member that does not serve takes nothing away. Where every member is
 * needed (two members, or the step between two sizes of masters) none could ever change, so there it is allowed.
 *
 * @returns the reason against it, or undefined
 */
export function refusal(candidate: Candidate, state: QuorumState): string | undefined {
    const serves = candidate.role === "follower" || candidate.role === "leader" || candidate.role === "serving";
    const left = state.serving - (serves ? 1 : 0);
    if (!candidate.restarts || !serves || left >= state.quorum || state.quorum >= state.members) {
        return undefined;
    }
    return `only ${state.serving} members serve and ${state.quorum} are needed: without ${candidate.host} the quorum would be lost`;
}

/**
 * Whether members may be deleted. The survivors must keep a quorum of their own; deleting all of them is the end of the
 * site and allowed.
 *
 * @returns the reason against it, or undefined
 */
export function deletionRefusal(
    members: readonly string[],
    leaving: ReadonlySet<string>,
    serving: ReadonlySet<string>,
): string | undefined {
    const survivors = members.filter((name) => !leaving.has(name));
    if (survivors.length === 0) {
        return undefined;
    }
    const alive = survivors.filter((name) => serving.has(name)).length;
    const needed = Math.floor(members.length / 2) + 1;
    if (alive >= needed) {
        return undefined;
    }
    return `of ${members.length} members ${alive} would be left serving (${survivors.join(", ")}), ${needed} are needed for a quorum`;
}
