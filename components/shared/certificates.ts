import * as pulumi from "@pulumi/pulumi";
import { Certificate, CertificateAuthority } from "../../provider/sdk";
import { authoritiesValue, certificateValue, keyValue } from "../../site/plan/certificates";
import type { CertificatesPlan } from "../../site/plan/types";

/** The site's own authority and the certificates that it signs, one for each server on each host. */
export class SiteCertificates extends pulumi.ComponentResource {
    /** What files have marks of. */
    public readonly values: ReadonlyMap<string, pulumi.Output<string>>;
    /** Certificates of all authorities that are to be trusted now, PEM. */
    public readonly trusted: pulumi.Output<string>;

    public constructor(name: string, plan: CertificatesPlan, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:shared:SiteCertificates", name, {}, opts);
        const { protect, ...args } = plan.authority;
        const authority = new CertificateAuthority("authority", args, { parent: this, protect });
        const { certificate, key, trusted } = authority;
        const signed = plan.servers.map((server) => {
            const { name: resource, ...wanted } = server;
            const made = new Certificate(
                resource,
                { ...wanted, organisation: args.organisation, authority: { certificate, key } },
                { parent: this },
            );
            return [
                [certificateValue(resource), made.certificate],
                [keyValue(resource), made.key],
            ] as const;
        });
        this.trusted = trusted;
        this.values = new Map([[authoritiesValue, trusted] as const, ...signed.flat()]);
        this.registerOutputs({});
    }
}
