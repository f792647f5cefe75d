/** The program: reads the stack's site, composes the components, exports what people and tools ask for. */
import * as pulumi from "@pulumi/pulumi";
import { HostBackups } from "./components/backup/hostBackups";
import { BareMetalHost } from "./components/baremetal/bareMetalHost";
import { Discovery, LoadBalancer } from "./components/discovery/discovery";
import { MonteCarlo, ReleaseValidation } from "./components/workloads/campaign";
import { DdsSession } from "./components/workloads/ddsSession";
import { ReleaseBuilder } from "./components/workloads/releaseBuilder";
import { WorkQueue } from "./components/workloads/workQueue";
import { AgentPool } from "./components/mesos/agentPool";
import { MesosMasters } from "./components/mesos/mesosMasters";
import type { IHost } from "./components/shared/host";
import type { IScheduler } from "./components/shared/schedulerService";
import { SiteCertificates } from "./components/shared/certificates";
import { quietShutdown } from "./components/shared/quietShutdown";
import { SiteSecrets } from "./components/shared/secrets";
import { readPlan, readWork, requireGivenSecrets, requireOwnKeys } from "./components/shared/stackFile";
import { servicesByHost, servicesOf, type SiteContext } from "./components/shared/serviceHost";
import { ZooKeeperEnsemble } from "./components/zookeeper/zooKeeperEnsemble";
import { MarathonService } from "./components/marathon/marathonService";
import { MarathonWork } from "./components/marathon/marathonWork";
import { OperatorSettings } from "./components/mesos/operatorSettings";
import { Monitoring } from "./components/monitoring/monitoring";
import { MetronomeService } from "./components/metronome/metronomeService";
import { MetronomeWork } from "./components/metronome/metronomeWork";
import type { SchedulerPlan, SitePlan } from "./site";

function makeHosts(plan: SitePlan): Pick<SiteContext, "hosts" | "gate" | "turns"> {
    const hosts = new Map<string, IHost>(servicesOf(plan).map(({ host }) => [host, new BareMetalHost(host)]));
    if (plan.openstack === undefined) {
        return { hosts };
    }
    // Loaded only where it is needed: the OpenStack SDK is the largest part of a start.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { makeMachines } = require("./components/openstack") as typeof import("./components/openstack");
    const machines = makeMachines(plan.openstack, {
        confirmed: plan.confirm === plan.cluster,
        services: servicesByHost(plan),
    });
    machines.hosts.forEach((host) => hosts.set(host.name, host));
    return { hosts, gate: machines.gate, turns: machines.turns };
}

// The SDK takes a stack trace for every promise and every resource and looks each frame up in source maps: on a large site that
// is most of the program's time. The few errors that are not the user's can be had with their traces by this variable.
if (process.env["PULUMI_MESOS_STACK_TRACES"] === undefined) {
    Error.stackTraceLimit = 0;
    Reflect.deleteProperty(Error, "prepareStackTrace");
}
quietShutdown();
const planned = readPlan();
const { plan } = planned;
const work = readWork(planned);
requireGivenSecrets(plan, work);
requireOwnKeys(planned);
const config = new pulumi.Config();
const certificates = plan.certificates && new SiteCertificates("certificates", plan.certificates);
const secrets = new SiteSecrets("secrets", plan.secrets, (name) => config.getSecret(name), certificates?.values);
const site: SiteContext = { plan, secrets, ...makeHosts(plan) };

const zookeeper =
    plan.zookeeper.members.length > 0
        ? new ZooKeeperEnsemble("zookeeper", { ...plan.zookeeper, site })
        : ZooKeeperEnsemble.fromExisting(plan.zookeeper.connect);
const masters =
    plan.masters.members.length > 0
        ? new MesosMasters("masters", { ...plan.masters, zookeeper, site })
        : MesosMasters.fromExisting(plan.masters.endpoints);
const pools = new Map(
    plan.pools.map(({ name, agents }) => [name, new AgentPool(name, { agents, masters, site })] as const),
);

