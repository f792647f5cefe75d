/** One {@link HostSpec} for each host that Marathon or Metronome runs on. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { everyFamily } from "./distribution";
import { directory, environmentFile, file, unit, type Flags } from "./files";
import { expandNames, type Host } from "./hosts";
import type { Endpoint } from "./masters";
import { principalSecret } from "./principals";
import { secretMark, secretsIn } from "./secrets";
import type { HostSpec, ManagedFile, QuorumMember, SchedulerPlan, SchedulerService, SecretPlan } from "./types";

type Kind = SchedulerService["kind"];
type MarathonConfig = NonNullable<SiteConfig["marathon"]>;
type MetronomeConfig = NonNullable<SiteConfig["metronome"]>;
type Managed = Pick<MarathonConfig, keyof MetronomeConfig>;

const titles: Readonly<Record<Kind, string>> = { marathon: "Marathon", metronome: "Metronome" };

/** User of its digest in ZooKeeper, and of its HTTP API. */
const login = (kind: Kind): string => kind;
const zookeeperSecret = (kind: Kind): string => `${kind}-zookeeper`;
export const httpSecret = (kind: Kind): string => `${kind}-http`;

/** Those that this site runs itself. */
function managedOf({ marathon, metronome }: SiteConfig): [Kind, Managed][] {
    return [
        ...(marathon?.members === undefined ? [] : [["marathon", marathon] as [Kind, Managed]]),
        ...(metronome?.members === undefined ? [] : [["metronome", metronome] as [Kind, Managed]]),
    ];
}

/** The secrets that are theirs alone: of their part of ZooKeeper, and of Marathon's API. */
export function schedulerSecrets(site: SiteConfig): SecretPlan[] {
    return managedOf(site).flatMap(([kind]) => [
        { name: zookeeperSecret(kind), length: 32 },
        ...(kind === "marathon" && site.marathon?.authentication === true
            ? [{ name: httpSecret(kind), length: 32 }]
            : []),
    ]);
}

/** The role that it registers under: its own setting, else the first of its principal's. */
export function schedulerRole(site: SiteConfig, config: Pick<Managed, "role" | "principal">): string {
    const [first = "*"] = site.frameworks[config.principal]?.roles ?? [];
    return config.role ?? first;
}

/** The user of tasks that name none: its own setting, else the first of its principal's. */
function schedulerUser(site: SiteConfig, config: Pick<Managed, "user" | "principal">): string {
    const [first = "root"] = site.frameworks[config.principal]?.users ?? [];
    return config.user ?? first;
}

interface Place {
    readonly site: SiteConfig;
    readonly address: string;
    readonly servers: readonly string[];
}

const paths = (kind: Kind) => ({
    dir: `/etc/${kind}`,
    env: `/etc/${kind}/${kind}.env`,
    secrets: `/etc/${kind}/${kind}-secrets.env`,
    secret: `/etc/${kind}/mesos-secret`,
    unit: `/etc/systemd/system/${kind}.service`,
});

const zkUrl = (kind: Kind, config: Managed, servers: readonly string[]): string =>
    `zk://${login(kind)}:${secretMark(zookeeperSecret(kind))}@${servers.join(",")}${config.zkPath}`;

/** By the names of its flags (facts: Marathon reads MARATHON_NAME for --name; a boolean is set by an empty value). */
export function marathonSettings(config: MarathonConfig, { site, address, servers }: Place): Flags {
    return {
        ...config.settings,
        master: `zk://${servers.join(",")}${site.masters.zkPath}`,
        zk: zkUrl("marathon", config, servers),
        hostname: address,
        http_port: config.port,
        framework_name: config.frameworkName,
        failover_timeout: config.failoverTimeoutSec,
        mesos_role: schedulerRole(site, config),
        mesos_user: schedulerUser(site, config),
        mesos_authentication: "",
        mesos_authentication_principal: config.principal,
        mesos_authentication_secret_file: paths("marathon").secret,
        ...(config.authentication
            ? { http_credentials: `${login("marathon")}:${secretMark(httpSecret("marathon"))}` }
            : {}),
        ...(config.features === undefined || config.features.length === 0
            ? {}
            : { enable_features: config.features.join(",") }),
        ...(config.defaultNetworkName === undefined ? {} : { default_network_name: config.defaultNetworkName }),
    };
}

