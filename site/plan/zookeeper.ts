/** One {@link HostSpec} per member of the ZooKeeper ensemble. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { debianFamily, everyFamily } from "./distribution";
import { directory, file, unit } from "./files";
import type { Host } from "./hosts";
import { zookeeperSecret, zookeeperUser } from "./principals";
import { secretMark } from "./secrets";
import type { HostSpec, ManagedFile, Preflight, StatePlan, ZooKeeperMember } from "./types";

const confDir = "/etc/zookeeper/conf";
const unitFile = "/etc/systemd/system/zookeeper.service";

/** Members in the order of their ids: it is the order of the `server.N` lines too. */
export function zookeeperMembers(site: SiteConfig, hosts: ReadonlyMap<string, Host>): ZooKeeperMember[] {
    return Object.entries(site.zookeeper.members ?? {})
        .flatMap(([name, id]) => {
            const host = hosts.get(name);
            return host ? [{ name, address: host.address, zone: host.zone, id }] : [];
        })
        .sort((a, b) => a.id - b.id);
}

/** `host:port` of every server, whoever runs them. */
export function zookeeperServers(site: SiteConfig, members: readonly ZooKeeperMember[]): string[] {
    const { existing, clientPort } = site.zookeeper;
    return existing ? [...existing.servers] : members.map(({ address }) => `${address}:${clientPort}`);
}

/**
 * The `zk://` URL of Mesos, with the digest's mark. It has no newline at the end: Mesos reads the file as it is, and the
 * newline would become part of the path.
 */
export function mesosUrl(site: SiteConfig, servers: readonly string[]): string {
    const open = site.zookeeper.existing?.authenticated === false;
    const user = open ? "" : `${zookeeperUser}:${secretMark(zookeeperSecret)}@`;
    return `zk://${user}${servers.join(",")}${site.masters.zkPath}`;
}

/** The masters' part of ZooKeeper, where it is theirs alone and somebody asks. */
export function mastersState(site: SiteConfig, servers: readonly string[]): { readonly state?: StatePlan } {
    const isOpen = site.zookeeper.existing?.authenticated === false;
    if (site.secrets === undefined || isOpen || site.masters.existing !== undefined) return {};
    return { state: { servers, path: site.masters.zkPath, user: zookeeperUser, secret: zookeeperSecret } };
}

/** Plans every member; the order of the result is the order of the ids. */
export function planZooKeeper(site: SiteConfig, hosts: ReadonlyMap<string, Host>): HostSpec[] {
    const config = site.zookeeper;
    const members = zookeeperMembers(site, hosts);
    const zooCfg = file(render("zoo.cfg", { ...config, adminPort: config.adminPort ?? 0, servers: members }));
    const serviceUnit = file(render("zookeeper.service", { ...config, confDir }));
    const log4j = file(render("log4j.properties", {}));
    const debian = config.packages.some((name) => name === "libzookeeper-java" || name === "zookeeper");
    const preflight: Preflight = {
        os: debian ? debianFamily : everyFamily,
        freeMiB: { [config.dataDir]: 512 },
        cgroup: "any",
    };
    return members.flatMap((member): HostSpec[] => {
        const host = hosts.get(member.name);
        if (!host) return [];
        const files: Record<string, ManagedFile> = {
            [`${confDir}/zoo.cfg`]: zooCfg,
            [`${confDir}/log4j.properties`]: log4j,
            [`${config.dataDir}/myid`]: file(`${member.id}\n`, "0644", "zookeeper"),
            [unitFile]: serviceUnit,
        };
        return [
            {
                host: host.name,
                connection: host.connection,
                rollout: { tier: "zookeeper", maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                preflight,
                packages: config.packages.map((name, index) =>
                    index === 0 && config.version !== undefined ? { name, version: config.version } : { name },
                ),
                artifacts: [],
                users: [{ name: "zookeeper", home: config.dataDir }],
                directories: {
                    "/etc/zookeeper": directory(),
                    [confDir]: directory(),
                    [config.dataDir]: directory("zookeeper", "0750"),
                },
                files,
                units: { "zookeeper.service": unit(Object.keys(files)) },
                service: { kind: "zookeeper", clientPort: config.clientPort, tickTimeMs: config.tickTimeMs, members },
                protect: host.protect,
            },
        ];
    });
}
