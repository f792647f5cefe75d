// The guests' disks: the bare-metal hosts' Debian tree with cloud-init, one file for each generation, made once and kept.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "../../toolchain/lock.mjs";
import { digest } from "../../toolchain/places.mjs";
import { run, say, step } from "../../toolchain/steps.mjs";
import { ensureBase } from "../images.mjs";
import { scriptEnv } from "../settings.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** What an instance has beyond a bare-metal host of the lab. */
const guestPackages = ["cloud-init", "systemd-resolved", "netbase", "e2fsprogs", "dbus", "python3-apt"];
/** A virtual machine boots a kernel; a container has the machine's. */
const machinePackages = ["udev", "linux-image-cloud-amd64", "initramfs-tools", "zstd"];

/**
 * @returns {Promise<string>} the directory with generation-N.qcow2 (and vmlinuz, initrd for virtual machines);
 *   its name changes with what is in it
 */
export async function ensureGuests(settings, hosts, virt, { log = say } = {}) {
  const base = await ensureBase(hosts, { log });
  const packages = [...guestPackages, ...(virt === "lxc" ? [] : machinePackages)];
  const url = `http://${hosts.gateway}:${hosts.port}`;
  const generations = settings.images.map(({ generation }) => generation).join(" ");
  const parts = [
    join(here, "image.sh"), ...readdirSync(join(here, "guest")).sort().map((name) => join(here, "guest", name)),
    join(here, "..", "host-files", "lab-cgroups"), join(here, "..", "host-files", "lab-cgroups.service"),
  ];
  const dir = join(settings.guests, digest({ texts: [basename(base), packages.join(" "), url, generations], files: parts }));
  await withLock(join(settings.guests, "lock"), async () => {
    if (existsSync(dir)) return;
    const pool = join(settings.guests, `packages-${digest({ texts: [basename(base), packages.join(" ")] })}`);
    const env = scriptEnv(hosts, { LAB_REPOSITORY_PACKAGES: packages.join(" "), LAB_PACKAGES_URL: url, LAB_GENERATIONS: generations });
    const logFile = join(settings.logs, "guests.log");
    mkdirSync(settings.guests, { recursive: true });
    if (!existsSync(pool)) {
      await step("guests: packages", async ({ note }) => {
        let got = 0;
        const onLine = (line) => line.startsWith("Get:") && note(`${++got} files`);
        await run(join(here, "..", "repository.sh"), ["fetch", base, pool], { env, logFile, onLine, label: "lab/repository.sh fetch" });
        return `${readdirSync(pool).filter((file) => file.endsWith(".deb")).length} packages`;
      }, { log });
    }
    await step("guests: disks", async ({ note }) => {
      await run(join(here, "image.sh"), [base, pool, dir], { env, logFile, onLine: (line) => note(line.slice(0, 80)), label: "lab/openstack/image.sh" });
      for (const name of readdirSync(settings.guests)) {
        const other = join(settings.guests, name);
        if (![dir, pool, join(settings.guests, "lock")].includes(other)) rmSync(other, { recursive: true, force: true });
      }
      return readFileSync(join(base, "etc/debian_version"), "utf8").trim();
    }, { log });
  }, { log });
  return dir;
}
