// One line per step, on stderr (stdout belongs to the command's own answer):
//   HH:MM:SS  what … ok (12 s)
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A failure to be shown to the user as it is, without a stack trace. */
export class Failure extends Error {}

export const clock = (date = new Date()) => date.toTimeString().slice(0, 8);

export function say(text) {
  process.stderr.write(`${clock()}  ${text}\n`);
}

export const seconds = (ms) => (ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

/**
 * Runs `work` as a named step. `work` gets `{note}`: note(text) says how far it is; that is
 * printed at most every `every` ms, so a long step is seen to move and a short one is one line.
 * A string it returns is added to the closing line.
 */
export async function step(what, work, { log = say, every = 15_000 } = {}) {
  const begun = Date.now();
  let detail = "";
  const timer = setInterval(() => log(`${what} … ${detail || "working"} (${seconds(Date.now() - begun)})`), every);
  try {
    const result = await work({ note: (text) => (detail = text) });
    log(`${what} … ok (${seconds(Date.now() - begun)})${typeof result === "string" && result ? `: ${result}` : ""}`);
    return result;
  } catch (error) {
    log(`${what} … FAILED (${seconds(Date.now() - begun)})`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

// Each in a process group of its own, so that a script's own children end with it. That also keeps a terminal's
// Ctrl-C from them, so while any runs, signals are handled here.
const children = new Set();
const endings = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const interrupted = (name) => {
  stopChildren();
  process.exit(endings[name]);
};

function adopt(child) {
  if (children.size === 0) for (const name of Object.keys(endings)) process.on(name, interrupted);
  children.add(child);
}

function release(child) {
  if (children.delete(child) && children.size === 0) for (const name of Object.keys(endings)) process.off(name, interrupted);
}

/** Ends the programs that `run` has started and that still run. */
export function stopChildren(signal = "SIGTERM") {
  for (const child of children) {
    try {
      process.kill(-child.pid, signal);
    } catch {
      continue; // ended by itself meanwhile
    }
  }
}

// A program may say what is wrong at the start or at the end of what it writes.
function excerpt(lines) {
  const shown = lines.length <= 30 ? lines : [...lines.slice(0, 15), `… ${lines.length - 25} lines more …`, ...lines.slice(-10)];
  return shown.map((line) => `    ${line.slice(0, 400)}`).join("\n");
}

/** The last `lines` lines of a log file, indented for an error message. */
export function tail(file, lines = 12) {
  try {
    const all = readFileSync(file, "utf8").replaceAll("\u001b", "").trimEnd().split(/\r?\n/);
    return all.slice(-lines).map((line) => `    ${line.slice(0, 400)}`).join("\n");
  } catch {
    return "    (no output)";
  }
}

/**
 * Runs a program. Its output goes to `logFile` (appended) when given, and to the result.
 * A non-zero exit status is a Failure that names the program, the last lines and the log.
 *
 * @param {string} file program
 * @param {string[]} args
 * @param {{cwd?: string, env?: object, input?: string, logFile?: string, allowFailure?: boolean,
 *   onLine?: (line: string) => void, timeout?: number, label?: string}} [options]
 * @returns {Promise<{code: number, stdout: string, stderr: string}>}
 */
export function run(file, args, options = {}) {
  const { cwd, env = process.env, input, logFile, allowFailure = false, onLine, timeout = 0, label } = options;
  const name = label ?? [file, ...args].join(" ").slice(0, 160);
  let log;
  if (logFile) {
    mkdirSync(dirname(logFile), { recursive: true });
    log = openSync(logFile, "a");
    writeSync(log, `\n--- ${new Date().toISOString()} ${[file, ...args].join(" ")}\n`);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, detached: true, stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    if (child.pid) adopt(child);
    const out = { stdout: "", stderr: "" };
    let timedOut = false;
    const timer = timeout
      ? setTimeout(() => {
          timedOut = true;
          if (child.exitCode === null) process.kill(-child.pid, "SIGKILL");
        }, timeout)
      : undefined;
    for (const stream of ["stdout", "stderr"]) {
      let rest = "";
      child[stream].setEncoding("utf8").on("data", (text) => {
        out[stream] = (out[stream] + text).slice(-4_000_000);
        if (log !== undefined) writeSync(log, text);
        if (onLine) {
          const lines = (rest + text).split("\n");
          rest = lines.pop();
          lines.forEach(onLine);
        }
      });
    }
    if (input !== undefined) {
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    }
    const done = () => {
      release(child);
      clearTimeout(timer);
      if (log !== undefined) closeSync(log);
    };
    child.on("error", (error) => {
      done();
      reject(new Failure(`${name}: ${error.code === "ENOENT" ? `there is no program ${file}` : error.message}`));
    });
    child.on("close", (code, signal) => {
      done();
      if (code === 0 || allowFailure) return resolve({ code: code ?? 128, ...out });
      const how = timedOut ? `no end after ${seconds(timeout)}` : signal ? `ended by ${signal}` : `exit status ${code}`;
      const last = logFile
        ? `\n${tail(logFile)}\n  full log: ${logFile}`
        : `\n${excerpt((out.stderr || out.stdout).trimEnd().split("\n"))}`;
      reject(new Failure(`${name}: ${how}${last}`));
    });
  });
}

/** Runs an entry script's main: a Failure is shown as its text, anything else with its stack. */
export async function main(work) {
  try {
    const code = await work();
    if (typeof code === "number") process.exitCode = code;
  } catch (error) {
    process.stderr.write(`\n${error instanceof Failure ? `error: ${error.message}` : error.stack}\n`);
    process.exitCode = 1;
  }
}
