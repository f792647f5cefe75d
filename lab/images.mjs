// What is made once and kept: the hosts' base tree, and the repository of packages they may install.
import { copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { withLock } from "../toolchain/lock.mjs";
import { digest } from "../toolchain/places.mjs";
import { run, say, step } from "../toolchain/steps.mjs";
import { scriptEnv } from "./settings.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const script = (name) => join(here, name);

/** The directory of the base tree for these settings: another set of packages is another tree. */
export function baseDir(settings) {
  const stamp = digest({
    texts: [settings.suite, settings.basePackages.join(" ")],
    files: [script("base.sh"), script("sources.sh")],
  });
  return join(settings.images, "base", stamp);
}

export async function ensureBase(settings, { log = say } = {}) {
  const dir = baseDir(settings);
  if (existsSync(dir)) return dir;
  await withLock(`${dir}.lock`, () =>
    step(
      "hosts: Debian tree",
      async ({ note }) => {
        await run(script("base.sh"), [dir], {
          env: scriptEnv(settings),
          logFile: join(settings.logs, "base.log"),
          onLine: (line) => note(line.replace(/[\r[].*/, "").slice(0, 80)),
          label: "lab/base.sh",
        });
      },
      { log },
    ), { log });
  return dir;
}

/**
 * The repository: Debian's packages as resolved for this base, then the given package files
 * (the Mesos packages). Served while it is changed: apt reads Packages first, so files come before it.
 */
export async function ensureRepository(settings, packages, { log = say } = {}) {
  const base = await ensureBase(settings, { log });
  const stamp = digest({ texts: [basename(base), settings.repositoryPackages.join(" ")], files: [script("repository.sh")] });
  const pool = join(settings.images, "packages", stamp);
  await withLock(`${pool}.lock`, async () => {
    const env = scriptEnv(settings);
    const logFile = join(settings.logs, "repository.log");
    if (!existsSync(pool)) {
      await step(
        "hosts: packages they may install",
        async ({ note }) => {
          let got = 0;
          await run(script("repository.sh"), ["fetch", base, pool], {
            env, logFile, label: "lab/repository.sh fetch",
            onLine: (line) => line.startsWith("Get:") && note(`${++got} files`),
          });
          return `${readdirSync(pool).filter((f) => f.endsWith(".deb")).length} packages`;
        },
        { log },
      );
    }
    const contents = `${stamp}\n${packages.map((file) => `${basename(file)} ${digest({ files: [file] })}`).sort().join("\n")}\n`;
    const marker = join(settings.repository, ".contents");
    if (existsSync(marker) && readFileSync(marker, "utf8") === contents) return;
    await step(
      "hosts: package index",
      async () => {
        mkdirSync(settings.repository, { recursive: true });
        const files = [...readdirSync(pool).filter((f) => f.endsWith(".deb")).map((f) => join(pool, f)), ...packages];
        const wanted = new Set(files.map((file) => basename(file)));
        for (const file of files) place(file, join(settings.repository, basename(file)));
        for (const name of readdirSync(settings.repository)) {
          if (name.endsWith(".deb") && !wanted.has(name)) rmSync(join(settings.repository, name));
        }
        await run(script("repository.sh"), ["index", settings.repository], { env, logFile, label: "lab/repository.sh index" });
        writeFileSync(marker, contents);
      },
      { log },
    );
  }, { log });
}

// A hard link where the cache is on the same file system, else a copy; never a half-written file in place.
function place(from, to) {
  rmSync(`${to}.new`, { force: true });
  try {
    linkSync(from, `${to}.new`);
  } catch {
    copyFileSync(from, `${to}.new`);
  }
  renameSync(`${to}.new`, to);
}
