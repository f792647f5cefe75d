/** Release builds on the lab: a site with both schedulers, sources of our own, and what the store tells. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunRecord } from "../../../frameworks/builds/runs";
import type { StoreStatus } from "../../../frameworks/builds/store";
import { addressOf, AGENTS, on, QUORUM } from "./hosts";
import { copyDir } from "./places";
import { type Result, run } from "./processes";
import type { Site } from "./stack";
import { eventually } from "./steps";

/** Where the store is; the other two agents build. */
export const STORE = AGENTS[2];
const UPSTREAM = "/srv/e2e-upstream";
const DIR = "/srv/builds";
const METRONOME = `http://${addressOf(QUORUM[2])}:9180`;
const PAGE = `http://${addressOf(STORE)}:8731`;

/** The repositories as they are somewhere else: builders cannot reach them. */
export async function placeUpstream(): Promise<void> {
    const dir = mkdtempSync(join(tmpdir(), "upstream-"));
    const git = (repository: string, ...args: string[]): unknown =>
        execFileSync("git", ["-c", "user.name=e2e", "-c", "user.email=e2e@localhost", ...args], {
            cwd: join(dir, repository),
        });
    try {
        cpSync(join(__dirname, "builds", "recipes"), join(dir, "alidist"), { recursive: true });
        cpSync(join(__dirname, "builds", "sources"), dir, { recursive: true });
        for (const [name, tag] of [
            ["alidist", "daily-1"],
            ["greeting", "v1.0"],
        ] as const) {
            git(name, "init", "-q", "-b", "main");
            git(name, "add", ".");
            git(name, "commit", "-q", "-m", "first");
            git(name, "tag", tag);
        }
        const packed = execFileSync("tar", ["-C", dir, "-cz", "."]).toString("base64");
        await on(
            STORE,
            `mkdir -p ${UPSTREAM} && base64 -d | tar -C ${UPSTREAM} -xz && chown -R nobody ${UPSTREAM}`,
            packed,
        );
    } finally {
        rmSync(dir, { recursive: true });
    }
}

/** Ends whatever a failed test has left running: jobs are not deleted while they run. */
export async function stopAll(): Promise<void> {
    try {
        const { text } = await ask(`${METRONOME}/v1/jobs?embed=activeRuns`);
        const jobs = JSON.parse(text) as { id: string; activeRuns: { id: string }[] }[];
        for (const { id, activeRuns } of jobs) {
            for (const run of activeRuns) {
                await ask(`${METRONOME}/v1/jobs/${id}/runs/${run.id}/actions/stop`, "POST");
            }
        }
    } catch {
        // There is no Metronome.
    }
}

export async function removeBuilds(): Promise<void> {
    await on(STORE, `rm -rf ${UPSTREAM} ${DIR}`);
}

const release = (packages: readonly string[], qa: string, more: object = {}): object => ({
    builders: ["here"],
    size: "small",
    recipes: { source: "alidist", ref: "daily-1" },
    packages,
    qa: { command: qa, timeoutSec: 60 },
    ...more,
});

export function addBuilds(site: Site): void {
    // An agent is given up after 25 s, not 75: the longest wait of this suite.
    Object.assign(site.masters, { agentPingTimeoutSec: 5, maxAgentPingTimeouts: 5 });
    Object.assign(site, {
        marathon: {
            members: [QUORUM[0]],
            package: { name: "marathon-stand-in" },
            program: "/usr/bin/marathon-stand-in",
            port: 8180,
        },
        metronome: {
            members: [QUORUM[2]],
            package: { name: "metronome-stand-in" },
            program: "/usr/bin/metronome-stand-in",
            principal: "marathon",
            port: 9180,
        },
        workloads: {
            builds: {
                store: { host: STORE, dir: DIR, freeMiB: 50, lostSec: 20, memMiB: 160 },
                mirror: {
                    everySec: 2,
                    sources: { alidist: `file://${UPSTREAM}/alidist`, greeting: `file://${UPSTREAM}/greeting` },
                },
                builders: {
                    here: {
                        pool: "build",
                        architecture: "slc9_x86-64",
                        sizes: { small: { cpus: 0.5, memMiB: 256, diskMiB: 300 } },
                    },
                },
                releases: {
                    good: release(["top"], 'sh "$RECIPES/qa.sh"'),
                    broken: release(["bad"], "true"),
                    untrue: release(["other"], "echo 'histogram 3 is empty'; exit 3"),
                    // It would begin by itself once a month.
                    long: release(["long"], "true", { schedule: { cron: "0 0 1 * *" } }),
                },
            },
        },
    });
}

async function ask(url: string, method = "GET"): Promise<{ status: number; text: string }> {
    const answer = await fetch(url, { method, signal: AbortSignal.timeout(10_000) });
    return { status: answer.status, text: await answer.text() };
}

/** Runs a build now, as the documentation tells. @returns Metronome's id of the run */
export async function start(name: string): Promise<string> {
    const { status, text } = await ask(`${METRONOME}/v1/jobs/builds.${name}.here/runs`, "POST");
    expect(status).toBe(201);
    return (JSON.parse(text) as { id: string }).id;
}

export const stop = (name: string, run: string): Promise<unknown> =>
    ask(`${METRONOME}/v1/jobs/builds.${name}.here/runs/${run}/actions/stop`, "POST");

export async function storeStatus(): Promise<StoreStatus | undefined> {
    try {
        return JSON.parse((await ask(`${PAGE}/status.json`)).text) as StoreStatus;
    } catch {
        return undefined;
    }
}

export const logOf = async ({ run }: RunRecord, name: string): Promise<string> =>
    (await ask(`${PAGE}/results/${run}/log/${name}`)).text;

/** The newest run of a build that is such. */
export const runOf = (
    name: string,
    isSuch: (run: RunRecord) => boolean,
    before: readonly string[] = [],
    timeoutSec = 120,
): Promise<RunRecord> =>
    eventually(
        `a run of ${name}`,
        async () =>
            (await storeStatus())?.runs.find(
                (run) => run.build === `${name}.here` && !before.includes(run.run) && isSuch(run),
            ),
        { timeoutSec, everyMs: 500 },
    );

export const isOver = ({ state }: RunRecord): boolean => state !== "running";

/** Runs a build to its end. */
export async function built(name: string): Promise<RunRecord> {
    const before = ((await storeStatus())?.runs ?? []).map(({ run }) => run);
    await start(name);
    return runOf(name, isOver, before);
}

/** `npm run build-now`, on the tests' stack. */
export const buildNow = (...args: string[]): Promise<Result> =>
    run(process.execPath, ["toolchain/tool.mjs", "build-now", "-s", "lab", ...args], {
        cwd: copyDir(),
        timeoutSec: 180,
    });

/** Run that a build's latest packages are of. */
export const latestOf = async (build: string): Promise<string> =>
    on(STORE, `cat ${DIR}/store/releases/${build}/latest.json`);

/** Names of all packages that the store hands out, and of whatever lies about unfinished. */
export async function published(): Promise<{ packages: string[]; unfinished: string[] }> {
    const list = async (command: string): Promise<string[]> =>
        (await on(STORE, `cd ${DIR} && ${command}`)).trim().split("\n").filter(Boolean).sort();
    return {
        packages: await list(
            "find store/TARS/*/* -maxdepth 1 -name '*.tar.gz' -type l -printf '%f\\n' 2>/dev/null || true",
        ),
        unfinished: await list("ls incoming publishing | grep -v : || true"),
    };
}
