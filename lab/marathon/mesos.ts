/** What both stand-ins need of Mesos and ZooKeeper, from their flags. */
import { type Credential, type LeaderDetector, MastersList, readCredential, ZooKeeperMasters } from "../../frameworks/scheduler";
import { parseZooKeeperAddress } from "../../frameworks/zookeeper/address";
import { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import { type Flags, numberFlag } from "./flags";

export async function openZooKeeper(text: string, timeoutMs: number): Promise<{ session: ZooKeeperSession; path: string }> {
    const { servers, path, digest } = parseZooKeeperAddress(text);
    const session = await ZooKeeperSession.open({ servers, timeoutMs, ...(digest && { digest }) });
    return { session, path };
}

export async function mastersOf(master: string, timeoutMs: number): Promise<LeaderDetector> {
    if (!master.startsWith("zk://")) {
        return new MastersList(master.split(",").map((one) => (/:\d+$/.test(one) ? one : `${one}:5050`)));
    }
    const { session, path } = await openZooKeeper(master, timeoutMs);
    return new ZooKeeperMasters(session, path);
}

/** @throws {Error} when a secret is wanted and not there */
export function credentialOf(flags: Flags): Credential | undefined {
    const principal = flags.get("mesos_authentication_principal");
    const secretFile = flags.get("mesos_authentication_secret_file");
    if (principal === undefined || secretFile === undefined) {
        return undefined;
    }
    return readCredential({ principal, secretFile });
}

export const sessionTimeout = (flags: Flags): number => numberFlag(flags, "zk_session_timeout", 10_000);

/** Ends the process the way its supervisor and its log expect it. */
export function crash(code: number, message: string): never {
    process.stderr.write(`${message}\n`);
    process.exit(code);
}
