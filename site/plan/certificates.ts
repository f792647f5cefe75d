/** HTTPS: whose certificate a server shows, and what the site's own authority signs. */
import type { SiteConfig } from "../schema";
import { type Host, membersOf } from "./hosts";
import { fillSecrets, secretMark, valueMark, valuesIn } from "./secrets";
import type { CertificatesPlan, SecretPlan, SitePlan } from "./types";

export type Tls = NonNullable<NonNullable<SiteConfig["marathon"]>["tls"]>;
type Kind = "marathon" | "metronome";

/** What a server needs to speak HTTPS: texts, with marks of what the stack knows or makes. */
export interface ServerCertificate {
    /** PEM, after it those between it and the authority's. */
    readonly certificate: string;
    readonly key: string;
    /** Of those who may have signed it and the other members'. @default - authorities that everybody knows */
    readonly ca?: string;
}

/** Name of the value that holds the certificates of the site's own authority: all that are to be trusted now. */
export const authoritiesValue = "authorities";
export const certificateName = (kind: Kind, host: string): string => `${kind}-${host}`;
export const certificateValue = (name: string): string => `certificate-${name}`;
export const keyValue = (name: string): string => `key-${name}`;

/** Certificates of those who may have signed a server's. */
export function authoritiesOf(tls: Tls | undefined): string | undefined {
    return tls?.issuer === "site" ? valueMark(authoritiesValue) : tls?.ca;
}

/** What a member shows. */
export function serverCertificate(kind: Kind, tls: Tls, host: string): ServerCertificate {
    const ca = authoritiesOf(tls);
    const name = certificateName(kind, host);
    const own =
        tls.issuer === "site"
            ? { certificate: valueMark(certificateValue(name)), key: secretMark(keyValue(name)) }
            : { certificate: tls.certificate, key: `${secretMark(tls.keySecret)}\n` };
    return { ...own, ...(ca === undefined ? {} : { ca }) };
}

/** The private key of a certificate that is given is among the stack's secrets. */
export function keySecrets(tls: Tls | undefined): SecretPlan[] {
    return tls === undefined || tls.issuer === "site" ? [] : [{ name: tls.keySecret, length: 0, given: true }];
}

/** @returns undefined where nobody has a certificate of the site's own authority */
export function planCertificates(site: SiteConfig, hosts: ReadonlyMap<string, Host>): CertificatesPlan | undefined {
    const { days, authority } = site.certificates;
    const servers = (["marathon", "metronome"] as const).flatMap((kind) => {
        const { tls, members = [], frameworkName = kind } = site[kind] ?? {};
        if (tls?.issuer !== "site") return [];
        const service = site.discovery === undefined ? [] : [`${frameworkName}.${site.discovery.domain}`];
        return membersOf(members, hosts).map(({ name, address }) => ({
            name: certificateName(kind, name),
            names: [...new Set([address, name, ...service, ...tls.names])],
            days,
        }));
    });
    if (servers.length === 0) return undefined;
    return { authority: { organisation: site.cluster, ...authority }, servers };
}

/** The plan for whoever asks its servers without the engine: with the authority's certificates, PEM, in place of their mark. */
export function trusting(plan: SitePlan, authorities: string): SitePlan {
    const filled = (ca: string): string => fillSecrets(ca, { [authoritiesValue]: authorities });
    const schedulers = plan.schedulers.map((scheduler) =>
        scheduler.ca === undefined || valuesIn(scheduler.ca).length === 0
            ? scheduler
            : {
                  ...scheduler,
                  ca: filled(scheduler.ca),
                  members: scheduler.members.map((member) =>
                      "tls" in member.service && member.service.tls?.ca !== undefined
                          ? { ...member, service: { ...member.service, tls: { ca: filled(member.service.tls.ca) } } }
                          : member,
                  ),
              },
    );
    return { ...plan, schedulers };
}
