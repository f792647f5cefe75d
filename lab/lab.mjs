// A whole Mesos site on this machine:
//   npm run lab             makes what is missing, brings the site to its declared state, shows it
//   npm run lab:status      shows it; -- --json for programs. Exit status 1 when something is wrong
//   npm run lab:down        removes it; -- --all: also what was made once (tree, packages, caches)
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "../toolchain/debian.mjs";
import { engineDir, ensureEngine } from "../toolchain/engine.mjs";
import { cacheDir, projectDir } from "../toolchain/places.mjs";
import { checkNode, ensureBundle, ensureModules } from "../toolchain/project.mjs";
import { ensureAnsible, venvPackages } from "../toolchain/python.mjs";
import { clearDeadLocks, preparePulumi, pulumi } from "../toolchain/pulumi.mjs";
import { Failure, main, run, say, step, stopChildren } from "../toolchain/steps.mjs";
import { checkMachine, down as hostsDown, outerPackages, up as hostsUp } from "./hosts.mjs";
import { mesosBuildPackages } from "./mesos.mjs";
import { localized, readSettings } from "./settings.mjs";
import { readStatus, statusTable } from "./status.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const stack = "lab";
const hostCount = 6;

async function up() {
  const begun = Date.now();
  checkNode();
  const settings = readSettings();
  await checkMachine(settings);
  // Backups are encrypted and opened on this machine.
  const age = { command: "age", package: "age" };
  await ensurePackages([...outerPackages, age, ...mesosBuildPackages, ...venvPackages()]);
  // The engine takes minutes of both cores the first time, the rest mostly waits for the network.
  const [fresh] = await together([
    hostsUp(hostCount, { settings }),
    ensureEngine(),
    ensureModules().then(() => ensureBundle()),
    ensureAnsible(),
  ]);
  const prepared = await preparePulumi();
  placeStackFile(settings);
  const quiet = { cwd: projectDir, env: prepared.env };
  await step(`stack ${stack}`, () => run(prepared.pulumi, ["stack", "select", "--create", "--non-interactive", stack], quiet).then(() => ""));
  say("pulumi up");
  const args = ["up", "--stack", stack, "--yes", "--skip-preview", "--non-interactive", "--suppress-permalink=true", "--suppress-outputs"];
  // Hosts that have been off or made anew may not be what the state remembers.
  if (fresh > 0) args.push("--refresh");
  const code = await pulumi(args, { prepared, cwd: projectDir });
  if (code !== 0) throw new Failure(`pulumi up: exit status ${code}; what to do is said above. Run "npm run lab" again to go on from there`);
  const status = await settled(prepared);
  console.log(`\n${statusTable(status)}\n`);
  say(`done in ${Math.round((Date.now() - begun) / 1000)} s. Look: npm run lab:status; change: npm run -s pulumi -- preview -s ${stack} --diff; end: npm run lab:down`);
  return status.problems.length === 0 ? 0 : 1;
}

// All at once; the first failure ends the others' programs instead of waiting for them.
async function together(works) {
  try {
    return await Promise.all(works);
  } catch (error) {
    stopChildren();
    await Promise.allSettled(works);
    throw error;
  }
}

/** The lab's stack file, once: from then on it is the user's. */
function placeStackFile(settings) {
  const to = join(projectDir, `Pulumi.${stack}.yaml`);
  if (existsSync(to)) return;
  writeFileSync(to, localized(readFileSync(join(here, `Pulumi.${stack}.yaml`), "utf8"), settings));
  say(`wrote ${to}: the lab's site, yours to change`);
}

async function outputs({ pulumi: program, env }) {
  const { code, stdout, stderr } = await run(program, ["stack", "output", "--show-secrets", "--json", "--stack", stack], { cwd: projectDir, env, allowFailure: true });
  if (code !== 0) throw new Failure(`the lab is not up: ${stderr.trim().replace(/^error: /, "")}. Start it with "npm run lab"`);
  const site = JSON.parse(stdout);
  if (!site.endpoints) throw new Failure('the stack has no endpoints yet: its first "npm run lab" has not come to its end');
  return site;
}

// Right after a change an agent may still be about to register again.
async function settled(prepared, patience = 30_000) {
  const site = await outputs(prepared);
  for (const end = Date.now() + patience; ; await sleep(1000)) {
    const status = await readStatus(site);
    if (status.problems.length === 0 || Date.now() > end) return status;
  }
}

async function status({ json }) {
  const state = await readStatus(await outputs(await preparePulumi()));
  console.log(json ? JSON.stringify(state, null, 2) : statusTable(state));
  return state.problems.length === 0 ? 0 : 1;
}

async function down({ all }) {
  const settings = readSettings();
  await hostsDown({ disks: true, all, settings });
  // Not built for this: without an engine there has been no stack.
  if ((process.env.PULUMI_MESOS_ENGINE ?? "auto") === "installed" || existsSync(engineDir()) || installedKnown()) {
    const { pulumi: program, env } = await ensureEngine();
    clearDeadLocks(env.PULUMI_BACKEND_URL);
    await step(`stack ${stack}: forgotten`, async () => {
      const { code, stderr } = await run(program, ["stack", "rm", stack, "--force", "--yes", "--preserve-config", "--non-interactive"], { cwd: projectDir, env, allowFailure: true });
      if (code !== 0 && !/no stack named|not found/.test(stderr)) throw new Failure(stderr.trim());
    });
  }
  if (all) {
    rmSync(cacheDir(), { recursive: true, force: true });
    rmSync(settings.dir, { recursive: true, force: true });
  }
  return 0;
}

const installedKnown = () => existsSync(join(cacheDir(), "engine", "installed.json"));

const verbs = { up, status, down };
const [verb, ...rest] = process.argv.slice(2);
await main(() => {
  if (!verbs[verb]) throw new Failure("usage: node lab/lab.mjs up | status [--json] | down [--all]");
  return verbs[verb]({ json: rest.includes("--json"), all: rest.includes("--all") });
});
