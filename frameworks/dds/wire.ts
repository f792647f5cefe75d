/**
 * The protocol between a DDS commander (3.16) and whoever connects to it, as far as a tool or a plug-in speaks it.
 *
 * A message is a header of 16 bytes, big-endian (checksum, command, length of the body, id), and a body. Integers in bodies are
 * big-endian too, a string is its length (16 bits) and its bytes; only the checksum is over the little-endian header.
 */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

export const COMMAND = { handshake: 4, handshakeOk: 7, handshakeError: 8, custom: 34 } as const;
const VERSION = 2;
/** Kind of a client that is no agent: tools and plug-ins. */
const UI = 2;
const HEADER = 16;
/** More than any message to a tool is; whoever sends more speaks another protocol. */
const MAX_BODY = 16 * 1024 * 1024;

/** CRC-16/ARC. */
export function crc16(data: Buffer): number {
    let crc = 0;
    for (const byte of data) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit += 1) {
            crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
        }
    }
    return crc;
}

function checksum(command: number, length: number, id: bigint): number {
    const packed = Buffer.alloc(14);
    packed.writeUInt16LE(command, 0);
    packed.writeUInt32LE(length, 2);
    packed.writeBigUInt64LE(id, 6);
    return crc16(packed);
}

export interface Message {
    readonly command: number;
    readonly id: bigint;
    readonly body: Buffer;
}

export function encode({ command, id, body }: Message): Buffer {
    const header = Buffer.alloc(HEADER);
    header.writeUInt16BE(checksum(command, body.length, id), 0);
    header.writeUInt16BE(command, 2);
    header.writeUInt32BE(body.length, 4);
    header.writeBigUInt64BE(id, 8);
    return Buffer.concat([header, body]);
}

/**
 * @returns the first whole message and what comes after it; undefined while there is none
 * @throws when it is none of this protocol
 */
export function decode(data: Buffer): { readonly message: Message; readonly rest: Buffer } | undefined {
    if (data.length < HEADER) {
        return undefined;
    }
    const command = data.readUInt16BE(2);
    const length = data.readUInt32BE(4);
    const id = data.readBigUInt64BE(8);
    if (data.readUInt16BE(0) !== checksum(command, length, id) || length > MAX_BODY) {
        throw new Error("no answer of a DDS commander");
    }
    if (data.length < HEADER + length) {
        return undefined;
    }
    const body = data.subarray(HEADER, HEADER + length);
    return { message: { command, id, body }, rest: data.subarray(HEADER + length) };
}

export function text(value: string): Buffer {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
}

function readText(body: Buffer, at: number): { value: string; next: number } {
    const next = at + 2 + body.readUInt16BE(at);
    return { value: body.toString("utf8", at + 2, next), next };
}

const uint16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

export const customBody = (what: string, condition: string): Buffer =>
    Buffer.concat([Buffer.alloc(16), text(what), text(condition)]);

/** The text of a CUSTOM_CMD: after the time and the sender. */
export const customText = (body: Buffer): string => readText(body, 16).value;

/** Somebody answers, and does not take us: another session has this port by now. */
export class Refused extends Error {
    public override readonly name = "Refused";
}

/** A connection of a tool's kind, after the handshake. */
export class Connection {
    private data = Buffer.alloc(0);
    private readonly waiting: { resolve: (message: Message) => void; reject: (error: Error) => void }[] = [];
    private readonly messages: Message[] = [];
    private error: Error | undefined;
    private readonly id = randomBytes(8).readBigUInt64BE();

    private constructor(private readonly socket: Socket) {
        socket.on("data", (data) => this.received(data));
        socket.on("error", (error) => this.end(error));
        socket.on("close", () => this.end(new Error("the commander has hung up")));
    }

    /**
     * @param session id of the session, a secret: errors do not name it
     * @throws {Refused} when another one answers
     */
    public static async open(host: string, port: number, session: string, timeoutMs: number): Promise<Connection> {
        const socket = connect({ host, port, keepAlive: true });
        const connection = new Connection(socket);
        const timer = setTimeout(() => connection.end(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
        try {
            connection.send(COMMAND.handshake, Buffer.concat([text(session), uint16(VERSION), uint16(UI)]));
            const { command, body } = await connection.next();
            if (command === COMMAND.handshakeError) {
                throw new Refused(readText(body, 4).value);
            }
            if (command !== COMMAND.handshakeOk) {
                throw new Error(`an answer of an unknown kind (${command})`);
            }
            return connection;
        } catch (error) {
            socket.destroy();
            throw error;
        } finally {
            clearTimeout(timer);
        }
    }

    public send(command: number, body: Buffer): void {
        this.socket.write(encode({ command, id: this.id, body }));
    }

    /** @throws when it is over */
    public next(): Promise<Message> {
        const message = this.messages.shift();
        if (message !== undefined) {
            return Promise.resolve(message);
        }
        if (this.error !== undefined) {
            return Promise.reject(this.error);
        }
        return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
    }

    /** @returns when all that was sent is on its way */
    public close(): Promise<void> {
        return new Promise((resolve) => this.socket.end(resolve));
    }

    private received(data: Buffer): void {
        this.data = Buffer.concat([this.data, data]);
        try {
            for (let found = decode(this.data); found !== undefined; found = decode(this.data)) {
                this.data = Buffer.from(found.rest);
                const waiting = this.waiting.shift();
                if (waiting === undefined) {
                    this.messages.push(found.message);
                } else {
                    waiting.resolve(found.message);
                }
            }
        } catch (error) {
            this.end(error as Error);
        }
    }

    private end(error: Error): void {
        this.error ??= error;
        this.socket.destroy();
        this.waiting.splice(0).forEach(({ reject }) => reject(error));
    }
}

/** What a session's commander says to a handshake. */
export type Answer =
    | { readonly kind: "answers" }
    /** Another session has its port: this one has ended. */
    | { readonly kind: "other session"; readonly message: string }
    /** Nobody listens there. */
    | { readonly kind: "closed"; readonly message: string }
    /** It may be there all the same: not reached from here, or of another version. */
    | { readonly kind: "silent"; readonly message: string };

/** Asks by a handshake alone; a dead commander costs DDS' own tools over a minute. */
export async function probe(host: string, port: number, session: string, timeoutMs: number): Promise<Answer> {
    try {
        const connection = await Connection.open(host, port, session, timeoutMs);
        await connection.close();
        return { kind: "answers" };
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        const message = (error as Error).message.replaceAll(session, "…");
        if (error instanceof Refused && /session/i.test(message)) {
            return { kind: "other session", message };
        }
        return { kind: code === "ECONNREFUSED" ? "closed" : "silent", message };
    }
}
