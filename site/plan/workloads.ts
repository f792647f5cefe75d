/** Hosts of the site's own work: Work Queue catalogs, the framework, the managers of validations and productions. */
import type { CampaignText, Work } from "../../frameworks/campaign/declaration";
import type { ConfigText } from "../../frameworks/workqueue/config";
import { formatPath } from "../issue";
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { ddsSecret, planDds } from "./dds";
import { directory, file, jsonFile, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import { workQueuePasswordSecret } from "./principals";
import { secretMark } from "./secrets";
import type { CampaignPlan, HostSpec, SecretPlan, WorkloadsPlan, WorkQueuePlan } from "./types";
import {
    connected,
    frameworkPaths,
    hostOf,
    type Place,
    planFrameworkHosts,
    type SiteHosts,
    unitFile,
} from "./workloadHost";

type WorkQueueConfig = NonNullable<SiteConfig["workloads"]["workQueue"]>;
type CampaignKind = "validations" | "productions";

const zookeeperSecret = "workqueue-zookeeper";
/** User of the framework's digest in ZooKeeper. */
const zookeeperUser = "workqueue";
/** Debian's package of CCTools: catalog, makeflow, worker. */
export const cctools = "coop-computing-tools";

const singular = { validations: "validation", productions: "production" } as const;
const campaignKinds = ["validations", "productions"] as const;

/** Where the stack file names hosts for workloads. */
export function workloadHosts({ workloads }: SiteConfig): {
    role: "workQueue" | "catalog" | "dds" | CampaignKind;
    names: readonly string[];
    path: string;
    /** Of a campaign. */
    name?: string;
}[] {
    const { workQueue, dds } = workloads;
    return [
        ...(dds === undefined ? [] : [{ role: "dds", names: dds.members, path: "workloads.dds.members" } as const]),
        ...(workQueue === undefined
            ? []
            : [
                  {
                      role: "catalog",
                      names: workQueue.catalog.hosts ?? [],
                      path: "workloads.workQueue.catalog.hosts",
                  } as const,
                  { role: "workQueue", names: workQueue.members, path: "workloads.workQueue.members" } as const,
              ]),
        ...campaignKinds.flatMap((role) =>
            Object.entries(workloads[role]).map(([name, { host }]) => ({
                role,
                names: [host],
                path: formatPath(["workloads", role, name, "host"]),
                name,
            })),
        ),
    ];
}

/** The secrets that are theirs alone. */
export function workloadSecrets({ workloads: { workQueue, dds } }: SiteConfig): SecretPlan[] {
    const ofDds = dds === undefined ? [] : [{ name: ddsSecret, length: 32 }];
    if (workQueue === undefined) return ofDds;
    return [
        ...ofDds,
        { name: zookeeperSecret, length: 32 },
        ...(workQueue.authentication ? [{ name: workQueuePasswordSecret, length: 32 }] : []),
    ];
}

type Hosts = ReadonlyMap<string, Host>;

export function catalogAddresses({ catalog }: WorkQueueConfig, hosts: Hosts): string[] {
    return catalog.existing ?? membersOf(catalog.hosts ?? [], hosts).map(({ address }) => `${address}:${catalog.port}`);
}

const program = "mesos-workqueue";
const paths = frameworkPaths(program);
const passwordPath = `${paths.etc}/password`;

/** What the framework reads; the same for all its instances but for their own addresses. */
export function frameworkConfig(
    site: SiteConfig,
    config: WorkQueueConfig,
    { catalogs, ...place }: Place & { readonly catalogs: readonly string[] },
): ConfigText {
    const { sizes, ceiling, avoid, container, volumes, environment, projects, roles, worker, lifeSec } = config;
    const own = {
        catalogs: [...catalogs],
        projects,
        ...(Object.keys(roles).length === 0 ? {} : { roles }),
        ...(config.authentication ? { passwordFile: passwordPath } : {}),
        ...(config.passwordFileOnAgents === undefined ? {} : { passwordFileOnAgents: config.passwordFileOnAgents }),
        pollSec: config.pollSec,
        sizes,
        ceiling,
        idleSec: config.idleSec,
        ...(lifeSec === undefined ? {} : { lifeSec }),
        startSec: config.startSec,
        avoid,
        worker,
        arguments: config.arguments,
        environment,
        ...(container === undefined ? {} : { container }),
        volumes,
    };
    return connected(own, site, config, paths, place);
}

function planCatalogs({ catalog, systemUser }: WorkQueueConfig, hosts: Hosts): HostSpec[] {
    const members = membersOf(catalog.hosts ?? [], hosts);
    const name = "workqueue-catalog";
    const state = `/var/lib/${name}`;
    const tidy = `/etc/tmpfiles.d/${name}.conf`;
    return members.flatMap((member): HostSpec[] => {
        const host = hosts.get(member.name);
        if (!host) return [];
        const text = render("workload.service", {
            title: "Work Queue catalog",
            user: systemUser,
            // Its own addresses are its parents' too: by default it tells others, far away, of itself.
            command: `/usr/bin/catalog_server --port=${catalog.port} --lifetime=${catalog.lifetimeSec} --update-host=127.0.0.1 --history=${state} --name=${member.address}`,
        });
        return [
            {
                ...hostOf(host, "workQueue/catalog", catalog.healthTimeoutSec),
                packages: [{ name: cctools }],
                users: [{ name: systemUser }],
                directories: { [state]: directory(systemUser) },
                // It writes down what it hears for ever, and needs the last of it only.
                files: { [unitFile(name)]: file(text), [tidy]: file(`e ${state} - - - 30d\n`) },
                units: { [`${name}.service`]: unit([unitFile(name)]) },
                service: { kind: "workQueueCatalog", port: catalog.port, members },
            },
        ];
    });
}

function planFramework(config: WorkQueueConfig, at: SiteHosts): WorkQueuePlan {
    const { site, hosts, servers } = at;
    const catalogs = catalogAddresses(config, hosts);
    const { authentication, systemUser } = config;
    return {
        ...planFrameworkHosts(
            {
                kind: "workQueue",
                program,
                title: "Workers for Work Queue projects on Mesos",
                stateOwner: { user: zookeeperUser, secret: zookeeperSecret },
                text: (address) => frameworkConfig(site, config, { catalogs, servers, address }),
                files: authentication
                    ? { [passwordPath]: file(secretMark(workQueuePasswordSecret), "0600", systemUser) }
                    : {},
            },
            config,
            at,
        ),
        catalogs: planCatalogs(config, hosts),
        catalogAddresses: catalogs,
        ...(authentication ? { password: workQueuePasswordSecret } : {}),
    };
}

type CampaignConfig = SiteConfig["workloads"]["validations"][string] | SiteConfig["workloads"]["productions"][string];

/** The part of a campaign that is the program's, without where it is. */
export function campaignWork(kind: CampaignKind, config: CampaignConfig): Work {
    const place = ["host", "port", "statusPort", "dir"];
    const work = Object.fromEntries(Object.entries(config).filter(([name]) => !place.includes(name)));
    return { kind: singular[kind], ...work } as Work;
}

/** Its project's name in the catalog. */
export const campaignProject = (kind: CampaignKind, name: string): string => `${singular[kind]}-${name}`;

function planCampaign(
    kind: CampaignKind,
    name: string,
    config: CampaignConfig,
    workQueue: WorkQueueConfig,
    hosts: Hosts,
): CampaignPlan[] {
    const host = hosts.get(config.host);
    if (!host) return [];
    const folder = "/etc/mesos-campaign";
    const id = campaignProject(kind, name);
    const at = { config: `${folder}/${id}.json`, password: `${folder}/${id}-password` };
    const dir = config.dir ?? `/var/lib/mesos-campaign/${id}`;
    const owner = workQueue.systemUser;
    const text: CampaignText = {
        name,
        dir,
        catalogs: catalogAddresses(workQueue, hosts),
        ...(workQueue.authentication ? { passwordFile: at.password } : {}),
        port: config.port,
        statusPort: config.statusPort,
        work: campaignWork(kind, config),
    };
    const unitName = `mesos-campaign-${id}`;
    const files = {
        [at.config]: jsonFile(text),
        ...(workQueue.authentication
            ? { [at.password]: file(secretMark(workQueuePasswordSecret), "0600", owner) }
            : {}),
        [unitFile(unitName)]: file(
            render("workload.service", {
                title: `${singular[kind] === "validation" ? "Release validation" : "Monte Carlo production"} ${name}`,
                user: owner,
                command: `/usr/bin/mesos-campaign ${at.config}`,
            }),
        ),
    };
    const member: HostSpec = {
        ...hostOf(host, id.replace("-", "/"), 60),
        packages: [{ name: "mesos-campaign" }, { name: cctools }],
        users: [{ name: owner }],
        directories: { [folder]: directory(), [dir]: directory(owner) },
        files,
        units: { [`${unitName}.service`]: unit(Object.keys(files)) },
        service: {
            kind: "campaign",
            port: config.statusPort,
            members: [{ name: host.name, address: host.address, zone: host.zone }],
        },
    };
    return [{ name, kind: singular[kind], member, url: `http://${host.address}:${config.statusPort}/` }];
}

/** Plans all of `workloads`. */
export function planWorkloads(at: SiteHosts, onVolume: (spec: HostSpec) => HostSpec): WorkloadsPlan {
    const { workloads } = at.site;
    const { workQueue } = workloads;
    const dds = planDds(at);
    const ofDds = dds && { dds: { ...dds, members: dds.members.map(onVolume) } };
    if (workQueue === undefined) return { ...ofDds, campaigns: [] };
    const framework = planFramework(workQueue, at);
    const campaigns = campaignKinds.flatMap((kind) =>
        Object.entries<CampaignConfig>(workloads[kind]).flatMap(([name, config]) =>
            planCampaign(kind, name, config, workQueue, at.hosts),
        ),
    );
    return {
        ...ofDds,
        workQueue: {
            ...framework,
            catalogs: framework.catalogs.map(onVolume),
            members: framework.members.map(onVolume),
        },
        campaigns: campaigns.map((one) => ({ ...one, member: onVolume(one.member) })),
    };
}
