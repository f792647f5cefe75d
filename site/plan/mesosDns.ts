/** One {@link HostSpec} for each host that answers for names by the package of Mesos-DNS, where a site has it. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { everyFamily } from "./distribution";
import { directory, file, jsonFile, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import type { Endpoint } from "./masters";
import { credential, mesosDnsPrincipal } from "./principals";
import type { HostSpec } from "./types";

type Discovery = NonNullable<SiteConfig["discovery"]>;

const at = {
    dir: "/etc/mesos-dns",
    config: "/etc/mesos-dns/config.json",
    unitFile: "/etc/systemd/system/mesos-dns.service",
    unit: "mesos-dns.service",
} as const;

const USER = "mesos-dns";

export interface MesosDnsPlace {
    readonly site: SiteConfig;
    readonly address: string;
    readonly servers: readonly string[];
    readonly masters: readonly Endpoint[];
}

/** By the names of its config.json, which it reads whatever their case. */
export function mesosDnsSettings(
    { domain, port, ttlSec, pollSec, mesosDns }: Discovery,
    { site, address, servers, masters }: MesosDnsPlace,
): Record<string, unknown> {
    return {
        // The names of the tasks' own addresses first, as ours are.
        IPSources: ["netinfo", "mesos", "host"],
        httpon: false,
        ...mesosDns?.settings,
        // It reads who leads without a credential, as the masters make it; the list is for when ZooKeeper is away.
        zk: `zk://${servers.join(",")}${site.masters.zkPath}`,
        masters: masters.map((master) => `${master.address}:${master.port}`),
        ...(site.authentication.http
            ? { mesosAuthentication: "basic", mesosCredentials: credential(mesosDnsPrincipal) }
            : {}),
        domain,
        listener: address,
        port,
        ttl: ttlSec,
        refreshSeconds: pollSec,
        dnson: true,
        // Only for its own domain, as ours: other servers forward to it.
        externalon: false,
        SOAMname: `ns1.${domain}`,
        SOARname: `root.ns1.${domain}`,
    };
}

/** Plans every name server. */
export function planMesosDns(
    site: SiteConfig,
    config: Discovery,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    masters: readonly Endpoint[],
): HostSpec[] {
    const { mesosDns } = config;
    if (mesosDns === undefined) return [];
    const members = membersOf(config.hosts, hosts);
    return members.flatMap(({ name, address }): HostSpec[] => {
        const host = hosts.get(name);
        if (!host) return [];
        const settings = jsonFile(mesosDnsSettings(config, { site, address, servers, masters }));
        const files = {
            [at.config]: { ...settings, mode: "0600", owner: USER, group: USER },
            [at.unitFile]: file(
                render("program.service", {
                    after: " haproxy.service",
                    description: `Names of Mesos' tasks, below ${config.domain}`,
                    user: USER,
                    lowPort: config.port < 1024,
                    command: `${mesosDns.program} -config=${at.config}`,
                }),
            ),
        };
        return [
            {
                host: host.name,
                connection: host.connection,
                rollout: { tier: "discovery", maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                preflight: { os: everyFamily, freeMiB: {}, cgroup: "any" },
                packages: [mesosDns.package],
                artifacts: [],
                users: [{ name: USER }],
                directories: { [at.dir]: directory() },
                files,
                units: { [at.unit]: unit(Object.keys(files)) },
                service: { kind: "nameServer", port: config.port, domain: config.domain, members },
                protect: host.protect,
            },
        ];
    });
}
