/** What of a site can be backed up, where it lies on its hosts, and the timer there that does it. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { mesosInstall } from "./distribution";
import { directory, file, jsonFile, programMark, unit } from "./files";
import type { Host } from "./hosts";
import { masterMembers } from "./masters";
import { operatorPrincipal } from "./principals";
import { secretMark } from "./secrets";
import type { HostSpec, ManagedFile, QuorumMember, SchedulerPlan, SecretPlan, WorkloadsPlan } from "./types";
import { zookeeperMembers } from "./zookeeper";

/** The stack's secret with the private key for the SSH target: nobody's but the administrator's to make. */
export const backupKeySecret = "backup-key";

/** The stack's secrets with the key of the S3-compatible store. */
export const s3Secrets = { accessKey: "backup-s3-access-key", secretKey: "backup-s3-secret-key" } as const;

/** Programs of `rescue/host`. */
export const backupPrograms = ["mesos_backup.py", "mesos_copies.py", "mesos_stores.py"] as const;

/** Where its packages are known by these names. */
const os = { debian: ["12"], ubuntu: ["22.04"] };

const paths = {
    programs: "/usr/local/lib/pulumi-mesos/backup",
    directory: "/etc/pulumi-mesos/backup",
    settings: "/etc/pulumi-mesos/backup/settings.json",
    key: "/etc/pulumi-mesos/backup/id",
    knownHosts: "/etc/pulumi-mesos/backup/known_hosts",
    s3Key: "/etc/pulumi-mesos/backup/s3-key.ini",
    service: "/etc/systemd/system/mesos-backup.service",
    timer: "/etc/systemd/system/mesos-backup.timer",
};

/** Where a host notes the last backup that went well, a file for each part. */
export const lastBackup = (part: string): string => `/var/lib/pulumi-mesos/backup/${part}.json`;

/** What the programs of `rescue/host` must know of a part on a host. Never a secret. */
export type PartSettings = Readonly<Record<string, unknown>>;

/** @param paths nodes without which a framework of the site has lost its id */
export function zookeeperPart({ cluster, zookeeper }: SiteConfig, statePaths: readonly string[]): PartSettings {
    const { dataDir, clientPort, classPath } = zookeeper;
    return { cluster, part: "zookeeper", dataDir, clientPort, classPath, paths: statePaths, user: "zookeeper" };
}

export function registryPart({ cluster, distribution, masters }: SiteConfig, address: string): PartSettings {
    return {
        cluster,
        part: "registry",
        workDir: masters.workDir,
        program: `${mesosInstall(distribution).binDir}/mesos-master`,
        port: masters.port,
        address,
        credentials: "/etc/mesos/credentials.json",
        principal: operatorPrincipal,
    };
}

/** Paths that the site's own frameworks keep their ids below. */
export function statePaths(
    schedulers: readonly Pick<SchedulerPlan, "members">[],
    { workQueue, dds }: Pick<WorkloadsPlan, "workQueue" | "dds">,
): string[] {
    const firsts = [...schedulers.map(({ members }) => members[0]), workQueue?.members[0], dds?.members[0]];
    return firsts.flatMap((spec) =>
        spec !== undefined && "frameworkName" in spec.service ? [spec.service.zookeeper.path] : [],
    );
}

type Backup = NonNullable<SiteConfig["backup"]>;

/** What kind of place it names. */
export const schemeOf = (to: string): "ssh" | "s3" | "folder" =>
    to.startsWith("ssh://") ? "ssh" : to.startsWith("s3://") ? "s3" : "folder";

const secretsOf = { ssh: [backupKeySecret], s3: Object.values(s3Secrets), folder: [] };

export const backupSecrets = ({ backup }: SiteConfig): SecretPlan[] =>
    backup?.timer === undefined
        ? []
        : secretsOf[schemeOf(backup.timer.to)].map((name) => ({ name, length: 0, given: true }));

