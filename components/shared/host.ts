/** What every component knows of a host, whoever made it. */
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs } from "../../provider/sdk";

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
