import * as pulumi from "@pulumi/pulumi";

export interface GeneratedSecretArgs {
    /** Characters; at least 24. Another length is another secret. */
    readonly length: number;
    /** Another number makes it anew. @default - it stays */
    readonly generation?: number;
    /** The same, where several share the first. @default - it stays */
    readonly ownGeneration?: number;
}

/** A random value of letters and digits, kept as a Pulumi secret. */
export class GeneratedSecret extends pulumi.CustomResource {
    declare public readonly value: pulumi.Output<string>;

    /**
     * @param name Resource name
     * @param args Inputs
     * @param opts Resource options
     */
    public constructor(name: string, args: GeneratedSecretArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:GeneratedSecret", name, { ...args, value: undefined }, opts);
    }
}
