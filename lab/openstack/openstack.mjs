// A real OpenStack on this machine, beside the bare-metal hosts:
//   npm run lab:openstack           makes what is missing, starts what does not run. Again: changes nothing
//   npm run lab:openstack:status    what runs, with memory; -- --json for programs. Exit status 1 when something is wrong
//   npm run lab:openstack:down      ends it; -- --wipe: also what it has stored
// Tests import the same: up, down, status, list, remove, empty, kill, restart. With it come the registered hosts of the hybrid site,
// lab/Pulumi.lab-openstack.yaml: node lab/hosts.mjs --hybrid VERB …
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "../../toolchain/debian.mjs";
import { withLock } from "../../toolchain/lock.mjs";
import { digest, projectDir } from "../../toolchain/places.mjs";
import { Failure, main, run, say, step } from "../../toolchain/steps.mjs";
import { checkMachine, down as hostsDown, outerPackages, prepareShared, up as hostsUp } from "../hosts.mjs";
import { mesosBuildPackages } from "../mesos.mjs";
import { hybridText, readHybridSettings, readOpenstackSettings } from "../settings.mjs";
import { cloudsYaml, databases, endpoints, libvirtdConfig, makeConfig, qemuConfig, serviceUsers } from "./config.mjs";
import { control, foundation, namespaces, onHost, placesOf } from "./control-plane.mjs";
import { ensureGuests } from "./guests.mjs";
import { connectHost, ensureNetwork, removeNetwork } from "./network.mjs";
import { ensureCloudPackages } from "./packages.mjs";
import { cgroupOf, cgroupsNamed, kill as killProcesses, memoryMiB, pidOf, processesOf, ready, recorded, removeCgroup, serviceEnv, start, stop, until } from "./services.mjs";
import { chooseVirtualisation } from "./virtualisation.mjs";

const STACK = "lab-openstack";
/** Registered hosts of the hybrid site. */
const HYBRID_HOSTS = 2;

const here = dirname(fileURLToPath(import.meta.url));
const locked = (settings, work) => withLock(join(settings.dir, "lock"), work, { log: say });

// ---------------------------------------------------------------- up

/** @returns {Promise<number>} how many services had to be started */
export async function up({ settings = readOpenstackSettings(), hosts = readHybridSettings(), log = say } = {}) {
  await checkMachine({ dir: settings.dir });
  makeDirectories(settings);
  return locked(settings, async () => {
    await ensurePackages([...outerPackages, ...mesosBuildPackages], { log });
    // The hosts' tree and the disks made of it are needed last: they are made while the rest is.
    const shared = prepareShared(hosts, { log });
    shared.catch(() => {}); // awaited below; a failure before that is told first
    await ensureCloudPackages({ log });
    const virt = await step("openstack: virtualisation", () => chooseVirtualisation(settings), { log });
    await ensureNetwork(settings);
    const guests = shared.then(() => ensureGuests(settings, hosts, virt, { log }));
    guests.catch(() => {});
    const config = makeConfig(settings, (name) => secret(settings, name));
    writeConfig(settings, config, virt);
    const tally = { started: 0 };
    const begin = async (...services) => {
      for (const service of services) if (await start(settings, service)) tally.started++;
    };
    await step("openstack: database, messages", () => beginFoundation(settings, begin), { log });
    if (!done(settings, "tables")) await step("openstack: tables", () => makeTables(settings), { log });
    await step("openstack: identity", () => beginIdentity(settings, begin), { log });
    await step("openstack: services", () => beginControl(settings, begin), { log });
    await step("openstack: compute hosts", () => beginHosts(settings, begin), { log });
    await fill(settings, await guests, virt, tally.started, { log });
    return tally.started;
  });
}

function makeDirectories(settings) {
  for (const dir of [settings.dir, settings.records, settings.state, settings.guests]) mkdirSync(dir, { recursive: true });
  for (const dir of [settings.secrets, settings.config, settings.logs]) mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Services of other users (database, DHCP) find their own files below; passwords are in closed directories.
  for (const dir of [settings.dir, settings.records, settings.state]) chmodSync(dir, 0o711);
}

