// Measuring, and a place to measure in: a copy of what the engine runs, so that neither an edit nor a rebuild of the
// checkout disturbs a run, with a state of its own.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { projectDir } from "../toolchain/places.mjs";
import { preparePulumi, previewEnv } from "../toolchain/pulumi.mjs";
import { say } from "../toolchain/steps.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const temporary = [];
const children = new Set();

/** A directory that goes away with this process. */
export function scratch(name) {
    const dir = mkdtempSync(join(tmpdir(), `pulumi-mesos-bench-${name}-`));
    temporary.push(dir);
    return dir;
}

export function cleanUp() {
    for (const child of children) {
        try {
            process.kill(-child.pid, "SIGKILL");
        } catch {
            // ended meanwhile
        }
    }
    for (const dir of temporary.splice(0)) rmSync(dir, { recursive: true, force: true });
}

/**
 * Runs a command under measure.py, bounded by `timeoutSec`.
 * @returns {Promise<{code: number, wall: number, cpu: number, peakMiB: number, kinds: object, output: string}>}
 */
export function measure(file, args, { cwd, env = process.env, timeoutSec = 900, mayFail = false } = {}) {
    const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-bench-m-"));
    const report = join(dir, "report.json");
    return new Promise((resolve, reject) => {
        const child = spawn("/usr/bin/python3", [join(here, "measure.py"), report, file, ...args], {
            cwd,
            env,
            detached: true,
            stdio: ["ignore", "pipe", "pipe"],
        });
        children.add(child);
        let output = "";
        let overdue = false;
        const keep = (text) => (output = (output + text).slice(-200_000));
        child.stdout.setEncoding("utf8").on("data", keep);
        child.stderr.setEncoding("utf8").on("data", keep);
        const timer = setTimeout(() => {
            overdue = true;
            try {
                process.kill(-child.pid, "SIGKILL");
            } catch {
                // ended meanwhile
            }
        }, timeoutSec * 1000);
        child.on("error", reject);
        child.on("exit", () => {
            clearTimeout(timer);
            children.delete(child);
            const result = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
            rmSync(dir, { recursive: true, force: true });
            if (result === undefined || overdue || (result.code !== 0 && !mayFail)) {
                const why = overdue ? `no end after ${timeoutSec} s` : `exit status ${result?.code}`;
                reject(new Error(`${file} ${args.slice(0, 6).join(" ")}: ${why}\n${output.slice(-4000)}`));
            } else resolve({ ...result, output });
        });
    });
}

/** Best of n by CPU seconds: everything that disturbs makes a run dearer, nothing makes it cheaper. */
export async function best(n, run) {
    const all = [];
    for (let i = 0; i < n; i++) all.push(await run());
    const sorted = [...all].sort((a, b) => a.cpu - b.cpu);
    return { ...sorted[0], cpuMedian: sorted[sorted.length >> 1].cpu, cpuWorst: sorted.at(-1).cpu, n };
}

let prepared;
export const engine = async () => (prepared ??= await preparePulumi());

/**
 * A project beside the checkout: `stackFiles` is {name: text}. Its program is ours, or `main`: then it starts as the engine
 * starts every program, and has our plugins only with `plugins`.
 */
export async function project(name, stackFiles, { main: program, plugins = program === undefined } = {}) {
    const { pulumi, env } = await engine();
    const dir = scratch(name);
    const state = join(dir, "state");
    mkdirSync(state);
    symlinkSync(join(projectDir, "node_modules"), join(dir, "node_modules"));
    if (program === undefined) {
        cpSync(join(projectDir, "bin"), join(dir, "bin"), { recursive: true });
        cpSync(join(projectDir, "ansible-templates"), join(dir, "ansible-templates"), { recursive: true });
        cpSync(join(projectDir, "package.json"), join(dir, "package.json"));
    } else {
        mkdirSync(join(dir, "bin"));
        writeFileSync(join(dir, "bin", "index.js"), program);
        writeFileSync(join(dir, "package.json"), '{"name": "empty", "main": "bin/index.js"}\n');
    }
    const real = readFileSync(join(projectDir, "Pulumi.yaml"), "utf8");
    const withoutPlugins = real.replace(/^plugins:[\s\S]*/m, "");
    const fake = `plugins:\n  providers:\n${["mesos", "openstack"].map((p) => `    - {name: ${p}, path: ./fake-${p}}\n`).join("")}`;
    const place = (fakes) => {
        const text = plugins && fakes ? withoutPlugins + fake : program === undefined ? real : withoutPlugins;
        writeFileSync(join(dir, "Pulumi.yaml"), program === undefined ? text : text.replace(/^ *nodeargs:.*\n/m, ""));
    };
    for (const plugin of ["mesos", "openstack"]) {
        const at = join(dir, `fake-${plugin}`);
        mkdirSync(at);
        writeFileSync(
            join(at, `pulumi-resource-${plugin}`),
            `#!/bin/sh\nexec node ${join(here, "fake-plugin.cjs")} ${plugin} "$@"\n`,
            { mode: 0o755 },
        );
    }
    place(false);
    const own = {
        ...env,
        PULUMI_BACKEND_URL: pathToFileURL(state).href,
        PULUMI_CONFIG_PASSPHRASE: "bench",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        // A real plugin that has nowhere to go: it is configured, and asked nothing that needs an answer from OpenStack.
        OS_AUTH_URL: "http://127.0.0.1:9/v3",
        OS_USERNAME: "bench",
        OS_PASSWORD: "bench",
        OS_USER_DOMAIN_NAME: "Default",
        OS_PROJECT_DOMAIN_NAME: "Default",
        OS_REGION_NAME: "bench",
    };
    for (const [stack, text] of Object.entries(stackFiles)) {
        writeFileSync(join(dir, `Pulumi.${stack}.yaml`), text.replace(/^encryptionsalt:.*\n?/m, ""));
        await measure(pulumi, ["stack", "init", stack, "--non-interactive"], { cwd: dir, env: own });
    }
    const run = (args, { more = {}, ...options } = {}) =>
        measure(pulumi, args, { cwd: dir, env: { ...own, ...more }, ...options });
    return {
        dir,
        env: own,
        /** Measured `pulumi preview`, with the settings that toolchain/pulumi.mjs gives every preview. */
        preview: (stack, args = [], options = {}) =>
            run(["preview", "-s", stack, "--non-interactive", "--suppress-progress", ...args], {
                ...options,
                more: { ...previewEnv(["preview"]), ...options.more },
            }),
        run,
        /** The state after an `up`, without hosts or clouds: the same program and engine, with plugins that only say "done". */
        async pretendUp(stack, { timeoutSec = 900 } = {}) {
            place(true);
            try {
                return await run(
                    [
                        "up",
                        "-s",
                        stack,
                        "--yes",
                        "--skip-preview",
                        "--non-interactive",
                        "--suppress-progress",
                        "--suppress-outputs",
                    ],
                    {
                        timeoutSec,
                        more: { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" },
                    },
                );
            } finally {
                place(false);
            }
        },
    };
}

export const round = (x, digits = 2) => Number(x.toFixed(digits));
/** Never in our favour: a ratio is rounded up. */
export const ratio = (a, b) => Math.ceil((a / b) * 100) / 100;

export const note = (text) => say(`bench: ${text}`);
