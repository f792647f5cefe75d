/** Secrets come from files that nobody else may read. */
import { readSecretFile } from "../scheduler";
import type { Digest } from "../zookeeper/address";

/** `user:password` of ZooKeeper. */
export function readDigest(file: string): Digest {
    const text = readSecretFile(file, "ZooKeeper's user and password").replace(/\r?\n$/, "");
    const colon = text.indexOf(":");
    if (colon < 1 || colon === text.length - 1) {
        throw new Error(`${file} holds no user:password for ZooKeeper`);
    }
    return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
