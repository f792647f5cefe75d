// Debian packages of programs that are one bundle for the host's Node.js. Programs only: configuration and units are the
// business of whoever installs them.
//
//   node toolchain/programs.mjs        # the site's programs, into bin/packages (npm run packages)
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packTree } from "./debian.mjs";
import { digest, packageVersion, projectDir } from "./places.mjs";
import { ensureAliBuildPackage } from "./alibuild.mjs";
import { ensureModules } from "./project.mjs";
import { main, run, say, step } from "./steps.mjs";

/** Programs of ours that run at a site: name, what it is (package description: a line, then paragraphs), scripts beside it. */
export const sitePrograms = {
  "mesos-workqueue": {
    what: "Mesos framework that gives Work Queue projects workers",
    more: "It watches Work Queue catalogs (CCTools), and starts workers of the right size\nas Mesos tasks as long as projects have tasks that wait.",
  },
  "mesos-campaign": {
    what: "runs Monte Carlo productions and release validations on Work Queue",
    more: "It plans a campaign's tasks, hands them to makeflow (CCTools), goes on where\nit was when it is started again, and accounts for every result.",
  },
  "mesos-dds": {
    what: "Mesos framework that keeps agents of DDS sessions running",
    more: "It starts agents from a session's worker package as Mesos tasks, counts them\nat the session's commander, and replaces those that are lost.",
    // As `dds-submit -r mesos --path /usr/lib/mesos-dds/plugins` looks for it. A commander's library path is not for other programs.
    scripts: {
      "plugins/dds-submit-mesos/dds-submit-mesos":
        '#!/bin/sh\nunset LD_LIBRARY_PATH\nexec /usr/bin/node /usr/lib/mesos-dds/mesos-dds.js plug-in "$@"\n',
    },
  },
  "mesos-builds": {
    what: "builds releases with aliBuild, and keeps what has passed",
    more: "One program for builders (Metronome jobs) and for the store of their packages\n(a Marathon app), which serves them by rsync and their sources by git.",
    depends: "git, rsync",
  },
};

/** The control file of a package. @param more lines of the long description, shorter than 79 letters each */
export const controlOf = (name, version, { what, more, depends }) => `Package: ${name}
Version: ${version}
Architecture: all
Maintainer: pulumi-mesos <root@localhost>
Depends: nodejs (>= 18)${depends === undefined ? "" : `, ${depends}`}
Section: net
Priority: optional
Description: ${what}
${more.split("\n").map((line) => ` ${line}`).join("\n")}
`;

/** What a shell calls: the bundle, by the Node.js of the host. */
export const launcherOf = (name) => `#!/bin/sh\nexec /usr/bin/node /usr/lib/${name}/${name}.js "$@"\n`;

async function pack(name, bundle, control, file, scripts = {}) {
  const tree = mkdtempSync(join(tmpdir(), `${name}-`));
  try {
    for (const dir of ["DEBIAN", "usr/bin", `usr/lib/${name}`]) mkdirSync(join(tree, dir), { recursive: true });
    chmodSync(tree, 0o755);
    writeFileSync(join(tree, "DEBIAN", "control"), control);
    copyFileSync(bundle, join(tree, "usr/lib", name, `${name}.js`));
    writeFileSync(join(tree, "usr/bin", name), launcherOf(name));
    chmodSync(join(tree, "usr/bin", name), 0o755);
    for (const [path, text] of Object.entries(scripts)) {
      const to = join(tree, "usr/lib", name, path);
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, text);
      chmodSync(to, 0o755);
    }
    await packTree(tree, file);
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
    const sources = digest({ files: [bundle], texts: [controlOf(name, "", texts), launcherOf(name), JSON.stringify(texts.scripts ?? {})] });
    const full = packageVersion({ dir, name, version, sources });
    const file = join(dir, `${name}_${full}_all.deb`);
    if (!existsSync(file)) {
      mkdirSync(dir, { recursive: true });
      await step(`${name} package`, () => pack(name, bundle, controlOf(name, full, texts), file, texts.scripts).then(() => full), { log });
    }
    files.push(file);
  }
  return files;
}

/** Packages of the site's programs, and aliBuild's, for its repository. */
export async function ensureSitePackages({ dir = join(projectDir, "bin", "packages"), log = say } = {}) {
  const programs = await ensureProgramPackages({ programs: sitePrograms, target: "programs", bundles: join("bin", "programs"), dir, log });
  return [...programs, await ensureAliBuildPackage({ dir, log })];
}

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
