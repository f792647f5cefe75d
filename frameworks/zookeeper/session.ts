/**
 * A ZooKeeper client: one session that moves from server to server until it is closed or expires.
 *
 * Small on purpose: what frameworks need (nodes, ephemeral and sequential ones, watches, digest authentication), and nothing
 * that would hide what happens: a request whose connection broke fails with `connectionLoss`, unless it only reads.
 */
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type Acl, CREATOR_ALL, OPEN } from "./acl";
import type { Digest } from "./address";
import { CODE, isCode, ZooKeeperError } from "./errors";
import { Reader, Writer } from "./wire";

const OP = {
    create: 1,
    delete: 2,
    exists: 3,
    getData: 4,
    setData: 5,
    getAcl: 6,
    setAcl: 7,
    getChildren: 8,
    ping: 11,
    auth: 100,
    close: -11,
};
const XID = { watch: -1, ping: -2, auth: -4 };
/** While no server answers. */
const RETRY_MS = 100;

export interface CreateOptions {
    /** Goes with the session. @default false */
    readonly ephemeral?: boolean;
    /** Ten digits, ever growing, are put behind the name. @default false */
    readonly sequential?: boolean;
    /** @default creatorAll with a credential, else open */
    readonly acl?: readonly Acl[];
}

export interface SessionOptions {
    /** `host:port` each. */
    readonly servers: readonly string[];
    /** How long the servers keep the session of a client that they do not hear. @default 10000 */
    readonly timeoutMs?: number;
    readonly digest?: Digest;
    /** @default 20000 */
    readonly openTimeoutMs?: number;
    /** Way to a server that is not reached straight. @default a TCP connection */
    readonly dial?: (host: string, port: number) => Duplex;
    /** How long a server may take to greet, milliseconds. @default 3000 */
    readonly greetingMs?: number;
}

interface Waiting {
    readonly path: string;
    readonly resolve: (reader: Reader) => void;
    readonly reject: (error: Error) => void;
}

type Watcher = () => void;

export class ZooKeeperSession {
    public expired = false;
    public closed = false;
    /** Servers that the session has been attached to, in order. */
    public readonly attached: string[] = [];
    public sessionId = 0n;
    /** As the servers granted it, milliseconds. */
    public timeoutMs: number;
    private password: Buffer = Buffer.alloc(16);
    private zxid = 0n;
    private xid = 0;
    private turn = 0;
    private socket: Duplex | undefined;
    private readonly waiting = new Map<number, Waiting>();
    private readonly watchers = new Map<string, Set<Watcher>>();
    private readonly ends = new Set<Watcher>();
    private pinger: NodeJS.Timeout;
    private digests: Digest[];

    private constructor(private readonly options: SessionOptions) {
        this.timeoutMs = options.timeoutMs ?? 10_000;
        this.digests = options.digest === undefined ? [] : [options.digest];
        this.pinger = setInterval(() => this.ping(), this.timeoutMs / 4);
    }

    /** @throws {Error} when no server gives a session in time */
    public static async open(options: SessionOptions): Promise<ZooKeeperSession> {
        const session = new ZooKeeperSession(options);
        void session.stayAttached();
        const { openTimeoutMs = 20_000, servers } = options;
        const deadline = Date.now() + openTimeoutMs;
        while (session.socket === undefined) {
            if (Date.now() > deadline) {
                await session.close();
                throw new Error(
                    `no ZooKeeper server of ${servers.join(", ")} gave a session within ${openTimeoutMs} ms`,
                );
            }
            await pause(20);
        }
        return session;
    }

    /** Called once, when the servers have given the session up: everything ephemeral of it is gone. */
    public onExpired(listener: Watcher): void {
        this.ends.add(listener);
    }

    private async stayAttached(): Promise<void> {
        while (!this.closed && !this.expired) {
            if (this.socket === undefined) {
                const server = this.options.servers[this.turn++ % this.options.servers.length] ?? "";
                this.socket = await this.attach(server).catch(() => undefined);
                if (this.socket !== undefined) {
                    this.attached.push(server);
                    this.digests.forEach((digest) => void this.sendDigest(digest).catch(() => undefined));
                    // Changes may have been missed meanwhile: whoever watches looks again.
                    this.wake([...this.watchers.keys()]);
                }
            }
            await pause(this.socket === undefined ? RETRY_MS : 30);
        }
        if (this.expired) {
            clearInterval(this.pinger);
            this.ends.forEach((listener) => listener());
            this.wake([...this.watchers.keys()]);
        }
    }

