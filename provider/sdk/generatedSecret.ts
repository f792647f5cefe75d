import * as pulumi from "@pulumi/pulumi";

/** A random value of letters and digits, made once and kept as a Pulumi secret. */
export class GeneratedSecret extends pulumi.CustomResource {
    declare public readonly value: pulumi.Output<string>;

    /**
     * @param name Resource name
     * @param args Inputs
     * @param args.length Characters; at least 24. Another length is another secret.
     * @param opts Resource options
     */
    public constructor(name: string, args: { length: number }, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:GeneratedSecret", name, { length: args.length, value: undefined }, opts);
    }
}
