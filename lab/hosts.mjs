// "Bare-metal" hosts on this machine: systemd-nspawn containers with a real systemd, sshd and an address
// each. For people: node lab/hosts.mjs VERB …; for tests: the exported functions.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  chmodSync, closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, rmdirSync,
  symlinkSync, writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "../toolchain/debian.mjs";
import { withLock } from "../toolchain/lock.mjs";
import { commandLine, livePid, signal } from "../toolchain/processes.mjs";
import { Failure, main, run, say, step } from "../toolchain/steps.mjs";
import { ensureBase, ensureRepository } from "./images.mjs";
import { ensureMesosPackage } from "./mesos.mjs";
import { addressOf, numberOf, readSettings, scriptEnv } from "./settings.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const link = (name) => `vb-${name}`; // nspawn's name for the outer end of a host's cable

// ---------------------------------------------------------------- what is there

/** Names of the hosts that exist, powered or not, in the order of their numbers. */
export function hostNames(settings = readSettings()) {
  const names = existsSync(settings.hosts) ? readdirSync(settings.hosts).filter((name) => !name.startsWith(".")) : [];
  return names.sort((a, b) => numberOf(settings, a) - numberOf(settings, b));
}

function hostDir(settings, name) {
  const dir = join(settings.hosts, name);
  if (!/^[a-z]+\d+$/.test(name) || !existsSync(dir))
    throw new Failure(`there is no host "${name}" in this lab; there are: ${hostNames(settings).join(", ") || "none"}`);
  return dir;
}

const supervisorPid = (settings, name) =>
  livePid(join(settings.hosts, name, "pid"), "supervise.sh", join(settings.hosts, name));

/** The directories of a cgroup of the lab, one in each mounted hierarchy. */
function cgroups(settings, ...path) {
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
function hostProcesses(settings, name) {
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

/** @returns {Promise<{name: string, address: string, power: "on"|"off", link: string, systemd: string, options: object}[]>} */
export async function list(settings = readSettings()) {
  return Promise.all(hostNames(settings).map(async (name) => {
    const on = initPid(name, settings) !== undefined;
    const linkState = `/sys/class/net/${link(name)}/operstate`;
    const ssh = on && (await sshTry(settings, name, ["systemctl", "is-system-running"]));
    return {
      name,
      address: addressOf(settings, name),
      power: on ? "on" : "off",
      link: existsSync(linkState) ? readFileSync(linkState, "utf8").trim() : "none",
      systemd: ssh ? ssh.stdout.trim() || "no ssh" : "-",
      options: JSON.parse(readFileSync(join(settings.hosts, name, "host.json"), "utf8")),
    };
  }));
}

// ---------------------------------------------------------------- network, package server

async function ensureNetwork(settings) {
  const ip = (...args) => run("ip", args);
  const { stdout } = await ip("-j", "-4", "addr", "show");
  for (const { ifname, addr_info: addresses } of JSON.parse(stdout)) {
    if (ifname !== settings.bridge && addresses.some((a) => a.local?.startsWith(`${settings.net}.`)))
      throw new Failure(`the network ${settings.net}.0/24 is in use on ${ifname}: set PULUMI_MESOS_LAB_NET to a free one`);
  }
  if (!existsSync(`/sys/class/net/${settings.bridge}`))
    await ip("link", "add", settings.bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0");
  await ip("addr", "replace", `${settings.gateway}/24`, "dev", settings.bridge);
  await ip("link", "set", settings.bridge, "up");
}

const serverPid = (settings) => livePid(join(settings.dir, "server.pid"), "http.server", settings.repository);

async function ensureServer(settings) {
  if (serverPid(settings)) return;
  const args = ["-m", "http.server", "--protocol", "HTTP/1.1", "--bind", settings.gateway, "--directory", settings.repository, String(settings.port)];
  background("/usr/bin/python3", args, { pidFile: join(settings.dir, "server.pid"), logFile: join(settings.logs, "server.log") });
  for (let i = 0; i < 100; i++) {
    if (await answers(settings.gateway, settings.port)) return;
    if (i > 5 && !serverPid(settings)) break;
    await sleep(100);
  }
  throw new Failure(`the package server does not answer on ${settings.gateway}:${settings.port}; see ${join(settings.logs, "server.log")}`);
}

function background(file, args, { pidFile, logFile, env = process.env }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "a");
  const child = spawn(file, args, { detached: true, stdio: ["ignore", log, log], env, cwd: "/" });
  closeSync(log);
  child.on("error", (error) => say(`${file}: ${error.message}`));
  child.unref();
  if (child.pid) writeFileSync(pidFile, `${child.pid}\n`);
}

/** True when something accepts a connection there within a second: a dead host answers nothing at all. */
function answers(host, port, timeout = 1000) {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout });
    const end = (result) => (socket.destroy(), resolve(result));
    socket.on("connect", () => end(true)).on("error", () => end(false)).on("timeout", () => end(false));
  });
}

