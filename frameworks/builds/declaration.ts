/**
 * Release builds: what a build is, and what the store is that its packages go to. Stack files and the program that builds and keeps
 * share these schemas. Neither holds a secret: credentials are files on hosts, named here.
 */
import { z } from "zod";

const absolute = z
    .string()
    .regex(/^\/[^\s'"]*[^\s'"/]$/, { error: "must be an absolute path without spaces or quotes" });

/** As aliBuild names them (aliBuild 1.17, `--architecture`); it refuses others. */
export const ARCHITECTURES = [
    ...["slc6_x86-64", "slc7_x86-64", "slc8_x86-64", "slc9_x86-64", "slc10_x86-64", "slc9_aarch64", "slc7_ppc64"],
    ...["ubuntu2004_x86-64", "ubuntu2204_x86-64", "ubuntu2404_x86-64", "fedora33_x86-64", "fedora34_x86-64"],
] as const;

/** Names of packages and sources: they become parts of paths. */
export const nameSchema = z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/, { error: "must be letters, digits, dots, dashes, + and _" });

/** `https://…`, `git://…`, `ssh://…`, `file:///…`; with no login in it. */
const urlSchema = z.string().regex(/^[a-z][a-z+]*:\/\/(?!\/?[^/]*:[^/]*@)[^\s'"]+$/, {
    error: "must be a URL without a password; credentials go into `mirror.credentialFile`",
});

export const mirrorSourcesSchema = z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._+-]*$/, { error: "must be lower-case" }), urlSchema)
    .default({})
    .describe(
        "Git repositories by the name of their package in lower case, the recipes' as well: builders read these from the mirror, never from where they come from.",
    );

const recipesSchema = z
    .strictObject({
        source: z
            .string()
            .min(1)
            .describe(
                "Git repository of aliBuild's recipes: a name of `mirror.sources`, or a URL that builders reach.",
            ),
        ref: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._/+-]*$/, { error: "must be a branch, a tag or a commit" })
            .default("HEAD")
            .describe("Branch, tag or commit: a release is built anew by another tag."),
    })
    .describe("What is built, and how.");

const qaSchema = z
    .strictObject({
        command: z
            .string()
            .min(1)
            .describe(
                "Shell command after the build; what it leaves in `$QA_RESULTS` is kept. `$RECIPES` is the recipes' folder, `$INSTALLED` where packages are (`$INSTALLED/PACKAGE/latest`).",
            ),
        timeoutSec: z.int().min(1).default(3600).describe("It has failed when it takes longer; seconds."),
    })
    .describe("What must go well before anything is published.");

/** What a release is to the program that builds it. */
export const releaseFields = {
    recipes: recipesSchema,
    packages: z.array(nameSchema).min(1).describe("Packages to build, with all that they need."),
    defaults: nameSchema.default("release").describe("aliBuild's defaults: `defaults-NAME.sh` of the recipes."),
    arguments: z.array(z.string().min(1)).default([]).describe("Further arguments of `aliBuild build`."),
    environment: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: "must be a variable's name" }), z.string())
        .default({})
        .describe("Environment of build and QA; no place for secrets."),
    qa: qaSchema.optional().describe("Default: what is built is published."),
    timeoutSec: z.int().min(1).default(28_800).describe("A build that takes longer is ended; seconds."),
};

/** What the store is to the program that keeps it. */
export const keepingFields = {
    keepRuns: z.int().min(1).default(50).describe("Results and logs of so many runs of each build are kept."),
    freeMiB: z
        .int()
        .min(0)
        .default(10_000)
        .describe(
            "Space that must stay free: nothing is published below it, and the host is not taken without it; MiB.",
        ),
    lostSec: z
        .int()
        .min(5)
        .default(180)
        .describe("A run whose builder has not been heard of for so long is lost; seconds."),
};

/** A build as its job gets it. */
export const buildSchema = z.strictObject({
    name: nameSchema,
    architecture: z.enum(ARCHITECTURES),
    ...releaseFields,
    /** Of aliBuild itself. */
    jobs: z.int().min(1),
    program: absolute.default("/usr/bin/aliBuild"),
    store: z.strictObject({
        /** `host:port` of its rsync. */
        rsync: z.string(),
        /** Of its page. */
        url: z.string(),
        user: z.string(),
        passwordFile: absolute,
    }),
    mirror: z.strictObject({
        /** `git://host:port`. */
        url: z.string(),
        sources: mirrorSourcesSchema,
        /** Where this host keeps copies. */
        dir: absolute,
    }),
    heartbeatSec: z.number().min(0.1).default(10),
    /** How long a store that does not answer is waited for. */
    patienceSec: z.number().min(1).default(1800),
});

/** Whose scheduled runs are looked after; see `patrol.ts`. */
const patrolSchema = z.strictObject({
    /** Of Metronome. */
    urls: z.array(z.string()).min(1),
    /** Certificates of those who may have signed its servers', PEM. */
    ca: z.string().optional(),
    jobs: z.array(z.strictObject({ job: z.string(), build: nameSchema, startWithinSec: z.int().min(1) })),
    everySec: z.number().min(0.1).default(10),
});

/** The store as its app gets it. */
export const storeSchema = z.strictObject({
    dir: absolute,
    ...keepingFields,
    /** Of rsync, git and the page. */
    ports: z.strictObject({ rsync: z.int(), git: z.int(), page: z.int() }),
    user: z.string(),
    secretsFile: absolute,
    mirror: z.strictObject({
        everySec: z.number().min(0.1),
        sources: mirrorSourcesSchema,
        credentialFile: absolute.optional(),
    }),
    patrol: patrolSchema.optional(),
});

export type PatrolConfig = z.output<typeof patrolSchema>;
export type Build = z.output<typeof buildSchema>;
export type BuildText = z.input<typeof buildSchema>;
export type StoreConfig = z.output<typeof storeSchema>;
export type StoreText = z.input<typeof storeSchema>;

/** Names of variables that look like secrets' (frameworks/workqueue has the same rule). */
export const isSecretName = (name: string): boolean => /PASSWORD|SECRET|TOKEN/i.test(name);

/** Where a source is: of the mirror, by its name; else as it is given. */
export function urlOf(source: string, sources: Readonly<Record<string, string>>): string {
    return sources[source] ?? source;
}
