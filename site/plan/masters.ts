/** One {@link HostSpec} per Mesos master. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { mesosInstall } from "./distribution";
import { directory, duration, file, flagsFile, jsonFile, unit, type Flags } from "./files";
import { faultDomain, type Host, membersOf } from "./hosts";
import { masterPaths as paths } from "./paths";
import { credential, masterAcls, principalsOf } from "./principals";
import { majority } from "./quorum";
import { mesosUrl } from "./zookeeper";
import type { HostSpec, ManagedFile, QuorumMember } from "./types";

const launcher = "/usr/local/lib/pulumi-mesos/mesos-master-launch";

/** A name and address that the operator API is at. */
export interface Endpoint {
    readonly name: string;
    readonly address: string;
    readonly port: number;
}

/** Masters in the order of the stack file. */
export function masterMembers(site: SiteConfig, hosts: ReadonlyMap<string, Host>): QuorumMember[] {
    return membersOf(site.masters.members ?? [], hosts);
}

/** Where the operator API is, whoever runs the masters. */
export function masterEndpoints(site: SiteConfig, members: readonly QuorumMember[]): Endpoint[] {
    const { existing, port } = site.masters;
    if (existing) return Object.entries(existing.addresses).map(([name, address]) => ({ name, address, port }));
    return members.map(({ name, address }) => ({ name, address, port }));
}

/** All flags of a master that this program sets; the stack file's `flags` may add others. */
export function masterFlags(site: SiteConfig, host: Host, quorum: number): Flags {
    const { masters: config, authentication } = site;
    const domain = faultDomain(host, site);
    return {
        ...config.flags,
        cluster: site.cluster,
        ip: host.address,
        port: config.port,
        hostname: host.name,
        hostname_lookup: false,
        zk: `file://${paths.zk}`,
        zk_session_timeout: duration(config.zkSessionTimeoutSec),
        quorum,
        work_dir: config.workDir,
        log_auto_initialize: config.logAutoInitialize,
        registry_fetch_timeout: duration(config.registryFetchTimeoutSec),
        registry_store_timeout: duration(config.registryStoreTimeoutSec),
        agent_ping_timeout: duration(config.agentPingTimeoutSec),
        max_agent_ping_timeouts: config.maxAgentPingTimeouts,
        agent_reregister_timeout: duration(config.agentReregisterTimeoutSec),
        recovery_agent_removal_limit: `${config.recoveryAgentRemovalLimitPercent}%`,
        max_completed_frameworks: config.maxCompletedFrameworks,
        max_completed_tasks_per_framework: config.maxCompletedTasksPerFramework,
        filter_gpu_resources: config.filterGpuResources,
        credentials: `file://${paths.credentials}`,
        acls: `file://${paths.acls}`,
        authenticate_agents: authentication.agents,
        authenticate_frameworks: authentication.frameworks,
        authenticate_http_frameworks: authentication.frameworks,
        authenticate_http_readonly: authentication.http,
        authenticate_http_readwrite: authentication.http,
        ...(authentication.frameworks ? { http_framework_authenticators: "basic" } : {}),
        ...(domain
            ? {
                  domain: JSON.stringify({
                      fault_domain: { region: { name: domain.region }, zone: { name: domain.zone } },
                  }),
              }
            : {}),
    };
}

/** Plans every master. */
export function planMasters(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
): HostSpec[] {
    const config = site.masters;
    const members = masterMembers(site, hosts);
    const quorum = config.quorum ?? majority(members.length);
    const install = mesosInstall(site.distribution);
    const principals = principalsOf(site);
    const program = `${install.binDir}/mesos-master`;
    const shared: Record<string, ManagedFile> = {
        [paths.zk]: file(mesosUrl(site, servers), "0600"),
        [paths.credentials]: jsonFile({ credentials: principals.map(credential) }),
        [paths.acls]: file(masterAcls(site)),
        [launcher]: file(render("mesos-launch", { program: "mesos-master" }), "0755"),
        [paths.unit]: file(
            render("mesos.service", {
                description: "Mesos master",
                environmentFile: paths.env,
                launch: launcher,
                program,
                agent: false,
            }),
        ),
    };
    return members.flatMap((member): HostSpec[] => {
        const host = hosts.get(member.name);
        if (!host) return [];
        const own = { [paths.env]: flagsFile("mesos-master", masterFlags(site, host, quorum)), ...shared };
        return [
            {
                host: host.name,
                connection: host.connection,
                rollout: { tier: "masters", maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                preflight: { os: install.os, freeMiB: { [config.workDir]: 1024 }, cgroup: "any" },
                packages: install.packages,
                artifacts: install.artifacts,
                users: [],
                directories: {
                    "/etc/mesos": directory(),
                    "/usr/local/lib/pulumi-mesos": directory(),
                    [config.workDir]: directory("root", "0700"),
                },
                files: { ...own, ...install.files },
                units: { "mesos-master.service": unit(Object.keys(own)) },
                service: { kind: "mesosMaster", port: config.port, workDir: config.workDir, quorum, members },
                protect: host.protect,
            },
        ];
    });
}
