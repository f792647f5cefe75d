/** One {@link HostSpec} per Mesos agent. */
import { render } from "../render/templates";
import { expandRange } from "../ranges";
import type { PoolConfig, ResourcesConfig, SiteConfig } from "../schema";
import { mesosInstall, type MesosInstall } from "./distribution";
import { directory, duration, file, flagsFile, jsonFile, unit, type Flags } from "./files";
import { expandNames, faultDomain, type Host } from "./hosts";
import type { Endpoint } from "./masters";
import { agentPaths as paths } from "./paths";
import {
    agentAcls,
    agentPrincipal,
    credential,
    executorKeySecret,
    isWatched,
    monitorPrincipal,
    operatorPrincipal,
} from "./principals";
import { secretMark } from "./secrets";
import type { AgentResources, AgentService, HostSpec, ManagedFile, Preflight } from "./types";
import { mesosUrl } from "./zookeeper";

const launcher = "/usr/local/lib/pulumi-mesos/mesos-agent-launch";

/** "31000-32000" → [31000, 32000]. */
export function parsePorts(text: string): readonly [number, number] {
    const [low, high] = text.split("-").map(Number);
    return [low ?? 0, high ?? 0];
}

function agentResources(config: ResourcesConfig, role: string): AgentResources {
    const { cpus, memMiB, diskMiB, gpus, ports } = config;
    return {
        cpus,
        memMiB,
        diskMiB,
        ...(gpus === undefined ? {} : { gpus }),
        ports: ports.map(parsePorts),
        ...(role === "*" ? {} : { role }),
    };
}

/** Resources as the agent's flag has them. */
export function resourcesFlag({ cpus, memMiB, diskMiB, gpus, ports }: AgentResources): string {
    const ranges = ports.map(([low, high]) => `${low}-${high}`).join(",");
    return [
        `cpus:${cpus}`,
        `mem:${memMiB}`,
        `disk:${diskMiB}`,
        ...(gpus === undefined ? [] : [`gpus:${gpus}`]),
        `ports:[${ranges}]`,
    ].join(";");
}

/** Attributes as the agent's flag has them. */
export function attributesFlag(attributes: Readonly<Record<string, string>>): string {
    return Object.entries(attributes)
        .map(([name, value]) => `${name}:${value}`)
        .join(";");
}

/**
 * The differences of each host, those for many hosts before those for few: so a host's own entry wins, wherever it stands.
 */
function overridesOf(pool: PoolConfig): Map<string, PoolConfig["overrides"][string][]> {
    const result = new Map<string, PoolConfig["overrides"][string][]>();
    const entries = Object.entries(pool.overrides)
        .map(([range, override]) => ({ names: expandRange(range).items, override }))
        .sort((a, b) => b.names.length - a.names.length);
    for (const { names, override } of entries)
        for (const { text } of names) result.set(text, [...(result.get(text) ?? []), override]);
    return result;
}

/** All flags of an agent that this program sets; the stack file's `flags` may add others. */
export function agentFlags(
    site: SiteConfig,
    pool: PoolConfig,
    host: Host,
    service: AgentService,
    install: MesosInstall,
): Flags {
    const { authentication, masters } = site;
    const { domain } = service;
    const attributes = attributesFlag(service.attributes);
    return {
        ...pool.flags,
        ip: host.address,
        port: pool.port,
        hostname: host.name,
        hostname_lookup: false,
        master: `file://${paths.master}`,
        zk_session_timeout: duration(masters.zkSessionTimeoutSec),
        work_dir: service.workDir,
        runtime_dir: pool.runtimeDir,
        launcher_dir: install.launcherDir,
        launcher: pool.launcher,
        containerizers: pool.containerizers.join(","),
        isolation: pool.isolation.join(","),
        resources: resourcesFlag(service.resources),
        default_role: pool.defaultRole,
        ...(attributes === "" ? {} : { attributes }),
        // Restarts with more resources or a new attribute keep the agent's id; site/change says what needs more.
        reconfiguration_policy: "additive",
        recover: "reconnect",
        recovery_timeout: duration(pool.recoveryTimeoutSec),
        strict: true,
        switch_user: pool.switchUser,
        cgroups_root: pool.cgroupsRoot,
        cgroups_enable_cfs: pool.cgroupsEnableCfs,
        systemd_enable_support: pool.systemdSupport,
        enforce_container_disk_quota: pool.enforceDiskQuota,
        fetcher_cache_dir: `${pool.dataDir}/fetcher`,
        fetcher_cache_size: `${pool.fetcherCacheMiB}MB`,
        docker_store_dir: `${pool.dataDir}/store/docker`,
        ...(pool.imageProviders.length === 0 ? {} : { image_providers: pool.imageProviders.join(",") }),
        executor_registration_timeout: duration(pool.executorRegistrationTimeoutSec),
        gc_delay: duration(pool.gcDelayHours * 3600),
        gc_disk_headroom: pool.gcDiskHeadroom,
        acls: `file://${paths.acls}`,
        authenticate_http_readonly: authentication.http,
        authenticate_http_readwrite: authentication.http,
        ...(authentication.agents ? { credential: `file://${paths.credential}` } : {}),
        ...(authentication.http ? { http_credentials: `file://${paths.httpCredentials}` } : {}),
        authenticate_http_executors: authentication.executors,
        ...(authentication.executors ? { jwt_secret_key: `file://${paths.executorKey}` } : {}),
        ...(domain
            ? {
                  domain: JSON.stringify({
                      fault_domain: { region: { name: domain.region }, zone: { name: domain.zone } },
                  }),
              }
            : {}),
    };
}

