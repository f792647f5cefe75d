/** Small values that several parts of the schema share. Units are in the names; defaults and ranges reach the docs. */
import * as z from "zod";

export const port = (text: string, value: number) =>
    z
        .int()
        .min(1)
        .max(65535)
        .default(value)
        .describe(`TCP port: ${text}.`);

export const portRange = z.string().regex(/^\d{1,5}-\d{1,5}$/, { error: "must be a range such as 31000-32000" });

export const seconds = (text: string, value: number, minimum = 1) =>
    z
        .int()
        .min(minimum)
        .default(value)
        .describe(`${text}; seconds.`);

export const mebibytes = (text: string, minimum = 1) => z.int().min(minimum).describe(`${text}; MiB.`);

export const text = (about: string) => z.string().min(1).describe(about);

export const hostList = (about: string) =>
    z.array(z.string().min(1)).describe(`${about}; names or ranges such as \`alibuild[01-20]\`.`);

export const absolutePath = (about: string) =>
    z
        .string()
        .regex(/^\/[^\s'"]*$/, { error: "must be an absolute path without spaces or quotes" })
        .describe(about);

export const flags = z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe(
        "Further flags, by Mesos' own names without dashes (`offer_timeout: 30secs`). A flag that this page has a field for is refused.",
    );

export const rolloutFields = (healthTimeoutSec: number) => ({
    healthTimeoutSec: seconds(
        "How long a host may take to be healthy again after a change before the rollout stops",
        healthTimeoutSec,
    ),
});
