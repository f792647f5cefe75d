/**
 * A small ZooKeeper client of our own: one session that moves from server to server, as every real client does.
 *
 * It exists so that a test can say "a client that kept reading never lost its session": it counts what a library would hide.
 */
import { connect, type Socket } from "node:net";
import { addressOf } from "./hosts";
import { eventually, pause } from "./steps";
import { Reader, Writer } from "./zookeeperWire";

const OP = { create: 1, delete: 2, getData: 4, setData: 5, getAcl: 6, ping: 11, getChildren: 8, auth: 100, close: -11 };
const XID = { ping: -2, auth: -4 };
export const NO_AUTH = -102;
const CONNECTION_LOSS = -4;

export interface Acl {
    readonly perms: number;
    readonly scheme: string;
    readonly id: string;
}

export class ZooKeeperError extends Error {
    public constructor(public readonly code: number) {
        super(`ZooKeeper error ${code}`);
    }
}

interface Waiting {
    readonly resolve: (reader: Reader) => void;
    readonly reject: (error: Error) => void;
}

export class ZooKeeperSession {
    public expired = false;
    /** Servers that the session has been attached to, in order. */
    public readonly attached: string[] = [];
    public sessionId = 0n;
    /** As the servers granted it, milliseconds. */
    public timeoutMs: number;
    private password: Buffer = Buffer.alloc(16);
    private zxid = 0n;
    private xid = 0;
    private turn = 0;
    private socket: Socket | undefined;
    private closed = false;
    private readonly waiting = new Map<number, Waiting>();
    private readonly pinger: NodeJS.Timeout;

    private constructor(
        private readonly servers: readonly string[],
        askedMs: number,
    ) {
        this.timeoutMs = askedMs;
        this.pinger = setInterval(() => this.ping(), askedMs / 4);
    }

    public static async open(servers: readonly string[], timeoutMs: number): Promise<ZooKeeperSession> {
        const session = new ZooKeeperSession(servers, timeoutMs);
        void session.stayAttached();
        await eventually("a ZooKeeper session", () => session.isAttached() || undefined, { timeoutSec: 20 });
        return session;
    }

    private isAttached(): boolean {
        return this.socket !== undefined;
    }

    private async stayAttached(): Promise<void> {
        while (!this.closed && !this.expired) {
            if (this.socket === undefined) {
                const server = this.servers[this.turn++ % this.servers.length] ?? "";
                this.socket = await this.attach(server).catch(() => undefined);
                if (this.isAttached()) {
                    this.attached.push(server);
                }
            }
            await pause(30);
        }
    }

    /** Connects to one server and takes the session there. */
    private attach(server: string): Promise<Socket> {
        return new Promise((resolve, reject) => {
            const socket = connect({ host: addressOf(server), port: 2181 });
            let greeted = false;
            let rest = Buffer.alloc(0);
            const timer = setTimeout(() => socket.destroy(new Error("no answer")), 1000);
            socket.on("connect", () => {
                const hello = new Writer().int(0).long(this.zxid).int(this.timeoutMs).long(this.sessionId);
                socket.write(hello.buffer(this.password).byte(0).framed());
            });
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
                    this.waiting.forEach(({ reject: fail }) => fail(new ZooKeeperError(CONNECTION_LOSS)));
                    this.waiting.clear();
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
        const waiting = this.waiting.get(xid);
        this.waiting.delete(xid);
        if (code === 0) {
            waiting?.resolve(frame);
        } else {
            waiting?.reject(new ZooKeeperError(code));
        }
    }

    private send(xid: number, op: number, body: Writer): Promise<Reader> {
        const { socket } = this;
        if (socket === undefined) {
            return Promise.reject(new ZooKeeperError(CONNECTION_LOSS));
        }
        return new Promise((resolve, reject) => {
            // A server that lost its power does not hang up: give it up after a third of the session, as clients do.
            const timer = setTimeout(() => socket.destroy(), this.timeoutMs / 3);
            this.waiting.set(xid, {
                resolve: (reader) => (clearTimeout(timer), resolve(reader)),
                reject: (error) => (clearTimeout(timer), reject(error)),
            });
            socket.write(new Writer().int(xid).int(op).append(body).framed());
        });
    }

    private ping(): void {
        this.send(XID.ping, OP.ping, new Writer()).catch(() => undefined);
    }

    /** Once, as it comes: a lost connection is an error. */
    private call(op: number, body: Writer): Promise<Reader> {
        this.xid += 1;
        return this.send(this.xid, op, body);
    }

    /** Like a client library: a request that met a lost connection is repeated on the next one. */
    private async patient(op: number, body: () => Writer): Promise<Reader> {
        const deadline = Date.now() + this.timeoutMs;
        for (;;) {
            try {
                return await this.call(op, body());
            } catch (error) {
                const lost = error instanceof ZooKeeperError && error.code === CONNECTION_LOSS;
                if (!lost || this.expired || Date.now() > deadline) {
                    throw error;
                }
                await pause(20);
            }
        }
    }

    public async authenticate(user: string, password: string): Promise<void> {
        await this.send(
            XID.auth,
            OP.auth,
            new Writer()
                .int(0)
                .text("digest")
                .buffer(Buffer.from(`${user}:${password}`)),
        );
    }

    public async children(path: string): Promise<string[]> {
        return (await this.patient(OP.getChildren, () => new Writer().text(path).byte(0))).list((r) => r.text());
    }

    public async data(path: string): Promise<Buffer> {
        return (await this.patient(OP.getData, () => new Writer().text(path).byte(0))).buffer();
    }

    public async acl(path: string): Promise<Acl[]> {
        const reader = await this.patient(OP.getAcl, () => new Writer().text(path));
        return reader.list((r) => ({ perms: r.int(), scheme: r.text(), id: r.text() }));
    }

    public async create(path: string, data: string): Promise<void> {
        const body = new Writer().text(path).buffer(Buffer.from(data));
        await this.call(OP.create, body.int(1).int(31).text("world").text("anyone").int(0));
    }

    public async setData(path: string, data: string): Promise<void> {
        await this.call(OP.setData, new Writer().text(path).buffer(Buffer.from(data)).int(-1));
    }

    public async remove(path: string): Promise<void> {
        await this.call(OP.delete, new Writer().text(path).int(-1));
    }

    public async close(): Promise<void> {
        this.closed = true;
        clearInterval(this.pinger);
        await this.call(OP.close, new Writer()).catch(() => undefined);
        this.socket?.destroy();
    }
}