/** One line for each key of the target, as `ssh` looks it up. */
function knownHosts(to: string, keys: readonly string[]): string {
    const { hostname, port } = new URL(to);
    const name = port === "" || port === "22" ? hostname : `[${hostname}]:${port}`;
    return keys.map((key) => `${name} ${key}\n`).join("");
}

const sshOptions = [
    ...["-i", paths.key, "-o", "IdentitiesOnly=yes"],
    ...["-o", `UserKnownHostsFile=${paths.knownHosts}`, "-o", "StrictHostKeyChecking=yes"],
];

/** In the words of Amazon's own clients. */
const s3Key = `[default]
aws_access_key_id = ${secretMark(s3Secrets.accessKey)}
aws_secret_access_key = ${secretMark(s3Secrets.secretKey)}
`;

interface Place {
    readonly packages: readonly string[];
    readonly files: Readonly<Record<string, ManagedFile>>;
    /** For the programs of `rescue/host`. */
    readonly settings: object;
}

/** What a host needs for its kind of place. */
function placeOf({ s3 }: Backup, { to, hostKeys }: NonNullable<Backup["timer"]>): Place {
    switch (schemeOf(to)) {
        case "ssh":
            return {
                packages: ["openssh-client"],
                files: {
                    [paths.knownHosts]: file(knownHosts(to, hostKeys)),
                    [paths.key]: file(`${secretMark(backupKeySecret)}\n`),
                },
                settings: { sshOptions },
            };
        case "s3":
            return {
                packages: ["python3-boto3"],
                files: { [paths.s3Key]: file(s3Key) },
                settings: { s3: { ...s3, keyFile: paths.s3Key } },
            };
        case "folder":
            return { packages: [], files: {}, settings: {} };
    }
}

/** Plans the timer of every host that may lead a part. */
export function planBackups(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    schedulers: readonly SchedulerPlan[],
    workloads: WorkloadsPlan,
): HostSpec[] {
    const { cluster, backup } = site;
    if (backup?.timer === undefined) return [];
    const { at, to, healthTimeoutSec } = backup.timer;
    const place = placeOf(backup, backup.timer);
    const ensemble = zookeeperMembers(site, hosts);
    const masters = masterMembers(site, hosts);
    const members: QuorumMember[] = [
        ...ensemble.map(({ name, address, zone }) => ({ name, address, zone })),
        ...masters.filter(({ name }) => !ensemble.some((one) => one.name === name)),
    ];
    const state = statePaths(schedulers, workloads);
    const program = `${paths.programs}/mesos_backup.py`;
    const timer = file(render("backup.timer", { at }));
    const shared: Record<string, ManagedFile> = {
        ...Object.fromEntries(backupPrograms.map((name) => [`${paths.programs}/${name}`, file(programMark(name))])),
        ...place.files,
        [paths.service]: file(render("backup.service", { program, settings: paths.settings })),
        [paths.timer]: timer,
    };
    return members.flatMap(({ name }): HostSpec[] => {
        const host = hosts.get(name);
        if (!host) return [];
        const master = masters.find((one) => one.name === name);
        const settings = {
            cluster,
            host: name,
            recipients: backup.recipients,
            keep: backup.keep,
            to,
            ...place.settings,
            parts: [
                ...(ensemble.some((one) => one.name === name) ? [zookeeperPart(site, state)] : []),
                ...(master === undefined ? [] : [registryPart(site, master.address)]),
            ],
        };
        return [
            {
                host: name,
                connection: host.connection,
                // Nothing is out of service meanwhile.
                rollout: { tier: "backup", maxUnavailable: members.length, healthTimeoutSec },
                preflight: { os, freeMiB: { "/var/tmp": 512 }, cgroup: "any" },
                packages: ["age", ...place.packages].map((name) => ({ name })),
                artifacts: [],
                users: [],
                directories: { [paths.programs]: directory(), [paths.directory]: directory("root", "0700") },
                files: { ...shared, [paths.settings]: jsonFile(settings) },
                units: { "mesos-backup.timer": unit([paths.timer]) },
                service: { kind: "backup", members },
                protect: host.protect,
            },
        ];
    });
}
