/** Makes certificates: an authority's own, and those that it signs. Nothing but the library here knows their encoding. */
import { randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { isIP } from "node:net";

type Library = typeof import("@peculiar/x509");
type Extension = import("@peculiar/x509").Extension;

/** What signs: both PEM. */
export interface KeyPair {
    readonly certificate: string;
    readonly key: string;
}

/** Java, OpenSSL and browsers of the last ten years all know it; a key is made in a millisecond. */
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
/** A host's clock may be behind, milliseconds. */
const skewMs = 3_600_000;
/** Longest part of a name (X.520). */
const nameLength = 64;

let library: Library | undefined;

/** Loaded only where something is made: previews and runs without change do without. */
function load(): Library {
    if (library === undefined) {
        /* eslint-disable @typescript-eslint/no-require-imports */
        require("reflect-metadata");
        library = require("@peculiar/x509") as Library;
        /* eslint-enable @typescript-eslint/no-require-imports */
        library.cryptoProvider.set(webcrypto);
    }
    return library;
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
    const text = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
    return `-----BEGIN PRIVATE KEY-----\n${text.replace(/(.{64})(?=.)/g, "$1\n")}\n-----END PRIVATE KEY-----\n`;
}

function keyOf(pem: string): Promise<webcrypto.CryptoKey> {
    const der = Buffer.from(pem.replace(/-----[^-]*-----/g, ""), "base64");
    return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}

/** Positive, and not to be guessed (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
    const bytes = randomBytes(16);
    bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
    return bytes.toString("hex");
}

const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
const nameOf = (organisation: string, name: string): Record<string, string[]>[] => [
    { O: [organisation.slice(0, nameLength)] },
    { CN: [name.slice(0, nameLength)] },
];
const text = (pem: string): string => (pem.endsWith("\n") ? pem : `${pem}\n`);

/**
 * A new authority: it signs servers' and clients' certificates, and no other authority's.
 *
 * @param now milliseconds since 1970
 */
export async function makeAuthority(
    { organisation, name, days }: { organisation: string; name: string; days: number },
    now: number,
): Promise<KeyPair> {
    const x509 = load();
    const keys = await newKeys();
    const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
    const made = await x509.X509CertificateGenerator.createSelfSigned({
        serialNumber: serialNumber(),
        name: nameOf(organisation, name),
        notBefore: new Date(now - skewMs),
        notAfter: new Date(now + days * dayMs),
        signingAlgorithm: algorithm,
        keys,
        extensions: [
            new x509.BasicConstraintsExtension(true, 0, true),
            new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
            await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
    });
    return { certificate: text(made.toString("pem")), key: await pemOf(keys.privateKey) };
}

/**
 * A new key, and a certificate for it that an authority has signed.
 *
 * @param wanted what it is for
 * @param wanted.names addresses and host names that it is good for
 * @param wanted.days its life, at most the authority's own
 * @param authority who signs
 * @param now milliseconds since 1970
 */
export async function makeCertificate(
    wanted: { organisation: string; name: string; names: readonly string[]; days: number },
    authority: KeyPair,
    now: number,
): Promise<KeyPair> {
    const x509 = load();
    const keys = await newKeys();
    const issuer = new x509.X509Certificate(authority.certificate);
    const end = Math.min(now + wanted.days * dayMs, issuer.notAfter.getTime());
    const extensions: Extension[] = [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        new x509.SubjectAlternativeNameExtension(
            wanted.names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ];
    const made = await x509.X509CertificateGenerator.create({
        serialNumber: serialNumber(),
        subject: nameOf(wanted.organisation, wanted.name),
        issuer: issuer.subjectName.toJSON(),
        notBefore: new Date(now - skewMs),
        notAfter: new Date(end),
        signingAlgorithm: algorithm,
        signingKey: await keyOf(authority.key),
        publicKey: keys.publicKey,
        extensions,
    });
    return { certificate: text(made.toString("pem")), key: await pemOf(keys.privateKey) };
}

/** Until when a certificate is good, ISO 8601. */
export const endOf = (certificate: string): string => new Date(new X509Certificate(certificate).validTo).toISOString();
