/** One `ansible-playbook` run for a group of hosts: files, packages and units, as planned. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import { hostRequest, type Left, missingArtifacts, missingPackages, type Observation } from "../host/inspect";
import { UserError } from "../resources/resource";
import { TEMPLATES } from "../templates";
import { scratch } from "./scratch";
import { quoted, sshOptions, userOf } from "./ssh";

export interface Job {
    readonly config: HostConfigInputs;
    readonly seen: Observation;
    readonly remove?: boolean;
    /** Paths to remove while the units are stopped. */
    readonly forget?: readonly string[];
    /** What was the service's before and is no longer. */
    readonly left?: Left | undefined;
}

/** What was changed on the host, or why it was not. */
export type Outcome = { readonly changes: readonly string[] } | { readonly error: HostError };

export interface Ansible {
    /** @returns one outcome per host, in the order of the jobs; it rejects only when Ansible itself cannot run */
    run(jobs: readonly Job[], onChange: (host: string, changes: readonly string[]) => void): Promise<Outcome[]>;
}

/** Longest time for one run, seconds: a first converge fetches some hundred MB of packages. */
const RUN_TIMEOUT_SEC = 1800;

function phaseOf({ config, seen, remove }: Job): "all" | "install" | "remove" {
    if (remove === true) {
        return "remove";
    }
    return missingPackages(config, seen).length + missingArtifacts(config, seen).length > 0 ? "install" : "all";
}

/** The variables of one host. Contents are in base64, so that nothing in them is taken for a Jinja expression. */
export function hostVariables(job: Job): Record<string, unknown> {
    const { config, seen } = job;
    const { connection } = config;
    const debian = seen.os === "debian" || seen.os === "ubuntu";
    const contents = Object.entries(config.files).map(([path, { content }]) => [
        path,
        Buffer.from(content).toString("base64"),
    ]);
    return {
        ansible_host: connection.address,
        ansible_port: connection.port ?? 22,
        ansible_user: userOf(connection),
        ansible_become: userOf(connection) !== "root",
        ansible_ssh_common_args: sshOptions(connection).map(quoted).join(" "),
        phase: phaseOf(job),
        request: hostRequest(config, job.forget, job.left),
        contents: job.remove === true ? {} : Object.fromEntries(contents),
        package_manager: debian ? "apt" : "dnf",
        install: missingPackages(config, seen),
        artifacts: missingArtifacts(config, seen).map((artifact) => ({
            ...artifact,
            suffix: artifact.kind === "tarball" ? ".tar.gz" : debian ? ".deb" : ".rpm",
        })),
    };
}

/** A result line of `callback_plugins/json_lines.py`. */
interface Line {
    readonly host: string;
    readonly task: string;
    readonly status: "ok" | "failed" | "unreachable";
    readonly changed: boolean;
    readonly changes: readonly string[];
    readonly message: string;
}

/** Ansible puts the role before the task: "host : Debian packages". */
function taskName({ task }: Line): string {
    return task.replace(/^.* : /, "").toLowerCase();
}

/** Ansible's longer messages, cut to what helps. */
function failure(line: Line): HostError {
    const step = taskName(line);
    if (line.status === "unreachable") {
        return new HostError(
            line.host,
            step,
            `lost the connection (${line.message.trim().split("\n").pop() ?? ""})`,
            "check power, network and disk of the host, then run again",
        );
    }
    const full = /no space left on device/i.exec(line.message);
    const text = line.message.trim() || "failed without a message";
    return new HostError(
        line.host,
        step,
        text,
        full === null ? undefined : "free some space on the host, then run again",
    );
}

/** The programs that run now, to be ended when the plugin must go. */
const running = new Set<number>();

export function endRuns(): void {
    for (const pid of running) {
        try {
            process.kill(-pid, "SIGKILL");
        } catch {
            // It has ended in the meantime.
        }
    }
}

export const ansiblePlaybook: Ansible = {
    run(jobs, onChange) {
        const dir = mkdtempSync(join(scratch(), "run-"));
        const hosts = Object.fromEntries(jobs.map((job) => [job.config.host, hostVariables(job)]));
        const inventory = join(dir, "inventory.json");
        writeFileSync(inventory, JSON.stringify({ all: { hosts } }), { mode: 0o600 });
        const program = process.env["PULUMI_MESOS_ANSIBLE_PLAYBOOK"] ?? "ansible-playbook";
        const changes = new Map<string, string[]>(jobs.map(({ config }) => [config.host, []]));
        const errors = new Map<string, HostError>();
        const finished = new Set<string>();
        let noise = "";

        return new Promise<Outcome[]>((resolve, reject) => {
            const child = spawn(program, ["-i", inventory, "--forks", String(Math.min(jobs.length, 32)), "host.yml"], {
                cwd: TEMPLATES,
                detached: true,
                stdio: ["ignore", "pipe", "pipe"],
                env: {
                    ...process.env,
                    ANSIBLE_CONFIG: join(TEMPLATES, "ansible.cfg"),
                    ANSIBLE_LOCAL_TEMP: dir,
                    ANSIBLE_SSH_CONTROL_PATH_DIR: join(scratch(), "cp"),
                    ANSIBLE_SSH_ARGS: "-o ControlMaster=auto -o ControlPersist=30s",
                    ANSIBLE_NOCOLOR: "1",
                },
            });
            const pid = child.pid;
            if (pid !== undefined) {
                running.add(pid);
            }
            const timer = setTimeout(() => {
                noise = `Ansible was stopped after ${RUN_TIMEOUT_SEC} s`;
                endRuns();
            }, RUN_TIMEOUT_SEC * 1000);
            const take = (text: string): void => {
                let line: Line;
                try {
                    line = JSON.parse(text) as Line;
                } catch {
                    noise += `${text}\n`;
                    return;
                }
                finished.add(line.host);
                if (line.status !== "ok") {
                    errors.set(line.host, failure(line));
                } else if (line.changed) {
                    const done = line.changes.length > 0 ? line.changes : [`${taskName(line)}: done`];
                    changes.get(line.host)?.push(...done);
                    onChange(line.host, done);
                }
            };
            createInterface(child.stdout).on("line", take);
            child.stderr.setEncoding("utf8").on("data", (text: string) => (noise += text));
            child.on("error", (error) => {
                clearTimeout(timer);
                reject(
                    new UserError(
                        `cannot run ${program}: ${error.message}\n  fix: install ansible-core, or run Pulumi by \`npm run pulumi\`, which brings it`,
                    ),
                );
            });
            // "exit", not "close": ssh's ControlPersist process keeps the pipes open for a while.
            child.on("exit", () => {
                clearTimeout(timer);
                if (pid !== undefined) {
                    running.delete(pid);
                }
                setTimeout(() => {
                    rmSync(dir, { recursive: true, force: true });
                    resolve(
                        jobs.map(({ config: { host } }) => {
                            const error = errors.get(host);
                            if (error !== undefined) {
                                return { error };
                            }
                            if (!finished.has(host)) {
                                const why = noise.trim().slice(-1500) || "Ansible ended without a result";
                                return { error: new HostError(host, "configure", why) };
                            }
                            return { changes: changes.get(host) ?? [] };
                        }),
                    );
                }, 50);
            });
        });
    },
};
