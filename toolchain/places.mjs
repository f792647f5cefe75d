// Where things live outside the checkout. Caches may be deleted at any time; state may not.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's root. */
export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Build results: the engine, the Ansible environment, the Mesos package. */
export function cacheDir(env = process.env) {
  return env.PULUMI_MESOS_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-mesos");
}

/** What must outlive a checkout: Pulumi's home, stacks, the passphrase. */
export function stateDir(env = process.env) {
  return env.PULUMI_MESOS_STATE || join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "pulumi-mesos");
}

/** A short digest of texts and of the contents of files. */
export function digest({ texts = [], files = [] }) {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`t${text.length}:${text}`);
  for (const file of files) {
    const data = readFileSync(file);
    hash.update(`f${data.length}:`).update(data);
  }
  return hash.digest("hex").slice(0, 16);
}

/**
 * The version of a Debian package that is made from sources with this digest. One that is made later is a higher one, so that apt
 * takes it for an upgrade; the same sources keep theirs as long as their package is in `dir`.
 * @param env SOURCE_DATE_EPOCH (seconds) in place of the clock, as for other reproducible builds
 */
export function packageVersion({ dir, name, version, sources }, env = process.env) {
  const known = (existsSync(dir) ? readdirSync(dir) : []).flatMap((file) => {
    const [, found] = /^([^_]+_[^_]+)_[^_]+\.deb$/.exec(file) ?? [];
    return found?.startsWith(`${name}_${version}+`) && found.endsWith(`.${sources}`) ? [found.slice(name.length + 1)] : [];
  });
  if (known.length > 0) return known.sort().at(-1);
  const now = env.SOURCE_DATE_EPOCH ? new Date(Number(env.SOURCE_DATE_EPOCH) * 1000) : new Date();
  return `${version}+${now.toISOString().replace(/\D/g, "").slice(0, 14)}.${sources}`;
}
