/** ZooKeeper's error codes (`KeeperException.Code`) in words. */

export const CODE = {
    connectionLoss: -4,
    noNode: -101,
    noAuth: -102,
    badVersion: -103,
    nodeExists: -110,
    notEmpty: -111,
    sessionExpired: -112,
    authFailed: -115,
} as const;

const WORDS: Readonly<Record<number, string>> = {
    [CODE.connectionLoss]: "the connection was lost; whether it was done is not known",
    [CODE.noNode]: "there is no such node",
    [CODE.noAuth]: "not allowed: the node's ACL is for another user",
    [CODE.badVersion]: "somebody else has changed it meanwhile",
    [CODE.nodeExists]: "the node exists already",
    [CODE.notEmpty]: "the node has children",
    [CODE.sessionExpired]: "the session has expired",
    [CODE.authFailed]: "the credential was not accepted",
};

export class ZooKeeperError extends Error {
    public override readonly name = "ZooKeeperError";

    public constructor(
        public readonly code: number,
        public readonly path = "",
    ) {
        super(`ZooKeeper${path === "" ? "" : `, ${path}`}: ${WORDS[code] ?? `error ${code}`}`);
    }
}

export const isCode = (error: unknown, code: number): boolean => error instanceof ZooKeeperError && error.code === code;
