/** `workloads.builds`: releases, what they are built on, and the store of what has passed. */
import * as z from "zod";
import { ARCHITECTURES, keepingFields, mirrorSourcesSchema, releaseFields } from "../../frameworks/builds/declaration";
import { absolutePath, mebibytes, port, seconds, text } from "./values";

const storeSchema = z
    .strictObject({
        host: text("Agent that the store runs on, and its packages are on: a host to be protected (`protect: true`)."),
        dir: absolutePath("Folder of packages, sources and results; a data volume's, or on the host's own disk."),
        port: port("rsync of the store: packages for everybody, what builders leave for builders", 8730),
        gitPort: port("the mirror of the sources", 9418),
        statusPort: port("the store's page, results, metrics and health", 8731),
        cpus: z.number().min(0.01).default(0.2).describe("CPUs of the store."),
        memMiB: mebibytes("Memory of the store", 32).default(256),
        ...keepingFields,
    })
    .describe("Where packages go that have passed, and where the next build takes them from: a Marathon app on one host.");

const mirrorSchema = z
    .strictObject({
        sources: mirrorSourcesSchema,
        everySec: seconds("How often they are fetched", 600),
        credentialFile: absolutePath(
            "Logins for them on the store's host, as git's `credential-store` keeps them; not made by this stack.",
        ).optional(),
        dir: absolutePath("Where builders keep copies of it.").default("/var/lib/mesos-builds"),
    })
    .prefault({})
    .describe("Copies of the sources' repositories: on the store, and from there on each builder.");

const sizeSchema = z
    .strictObject({
        cpus: z.number().min(0.01).describe("CPUs of one build; as many jobs run at once."),
        memMiB: mebibytes("Memory of one build", 32),
        diskMiB: mebibytes("Disk of one build: sources, build folders, packages"),
    })
    .describe("What one build gets.");

const builderSchema = z
    .strictObject({
        pool: text("Pool whose agents build; an attribute of its own must tell it from the others."),
        architecture: z.enum(ARCHITECTURES).describe("What is built there, as aliBuild calls it."),
        sizes: z.record(z.string(), sizeSchema).describe("By name, such as `small`, `medium`, `large`."),
        program: absolutePath("aliBuild on these agents.").default("/usr/bin/aliBuild"),
    })
    .describe("Agents of one architecture.");

const scheduleSchema = z
    .strictObject({
        cron: text("Minute, hour, day of the month, month, day of the week."),
        timezone: text("Its time zone, e.g. `Europe/Zurich`.").default("UTC"),
        startWithinSec: seconds("A run that could not begin by then is left out", 7200),
    })
    .describe("When it is built by itself; never while a run of it goes on.");

const releaseSchema = z
    .strictObject({
        builders: z.array(z.string().min(1)).min(1).describe("Builders that each build it: one architecture each."),
        size: text("Size of the builders that a run takes."),
        schedule: scheduleSchema.optional().describe("Default: it is built on demand only."),
        ...releaseFields,
    })
    .describe("What is built together: a nightly, a tag.");

export const buildsSchema = z
    .strictObject({
        user: text("System user of builds and store, on their hosts and among the principals'.").default("nobody"),
        store: storeSchema,
        mirror: mirrorSchema,
        builders: z.record(z.string(), builderSchema).describe("Builders by name."),
        releases: z.record(z.string(), releaseSchema).default({}).describe("Releases by name."),
    })
    .describe("Release building with aliBuild: nightly and on demand, tested, and published when all has passed.");
