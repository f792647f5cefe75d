/** One of several instances leads; the others hand every question on to it. */
import { type IncomingMessage, request as httpRequest, type Server, type ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import { lowest, standForElection } from "../../frameworks/zookeeper/election";
import type { ZooKeeperSession } from "../../frameworks/zookeeper/session";
import { type Answer, type Handle, type Keystore, send, serve } from "./http";
import { without } from "./model";

const PREFIX = "member_";

export interface Membership {
    readonly session: ZooKeeperSession;
    /** Node under which the members stand for election. */
    readonly path: string;
    /** `host:port` of this one's API. */
    readonly address: string;
    readonly port: number;
    /** Address to listen on. @default all */
    readonly bind?: string;
    readonly credentials?: string;
    /** All members speak HTTPS with it, and trust whom it trusts. @default - HTTP */
    readonly keystore?: Keystore;
    /** Called once, when this one leads; resolves with what answers questions from then on. */
    readonly elected: () => Promise<Handle>;
    /** Paths that a follower answers by telling where the leader is. */
    readonly redirected: ReadonlySet<string>;
    /** Begins the names of the two headers, e.g. "X-Marathon". */
    readonly header: string;
}

function trouble(path: string, reason: string): Answer {
    const text = `<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>\n<title>Error 502 ${reason}</title>\n</head>\n<body><h2>HTTP ERROR 502</h2>\n<p>Problem accessing ${encodeURI(path)}. Reason:\n<pre>    ${reason}</pre></p>\n</body>\n</html>\n`;
    return { status: 502, body: text, type: "text/html;charset=iso-8859-1" };
}

/** Hands a question on as it is. */
function passOn(
    leader: string,
    { address: own, header, keystore }: Membership,
    from: IncomingMessage,
    text: string,
    to: ServerResponse,
): Promise<void> {
    const colon = leader.lastIndexOf(":");
    return new Promise((resolve) => {
        const headers = without(from.headers, "host", "connection");
        const options = {
            host: leader.slice(0, colon),
            port: Number(leader.slice(colon + 1)),
            method: from.method,
            path: from.url,
            headers: { ...headers, [`${header}-Via`]: `1.1 ${own}` },
            timeout: 15_000,
        };
        const call = keystore === undefined ? httpRequest(options) : httpsRequest({ ...options, ...keystore });
        call.on("timeout", () => call.destroy(new Error("no answer")));
        call.on("error", () => {
            send(to, trouble(from.url ?? "/", "Connection to leader refused."));
            resolve();
        });
        call.on("response", (answer) => {
            to.writeHead(answer.statusCode ?? 500, { ...answer.headers, [`${header}-Via`]: `1.1 ${own}` });
            answer.pipe(to);
            answer.on("close", resolve);
        });
        call.end(text);
    });
}

/**
 * Serves, and stands for election.
 * @returns when it listens
 */
export async function join(membership: Membership): Promise<Server> {
    const { session, path, address, header, keystore } = membership;
    const scheme = keystore === undefined ? "http" : "https";
    let leader: string | undefined;
    let own: Handle | undefined;
    /** From the election on: what the members do meanwhile must not begin it a second time, under a second framework id. */
    let isAscending = false;
    const server = serve(async (question, from, to) => {
        if (own !== undefined) {
            to.setHeader(`${header}-Leader`, `${scheme}://${address}`);
            return own(question, from, to);
        }
        if (question.path === "/ping") {
            return { status: 200, body: "pong", type: "text/plain" };
        }
        const via = from.headers[`${header}-Via`.toLowerCase()];
        if (leader === undefined || leader === address || via !== undefined) {
            return trouble(question.path, "Could not determine the current leader");
        }
        if (membership.redirected.has(question.path)) {
            return { status: 302, headers: { Location: `${scheme}://${leader}${from.url ?? ""}` } };
        }
        await passOn(leader, membership, from, question.text, to);
        return "taken";
    }, membership.credentials, keystore);
    await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(membership.port, membership.bind, resolve);
    });
    const { node } = await standForElection(session, path, PREFIX, address);
    void follow();
    return server;

    async function follow(): Promise<void> {
        for (;;) {
            const changed = new Promise<void>((resolve) => {
                void look(resolve);
            });
            await changed;
        }
    }

    /** @param again called when the members may be others */
    async function look(again: () => void): Promise<void> {
        try {
            const names = await session.children(path, again);
            const first = lowest(names, PREFIX);
            leader = first === undefined ? undefined : String(await session.data(`${path}/${first}`));
            if (first !== undefined && node === `${path}/${first}` && !isAscending) {
                isAscending = true;
                own = await membership.elected();
            }
        } catch {
            isAscending = own !== undefined;
            setTimeout(again, 300);
        }
    }
}
