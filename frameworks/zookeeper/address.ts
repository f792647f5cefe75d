/** Where a ZooKeeper ensemble is: `zk://[user:password@]host:port,host:port/path`, as Mesos and Marathon write it. */

export interface Digest {
    readonly user: string;
    readonly password: string;
}

export interface ZooKeeperAddress {
    /** `host:port` each. */
    readonly servers: readonly string[];
    /** Begins with a slash and does not end with one; "" is the root. */
    readonly path: string;
    readonly digest?: Digest;
}

/** @throws {Error} when it is no such address; the text never shows a password */
export function parseZooKeeperAddress(text: string): ZooKeeperAddress {
    const match = /^zk:\/\/(?:([^/@]*)@)?([^/@]+)(\/.*)?$/.exec(text);
    const servers = (match?.[2] ?? "").split(",").map((server) => (/:\d+$/.test(server) ? server : `${server}:2181`));
    if (match === null || servers.some((server) => server.startsWith(":"))) {
        const shown = text.replace(/\/\/.*@/, "//…@");
        throw new Error(`"${shown}" is no ZooKeeper address: zk://host:2181,host:2181/path is wanted`);
    }
    const [, login, , path = ""] = match;
    const colon = login?.indexOf(":") ?? -1;
    return {
        servers,
        path: path.replace(/\/+$/, ""),
        ...(login !== undefined &&
            colon > 0 && { digest: { user: login.slice(0, colon), password: login.slice(colon + 1) } }),
    };
}
