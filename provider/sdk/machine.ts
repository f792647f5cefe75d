import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../../site/plan/types";
import type { CloudRef } from "../clients/cloudCredentials";

/** A connection of which parts come from other resources. */
export type ConnectionArgs = { readonly [K in keyof Connection]: pulumi.Input<Connection[K]> };

export interface MachineArgs {
    readonly host: string;
    /** Nova's id of the instance. */
    readonly instance: pulumi.Input<string>;
    readonly cloud: CloudRef;
    readonly connection: ConnectionArgs;
}

/** A virtual machine that has come up, with its host keys. */
export class Machine extends pulumi.CustomResource {
    declare public readonly instance: pulumi.Output<string>;
    /** The only ones that are accepted from now on. */
    declare public readonly hostKeys: pulumi.Output<string[]>;

    public constructor(name: string, args: MachineArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:Machine", name, { ...args, hostKeys: undefined }, opts);
    }
}
