/** Prometheus and its exporter on the hosts that watch, the node exporter on every host. */
import { stringify } from "yaml";
import { alertRules, type Watched } from "./alerts";
import type { ExporterFile, Target } from "../../monitoring/settings";
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { directory, file, jsonFile, programMark, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import { monitorPrincipal, principalSecret } from "./principals";
import { secretMark } from "./secrets";
import { servicesOf } from "./services";
import type { AccessService, HostSpec, ManagedFile, QuorumMember, SitePlan } from "./types";

/** Where its packages are tried. */
const os = { debian: ["12"] };

const paths = {
    program: "/usr/local/lib/pulumi-mesos/exporter.js",
    settings: "/etc/pulumi-mesos/exporter.json",
    mesosPassword: "/etc/pulumi-mesos/exporter-mesos",
    marathonPassword: "/etc/pulumi-mesos/exporter-marathon",
    metronomePassword: "/etc/pulumi-mesos/exporter-metronome",
    authorities: (kind: string) => `/etc/pulumi-mesos/exporter-authorities-${kind}.pem`,
    config: "/etc/prometheus/prometheus.yml",
    rules: "/etc/prometheus/pulumi-mesos.rules.yml",
    /** Where the backups' timer, and others, leave what they have to tell. */
    notes: "/var/lib/prometheus/node-exporter",
};
const user = "pulumi-mesos";

type Monitoring = NonNullable<SiteConfig["monitoring"]>;
/** The rest of the site, which is what is watched. */
export type Rest = Omit<SitePlan, "monitoring">;

/** Job of each kind that answers alone. */
const accessJobs: Partial<Readonly<Record<AccessService["kind"], string>>> = {
    loadBalancer: "load-balancer",
    nameServer: "name-server",
    workQueueCatalog: "work-queue-catalog",
};

interface Login {
    readonly user: string;
    readonly secret: string;
    readonly file: string;
}

/** As whom Mesos and the schedulers are asked, where they want to know. */
function loginsOf(site: SiteConfig, { schedulers }: Rest): Partial<Record<"mesos" | "marathon" | "metronome", Login>> {
    const of = (kind: "marathon" | "metronome") => schedulers.find((one) => one.kind === kind)?.login;
    const [marathon, metronome] = [of("marathon"), of("metronome")];
    return {
        ...(site.authentication.http && {
            mesos: { user: monitorPrincipal, secret: principalSecret(monitorPrincipal), file: paths.mesosPassword },
        }),
        ...(marathon && { marathon: { ...marathon, file: paths.marathonPassword } }),
        ...(metronome && { metronome: { ...metronome, file: paths.metronomePassword } }),
    };
}

/** What the exporter looks at, by Prometheus' job. */
function jobsOf(site: SiteConfig, rest: Rest): Record<string, Target[]> {
    const logins = loginsOf(site, rest);
    const as = (login: Login | undefined) =>
        login === undefined ? {} : { login: { user: login.user, passwordFile: login.file } };
    const place = ({ name, address, port }: { name: string; address: string; port: number }) => ({
        host: name,
        address,
        port,
    });
    const { zookeeper, masters, agents } = rest.endpoints;
    const jobs: Record<string, Target[]> = {
        zookeeper: zookeeper.map((one) => ({ kind: "zookeeper", ...place(one) })),
        "mesos-master": masters.map((one) => ({ kind: "mesos", ...place(one), ...as(logins.mesos) })),
        "mesos-agent": agents.map((one) => ({ kind: "mesos", ...place(one), ...as(logins.mesos) })),
    };
    for (const { host, connection, service } of servicesOf(rest)) {
        const { address } = connection;
        const add = (job: string, target: Target): void => void (jobs[job] ??= []).push(target);
        if (service.kind === "marathon" || service.kind === "metronome")
            add(service.kind, {
                kind: service.kind,
                host,
                address,
                port: service.port,
                ...(service.tls && {
                    tls: service.tls.ca === undefined ? {} : { caFile: paths.authorities(service.kind) },
                }),
                ...as(logins[service.kind]),
            });
        const job = accessJobs[service.kind as AccessService["kind"]];
        if (job === undefined) continue;
        const access: AccessService = { ...(service as AccessService), members: [] };
        add(job, { kind: "access", host, address, port: access.port, service: access });
    }
    return Object.fromEntries(Object.entries(jobs).filter(([, targets]) => targets.length > 0));
}

/** What speaks Prometheus' format itself, by job. */
function directOf(rest: Rest): Record<string, { host: string; target: string }[]> {
    const jobs: Record<string, { host: string; target: string }[]> = {};
    for (const { host, connection, service } of servicesOf(rest))
        if (service.kind === "workQueue" || service.kind === "dds" || service.kind === "campaign") {
            const job = { workQueue: "work-queue", dds: "dds", campaign: "campaign" }[service.kind];
            (jobs[job] ??= []).push({ host, target: `${connection.address}:${service.port}` });
        }
    return jobs;
}

function watchedOf(site: SiteConfig, rest: Rest, jobs: Readonly<Record<string, readonly Target[]>>): Watched {
    const drained = rest.pools.flatMap(({ agents }) =>
        agents.filter(({ service }) => service.kind === "mesosAgent" && service.drained === true),
    );
    return {
        cluster: site.cluster,
        zookeeper: jobs["zookeeper"]?.length ?? 0,
        masters: jobs["mesos-master"]?.length ?? 0,
        agents: (jobs["mesos-agent"]?.length ?? 0) - drained.length,
        schedulers: (["marathon", "metronome"] as const).filter((kind) => jobs[kind] !== undefined),
        access: Object.values(accessJobs).filter((job) => jobs[job] !== undefined),
        backups: rest.backups.length > 0,
        certificates: Object.values(jobs).some((targets) => targets.some((one) => "tls" in one)),
    };
}

/** One static target for each host, under the host's name. */
const target = (address: string, host: string, more: Readonly<Record<string, string>> = {}) => ({
    targets: [address],
    labels: { instance: host, ...more },
});

function prometheusConfig(
    { cluster }: SiteConfig,
    config: Monitoring,
    jobs: Readonly<Record<string, readonly Target[]>>,
    rest: Rest,
    nodes: readonly QuorumMember[],
): string {
    const { everySec, exporterPort, nodeExporterPort, alertmanagers } = config;
    const scrape = [
        {
            job_name: "node",
            static_configs: nodes.map(({ name, address }) => target(`${address}:${nodeExporterPort}`, name)),
        },
        ...Object.entries(jobs).map(([job, targets]) => ({
            job_name: job,
            metrics_path: "/probe",
            params: { job: [job] },
            static_configs: targets.map(({ host }) =>
                target(`127.0.0.1:${exporterPort}`, host, { __param_host: host }),
            ),
        })),
        ...Object.entries(directOf(rest)).map(([job, targets]) => ({
            job_name: job,
            static_configs: targets.map((one) => target(one.target, one.host)),
        })),
    ];
    return stringify(
        {
            global: {
                scrape_interval: `${everySec}s`,
                scrape_timeout: `${Math.min(10, everySec)}s`,
                evaluation_interval: `${everySec}s`,
                external_labels: { cluster },
            },
            rule_files: [paths.rules],
            ...(alertmanagers.length > 0 && {
                alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] },
            }),
            scrape_configs: scrape,
        },
        { lineWidth: 0, aliasDuplicateObjects: false },
    );
}

