/** ZooKeeper, as hosts need it: which part does a member play (its four-letter words), and is there a node? */
import type { Digest } from "../../frameworks/zookeeper/address";
import { type Acl, ownAcl, sharedAcl } from "../../frameworks/zookeeper/acl";
import { changeOwners } from "../../frameworks/zookeeper/owners";
import { CODE, isCode } from "../../frameworks/zookeeper/errors";
import { type SessionOptions, ZooKeeperSession } from "../../frameworks/zookeeper/session";
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
    /**
     * Whatever one of two owners may with a node or what is below it, both may from now on.
     *
     * @returns how many nodes were changed
     * @throws Error when no server answers, or something is neither's
     */
    share(part: Part, owners: readonly [Credential, Credential]): Promise<number>;
    /**
     * Whatever the owner may by whatever password, he may by this one alone.
     *
     * @returns how many nodes were changed
     * @throws Error when no server answers, or something is not the owner's by this password
     */
    claim(part: Part, owner: Credential): Promise<number>;
    /**
     * Whether the node is its owner's by this password, and nobody's by another one; also when it is not there.
     *
     * @throws Error when no server answers
     */
    isClaimed(part: Part, owner: Credential): Promise<boolean>;
}

/** A node with all below it, and the way there. */
export interface Part {
    /** `host:port` each. */
    readonly servers: readonly string[];
    readonly path: string;
    readonly route: Route;
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

const digestOf = ({ principal, secret }: Credential): Digest => ({ user: principal, password: secret });

async function withSession<T>(
    servers: readonly string[],
    owners: readonly Credential[],
    work: (session: ZooKeeperSession) => Promise<T>,
    way: Pick<SessionOptions, "dial" | "greetingMs" | "openTimeoutMs" | "timeoutMs"> = {},
): Promise<T> {
    const session = await ZooKeeperSession.open({ servers, openTimeoutMs: OPEN_MS, ...way });
    try {
        for (const { user, password } of owners.map(digestOf)) {
            await session.authenticate(user, password);
        }
        return await work(session);
    } finally {
        await session.close();
    }
}

/** Behind a bastion everything takes as much longer as its two SSH sessions do. */
function inPart<T>(
    { servers, route }: Part,
    owners: readonly Credential[],
    work: (session: ZooKeeperSession) => Promise<T>,
): Promise<T> {
    const greetingMs = patience(route, TIMEOUT_MS);
    return withSession(servers, owners, work, {
        dial: (host, port) => dial(host, port, route),
        greetingMs,
        timeoutMs: 4 * greetingMs,
        openTimeoutMs: patience(route, OPEN_MS),
    });
}

async function removeBelow(session: ZooKeeperSession, path: string): Promise<void> {
    for (const name of await session.children(path)) {
        await removeBelow(session, `${path}/${name}`);
    }
    await session.remove(path);
}

export const zookeeperClient: ZooKeeperClient = {
    exists: (servers, path) => withSession(servers, [], (session) => session.exists(path)),
    share: (part, owners) => {
        const change = (acl: readonly Acl[]): Acl[] | undefined => sharedAcl(acl, owners.map(digestOf));
        return inPart(part, owners, (session) => changeOwners(session, part.path, change));
    },
    claim: (part, owner) => {
        const change = (acl: readonly Acl[]): Acl[] | undefined => ownAcl(acl, digestOf(owner));
        return inPart(part, [owner], (session) => changeOwners(session, part.path, change));
    },
    isClaimed: (part, owner) =>
        inPart(part, [owner], async (session) => {
            try {
                return ownAcl(await session.acl(part.path), digestOf(owner)) === undefined;
            } catch (error) {
                if (isCode(error, CODE.noAuth)) return false;
                if (isCode(error, CODE.noNode)) return true;
                throw error;
            }
        }),
    removeAll: (servers, path, owner) =>
        withSession(servers, [owner], async (session) => {
            if (await session.exists(path)) {
                await removeBelow(session, path);
            }
        }),
    mode: async (address, port, route) => parseMode((await ask("srvr", address, port, route)) ?? ""),
    syncedFollowers: async (address, port, route) => parseSynced((await ask("mntr", address, port, route)) ?? ""),
};
