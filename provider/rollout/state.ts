/** While the password of a part of ZooKeeper is made anew, those that have it already and those that have not both open it. */
import { parseZooKeeperAddress } from "../../frameworks/zookeeper/address";
import { masterPaths } from "../../site/plan/paths";
import type { ZooKeeperClient } from "../clients/zookeeper";
import type { Credential, HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import type { Prepared } from "./strategy";

interface State {
    readonly servers: readonly string[];
    readonly path: string;
    readonly owner: Credential;
}

/** Of a scheduler or a master: what is its own in ZooKeeper. */
function stateOf({ service, stateOwner, files }: HostConfigInputs): State | undefined {
    if ("zookeeper" in service && stateOwner !== undefined) {
        return { ...service.zookeeper, owner: stateOwner };
    }
    const url = service.kind === "mesosMaster" ? files[masterPaths.zk]?.content : undefined;
    if (url === undefined) {
        return undefined;
    }
    try {
        const { servers, path, digest } = parseZooKeeperAddress(url);
        return digest && { servers, path, owner: { principal: digest.user, secret: digest.password } };
    } catch {
        // As a refresh has found it, edited by hand.
        return undefined;
    }
}

/**
 * Before a member changes, and as long as it is not well: of what one of the two passwords opens, the other opens all. When all
 * members have changed over, `ZooKeeperOwner` shuts the old one out.
 */
export async function shareState(client: ZooKeeperClient, { host, before, config }: Prepared): Promise<void> {
    const [old, now] = [before && stateOf(before), stateOf(config)];
    if (old === undefined || now === undefined || old.path !== now.path || old.owner.secret === now.owner.secret) {
        return;
    }
    const part = { servers: now.servers, path: now.path, route: config.connection };
    await client.share(part, [old.owner, now.owner]).catch((error: unknown) => {
        throw new HostError(
            host,
            "ZooKeeper",
            `${now.path} cannot be opened to the new password: ${(error as Error).message}`,
            "bring the ensemble back, then run again",
        );
    });
}
