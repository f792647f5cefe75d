/** Which tasks a campaign has, in which order, with which seeds: the one place that decides it. Pure. */
import { createHash } from "node:crypto";
import type { Production, Resources, Validation, Work } from "./declaration";

/** One task: a command that makes one file of others. Paths are below the run's folder. */
export interface Task {
    /** E.g. `job-000017`, `reconstruction-00003`, `merge-1-00000`. */
    readonly id: string;
    readonly stage: string;
    readonly inputs: readonly string[];
    readonly output: string;
    /** Filled into the stage's command. */
    readonly values: Readonly<Record<string, string>>;
    readonly resources: Resources;
}

/** What is handed to Work Queue together. */
export interface Chunk {
    readonly name: string;
    readonly tasks: readonly Task[];
}

export interface Stage {
    readonly name: string;
    readonly command: string;
}

export interface Plan {
    readonly stages: readonly Stage[];
    readonly chunks: readonly Chunk[];
    /** Inputs by their paths below the run's folder, with where they come from. */
    readonly inputs: Readonly<Record<string, string>>;
    /** Results of the campaign as a whole: of a production all files, of a validation those of its last stage. */
    readonly results: readonly string[];
}

const padded = (index: number, width: number): string => String(index).padStart(width, "0");

/** Where a task's result is. */
const resultPath = (id: string, extension: string): string => `results/${id}.${extension}`;

function planProduction(work: Production): Plan {
    const { jobs, eventsPerJob, seed, command, extension, chunk, resources } = work;
    const tasks = Array.from({ length: jobs }, (_, index): Task => {
        const id = `job-${padded(index + 1, 6)}`;
        return {
            id,
            stage: "job",
            inputs: [],
            output: resultPath(id, extension),
            values: { seed: String(seed + index), events: String(eventsPerJob), job: String(index + 1) },
            resources,
        };
    });
    const chunks = Array.from({ length: Math.ceil(jobs / chunk) }, (_, index): Chunk => ({
        name: `chunk-${padded(index + 1, 4)}`,
        tasks: tasks.slice(index * chunk, (index + 1) * chunk),
    }));
    return { stages: [{ name: "job", command }], chunks, inputs: {}, results: tasks.map(({ output }) => output) };
}

type StageOf = Validation["stages"][number];

function eachTasks({ name, extension }: StageOf, files: readonly string[], resources: Resources): Task[] {
    return files.map((input, index): Task => {
        const id = `${name}-${padded(index + 1, 5)}`;
        return { id, stage: name, inputs: [input], output: resultPath(id, extension), values: {}, resources };
    });
}

/** Merges in steps of at most `fanIn` until one file is left, so that no task waits for all files alone. */
function mergeTasks({ name, extension, fanIn }: StageOf, files: readonly string[], resources: Resources): Task[] {
    const tasks: Task[] = [];
    let left = files;
    for (let step = 1; step === 1 || left.length > 1; step += 1) {
        const groups = Array.from({ length: Math.ceil(left.length / fanIn) }, (_, index) =>
            left.slice(index * fanIn, (index + 1) * fanIn),
        );
        const made = groups.map((inputs, index): Task => {
            const id = `${name}-${step}-${padded(index + 1, 5)}`;
            return { id, stage: name, inputs, output: resultPath(id, extension), values: {}, resources };
        });
        tasks.push(...made);
        left = made.map(({ output }) => output);
    }
    return tasks;
}

function planValidation(work: Validation): Plan {
    const names = work.inputs.map((_, index) => `in/${padded(index + 1, 5)}`);
    const inputs = Object.fromEntries(names.map((name, index) => [name, work.inputs[index] ?? ""]));
    let files: readonly string[] = names;
    const tasks: Task[] = [];
    for (const stage of work.stages) {
        const resources = stage.resources ?? work.resources;
        const made = stage.kind === "each" ? eachTasks(stage, files, resources) : mergeTasks(stage, files, resources);
        tasks.push(...made);
        files = stage.kind === "each" ? made.map(({ output }) => output) : made.slice(-1).map(({ output }) => output);
    }
    return {
        stages: work.stages.map(({ name, command }) => ({ name, command })),
        chunks: [{ name: "chunk-0001", tasks }],
        inputs,
        results: files,
    };
}

/** @param work without faults */
export const planOf = (work: Work): Plan => (work.kind === "production" ? planProduction(work) : planValidation(work));

/**
 * What a result depends on, as a short digest: runs of the same declaration share a folder and go on from what is there, others
 * have one of their own. How many jobs there are and how often they are tried changes no result. (How many at a time is what makeflow
 * knows its tasks by.)
 * @param files digests of the user's files
 */
export function identityOf(work: Work, files: readonly string[]): string {
    const facts =
        work.kind === "production"
            ? [work.command, work.eventsPerJob, work.seed, work.extension, work.chunk]
            : [
                  work.inputs,
                  work.stages.map(({ name, kind, command, extension, fanIn }) => [
                      name,
                      kind,
                      command,
                      extension,
                      fanIn,
                  ]),
              ];
    const names = work.files.map((path) => path.slice(path.lastIndexOf("/") + 1));
    return createHash("sha256")
        .update(JSON.stringify([work.kind, facts, names, files]))
        .digest("hex")
        .slice(0, 12);
}
