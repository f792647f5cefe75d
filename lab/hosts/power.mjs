// A host's power, cable and disk, and the way into it.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { signal } from "../../toolchain/processes.mjs";
import { Failure, run } from "../../toolchain/steps.mjs";
import { addressOf, readSettings, scriptEnv } from "../settings.mjs";
import { hostDir, hostProcesses, initPid, link, machineOf, supervisorPid } from "./inventory.mjs";
import { answers, background } from "./network.mjs";

const supervisor = join(dirname(fileURLToPath(import.meta.url)), "..", "supervise.sh");

/** Boots a host, after clearing away what an earlier, broken-off life of it left. */
export async function powerOn(name, settings = readSettings()) {
  const dir = hostDir(settings, name);
  if (supervisorPid(settings, name)) return;
  await killAll(settings, name);
  await run("ip", ["link", "del", link(settings, name)], { allowFailure: true });
  background(supervisor, [dir], {
    pidFile: join(dir, "pid"), logFile: join(dir, "console.log"), env: scriptEnv(settings, { LAB_MACHINE: machineOf(settings, name) }),
  });
}

/** The power button: an orderly shutdown; after `patience` ms the cable is drawn. */
export async function powerOff(name, { patience = 15_000, settings = readSettings() } = {}) {
  hostDir(settings, name);
  const pid = initPid(name, settings);
  // SIGRTMIN+4 is systemd's poweroff.target; Node has no name for it.
  if (pid) await run("kill", ["-s", "RTMIN+4", String(pid)], { allowFailure: true });
  if (pid && (await gone(() => hostProcesses(settings, name).length > 0, patience))) return;
  await powerCut(name, settings);
}

/** The mains cable. The network goes first: dying processes would tell their peers (FIN), a dead machine does not. */
export async function powerCut(name, settings = readSettings()) {
  hostDir(settings, name);
  await run("ip", ["link", "set", link(settings, name), "down"], { allowFailure: true });
  const pid = initPid(name, settings);
  if (pid) signal(pid, "SIGKILL"); // the kernel ends the whole pid namespace with it
  if (!pid || !(await gone(() => hostProcesses(settings, name).length > 0, 5000))) await killAll(settings, name);
}

async function killAll(settings, name) {
  const left = () => hostProcesses(settings, name);
  for (const pid of left()) signal(pid, "SIGKILL");
  if (!(await gone(() => left().length > 0, 10_000))) throw new Failure(`${name}: processes do not end: ${left().join(" ")}`);
}

export async function gone(test, patience) {
  const end = Date.now() + patience;
  while (test()) {
    if (Date.now() > end) return false;
    await sleep(50);
  }
  return true;
}

/** Asks the host to reboot; returns when the old system is gone (then see `waitFor`). */
export async function reboot(name, settings = readSettings()) {
  const before = initPid(name, settings);
  if (!before) throw new Failure(`${name} is off`);
  await sshTry(settings, name, ["systemctl", "reboot"]);
  if (!(await gone(() => initPid(name, settings) === before, 30_000))) throw new Failure(`${name} does not go down for its reboot`);
}

/** The network cable, out and in: the host itself keeps running. */
export const partition = (name, settings = readSettings()) => setLink(settings, name, "down");
export const heal = (name, settings = readSettings()) => setLink(settings, name, "up");

async function setLink(settings, name, state) {
  hostDir(settings, name);
  await run("ip", ["link", "set", link(settings, name), state]);
}

export async function sshTry(settings, name, command, timeout = 8000) {
  return run("ssh", ["-F", settings.sshConfig, "-o", "ConnectTimeout=2", name, ...command], { allowFailure: true, timeout });
}

/** Runs a shell command on a host. @returns {Promise<{code: number, stdout: string, stderr: string}>} */
export async function ssh(name, command, { input, allowFailure = false, timeout = 60_000, settings = readSettings() } = {}) {
  hostDir(settings, name);
  return run("ssh", ["-F", settings.sshConfig, name, command], { input, allowFailure, timeout, label: `${name}: ${command.slice(0, 80)}` });
}

/** Waits until ssh works. */
export async function waitFor(name, { patience = 60_000, settings = readSettings() } = {}) {
  const dir = hostDir(settings, name);
  const end = Date.now() + patience;
  while (Date.now() < end) {
    if ((await answers(addressOf(settings, name), 22)) && (await sshTry(settings, name, ["true"])).code === 0) return;
    await sleep(150);
  }
  throw new Failure(`${name}: no ssh after ${patience / 1000} s; its console: ${join(dir, "console.log")}`);
}

/** Fills a host's disk to the last byte; only for hosts made with a small disk of their own. */
export async function fillDisk(name, settings = readSettings()) {
  if (!existsSync(join(hostDir(settings, name), "disk.img")))
    throw new Failure(`${name} shares this machine's disk: make a host with "add NAME --disk 300M" for this`);
  await ssh(name, "dd if=/dev/zero of=/var/tmp/filler bs=1M status=none; dd if=/dev/zero bs=4k status=none >>/var/tmp/filler; df -h /", { allowFailure: true, settings });
}

export const freeDisk = (name, settings = readSettings()) => ssh(name, "rm -f /var/tmp/filler", { settings });
