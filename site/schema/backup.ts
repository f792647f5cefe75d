/** `backup`: what it takes to come back after a disaster, and where it is kept. */
import * as z from "zod";
import { rolloutFields } from "./values";

/** `type key`, as in known_hosts without the host. */
const hostKey = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+) [A-Za-z0-9+/]+=*$/;

const timerSchema = z
    .strictObject({
        at: z
            .array(
                z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { error: "must be a time of day such as 02:30" }),
            )
            .min(1)
            .default(["02:30"])
            .describe("When, every day, by the hosts' own clocks. What was missed while a host was off is made up for."),
        to: z
            .string()
            .regex(/^(ssh:\/\/([\w.-]+@)?[\w.-]+(:\d+)?\/[\w./-]+|s3:\/\/[a-z0-9][a-z0-9.-]+(\/[\w./-]+)?|\/[\w./-]+)$/, {
                error: "must be ssh://user@host/folder, s3://bucket/folder or an absolute path",
            })
            .describe(
                "Where hosts put them: `ssh://[user@]host[:port]/folder`, with the private key in the stack's secret `backup-key`; `s3://bucket[/folder]`, see `s3`; or a folder that every host mounts from elsewhere.",
            ),
        hostKeys: z
            .array(z.string().regex(hostKey, { error: "must be `type key`, as in known_hosts without the host's name" }))
            .default([])
            .describe("Public keys of the SSH target; no other is accepted."),
        ...rolloutFields(60),
    })
    .describe(
        "Backups by the hosts themselves: every host of ZooKeeper and of the masters has a systemd timer, and the one that leads a part keeps it. Pulumi's state is not on hosts: `npm run backup` keeps it. Default: there are none.",
    );

const s3Schema = z
    .strictObject({
        endpoint: z
            .string()
            .regex(/^https?:\/\/[\w.-]+(:\d+)?$/, { error: "must be https://host or https://host:port" })
            .describe("Where the store answers. Its authority must be one that the hosts and your machine trust."),
        region: z.string().regex(/^[\w-]+$/).default("us-east-1").describe("As the store calls its own; most but Amazon's take any."),
    })
    .describe(
        "The S3-compatible store of `s3://` places: Amazon's, Ceph's, OpenStack Swift's, MinIO. The bucket must be there; its key is in the stack's secrets `backup-s3-access-key` and `backup-s3-secret-key`, and may list, read, write and delete objects in it.",
    );

export const backupSchema = z
    .strictObject({
        recipients: z
            .array(
                z.string().regex(/^(age1[02-9ac-hj-np-z]{58}|ssh-(ed25519|rsa) [A-Za-z0-9+/=]+( .*)?)$/, {
                    error: "must be a public key of age (age1…) or of SSH (ssh-ed25519 …)",
                }),
            )
            .min(1)
            .describe(
                "Public keys that backups are encrypted to, by age (`age-keygen`). Whoever has one of the private keys can restore; keep one away from the site, with the stack's passphrase.",
            ),
        to: z
            .string()
            .regex(/^(ssh:\/\/([\w.-]+@)?[\w.-]+(:\d+)?\/[\w./-]+|s3:\/\/[a-z0-9][a-z0-9.-]+(\/[\w./-]+)?|[\w./~-]+)$/, {
                error: "must be a folder, ssh://user@host/folder or s3://bucket/folder",
            })
            .default("backups")
            .describe(
                "Where `npm run backup` puts them: a folder (relative ones are from the project's folder on), `ssh://[user@]host[:port]/folder`, or `s3://bucket[/folder]`, see `s3`.",
            ),
        s3: s3Schema.optional(),
        keep: z.int().min(1).default(14).describe("Backups that are kept; older ones of this cluster are removed after a good new one."),
        timer: timerSchema.optional(),
        maxAgeHours: z
            .number()
            .gt(0)
            .default(48)
            .describe("An older backup is restored only with `--accept-old`, and `npm run status` calls it a problem; hours."),
    })
    .describe("Backups of ZooKeeper's data, the masters' registry and Pulumi's state. Default: there are none.");
