/** The hybrid site's stack: its file, its state in the run's own folder, and the Pulumi commands on it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parse, stringify } from "yaml";
import { copyDir, ROOT } from "../../e2e/support/places";
import { type Result, Running } from "../../e2e/support/processes";
import type { Site } from "../../e2e/support/stack";
import { tell } from "../../e2e/support/steps";

/** As in lab/settings.mjs. */
export const HYBRID = "/var/lib/pulumi-mesos/hybrid";
const CLOUDS_FILE = "/var/lib/pulumi-mesos/openstack/clouds.yaml";
const STACK = "lab-openstack";

export interface HybridSite extends Site {
    openstack: Record<string, Record<string, unknown>>;
}

const file = (): string => join(copyDir(), `Pulumi.${STACK}.yaml`);

/** Writes the stack file with a change; without one, as it is in lab/. */
export function declare(change: (site: HybridSite) => void = () => undefined): void {
    const text = readFileSync(join(ROOT, "lab", `Pulumi.${STACK}.yaml`), "utf8");
    const site = (parse(text) as { config: { "pulumi-mesos:site": HybridSite } }).config["pulumi-mesos:site"];
    change(site);
    const salt = existsSync(file()) ? /^encryptionsalt: .*$/m.exec(readFileSync(file(), "utf8"))?.[0] : undefined;
    writeFileSync(file(), `${stringify({ config: { "pulumi-mesos:site": site } })}${salt ?? ""}\n`);
}

/** A Pulumi command the way `npm run -s pulumi --` runs it. */
export function startPulumi(args: readonly string[], timeoutSec = 1100): Running {
    tell(`pulumi ${args.join(" ")}`);
    const state = join(copyDir(), "state");
    mkdirSync(state, { recursive: true });
    const all = ["toolchain/pulumi.mjs", ...args, "--stack", STACK, "--color", "never"];
    return new Running(`pulumi ${args[0] ?? ""}`, process.execPath, all, {
        cwd: copyDir(),
        timeoutSec,
        env: {
            ...process.env,
            PULUMI_BACKEND_URL: pathToFileURL(state).href,
            PULUMI_CONFIG_PASSPHRASE: "hybrid",
            OS_CLIENT_CONFIG_FILE: CLOUDS_FILE,
        },
    });
}

export const pulumi = (...args: string[]): Promise<Result> => startPulumi(args).ended;

/** A Pulumi command that must succeed. @returns what it wrote */
async function succeeds(args: readonly string[]): Promise<string> {
    const { code, text } = await startPulumi(args).ended;
    if (code !== 0) {
        throw new Error(`pulumi ${args[0] ?? ""}: exit status ${code}\n${text}`);
    }
    return text;
}

const NOW = ["--yes", "--non-interactive", "--skip-preview"];

export const startUp = (...more: string[]): Running => startPulumi(["up", ...NOW, "--suppress-outputs", ...more]);
export const up = (...more: string[]): Promise<string> => succeeds(["up", ...NOW, "--suppress-outputs", ...more]);
export const destroy = (): Promise<string> => succeeds(["destroy", ...NOW]);
export const preview = (...more: string[]): Promise<string> =>
    succeeds(["preview", "--non-interactive", "--diff", "--suppress-outputs", ...more]);

interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly id?: string;
}

/** Ids of the state's resources of a type, such as `compute/instance:Instance`. */
export async function idsInState(type: string): Promise<string[]> {
    const { stdout, text, code } = await pulumi("stack", "export");
    if (code !== 0) {
        throw new Error(`pulumi stack export: ${text}`);
    }
    const { deployment } = JSON.parse(stdout) as { deployment: { resources?: StateResource[] } };
    const all = (deployment.resources ?? []).filter((one) => one.type === `openstack:${type}`);
    return all.map(({ id = "" }) => id);
}

export interface Outputs {
    readonly operator: { readonly principal: string; readonly secret: string };
}

export async function outputs(): Promise<Outputs> {
    const { code, text, stdout } = await pulumi("stack", "output", "--show-secrets", "--json");
    if (code !== 0) {
        throw new Error(`pulumi stack output: ${text}`);
    }
    return JSON.parse(stdout) as Outputs;
}
