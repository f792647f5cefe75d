// Python environments in the cache, each named after what is in it.
//   node toolchain/python.mjs      makes Ansible's and prints where it is
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensurePackages } from "./debian.mjs";
import { withLock } from "./lock.mjs";
import { cacheDir, digest } from "./places.mjs";
import { Failure, main, run, say, step } from "./steps.mjs";

const requirements = join(dirname(fileURLToPath(import.meta.url)), "requirements.txt");

/** The system's Python: others on the PATH come and go, and an environment with them. */
export const python = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

/**
 * A virtual environment with exactly these pip arguments installed (requirements, or -r FILE).
 * @returns its directory
 */
export async function ensureVenv(name, pipArguments, { what = `Python environment ${name}`, log = say, inputs = [] } = {}) {
  const dir = join(cacheDir(), name, digest({ texts: [python, ...pipArguments], files: inputs }));
  const ready = join(dir, ".ready");
  if (existsSync(ready)) return dir;
  await ensurePackages(venvPackages(), { log });
  mkdirSync(dirname(dir), { recursive: true });
  await withLock(`${dir}.lock`, async () => {
    if (existsSync(ready)) return;
    await step(what, async ({ note }) => {
      rmSync(dir, { recursive: true, force: true }); // scripts in an environment hold its path: no rename at the end
      const logFile = join(cacheDir(), "logs", `${name}.log`);
      await run(python, ["-m", "venv", dir], { logFile, label: "python3 -m venv" });
      await run(join(dir, "bin", "pip"), ["install", "--disable-pip-version-check", "--no-input", ...pipArguments], {
        logFile, label: "pip install", onLine: (line) => note(line.trim().slice(0, 80)),
      });
      await run("touch", [ready]);
    }, { log });
  }, { log });
  return dir;
}

/** Debian's python3 has the venv module, but without python3-venv no pip to put into an environment. */
export function venvPackages() {
  let version = "3.11";
  try {
    version = /python(\d+\.\d+)/.exec(readlinkSync("/usr/bin/python3"))[1]; // a link to python3.N
  } catch {
    // none yet: Debian 12's
  }
  return [
    { file: "/usr/bin/python3", package: "python3" },
    { file: `/usr/lib/python${version}/ensurepip/__init__.py`, package: "python3-venv" },
  ];
}

/** @returns {Promise<{ansiblePlaybook: string, env: Record<string, string>}>} */
export async function ensureAnsible({ log = say } = {}) {
  const given = process.env.PULUMI_MESOS_ANSIBLE_PLAYBOOK;
  if (given) {
    if (!existsSync(given)) throw new Failure(`PULUMI_MESOS_ANSIBLE_PLAYBOOK is ${given}, and there is no such file`);
    return { ansiblePlaybook: given, env: { PULUMI_MESOS_ANSIBLE_PLAYBOOK: given } };
  }
  const hashes = /--hash=/.test(readFileSync(requirements, "utf8")) ? ["--require-hashes"] : [];
  const dir = await ensureVenv("ansible", ["--only-binary", ":all:", ...hashes, "-r", requirements], { what: "Ansible", log, inputs: [requirements] });
  const ansiblePlaybook = join(dir, "bin", "ansible-playbook");
  return { ansiblePlaybook, env: { PULUMI_MESOS_ANSIBLE_PLAYBOOK: ansiblePlaybook } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => console.log((await ensureAnsible()).ansiblePlaybook));
}
