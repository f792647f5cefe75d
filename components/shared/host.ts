/** What every component knows of a host, whoever made it. */
import type * as pulumi from "@pulumi/pulumi";

/** A host that services can be put on. Attach a host that something else manages by giving its name only. */
export interface IHost {
    readonly name: string;
    /** What must exist before the host can be reached; empty for a registered machine. */
    readonly dependsOn: readonly pulumi.Resource[];
}
