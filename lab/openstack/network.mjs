// The cloud's place in the machine's network: its provider bridge, the way between it and the bare-metal hosts, and the
// traces that Neutron's agents leave when they end.
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, run } from "../../toolchain/steps.mjs";

const ip = (...args) => run("ip", args);
const link = (name) => existsSync(`/sys/class/net/${name}`);

/** Interfaces of a compute host beyond the first: cable to its own address, cable into the provider network. */
export const cables = (settings, { number }) => ({ own: `${settings.prefix}-${number}-own`, port: `${settings.prefix}-${number}-port` });

export async function ensureNetwork(settings) {
  const { bridge, prefix, gateway, net } = settings;
  const { stdout } = await ip("-j", "-4", "addr", "show");
  for (const { ifname, addr_info: addresses } of JSON.parse(stdout)) {
    if (ifname !== bridge && !ifname.startsWith("brq") && addresses.some((a) => a.local?.startsWith(`${net}.`)))
      throw new Failure(`the network ${net}.0/24 is in use on ${ifname}: set PULUMI_MESOS_OPENSTACK_NET to a free one`);
  }
  if (!link(bridge)) {
    await ip("link", "add", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0");
    // Without one of its own a bridge has the lowest address of its ports, another one with each port.
    const mac = ["52", "54", ...net.split(".").map((n) => Number(n).toString(16).padStart(2, "0")), "01"].join(":");
    await ip("link", "set", bridge, "address", mac);
  }
  await ip("addr", "replace", `${gateway}/24`, "dev", bridge);
  await ip("link", "set", bridge, "up");
  // The provider network's interface for Neutron: it makes a bridge of its own around it.
  if (!link(`${prefix}-phys`)) {
    await ip("link", "add", `${prefix}-phys`, "type", "veth", "peer", "name", `${prefix}-port`);
    await ip("link", "set", `${prefix}-port`, "master", bridge, "up");
    await ip("link", "set", `${prefix}-phys`, "up");
  }
  setKernel(settings);
  await forward(settings, true);
}

const kernelSettings = ["ipv4/ip_forward", "bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables"].map((name) => `/proc/sys/net/${name}`);
const kernelBefore = (settings) => join(settings.records, "kernel-before");

/** Forwarding, and bridges that heed iptables; what was set before is kept for the way back. */
function setKernel(settings) {
  const there = kernelSettings.filter((file) => existsSync(file));
  if (!existsSync(kernelBefore(settings))) writeFileSync(kernelBefore(settings), there.map((file) => `${file} ${readFileSync(file, "utf8").trim()}\n`).join(""));
  for (const file of there) writeFileSync(file, "1");
}

function restoreKernel(settings) {
  if (!existsSync(kernelBefore(settings))) return;
  for (const line of readFileSync(kernelBefore(settings), "utf8").split("\n").filter(Boolean)) {
    const [file, value] = line.split(" ");
    writeFileSync(file, value);
  }
  rmSync(kernelBefore(settings));
}

/** Instances and bare-metal hosts reach each other through this machine, whatever its policy for others is. */
async function forward({ bridge }, wanted) {
  for (const rule of [["-i", bridge], ["-o", bridge]]) {
    const spec = ["FORWARD", ...rule, "-m", "comment", "--comment", "pulumi-mesos lab", "-j", "ACCEPT"];
    const there = (await run("iptables", ["-w", "-C", ...spec], { allowFailure: true })).code === 0;
    if (wanted && !there) await run("iptables", ["-w", "-A", ...spec]);
    if (!wanted && there) await run("iptables", ["-w", "-D", ...spec]);
  }
}

/** Joins a compute host's network namespace to the provider bridge; its namespaces are held by process `pid`. */
export async function connectHost(settings, host, pid) {
  const { own, port } = cables(settings, host);
  const inside = (...args) => run("nsenter", ["-t", String(pid), "-n", ...args]);
  for (const [outer, inner] of [[own, "eth0"], [port, `${settings.prefix}-phys`]]) {
    if (link(outer)) await ip("link", "del", outer); // of an earlier life of the host
    await ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", String(pid));
    await ip("link", "set", outer, "master", settings.bridge, "up");
    await inside("ip", "link", "set", inner, "up");
  }
  await inside("ip", "addr", "add", `${host.address}/24`, "dev", "eth0");
  await inside("ip", "route", "add", "default", "via", settings.gateway);
  await run("nsenter", ["-t", String(pid), "-n", "sysctl", "-q", "-w", "net.bridge.bridge-nf-call-iptables=1", "net.bridge.bridge-nf-call-ip6tables=1"], { allowFailure: true });
}

const agentNamespace = /^(qdhcp|qrouter)-[0-9a-f-]{36}$/;
const agentDevice = /^(brq[0-9a-f]{8}-[0-9a-f]{2}|vxlan-1[0-9]{3}|tap[0-9a-f]{8}-[0-9a-f]{2})$/;

/** Takes away bridge, cables and rules; what other programs have in the same tables stays. */
export async function removeNetwork(settings) {
  const { stdout } = await run("ip", ["-j", "netns", "list"], { allowFailure: true });
  for (const { name } of JSON.parse(stdout.trim() || "[]")) if (agentNamespace.test(name)) await ip("netns", "del", name);
  const own = [`${settings.prefix}-phys`, settings.bridge, ...settings.compute.flatMap((host) => Object.values(cables(settings, host)))];
  for (const name of readdirSync("/sys/class/net")) {
    if (agentDevice.test(name) || own.includes(name)) await run("ip", ["link", "del", name], { allowFailure: true });
  }
  restoreKernel(settings);
  if (!existsSync("/usr/sbin/iptables")) return;
  await forward(settings, false);
  for (const program of ["iptables", "ip6tables"]) for (const table of ["raw", "mangle", "nat", "filter"]) await removeAgentRules(program, table);
  await removeFrameRules();
  const sets = (await run("ipset", ["list", "-n"], { allowFailure: true })).stdout.split("\n");
  for (const name of sets) if (/^[Nn]IPv[46]/.test(name)) await run("ipset", ["destroy", name], { allowFailure: true });
}

async function removeAgentRules(program, table) {
  const call = (...args) => run(program, ["-w", "-t", table, ...args], { allowFailure: true });
  const rules = (await call("-S")).stdout.split("\n");
  for (const rule of rules) if (/^-A [A-Z]+ -j neutron[-_]/.test(rule)) await call("-D", ...rule.split(" ").slice(1));
  const chains = rules.map((rule) => /^-N (neutron[-_]\S+)$/.exec(rule)?.[1]).filter(Boolean);
  for (const action of ["-F", "-X"]) for (const chain of chains) await call(action, chain);
}

/** ebtables: the agents' rules against false addresses. */
async function removeFrameRules() {
  const saved = (await run("ebtables-save", [], { allowFailure: true })).stdout.split("\n");
  for (const table of ["nat", "filter"]) {
    const call = (...args) => run("ebtables", ["-t", table, ...args], { allowFailure: true });
    for (const rule of saved) if (/^-A [A-Z]+ .*-j neutron(ARP|MAC)-/.test(rule)) await call("-D", ...rule.trim().split(" ").slice(1));
    const chains = saved.map((rule) => /^:(neutron(?:ARP|MAC)-\S+) /.exec(rule)?.[1]).filter(Boolean);
    for (const action of ["-F", "-X"]) for (const chain of chains) await call(action, chain);
  }
}
