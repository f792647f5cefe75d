/** What a preview says of apps, jobs and settings: for tables of what it must refuse. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { planSite, planSiteWork } from "../../../site";
import type { MarathonFacts } from "../../../site/marathon";
import { smallSite } from "./sites";

export const marathon = { existing: { urls: ["http://10.0.0.1:8080"] }, role: "services", features: [] as string[] };
export const server: MarathonFacts = { role: "services", features: [] };
const metronome = { existing: { urls: ["http://10.0.0.1:9000"] } };

/** What a preview says of these files and settings: what it refuses, else what it warns of. */
export function said(files: Readonly<Record<string, unknown>>, settings: object = {}): string[] {
    const root = mkdtempSync(join(tmpdir(), "preview-"));
    try {
        return saidIn(root, files, settings);
    } finally {
        rmSync(root, { recursive: true });
    }
}

function saidIn(root: string, files: Readonly<Record<string, unknown>>, settings: object): string[] {
    for (const [name, definition] of Object.entries(files)) {
        const file = join(root, name);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, typeof definition === "string" ? definition : JSON.stringify(definition));
    }
    const folders = (of: string): object =>
        Object.keys(files).some((name) => name.startsWith(of)) ? { [of]: [of] } : {};
    const planned = planSite({
        ...smallSite(),
        marathon,
        metronome,
        ...folders("apps"),
        ...folders("jobs"),
        ...settings,
    });
    const result =
        "issues" in planned
            ? planned
            : planSiteWork(planned.site, planned.plan, root, { config: () => undefined, hasSecret: () => false });
    const issues = "issues" in result ? result.issues : result.work.warnings;
    const verdict = "issues" in result ? "refused" : "warned";
    return issues.map(({ code, path, message }) => `${verdict}: ${code} ${path}: ${message}`);
}

export const app = (more: object): object => ({ id: "/a", cmd: "sleep 9", cpus: 0.1, mem: 32, ...more });
export const image = (more: object, container: object = {}): object => ({
    id: "/a",
    cpus: 0.1,
    mem: 32,
    container: { type: "DOCKER", docker: { image: "nginx:1" }, ...container },
    ...more,
});
export const bridge = { networks: [{ mode: "container/bridge" }] };
const run = { cmd: "backup", cpus: 0.1, mem: 32, disk: 0 };
export const job = (more: object, runMore: object = {}): object => ({
    id: "job",
    run: { ...run, ...runMore },
    ...more,
});
export const cron = (text: string, more: object = {}): object =>
    job({ schedules: [{ id: "s1", cron: text, ...more }] });

export type Row = readonly [what: string, definition: unknown, expected: string];

/** Whether a line begins so: code, path, and as much of the message as matters. */
export const expectRefused = (lines: readonly string[], expected: string): void =>
    expect(lines.filter((line) => line.startsWith(`refused: ${expected}`))).not.toEqual([]);
