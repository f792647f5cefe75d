// Debian packages: those that the tools of this folder and the lab need on the machine they run on, and packing our own.
import { accessSync, constants, existsSync, readFileSync, renameSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Failure, run, step } from "./steps.mjs";

/** The full path of a command, looked up on PATH and where root's tools are; undefined when absent. */
export function which(command, path = process.env.PATH ?? "") {
  for (const dir of [...path.split(delimiter), "/usr/sbin", "/sbin"]) {
    if (!dir) continue;
    try {
      accessSync(join(dir, command), constants.X_OK);
      return join(dir, command);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Packs a tree with its DEBIAN folder. Another process may pack the same file now: each is whole, the last one stays. */
export async function packTree(tree, file) {
  const part = `${file}.${process.pid}`;
  await run("dpkg-deb", ["-Zzstd", "--root-owner-group", "-b", tree, part]);
  renameSync(part, file);
}

/** So many names on a line of progress, which comes again and again. */
const SHOWN = 5;

/** Those of `wants` that are absent. A want is met when its command is found and its file exists. */
export function missing(wants) {
  return wants.filter(({ command, file }) => (command && !which(command)) || (file && !existsSync(file)));
}

/**
 * Installs what is missing, with one `apt-get update` before it.
 * @param {{command?: string, file?: string, package: string}[]} wants
 * @throws {Failure} when something is missing and this is not Debian or not root
 */
export async function ensurePackages(wants, { log } = {}) {
  const names = [...new Set(missing(wants).map((want) => want.package))];
  if (names.length === 0) return;
  const by = `install them yourself: apt-get install ${names.join(" ")}`;
  if (!existsSync("/etc/debian_version") || !which("apt-get")) {
    const os = existsSync("/etc/os-release") && /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
    throw new Failure(
      `missing: ${wantsText(wants)}. They can be installed automatically on Debian only (this is ${os || process.platform}): install their equivalents`,
    );
  }
  if (process.getuid() !== 0) throw new Failure(`missing: ${names.join(", ")}, and only root can install packages; ${by}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_MODE: "l" };
  const options = ["-q", "-y", "-o", "DPkg::Lock::Timeout=300"];
  await step(
    `Debian packages: ${names.length > SHOWN + 1 ? [...names.slice(0, SHOWN), `and ${names.length - SHOWN} more`].join(" ") : names.join(" ")}`,
    async ({ note }) => {
      const onLine = (line) => note(line.slice(0, 100));
      await run("apt-get", [...options, "update"], { env, onLine });
      await run("apt-get", [...options, "install", "--no-install-recommends", ...names], { env, onLine });
    },
    { log },
  );
  const still = missing(wants);
  if (still.length > 0) throw new Failure(`still missing after the installation: ${wantsText(still)}`);
}

const wantsText = (wants) =>
  missing(wants).map((w) => `${w.command ?? w.file} (Debian package ${w.package})`).join(", ");
