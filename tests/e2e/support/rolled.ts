/** How a quorum's members were restarted: what every rolling change is held to. */
import { type History, lastRestart, type Tier } from "./history";
import { QUORUM } from "./hosts";

/** In the lab's stack file zkSessionTimeoutSec is left at its default. */
const SESSION_MS = 10_000;

/** How the members of a tier were restarted, from systemd's timestamps and the polled history. */
export async function expectRolled(history: History, tier: Tier): Promise<void> {
    const restarts = (await Promise.all(QUORUM.map((host) => lastRestart(host, tier)))).sort((a, b) => a.down - b.down);
    for (const [index, { host, down, up: started }] of restarts.entries()) {
        expect(started).toBeGreaterThan(down);
        const { roles } = history.before(tier, down);
        // Everybody served before this one went down: never two at once, always a quorum.
        expect([host, Object.values(roles).filter(Boolean).length]).toEqual([host, QUORUM.length]);
        // Who leads at that moment goes only when the others are done.
        expect([host, roles[host]]).toEqual([host, index === restarts.length - 1 ? "leader" : "follower"]);
        const next = restarts[index + 1];
        if (next !== undefined) {
            expect(history.servedAgain(tier, host, started)).toBeLessThan(next.down);
        }
    }
    const leader = restarts[restarts.length - 1];
    expect(history.fewestServing(tier, leader?.down)).toBeGreaterThanOrEqual(QUORUM.length - 1);
    // Only while the others elect a new one is there none.
    expect(history.longestWithoutLeader(tier)).toBeLessThan(SESSION_MS + 5000);
}