// ---------------------------------------------------------------- making hosts

const otherSystems = {
  ubuntu22: 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nVERSION="22.04.5 LTS (Jammy Jellyfish)"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n',
  alma9: 'NAME="AlmaLinux"\nVERSION="9.4 (Seafoam Ocelot)"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"\n',
};

/** The files that make one host of the shared tree: [path, text, mode]. */
export function hostFiles(settings, name, options = {}) {
  const network = `[Match]\nName=host0\n\n[Network]\nAddress=${addressOf(settings, name)}/24\nGateway=${settings.gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nConfigureWithoutCarrier=yes\n`;
  const names = Array.from({ length: 40 }, (_, i) => `${settings.prefix}${i + 1}`);
  if (!names.includes(name)) names.push(name);
  return [
    ["etc/hostname", `${name}\n`, 0o644],
    ["etc/machine-id", `${randomUUID().replaceAll("-", "")}\n`, 0o444],
    ["etc/hosts", `127.0.0.1 localhost\n${names.map((n) => `${addressOf(settings, n)} ${n}\n`).join("")}`, 0o644],
    ["etc/systemd/network/10-host0.network", network, 0o644],
    // No way out of the lab: packages come from the bridge.
    ["etc/apt/sources.list", `deb [trusted=yes] http://${settings.gateway}:${settings.port} ./\n`, 0o644],
    ["etc/apt/apt.conf.d/90lab", 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n', 0o644],
    ["etc/dpkg/dpkg.cfg.d/90lab", "force-unsafe-io\n", 0o644],
    ["etc/systemd/system/lab-cgroups.service", readFileSync(join(here, "host-files", "lab-cgroups.service"), "utf8"), 0o644],
    ["usr/local/sbin/lab-cgroups", readFileSync(join(here, "host-files", "lab-cgroups"), "utf8"), 0o755],
    ["root/.ssh/authorized_keys", readFileSync(`${settings.key}.pub`, "utf8"), 0o600],
    ...(options.os ? [["etc/os-release", otherSystems[options.os], 0o644]] : []),
  ];
}

async function create(settings, name, options = {}) {
  numberOf(settings, name);
  if (options.os && !otherSystems[options.os])
    throw new Failure(`--os ${options.os}: ${Object.keys(otherSystems).join(" and ")} can be played`);
  if (options.disk && !/^\d+[MG]$/.test(options.disk)) throw new Failure(`--disk ${options.disk}: a size like 300M is wanted`);
  const base = await ensureBase(settings);
  const dir = join(settings.hosts, `.${name}.new`);
  rmSync(dir, { recursive: true, force: true });
  const upper = join(dir, "upper");
  for (const sub of ["work", "data", "root"]) mkdirSync(join(dir, sub), { recursive: true });
  for (const [path, text, mode] of hostFiles(settings, name, options)) {
    const file = join(upper, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  }
  chmodSync(join(upper, "root"), 0o700);
  chmodSync(join(upper, "root", ".ssh"), 0o700);
  const wants = join(upper, "etc/systemd/system/sysinit.target.wants");
  mkdirSync(wants, { recursive: true });
  symlinkSync("../lab-cgroups.service", join(wants, "lab-cgroups.service"));
  // The host's key is made out here, so that known_hosts is right from the first connection on.
  const key = join(upper, "etc/ssh/ssh_host_ed25519_key");
  mkdirSync(dirname(key), { recursive: true });
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key]);
  copyFileSync(`${key}.pub`, join(dir, "host_key.pub"));
  symlinkSync(base, join(dir, "base"));
  writeFileSync(join(dir, "host.json"), `${JSON.stringify(options)}\n`);
  if (options.disk) {
    const seed = join(dir, "seed");
    mkdirSync(seed);
    renameSync(upper, join(seed, "upper"));
    await run("mke2fs", ["-q", "-t", "ext4", "-b", "4096", "-m", "0", "-O", "^has_journal", "-d", seed, join(dir, "disk.img"), options.disk]);
    rmSync(seed, { recursive: true });
  }
  renameSync(dir, join(settings.hosts, name));
}

