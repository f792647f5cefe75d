/** HTTPS of the site's servers, and the authority of the site's own. */
import * as z from "zod";

export const secretName = z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, { error: "must be lower-case letters, digits and dashes" });

export const authorities = (what: string) =>
    z
        .string()
        .optional()
        .describe(
            `Certificates of the authorities that may have signed ${what}, PEM. Default: those that Node.js knows, the public ones.`,
        );

const dnsName = z
    .string()
    .regex(/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, { error: "must be a host name or an address" });

export const tlsSchema = z
    .discriminatedUnion("issuer", [
        z.strictObject({
            issuer: z
                .literal("given")
                .optional()
                .describe("Who has signed the certificate: it is given here. Default: `given`."),
            certificate: z
                .string()
                .describe(
                    "The servers' certificate, PEM, after it those between it and the authority's. One for all members: it must name the address of each.",
                ),
            keySecret: secretName.describe(
                "Name of this stack's secret (`pulumi config set --secret NAME < key.pem`) that is the certificate's private key, PEM, without a pass phrase.",
            ),
            ca: authorities("the certificate"),
        }),
        z.strictObject({
            issuer: z
                .literal("site")
                .describe(
                    "The site's own authority signs a certificate for each member, and renews it; see `certificates`.",
                ),
            names: z
                .array(dnsName)
                .default([])
                .describe(
                    "Further names and addresses that the servers are called by, e.g. that of a proxy before them. A member's certificate names its host and its address.",
                ),
        }),
    ])
    .describe("HTTPS, and no HTTP any more: `port` speaks it. Default: HTTP.");

export const certificatesSchema = z
    .strictObject({
        days: z
            .int()
            .min(1)
            .max(825)
            .default(90)
            .describe("Life of a server's certificate; days. The first up with less than a third left makes it anew."),
        authority: z
            .strictObject({
                days: z
                    .int()
                    .min(3)
                    .max(7300)
                    .default(3650)
                    .describe("Life of the authority's certificate; days. With less than a third left, a new one follows it."),
                overlapHours: z
                    .int()
                    .min(0)
                    .default(24)
                    .describe(
                        "How long each step of a new authority lasts at least; hours. First it is trusted beside the old one, then it signs, then the old one is trusted no more: one up each.",
                    ),
                generation: z
                    .int()
                    .min(1)
                    .default(1)
                    .describe("Another number makes a new authority now, e.g. when its key may be known to others."),
                protect: z
                    .boolean()
                    .default(true)
                    .describe("The authority is kept by `pulumi destroy` and by removal from this file: whoever trusts it would have to be told of another."),
            })
            .prefault({})
            .describe("The authority. It is made when a server's `tls` has `issuer: site`."),
    })
    .describe("Certificates that the site makes itself, for servers whose `tls` has `issuer: site`.");
