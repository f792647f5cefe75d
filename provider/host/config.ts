/** The inputs of a HostConfig: the plan of one service on one host, with its secrets filled in. */
import type { HostSpec, ManagedFile } from "../../site/plan/types";
import type { Path, Properties } from "../wire";

/** A principal of the Mesos operator API. */
export interface Credential {
    readonly principal: string;
    readonly secret: string;
}

export interface HostConfigInputs extends Omit<HostSpec, "files" | "protect"> {
    readonly files: Readonly<Record<string, Omit<ManagedFile, "secrets">>>;
    /** For draining and for "is it registered"; left out where the site has no HTTP authentication. */
    readonly operator?: Credential;
    /** Of Marathon: what its API asks for. */
    readonly login?: Credential;
    /** Of Marathon and Metronome: whose their state in ZooKeeper is. */
    readonly stateOwner?: Credential;
    /** Whether the stack file repeats the cluster's name to allow what loses data. */
    readonly confirmed: boolean;
    /** The cluster's name, for messages. */
    readonly cluster: string;
    /** The virtual machine that it is on: another one is a new host. Left out for a registered machine. */
    readonly machine?: { readonly instance: string; readonly zone: string };
    /** Mounted before anything is written below its mount point. */
    readonly volume?: DataVolume;
    /** Never an input: what this run replaces. Servers that have not changed over yet still ask for it. */
    readonly former?: Former;
}

export interface Former {
    readonly operator?: Credential;
    readonly login?: Credential;
}

const isSame = (one: Credential | undefined, other: Credential | undefined): boolean =>
    one?.principal === other?.principal && one?.secret === other?.secret;

/** The inputs with what others of the tier may ask for instead, where that is something else. */
export function withFormer(config: HostConfigInputs, { operator, login }: HostConfigInputs): HostConfigInputs {
    const former = {
        ...(operator === undefined || isSame(operator, config.operator) ? {} : { operator }),
        ...(login === undefined || isSame(login, config.login) ? {} : { login }),
    };
    return Object.keys(former).length === 0 ? config : { ...config, former };
}

/** A data volume, attached to the host. */
export interface DataVolume {
    /** Cinder's id, a UUID: the filesystem has it too. */
    readonly id: string;
    /** Where Nova says that it is; what the host says counts more. */
    readonly device: string;
    readonly mount: string;
    readonly filesystem: "ext4" | "xfs";
}

/** What alters nothing on the host when it changes: how it is reached, checked, rolled and asked about. */
const CONTROL_ONLY: readonly string[] = [
    "zone",
    "connection",
    "rollout",
    "preflight",
    "operator",
    "login",
    "stateOwner",
    "confirmed",
    "cluster",
    "service.masters",
    "service.drainGraceSec",
    "service.tickTimeMs",
];

export function isControlOnly(path: Path): boolean {
    return CONTROL_ONLY.includes(String(path[0])) || CONTROL_ONLY.includes(path.slice(0, 2).join("."));
}

export function parseInputs(properties: Properties): HostConfigInputs {
    return properties as unknown as HostConfigInputs;
}

/** Whether the unit is restarted by going from `before` to `after`, and by what. */
export function plannedRestarts(
    before: HostConfigInputs,
    after: HostConfigInputs,
): { unit: string; because: string[] }[] {
    const newVersions = after.packages
        .filter(({ name, version }) => !before.packages.some((old) => old.name === name && old.version === version))
        .map(({ name, version }) => `package ${name} ${version ?? "(newest)"}`);
    const newArtifacts = after.artifacts
        .filter(({ sha256 }) => !before.artifacts.some((old) => old.sha256 === sha256))
        .map(({ source }) => `package file ${source}`);
    return Object.entries(after.units).flatMap(([unit, { active, restartOn }]) => {
        const files = restartOn.filter((path) => before.files[path]?.content !== after.files[path]?.content);
        // As a refresh has found it: stopped, or running with an older configuration than its files.
        const idle = before.units[unit]?.active === false ? ["it does not run as configured"] : [];
        const because = [...idle, ...files, ...newVersions, ...newArtifacts];
        return active && because.length > 0 ? [{ unit, because }] : [];
    });
}