/** The hybrid site's stack file, once: from then on it is the user's. */
function placeStackFile() {
  const to = join(projectDir, `Pulumi.${STACK}.yaml`);
  if (existsSync(to)) return;
  writeFileSync(to, hybridText(readFileSync(join(here, "..", `Pulumi.${STACK}.yaml`), "utf8")));
  say(`wrote ${to}: the hybrid site, yours to change`);
}

/** A password, made once and kept. */
function secret(settings, name) {
  const file = join(settings.secrets, name);
  if (!existsSync(file)) writeFileSync(file, randomBytes(18).toString("hex"), { mode: 0o600 });
  return readFileSync(file, "utf8");
}

const marker = (settings, what) => join(settings.state, `${what}.done`);
/** @param stamp says what it was done with: done with something else, it is to be done again */
const done = (settings, what, stamp = "") => existsSync(marker(settings, what)) && readFileSync(marker(settings, what), "utf8") === stamp;
const mark = (settings, what, stamp = "") => writeFileSync(marker(settings, what), stamp);

function write(file, text, mode = 0o600) {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  writeFileSync(file, text, { mode });
}

function writeConfig(settings, config, virt) {
  const at = (...path) => join(settings.config, ...path);
  write(at("keystone.conf"), config.keystone());
  write(at("glance-api.conf"), config.glance());
  write(at("placement", "placement.conf"), config.placement());
  write(at("cinder.conf"), config.cinder());
  const [first] = settings.compute;
  write(at("nova.conf"), config.nova({ ...first, ...placesOf(settings, first), virt, controls: true }));
  for (const [path, text] of Object.entries(config.files)) write(at(path), text);
  for (const host of settings.compute) {
    const { home, neutron, libvirt, socket, socketDir } = placesOf(settings, host);
    for (const dir of [join(home, "instances"), neutron, socketDir]) mkdirSync(dir, { recursive: true });
    write(at(host.name, "nova.conf"), config.nova({ ...host, home, virt, socket }));
    write(at(host.name, "neutron.conf"), config.neutron({ name: host.name, home: neutron }));
    write(at(host.name, "ml2.ini"), config.ml2(host));
    write(at(host.name, "libvirtd.conf"), libvirtdConfig(socketDir));
    write(join(libvirt, "qemu.conf"), qemuConfig);
  }
  for (const dir of ["glance/images", "glance/staging", "glance/tasks", "glance/lock", "keystone", "cinder/conversion", "cinder/lock", ...settings.compute.map(({ zone }) => `volumes/${zone}`)])
    mkdirSync(join(settings.state, dir), { recursive: true });
  write(settings.clouds, cloudsYaml(settings, (name) => secret(settings, name)));
}

const tool = (settings, program, args, options = {}) =>
  run(program, args, { env: serviceEnv(), logFile: join(settings.logs, `${program}.log`), label: `${program} ${args.slice(0, 4).join(" ")}`, ...options });

const sql = (settings, text, options) =>
  run("mariadb", [`--defaults-file=${settings.config}/my.cnf`, "-N", "-B"], { env: serviceEnv(), input: text, label: "mariadb", ...options });

