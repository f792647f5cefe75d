/** One {@link HostSpec} for each host that Marathon or Metronome runs on. */
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { authoritiesOf, keySecrets, serverCertificate } from "./certificates";
import { everyFamily } from "./distribution";
import { directory, environmentFile, file, unit, type Flags } from "./files";
import { type Host, membersOf } from "./hosts";
import type { Endpoint } from "./masters";
import { principalSecret } from "./principals";
import { secretMark, secretsIn } from "./secrets";
import type { HostSpec, ManagedFile, SchedulerPlan, SchedulerService, SecretPlan } from "./types";

/** Those whose settings are an environment; frameworks of ours have a file (./workloads.ts, ./dds.ts). */
type Kind = Exclude<SchedulerService["kind"], "workQueue" | "dds">;
type MarathonConfig = NonNullable<SiteConfig["marathon"]>;
type MetronomeConfig = NonNullable<SiteConfig["metronome"]>;
type Managed = Pick<MarathonConfig, keyof MetronomeConfig>;

const titles: Readonly<Record<Kind, string>> = { marathon: "Marathon", metronome: "Metronome" };

/** User of its digest in ZooKeeper, and of its HTTP API. */
const login = (kind: Kind): string => kind;
const zookeeperSecret = (kind: Kind): string => `${kind}-zookeeper`;
export const httpSecret = (kind: Kind): string => `${kind}-http`;
const keystoreSecret = (kind: Kind): string => `${kind}-keystore`;

/** Those that this site runs itself. */
function managedOf({ marathon, metronome }: SiteConfig): [Kind, Managed][] {
    return [
        ...(marathon?.members === undefined ? [] : [["marathon", marathon] as [Kind, Managed]]),
        ...(metronome?.members === undefined ? [] : [["metronome", metronome] as [Kind, Managed]]),
    ];
}

