/** The stacks of this tier: their files, their state in the run's own folder, and the Pulumi commands on them. */
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
export const CLOUDS_FILE = "/var/lib/pulumi-mesos/openstack/clouds.yaml";

export interface CloudSite extends Site {
    openstack: Record<string, Record<string, unknown>>;
}

interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly id?: string;
}

export interface Outputs {
    readonly operator: { readonly principal: string; readonly secret: string };
}

const NOW = ["--yes", "--non-interactive", "--skip-preview"];

/** How long the slowest of each kind of resource took, from what `up` has said: where the time goes. */
export function slowest(text: string): string {
    const seconds = new Map<string, number[]>();
    for (const [, kind = "", amount = "", unit] of text.matchAll(/:(\w+) +\S+ created \((\d+(?:\.\d+)?)(ms|s)\)/g)) {
        seconds.set(kind, [...(seconds.get(kind) ?? []), Number(amount) / (unit === "ms" ? 1000 : 1)]);
    }
    return [...seconds].map(([kind, all]) => `${all.length} ${kind} at most ${Math.max(...all)} s`).join("; ");
}

/** One stack. */
export class Stack {
    /**
     * @param name The stack's name
     * @param source Path of the stack file that every declaration begins from
     * @param cloudsFile Where the clouds' credentials are
     */
    public constructor(
        private readonly name: string,
        private readonly source: string,
        private readonly cloudsFile = (): string => CLOUDS_FILE,
    ) {}

    /** Writes the stack file with a change; without one, as its source is. */
    public declare(change: (site: CloudSite) => void = () => undefined): void {
        const file = join(copyDir(), `Pulumi.${this.name}.yaml`);
        const text = readFileSync(this.source, "utf8");
        const site = (parse(text) as { config: { "pulumi-mesos:site": CloudSite } }).config["pulumi-mesos:site"];
        change(site);
        const salt = existsSync(file) ? /^encryptionsalt: .*$/m.exec(readFileSync(file, "utf8"))?.[0] : undefined;
        writeFileSync(file, `${stringify({ config: { "pulumi-mesos:site": site } })}${salt ?? ""}\n`);
    }

    /** A Pulumi command the way `npm run -s pulumi --` runs it. */
    public start(args: readonly string[], timeoutSec = 1100): Running {
        tell(`pulumi ${args.join(" ")}`);
        const state = join(copyDir(), "state");
        mkdirSync(state, { recursive: true });
        const all = ["toolchain/pulumi.mjs", ...args, "--stack", this.name, "--color", "never"];
        return new Running(`pulumi ${args[0] ?? ""}`, process.execPath, all, {
            cwd: copyDir(),
            timeoutSec,
            env: {
                ...process.env,
                PULUMI_BACKEND_URL: pathToFileURL(state).href,
                PULUMI_CONFIG_PASSPHRASE: "hybrid",
                OS_CLIENT_CONFIG_FILE: this.cloudsFile(),
            },
        });
    }

    public run(...args: string[]): Promise<Result> {
        return this.start(args).ended;
    }

    /** A Pulumi command that must succeed. @returns what it wrote */
    private async succeeds(...args: string[]): Promise<Result> {
        const result = await this.run(...args);
        if (result.code !== 0) {
            throw new Error(`pulumi ${args[0] ?? ""}: exit status ${result.code}\n${result.text}`);
        }
        return result;
    }

    public async init(): Promise<void> {
        await this.succeeds("stack", "init");
    }

    public startUp(...more: string[]): Running {
        return this.start(["up", ...NOW, "--suppress-outputs", ...more]);
    }

    /** An `up` that must fail. @returns what it says */
    public async upFails(...more: string[]): Promise<string> {
        const { code, text } = await this.startUp(...more).ended;
        if (code === 0) {
            throw new Error(`pulumi up ended well\n${text}`);
        }
        return text;
    }

    public async up(...more: string[]): Promise<string> {
        return (await this.succeeds("up", ...NOW, "--suppress-outputs", ...more)).text;
    }

    public async destroy(): Promise<string> {
        return (await this.succeeds("destroy", ...NOW)).text;
    }

    public async preview(...more: string[]): Promise<string> {
        return (await this.succeeds("preview", "--non-interactive", "--diff", "--suppress-outputs", ...more)).text;
    }

    /** Nothing to do, seen three times in a row: by a preview, an `up`, and an `up` that looks at everything first. */
    public async changesNothing(): Promise<void> {
        await this.preview("--expect-no-changes");
        await this.up("--expect-no-changes");
        await this.up("--refresh", "--expect-no-changes");
    }

    /** Ids of the state's OpenStack resources, by type, such as `compute/instance:Instance`. */
    public async idsInState(): Promise<Map<string, string[]>> {
        const { deployment } = JSON.parse((await this.succeeds("stack", "export")).stdout) as {
            deployment: { resources?: StateResource[] };
        };
        const byType = new Map<string, string[]>();
        for (const { type, id = "" } of deployment.resources ?? []) {
            const short = type.replace(/^openstack:/, "");
            byType.set(short, [...(byType.get(short) ?? []), id]);
        }
        return byType;
    }

    public async outputs(): Promise<Outputs> {
        return JSON.parse((await this.succeeds("stack", "output", "--show-secrets", "--json")).stdout) as Outputs;
    }
}

/** The hybrid site, as an administrator has it from `npm run lab:openstack`. */
export const hybrid = new Stack("lab-openstack", join(ROOT, "lab", "Pulumi.lab-openstack.yaml"));