async function beginFoundation(settings, begin) {
  const { database, mapper, messages, cache } = foundation(settings);
  const data = join(settings.state, "mysql");
  await run("install", ["-d", "-o", "mysql", "-g", "mysql", join(settings.records, "mysql"), data]);
  if (!existsSync(join(data, "mysql"))) {
    const args = [`--defaults-file=${settings.config}/my.cnf`, "--user=mysql", "--skip-test-db", "--auth-root-authentication-method=socket", "--auth-root-socket-user=root"];
    await tool(settings, "mariadb-install-db", args);
  }
  const home = join(settings.state, "rabbitmq");
  for (const dir of [home, join(home, "mnesia"), join(home, "log")]) await run("install", ["-d", "-o", "rabbitmq", "-g", "rabbitmq", dir]);
  write(join(home, ".erlang.cookie"), secret(settings, "messages-cookie"), 0o400);
  await run("chown", ["rabbitmq:", join(home, ".erlang.cookie")]);
  // Only root enters the directory of the configuration.
  await run("install", ["-o", "rabbitmq", "-g", "rabbitmq", "-m", "600", join(settings.config, "rabbitmq.conf"), join(settings.config, "rabbitmq-plugins"), home]);
  await begin(database, mapper, messages, cache);
  await ready(settings, "database", 120, async () => (await sql(settings, "select 1", { allowFailure: true })).code === 0);
  if (!done(settings, "accounts")) {
    const statements = Object.entries(databases).map(([name, user]) =>
      `create database if not exists ${name}; create user if not exists '${user}'@'%' identified by '${secret(settings, `database-${user}`)}'; grant all on ${name}.* to '${user}'@'%';`);
    await sql(settings, statements.join("\n"));
    mark(settings, "accounts");
  }
  await ready(settings, "messages", 180, async () => (await run("bash", ["-c", `exec 3<>/dev/tcp/${settings.gateway}/${settings.ports.messages}`], { allowFailure: true })).code === 0);
}

/** True when something speaks HTTP there and has no inner trouble. */
async function answers(url) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(5000), redirect: "manual" })).status < 500;
  } catch {
    return false;
  }
}

/** Services by the name of their process → the address at which they answer. */
function probes(settings) {
  const { gateway, ports } = settings;
  const at = { keystone: ports.identity, "glance-api": ports.image, placement: ports.placement, "nova-api": ports.compute, "neutron-server": ports.network, "cinder-api": ports.volume };
  return Object.fromEntries(Object.entries(at).map(([name, port]) => [name, `http://${gateway}:${port}${name === "keystone" ? "/v3" : "/"}`]));
}

const answering = (settings, name, seconds = 240) => ready(settings, name, seconds, () => answers(probes(settings)[name]));

async function beginIdentity(settings, begin) {
  await begin(control(settings).keystone);
  await answering(settings, "keystone");
  const { adminCloud, projects, regions } = settings;
  const want = { adminCloud, projects, regions, endpoints: endpoints(settings) };
  const stamp = digest({ texts: [JSON.stringify(want)] });
  if (done(settings, "identity", stamp)) return;
  const names = [...Object.values(serviceUsers).map((user) => `service-${user}`), ...settings.projects.map((name) => `user-${name}`)];
  await ask(settings, ["identity"], {
    ...want,
    passwords: Object.fromEntries(names.map((name) => [name, secret(settings, name)])),
  });
  mark(settings, "identity", stamp);
}

async function makeTables(settings) {
  const at = (file) => join(settings.config, file);
  const [{ name }] = settings.compute;
  const auth = endpoints(settings).identity;
  const owner = ["--keystone-user", "root", "--keystone-group", "root"];
  const keystone = (...args) =>
    tool(settings, "keystone-manage", ["--config-file", at("keystone.conf"), ...args], { env: { ...serviceEnv(), OS_BOOTSTRAP_PASSWORD: secret(settings, "admin") } });
  const nova = (...args) => tool(settings, "nova-manage", ["--config-file", at("nova.conf"), ...args]);
  await Promise.all([
    (async () => {
      await keystone("db_sync");
      await keystone("fernet_setup", ...owner);
      await keystone("credential_setup", ...owner);
      await keystone("bootstrap", "--bootstrap-admin-url", auth, "--bootstrap-internal-url", auth, "--bootstrap-public-url", auth, "--bootstrap-region-id", settings.region);
    })(),
    (async () => {
      await tool(settings, "glance-manage", ["--config-file", at("glance-api.conf"), "db_sync"]);
      await tool(settings, "placement-manage", ["--config-file", at("placement/placement.conf"), "db", "sync"]);
      await tool(settings, "cinder-manage", ["--config-file", at("cinder.conf"), "db", "sync"]);
    })(),
    tool(settings, "neutron-db-manage", ["--config-file", at(`${name}/neutron.conf`), "--config-file", at(`${name}/ml2.ini`), "upgrade", "heads"]),
    (async () => {
      await nova("api_db", "sync");
      await nova("cell_v2", "map_cell0"); // in the database beside its own, NAME_cell0: no URL with a password on a command line
      if (!/ cell1 /.test((await nova("cell_v2", "list_cells")).stdout)) await nova("cell_v2", "create_cell", "--name", "cell1");
      await nova("db", "sync");
    })(),
  ]);
  mark(settings, "tables");
}