/** The secrets that are theirs alone: of their part of ZooKeeper, of Marathon's API, and for HTTPS. */
export function schedulerSecrets(site: SiteConfig): SecretPlan[] {
    return managedOf(site).flatMap(([kind, { tls }]) => [
        { name: zookeeperSecret(kind), length: 32 },
        ...(tls === undefined ? [] : [{ name: keystoreSecret(kind), length: 32 }]),
        ...keySecrets(tls),
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
export function schedulerUser(site: SiteConfig, config: Pick<Managed, "user" | "principal">): string {
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
    certificate: `/etc/${kind}/tls-certificate.pem`,
    key: `/etc/${kind}/tls-key.pem`,
    authorities: `/etc/${kind}/tls-authorities.pem`,
    // What Java takes is made of those when the service starts, in memory, for its user alone.
    keystoreMaker: `/etc/${kind}/make-keystore`,
    keystore: `/run/${kind}/keystore.p12`,
    unit: `/etc/systemd/system/${kind}.service`,
});

const zkUrl = (kind: Kind, config: Managed, servers: readonly string[]): string =>
    `zk://${login(kind)}:${secretMark(zookeeperSecret(kind))}@${servers.join(",")}${config.zkPath}`;

const scheme = ({ tls }: Managed): string => (tls === undefined ? "http" : "https");

/** Marathon serves HTTPS where it has a keystore; without HTTP it names its HTTPS address as that of the leader. */
const marathonPorts = ({ tls, port }: MarathonConfig): Flags =>
    tls === undefined
        ? { http_port: port }
        : {
              disable_http: "",
              https_port: port,
              ssl_keystore_path: paths("marathon").keystore,
              ssl_keystore_password: secretMark(keystoreSecret("marathon")),
          };

/** Metronome's are those of the Play framework; a port that is no number is Play's way of having none. */
const metronomePorts = ({ tls, port }: MetronomeConfig): Flags =>
    tls === undefined
        ? { play_server_http_port: port }
        : {
              play_server_http_port: "disabled",
              play_server_https_port: port,
              play_server_https_keystore_path: paths("metronome").keystore,
              play_server_https_keystore_type: "PKCS12",
              play_server_https_keystore_password: secretMark(keystoreSecret("metronome")),
          };

/** By the names of its flags (facts: Marathon reads MARATHON_NAME for --name; a boolean is set by an empty value). */
export function marathonSettings(config: MarathonConfig, { site, address, servers }: Place): Flags {
    return {
        ...config.settings,
        master: `zk://${servers.join(",")}${site.masters.zkPath}`,
        zk: zkUrl("marathon", config, servers),
        hostname: address,
        ...marathonPorts(config),
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
        web_ui_url: `${scheme(config)}://${address}:${config.port}`,
        ...metronomePorts(config),
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

/** Mesos' library within it: the masters connect back, and by default it would listen on a port of chance. */
const libprocess = (address: string, port: number): Flags => ({
    LIBPROCESS_IP: address,
    LIBPROCESS_ADVERTISE_IP: address,
    LIBPROCESS_PORT: port,
});

/** What the rollout of its hosts must know of a framework, whatever its kind. */
export function schedulerService(
    kind: SchedulerService["kind"],
    config: Pick<Managed, "port" | "frameworkName" | "principal" | "user" | "zkPath">,
    at: Pick<SchedulerService, "members" | "masters"> & {
        readonly servers: readonly string[];
        readonly site: SiteConfig;
    },
): SchedulerService {
    return {
        kind,
        port: config.port,
        members: at.members,
        masters: at.masters,
        frameworkName: config.frameworkName,
        principal: config.principal,
        user: schedulerUser(at.site, config),
        zookeeper: { servers: at.servers, path: config.zkPath },
    };
}

/** What a member's keystore is made of, and the program that makes it. */
function keystoreOf(kind: Kind, { tls, systemUser }: Managed, host: string): Record<string, ManagedFile> {
    if (tls === undefined) return {};
    const at = paths(kind);
    const { certificate, key, ca } = serverCertificate(kind, tls, host);
    const password = kind === "marathon" ? "SSL_KEYSTORE_PASSWORD" : "PLAY_SERVER_HTTPS_KEYSTORE_PASSWORD";
    const values = { ...at, kind, trusts: ca !== undefined, password: `${kind.toUpperCase()}_${password}` };
    return {
        [at.certificate]: file(certificate),
        [at.key]: file(key, "0600", systemUser),
        [at.keystoreMaker]: file(render("make-keystore", values), "0755"),
        ...(ca === undefined ? {} : { [at.authorities]: file(ca) }),
    };
}

/** Plans every server. */
export function planSchedulers(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    masters: readonly Endpoint[],
): SchedulerPlan[] {
    return managedOf(site).map(([kind, config]) => {
        const members = membersOf(config.members ?? [], hosts);
        const at = paths(kind);
        const name = `${kind}.service`;
        const unitValues = { ...config, title: titles[kind], environmentFiles: [at.env, at.secrets] };
        const shared: Record<string, ManagedFile> = {
            // Read as it is: a newline would be part of the secret.
            [at.secret]: file(secretMark(principalSecret(config.principal)), "0600", config.systemUser),
            [at.unit]: file(
                render("scheduler.service", { ...unitValues, kind, before: config.tls && at.keystoreMaker }),
            ),
        };
        const ca = authoritiesOf(config.tls);
        const tls = config.tls && (ca === undefined ? {} : { ca });
        const service = {
            ...schedulerService(kind, config, { site, members, masters, servers }),
            ...(tls && { tls }),
        };
        const secured = kind === "marathon" && site.marathon?.authentication === true;
        return {
            kind,
            urls: members.map(({ address }) => `${scheme(config)}://${address}:${config.port}`),
            ...(ca === undefined ? {} : { ca }),
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
                        libprocess(member.address, config.libprocessPort),
                    ),
                    [at.secrets]: environmentFile(config.program, kind, Object.fromEntries(all.filter(isSecret))),
                    ...keystoreOf(kind, config, host.name),
                    ...shared,
                };
                return [
                    {
                        host: host.name,
                        connection: host.connection,
                        rollout: { tier: kind, maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                        preflight: { os: everyFamily, freeMiB: {}, cgroup: "any" },
                        packages: [config.package, ...(config.tls === undefined ? [] : [{ name: "openssl" }])],
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
