/**
 * What a campaign is: many tasks of one kind, run on Work Queue, each result there exactly once. A *production* is N jobs that
 * differ by their seed alone; a *validation* is stages over a list of inputs. Stack files and the program that runs it share
 * these schemas.
 */
import { z } from "zod";

/** Generators take no larger seed (Pythia 8: `Random:seed`). */
export const MAX_SEED = 900_000_000;

const absolute = z
    .string()
    .regex(/^\/[^\s'"]*[^\s'"/]$/, { error: "must be an absolute path without spaces or quotes" });

const resources = z
    .strictObject({
        cores: z.int().min(1).default(1).describe("Cores of one task."),
        memMiB: z.int().min(1).default(500).describe("Memory of one task; MiB."),
        diskMiB: z.int().min(1).default(500).describe("Disk of one task, its inputs included; MiB."),
        gpus: z.int().min(0).default(0).describe("GPUs of one task."),
    })
    .describe("What one task needs; a size of workers must be large enough.");

const requires = z
    .strictObject({
        paths: z
            .array(absolute)
            .default([])
            .describe("Files or folders that must be there, such as a release in /cvmfs."),
        waitSec: z
            .int()
            .min(0)
            .default(0)
            .describe("How long paths are waited for, as after a release is published; seconds."),
        freeMiB: z.int().min(0).default(0).describe("Free space where the results go; MiB."),
        freeInodes: z.int().min(0).default(0).describe("Files that can still be made there."),
        credential: z
            .strictObject({
                file: absolute.describe("Certificate or proxy, PEM."),
                days: z.number().min(0).default(7).describe("It must be valid for so long; days."),
            })
            .optional()
            .describe("A credential that must outlive the run. Default: none is looked at."),
    })
    .prefault({})
    .describe("What must hold before the first task is started.");

const common = {
    files: z
        .array(absolute)
        .default([])
        .describe("Programs and data on the host that every task gets into its folder, by their own names."),
    resources: resources.prefault({}),
    requires,
    retries: z
        .int()
        .min(0)
        .max(100)
        .default(3)
        .describe("How often a task that has failed is tried again. Lost workers do not count."),
};

export const productionFields = {
    ...common,
    jobs: z.int().min(1).max(1_000_000).describe("Number of jobs. More may be added later; those that are done stay."),
    eventsPerJob: z.int().min(1).describe("Events of each job."),
    seed: z
        .int()
        .min(1)
        .max(MAX_SEED)
        .describe(
            `Seed of the first job; the others count on from it. Up to ${MAX_SEED}; no two productions may share one.`,
        ),
    command: z
        .string()
        .min(1)
        .describe("Shell command of one job; `{seed}`, `{events}`, `{job}` and `{output}` are filled in."),
    extension: z
        .string()
        .regex(/^[A-Za-z0-9.]+$/, { error: "must be letters, digits and dots" })
        .default("out")
        .describe("Of the results' names: `job-000001.EXTENSION`."),
    chunk: z.int().min(1).max(10_000).default(1000).describe("Jobs that are handed to Work Queue together."),
};

const stage = z
    .strictObject({
        name: z
            .string()
            .regex(/^[a-z][a-z0-9-]*$/, { error: "must be lower-case letters, digits and dashes" })
            .describe("E.g. `reconstruction`, `merge`, `qa`."),
        kind: z
            .enum(["each", "merge"])
            .describe(
                "`each`: one task for each file of the stage before; `merge`: files become one, in steps of `fanIn`.",
            ),
        command: z
            .string()
            .min(1)
            .describe("Shell command of one task; `{input}` (`{inputs}` in a merge) and `{output}` are filled in."),
        extension: z
            .string()
            .regex(/^[A-Za-z0-9.]+$/, { error: "must be letters, digits and dots" })
            .default("out")
            .describe("Of the names of the stage's files."),
        fanIn: z.int().min(2).default(10).describe("Files that one task of a merge takes at most."),
        resources: resources.optional().describe("What one task needs. Default: as the validation's."),
    })
    .describe("One stage; its inputs are the files of the stage before, those of the first the validation's.");

export const validationFields = {
    ...common,
    inputs: z.array(absolute).min(1).describe("Files on the host, one task of the first stage each."),
    stages: z.array(stage).min(1).describe("In their order."),
};

export const productionSchema = z.strictObject({ kind: z.literal("production"), ...productionFields });
export const validationSchema = z.strictObject({ kind: z.literal("validation"), ...validationFields });

/** What is written to the host. */
export const campaignSchema = z.strictObject({
    name: z.string(),
    /** Folder that everything is in. */
    dir: absolute,
    catalogs: z.array(z.string()).min(1),
    /** Of the manager, for its workers. */
    passwordFile: absolute.optional(),
    port: z.int(),
    statusPort: z.int(),
    work: z.discriminatedUnion("kind", [productionSchema, validationSchema]),
});

export type Production = z.output<typeof productionSchema>;
export type Validation = z.output<typeof validationSchema>;
export type Work = Production | Validation;
export type Campaign = z.output<typeof campaignSchema>;
export type CampaignText = z.input<typeof campaignSchema>;
export type Resources = Production["resources"];

/** Seeds of a production, first and last. */
export const seedsOf = ({ seed, jobs }: Pick<Production, "seed" | "jobs">): readonly [number, number] => [
    seed,
    seed + jobs - 1,
];

export interface WorkFault {
    /** Below the work. */
    readonly path: string;
    readonly message: string;
    readonly value?: unknown;
    readonly allowed?: string;
}

const placeholders = (command: string): string[] =>
    Array.from(command.matchAll(/\{([a-z]+)\}/g), (match) => match[1] ?? "");

function commandFaults(
    path: string,
    command: string,
    wanted: readonly string[],
    known: readonly string[],
): WorkFault[] {
    const found = new Set(placeholders(command));
    return [
        ...wanted
            .filter((name) => !found.has(name))
            .map((name) => ({ path, message: `the command does not use {${name}}`, value: command })),
        ...[...found]
            .filter((name) => !known.includes(name))
            .map((name) => ({
                path,
                message: `{${name}} means nothing here`,
                value: command,
                allowed: known.map((one) => `{${one}}`).join(", "),
            })),
    ];
}

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
/** Of files that tasks get beside theirs; shell and makeflow take these as they are. */
const PLAIN = /^[A-Za-z0-9][A-Za-z0-9._+-]*$/;
/** Names in the folder of a run that are not for files of the user's. */
export const TAKEN = ["in", "results", "logs", "task.sh", "summary.json", "summary.html", "summary.svg", "check"];

/** What a schema cannot say of a campaign. */
export function workFaults(work: Work): WorkFault[] {
    const faults: WorkFault[] = [];
    const names = work.files.map(baseName);
    names.forEach((name, index) => {
        const path = `files[${index}]`;
        if (!PLAIN.test(name))
            faults.push({
                path,
                message: "tasks cannot have a file of this name",
                value: name,
                allowed: "letters, digits, . _ + -",
            });
        else if (names.indexOf(name) !== index)
            faults.push({ path, message: "another file has the same name", value: name });
        else if (TAKEN.includes(name) || name.startsWith("chunk-"))
            faults.push({ path, message: "this name is the campaign's own", value: name });
    });
    if (work.kind === "production") {
        faults.push(...commandFaults("command", work.command, ["seed", "output"], ["seed", "events", "job", "output"]));
        const [, last] = seedsOf(work);
        if (last > MAX_SEED)
            faults.push({
                path: "seed",
                message: `the last job's seed is ${last}`,
                value: work.seed,
                allowed: `at most ${MAX_SEED}`,
            });
        return faults;
    }
    work.stages.forEach(({ name, kind, command }, index) => {
        const input = kind === "each" ? "input" : "inputs";
        faults.push(...commandFaults(`stages[${index}].command`, command, [input, "output"], [input, "output"]));
        if (work.stages.findIndex((one) => one.name === name) !== index)
            faults.push({ path: `stages[${index}].name`, message: "another stage has the same name", value: name });
    });
    work.inputs.forEach((path, index) => {
        if (work.inputs.indexOf(path) !== index)
            faults.push({ path: `inputs[${index}]`, message: "this input is there twice", value: path });
    });
    return faults;
}
