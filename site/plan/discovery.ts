/** One {@link HostSpec} for each host that balances load or answers for names. */
import type { BalancerPlace } from "../../discovery/balancer";
import type { LoadBalancerFile, NamesFile } from "../../discovery/settings";
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { directory, file, jsonFile, programMark, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import type { Endpoint } from "./masters";
import { planMesosDns } from "./mesosDns";
import { secretMark } from "./secrets";
import type { AccessService, HostSpec, ManagedFile, QuorumMember, SecretPlan, SchedulerPlan } from "./types";

/** Tried there: its Node.js and its HAProxy are new enough. */
const os = { debian: ["12"] };
/** Events that come together are one reload, milliseconds. */
const GATHER_MS = 100;

type Verb = "balance" | "names";

const paths = (verb: Verb) => ({
    program: `/usr/local/lib/pulumi-mesos/${verb}.js`,
    settings: `/etc/pulumi-mesos/${verb}.json`,
    password: `/etc/pulumi-mesos/${verb}-password`,
    authorities: `/etc/pulumi-mesos/${verb}-authorities.pem`,
    unit: `pulumi-mesos-${verb}.service`,
});

const proxy: BalancerPlace = {
    file: "/var/lib/pulumi-mesos/haproxy/haproxy.cfg",
    socket: "/run/haproxy/master.sock",
    program: "/usr/sbin/haproxy",
};

interface Login {
    readonly urls: readonly string[];
    readonly ca?: string;
    readonly user?: string;
    /** Name of the secret. */
    readonly secret?: string;
}

/** Where Marathon is and as whom to ask it, whoever runs it. */
function marathonOf({ marathon }: SiteConfig, schedulers: readonly SchedulerPlan[]): Login {
    const own = schedulers.find(({ kind }) => kind === "marathon");
    if (own !== undefined) return { urls: own.urls, ...(own.ca === undefined ? {} : { ca: own.ca }), ...own.login };
    const { urls = [], ca, user, passwordSecret } = marathon?.existing ?? {};
    return {
        urls,
        ...(ca === undefined ? {} : { ca }),
        ...(user === undefined || passwordSecret === undefined ? {} : { user, secret: passwordSecret }),
    };
}

/** A password of a Marathon that others run is needed on hosts too. */
export function discoverySecrets({ marathon, loadBalancer, discovery }: SiteConfig): SecretPlan[] {
    const name = marathon?.existing?.passwordSecret;
    const isFollowed = loadBalancer !== undefined || (discovery !== undefined && discovery.mesosDns === undefined);
    return name === undefined || !isFollowed ? [] : [{ name, length: 32, given: true }];
}

interface Part {
    readonly verb: Verb;
    readonly path: string;
    readonly config: { readonly hosts: readonly string[]; readonly healthTimeoutSec: number };
    readonly user: string;
    readonly packages: readonly string[];
    /** Settings of the program, without where Marathon is. */
    readonly settings: (host: Host) => object;
    readonly description: string;
    readonly lowPort: boolean;
    readonly files: Readonly<Record<string, ManagedFile>>;
    readonly units: HostSpec["units"];
    readonly directories: HostSpec["directories"];
    readonly service: (members: readonly QuorumMember[]) => AccessService;
}

function planPart(part: Part, marathon: Login, hosts: ReadonlyMap<string, Host>): HostSpec[] {
    const { verb, config, user } = part;
    const at = paths(verb);
    const members = membersOf(config.hosts, hosts);
    const { urls, ca, secret } = marathon;
    const secured = marathon.user !== undefined && secret !== undefined;
    return members.flatMap(({ name }): HostSpec[] => {
        const host = hosts.get(name);
        if (!host) return [];
        const own: Record<string, ManagedFile> = {
            [at.program]: file(programMark("discovery")),
            [at.settings]: jsonFile({
                marathon: {
                    urls,
                    ...(ca === undefined ? {} : { caFile: at.authorities }),
                    ...(secured ? { user: marathon.user, passwordFile: at.password } : {}),
                },
                ...part.settings(host),
            }),
            ...(ca === undefined ? {} : { [at.authorities]: file(ca) }),
            ...(secured ? { [at.password]: file(secretMark(secret), "0600", user) } : {}),
            [`/etc/systemd/system/${at.unit}`]: file(
                render("program.service", {
                    after: " haproxy.service",
                    description: part.description,
                    user,
                    lowPort: part.lowPort,
                    command: `/usr/bin/node --no-warnings ${at.program} ${verb} ${at.settings}`,
                }),
            ),
        };
        return [
            {
                host: host.name,
                connection: host.connection,
                rollout: { tier: part.path, maxUnavailable: 1, healthTimeoutSec: config.healthTimeoutSec },
                preflight: { os, freeMiB: {}, cgroup: "any" },
                packages: part.packages.map((one) => ({ name: one })),
                artifacts: [],
                users: [{ name: user }],
                directories: {
                    "/etc/pulumi-mesos": directory(),
                    "/usr/local/lib/pulumi-mesos": directory(),
                    ...part.directories,
                },
                files: { ...own, ...part.files },
                units: { [at.unit]: unit(Object.keys(own)), ...part.units },
                service: part.service(members),
                protect: host.protect,
            },
        ];
    });
}

/** Plans every load balancer. */
export function planLoadBalancers(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    schedulers: readonly SchedulerPlan[],
): HostSpec[] {
    const config = site.loadBalancer;
    if (config === undefined) return [];
    const { group, httpPort, healthPort, connectTimeoutSec, idleTimeoutSec, drainSec, maxConnections, pollSec } =
        config;
    const settings: Omit<LoadBalancerFile, "marathon"> = {
        everyMs: pollSec * 1000,
        gatherMs: GATHER_MS,
        balancer: { group, httpPort, healthPort, connectTimeoutSec, idleTimeoutSec, drainSec, maxConnections },
        place: proxy,
    };
    const { program, settings: settingsFile } = paths("balance");
    const unitFile = "/etc/systemd/system/haproxy.service";
    const part: Part = {
        verb: "balance",
        path: "loadBalancer",
        config,
        user: "haproxy",
        packages: ["haproxy", "nodejs"],
        settings: () => settings,
        description: "Keeps HAProxy as Marathon's apps are",
        lowPort: false,
        files: { [unitFile]: file(render("haproxy.service", { ...proxy, program, settings: settingsFile })) },
        // Everything else it learns by a reload, which loses no connection.
        units: { "haproxy.service": unit([unitFile]) },
        directories: { "/var/lib/pulumi-mesos/haproxy": directory("haproxy") },
        service: (members) => ({ kind: "loadBalancer", port: healthPort, members }),
    };
    return planPart(part, marathonOf(site, schedulers), hosts);
}

/** Plans every name server. */
export function planNameServers(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    { schedulers, masters }: { readonly schedulers: readonly SchedulerPlan[]; readonly masters: readonly Endpoint[] },
): HostSpec[] {
    const config = site.discovery;
    if (config === undefined) return [];
    if (config.mesosDns !== undefined) return planMesosDns(site, config, hosts, servers, masters);
    const { domain, port, ttlSec, pollSec } = config;
    const settings = (host: Host): Omit<NamesFile, "marathon"> => ({
        everyMs: pollSec * 1000,
        gatherMs: GATHER_MS,
        names: { domain, framework: "marathon", ttlSec },
        // Not on every address: a resolver of the system's own may have 127.0.0.53.
        listen: { address: host.address, port },
        // Readable without a credential, as the masters make it.
        masters: `zk://${servers.join(",")}${site.masters.zkPath}`,
    });
    const part: Part = {
        verb: "names",
        path: "discovery",
        config,
        user: "pulumi-mesos",
        packages: ["nodejs"],
        settings,
        description: `Names of Marathon's apps, below ${domain}`,
        lowPort: port < 1024,
        files: {},
        units: {},
        directories: {},
        service: (members) => ({ kind: "nameServer", port, domain, members }),
    };
    return planPart(part, marathonOf(site, schedulers), hosts);
}