async function beginControl(settings, begin) {
  const { keystone, ...rest } = control(settings);
  await begin(...Object.values(rest));
  await Promise.all(Object.keys(probes(settings)).filter((name) => name !== keystone.name).map((name) => answering(settings, name)));
}

async function beginHosts(settings, begin) {
  for (const host of settings.compute) {
    const name = `host-${host.name}`;
    const places = placesOf(settings, host);
    if (!pidOf(settings, name)) {
      // What ran in its namespaces cannot be used in new ones.
      for (const part of Object.values(onHost(settings, host, 0))) await stop(settings, part.name);
      rmSync(places.ready, { force: true });
      await begin(namespaces(settings, host));
      await ready(settings, name, 20, () => existsSync(places.ready));
      if (host.number > 1) await connectHost(settings, host, pidOf(settings, name));
    }
    const { libvirt, network, compute } = onHost(settings, host, pidOf(settings, name));
    await begin(libvirt, network);
    await ready(settings, libvirt.name, 30, () => existsSync(places.socket));
    await begin(compute);
  }
  const names = settings.compute.map(({ name, zone }) => `${name} (${zone})`);
  return names.join(", ");
}

/** Images, flavors, networks, zones: when something was started or is to be different. */
async function fill(settings, directory, virt, started, { log }) {
  const { compute, network, gateway, images, flavors, volumeTypes, projects, quota, adminCloud } = settings;
  const want = { adminCloud, compute, network, gateway, images, flavors, volumeTypes, projects, quota, virt, directory, build: directory.split("/").pop() };
  const stamp = digest({ texts: [JSON.stringify(want)], files: [join(here, "cloud.py")] });
  if (started === 0 && done(settings, "contents", stamp)) return;
  rmSync(marker(settings, "contents"), { force: true });
  await step("openstack: images, flavors, networks, zones", async () => {
    await ask(settings, ["contents"], want);
    mark(settings, "contents", stamp);
  }, { log });
}

// ---------------------------------------------------------------- questions and faults

/** Asks the cloud something: one Python process. */
async function ask(settings, words, want, { timeout = 600_000 } = {}) {
  return run("/usr/bin/python3", [join(here, "cloud.py"), ...words], {
    env: { ...serviceEnv(), OS_CLIENT_CONFIG_FILE: settings.clouds }, input: want && JSON.stringify(want), timeout, label: `lab/openstack/cloud.py ${words.join(" ")}`,
  });
}

/** Everything that a project holds: servers, ports, volumes, … @param {string} cloud a name of clouds.yaml */
export async function list(cloud, settings = readOpenstackSettings()) {
  return JSON.parse((await ask(settings, ["list", cloud])).stdout);
}

/** Deletes something of a project, behind the back of whoever made it; returns when it is gone. @param {"server"|"volume"|"port"} kind */
export async function remove(cloud, kind, name, settings = readOpenstackSettings()) {
  await ask(settings, ["delete", cloud, kind, name]);
}

/** Takes everything out of a project that whoever made it has left. */
export async function empty(cloud, settings = readOpenstackSettings()) {
  await ask(settings, ["empty", cloud]);
}

/** Ends a service at once, as a crash would: nova-api, keystone, … */
export const kill = (name, settings = readOpenstackSettings()) => killProcesses(settings, name);

