/** ZooKeeper, as hosts need it: which part does a member play (its four-letter words), and is there a node? */
import { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import type { Credential } from "../host/config";
import { dial, patience, type Route } from "./dial";

export type Mode = "leader" | "follower" | "observer" | "standalone";

export interface ZooKeeperClient {
    /** @returns undefined when the member does not serve (no answer, or no quorum) */
    mode(address: string, port: number, route: Route): Promise<Mode | undefined>;
    /** Followers that have caught up with this leader; undefined when it does not lead. */
    syncedFollowers(address: string, port: number, route: Route): Promise<number | undefined>;
    /**
     * Whether there is a node at the path.
     *
     * @param servers `host:port` each, reached from this machine
     * @throws Error when no server answers
     */
    exists(servers: readonly string[], path: string): Promise<boolean>;
    /**
     * Takes a node away, with all below it.
     *
     * @param owner Who made them
     * @throws Error when no server answers, or something is not the owner's
     */
    removeAll(servers: readonly string[], path: string, owner: Credential): Promise<void>;
}

const TIMEOUT_MS = 3000;
/** For a session: any member of the ensemble will do, the first ones may be down. */
const OPEN_MS = 10_000;

/** Sends a word and returns what comes until the server hangs up; undefined when that does not happen in time. */
function ask(word: string, address: string, port: number, route: Route): Promise<string | undefined> {
    return new Promise((resolve) => {
        const stream = dial(address, port, route);
        let answer = "";
        const end = (value: string | undefined): void => {
            clearTimeout(timer);
            stream.destroy();
            resolve(value);
        };
        const timer = setTimeout(() => end(undefined), patience(route, TIMEOUT_MS));
        stream.setEncoding("utf8");
        stream.on("data", (text: string) => (answer += text));
        stream.on("end", () => end(answer));
        stream.on("error", () => end(undefined));
        stream.write(word);
    });
}

/**
 * What a member says to `mntr`.
 *
 * @throws Error when it does not answer
 */
export async function monitored(address: string, port: number): Promise<string> {
    const answer = await ask("mntr", address, port, {});
    if (answer === undefined || answer === "") throw new Error("does not answer");
    return answer;
}

export function parseMode(srvr: string): Mode | undefined {
    return /^Mode: (leader|follower|observer|standalone)$/m.exec(srvr)?.[1] as Mode | undefined;
}

export function parseSynced(mntr: string): number | undefined {
    const count = /^zk_synced_followers\t(\d+)/m.exec(mntr)?.[1];
    return count === undefined ? undefined : Number(count);
}

async function withSession<T>(
    servers: readonly string[],
    owner: Credential | undefined,
    work: (session: ZooKeeperSession) => Promise<T>,
): Promise<T> {
    const digest = owner && { user: owner.principal, password: owner.secret };
    const session = await ZooKeeperSession.open({ servers, openTimeoutMs: OPEN_MS, ...(digest && { digest }) });
    try {
        return await work(session);
    } finally {
        await session.close();
    }
}

async function removeBelow(session: ZooKeeperSession, path: string): Promise<void> {
    for (const name of await session.children(path)) {
        await removeBelow(session, `${path}/${name}`);
    }
    await session.remove(path);
}

export const zookeeperClient: ZooKeeperClient = {
    exists: (servers, path) => withSession(servers, undefined, (session) => session.exists(path)),
    removeAll: (servers, path, owner) =>
        withSession(servers, owner, async (session) => {
            if (await session.exists(path)) {
                await removeBelow(session, path);
            }
        }),
    mode: async (address, port, route) => parseMode((await ask("srvr", address, port, route)) ?? ""),
    syncedFollowers: async (address, port, route) => parseSynced((await ask("mntr", address, port, route)) ?? ""),
};
