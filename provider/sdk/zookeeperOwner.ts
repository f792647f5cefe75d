import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "./machine";

export interface ZooKeeperOwnerArgs {
    /** `host:port` each. */
    readonly servers: readonly string[];
    readonly path: string;
    /** User and password of its digest. */
    readonly owner: { readonly principal: string; readonly secret: pulumi.Input<string> };
    /** How to reach the servers: as the host that uses them is reached. */
    readonly connection: ConnectionArgs;
}

/** A part of ZooKeeper that is its owner's by this password, and nobody's by a former one. */
export class ZooKeeperOwner extends pulumi.CustomResource {
    public constructor(name: string, args: ZooKeeperOwnerArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:ZooKeeperOwner", name, { ...args }, opts);
    }
}
