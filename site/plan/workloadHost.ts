/** What hosts of the site's own work have in common: all of them, and those of our frameworks. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { debianFamily } from "./distribution";
import { directory, file, jsonFile, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import type { Endpoint } from "./masters";
import { principalSecret } from "./principals";
import { schedulerRole, schedulerService, schedulerUser } from "./schedulers";
import { secretMark } from "./secrets";
import type { HostSpec, ManagedDirectory, ManagedFile, SchedulerPlan } from "./types";

/** What is the same of every host of a workload. */
export function hostOf(
    host: Host,
    tier: string,
    healthTimeoutSec: number,
): Pick<HostSpec, "host" | "connection" | "rollout" | "preflight" | "artifacts" | "protect"> {
    return {
        host: host.name,
        connection: host.connection,
        rollout: { tier, maxUnavailable: 1, healthTimeoutSec },
        preflight: { os: debianFamily, freeMiB: {}, cgroup: "any" },
        artifacts: [],
        protect: host.protect,
    };
}

export const unitFile = (name: string): string => `/etc/systemd/system/${name}.service`;

/** Settings that all our frameworks have. */
type FrameworkConfig = NonNullable<SiteConfig["workloads"]["workQueue" | "dds"]>;

interface Paths {
    readonly etc: string;
    readonly config: string;
    readonly secret: string;
    readonly digest: string;
}

/** Where a framework's program reads what. */
export const frameworkPaths = (program: string): Paths => ({
    etc: `/etc/${program}`,
    config: `/etc/${program}/config.json`,
    secret: `/etc/${program}/mesos-secret`,
    digest: `/etc/${program}/zookeeper-digest`,
});

/** What an instance reads of where it is: its own address, and ZooKeeper's. */
export interface Place {
    readonly servers: readonly string[];
    readonly address: string;
}

/**
 * What a framework reads: how it reaches masters and ZooKeeper and who it is there, around what is its own.
 * @param own in the order in which it is written down
 */
export const connected = <T extends object>(
    own: T,
    site: SiteConfig,
    config: FrameworkConfig,
    { secret, digest }: Paths,
    { servers, address }: Place,
) => ({
    name: config.frameworkName,
    masters: `zk://${servers.join(",")}${site.masters.zkPath}`,
    zookeeper: `zk://${servers.join(",")}${config.zkPath}`,
    zookeeperDigestFile: digest,
    role: schedulerRole(site, config),
    user: schedulerUser(site, config),
    principal: config.principal,
    secretFile: secret,
    failoverTimeoutSec: config.failoverTimeoutSec,
    ...own,
    http: { port: config.port },
    advertise: `${address}:${config.port}`,
});

/** The site with what its hosts are and reach. */
export interface SiteHosts {
    readonly site: SiteConfig;
    readonly hosts: ReadonlyMap<string, Host>;
    /** ZooKeeper's, `host:port`. */
    readonly servers: readonly string[];
    readonly masters: readonly Endpoint[];
}

/** What tells one framework from another. */
export interface FrameworkHosts {
    readonly kind: "workQueue" | "dds";
    readonly program: string;
    readonly title: string;
    /** User, and name of the secret, of its part of ZooKeeper. */
    readonly stateOwner: SchedulerPlan["stateOwner"];
    /** What an instance reads. */
    readonly text: (address: string) => object;
    /** Further files and directories, the same on every host. @default - none */
    readonly files?: Readonly<Record<string, ManagedFile>>;
    readonly directories?: Readonly<Record<string, ManagedDirectory>>;
}

/** Plans the instances of a framework of ours: one leads, the others stand by. */
export function planFrameworkHosts(
    { kind, program, title, stateOwner, text, files: more, directories }: FrameworkHosts,
    config: FrameworkConfig,
    at: SiteHosts,
): SchedulerPlan {
    const members = membersOf(config.members, at.hosts);
    const paths = frameworkPaths(program);
    const owner = config.systemUser;
    const service = schedulerService(kind, config, { ...at, members });
    const shared: Record<string, ManagedFile> = {
        [paths.secret]: file(secretMark(principalSecret(config.principal)), "0600", owner),
        [paths.digest]: file(`${stateOwner.user}:${secretMark(stateOwner.secret)}`, "0600", owner),
        ...more,
        [unitFile(program)]: file(
            render("workload.service", { title, user: owner, command: `/usr/bin/${program} ${paths.config}` }),
        ),
    };
    return {
        kind,
        urls: members.map(({ address }) => `http://${address}:${config.port}`),
        stateOwner,
        members: members.flatMap((member): HostSpec[] => {
            const host = at.hosts.get(member.name);
            if (!host) return [];
            const files = { [paths.config]: jsonFile(text(member.address)), ...shared };
            return [
                {
                    ...hostOf(host, kind, config.healthTimeoutSec),
                    packages: [config.package],
                    users: [{ name: owner }],
                    directories: { [paths.etc]: directory(), ...directories },
                    files,
                    units: { [`${program}.service`]: unit(Object.keys(files)) },
                    service,
                },
            ];
        }),
    };
}
