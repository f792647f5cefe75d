/** Whose a part of ZooKeeper is: its owner's by his present password, and nobody's by a former one. */
import type { ZooKeeperClient } from "../clients/zookeeper";
import type { Credential } from "../host/config";
import type { Connection } from "../../site/plan/types";
import { differences, type Properties } from "../wire";
import { type ResourceType, UserError } from "./resource";

interface Inputs {
    /** `host:port` each. */
    readonly servers: readonly string[];
    readonly path: string;
    readonly owner: Credential;
    /** How to reach the servers where they are behind a bastion. */
    readonly connection: Connection;
}

const parse = (properties: Properties): Inputs => properties as unknown as Inputs;

/** How it is reached changes nothing. */
const control = new Set<string | number | undefined>(["servers", "connection"]);

export function zookeeperOwner(client: ZooKeeperClient): ResourceType {
    const claim = async (properties: Properties): Promise<number> => {
        const { servers, path, owner, connection } = parse(properties);
        try {
            return await client.claim({ servers, path, route: connection }, owner);
        } catch (error) {
            throw new UserError(
                `${path} in ZooKeeper is not its owner's alone: ${(error as Error).message}\n  fix: see that all of its servers have the present password (pulumi refresh), then run up again`,
            );
        }
    };
    return {
        check: () => [],
        diff(before, after) {
            const changes = differences(before, after).filter(({ path }) => !control.has(path[0]));
            return { changes, replaces: changes.map(({ path }) => path).filter(([first]) => first === "path") };
        },
        async create(properties, preview) {
            if (!preview) await claim(properties);
            return { id: parse(properties).path, outputs: {} };
        },
        async update(id, _before, properties, preview, context) {
            const changed = preview ? 0 : await claim(properties);
            if (changed > 0)
                context.log(
                    "info",
                    `${context.name}: ${changed} nodes of ${id} are nobody's by the former password any more`,
                );
            return { id, outputs: {} };
        },
        async read(id, properties, outputs, context) {
            const { servers, path, owner, connection } = parse(properties);
            const isClaimed = await client
                .isClaimed({ servers, path, route: connection }, owner)
                .catch((error: unknown) => {
                    context.log("warning", `${context.name}: kept as it was remembered: ${(error as Error).message}`);
                    return true;
                });
            if (isClaimed) return { id, inputs: properties, outputs };
            context.log("warning", `${context.name}: ${path} is also open to another password than its owner's`);
            return { id, inputs: { ...properties, owner: { ...owner, secret: "" } }, outputs };
        },
        delete: () => Promise.resolve(),
    };
}
