import * as pulumi from "@pulumi/pulumi";
import type { CloudRef } from "../clients/cloudCredentials";

export interface LookupArgs {
    readonly kind: "image" | "network";
    /** The stack file's own name for it. */
    readonly alias: string;
    readonly cloud: CloudRef;
    /** The id that the stack file gives: this or a name. (`id` itself is the engine's.) */
    readonly given?: string;
    readonly name?: string;
    /** The recorded id stays until this changes. */
    readonly generation: number;
}

/** An image or a network that exists, found once. */
export class Lookup extends pulumi.CustomResource {
    /** Its id. */
    declare public readonly found: pulumi.Output<string>;

    public constructor(name: string, args: LookupArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:Lookup", name, { ...args, found: undefined }, opts);
    }
}
