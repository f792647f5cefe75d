/** The stack file and the Pulumi commands on it, as an administrator has them. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { PREFIX } from "./hosts";
import { copyDir, encryptionSalt, LAB, ROOT } from "./places";
import { Running, type Result } from "./processes";
import { tell } from "./steps";

/** The part of the site's declaration that the tests change. */
export interface Site {
    cluster: string;
    hosts: Record<string, Record<string, unknown>>;
    zookeeper: { members: Record<string, number>; [key: string]: unknown };
    masters: { members: string[]; [key: string]: unknown };
    pools: Record<string, Pool>;
    [key: string]: unknown;
}

export interface Pool {
    hosts: string[];
    attributes: Record<string, string>;
    resources: Record<string, unknown>;
    [key: string]: unknown;
}

const NET = process.env["PULUMI_MESOS_LAB_NET"] ?? "10.213.0";

/** The lab's own declaration, as `npm run lab` writes it on a new machine. */
export function baseSite(): Site {
    const text = readFileSync(join(ROOT, "lab", "Pulumi.lab.yaml"), "utf8")
        .replaceAll("/var/lib/pulumi-mesos/lab/", `${LAB}/`)
        .replaceAll("10.213.0.", `${NET}.`)
        .replaceAll(/\bbm(?=[\d[])/g, PREFIX);
    return (parse(text) as { config: { "pulumi-mesos:site": Site } }).config["pulumi-mesos:site"];
}

const marker = (): string => join(copyDir(), ".not-converged");

/** From now on the lab may be other than its declaration: the next test brings it back first. */
export function markChanged(): void {
    writeFileSync(marker(), "");
}

export function markConverged(): void {
    rmSync(marker(), { force: true });
}

export function isChanged(): boolean {
    return existsSync(marker());
}

function writeStack(site: Site): void {
    const text = stringify({ config: { "pulumi-mesos:site": site }, encryptionsalt: encryptionSalt() });
    writeFileSync(join(copyDir(), "Pulumi.lab.yaml"), text);
}

let isBase = false;

/** Writes the stack file with a change; without one, as it is in the beginning. */
export function declare(change?: (site: Site) => void): Site {
    const site = baseSite();
    isBase = change === undefined;
    if (change !== undefined) {
        change(site);
        markChanged();
    }
    writeStack(site);
    return site;
}

/** Starts a Pulumi command the way `npm run -s pulumi --` does. */
export function startPulumi(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    tell(`pulumi ${args.join(" ")}`);
    const all = ["toolchain/pulumi.mjs", ...args, "--stack", "lab", "--color", "never"];
    return new Running(`pulumi ${args[0] ?? ""}`, process.execPath, all, {
        cwd: copyDir(),
        env: { ...process.env, ...env },
    });
}

export function pulumi(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Result> {
    return startPulumi(args, env).ended;
}

export const NOW = ["--yes", "--non-interactive", "--skip-preview", "--suppress-outputs"];

export const startUp = (...more: string[]): Running => startPulumi(["up", ...NOW, ...more]);

/** `pulumi up` that must succeed. @returns what it wrote */
export async function up(...more: string[]): Promise<string> {
    const { code, text } = await startUp(...more).ended;
    if (code !== 0) {
        throw new Error(`pulumi up: exit status ${code}\n${text}`);
    }
    if (isBase && more.includes("--refresh")) {
        markConverged();
    }
    return text;
}

/** `pulumi destroy` that must succeed. @returns what it wrote */
export async function destroy(): Promise<string> {
    markChanged();
    const { code, text } = await pulumi(["destroy", "--yes", "--non-interactive", "--skip-preview"]);
    forgetOutputs();
    if (code !== 0) {
        throw new Error(`pulumi destroy: exit status ${code}\n${text}`);
    }
    return text;
}

/** `pulumi up` that must fail. @returns what it wrote */
export async function failingUp(...more: string[]): Promise<string> {
    const { code, text } = await startUp(...more).ended;
    if (code === 0) {
        throw new Error(`pulumi up succeeded although it should not:\n${text}`);
    }
    return text;
}

export async function preview(...more: string[]): Promise<string> {
    const { code, text } = await pulumi(["preview", "--non-interactive", "--diff", "--suppress-outputs", ...more]);
    if (code !== 0) {
        throw new Error(`pulumi preview: exit status ${code}\n${text}`);
    }
    return text;
}

export interface StackOutputs {
    readonly operator: { readonly principal: string; readonly secret: string };
    readonly frameworks: Readonly<Record<string, { readonly secret: string }>>;
}

let known: StackOutputs | undefined;

/** The stack's outputs with their secrets; they stay the same until the stack is destroyed. */
export async function outputs(): Promise<StackOutputs> {
    if (known === undefined) {
        const { code, text, stdout } = await pulumi(["stack", "output", "--show-secrets", "--json"]);
        if (code !== 0) {
            throw new Error(`pulumi stack output: ${text}`);
        }
        known = JSON.parse(stdout) as StackOutputs;
    }
    return known;
}

export function forgetOutputs(): void {
    known = undefined;
}

export interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly id?: string;
    readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The state as `pulumi stack export` writes it. */
export async function exportState(
    ...more: string[]
): Promise<{ text: string; resources: readonly StateResource[]; pending: readonly unknown[] }> {
    const { code, text, stdout } = await pulumi(["stack", "export", ...more]);
    if (code !== 0) {
        throw new Error(`pulumi stack export: ${text}`);
    }
    const { deployment } = JSON.parse(stdout) as {
        deployment: { resources?: StateResource[]; pending_operations?: unknown[] };
    };
    return { text: stdout, resources: deployment.resources ?? [], pending: deployment.pending_operations ?? [] };
}
