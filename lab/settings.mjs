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
  "libzookeeper-java", "openjdk-17-jre-headless", "zookeeper", "haproxy", "prometheus", "prometheus-node-exporter", "chrony", "rsync",
  "libsvn1", "libapr1", "libcurl4", "libsasl2-2", "libsasl2-modules", "zlib1g", "nodejs", "coop-computing-tools", "age", "git", "python3-boto3",
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
    // What is made once may be another lab's: one base tree serves all.
    images: env.PULUMI_MESOS_LAB_IMAGES || dir,
    repository: join(dir, "repository"),
    logs: join(dir, "logs"),
    key: join(dir, "id_ed25519"),
    knownHosts: join(dir, "known_hosts"),
    sshConfig: join(dir, "ssh_config"),
  };
}

// ---------------------------------------------------------------- the OpenStack, and the hosts beside it

/** The environment of a lab of its own for the hybrid site: its registered hosts, and the packages of its instances. */
export function hybridEnv(env = process.env) {
  const given = (name) => env[`PULUMI_MESOS_HYBRID${name}`];
  return {
    PULUMI_MESOS_LAB: given("") || "/var/lib/pulumi-mesos/hybrid",
    PULUMI_MESOS_LAB_NET: given("_NET") || "10.214.0",
    PULUMI_MESOS_LAB_BRIDGE: given("_BRIDGE") || "br-hybrid",
    PULUMI_MESOS_LAB_PORT: given("_PORT") || "8214",
    PULUMI_MESOS_LAB_PREFIX: given("_PREFIX") || "hy",
    PULUMI_MESOS_LAB_IMAGES: readSettings(env).images,
    PULUMI_MESOS_LAB_PACKAGES: ["xfsprogs", env.PULUMI_MESOS_LAB_PACKAGES ?? ""].join(" "),
  };
}

export const readHybridSettings = (env = process.env) => readSettings({ ...env, ...hybridEnv(env) });

const openstackDefaults = { dir: "/var/lib/pulumi-mesos/openstack", net: "10.77.0", zones: 3 };

/** TCP ports of the control plane, from PULUMI_MESOS_OPENSTACK_PORT (15000) on. */
const openstackPorts = ["identity", "image", "placement", "compute", "metadata", "network", "volume", "database", "messages", "cluster", "mapper", "cache"];

/** What a project may use at most: small enough that a test can run into it. */
const quota = { instances: 20, cores: 40, ramMiB: 24_576, volumes: 20, volumesGiB: 100, ports: 60, networks: 10, securityGroups: 20, securityGroupRules: 300, floatingAddresses: 10 };

/**
 * The lab's cloud: one control plane, a compute host and volumes in each zone, a provider network that the
 * bare-metal hosts reach and that reaches them.
 */
export function readOpenstackSettings(env = process.env) {
  const dir = env.PULUMI_MESOS_OPENSTACK || openstackDefaults.dir;
  const net = env.PULUMI_MESOS_OPENSTACK_NET || openstackDefaults.net;
  if (!/^(\d{1,3}\.){2}\d{1,3}$/.test(net))
    throw new Failure(`PULUMI_MESOS_OPENSTACK_NET is "${net}": the first three numbers of a /24 are wanted, like ${openstackDefaults.net}`);
  const prefix = env.PULUMI_MESOS_OPENSTACK_PREFIX || "oslab";
  // "PREFIX-1-port" is a network interface: 15 characters at most.
  if (!/^[a-z]{1,8}$/.test(prefix))
    throw new Failure(`PULUMI_MESOS_OPENSTACK_PREFIX is "${prefix}": one to eight lower-case letters are wanted`);
  const virt = env.PULUMI_MESOS_OPENSTACK_VIRT || "auto";
  if (!["auto", "kvm", "qemu", "lxc"].includes(virt))
    throw new Failure(`PULUMI_MESOS_OPENSTACK_VIRT is "${virt}": auto, kvm, qemu and lxc are known`);
  const zones = Number(env.PULUMI_MESOS_OPENSTACK_ZONES || openstackDefaults.zones);
  if (!Number.isInteger(zones) || zones < 1 || zones > 5)
    throw new Failure(`PULUMI_MESOS_OPENSTACK_ZONES is "${env.PULUMI_MESOS_OPENSTACK_ZONES}": 1 to 5 are possible here`);
  const firstPort = Number(env.PULUMI_MESOS_OPENSTACK_PORT || 15_000);
  const compute = Array.from({ length: zones }, (_, i) => ({
    name: `${prefix}${i + 1}`, zone: `az${i + 1}`, number: i + 1, address: `${net}.${i + 1}`,
  }));
  return {
    dir,
    net,
    prefix,
    virt,
    region: "RegionOne",
    // A second way to the same services: it shows that a project's region is heeded, not what two clouds apart would do.
    regions: ["RegionOne", "RegionTwo"],
    bridge: `br-${prefix}`,
    gateway: `${net}.1`,
    ports: Object.fromEntries(openstackPorts.map((name, i) => [name, firstPort + i])),
    compute,
    network: { name: "provider", subnet: "provider-v4", cidr: `${net}.0/24`, pool: [`${net}.100`, `${net}.199`] },
    projects: ["lab-one", "lab-two"],
    adminCloud: "lab-admin",
    images: [{ name: "debian-12.1", generation: 1 }, { name: "debian-12.2", generation: 2 }],
    flavors: [
      { name: "m1.tiny", vcpus: 1, ramMiB: 512, diskGiB: 3 },
      { name: "m1.small", vcpus: 1, ramMiB: 1024, diskGiB: 4 },
      { name: "m1.medium", vcpus: 2, ramMiB: 2048, diskGiB: 8 },
      // Within every quota, and on no compute host.
      { name: "m1.nowhere", vcpus: 1, ramMiB: 512, diskGiB: 1_000_000 },
    ],
    volumeTypes: ["standard", "io1"],
    quota,
    config: join(dir, "etc"),
    records: join(dir, "run"),
    logs: join(dir, "log"),
    state: join(dir, "state"),
    secrets: join(dir, "secrets"),
    guests: join(dir, "images"),
    clouds: join(dir, "clouds.yaml"),
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
export const localized = (text, settings, { dir, net, prefix } = defaults) =>
  text
    .replaceAll(`${dir}/`, `${settings.dir}/`)
    .replaceAll(`${net}.`, `${settings.net}.`)
    .replaceAll(new RegExp(`\\b${prefix}(?=[\\d[])`, "g"), settings.prefix);

/** The same for the hybrid site's. */
export const hybridText = (text, env = process.env) =>
  localized(text, readHybridSettings(env), readHybridSettings({})).replaceAll(`${openstackDefaults.net}.`, `${readOpenstackSettings(env).net}.`);
