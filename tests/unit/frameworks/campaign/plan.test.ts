/** Which tasks a campaign has: seeds, chunks, stages, merges; and the texts that makeflow reads. */
import {
    productionSchema,
    type Production,
    type Validation,
    validationSchema,
} from "../../../../frameworks/campaign/declaration";
import { historyOf, makeflowText, taskScript } from "../../../../frameworks/campaign/makeflow";
import { identityOf, planOf } from "../../../../frameworks/campaign/plan";

const production = (more: object = {}): Production =>
    productionSchema.parse({
        kind: "production",
        jobs: 25,
        eventsPerJob: 100,
        seed: 7000,
        command: "sim {seed} {events} {output}",
        chunk: 10,
        ...more,
    });

const validation = (inputs: number, more: object = {}): Validation =>
    validationSchema.parse({
        kind: "validation",
        inputs: Array.from({ length: inputs }, (_, index) => `/data/run${index + 1}`),
        stages: [
            { name: "reco", kind: "each", command: "reco {input} {output}", extension: "root" },
            { name: "merge", kind: "merge", command: "merge {output} {inputs}", extension: "root", fanIn: 4 },
            { name: "qa", kind: "each", command: "qa {input} {output}", resources: { memMiB: 9 } },
        ],
        ...more,
    });

describe("a production", () => {
    const tasks = (work: Production): { id: string; seed: string }[] =>
        planOf(work).chunks.flatMap((chunk) =>
            chunk.tasks.map(({ id, values }) => ({ id, seed: values["seed"] ?? "" })),
        );
    test("every job has a seed of its own, the same each time", () => {
        const all = tasks(production());
        expect(new Set(all.map(({ seed }) => seed)).size).toBe(25);
        expect([all[0], all[24]]).toEqual([
            { id: "job-000001", seed: "7000" },
            { id: "job-000025", seed: "7024" },
        ]);
        expect(tasks(production())).toEqual(all);
    });
    test("jobs that are added later leave those before as they are", () => {
        expect(tasks(production({ jobs: 40 })).slice(0, 25)).toEqual(tasks(production()));
        expect(identityOf(production({ jobs: 40 }), [])).toBe(identityOf(production(), []));
    });
    test("chunks are full, and the last has the rest", () => {
        expect(planOf(production()).chunks.map(({ name, tasks: own }) => [name, own.length])).toEqual([
            ["chunk-0001", 10],
            ["chunk-0002", 10],
            ["chunk-0003", 5],
        ]);
    });
    test.each([
        ["another command", production({ command: "sim2 {seed} {output}" }), []],
        ["another seed", production({ seed: 1 }), []],
        ["other events", production({ eventsPerJob: 5 }), []],
        ["other tasks to a chunk, by which makeflow knows them", production({ chunk: 5 }), []],
        ["another program", production(), ["digest"]],
    ])("%s is another run", (_what, work, files) => {
        expect(identityOf(work, files)).not.toBe(identityOf(production(), []));
    });
    test("more tries, or larger workers, are the same run", () => {
        const same = production({ retries: 9, resources: { cores: 4 }, requires: { freeMiB: 1 } });
        expect(identityOf(same, [])).toBe(identityOf(production(), []));
    });
});

describe("a validation", () => {
    test("each file is reconstructed, all are merged in steps, and the one that is left is looked at", () => {
        const { chunks, inputs, results } = planOf(validation(9));
        const [chunk] = chunks;
        const shape = chunk?.tasks.map(({ id, inputs: from }) => `${id} <- ${from.length}`);
        expect(shape?.slice(0, 2)).toEqual(["reco-00001 <- 1", "reco-00002 <- 1"]);
        expect(shape?.slice(9)).toEqual([
            "merge-1-00001 <- 4",
            "merge-1-00002 <- 4",
            "merge-1-00003 <- 1",
            "merge-2-00001 <- 3",
            "qa-00001 <- 1",
        ]);
        expect(results).toEqual(["results/qa-00001.out"]);
        expect(inputs["in/00009"]).toBe("/data/run9");
    });
    test.each([1, 4, 5, 16, 17, 100])("%d files: every one goes into the end exactly once", (count) => {
        const { chunks, results } = planOf(validation(count));
        const makers = new Map(chunks.flatMap(({ tasks }) => tasks.map((task) => [task.output, task] as const)));
        const leaves = (path: string): string[] => makers.get(path)?.inputs.flatMap(leaves) ?? [path];
        expect(leaves(results[0] ?? "").sort()).toEqual(
            Array.from({ length: count }, (_, index) => `in/${String(index + 1).padStart(5, "0")}`),
        );
        // Nothing is made for nobody, but the end.
        const used = new Set(chunks.flatMap(({ tasks }) => tasks.flatMap(({ inputs }) => inputs)));
        expect([...makers.keys()].filter((path) => !used.has(path))).toEqual(results);
    });
    test("a stage may need more or less than the others", () => {
        const tasks = planOf(validation(1)).chunks[0]?.tasks ?? [];
        expect(tasks.map(({ resources }) => resources.memMiB)).toEqual([500, 500, 9]);
    });
});

test("what makeflow reads", () => {
    const { chunks } = planOf(validation(2));
    if (chunks[0] === undefined) throw new Error("no chunk");
    expect(makeflowText(chunks[0], ["reco.py"])).toMatchSnapshot();
    expect(taskScript(planOf(production()))).toMatchSnapshot();
});

test("what its log says, to the last whole line", () => {
    const log = [
        "# STARTED 1795698213877144",
        "1795698213000000 0 1 1 1 1 0 0 0 2",
        "1795698214000000 1 1 2 0 2 0 0 0 2",
        "1795698215000000 1 3 2 0 1 0 1 0 2",
        "1795698215100000 1 0 2 1 1 0 0 0 2",
        "1795698216000000 1 1 3 0 2 0 0 0 2",
        "# FILE 1795698216500000 results/a 2 6",
        "1795698217000000 1 2 3 0 1 1 0 0 2",
        "179569821",
    ].join("\n");
    expect(Object.fromEntries(historyOf(log))).toEqual({
        0: { state: "running", starts: 1, failures: 0, firstUs: 1795698213000000, lastUs: 1795698213000000 },
        1: { state: "complete", starts: 2, failures: 1, firstUs: 1795698214000000, lastUs: 1795698217000000 },
    });
});
