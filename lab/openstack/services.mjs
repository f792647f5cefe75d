// Background processes of the lab's cloud: each in a cgroup of its own, so that what it starts (helpers with
// other users' rights, daemons that leave their session) is known without guessing by name.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, readlinkSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { digest } from "../../toolchain/places.mjs";
import { processBegan, signal } from "../../toolchain/processes.mjs";
import { Failure, tail } from "../../toolchain/steps.mjs";

/**
 * @typedef {{name: string, command: string[], env?: object, files?: string[], stopWithin?: number, niceness?: number}} Service
 *   files: the configuration it reads at start; another content is a reason to restart it. stopWithin: seconds.
 *   niceness: -5, for a cloud is another machine in life: what runs on this one does not slow it.
 */

/** A cgroup directory that tells processes apart and limits nothing: cgroup v2 where there is one, else v1's named hierarchy. */
function cgroupRoot() {
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" "));
  const found = mounts.find(([, , type]) => type === "cgroup2") ?? mounts.find(([, , type, options]) => type === "cgroup" && /(^|,)name=systemd(,|$)/.test(options))
    ?? mounts.find(([, dir, type]) => type === "cgroup" && !dir.includes("cpuset"));
  if (!found) throw new Failure("no cgroup hierarchy is mounted here: the lab's cloud keeps track of its processes by it");
  return found[1];
}

export const cgroupOf = (settings, name) => join(cgroupRoot(), settings.bridge, ...(name ? [name] : []));

function pidsIn(dir) {
  try {
    return readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function* subtree(dir) {
  let entries = [];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch {
    // gone meanwhile
  }
  for (const entry of entries) if (entry.isDirectory()) yield* subtree(join(dir, entry.name));
  yield dir;
}

/** Every process of a service, or of the whole cloud. */
export const processesOf = (settings, name) => [...subtree(cgroupOf(settings, name))].flatMap(pidsIn);

const recordFile = (settings, name) => join(settings.records, `${name}.json`);

function record(settings, name) {
  try {
    return JSON.parse(readFileSync(recordFile(settings, name), "utf8"));
  } catch {
    return undefined;
  }
}

/** The pid of a running service; undefined when it is not running. */
export function pidOf(settings, name) {
  const known = record(settings, name);
  return known && processBegan(known.pid) === known.began ? known.pid : undefined;
}

/** Names of the services that have been started and not stopped. */
export const recorded = (settings) =>
  existsSync(settings.records) ? readdirSync(settings.records).filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -5)).sort() : [];

const stampOf = ({ command, env = {}, files = [] }) =>
  digest({ texts: [JSON.stringify([command, Object.entries(env).sort()])], files: files.filter((file) => existsSync(file)) });

/**
 * Starts a service unless it runs as described. @param {Service} service
 * @returns {Promise<boolean>} whether it had to be started
 */
export async function start(settings, service) {
  const { name, command, env = {}, niceness = -5 } = service;
  const stamp = stampOf(service);
  if (pidOf(settings, name)) {
    if (record(settings, name).stamp === stamp) return false;
    await stop(settings, name, service.stopWithin);
  } else {
    await stop(settings, name); // what an ended one left behind
  }
  const cgroup = cgroupOf(settings, name);
  mkdirSync(cgroup, { recursive: true });
  mkdirSync(settings.logs, { recursive: true });
  const log = openSync(join(settings.logs, `${name}.log`), "a");
  const child = spawn("/bin/sh", ["-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup, ...command], {
    detached: true, stdio: ["ignore", log, log], cwd: "/", env: { ...serviceEnv(), ...env },
  });
  closeSync(log);
  child.on("error", () => {}); // seen below: no pid
  child.unref();
  if (!child.pid) throw new Failure(`${name} cannot be started: ${command.join(" ")}`);
  setPriority(child.pid, niceness);
  writeFileSync(recordFile(settings, name), `${JSON.stringify({ pid: child.pid, began: processBegan(child.pid), stamp })}\n`);
  return true;
}

/** Debian's own Python, whatever comes first in the caller's PATH, and no credentials of another cloud. */
export function serviceEnv(env = process.env) {
  const kept = Object.entries(env).filter(([name]) => ["HOME", "TERM", "USER", "LOGNAME"].includes(name));
  return { ...Object.fromEntries(kept), PATH: "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" };
}

/** Ends a service and everything it started: asked first, after `within` seconds not any more. */
export async function stop(settings, name, within = 10) {
  const left = () => processesOf(settings, name);
  const main = pidOf(settings, name);
  if (main) {
    signal(main, "SIGTERM");
    await until(() => pidOf(settings, name) === undefined || left().length === 0, within);
  }
  for (const [kind, seconds] of [["SIGTERM", 2], ["SIGKILL", 10]]) {
    if (left().length === 0) break;
    for (const pid of left()) signal(pid, kind);
    await until(() => left().length === 0, seconds);
  }
  if (left().length > 0) throw new Failure(`${name}: processes do not end: ${left().join(" ")}`);
  removeCgroup(cgroupOf(settings, name));
  rmSync(recordFile(settings, name), { force: true });
}

/** Ends a service at once, as a crash would. */
export async function kill(settings, name) {
  if (!pidOf(settings, name)) throw new Failure(`${name} does not run; running: ${recorded(settings).filter((one) => pidOf(settings, one)).join(", ") || "nothing"}`);
  for (let i = 0; i < 50 && processesOf(settings, name).length > 0; i++) {
    for (const pid of processesOf(settings, name)) signal(pid, "SIGKILL");
    await sleep(100);
  }
  removeCgroup(cgroupOf(settings, name)); // its record stays: it is missed
}

/** Every mounted hierarchy's directory of that name: libvirt makes "machine" in each, and leaves it. */
export const cgroupsNamed = (name) =>
  readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" ")).filter(([, , type]) => type?.startsWith("cgroup")).map(([, dir]) => join(dir, name));

/** Removes the directory and those below it, as far as no process is in them. */
export function removeCgroup(top) {
  for (const dir of subtree(top)) {
    try {
      rmdirSync(dir);
    } catch {
      // still in use, or gone
    }
  }
}

/** Waits for `test`; tells whether it came true within `seconds`. */
export async function until(test, seconds, pause = 100) {
  for (const end = Date.now() + seconds * 1000; ; ) {
    if (await test()) return true;
    if (Date.now() > end) return false;
    await sleep(pause);
  }
}

/** Waits until a service answers; a service that has ended meanwhile is not waited for. */
export async function ready(settings, name, seconds, test) {
  let ended = false;
  const came = await until(async () => {
    if (await test()) return true;
    ended = pidOf(settings, name) === undefined;
    return ended;
  }, seconds, 250);
  if (came && !ended) return;
  const file = join(settings.logs, `${name}.log`);
  throw new Failure(`${name} ${ended ? "has ended" : `does not answer after ${seconds} s`}:\n${tail(file)}\n  full log: ${file}`);
}

/** Memory in MiB: proportional set sizes, guests (in process namespaces of their own) apart. */
export function memoryMiB(settings, name) {
  const ours = readlinkSync("/proc/self/ns/pid");
  let service = 0;
  let guests = 0;
  for (const pid of processesOf(settings, name)) {
    try {
      const kib = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      if (readlinkSync(`/proc/${pid}/ns/pid`) === ours) service += kib;
      else guests += kib;
    } catch {
      // ended meanwhile
    }
  }
  return { service: Math.round(service / 1024), guests: Math.round(guests / 1024) };
}
