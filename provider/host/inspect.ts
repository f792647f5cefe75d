/** One look at a host, through one SSH exec: what is there of what was planned, and may it be changed at all. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Ssh } from "../clients/ssh";
import { TEMPLATES } from "../templates";
import type { HostConfigInputs } from "./config";
import { HostError } from "./errors";

export interface FileState {
    readonly sha256: string;
    readonly mode: string;
    readonly owner: string;
    readonly group: string;
}

export interface UnitState {
    readonly enabled: boolean;
    readonly active: boolean;
    /** systemd's own words, e.g. "failed (Result: exit-code)". */
    readonly state: string;
    /** It runs with files or packages older than what lies on the disk. */
    readonly stale: boolean;
}

/** What `host_state.py` answers. */
export interface Observation {
    readonly os: string;
    readonly osVersion: string;
    readonly osName: string;
    readonly uid: number;
    readonly systemd: boolean;
    /** Seconds since 1970 by the host's clock. */
    readonly time: number;
    readonly cgroup: "v1" | "v2";
    readonly freeMiB: Readonly<Record<string, number>>;
    readonly packages: Readonly<Record<string, string>>;
    readonly files: Readonly<Record<string, FileState | null>>;
    /** Base64 of the files whose content is not as planned. */
    readonly contents: Readonly<Record<string, string>>;
    readonly directories: Readonly<Record<string, Omit<FileState, "sha256">>>;
    readonly users: Readonly<Record<string, number>>;
    readonly units: Readonly<Record<string, UnitState>>;
    readonly artifacts: readonly string[];
    /** Those of the paths in {@link dataPaths} that exist. */
    readonly present: readonly string[];
    /** Of the data volume, where there is one. */
    readonly volume?: VolumeState;
}

export interface VolumeState {
    readonly state: "mounted" | "formatted" | "blank" | "foreign" | "missing";
    /** What is there instead, in words. */
    readonly detail: string;
}

/** The request that both `inspect` and the Ansible module take. It holds digests, never contents. */
export interface HostRequest {
    readonly files: Readonly<Record<string, FileState>>;
    readonly directories: HostConfigInputs["directories"];
    readonly users: HostConfigInputs["users"];
    readonly packages: HostConfigInputs["packages"];
    readonly artifacts: readonly { readonly sha256: string }[];
    readonly units: HostConfigInputs["units"];
    readonly freeMiB: Readonly<Record<string, number>>;
    readonly probe: readonly string[];
    /** Removed while the unit is stopped, so that it starts as a new agent. */
    readonly forget: readonly string[];
    /** What was this service's before and is no longer: units are stopped and files removed. */
    readonly left?: Left;
    readonly volume?: HostConfigInputs["volume"];
}

export interface Left {
    readonly units: readonly string[];
    readonly files: readonly string[];
}

/** What a service had on its host and has no more; undefined for nothing. */
export function leftOf(before: HostConfigInputs | undefined, after: HostConfigInputs): Left | undefined {
    if (before === undefined) return undefined;
    const gone = (had: object, has: object): string[] => Object.keys(had).filter((name) => !(name in has));
    const left = { units: gone(before.units, after.units), files: gone(before.files, after.files) };
    return left.units.length + left.files.length > 0 ? left : undefined;
}

/** SHA-256 of a text, in hex. */
export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The link to an agent's checkpointed identity: without it the agent registers as a new one. */
export function agentIdentity(config: HostConfigInputs): string[] {
    return config.service.kind === "mesosAgent" ? [`${config.service.workDir}/meta/slaves/latest`] : [];
}

/** Where a service keeps what it must not lose; what is there tells a member with a past from a newcomer. */
export function dataPaths(config: HostConfigInputs): string[] {
    return config.service.kind === "zookeeper"
        ? Object.keys(config.directories).map((path) => `${path}/version-2`)
        : agentIdentity(config);
}

export function hostRequest(config: HostConfigInputs, forget: readonly string[] = [], left?: Left): HostRequest {
    return {
        files: Object.fromEntries(
            Object.entries(config.files).map(([path, { content, mode, owner, group }]) => [
                path,
                { sha256: digest(content), mode, owner, group },
            ]),
        ),
        directories: config.directories,
        users: config.users,
        packages: config.packages,
        artifacts: config.artifacts.map(({ sha256 }) => ({ sha256 })),
        units: config.units,
        freeMiB: config.preflight.freeMiB,
        probe: dataPaths(config),
        forget,
        ...(left && { left }),
        ...(config.volume === undefined ? {} : { volume: config.volume }),
    };
}

let hostModule: string | undefined;

/** The Ansible module's text, read once: it is both the eye and the hand. */
function moduleText(): string {
    hostModule ??= readFileSync(join(TEMPLATES, "library", "host_state.py"), "utf8").replace(
        /\nif __name__[\s\S]*$/,
        "\n",
    );
    return hostModule;
}

export async function inspect(ssh: Ssh, config: HostConfigInputs, step: string): Promise<Observation> {
    const request = JSON.stringify(JSON.stringify(hostRequest(config)));
    const script = `${moduleText()}\nprint(json.dumps(inspect(json.loads(${request}))))\n`;
    const run = ssh.run(config.host, config.connection, "python3 -", { step, stdin: script, timeoutSec: 60 });
    const output = await run.catch((error: unknown) => {
        if (error instanceof HostError && /python3.*not found/.test(error.message)) {
            throw new HostError(
                config.host,
                step,
                "Python 3 is missing",
                "install python3 on the host (apt-get install python3)",
            );
        }
        throw error;
    });
    try {
        return JSON.parse(output) as Observation;
    } catch {
        throw new HostError(config.host, step, `the host answered what is no JSON: ${output.slice(0, 200)}`);
    }
}