async function writeSsh(settings) {
  if (!existsSync(settings.key)) await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "pulumi-mesos-lab", "-f", settings.key]);
  const names = hostNames(settings);
  const replace = (file, text) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  replace(settings.knownHosts, names.map((name) => {
    const key = readFileSync(join(settings.hosts, name, "host_key.pub"), "utf8").split(" ").slice(0, 2).join(" ").trim();
    return `${name},${addressOf(settings, name)} ${key}\n`;
  }).join(""));
  replace(settings.sshConfig, `${names.map((name) => `Host ${name}\n  HostName ${addressOf(settings, name)}\n`).join("")}Host *
  User root
  IdentityFile ${settings.key}
  IdentitiesOnly yes
  UserKnownHostsFile ${settings.knownHosts}
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
`);
}

// ---------------------------------------------------------------- power, cable, disk

/** Boots a host, after clearing away what an earlier, broken-off life of it left. */
export async function powerOn(name, settings = readSettings()) {
  const dir = hostDir(settings, name);
  if (supervisorPid(settings, name)) return;
  await killAll(settings, name);
  await run("ip", ["link", "del", link(name)], { allowFailure: true });
  background(join(here, "supervise.sh"), [dir], {
    pidFile: join(dir, "pid"), logFile: join(dir, "console.log"), env: scriptEnv(settings),
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
  await run("ip", ["link", "set", link(name), "down"], { allowFailure: true });
  const pid = initPid(name, settings);
  if (pid) signal(pid, "SIGKILL"); // the kernel ends the whole pid namespace with it
  if (!pid || !(await gone(() => hostProcesses(settings, name).length > 0, 5000))) await killAll(settings, name);
}

async function killAll(settings, name) {
  const left = () => hostProcesses(settings, name);
  for (const pid of left()) signal(pid, "SIGKILL");
  if (!(await gone(() => left().length > 0, 10_000))) throw new Failure(`${name}: processes do not end: ${left().join(" ")}`);
}

async function gone(test, patience) {
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
  await run("ip", ["link", "set", link(name), state]);
}

async function sshTry(settings, name, command, timeout = 8000) {
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

// ---------------------------------------------------------------- the whole

/** The programs of the outer machine that making and running hosts takes. */
export const outerPackages = [
  { command: "mmdebstrap", package: "mmdebstrap" },
  { command: "systemd-nspawn", package: "systemd-container" },
  { command: "ip", package: "iproute2" },
  { command: "ssh", package: "openssh-client" },
  { command: "unshare", package: "util-linux" },
  { command: "mke2fs", package: "e2fsprogs" },
  { file: "/usr/bin/python3", package: "python3" },
  { file: "/usr/share/keyrings/debian-archive-keyring.gpg", package: "debian-archive-keyring" },
];

/** Throws a Failure that says why hosts cannot be made here. */
export async function checkMachine(settings = readSettings()) {
  if (process.platform !== "linux") throw new Failure(`the lab needs Linux; this is ${process.platform}`);
  if (process.getuid() !== 0) throw new Failure("the lab makes network bridges, mounts and cgroups: run it as root");
  let dir = settings.dir;
  while (!existsSync(dir)) dir = dirname(dir);
  const type = (await run("stat", ["-f", "-c", "%T", dir])).stdout.trim();
  if (["overlayfs", "overlay", "tmpfs", "ramfs", "nfs"].includes(type))
    throw new Failure(`${settings.dir} is on ${type}, where hosts cannot keep their disks: set PULUMI_MESOS_LAB to a directory on ext4, xfs or btrfs`);
}

/** Base tree, packages, network and package server. */
export async function prepare(settings = readSettings(), { log = say } = {}) {
  await checkMachine(settings);
  await ensurePackages(outerPackages, { log });
  mkdirSync(settings.hosts, { recursive: true });
  chmodSync(settings.dir, 0o700);
  await ensureBase(settings, { log });
  await ensureRepository(settings, [await ensureMesosPackage("1.11.0", { log })], { log });
  await ensureNetwork(settings);
  await ensureServer(settings);
  await writeSsh(settings);
}

const locked = (settings, work) => withLock(join(settings.dir, "lock"), work, { log: say });

/** The same for others than hosts: the lab's instances use tree and packages too. */
export async function prepareShared(settings = readSettings(), options = {}) {
  mkdirSync(settings.dir, { recursive: true });
  await locked(settings, () => prepare(settings, options));
}

/**
 * Makes what is missing, starts what is off, plugs in what is out: hosts 1 … `count` answer to ssh afterwards.
 * @returns {Promise<number>} how many had to be made or started
 */
export async function up(count = 6, { settings = readSettings(), log = say } = {}) {
  mkdirSync(settings.dir, { recursive: true });
  await locked(settings, async () => {
    await prepare(settings, { log });
    const names = Array.from({ length: count }, (_, i) => `${settings.prefix}${i + 1}`);
    let started = 0;
    await step(`hosts: ${names.join(" ")}`, async () => {
      started = await start(settings, names);
      return started > 0 ? `${started} started` : "all running already";
    }, { log });
    return started;
  });
}

async function start(settings, names, options) {
  for (const name of names) if (!existsSync(join(settings.hosts, name))) await create(settings, name, options);
  await writeSsh(settings);
  let made = 0;
  await Promise.all(names.map(async (name) => {
    if (!supervisorPid(settings, name)) made++;
    await powerOn(name, settings);
    if (existsSync(`/sys/class/net/${link(name)}`)) await heal(name, settings);
    await waitFor(name, { settings });
  }));
  return made;
}

/** One host more. @param {{disk?: string, os?: string}} [options] */
export async function add(name, options = {}, { settings = readSettings() } = {}) {
  numberOf(settings, name);
  if (existsSync(join(settings.hosts, name)) && JSON.stringify(options) !== readFileSync(join(settings.hosts, name, "host.json"), "utf8").trim())
    throw new Failure(`${name} exists with other options: remove it first`);
  mkdirSync(settings.dir, { recursive: true });
  await locked(settings, async () => {
    await prepare(settings);
    await start(settings, [name], options);
  });
}

/** Switches a host off, without ado, and forgets its disk. */
export async function remove(name, { settings = readSettings() } = {}) {
  hostDir(settings, name);
  await locked(settings, async () => {
    await powerCut(name, settings);
    clearCgroups(settings, name);
    await run("ip", ["link", "del", link(name)], { allowFailure: true });
    rmSync(join(settings.hosts, name), { recursive: true, force: true });
    await writeSsh(settings);
  });
}

// A Pulumi run that was killed leaves its kept-open ssh connections; to hosts that are gone they would stay for long.
async function endConnections(settings) {
  const { stdout } = await run("ss", ["-H", "-t", "-n", "-p", "dst", `${settings.net}.0/24`, "and", "dport", "=", "22"], { allowFailure: true });
  for (const [, pid] of stdout.matchAll(/pid=(\d+)/g)) {
    if (/^ssh: \S*pulumi-mesos-\S* \[mux\]/.test(commandLine(Number(pid)))) signal(Number(pid), "SIGTERM");
  }
}

function clearCgroups(settings, ...path) {
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

/**
 * Ends hosts, bridge and package server; removes mounts and cgroups.
 * @param {{disks?: boolean, all?: boolean}} [options] disks: the hosts' disks too; all: base tree and packages as well
 */
export async function down({ disks = false, all = false, settings = readSettings(), log = say } = {}) {
  if (process.getuid() !== 0) throw new Failure("the lab belongs to root: run this as root");
  if (!existsSync(settings.dir)) return;
  await locked(settings, () =>
    step("hosts: off", async () => {
      const names = hostNames(settings);
      await Promise.all(names.map((name) => (disks || all ? powerCut(name, settings) : powerOff(name, { settings }))));
      for (const name of names) {
        await run("ip", ["link", "del", link(name)], { allowFailure: true });
        rmSync(join(settings.hosts, name, "pid"), { force: true });
      }
      await endConnections(settings);
      const server = serverPid(settings);
      if (server) {
        signal(server, "SIGTERM");
        await gone(() => serverPid(settings) === server, 3000);
      }
      rmSync(join(settings.dir, "server.pid"), { force: true });
      if (existsSync(`/sys/class/net/${settings.bridge}`)) await run("ip", ["link", "del", settings.bridge]);
      for (let i = 0; i < 20 && cgroups(settings).length > 0; i++) {
        clearCgroups(settings);
        await sleep(100);
      }
      if (disks || all) {
        for (const path of [settings.hosts, settings.knownHosts, settings.sshConfig]) rmSync(path, { recursive: true, force: true });
      }
      if (all) {
        for (const path of ["base", "packages"].map((p) => join(settings.dir, p))) rmSync(path, { recursive: true, force: true });
        for (const path of [settings.repository, settings.logs, settings.key, `${settings.key}.pub`]) rmSync(path, { recursive: true, force: true });
      }
      const left = cgroups(settings);
      if (left.length > 0) throw new Failure(`cgroups cannot be removed: ${left.join(" ")}`);
    }, { log }));
}

// ---------------------------------------------------------------- command line

const usage = `usage: node lab/hosts.mjs VERB …
  up [N]                          N hosts (6) made, started and reachable
  down [--purge|--all]            all off; --purge: and their disks; --all: and base tree and packages
  add NAME [--disk SIZE] [--os ubuntu22|alma9]    one host more
  remove NAME                     off, and its disk gone
  power-on | power-off | power-cut | reboot | partition | heal | wait NAME
  fill-disk | free-disk NAME      of a host made with --disk
  ssh NAME [COMMAND…]
  list [--json]`;

async function command(argv) {
  const flags = {};
  const words = [];
  const [verb, ...rest] = argv;
  if (verb === "ssh") {
    const settings = readSettings();
    hostDir(settings, rest[0] ?? "");
    const child = spawn("ssh", ["-F", settings.sshConfig, ...(rest.length === 1 && process.stdin.isTTY ? ["-t"] : []), ...rest], { stdio: "inherit" });
    return new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  }
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === "--disk" || rest[i] === "--os") flags[rest[i].slice(2)] = rest[++i];
    else if (rest[i].startsWith("--")) flags[rest[i].slice(2)] = true;
    else words.push(rest[i]);
  }
  const [name] = words;
  switch (verb) {
    case "up":
      await up(name === undefined ? 6 : Number(name));
      return 0;
    case "down":
      await down({ disks: flags.purge, all: flags.all });
      return 0;
    case "list": {
      const hosts = await list();
      if (flags.json) console.log(JSON.stringify(hosts, null, 2));
      else for (const h of hosts) console.log([h.name.padEnd(6), h.address.padEnd(15), h.power.padEnd(4), h.link.padEnd(6), h.systemd].join(" "));
      return 0;
    }
  }
  const one = {
    add: () => add(name, { ...(flags.disk && { disk: flags.disk }), ...(flags.os && { os: flags.os }) }),
    remove: (n) => remove(n), "power-on": (n) => powerOn(n), "power-off": (n) => powerOff(n), "power-cut": (n) => powerCut(n), reboot: (n) => reboot(n),
    partition: (n) => partition(n), heal: (n) => heal(n), wait: (n) => waitFor(n), "fill-disk": (n) => fillDisk(n), "free-disk": (n) => freeDisk(n),
  }[verb];
  if (!one || !name) throw new Failure(usage);
  if (process.getuid() !== 0) throw new Failure("the lab belongs to root: run this as root");
  await step(`${name}: ${verb}`, async () => void (await one(name)));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => command(process.argv.slice(2)));
