/** When a server's certificate is good. */
import { isIP } from "node:net";
import { connect } from "node:tls";

export interface Life {
    readonly from: Date;
    readonly until: Date;
}

/**
 * Whether it is trusted is for those to say who use it: one that is not, or has ended, is told as well.
 *
 * @param url of the server, https
 * @throws {Error} when nobody answers
 */
export function certificateLife(url: string, timeoutMs: number): Promise<Life> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
        const socket = connect({
            host: hostname,
            port: Number(port || 443),
            // A name only: of an address TLS takes none.
            ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
            rejectUnauthorized: false,
            timeout: timeoutMs,
        });
        socket.on("secureConnect", () => {
            const { valid_from: from, valid_to: until } = socket.getPeerCertificate();
            resolve({ from: new Date(from), until: new Date(until) });
            socket.destroy();
        });
        socket.on("timeout", () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
        socket.on("error", reject);
    });
}
