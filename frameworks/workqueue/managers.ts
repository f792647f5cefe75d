/** Asks catalogs and managers. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { connect, type Socket } from "node:net";

/** No answer is longer; a list of a hundred thousand tasks is not. */
const MAX_ANSWER = 64 * 1024 * 1024;
const HELLO = "auth password sha1";

/**
 * A catalog's list.
 *
 * A catalog's answer is not quite HTTP (its lines end with a line feed alone, Debian's 9.9-2), so that Node's client will not have it:
 * the answer is taken apart here.
 * @throws {Error} when it does not answer in time, or not with JSON
 */
export async function askCatalog(address: string, timeoutMs: number): Promise<unknown> {
    const answer = await new Promise<string>((resolve, reject) => {
        const colon = address.lastIndexOf(":");
        const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
        const chunks: Buffer[] = [];
        let size = 0;
        const fail = (error: Error): void => {
            clearTimeout(timer);
            socket.destroy();
            reject(error);
        };
        const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
        socket.on("error", fail);
        socket.on("connect", () => void socket.write(`GET /query.json HTTP/1.0\r\nHost: ${address}\r\n\r\n`));
        socket.on("data", (data) => {
            chunks.push(data);
            size += data.length;
            if (size > MAX_ANSWER) {
                fail(new Error("answers without end"));
            }
        });
        socket.on("close", () => {
            clearTimeout(timer);
            resolve(Buffer.concat(chunks).toString("utf8"));
        });
    });
    const status = /^HTTP\/1\.\d (\d{3})/.exec(answer)?.[1];
    if (status !== "200") {
        throw new Error(status === undefined ? "that is no catalog" : `it answered ${status}`);
    }
    // The body is JSON and begins its list on a line of its own; no header does.
    const body = answer.search(/^\[/m);
    if (body < 0) {
        throw new Error("its answer holds no list");
    }
    return JSON.parse(answer.slice(body));
}

/** Why a manager could not be asked. */
export class ManagerSilent extends Error {
    public override readonly name = "ManagerSilent";

    public constructor(
        /** `gone`: nobody listens there. `password`: workers would not get in either. `silent`: it cannot be known. */
        public readonly kind: "gone" | "password" | "silent",
        message: string,
    ) {
        super(message);
    }
}

const proof = (password: string, challenge: string): string =>
    createHash("sha1").update(`${password} ${challenge}`).digest("hex");

/** Same, in a time that tells nothing. */
const isSame = (a: string, b: string): boolean =>
    a.length === b.length && timingSafeEqual(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));

/**
 * Asks one manager a question, as `work_queue_status` does, and with the password as a worker does.
 *
 * Both sides prove to each other that they know the password, so it is never sent; a stranger in the manager's place gets nothing.
 * @throws {ManagerSilent}
 */
export function askManager(
    address: string,
    question: "queue_status" | "task_status",
    { timeoutMs, password }: { readonly timeoutMs: number; readonly password?: string | undefined },
): Promise<unknown> {
    const colon = address.lastIndexOf(":");
    return new Promise((resolve, reject) => {
        const socket: Socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
        const own = randomBytes(32).toString("hex");
        const chunks: Buffer[] = [];
        let size = 0;
        // Lines of the greeting: theirs, their challenge, their proof, their agreement.
        let greeting: "hello" | "challenge" | "proof" | "ok" | "over" = password === undefined ? "over" : "hello";
        let challenge = "";
        const timer = setTimeout(() => fail(`does not answer within ${timeoutMs} ms`, "silent"), timeoutMs);
        const fail = (why: string, kind: ManagerSilent["kind"] = "password"): void => {
            clearTimeout(timer);
            socket.destroy();
            reject(new ManagerSilent(kind, `${address} ${why}`));
        };
        const ask = (): void => void socket.write(`${question}\n`);
        const greet = (line: string, secret: string): void => {
            switch (greeting) {
                case "hello":
                    greeting = "challenge";
                    if (line !== HELLO) fail("wants no password, or another kind of proof");
                    return;
                case "challenge":
                    challenge = line;
                    greeting = "proof";
                    socket.write(`${own}\n${proof(secret, challenge)}\n`);
                    return;
                case "proof":
                    greeting = "ok";
                    if (!isSame(line, proof(secret, own))) fail("does not know the password");
                    else socket.write("ok\n");
                    return;
                default:
                    greeting = "over";
                    if (line !== "ok") fail("refuses the password");
                    else ask();
            }
        };
        socket.on("connect", () => (password === undefined ? ask() : socket.write(`${HELLO}\n`)));
        socket.on("error", (error: NodeJS.ErrnoException) =>
            fail(`cannot be asked: ${error.message}`, error.code === "ECONNREFUSED" ? "gone" : "silent"),
        );
        socket.on("data", (data) => {
            chunks.push(data);
            size += data.length;
            if (size > MAX_ANSWER) {
                fail("answers without end", "silent");
                return;
            }
            while (greeting !== "over" && password !== undefined && !socket.destroyed) {
                const all = Buffer.concat(chunks);
                const end = all.indexOf("\n");
                if (end < 0) {
                    return;
                }
                chunks.splice(0, chunks.length, all.subarray(end + 1));
                greet(all.toString("latin1", 0, end).trim(), password);
            }
        });
        socket.on("close", () => {
            clearTimeout(timer);
            const text = Buffer.concat(chunks).toString("utf8");
            if (greeting !== "over" || text.trim() === "") {
                fail("hung up without an answer: it wants another password, or one at all");
                return;
            }
            try {
                resolve(JSON.parse(text));
            } catch {
                fail("answers with something that is not JSON", "silent");
            }
        });
    });
}
