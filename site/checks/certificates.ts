/** Certificates and private keys of the stack file: read by Node.js' own X.509, nothing is fetched. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Report } from "./report";

/** How many days before its end a certificate that lives so many days is worth a word: one that lives shortly ends soon all the time. */
export const warnDays = (lifeDays = Infinity): number => Math.min(21, lifeDays / 4);

const blocks = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM text in its order.
 * @throws {Error} when one is none
 */
export const certificatesOf = (pem: string): X509Certificate[] =>
    (pem.match(blocks) ?? []).map((block) => new X509Certificate(block));

/** @returns the same; undefined when it holds none or something else */
function onlyCertificates(pem: string): X509Certificate[] | undefined {
    try {
        const found = certificatesOf(pem);
        return found.length > 0 && !pem.includes("PRIVATE KEY") ? found : undefined;
    } catch {
        return undefined;
    }
}

function readCertificates(pem: string, path: string, report: Report): X509Certificate[] {
    const found = onlyCertificates(pem);
    if (found !== undefined) return found;
    const isKey = pem.includes("PRIVATE KEY");
    report.fault(
        "TLS_CERTIFICATE",
        path,
        isKey ? "a private key does not belong in the stack file" : "is no certificate",
        {
            allowed: "PEM: -----BEGIN CERTIFICATE----- and so on",
            ...(isKey
                ? {
                      fix: "pulumi config set --secret NAME < key.pem, and keySecret: NAME; it has been seen: make a new one",
                  }
                : {}),
        },
    );
    return [];
}

const dayMs = 86_400_000;
const day = (date: string): string => new Date(date).toISOString().slice(0, 10);

function checkTime(certificate: X509Certificate, path: string, report: Report): void {
    const { validFrom, validTo } = certificate;
    const life = Date.parse(validTo) - Date.parse(validFrom);
    if (Date.parse(validTo) < Date.now())
        report.fault("TLS_EXPIRED", path, `the certificate ended on ${day(validTo)}`, { fix: "renew it" });
    else if (Date.parse(validTo) < Date.now() + warnDays(life / dayMs) * dayMs)
        report.warn("TLS_EXPIRES", path, `the certificate ends on ${day(validTo)}`, { fix: "renew it" });
    if (Date.parse(validFrom) > Date.now())
        report.fault("TLS_EXPIRED", path, `the certificate is not good before ${day(validFrom)}`);
}

/** Whether one of them, or one that has been signed by one of them, has signed the first. */
function reaches(
    certificate: X509Certificate,
    between: readonly X509Certificate[],
    authorities: readonly X509Certificate[],
): boolean {
    const signs = (issuer: X509Certificate): boolean =>
        certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
    if (authorities.some((one) => one.fingerprint256 === certificate.fingerprint256 || signs(one))) return true;
    const next = between.find((one) => one !== certificate && signs(one));
    return (
        next !== undefined &&
        reaches(
            next,
            between.filter((one) => one !== next),
            authorities,
        )
    );
}

export interface Tls {
    readonly certificate: string;
    readonly ca?: string | undefined;
}

/** Checks a certificate that servers at these addresses share. */
export function checkTls(path: string, tls: Tls, addresses: readonly string[], report: Report): void {
    const [own, ...between] = readCertificates(tls.certificate, `${path}.certificate`, report);
    const authorities = tls.ca === undefined ? undefined : checkAuthorities(`${path}.ca`, tls.ca, report);
    if (own === undefined) return;
    checkTime(own, `${path}.certificate`, report);
    const missing = addresses.filter((address) =>
        isIP(address) === 0 ? own.checkHost(address) === undefined : own.checkIP(address) === undefined,
    );
    if (missing.length > 0)
        report.fault("TLS_NAMES", `${path}.certificate`, `the certificate does not name ${missing.join(", ")}`, {
            value: own.subjectAltName ?? "no names",
            allowed: "the address of every member among its subject alternative names",
            fix: `subjectAltName=${addresses.map((one) => `${isIP(one) === 0 ? "DNS" : "IP"}:${one}`).join(",")}`,
        });
    if (authorities !== undefined && authorities.length > 0 && !reaches(own, between, authorities))
        report.fault("TLS_CHAIN", `${path}.ca`, "no authority in it has signed the certificate", {
            value: authorities.map(({ subject }) => subject.replaceAll("\n", ", ")).join("; "),
            allowed: `one that has: ${own.issuer.replaceAll("\n", ", ")}`,
            fix: "give the authority's certificate here, and those in between after the certificate itself",
        });
}

/** Checks certificates of authorities. */
export function checkAuthorities(path: string, ca: string, report: Report): X509Certificate[] {
    const authorities = readCertificates(ca, path, report);
    for (const one of authorities) checkTime(one, path, report);
    return authorities;
}

/**
 * What is wrong with a private key, without a word of the key itself.
 * @param certificate PEM, checked
 * @param key PEM
 */
export function keyFault(certificate: string, key: string): string | undefined {
    const [own] = onlyCertificates(certificate) ?? [];
    try {
        const isOwn = own?.checkPrivateKey(createPrivateKey(key)) ?? true;
        return isOwn ? undefined : "it is not the certificate's private key";
    } catch {
        return "it is no private key in PEM, or one with a pass phrase";
    }
}
