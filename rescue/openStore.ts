/** From the name of a place to the store that is there. */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { schemeOf } from "../site/plan/backup";
import { type S3Access, S3Store } from "./s3Store";
import { FolderStore, SshStore, type Store } from "./store";

export const isS3 = (to: string): boolean => schemeOf(to) === "s3";

/**
 * @param root that relative folders are from
 * @param s3 for a place in an S3-compatible store
 */
export function openStore(to: string, root: string, s3?: S3Access): Store {
    if (s3 !== undefined && isS3(to)) return new S3Store(to, s3);
    return schemeOf(to) === "ssh"
        ? new SshStore(to)
        : new FolderStore(resolve(root, to.replace(/^~(?=\/)/, homedir())));
}