if (plan.backups.length > 0)
    new HostBackups("backups", { members: plan.backups, site, after: [...zookeeper.ready, ...masters.ready] });

if (plan.monitoring !== undefined)
    new Monitoring("monitoring", { ...plan.monitoring, site, after: [...zookeeper.ready, ...masters.ready] });

const secretOf = (name: string): pulumi.Output<string> =>
    secrets.has(name) ? secrets.value(name) : config.requireSecret(name);
const scheduler = (kind: SchedulerPlan["kind"]): IScheduler => {
    const own = plan.schedulers.find((one) => one.kind === kind);
    const Service = kind === "marathon" ? MarathonService : MetronomeService;
    return own === undefined ? Service.fromExisting() : new Service(kind, { ...own, zookeeper, masters, site });
};
const mastersArgs = {
    masters: masters.endpoints,
    operator: { principal: plan.operator.principal, secret: secrets.value(plan.operator.secret) },
};
if (work.quotas.length + work.weights.length + work.maintenance.length + work.reservations.length > 0) {
    new OperatorSettings("settings", {
        ...work,
        masters: mastersArgs,
        cluster: plan.cluster,
        confirmed: plan.confirm === plan.cluster,
        after: masters.ready,
        pools,
    });
}
const marathon = work.marathon && { server: work.marathon, secret: secretOf, service: scheduler("marathon") };
const metronome = work.metronome && { server: work.metronome, secret: secretOf, service: scheduler("metronome") };
const access = { site, after: [...zookeeper.ready, ...masters.ready, ...(marathon?.service.ready ?? [])] };
if (plan.loadBalancers.length > 0) new LoadBalancer("load-balancer", { members: plan.loadBalancers, ...access });
if (plan.nameServers.length > 0) new Discovery("discovery", { members: plan.nameServers, ...access });
if (marathon !== undefined) {
    new MarathonWork("marathon", {
        ...work,
        ...marathon,
        ...(plan.pools.length === 0 ? { agents: mastersArgs } : {}),
    });
}
const { workQueue, dds, campaigns } = plan.workloads;
if (dds !== undefined) new DdsSession("dds", { ...dds, zookeeper, masters, site });
if (workQueue !== undefined) {
    const queue = new WorkQueue("work-queue", { ...workQueue, zookeeper, masters, site });
    for (const { name, kind, member } of campaigns) {
        const Campaign = kind === "validation" ? ReleaseValidation : MonteCarlo;
        new Campaign(name, { member, queue, site });
    }
}
if (metronome !== undefined) new MetronomeWork("metronome", { ...work, ...metronome });
if (work.builds !== undefined && marathon !== undefined && metronome !== undefined)
    new ReleaseBuilder("builds", { ...work.builds, marathon, metronome, pools: [...pools.values()] });

/** Of a large site not known before all is registered: the SDK waits for outputs, not for resources that are yet to be made. */
const rest = [...pools.values()].flatMap((pool) => pool.rest ?? []);
export const cluster = rest.length === 0 ? plan.cluster : Promise.all(rest).then(() => plan.cluster);
export const endpoints = plan.endpoints;
export const operator = { principal: plan.operator.principal, secret: secrets.value(plan.operator.secret) };
/** Certificates of the site's own authority, PEM, for whoever else asks its servers; empty where it has none. */
export const authorities = certificates?.trusted ?? "";
/** Principal and secret of each framework. */
export const frameworks = Object.fromEntries(
    plan.frameworks.map(({ principal, secret }) => [principal, { secret: secrets.value(secret) }]),
);
/** What managers of Work Queue projects must know, and where campaigns and sessions tell how they are. */
export const workloads = {
    ...(dds && { dds: dds.urls }),
    ...(workQueue && {
        catalogs: workQueue.catalogAddresses,
        workQueue: workQueue.urls,
        ...(workQueue.password !== undefined && { password: secrets.value(workQueue.password) }),
    }),
    ...(plan.workloads.builds && { builds: plan.workloads.builds }),
    campaigns: Object.fromEntries(campaigns.map(({ kind, name, url }) => [`${kind}/${name}`, url])),
};
