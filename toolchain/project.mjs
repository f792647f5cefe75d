// The checkout itself: its npm packages and the bundle that the engine runs.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { cacheDir, digest, projectDir } from "./places.mjs";
import { Failure, run, say, step } from "./steps.mjs";

/** Not part of what the engine runs. Folders that a stack file names (apps, jobs) may be called anything. */
const aside = new Set(["node_modules", "backups", "bin", "bench", "docs", "lab", "schema", "tests", "toolchain"]);

export function checkNode(version = process.versions.node) {
  if (Number.parseInt(version, 10) < 20) throw new Failure(`this is Node.js ${version}; version 20 or newer is needed`);
}

const lock = (name, work, log) =>
  withLock(join(cacheDir(), "locks", `${name}-${digest({ texts: [projectDir] })}`), work, { log });

function modulesAreThere() {
  const stamp = join(projectDir, "node_modules", ".lock-digest");
  const packageLock = join(projectDir, "package-lock.json");
  const wanted = digest({ files: [packageLock] });
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return true;
  // Installed by hand: npm's own record is newer than what it was made from.
  const record = join(projectDir, "node_modules", ".package-lock.json");
  if (!existsSync(record) || statSync(record).mtimeMs < statSync(packageLock).mtimeMs) return false;
  writeFileSync(stamp, wanted);
  return true;
}

/** `npm ci` when package-lock.json is another than node_modules was made from. */
export async function ensureModules({ log = say } = {}) {
  if (modulesAreThere()) return;
  await lock("npm", async () => {
    if (modulesAreThere()) return;
    await step("npm packages", async () => {
      // Install scripts would look for plugins on the net; none is needed.
      await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: projectDir, logFile: join(cacheDir(), "logs", "npm.log") });
      writeFileSync(join(projectDir, "node_modules", ".lock-digest"), digest({ files: [join(projectDir, "package-lock.json")] }));
    }, { log });
  }, log);
}

/** What `build.mjs` bundles; a site's own definitions are read when the program runs. */
const isBundled = (name, depth) => (depth > 0 ? /\.(ts|j2|py)$/.test(name) : /^(index\.ts|build\.mjs|package\.json)$/.test(name));

/** When the newest file changed that the bundles are made of, milliseconds. */
export function newestSource(dir, depth = 0) {
  let newest = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || (depth === 0 && aside.has(entry.name))) continue;
    const path = join(dir, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(path, depth + 1));
    else if (isBundled(entry.name, depth)) newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

function bundleIsFresh() {
  const stamp = join(projectDir, "bin", ".stamp");
  return existsSync(stamp) && statSync(stamp).mtimeMs >= newestSource(projectDir);
}

/** `npm run build` when a source is newer than the bundle. */
export async function ensureBundle({ log = say } = {}) {
  if (bundleIsFresh()) return;
  await ensureModules({ log });
  await lock("build", async () => {
    if (bundleIsFresh()) return;
    await step("bundle", async () => void (await run("npm", ["run", "-s", "build"], { cwd: projectDir })), { log });
  }, log);
}
