// npm run bench [-- preview scale lab workqueue apps]    measures, prints and keeps bench/results.md and results.json
// Nothing here is a test of absolute time: machines differ. Ratios taken in one run are judged, never rounded in our favour.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { projectDir } from "../toolchain/places.mjs";
import { pulumiVersion } from "../toolchain/engine.mjs";
import { Failure, main } from "../toolchain/steps.mjs";
import { cleanUp, note } from "./lib.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const parts = {
    preview: async () => (await import("./preview.mjs")).preview(),
    scale: async () => (await import("./scale.mjs")).scale(),
    lab: async () => (await import("./lab.mjs")).lab(),
    workqueue: async () => (await import("./workqueue.mjs")).workqueue(),
    apps: async () => (await import("./apps.mjs")).apps(),
};

function facts() {
    const git = (...args) => execFileSync("git", args, { cwd: projectDir, encoding: "utf8" }).trim();
    return {
        date: new Date().toISOString().slice(0, 16),
        commit: git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "--", ":!bench") ? "+" : ""),
        cpu: `${cpus().length} × ${cpus()[0].model}`,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        kernel: release(),
        node: process.versions.node,
        pulumi: pulumiVersion,
        sdk: JSON.parse(readFileSync(join(projectDir, "node_modules", "@pulumi", "pulumi", "package.json"), "utf8"))
            .version,
        load: loadavg()[0].toFixed(1),
    };
}

const table = ({ title, head, rows }) =>
    `### ${title}\n\n| ${head.join(" | ")} |\n|${head.map((_, i) => (i === 0 ? " --- " : " ---: ")).join("|")}|\n${rows.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n`;

export function report(results) {
    const text = [
        "# Results of `npm run bench`",
        "",
        "Written by bench/run.mjs. CPU seconds are user + system of the whole process tree. A part that was not asked for keeps its last result.",
        "",
    ];
    for (const [name, { facts: f, tables, goals, notes = [] }] of Object.entries(results)) {
        text.push(
            `## ${name}`,
            "",
            `${f.date}, commit ${f.commit}, ${f.cpu}, ${f.memoryGiB} GiB, Linux ${f.kernel}, Node.js ${f.node}, Pulumi ${f.pulumi}, SDK ${f.sdk}, load ${f.load} at the start`,
            "",
        );
        text.push("| what | measured | goal | |", "| --- | --- | --- | --- |");
        for (const { what, value, goal, met } of goals)
            text.push(`| ${what} | ${value} | ${goal} | ${met === undefined ? "" : met ? "met" : "**not met**"} |`);
        text.push("", ...tables.map(table), ...notes.map((line) => `- ${line}`), "");
    }
    return `${text
        .join("\n")
        .replace(/\n{3,}/g, "\n\n")
        .trimEnd()}\n`;
}

await main(async () => {
    const asked = process.argv.slice(2);
    const unknown = asked.find((name) => !parts[name]);
    if (unknown) throw new Failure(`"${unknown}" is none of ${Object.keys(parts).join(", ")}`);
    const file = join(here, "results.json");
    const results = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => (cleanUp(), process.exit(130)));
    let failed = 0;
    for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
        const about = facts();
        try {
            results[name] = { facts: about, ...(await parts[name]()) };
            const ordered = Object.fromEntries(
                Object.keys(parts)
                    .filter((part) => results[part])
                    .map((part) => [part, results[part]]),
            );
            writeFileSync(file, `${JSON.stringify(ordered, null, 1)}\n`);
            writeFileSync(join(here, "results.md"), report(ordered));
            console.log(
                report({ [name]: results[name] })
                    .split("\n")
                    .slice(4)
                    .join("\n"),
            );
        } catch (error) {
            failed++;
            note(`${name} failed: ${error instanceof Failure ? error.message : error.stack}`);
        } finally {
            cleanUp();
        }
    }
    return failed > 0 ? 1 : 0;
});
