/** Who may do what with a node, and what that becomes while its owner's password is made anew: of both, then of the new one alone. Pure. */
import { createHash } from "node:crypto";
import type { Digest } from "./address";

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
