/** A DNS server of one domain, by UDP and TCP. It knows nothing of other domains and asks nobody. */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { decode, type DecodedPacket, encode, streamDecode, streamEncode, TRUNCATED_RESPONSE } from "dns-packet";
import { answerTo, UDP_BYTES } from "./answer";
import type { Names, NameSettings } from "./names";

/** A client that says nothing for so long is hung up on, milliseconds. */
const SILENCE_MS = 10_000;
const MOST_CLIENTS = 256;

export interface Responder {
    readonly port: number;
    close(): Promise<void>;
}

/** @throws {Error} when the address or port cannot be had */
export async function respond(
    listen: { readonly address: string; readonly port: number },
    settings: NameSettings,
    names: () => Names,
): Promise<Responder> {
    let turn = 0;
    const udp = createSocket("udp4");
    udp.on("message", (message, { address, port }) => {
        try {
            const question = decode(message);
            const answer = answerTo(question, names(), settings, turn++);
            if (answer === undefined) return;
            const full = encode(answer);
            const { flags = 0 } = answer;
            // Too long for a datagram: the client asks again by TCP.
            const short = {
                ...answer,
                answers: [],
                additionals: [],
                authorities: [],
                flags: flags | TRUNCATED_RESPONSE,
            };
            udp.send(full.length <= UDP_BYTES ? full : encode(short), port, address);
        } catch {
            // Not a question; whoever sent it gets none of our time.
        }
    });
    const tcp = createServer((socket) => {
        let rest = Buffer.alloc(0);
        socket.setTimeout(SILENCE_MS, () => socket.destroy());
        socket.on("error", () => undefined);
        socket.on("data", (data) => {
            rest = Buffer.concat([rest, data]);
            try {
                while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
                    const end = 2 + rest.readUInt16BE(0);
                    const answer = answerTo(
                        streamDecode(rest.subarray(0, end)) as DecodedPacket,
                        names(),
                        settings,
                        turn++,
                    );
                    rest = rest.subarray(end);
                    if (answer !== undefined) socket.write(streamEncode(answer));
                }
            } catch {
                socket.destroy();
            }
        });
    });
    tcp.maxConnections = MOST_CLIENTS;
    await new Promise<void>((resolve, reject) => {
        tcp.once("error", reject);
        tcp.listen(listen.port, listen.address, resolve);
    });
    const { port } = tcp.address() as { port: number };
    await new Promise<void>((resolve, reject) => {
        udp.once("error", reject);
        udp.bind(port, listen.address, resolve);
    });
    return {
        port,
        close: async () => {
            await new Promise<void>((resolve) => udp.close(() => resolve()));
            await new Promise<void>((resolve) => tcp.close(() => resolve()));
        },
    };
}
