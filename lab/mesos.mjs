// The Mesos package that the lab serves to its hosts: built once per version and kept in the cache.
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "../toolchain/debian.mjs";
import { withLock } from "../toolchain/lock.mjs";
import { cacheDir, digest } from "../toolchain/places.mjs";
import { Failure, main, run, say, step } from "../toolchain/steps.mjs";

const sources = join(dirname(fileURLToPath(import.meta.url)), "mesos");

/** What building it takes of the machine. */
export const mesosBuildPackages = [
  { command: "g++", package: "g++" },
  { command: "strip", package: "binutils" },
  { file: "/usr/lib/python3/dist-packages/pip", package: "python3-pip" },
];

/** The path of mesos_VERSION-1~lab1_amd64.deb. */
export async function ensureMesosPackage(version = "1.11.0", { log = say } = {}) {
  if (process.arch !== "x64") throw new Failure(`the prebuilt Mesos library is for x86-64 only, and this machine is ${process.arch}`);
  const names = readdirSync(sources).filter((name) => !name.startsWith("__")).sort();
  const out = join(cacheDir(), "mesos", digest({ files: names.map((name) => join(sources, name)) }));
  const file = join(out, `mesos_${version}-1~lab1_amd64.deb`);
  if (existsSync(file)) return file;
  await ensurePackages(mesosBuildPackages, { log });
  mkdirSync(out, { recursive: true });
  await withLock(join(out, "lock"), async () => {
    if (existsSync(file)) return;
    await step(
      `Mesos ${version} package`,
      async ({ note }) => {
        await run(join(sources, "build.sh"), [out], {
          env: { ...process.env, VERSION: version, PYTHON: "/usr/bin/python3", WORK: join(cacheDir(), "mesos", "downloads") },
          logFile: join(cacheDir(), "logs", `mesos-${version}.log`),
          onLine: note,
          label: "lab/mesos/build.sh",
        });
      },
      { log },
    );
  }, { log });
  return file;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => console.log(await ensureMesosPackage(process.argv[2])));
}
