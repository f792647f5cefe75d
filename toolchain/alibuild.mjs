// A Debian package of aliBuild, which Debian does not have: the wheels of PyPI, pinned in alibuild.txt, for the Python of the machine
// that packs it (Debian 12's 3.11) and its architecture.
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packTree } from "./debian.mjs";
import { digest, packageVersion } from "./places.mjs";
import { ensureVenv } from "./python.mjs";
import { run, say, step } from "./steps.mjs";

const requirements = join(dirname(fileURLToPath(import.meta.url)), "alibuild.txt");
const home = "/usr/lib/alibuild";

/** As alibuild.txt has it. */
export const aliBuildVersion = /^alibuild==(\S+)/m.exec(readFileSync(requirements, "utf8"))[1];

const controlOf = (version, architecture, python) => `Package: alibuild
Version: ${version}
Architecture: ${architecture}
Maintainer: pulumi-mesos <root@localhost>
Depends: ${python}, git, rsync
Section: devel
Priority: optional
Description: builds software from recipes, with all that it needs
 aliBuild of the ALICE experiment, as PyPI has it, without its S3 store.
`;

/** @returns path of the package below `dir` */
export async function ensureAliBuildPackage({ dir, log = say }) {
  const { stdout } = await run("dpkg", ["--print-architecture"]);
  const architecture = stdout.trim();
  const sources = digest({ files: [requirements, fileURLToPath(import.meta.url)] });
  const version = packageVersion({ dir, name: "alibuild", version: aliBuildVersion, sources });
  const file = join(dir, `alibuild_${version}_${architecture}.deb`);
  if (existsSync(file)) return file;
  const pip = ["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r", requirements];
  const venv = await ensureVenv("alibuild", pip, { what: "aliBuild", log, inputs: [requirements] });
  mkdirSync(dir, { recursive: true });
  await step("alibuild package", () => pack(venv, version, architecture, file).then(() => version), { log });
  return file;
}

/** An environment of its own below /usr/lib, on the host's Python: what Debian's modules are does not matter to it. */
async function pack(venv, version, architecture, file) {
  const [python] = readdirSync(join(venv, "lib")).map((name) => basename(name));
  const tree = mkdtempSync(join(tmpdir(), "alibuild-"));
  try {
    chmodSync(tree, 0o755);
    const to = join(tree, home);
    for (const made of ["DEBIAN", "usr/bin", join(home, "bin")]) mkdirSync(join(tree, made), { recursive: true });
    writeFileSync(join(tree, "DEBIAN", "control"), controlOf(version, architecture, python));
    writeFileSync(join(to, "pyvenv.cfg"), "home = /usr/bin\ninclude-system-site-packages = false\n");
    symlinkSync(`/usr/bin/${python}`, join(to, "bin", "python3"));
    cpSync(join(venv, "lib"), join(to, "lib"), {
      recursive: true,
      filter: (path) => !/\/(pip|setuptools|pkg_resources|_distutils_hack|__pycache__)(-[^/]*)?$/.test(path) && !path.endsWith("distutils-precedence.pth"),
    });
    const program = readFileSync(join(venv, "bin", "aliBuild"), "utf8").replace(/^#!.*\n/, `#!${home}/bin/python3\n`);
    writeFileSync(join(to, "bin", "aliBuild"), program, { mode: 0o755 });
    symlinkSync(`${home}/bin/aliBuild`, join(tree, "usr/bin/aliBuild"));
    await packTree(tree, file);
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}
