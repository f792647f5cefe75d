// Which hosts there are, and which processes and cgroups are theirs.
import { existsSync, readFileSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { livePid } from "../../toolchain/processes.mjs";
import { Failure } from "../../toolchain/steps.mjs";
import { numberOf, readSettings } from "../settings.mjs";

/**
 * What nspawn knows a host by, out here. Labs may have hosts of the same name: beside the default one each puts its network into the
 * name. A prefix that is too long for that (an interface's name has 15 characters) tells labs apart by itself.
 */
export function machineOf(settings, name) {
  if (settings.net === readSettings({}).net || settings.prefix.length > 4) return name;
  const [, second, third] = settings.net.split(".").map(Number);
  return `${name}-${(second * 256 + third).toString(36)}`;
}

/** nspawn's name for the outer end of a host's cable. */
export const link = (settings, name) => `vb-${machineOf(settings, name)}`;

/** Names of the hosts that exist, powered or not, in the order of their numbers. */
export function hostNames(settings = readSettings()) {
  const names = existsSync(settings.hosts) ? readdirSync(settings.hosts).filter((name) => !name.startsWith(".")) : [];
  return names.sort((a, b) => numberOf(settings, a) - numberOf(settings, b));
}

export function hostDir(settings, name) {
  const dir = join(settings.hosts, name);
  if (!/^[a-z]+\d+$/.test(name) || !existsSync(dir))
    throw new Failure(`there is no host "${name}" in this lab; there are: ${hostNames(settings).join(", ") || "none"}`);
  return dir;
}

export const supervisorPid = (settings, name) =>
  livePid(join(settings.hosts, name, "pid"), "supervise.sh", join(settings.hosts, name));

/** The directories of a cgroup of the lab, one in each mounted hierarchy. */
export function cgroups(settings, ...path) {
  const roots = readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" "))
    .filter(([, dir, type]) => /^cgroup2?$/.test(type) && dir.startsWith("/sys/fs/cgroup")).map(([, dir]) => dir);
  return [...new Set(roots)].map((root) => join(root, settings.bridge, ...path)).filter((dir) => existsSync(dir));
}

function* tree(dir) {
  let entries = [];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch {
    // gone meanwhile
  }
  for (const entry of entries) if (entry.isDirectory()) yield* tree(join(dir, entry.name));
  yield dir;
}

/** Every process of a host (its supervisor too): those in its cgroups, so no matching of names. */
export function hostProcesses(settings, name) {
  const pids = new Set();
  for (const top of cgroups(settings, name)) {
    for (const dir of tree(top)) {
      try {
        for (const pid of readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n")) if (Number(pid)) pids.add(Number(pid));
      } catch {
        // gone meanwhile
      }
    }
  }
  return [...pids];
}

/** The pid, out here, of a host's systemd; undefined when the host is off. */
export function initPid(name, settings = readSettings()) {
  return hostProcesses(settings, name).find((pid) => {
    try {
      return /^NSpid:\s+\d+\s+1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

/** Removes the lab's cgroups that are empty. */
export function clearCgroups(settings, ...path) {
  for (const top of cgroups(settings, ...path)) {
    for (const dir of tree(top)) {
      try {
        rmdirSync(dir);
      } catch {
        // still in use: the caller looks again
      }
    }
  }
}
