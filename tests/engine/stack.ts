/** A stack of the real engine in a folder of its own: file backend, the program's bundle, the plugin over fake hosts. */
import { spawnSync } from "node:child_process";
import {
    chmodSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { bundleFake } from "./fakes";

const root = join(__dirname, "..", "..");

export type Site = Record<string, unknown>;

/** The site of a stack file of this project. */
export function siteOf(file: string): Site {
    const stack = parse(readFileSync(join(root, file), "utf8")) as { config: Record<string, Site> };
    return stack.config["pulumi-mesos:site"] ?? {};
}

export interface Result {
    readonly ok: boolean;
    /** Standard output and error, without colours. */
    readonly text: string;
}

export interface ToolResult {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

export class Stack {
    public readonly dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-engine-"));
    public readonly hosts = join(this.dir, "hosts");

    public constructor(site: Site) {
        const plugin = join(this.dir, "plugin");
        for (const dir of [this.hosts, plugin, join(this.dir, "state")]) {
            mkdirSync(dir);
        }
        symlinkSync(join(root, "node_modules"), join(this.dir, "node_modules"));
        const project = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8")) as Record<string, unknown>;
        const plugins = { providers: [{ name: "mesos", path: "./plugin" }] };
        writeFileSync(
            join(this.dir, "Pulumi.yaml"),
            stringify({ ...project, main: join(root, "bin", "index.js"), plugins }),
        );
        const bundle = join(plugin, "plugin.js");
        bundleFake("plugin", bundle);
        symlinkSync(join(root, "ansible-templates"), join(this.dir, "ansible-templates"));
        writeFileSync(join(plugin, "pulumi-resource-mesos"), `#!/bin/sh\nexec node ${bundle} "$@"\n`);
        chmodSync(join(plugin, "pulumi-resource-mesos"), 0o755);
        this.declare(site);
        this.pulumi("stack", "init", "test");
    }

    /** Writes the stack file; what else is in it (the engine's salt, other values) stays. */
    public declare(site: Site): void {
        const file = join(this.dir, "Pulumi.test.yaml");
        const present = existsSync(file) ? (parse(readFileSync(file, "utf8")) as { config?: object }) : {};
        writeFileSync(file, stringify({ ...present, config: { ...present.config, "pulumi-mesos:site": site } }));
    }

    private node(...args: string[]): ToolResult {
        const { status, stdout, stderr } = spawnSync(process.execPath, args, {
            encoding: "utf8",
            timeout: 300_000,
            maxBuffer: 1 << 28,
            env: this.env(),
        });
        return { status, stdout, stderr };
    }

    /** What a program needs to work on this stack. */
    public env(): NodeJS.ProcessEnv {
        return {
            ...process.env,
            PULUMI_BACKEND_URL: `file://${join(this.dir, "state")}`,
            PULUMI_CONFIG_PASSPHRASE: "only for the tests",
            FAKE_HOSTS: this.hosts,
            // Never asked: a preview of virtual machines needs no OpenStack.
            OS_AUTH_URL: "http://127.0.0.1:1/v3",
        };
    }

    public pulumi(...args: string[]): Result {
        const program = join(root, "toolchain", "pulumi.mjs");
        const done = this.node(program, "-C", this.dir, ...args, "--color", "never", "--non-interactive");
        return { ok: done.status === 0, text: `${done.stdout}${done.stderr}` };
    }

    /** One of the project's own programs, on this stack. */
    public tool(name: string, ...args: string[]): ToolResult {
        return this.node(join(root, "toolchain", "tool.mjs"), name, "-s", "test", "-C", this.dir, ...args);
    }

    public preview(...args: string[]): Result {
        return this.pulumi("preview", "-s", "test", "--diff", ...args);
    }

    public up(...args: string[]): Result {
        return this.pulumi("up", "-s", "test", "--yes", "--skip-preview", ...args);
    }

    /** What was done to the hosts since the last call, in order. */
    public done(): string[] {
        const log = join(this.hosts, "log");
        const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
        rmSync(log, { force: true });
        return lines;
    }

    public editFile(host: string, path: string, content: string): void {
        const file = join(this.hosts, `${host}.json`);
        const there = JSON.parse(readFileSync(file, "utf8")) as { files: Record<string, { content: string }> };
        const edited = there.files[path];
        if (edited === undefined) {
            throw new Error(`${host} has no ${path}`);
        }
        edited.content = content;
        writeFileSync(file, JSON.stringify(there));
    }

    /** The clock of what makes certificates. */
    public setDays(days: number): void {
        writeFileSync(join(this.hosts, "days"), String(days));
    }

    /** The host's agent starts, but never registers. */
    public setIll(host: string, ill: boolean): void {
        const mark = join(this.hosts, `${host}.json.ill`);
        if (ill) {
            writeFileSync(mark, "");
        } else {
            rmSync(mark);
        }
    }

    /** SSH to the host fails. */
    public setDead(host: string, dead: boolean): void {
        const mark = join(this.hosts, `${host}.json.dead`);
        if (dead) {
            writeFileSync(mark, "");
        } else {
            rmSync(mark);
        }
    }

    public remove(): void {
        rmSync(this.dir, { recursive: true, force: true });
    }
}
