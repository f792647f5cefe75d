import * as pulumi from "@pulumi/pulumi";

export interface CertificateAuthorityArgs {
    /** Part of its certificates' names. */
    readonly organisation: string;
    /** Life of its own certificate; a new one follows when a third is left. */
    readonly days: number;
    /** Hours between the steps of one authority following another. */
    readonly overlapHours: number;
    /** Another number makes another authority. */
    readonly generation: number;
}

/** An authority of the site's own. Its key is a secret; it is renewed in place. */
export class CertificateAuthority extends pulumi.CustomResource {
    /** Of the one that signs, PEM. */
    declare public readonly certificate: pulumi.Output<string>;
    declare public readonly key: pulumi.Output<string>;
    /** Certificates of all that are to be trusted now, PEM. */
    declare public readonly trusted: pulumi.Output<string>;
    /** End of the certificate, ISO 8601. */
    declare public readonly notAfter: pulumi.Output<string>;

    public constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs = { certificate: undefined, key: undefined, trusted: undefined, notAfter: undefined };
        super("mesos:index:CertificateAuthority", name, { ...args, ...outputs }, opts);
    }
}

export interface CertificateArgs {
    readonly authority: { readonly certificate: pulumi.Input<string>; readonly key: pulumi.Input<string> };
    readonly organisation: string;
    /** Addresses and host names that it is good for. */
    readonly names: readonly string[];
    /** Its life; it is made anew when a third is left. */
    readonly days: number;
}

/** A key and the certificate that an authority has signed for it. */
export class Certificate extends pulumi.CustomResource {
    /** PEM. */
    declare public readonly certificate: pulumi.Output<string>;
    /** PEM, a secret. */
    declare public readonly key: pulumi.Output<string>;
    /** ISO 8601. */
    declare public readonly notAfter: pulumi.Output<string>;

    public constructor(name: string, args: CertificateArgs, opts?: pulumi.CustomResourceOptions) {
        const outputs = { certificate: undefined, key: undefined, notAfter: undefined };
        super("mesos:index:Certificate", name, { ...args, ...outputs }, opts);
    }
}
