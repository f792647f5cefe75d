/** A byte stream to a port of a host: straight, or through the bastion where one is declared. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { jumpArguments, type Route } from "./ssh";

export type { Route } from "./ssh";

/** Time that two SSH sessions may take until the port behind a bastion is reached, ms; on top of what the answer may take. */
const PASSAGE_MS = 15_000;

/** How long to wait for an answer that may take `answerMs` once the port is reached. */
export function patience({ jump, proxyJump }: Route, answerMs: number): number {
    return jump === undefined && proxyJump === undefined ? answerMs : answerMs + PASSAGE_MS;
}

export function dial(address: string, port: number, route: Route): Duplex {
    const jump = jumpArguments(route);
    if (jump === undefined) {
        return connect({ host: address, port });
    }
    const child = spawn("ssh", [...jump.slice(0, -1), "-W", `${address}:${port}`, ...jump.slice(-1)], {
        stdio: ["pipe", "pipe", "ignore"],
    });
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    stream.on("close", () => child.kill());
    return stream;
}