/** Files that are the same on every agent of a pool. */
function sharedFiles(site: SiteConfig, install: MesosInstall, servers: readonly string[]): Record<string, ManagedFile> {
    const { authentication } = site;
    return {
        [paths.master]: file(mesosUrl(site, servers), "0600"),
        [paths.acls]: file(agentAcls(site)),
        ...(authentication.agents ? { [paths.credential]: jsonFile(credential(agentPrincipal)) } : {}),
        ...(authentication.http
            ? {
                  [paths.httpCredentials]: jsonFile({
                      credentials: [
                          credential(operatorPrincipal),
                          ...(isWatched(site) ? [credential(monitorPrincipal)] : []),
                      ],
                  }),
              }
            : {}),
        ...(authentication.executors ? { [paths.executorKey]: file(secretMark(executorKeySecret), "0600") } : {}),
        [launcher]: file(render("mesos-launch", { program: "mesos-agent" }), "0755"),
        [paths.unit]: file(
            render("mesos.service", {
                description: "Mesos agent",
                environmentFile: paths.env,
                launch: launcher,
                program: `${install.binDir}/mesos-agent`,
                agent: true,
            }),
        ),
    };
}

/** What the pool's hosts must have: cgroups only where something uses them. */
export function agentCgroup(site: SiteConfig, pool: PoolConfig): Preflight["cgroup"] {
    const uses = pool.launcher === "linux" || pool.isolation.some((name) => name.startsWith("cgroups/"));
    if (!uses) return "any";
    return site.distribution.flavour === "clusterd" ? "v2" : "v1";
}

/** What one agent of a pool is, with what its host has otherwise. */
export interface AgentShape {
    readonly resources: ResourcesConfig;
    readonly attributes: Readonly<Record<string, string>>;
    readonly state: PoolConfig["state"];
}

/** @param own from {@link overridesOf} */
function shapeOf(pool: PoolConfig, own: readonly PoolConfig["overrides"][string][] = []): AgentShape {
    const attributes = own.reduce((all, { attributes: more }) => ({ ...all, ...more }), pool.attributes);
    return {
        resources: own.reduce<ResourcesConfig>((all, { resources: more }) => ({ ...all, ...more }), pool.resources),
        attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
        state: own.reduce((all, { state: other }) => other ?? all, pool.state),
    };
}

/** Every agent of a pool. */
export function agentShapes(pool: PoolConfig): AgentShape[] {
    const overrides = overridesOf(pool);
    return expandNames(pool.hosts, "").map(({ name }) => shapeOf(pool, overrides.get(name)));
}

/** Plans every agent of a pool, in the order of the stack file. */
export function planPool(
    site: SiteConfig,
    name: string,
    pool: PoolConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    masters: readonly Endpoint[],
): HostSpec[] {
    const install = mesosInstall(site.distribution);
    const shared = sharedFiles(site, install, servers);
    const overrides = overridesOf(pool);
    const workDir = pool.workDir ?? `${pool.dataDir}/agent`;
    const preflight: Preflight = {
        os: install.os,
        freeMiB: { [workDir]: 1024 },
        cgroup: agentCgroup(site, pool),
    };
    const rollout = {
        tier: `pool/${name}`,
        maxUnavailable: pool.maxUnavailable,
        healthTimeoutSec: pool.healthTimeoutSec,
    };
    const users = pool.users.map((user) =>
        user.uid === undefined ? { name: user.name } : { name: user.name, uid: user.uid },
    );
    const directories = {
        "/etc/mesos": directory(),
        "/usr/local/lib/pulumi-mesos": directory(),
        [pool.dataDir]: directory(),
        [workDir]: directory(),
    };
    return expandNames(pool.hosts, "").flatMap(({ name: hostName }): HostSpec[] => {
        const host = hosts.get(hostName);
        if (!host) return [];
        const { resources, attributes, state } = shapeOf(pool, overrides.get(hostName));
        const domain = faultDomain(host, site);
        const service: AgentService = {
            kind: "mesosAgent",
            pool: name,
            port: pool.port,
            hostname: host.name,
            workDir,
            attributes,
            resources: agentResources(resources, pool.defaultRole),
            ...(domain === undefined ? {} : { domain }),
            masters,
            drainGraceSec: pool.drainGraceSec,
            ...(state === "drained" ? { drained: true } : {}),
        };
        const files = {
            [paths.env]: flagsFile("mesos-agent", agentFlags(site, pool, host, service, install)),
            ...shared,
        };
        return [
            {
                host: host.name,
                connection: host.connection,
                rollout,
                preflight,
                packages: [...install.packages, ...pool.packages.map((one) => ({ name: one }))],
                artifacts: install.artifacts,
                users,
                directories,
                files: { ...files, ...install.files },
                units: { "mesos-agent.service": unit(Object.keys(files)) },
                service,
                protect: host.protect,
            },
        ];
    });
}
