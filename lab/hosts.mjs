// "Bare-metal" hosts on this machine: systemd-nspawn containers with a real systemd, sshd and an address
// each. For people: node lab/hosts.mjs VERB …; for tests: the exported functions.
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "../toolchain/debian.mjs";
import { withLock } from "../toolchain/lock.mjs";
import { cacheDir } from "../toolchain/places.mjs";
import { commandLine, signal } from "../toolchain/processes.mjs";
import { ensureSitePackages } from "../toolchain/programs.mjs";
import { Failure, main, run, say, step } from "../toolchain/steps.mjs";
import { cgroups, clearCgroups, hostDir, hostNames, initPid, link, supervisorPid } from "./hosts/inventory.mjs";
import { create, writeSsh } from "./hosts/make.mjs";
import { ensureNetwork, ensureWatches, ensureServer, serverPid } from "./hosts/network.mjs";
import { fillDisk, freeDisk, gone, heal, partition, powerCut, powerOff, powerOn, reboot, ssh, sshTry, waitFor } from "./hosts/power.mjs";
import { ensureBase, ensureRepository } from "./images.mjs";
import { ensureMesosPackage } from "./mesos.mjs";
import { addressOf, hybridEnv, numberOf, readSettings } from "./settings.mjs";
import { ensureStandInPackages } from "./stand-ins.mjs";

export { hostNames, initPid } from "./hosts/inventory.mjs";
export { hostFiles } from "./hosts/make.mjs";
export { fillDisk, freeDisk, heal, partition, powerCut, powerOff, powerOn, reboot, ssh, waitFor } from "./hosts/power.mjs";

/** @returns {Promise<{name: string, address: string, power: "on"|"off", link: string, systemd: string, options: object}[]>} */
export async function list(settings = readSettings()) {
  return Promise.all(hostNames(settings).map(async (name) => {
    const on = initPid(name, settings) !== undefined;
    const linkState = `/sys/class/net/${link(settings, name)}/operstate`;
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

/** Base tree, packages, network and package server. @returns the packages of this checkout's own programs */
export async function prepare(settings = readSettings(), { log = say } = {}) {
  await checkMachine(settings);
  await ensurePackages(outerPackages, { log });
  mkdirSync(settings.hosts, { recursive: true });
  chmodSync(settings.dir, 0o700);
  await ensureBase(settings, { log });
  // The release before, too: hosts may go back to it.
  const mesos = [await ensureMesosPackage("1.11.0", { log }), await ensureMesosPackage("1.10.0", { log })];
  const programs = [...(await ensureStandInPackages({ log })), ...(await ensureSitePackages({ dir: join(cacheDir(), "programs"), log }))];
  await ensureRepository(settings, [...mesos, ...programs], { log });
  ensureWatches();
  await ensureNetwork(settings);
  await ensureServer(settings);
  await writeSsh(settings);
  return programs;
}

/**
 * What a host does to have the programs of these packages where it has others of them: those of an earlier checkout, which no `pulumi up`
 * would change as long as their names are the same. What runs goes on until it is started again.
 */
export function upgradeCommand(files) {
  const wanted = files.map((file) => /^([^_]+)_([^_]+)_/.exec(basename(file)).slice(1).join("="));
  return `due=
for one in ${wanted.join(" ")}; do
  has=$(dpkg-query -W -f '\${Version}' "\${one%%=*}" 2>/dev/null) || continue
  [ -z "$has" ] || [ "$has" = "\${one#*=}" ] || due="$due $one"
done
[ -z "$due" ] || { apt-get update -qq && apt-get install -y -qq --allow-downgrades $due; }`;
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
    const programs = await prepare(settings, { log });
    const names = Array.from({ length: count }, (_, i) => `${settings.prefix}${i + 1}`);
    let started = 0;
    await step(`hosts: ${names.join(" ")}`, async () => {
      started = await start(settings, names);
      await Promise.all(names.map((name) => ssh(name, upgradeCommand(programs), { timeout: 120_000, settings })));
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
    if (existsSync(`/sys/class/net/${link(settings, name)}`)) await heal(name, settings);
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
    await run("ip", ["link", "del", link(settings, name)], { allowFailure: true });
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
        await run("ip", ["link", "del", link(settings, name)], { allowFailure: true });
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
        if (settings.images === settings.dir) for (const path of ["base", "packages"]) rmSync(join(settings.dir, path), { recursive: true, force: true });
        for (const path of [settings.repository, settings.logs, settings.key, `${settings.key}.pub`]) rmSync(path, { recursive: true, force: true });
      }
      const left = cgroups(settings);
      if (left.length > 0) throw new Failure(`cgroups cannot be removed: ${left.join(" ")}`);
    }, { log }));
}

const usage = `usage: node lab/hosts.mjs [--hybrid] VERB …      --hybrid: the hosts beside the lab's OpenStack
  up [N]                          N hosts (6) made, started and reachable
  down [--purge|--all]            all off; --purge: and their disks; --all: and base tree and packages
  add NAME [--disk SIZE] [--os ubuntu22|alma9]    one host more
  remove NAME                     off, and its disk gone
  power-on | power-off | power-cut | reboot | partition | heal | wait NAME
  fill-disk | free-disk NAME      of a host made with --disk
  ssh NAME [COMMAND…]
  list [--json]`;

async function command([...argv]) {
  if (argv[0] === "--hybrid") {
    argv.shift();
    Object.assign(process.env, hybridEnv());
  }
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
