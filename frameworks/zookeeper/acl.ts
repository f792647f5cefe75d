/** Who may do what with a node; and whose a part of ZooKeeper is while its owner's password is made anew: of both, then of the new one alone. */
import { createHash } from "node:crypto";
import type { Digest } from "./address";
import { CODE, isCode } from "./errors";
import type { ZooKeeperSession } from "./session";

export interface Acl {
    /** Sum of 1 read, 2 write, 4 create, 8 delete, 16 admin. */
    readonly perms: number;
    readonly scheme: string;
    readonly id: string;
}

/** Anybody may do anything. */
export const OPEN: readonly Acl[] = [{ perms: 31, scheme: "world", id: "anyone" }];
/** Only who created it, by the credential it had then. */
export const CREATOR_ALL: readonly Acl[] = [{ perms: 31, scheme: "auth", id: "" }];

/** How ZooKeeper writes a digest down (`DigestAuthenticationProvider`): it keeps no password. */
export const digestId = ({ user, password }: Digest): string =>
    `${user}:${createHash("sha1").update(`${user}:${password}`).digest("base64")}`;

const isOf = ({ scheme, id }: Acl, ids: readonly string[]): boolean => scheme === "digest" && ids.includes(id);

/**
 * What one of two owners may, both may.
 *
 * @returns undefined where nothing has to change
 */
export function sharedAcl(acl: readonly Acl[], owners: readonly Digest[]): Acl[] | undefined {
    const ids = owners.map(digestId);
    const perms = acl.filter((entry) => isOf(entry, ids)).reduce((sum, entry) => sum | entry.perms, 0);
    if (perms === 0 || ids.every((id) => acl.some((entry) => isOf(entry, [id]) && entry.perms === perms))) {
        return undefined;
    }
    return [...acl.filter((entry) => !isOf(entry, ids)), ...ids.map((id) => ({ perms, scheme: "digest", id }))];
}

/**
 * What the owner may by whatever password, he may by this one alone.
 *
 * @returns undefined where nothing has to change
 */
export function ownAcl(acl: readonly Acl[], owner: Digest): Acl[] | undefined {
    const isHis = ({ scheme, id }: Acl): boolean => scheme === "digest" && id.startsWith(`${owner.user}:`);
    const his = acl.filter(isHis);
    const id = digestId(owner);
    if (his.every((entry) => entry.id === id)) {
        return undefined;
    }
    const perms = his.reduce((sum, entry) => sum | entry.perms, 0);
    return [...acl.filter((entry) => !isHis(entry)), { perms, scheme: "digest", id }];
}

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