/** Starts a service again and waits until it answers. */
export async function restart(name, settings = readOpenstackSettings()) {
  const all = [...Object.values(foundation(settings)), ...Object.values(control(settings)), ...settings.compute.flatMap((host) => {
    const pid = pidOf(settings, `host-${host.name}`);
    return pid ? Object.values(onHost(settings, host, pid)) : [];
  })];
  const service = all.find((one) => one.name === name);
  if (!service) throw new Failure(`there is no service "${name}"; there are: ${all.map((one) => one.name).join(", ")}`);
  await stop(settings, name, service.stopWithin);
  await start(settings, service);
  if (probes(settings)[name]) await answering(settings, name);
}

/** What runs, its memory, and what is wrong. */
export async function status(settings = readOpenstackSettings()) {
  const services = recorded(settings).map((name) => {
    const { service, guests } = memoryMiB(settings, name);
    return { name, pid: pidOf(settings, name), memoryMiB: service, ...(guests > 0 && { guestsMiB: guests }) };
  });
  const problems = services.filter(({ pid }) => !pid).map(({ name }) => `${name} does not run`);
  if (services.length === 0) problems.push('it is down: "npm run lab:openstack" starts it');
  await Promise.all(Object.entries(probes(settings)).map(async ([name, url]) => {
    if (services.length > 0 && !(await answers(url))) problems.push(`${name} does not answer at ${url}`);
  }));
  if (problems.length === 0) problems.push(...JSON.parse((await ask(settings, ["health", settings.adminCloud])).stdout));
  const virt = join(settings.state, "virt");
  return {
    clouds: settings.clouds, virtualisation: existsSync(virt) ? readFileSync(virt, "utf8").trim() : undefined, services,
    memoryMiB: services.reduce((sum, { memoryMiB: own }) => sum + own, 0), guestsMiB: services.reduce((sum, { guestsMiB: own = 0 }) => sum + own, 0), problems,
  };
}

// ---------------------------------------------------------------- down

/** Ends everything, by what was recorded; @param {{wipe?: boolean}} [options] wipe: databases, instances, volumes too (not the guests' disks) */
export async function down({ wipe = false, settings = readOpenstackSettings(), log = say } = {}) {
  if (process.getuid() !== 0) throw new Failure("the lab belongs to root: run this as root");
  if (!existsSync(settings.dir)) return;
  await locked(settings, () => step("openstack: down", async () => {
    const names = recorded(settings);
    const group = (prefix) => names.filter((name) => name.startsWith(prefix));
    const stopAll = (list) => Promise.all(list.map((name) => stop(settings, name, 20)));
    // Nova first: it must not take the end of its instances for their owners' wish.
    await stopAll(group("nova-compute-"));
    await Promise.all(settings.compute.map((host) => destroyGuests(settings, host)));
    const last = ["database", "messages", "epmd", "memcached", ...group("host-")];
    await stopAll(names.filter((name) => !last.includes(name)));
    await stopAll(last);
    // What has no record: a run that was broken off between start and record.
    for (let i = 0; i < 50 && processesOf(settings).length > 0; i++) {
      await run("kill", ["-KILL", ...processesOf(settings).map(String)], { allowFailure: true });
      await until(() => processesOf(settings).length === 0, 0.2);
    }
    for (const dir of [cgroupOf(settings), ...cgroupsNamed("machine")]) removeCgroup(dir);
    await removeNetwork(settings);
    await releaseDisks(settings);
    if (wipe) for (const dir of [settings.state, settings.records, settings.config, settings.logs, settings.secrets, settings.clouds]) rmSync(dir, { recursive: true, force: true });
    const left = processesOf(settings);
    if (left.length > 0) throw new Failure(`processes do not end: ${left.join(" ")}`);
  }, { log }));
}

