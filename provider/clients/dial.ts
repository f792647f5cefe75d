/** A byte stream to a port of a host: straight, or through the bastion where one is declared. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import type { Connection } from "../../site/plan/types";
import { sshOptions } from "./ssh";

/** Only what decides the way there. */
export type Route = Pick<Connection, "proxyJump" | "privateKeyFile" | "knownHostsFile">;

export function dial(address: string, port: number, route: Route): Duplex {
    const { proxyJump } = route;
    if (proxyJump === undefined) {
        return connect({ host: address, port });
    }
    const [target = proxyJump, jumpPort] = proxyJump.split(/:(?=\d+$)/);
    const options = sshOptions({ address, ...route, proxyJump: undefined, hostKeys: undefined }).flatMap((option) => {
        const [flag = "", ...value] = option.split(" ");
        return [flag, value.join(" ")];
    });
    const child = spawn(
        "ssh",
        [...options, ...(jumpPort === undefined ? [] : ["-p", jumpPort]), "-W", `${address}:${port}`, target],
        {
            stdio: ["pipe", "pipe", "ignore"],
        },
    );
    const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
    stream.on("close", () => child.kill());
    return stream;
}
