// Debian packages of the stand-ins for Marathon and Metronome, for the lab's repository. Programs only, as the Mesos package:
// configuration and units are the business of whoever installs them. No site but the lab has any use for them.
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDir, digest, projectDir } from "../toolchain/places.mjs";
import { ensureModules } from "../toolchain/project.mjs";
import { run, say, step } from "../toolchain/steps.mjs";

const standIns = {
  "marathon-stand-in": "answers as Marathon 1.11 was recorded to answer",
  "metronome-stand-in": "answers as Metronome 0.6 was recorded to answer",
};

/** The control file of a package. */
export const controlOf = (name, version, what) => `Package: ${name}
Version: ${version}
Architecture: all
Maintainer: pulumi-mesos lab <root@localhost>
Depends: nodejs (>= 18)
Section: net
Priority: optional
Description: ${what}, for the pulumi-mesos lab
 It runs its work on Mesos. It is not the program that it stands in for and
 holds none of its code; it is for tests only.
`;

/** What a shell calls: the bundle, by the Node.js of the host. */
export const launcherOf = (name) => `#!/bin/sh\nexec /usr/bin/node /usr/lib/${name}/${name}.js "$@"\n`;

async function pack(name, bundle, version, file) {
  const tree = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    for (const dir of ["DEBIAN", "usr/bin", `usr/lib/${name}`]) mkdirSync(join(tree, dir), { recursive: true });
    chmodSync(tree, 0o755);
    writeFileSync(join(tree, "DEBIAN", "control"), controlOf(name, version, standIns[name]));
    copyFileSync(bundle, join(tree, "usr/lib", name, `${name}.js`));
    writeFileSync(join(tree, "usr/bin", name), launcherOf(name));
    chmodSync(join(tree, "usr/bin", name), 0o755);
    await run("dpkg-deb", ["-Zzstd", "--root-owner-group", "-b", tree, `${file}.part`]);
    renameSync(`${file}.part`, file);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** Paths of both packages, built from the sources as they are now; their version says which. */
export async function ensureStandInPackages({ log = say } = {}) {
  await ensureModules({ log });
  await run(process.execPath, [join(projectDir, "build.mjs"), "stand-ins"], { cwd: projectDir });
  const files = [];
  for (const name of Object.keys(standIns)) {
    const bundle = join(projectDir, "bin", "lab", `${name}.js`);
    const { version } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
    const full = `${version}+${digest({ files: [bundle], texts: [controlOf(name, "", standIns[name]), launcherOf(name)] })}`;
    const file = join(cacheDir(), "stand-ins", `${name}_${full}_all.deb`);
    if (!existsSync(file)) {
      mkdirSync(join(cacheDir(), "stand-ins"), { recursive: true });
      await step(`${name} package`, () => pack(name, bundle, full, file).then(() => full), { log });
    }
    files.push(file);
  }
  return files;
}