    /** Connects to one server and takes the session there. */
    private attach(server: string): Promise<Duplex> {
        const colon = server.lastIndexOf(":");
        return new Promise((resolve, reject) => {
            const [host, port] = [server.slice(0, colon), Number(server.slice(colon + 1))];
            const { dial, greetingMs = 3000 } = this.options;
            const socket = dial === undefined ? connect({ host, port }) : dial(host, port);
            let greeted = false;
            let rest = Buffer.alloc(0);
            const patienceMs = Math.min(greetingMs, this.timeoutMs / 3);
            const timer = setTimeout(() => socket.destroy(new Error("no answer")), patienceMs);
            // Sent as soon as there is a connection.
            const hello = new Writer().int(0).long(this.zxid).int(this.timeoutMs).long(this.sessionId);
            socket.write(hello.buffer(this.password).byte(0).framed());
            socket.on("data", (data: Buffer) => {
                rest = Buffer.concat([rest, data]);
                while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
                    const frame = new Reader(rest.subarray(4, 4 + rest.readInt32BE(0)));
                    rest = rest.subarray(4 + rest.readInt32BE(0));
                    if (greeted) {
                        this.take(frame);
                        continue;
                    }
                    greeted = true;
                    clearTimeout(timer);
                    if (this.welcome(frame)) {
                        resolve(socket);
                    } else {
                        socket.destroy(new Error("the session has expired"));
                    }
                }
            });
            const lost = (): void => {
                clearTimeout(timer);
                reject(new Error("no connection"));
                if (this.socket === socket) {
                    this.socket = undefined;
                    const pending = [...this.waiting.values()];
                    this.waiting.clear();
                    pending.forEach(({ reject: fail, path }) => fail(new ZooKeeperError(CODE.connectionLoss, path)));
                }
            };
            socket.on("error", lost);
            socket.on("close", lost);
        });
    }

    /** @returns false when the servers have given the session up */
    private welcome(frame: Reader): boolean {
        frame.int();
        const granted = frame.int();
        const id = frame.long();
        if (granted <= 0) {
            this.expired = true;
            return false;
        }
        this.timeoutMs = granted;
        clearInterval(this.pinger);
        this.pinger = setInterval(() => this.ping(), granted / 4);
        this.sessionId = id;
        this.password = frame.buffer();
        return true;
    }

    private take(frame: Reader): void {
        const xid = frame.int();
        const zxid = frame.long();
        const code = frame.int();
        if (zxid > this.zxid) {
            this.zxid = zxid;
        }
        if (xid === XID.watch) {
            frame.int();
            frame.int();
            this.wake([frame.text()]);
            return;
        }
        const waiting = this.waiting.get(xid);
        this.waiting.delete(xid);
        if (code === 0) {
            waiting?.resolve(frame);
        } else {
            waiting?.reject(new ZooKeeperError(code, waiting.path));
        }
    }

    private wake(paths: readonly string[]): void {
        for (const path of paths) {
            const woken = this.watchers.get(path);
            this.watchers.delete(path);
            woken?.forEach((watcher) => watcher());
        }
    }

    /** Watches from before the question on: the change may come in the same packet as the answer. */
    private async watched<T>(path: string, watcher: Watcher | undefined, ask: () => Promise<T>): Promise<T> {
        if (watcher === undefined) {
            return ask();
        }
        const watchers = this.watchers.get(path) ?? new Set();
        this.watchers.set(path, watchers.add(watcher));
        try {
            return await ask();
        } catch (error) {
            watchers.delete(watcher);
            throw error;
        }
    }

    private send(xid: number, op: number, body: Writer, path = ""): Promise<Reader> {
        const { socket } = this;
        if (socket === undefined) {
            return Promise.reject(new ZooKeeperError(this.expired ? CODE.sessionExpired : CODE.connectionLoss, path));
        }
        return new Promise((resolve, reject) => {
            // A server that lost its power does not hang up: give it up after a third of the session, as clients do.
            const timer = setTimeout(() => socket.destroy(), this.timeoutMs / 3);
            this.waiting.set(xid, {
                path,
                resolve: (reader) => (clearTimeout(timer), resolve(reader)),
                reject: (error) => (clearTimeout(timer), reject(error)),
            });
            socket.write(new Writer().int(xid).int(op).append(body).framed());
        });
    }

    private ping(): void {
        this.send(XID.ping, OP.ping, new Writer()).catch(() => undefined);
    }

    private sendDigest({ user, password }: Digest): Promise<Reader> {
        const login = Buffer.from(`${user}:${password}`);
        return this.send(XID.auth, OP.auth, new Writer().int(0).text("digest").buffer(login));
    }

    /** Once, as it comes: a lost connection is an error. */
    private call(op: number, body: Writer, path: string): Promise<Reader> {
        this.xid += 1;
        return this.send(this.xid, op, body, path);
    }

    /** Of what only reads: repeated on the next server when the connection was lost. */
    private async patient(op: number, body: () => Writer, path: string): Promise<Reader> {
        const deadline = Date.now() + this.timeoutMs;
        for (;;) {
            try {
                return await this.call(op, body(), path);
            } catch (error) {
                if (!isCode(error, CODE.connectionLoss) || this.expired || this.closed || Date.now() > deadline) {
                    throw error;
                }
                await pause(20);
            }
        }
    }

    /** From now on the session speaks for this user too. */
    public async authenticate(user: string, password: string): Promise<void> {
        this.digests = [...this.digests, { user, password }];
        await this.sendDigest({ user, password });
    }

    /** @param watcher called once at the next change of the list, and when a change may have been missed */
    public async children(path: string, watcher?: Watcher): Promise<string[]> {
        const asks = (): Writer => new Writer().text(path).byte(watcher === undefined ? 0 : 1);
        const reader = await this.watched(path, watcher, () => this.patient(OP.getChildren, asks, path));
        return reader.list((r) => r.text());
    }

    /** @param watcher as of `children`, at the next change of the node */
    public async data(path: string, watcher?: Watcher): Promise<Buffer> {
        return (await this.versioned(path, watcher)).data;
    }

    /** A node's data with its version, for a later `setData` that must not undo another's. */
    public async versioned(path: string, watcher?: Watcher): Promise<{ data: Buffer; version: number }> {
        const asks = (): Writer => new Writer().text(path).byte(watcher === undefined ? 0 : 1);
        const reader = await this.watched(path, watcher, () => this.patient(OP.getData, asks, path));
        return { data: reader.buffer(), version: stat(reader) };
    }

    public async exists(path: string, watcher?: Watcher): Promise<boolean> {
        const asks = (): Writer => new Writer().text(path).byte(watcher === undefined ? 0 : 1);
        return this.watched(path, watcher, async () => {
            try {
                await this.patient(OP.exists, asks, path);
                return true;
            } catch (error) {
                if (isCode(error, CODE.noNode)) {
                    return false;
                }
                throw error;
            }
        });
    }

    public async acl(path: string): Promise<Acl[]> {
        const reader = await this.patient(OP.getAcl, () => new Writer().text(path), path);
        return reader.list((r) => ({ perms: r.int(), scheme: r.text(), id: r.text() }));
    }

    /** Takes the right to administrate the node. */
    public async setAcl(path: string, acl: readonly Acl[]): Promise<void> {
        await this.call(OP.setAcl, entries(new Writer().text(path), acl).int(-1), path);
    }

    /** @returns the path as it is: of a sequential node, with its number */
    public async create(path: string, data: string | Buffer = "", options: CreateOptions = {}): Promise<string> {
        const { ephemeral = false, sequential = false, acl = this.digests.length > 0 ? CREATOR_ALL : OPEN } = options;
        const body = entries(new Writer().text(path).buffer(Buffer.from(data)), acl);
        body.int(Number(ephemeral) + 2 * Number(sequential));
        return (await this.call(OP.create, body, path)).text();
    }

    /** Makes a node and those above it, as far as they are missing. Who may delete a node is its parent's ACL. */
    public async ensure(path: string): Promise<void> {
        const parts = path.split("/").filter(Boolean);
        for (let depth = 1; depth <= parts.length; depth++) {
            const node = `/${parts.slice(0, depth).join("/")}`;
            if (!(await this.exists(node))) {
                await this.create(node).catch((error: unknown) => {
                    if (!isCode(error, CODE.nodeExists)) {
                        throw error;
                    }
                });
            }
        }
    }

    /** @param version refuse when it is another one by now. @default any */
    public async setData(path: string, data: string | Buffer, version = -1): Promise<number> {
        const body = new Writer().text(path).buffer(Buffer.from(data)).int(version);
        return stat(await this.call(OP.setData, body, path));
    }

    public async remove(path: string, version = -1): Promise<void> {
        await this.call(OP.delete, new Writer().text(path).int(version), path);
    }

    public async close(): Promise<void> {
        this.closed = true;
        clearInterval(this.pinger);
        await this.call(OP.close, new Writer(), "").catch(() => undefined);
        this.socket?.destroy();
    }
}

function entries(body: Writer, acl: readonly Acl[]): Writer {
    body.int(acl.length);
    acl.forEach(({ perms, scheme, id }) => body.int(perms).text(scheme).text(id));
    return body;
}

/** Of a node's Stat only the version: two transaction ids and two times come before it. */
function stat(reader: Reader): number {
    for (let skipped = 0; skipped < 4; skipped++) {
        reader.long();
    }
    return reader.int();
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
