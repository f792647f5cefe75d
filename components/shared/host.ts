/** What every component knows of a host, whoever made it. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../../provider/sdk";
import type { Connection } from "../../site/plan/types";

/** A host that services can be put on. Attach a host that something else manages by giving its name only. */
export interface IHost {
    readonly name: string;
    /** What must exist before the host can be reached; empty for a registered machine. */
    readonly dependsOn: readonly pulumi.Resource[];
    /** Of a virtual machine: which one it is, how it is reached, and the volume that its data is on. */
    readonly machine?: {
        readonly instance: pulumi.Input<string>;
        readonly zone: string;
        readonly connection: ConnectionArgs;
        readonly volume?: pulumi.Input<{ id: string; device: string; mount: string; filesystem: string }>;
    };
}

/**
 * The way to a host whose bastion is a host of the site: what is known of a machine only when it is made, its address from outside
 * and its keys, is filled in.
 * @param bastion Undefined for a host that is reached straight
 */
export function through(bastion: IHost | undefined, connection: Connection): ConnectionArgs {
    const { jump } = connection;
    const made = bastion?.machine?.connection;
    return jump === undefined || made === undefined
        ? connection
        : { ...connection, jump: pulumi.output(made).apply((known) => ({ ...known, host: jump.host })) };
}
