/** Of several instances one leads; the others stand by. */
import { randomUUID } from "node:crypto";
import { LeaderWatch, standForElection } from "../zookeeper/election";
import type { ZooKeeperSession } from "../zookeeper/session";

const PREFIX = "member_";

export interface Election {
    /** `host:port` of the instance that leads; undefined while none is known. */
    readonly leader: () => string | undefined;
    /** Resolves when this one leads. It does so until its session ends. */
    readonly elected: Promise<void>;
}

/**
 * Stands for election below `path`.
 * @param address `host:port` that the others name this one by
 */
export async function stand(session: ZooKeeperSession, path: string, address: string): Promise<Election> {
    // An instance that was killed stands there until its session ends, under the same address.
    const own = JSON.stringify({ address, instance: randomUUID() });
    let leader: string | undefined;
    let win!: () => void;
    const elected = new Promise<void>((resolve) => (win = resolve));
    await standForElection(session, path, PREFIX, own);
    new LeaderWatch(session, path, PREFIX, (data) => {
        leader = data === undefined ? undefined : (JSON.parse(data) as { address?: string }).address;
        if (data === own) {
            win();
        }
    });
    return { leader: () => leader, elected };
}
