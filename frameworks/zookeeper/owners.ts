/** Makes a part of ZooKeeper its owner's. */
import type { Acl } from "./acl";
import { CODE, isCode } from "./errors";
import type { ZooKeeperSession } from "./session";

/** Nodes looked at at a time: a framework of thousands of apps has as many nodes, and ZooKeeper serves others too. */
const WINDOW = 32;

/**
 * Goes through a node and all below it; those that come or go meanwhile do not matter.
 *
 * @param change from `sharedAcl` or `ownAcl`
 * @returns how many nodes were changed
 * @throws {ZooKeeperError} when a node is neither's that the session speaks for
 */
export async function changeOwners(
    session: ZooKeeperSession,
    path: string,
    change: (acl: readonly Acl[]) => Acl[] | undefined,
): Promise<number> {
    let changed = 0;
    const visit = async (node: string): Promise<string[]> => {
        try {
            const wanted = change(await session.acl(node));
            if (wanted !== undefined) {
                await session.setAcl(node, wanted);
                changed += 1;
            }
            return (await session.children(node)).map((name) => `${node}/${name}`);
        } catch (error) {
            if (isCode(error, CODE.noNode)) {
                return [];
            }
            throw error;
        }
    };
    const waiting = [path];
    while (waiting.length > 0) {
        const found = await Promise.all(waiting.splice(0, WINDOW).map(visit));
        waiting.push(...found.flat());
    }
    return changed;
}