/** Everything that forbids a change on this host, all at once. */
export function preflightFaults(config: HostConfigInputs, seen: Observation): string[] {
    const { os, freeMiB, cgroup } = config.preflight;
    const faults: string[] = [];
    const versions = os[seen.os];
    if (
        versions === undefined ||
        (versions.length > 0 && !versions.some((v) => v === seen.osVersion || seen.osVersion.startsWith(`${v}.`)))
    ) {
        const allowed = Object.entries(os).map(([id, list]) => [id, list.join(", ")].join(" ").trim());
        faults.push(`the host runs ${seen.osName}; supported: ${allowed.join("; ")}`);
    }
    if (seen.uid !== 0) {
        faults.push(
            `user ${config.connection.user ?? "root"} is not root and cannot become it without a password; allow it in sudoers`,
        );
    }
    if (!seen.systemd) {
        faults.push("systemd is not the host's init");
    }
    if (cgroup !== "any" && cgroup !== seen.cgroup) {
        const argument = cgroup === "v1" ? "systemd.unified_cgroup_hierarchy=0" : "systemd.unified_cgroup_hierarchy=1";
        faults.push(
            `the host has cgroup ${seen.cgroup}, this Mesos needs ${cgroup}; add ${argument} to the kernel command line and reboot`,
        );
    }
    const { volume } = config;
    if (volume !== undefined && seen.volume?.state === "foreign") {
        faults.push(
            `the data volume ${volume.id} is not ours to format: ${seen.volume.detail}; wipe it yourself (wipefs -a) or take dataVolume away`,
        );
    }
    if (volume !== undefined && (seen.volume === undefined || seen.volume.state === "missing")) {
        faults.push(`the data volume ${volume.id} is attached, but the host has no such disk (${volume.device})`);
    }
    for (const [path, needed] of Object.entries(freeMiB)) {
        const free = seen.freeMiB[path] ?? 0;
        if (free < needed) {
            faults.push(`${path} has ${free} MiB free, ${needed} MiB are needed; free some space or add a disk`);
        }
    }
    return faults;
}

export function missingPackages(config: HostConfigInputs, seen: Observation): string[] {
    return config.packages
        .filter(({ name, version }) => {
            const installed = seen.packages[name];
            return installed === undefined || (version !== undefined && version !== installed);
        })
        .map(({ name, version }) => {
            const separator = seen.os === "debian" || seen.os === "ubuntu" ? "=" : "-";
            return version === undefined ? name : `${name}${separator}${version}`;
        });
}

export function missingArtifacts(config: HostConfigInputs, seen: Observation): HostConfigInputs["artifacts"] {
    return config.artifacts.filter(({ sha256 }) => !seen.artifacts.includes(sha256));
}

/** What on the host is not as planned, one line each; empty when nothing is to be done. */
export function drift(config: HostConfigInputs, seen: Observation): string[] {
    const lines: string[] = [];
    if (config.volume !== undefined && seen.volume?.state !== "mounted") {
        lines.push(`the data volume is not mounted on ${config.volume.mount}`);
    }
    for (const [path, wanted] of Object.entries(hostRequest(config).files)) {
        const there = seen.files[path];
        if (there === undefined || there === null) {
            lines.push(`${path} is missing`);
        } else if (there.sha256 !== wanted.sha256) {
            lines.push(`${path} has another content`);
        } else if (there.mode !== wanted.mode || there.owner !== wanted.owner || there.group !== wanted.group) {
            lines.push(
                `${path} is ${there.owner}:${there.group} ${there.mode}, not ${wanted.owner}:${wanted.group} ${wanted.mode}`,
            );
        }
    }
    for (const [path, wanted] of Object.entries(config.directories)) {
        const there = seen.directories[path];
        if (there?.mode !== wanted.mode || there.owner !== wanted.owner || there.group !== wanted.group) {
            lines.push(
                there === undefined ? `${path} is missing` : `${path} is ${there.owner}:${there.group} ${there.mode}`,
            );
        }
    }
    for (const { name } of config.users) {
        if (seen.users[name] === undefined) {
            lines.push(`user ${name} is missing`);
        }
    }
    lines.push(...missingPackages(config, seen).map((name) => `package ${name} is not installed`));
    lines.push(...missingArtifacts(config, seen).map(({ source }) => `${source} is not installed`));
    for (const [name, wanted] of Object.entries(config.units)) {
        const there = seen.units[name];
        if (there?.enabled !== wanted.enabled) {
            lines.push(`${name} is ${there?.enabled === true ? "" : "not "}enabled`);
        }
        if (there?.active !== wanted.active) {
            lines.push(`${name} is ${there?.state ?? "missing"}`);
        } else if (there.stale) {
            lines.push(`${name} runs with an older configuration than its files`);
        }
    }
    return lines;
}

/** Whether the change takes a unit down for a moment, by what is on the host. */
export function restarts(config: HostConfigInputs, seen: Observation, lines: readonly string[]): boolean {
    return Object.entries(config.units).some(([name, unit]) => {
        const state = seen.units[name];
        // A file whose owner or mode alone is wrong is mended under the running service.
        const replaced = unit.restartOn.some((path) =>
            [`${path} is missing`, `${path} has another content`].some((line) => lines.includes(line)),
        );
        const reinstalled = missingPackages(config, seen).length + missingArtifacts(config, seen).length > 0;
        return unit.active && (state?.active !== true || state.stale || replaced || reinstalled);
    });
}
