// Debian packages of programs that are one bundle for the host's Node.js. Programs only: configuration and units are the
// business of whoever installs them.
//
//   node toolchain/programs.mjs        # the site's programs, into bin/packages (npm run packages)
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { digest, projectDir } from "./places.mjs";
import { ensureModules } from "./project.mjs";
import { main, run, say, step } from "./steps.mjs";

/** Programs of ours that run at a site: name, and what it is (package description: a line, then paragraphs). */
export const sitePrograms = {
  "mesos-workqueue": {
    what: "Mesos framework that gives Work Queue projects workers",
    more: "It watches Work Queue catalogs (CCTools), and starts workers of the right size\nas Mesos tasks as long as projects have tasks that wait.",
  },
};

/** The control file of a package. @param more lines of the long description, shorter than 79 letters each */
export const controlOf = (name, version, { what, more }) => `Package: ${name}
Version: ${version}
Architecture: all
Maintainer: pulumi-mesos <root@localhost>
Depends: nodejs (>= 18)
Section: net
Priority: optional
Description: ${what}
${more.split("\n").map((line) => ` ${line}`).join("\n")}
`;

/** What a shell calls: the bundle, by the Node.js of the host. */
export const launcherOf = (name) => `#!/bin/sh\nexec /usr/bin/node /usr/lib/${name}/${name}.js "$@"\n`;

async function pack(name, bundle, control, file) {
  const tree = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    for (const dir of ["DEBIAN", "usr/bin", `usr/lib/${name}`]) mkdirSync(join(tree, dir), { recursive: true });
    chmodSync(tree, 0o755);
    writeFileSync(join(tree, "DEBIAN", "control"), control);
    copyFileSync(bundle, join(tree, "usr/lib", name, `${name}.js`));
    writeFileSync(join(tree, "usr/bin", name), launcherOf(name));
    chmodSync(join(tree, "usr/bin", name), 0o755);
    await run("dpkg-deb", ["-Zzstd", "--root-owner-group", "-b", tree, `${file}.part`]);
    renameSync(`${file}.part`, file);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/**
 * Packages of programs, built from the sources as they are now; their version says which.
 * @param target of build.mjs, which leaves `<bundles>/<name>.js`
 * @returns their paths below `dir`
 */
export async function ensureProgramPackages({ programs, target, bundles, dir, log = say }) {
  await ensureModules({ log });
  await run(process.execPath, [join(projectDir, "build.mjs"), target], { cwd: projectDir });
  const { version } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
  const files = [];
  for (const [name, texts] of Object.entries(programs)) {
    const bundle = join(projectDir, bundles, `${name}.js`);
    const full = `${version}+${digest({ files: [bundle], texts: [controlOf(name, "", texts), launcherOf(name)] })}`;
    const file = join(dir, `${name}_${full}_all.deb`);
    if (!existsSync(file)) {
      mkdirSync(dir, { recursive: true });
      await step(`${name} package`, () => pack(name, bundle, controlOf(name, full, texts), file).then(() => full), { log });
    }
    files.push(file);
  }
  return files;
}

/** Packages of the site's programs, for its repository. */
export const ensureSitePackages = ({ dir = join(projectDir, "bin", "packages"), log = say } = {}) =>
  ensureProgramPackages({ programs: sitePrograms, target: "programs", bundles: join("bin", "programs"), dir, log });

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const files = await ensureSitePackages();
    // Those of an earlier build would be in the repository's way.
    const dir = dirname(files[0]);
    for (const name of readdirSync(dir)) if (!files.includes(join(dir, name))) rmSync(join(dir, name), { force: true });
    files.forEach((file) => console.log(file));
    return 0;
  });
}
