// Making a host: its files over the shared tree, its disk, its key.
import { randomUUID } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure, run } from "../../toolchain/steps.mjs";
import { ensureBase } from "../images.mjs";
import { addressOf, numberOf } from "../settings.mjs";
import { hostNames } from "./inventory.mjs";

const texts = join(dirname(fileURLToPath(import.meta.url)), "..", "host-files");

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
    ["etc/systemd/system/lab-cgroups.service", readFileSync(join(texts, "lab-cgroups.service"), "utf8"), 0o644],
    ["usr/local/sbin/lab-cgroups", readFileSync(join(texts, "lab-cgroups"), "utf8"), 0o755],
    ["root/.ssh/authorized_keys", readFileSync(`${settings.key}.pub`, "utf8"), 0o600],
    ...(options.os ? [["etc/os-release", otherSystems[options.os], 0o644]] : []),
  ];
}

export async function create(settings, name, options = {}) {
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

export async function writeSsh(settings) {
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