const written = "# Written by pulumi-mesos from the stack file: changes by hand are undone.\n";

/** Whoever is told of by anything runs the node exporter. */
function nodesOf(rest: Rest, config: Monitoring, hosts: ReadonlyMap<string, Host>): QuorumMember[] {
    const names = new Set([
        ...servicesOf(rest).map(({ host }) => host),
        ...membersOf(config.hosts, hosts).map(({ name }) => name),
    ]);
    return membersOf([...names].sort(), hosts);
}

/** Plans the node exporter of every host. */
export function planNodeExporters(site: SiteConfig, hosts: ReadonlyMap<string, Host>, rest: Rest): HostSpec[] {
    const { monitoring } = site;
    if (monitoring === undefined) return [];
    const { nodeExporterPort: port, healthTimeoutSec } = monitoring;
    const members = nodesOf(rest, monitoring, hosts);
    const unitFile = "/etc/systemd/system/prometheus-node-exporter.service";
    return members.flatMap(({ name, address }): HostSpec[] => {
        const host = hosts.get(name);
        if (!host) return [];
        return [
            {
                host: name,
                connection: host.connection,
                // Nothing is out of service meanwhile.
                rollout: { tier: "nodeExporter", maxUnavailable: members.length, healthTimeoutSec },
                preflight: { os: { debian: ["12"], ubuntu: ["22.04"] }, freeMiB: {}, cgroup: "any" },
                packages: [{ name: "prometheus-node-exporter" }],
                artifacts: [],
                users: [],
                directories: { [paths.notes]: directory() },
                files: { [unitFile]: file(render("node-exporter.service", { address, port, notes: paths.notes })) },
                units: { "prometheus-node-exporter.service": unit([unitFile]) },
                service: { kind: "nodeExporter", port, members },
                protect: host.protect,
            },
        ];
    });
}

