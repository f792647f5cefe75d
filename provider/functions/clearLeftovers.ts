/**
 * Removes what a run that was cut off has made without being able to record it: a server on a port that the state has, or a port
 * with the address that is about to be given away. Both carry the site's mark, or they are somebody else's and left alone.
 */
import type { CloudRef } from "../clients/cloudCredentials";
import type { OpenStack } from "../clients/openstack";
import { serverGone } from "../clients/serverGone";
import { UserError } from "../resources/resource";
import { type Clock, realClock } from "../rollout/strategy";
import type { PluginFunction } from "./function";

export interface ClearLeftoversArgs {
    readonly cloud: CloudRef;
    readonly kind: "server" | "port" | "attachment";
    /** Of a server or port; of an attachment: the volume's id. */
    readonly name: string;
    /** What our own carry: in a server's metadata, in a port's description. */
    readonly mark: string;
    /** Of a server: the port that it is to have. */
    readonly port?: string;
    /** Of an attachment: the server's id. */
    readonly server?: string;
}

/** Seconds until a detached volume must be off. */
const PATIENCE_SEC = 180;

async function clearServers(
    api: OpenStack,
    { name, mark, port = "" }: ClearLeftoversArgs,
    clock: Clock,
): Promise<string[]> {
    const holder = (await api.port(port))?.device_id ?? "";
    const named = (await api.servers(name)).filter((server) => server.name === name);
    const own = named.filter(({ metadata }) => metadata["pulumi-mesos-site"] === mark);
    if (holder !== "" && !own.some(({ id }) => id === holder)) {
        throw new UserError(`the port of ${name} is in use by the server ${holder}, which is not of this site`);
    }
    // One that serves under this name without its port is a riddle, not a leftover.
    const left = own.filter(({ id, status }) => id === holder || status === "ERROR" || status === "BUILD");
    for (const { id } of left) {
        await serverGone(api, id, `the server ${id} that a cut-off run has left`, clock);
    }
    return left.map(({ id }) => `server ${id}`);
}

async function clearAttachment(api: OpenStack, asked: ClearLeftoversArgs, clock: Clock): Promise<string[]> {
    const { name: volume, server = "" } = asked;
    const isThere = async (): Promise<boolean> => (await api.attachedVolumes(server)).includes(volume);
    if (!(await isThere())) {
        return [];
    }
    await api.detach(server, volume).catch((error: unknown) => {
        throw new UserError(
            `an attachment of the volume ${volume} was cut off half way, and cannot be undone: ${(error as Error).message}\n  fix: replace the machine (pulumi up --replace with the URN of its instance); the volume stays`,
        );
    });
    for (let waited = 0; await isThere(); waited += 2) {
        if (waited > PATIENCE_SEC) {
            throw new UserError(
                `the volume ${volume} is attached to ${server} by a cut-off run and does not come off: is it mounted there?`,
            );
        }
        await clock.sleep(2000);
    }
    return [`attachment of volume ${volume}`];
}

async function clearPorts(api: OpenStack, { name, mark }: ClearLeftoversArgs): Promise<string[]> {
    const left = (await api.ports(name)).filter((port) => port.description === mark && port.device_id === "");
    await Promise.all(left.map(({ id }) => api.deletePort(id)));
    return left.map(({ id }) => `port ${id}`);
}

export function clearLeftovers(connect: (cloud: CloudRef) => OpenStack, clock: Clock = realClock): PluginFunction {
    return async (args) => {
        const asked = args as unknown as ClearLeftoversArgs;
        const api = connect(asked.cloud);
        switch (asked.kind) {
            case "port":
                return { removed: await clearPorts(api, asked) };
            case "server":
                return { removed: await clearServers(api, asked, clock) };
            case "attachment":
                return { removed: await clearAttachment(api, asked, clock) };
        }
    };
}
