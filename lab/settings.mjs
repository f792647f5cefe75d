// Everything about the lab that a machine might want otherwise, from the environment; the shell scripts
// beside this file get the same values as LAB_*.
import { join } from "node:path";
import { Failure } from "../toolchain/steps.mjs";

/** Found in every host before anything is configured: init, sshd, and the Python that Ansible needs. */
const basePackages = [
  "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "openssh-sftp-server", "iproute2", "iputils-ping",
  "procps", "python3", "python3-apt", "ca-certificates", "curl", "sudo", "less", "netcat-openbsd",
];

/** What hosts may install later: with their dependencies, a closed set. */
const repositoryPackages = [
  "libzookeeper-java", "openjdk-17-jre-headless", "zookeeper", "haproxy", "prometheus-node-exporter", "chrony", "rsync",
  "libsvn1", "libapr1", "libcurl4", "libsasl2-2", "libsasl2-modules", "zlib1g",
];

const defaults = { dir: "/var/lib/pulumi-mesos/lab", net: "10.213.0", prefix: "bm" };

export function readSettings(env = process.env) {
  const dir = env.PULUMI_MESOS_LAB || defaults.dir;
  const net = env.PULUMI_MESOS_LAB_NET || defaults.net;
  if (!/^(\d{1,3}\.){2}\d{1,3}$/.test(net))
    throw new Failure(`PULUMI_MESOS_LAB_NET is "${net}": the first three numbers of a /24 are wanted, like 10.213.0`);
  const prefix = env.PULUMI_MESOS_LAB_PREFIX || defaults.prefix;
  // "vb-NAME" is a network interface: 15 characters at most.
  if (!/^[a-z]{1,9}$/.test(prefix))
    throw new Failure(`PULUMI_MESOS_LAB_PREFIX is "${prefix}": one to nine lower-case letters are wanted`);
  return {
    dir,
    net,
    prefix,
    bridge: env.PULUMI_MESOS_LAB_BRIDGE || "br-mesoslab",
    gateway: `${net}.1`,
    port: Number(env.PULUMI_MESOS_LAB_PORT || 8213),
    suite: env.PULUMI_MESOS_LAB_SUITE || "bookworm",
    basePackages: [...basePackages, ...(env.PULUMI_MESOS_LAB_BAKE ?? "").split(" ").filter(Boolean)],
    repositoryPackages: [...repositoryPackages, ...(env.PULUMI_MESOS_LAB_PACKAGES ?? "").split(" ").filter(Boolean)],
    hosts: join(dir, "hosts"),
    repository: join(dir, "repository"),
    logs: join(dir, "logs"),
    key: join(dir, "id_ed25519"),
    knownHosts: join(dir, "known_hosts"),
    sshConfig: join(dir, "ssh_config"),
  };
}

/** The environment of the shell scripts. */
export function scriptEnv(settings, more = {}) {
  return {
    ...process.env,
    LAB_DIR: settings.dir,
    LAB_SUITE: settings.suite,
    LAB_BRIDGE: settings.bridge,
    LAB_BASE_PACKAGES: settings.basePackages.join(" "),
    LAB_REPOSITORY_PACKAGES: settings.repositoryPackages.join(" "),
    ...more,
  };
}

/** The number in a host's name: bm7 → 7. */
export function numberOf(settings, name) {
  const match = new RegExp(`^${settings.prefix}([1-9]\\d{0,2})$`).exec(name);
  const number = match ? Number(match[1]) : 0;
  if (number < 1 || number > 240)
    throw new Failure(`"${name}" is no name for a host here: ${settings.prefix}1 … ${settings.prefix}240 are`);
  return number;
}

/** A host's address follows from its name: bm7 → NET.17. */
export const addressOf = (settings, name) => `${settings.net}.${10 + numberOf(settings, name)}`;

/** A text that speaks of the lab as it is by default (the stack file), for the lab as it is here. */
export const localized = (text, settings) =>
  text
    .replaceAll(`${defaults.dir}/`, `${settings.dir}/`)
    .replaceAll(`${defaults.net}.`, `${settings.net}.`)
    .replaceAll(new RegExp(`\\b${defaults.prefix}(?=[\\d[])`, "g"), settings.prefix);
