// The pulumi command on this project's engine: npm run -s pulumi -- ARGUMENTS
// It writes nothing of its own when all is in place; what has to be made first is told on stderr.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureEngine } from "./engine.mjs";
import { cacheDir } from "./places.mjs";
import { commandLine } from "./processes.mjs";
import { checkNode, ensureBundle } from "./project.mjs";
import { ensureAnsible } from "./python.mjs";
import { main, say } from "./steps.mjs";

/** Everything a Pulumi command on this project needs. @returns {Promise<{pulumi: string, env: object}>} env is complete */
export async function preparePulumi({ log = say } = {}) {
  checkNode();
  await ensureBundle({ log });
  const engine = await ensureEngine({ log });
  const ansible = await ensureAnsible({ log });
  const env = { NODE_COMPILE_CACHE: join(cacheDir(), "node"), ...process.env, ...engine.env, ...ansible.env };
  clearDeadLocks(env.PULUMI_BACKEND_URL, { log });
  return { pulumi: engine.pulumi, env };
}

const valued = new Set(["-s", "--stack", "-C", "--cwd", "--color", "-v", "--verbose", "--tracing", "--profiling", "--memprofilerate"]);

/** The subcommand among the arguments, "" when there is none. */
export function subcommand(args) {
  for (let i = 0; i < args.length; i++) {
    if (valued.has(args[i])) i++;
    else if (!args[i].startsWith("-")) return args[i];
  }
  return "";
}

/**
 * By default even a preview writes the whole state at every step. It keeps nothing, so it need not. Its memory is bounded, softly:
 * of ten thousand hosts the engine would let as much garbage lie as it has live data, nearly 4 GiB together. Below that
 * bound memory is cheaper than collecting it.
 */
export function previewEnv(args, env = process.env) {
  if (!["preview", "pre"].includes(subcommand(args))) return {};
  return {
    PULUMI_EXPERIMENTAL: "true",
    PULUMI_SKIP_CHECKPOINTS: "true",
    GOMEMLIMIT: env.GOMEMLIMIT || "2200MiB",
    GOGC: env.GOGC || "400",
  };
}

const writing = new Set(["up", "update", "destroy", "refresh"]);

/** The value of an option among the arguments. */
function option(args, short, long) {
  const at = args.findIndex((arg) => arg === short || arg === long);
  return at >= 0 ? args[at + 1] : args.find((arg) => arg.startsWith(`${long}=`))?.slice(long.length + 1);
}

/**
 * The engine writes the whole state at every step: of many apps that is most of the time of an `up`, and grows with the square
 * of their number. A stack of apps, jobs and quotas alone can do without: what a killed run has made is found again under its
 * own name, and taken for what is declared. Machines and generated secrets cannot be found again: where a stack file speaks
 * of hosts, or is not plainly one without, every step is written.
 */
export function checkpointEnv(args, dir = process.cwd(), env = process.env) {
  const name = option(args, "-s", "--stack") ?? "";
  const project = option(args, "-C", "--cwd") ?? "";
  const file = join(resolve(dir, project), `Pulumi.${name.split("/").at(-1)}.yaml`);
  if (env.PULUMI_SKIP_CHECKPOINTS !== undefined || !writing.has(subcommand(args)) || !existsSync(file)) return {};
  const text = readFileSync(file, "utf8");
  const isWithoutHosts = /^ *pulumi-mesos:site:/m.test(text) && !/\b(hosts|openstack|pools|members)\b/.test(text);
  return isWithoutHosts ? { PULUMI_SKIP_CHECKPOINTS: "true" } : {};
}

/**
 * A run that was killed leaves its lock in a file backend, and the next one refuses. Locks of processes
 * of this machine that are gone are removed; others are somebody's.
 */
export function clearDeadLocks(backend, { log = say } = {}) {
  if (!backend?.startsWith("file:///")) return;
  const top = join(fileURLToPath(backend), ".pulumi", "locks");
  if (!existsSync(top)) return;
  for (const name of readdirSync(top, { recursive: true })) {
    if (!name.endsWith(".json")) continue;
    const file = join(top, name);
    try {
      const { pid, hostname: host } = JSON.parse(readFileSync(file, "utf8"));
      if (host !== hostname() || commandLine(pid).includes("pulumi")) continue;
      rmSync(file);
      log(`removed the lock of a run that was killed (process ${pid}): ${file}`);
    } catch {
      continue; // half written, or gone meanwhile
    }
  }
}

/** Runs pulumi in the foreground, with this process's terminal. @returns {Promise<number>} its exit status */
export async function pulumi(args, { prepared, cwd } = {}) {
  const { pulumi: program, env } = prepared ?? (await preparePulumi());
  const child = spawn(program, args, { stdio: "inherit", cwd, env: { ...env, ...previewEnv(args), ...checkpointEnv(args, cwd) } });
  // A terminal's Ctrl-C reaches the engine without us, and a second one would mean "at once".
  const forward = (name) => () => name === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(name);
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((name) => [name, forward(name)]);
  for (const [name, handler] of handlers) process.on(name, handler);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      for (const [name, handler] of handlers) process.off(name, handler);
      if (signal) process.kill(process.pid, signal);
      resolve(code ?? 1);
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => pulumi(process.argv.slice(2)));