async function destroyGuests(settings, host) {
  if (!pidOf(settings, `libvirtd-${host.name}`)) return;
  const kind = readFileSync(join(settings.state, "virt"), "utf8").trim() === "lxc" ? "lxc" : "qemu";
  const virsh = (...args) => run("virsh", ["-q", "-c", `${kind}+unix:///system?socket=${placesOf(settings, host).socket}`, ...args], { allowFailure: true, timeout: 60_000, env: serviceEnv() });
  const names = async (...all) => (await virsh("list", "--name", ...all)).stdout.split("\n").filter(Boolean);
  for (const name of await names()) await virsh("destroy", name);
  for (const name of await names("--all")) await virsh("undefine", name);
}

/** Loop devices of instances and volumes; mounts are gone with the namespaces they were in. */
async function releaseDisks(settings) {
  const { stdout } = await run("losetup", ["--json", "--list", "--output", "NAME,BACK-FILE"], { allowFailure: true });
  for (const { name, "back-file": file } of stdout.trim() ? JSON.parse(stdout).loopdevices : []) {
    if (file?.startsWith(`${settings.state}/`)) await run("losetup", ["--detach", name], { allowFailure: true });
  }
  const mounts = readFileSync("/proc/mounts", "utf8").split("\n").map((line) => line.split(" ")[1]).filter((dir) => dir?.startsWith(`${settings.dir}/`));
  for (const dir of mounts.sort().reverse()) await run("umount", [dir], { allowFailure: true });
}

// ---------------------------------------------------------------- command line

const usage = `usage: node lab/openstack/openstack.mjs VERB …
  up                              what is missing is made, what does not run is started
  down [--wipe]                   everything ended; --wipe: databases, instances and volumes gone too
  status [--json]
  list CLOUD                      servers, ports, volumes … of a project, as JSON
  delete CLOUD server|volume|port NAME
  empty CLOUD                     everything of a project gone, quota and users apart
  kill | restart SERVICE          nova-api, keystone, … (status names them)`;

function statusTable({ services, memoryMiB: memory, guestsMiB, virtualisation, clouds, problems }) {
  const rows = services.map(({ name, pid, memoryMiB: own }) => [name.padEnd(34), pid ? "up" : "DOWN", String(own).padStart(6), "MiB"].join("  "));
  return [...rows, `${services.length} services, ${memory} MiB; instances (${virtualisation}): ${guestsMiB} MiB`, `clouds: ${clouds}`, "",
    ...(problems.length === 0 ? ["healthy"] : problems.map((problem) => `problem: ${problem}`))].join("\n");
}

async function command([verb, ...rest]) {
  const words = rest.filter((word) => !word.startsWith("--"));
  const flag = (name) => rest.includes(`--${name}`);
  const begun = Date.now();
  if (verb === "up") {
    const settings = readOpenstackSettings();
    const started = await up({ settings });
    await hostsUp(HYBRID_HOSTS, { settings: readHybridSettings() });
    placeStackFile();
    say(`openstack: up after ${Math.round((Date.now() - begun) / 1000)} s, ${started || "nothing"} had to be started. Now:
  export OS_CLIENT_CONFIG_FILE=${settings.clouds}
  npm run -s pulumi -- stack select --create ${STACK}
  npm run -s pulumi -- up -s ${STACK}`);
  } else if (verb === "down") {
    await hostsDown({ disks: true, all: flag("wipe"), settings: readHybridSettings() });
    await down({ wipe: flag("wipe") });
  }
  else if (verb === "status") {
    const state = await status();
    console.log(flag("json") ? JSON.stringify(state, null, 2) : statusTable(state));
    return state.problems.length === 0 ? 0 : 1;
  } else if (verb === "list" && words.length === 1) console.log(JSON.stringify(await list(words[0]), null, 2));
  else if (verb === "delete" && words.length === 3) await remove(...words);
  else if (verb === "empty" && words.length === 1) await empty(words[0]);
  else if (verb === "kill" && words.length === 1) await kill(words[0]);
  else if (verb === "restart" && words.length === 1) await restart(words[0]);
  else throw new Failure(usage);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(() => command(process.argv.slice(2)));
