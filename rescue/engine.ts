/** Pulumi's commands on this stack, by the project's own engine. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "../provider/clients/scratch";
import { BackupError } from "./manifest";
import { type Ended, run } from "./processes";

export interface StateResource {
    readonly urn: string;
    readonly type: string;
    readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface State {
    /** As `stack export` writes it, secrets encrypted. */
    readonly text: string;
    readonly resources: readonly StateResource[];
}

export interface StackOutputs {
    readonly operator?: { readonly principal: string; readonly secret: string };
    /** Certificates of the site's own authority, PEM. */
    readonly authorities?: string;
}

interface SecretResource extends StateResource {
    readonly outputs?: { readonly value?: { readonly plaintext?: string } };
}

const SHORT_SEC = 120;
const LONG_SEC = 4 * 3600;

export class Engine {
    public constructor(
        private readonly root: string,
        private readonly stack: string,
    ) {}

    private pulumi(
        args: readonly string[],
        options: { input?: string; loud?: boolean; timeoutSec?: number } = {},
    ): Promise<Ended> {
        const all = [join(this.root, "toolchain", "pulumi.mjs"), ...args, "--stack", this.stack, "--color", "never"];
        return run(process.execPath, all, { cwd: this.root, timeoutSec: SHORT_SEC, ...options });
    }

    private async must(
        args: readonly string[],
        options: { input?: string; loud?: boolean; timeoutSec?: number } = {},
    ): Promise<Buffer> {
        const { code, stdout, stderr } = await this.pulumi(args, options);
        if (code !== 0) {
            const said = options.loud === true ? "what to do is said above" : `${stdout.toString()}\n${stderr}`.trim();
            throw new BackupError(`pulumi ${args.slice(0, 2).join(" ")}: exit status ${code}; ${said}`);
        }
        return stdout;
    }

    /** @returns undefined when there is no such stack, or it holds nothing */
    public async state(): Promise<State | undefined> {
        const { code, stdout, stderr } = await this.pulumi(["stack", "export"]);
        if (code !== 0) {
            if (/no stack named/.test(stderr)) return undefined;
            throw new BackupError(`pulumi stack export: ${stderr.trim()}`);
        }
        const text = stdout.toString();
        const { deployment } = JSON.parse(text) as { deployment?: { resources?: StateResource[] } };
        const resources = deployment?.resources ?? [];
        return resources.length === 0 ? undefined : { text, resources };
    }

    public async select(): Promise<void> {
        const { code, stderr } = await run(
            process.execPath,
            [
                join(this.root, "toolchain", "pulumi.mjs"),
                "stack",
                "select",
                "--create",
                "--non-interactive",
                this.stack,
            ],
            { cwd: this.root, timeoutSec: SHORT_SEC },
        );
        if (code !== 0) throw new BackupError(`pulumi stack select: ${stderr.trim()}`);
    }

    public async importState(text: string): Promise<void> {
        await this.select();
        const dir = mkdtempSync(join(scratch(), "state-"));
        try {
            writeFileSync(join(dir, "state.json"), text, { mode: 0o600 });
            await this.must(["stack", "import", "--file", join(dir, "state.json")]);
        } finally {
            rmSync(dir, { recursive: true, force: true });
        }
    }

    /** Looks only at these resources. */
    public async refresh(urns: readonly string[]): Promise<void> {
        const now = ["--yes", "--non-interactive", "--skip-preview", "--suppress-outputs"];
        await this.must(["refresh", ...now, ...urns.flatMap((urn) => ["--target", urn])], { timeoutSec: LONG_SEC });
    }

    /** @param loud whether its lines are shown while it runs @returns how many resources it changed */
    public async up(loud: boolean, ...more: string[]): Promise<number> {
        const now = ["--yes", "--non-interactive", "--skip-preview", "--suppress-outputs", "--suppress-permalink=true"];
        const said = (await this.must(["up", ...now, ...more], { loud, timeoutSec: LONG_SEC })).toString();
        return [...said.matchAll(/^ +[-+~]+ (\d+) \w+/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    }

    public async outputs(): Promise<StackOutputs> {
        return JSON.parse(
            (await this.must(["stack", "output", "--show-secrets", "--json"])).toString(),
        ) as StackOutputs;
    }

    /** A secret of the site: generated and in the state, or given in the stack's configuration. */
    public async secret(name: string): Promise<string | undefined> {
        const exported = await this.must(["stack", "export", "--show-secrets"]);
        const { deployment } = JSON.parse(exported.toString()) as { deployment: { resources?: SecretResource[] } };
        const own = deployment.resources?.find(
            ({ type, urn }) => type === "mesos:index:GeneratedSecret" && urn.endsWith(`::${name}`),
        );
        if (own?.outputs?.value?.plaintext !== undefined) return JSON.parse(own.outputs.value.plaintext) as string;
        return this.given(name);
    }

    /**
     * A secret that the stack's configuration has. The engine reads the stack file only of a stack that it knows: one that was lost
     * is made anew, empty.
     */
    public async given(name: string): Promise<string | undefined> {
        const get = (): Promise<Ended> => this.pulumi(["config", "get", name]);
        let said = await get();
        if (said.code !== 0 && /no stack named/.test(said.stderr)) {
            await this.select();
            said = await get();
        }
        return said.code === 0 ? said.stdout.toString().trim() : undefined;
    }

    /** Secrets that the stack must be told and is not, with the command for each. */
    public async missing(names: readonly string[]): Promise<string[]> {
        const lines: string[] = [];
        // One after the other: only the first may have to make the stack.
        for (const name of names)
            if ((await this.given(name)) === undefined)
                lines.push(`the stack has no secret ${name}: pulumi config set -s ${this.stack} --secret ${name}`);
        return lines;
    }

    public async setSecret(name: string, value: string): Promise<void> {
        await this.must(["config", "set", "--secret", name], { input: value });
    }
}