/** By the names of its environment without METRONOME_ (facts: rest-apis, 2.4). */
export function metronomeSettings(config: MetronomeConfig, { site, address, servers }: Place): Flags {
    return {
        ...config.settings,
        mesos_master_url: `zk://${servers.join(",")}${site.masters.zkPath}`,
        zk_url: zkUrl("metronome", config, servers),
        leader_election_hostname: address,
        web_ui_url: `http://${address}:${config.port}`,
        play_server_http_port: config.port,
        framework_name: config.frameworkName,
        mesos_role: schedulerRole(site, config),
        mesos_user: schedulerUser(site, config),
        mesos_authentication_enabled: true,
        mesos_authentication_principal: config.principal,
        mesos_authentication_secret_file: paths("metronome").secret,
    };
}

function settingsOf(kind: Kind, place: Place): Flags {
    const { marathon, metronome } = place.site;
    if (kind === "marathon" && marathon !== undefined) return marathonSettings(marathon, place);
    return metronome === undefined ? {} : metronomeSettings(metronome, place);
}

function membersOf(kind: Kind, config: Managed, hosts: ReadonlyMap<string, Host>): QuorumMember[] {
    return expandNames(config.members ?? [], `${kind}.members`).flatMap(({ name }) => {
        const host = hosts.get(name);
        return host ? [{ name, address: host.address, zone: host.zone }] : [];
    });
}

/** Plans every server. */
export function planSchedulers(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    masters: readonly Endpoint[],
): SchedulerPlan[] {
    return managedOf(site).map(([kind, config]) => {
        const members = membersOf(kind, config, hosts);
        const at = paths(kind);
        const name = `${kind}.service`;
        const shared: Record<string, ManagedFile> = {
            // Read as it is: a newline would be part of the secret.
            [at.secret]: file(secretMark(principalSecret(config.principal)), "0600", config.systemUser),
            [at.unit]: file(
                render("scheduler.service", { ...config, title: titles[kind], environmentFiles: [at.env, at.secrets] }),
            ),
        };
        const service: SchedulerService = {
            kind,
            port: config.port,
            members,
            masters,
            frameworkName: config.frameworkName,
            principal: config.principal,
            user: schedulerUser(site, config),
            zookeeper: { servers, path: config.zkPath },
        };
        const secured = kind === "marathon" && site.marathon?.authentication === true;
        return {
            kind,
            urls: members.map(({ address }) => `http://${address}:${config.port}`),
            stateOwner: { user: login(kind), secret: zookeeperSecret(kind) },
            ...(secured ? { login: { user: login(kind), secret: httpSecret(kind) } } : {}),
            members: members.flatMap((member): HostSpec[] => {
                const host = hosts.get(member.name);
                if (!host) return [];
                const settings = settingsOf(kind, { site, address: member.address, servers });
                // In a file of their own: a preview hides the whole of a file that holds a secret.
                const isSecret = ([, value]: readonly [string, unknown]): boolean =>
                    secretsIn(String(value)).length > 0;
                const all = Object.entries(settings);
                const files = {
                    [at.env]: environmentFile(
                        config.program,
                        kind,
                        Object.fromEntries(all.filter((one) => !isSecret(one))),
                    ),
                    [at.secrets]: environmentFile(config.program, kind, Object.fromEntries(all.filter(isSecret))),
                    ...shared,
                };
                return [
                    {
                        host: host.name,
                        connection: host.connection,
                        rollout: { tier: kind, maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                        preflight: { os: everyFamily, freeMiB: {}, cgroup: "any" },
                        packages: [config.package],
                        artifacts: [],
                        users: [{ name: config.systemUser }],
                        directories: { [at.dir]: directory() },
                        files,
                        units: { [name]: unit(Object.keys(files)) },
                        service,
                        protect: host.protect,
                    },
                ];
            }),
        };
    });
}