/** Plans Prometheus on every host that watches. */
export function planMonitors(site: SiteConfig, hosts: ReadonlyMap<string, Host>, rest: Rest): HostSpec[] {
    const { monitoring } = site;
    if (monitoring === undefined) return [];
    const { port, exporterPort, keepDays, healthTimeoutSec, alerts } = monitoring;
    const members = membersOf(monitoring.hosts, hosts);
    const jobs = jobsOf(site, rest);
    const settings: ExporterFile = { listen: { address: "127.0.0.1", port: exporterPort }, jobs };
    const [exporterUnit, prometheusUnit] = ["pulumi-mesos-exporter.service", "prometheus.service"];
    const exporter: Record<string, ManagedFile> = {
        [paths.program]: file(programMark("exporter")),
        [paths.settings]: jsonFile(settings),
        ...Object.fromEntries(
            Object.values(loginsOf(site, rest)).map(({ secret, file: path }) => [
                path,
                file(secretMark(secret), "0600", user),
            ]),
        ),
        ...Object.fromEntries(
            rest.schedulers.flatMap(({ kind, ca }) =>
                ca === undefined ? [] : [[paths.authorities(kind), file(ca)] as const],
            ),
        ),
        [`/etc/systemd/system/${exporterUnit}`]: file(
            render("program.service", {
                description: "Tells Prometheus how Mesos, ZooKeeper and their schedulers are",
                after: "",
                user,
                lowPort: false,
                command: `/usr/bin/node --no-warnings ${paths.program} ${paths.settings}`,
            }),
        ),
    };
    const nodes = nodesOf(rest, monitoring, hosts);
    const groups = alertRules(watchedOf(site, rest, jobs), alerts);
    const shared: Record<string, ManagedFile> = {
        [paths.config]: file(written + prometheusConfig(site, monitoring, jobs, rest, nodes)),
        [paths.rules]: file(written + stringify({ groups }, { lineWidth: 0 })),
    };
    return members.flatMap(({ name, address }): HostSpec[] => {
        const host = hosts.get(name);
        if (!host) return [];
        const own: Record<string, ManagedFile> = {
            ...shared,
            [`/etc/systemd/system/${prometheusUnit}`]: file(
                render("prometheus.service", { address, port, keepDays, config: paths.config }),
            ),
        };
        return [
            {
                host: name,
                connection: host.connection,
                rollout: { tier: "monitoring", maxUnavailable: 1, healthTimeoutSec },
                preflight: { os, freeMiB: { "/var/lib/prometheus": 1024 }, cgroup: "any" },
                packages: [{ name: "prometheus" }, { name: "nodejs" }],
                artifacts: [],
                users: [{ name: user }],
                directories: { "/etc/pulumi-mesos": directory(), "/usr/local/lib/pulumi-mesos": directory() },
                files: { ...exporter, ...own },
                units: { [exporterUnit]: unit(Object.keys(exporter)), [prometheusUnit]: unit(Object.keys(own)) },
                service: { kind: "monitoring", port, members },
                protect: host.protect,
            },
        ];
    });
}
