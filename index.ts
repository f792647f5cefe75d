/** The program: reads the stack's site, composes the components, exports what people and tools ask for. */
import { homedir } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import { BareMetalHost } from "./components/baremetal/bareMetalHost";
import { Discovery, LoadBalancer } from "./components/discovery/discovery";
import { AgentPool } from "./components/mesos/agentPool";
import { MesosMasters } from "./components/mesos/mesosMasters";
import type { IHost } from "./components/shared/host";
import type { IScheduler } from "./components/shared/schedulerService";
import { quietShutdown } from "./components/shared/quietShutdown";
import { SiteSecrets } from "./components/shared/secrets";
import { servicesByHost, servicesOf, type SiteContext } from "./components/shared/serviceHost";
import { ZooKeeperEnsemble } from "./components/zookeeper/zooKeeperEnsemble";
import { MarathonService } from "./components/marathon/marathonService";
import { MarathonWork } from "./components/marathon/marathonWork";
import { OperatorSettings } from "./components/mesos/operatorSettings";
import { MetronomeService } from "./components/metronome/metronomeService";
import { MetronomeWork } from "./components/metronome/metronomeWork";
import {
    formatIssues,
    type Issue,
    type PlanResult,
    planSite,
    planSiteWork,
    type SchedulerPlan,
    type SitePlan,
    type WorkPlan,
} from "./site";
import { expandHome } from "./site/load";

function faulty(issues: readonly Issue[]): pulumi.RunError {
    const count = issues.length;
    return new pulumi.RunError(
        `${count} fault${count === 1 ? "" : "s"} in the site of stack ${pulumi.getStack()}; nothing was changed\n${formatIssues(issues)}`,
    );
}

function warn(warnings: readonly Issue[]): void {
    if (warnings.length > 0) {
        void pulumi.log.warn(`in the site of stack ${pulumi.getStack()}\n${formatIssues(warnings, "warning")}`);
    }
}

type Planned = Extract<PlanResult, { plan: unknown }>;

function readPlan(): Planned {
    const result = planSite(expandHome(new pulumi.Config().requireObject("site"), homedir()));
    if ("issues" in result) {
        throw faulty(result.issues);
    }
    warn(result.plan.warnings);
    return result;
}

function readWork({ site, plan }: Planned): WorkPlan {
    const stack = new pulumi.Config();
    const secretKeys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] ?? "[]") as string[];
    // A secret must not be filled in as plain text.
    const isSecret = (name: string): boolean => secretKeys.includes(`${stack.name}:${name}`);
    const result = planSiteWork(site, plan, pulumi.getRootDirectory(), {
        config: (name) => (isSecret(name) ? undefined : stack.get(name)),
        hasSecret: (name) => stack.getSecret(name) !== undefined,
    });
    if ("issues" in result) {
        throw faulty(result.issues);
    }
    warn(result.work.warnings);
    return result.work;
}

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
const config = new pulumi.Config();
/** Secrets of the site itself; others are given in the stack's configuration. */
const generated = new Set(plan.secrets.map(({ name }) => name));
const needed = [
    ...plan.secrets.filter(({ given }) => given === true),
    ...work.secrets.filter((name) => !generated.has(name)).map((name) => ({ name })),
];
const missing = needed.filter(({ name }) => config.getSecret(name) === undefined);
if (missing.length > 0) {
    const commands = missing.map(({ name }) => `    pulumi config set --stack ${pulumi.getStack()} --secret ${name}`);
    throw new pulumi.RunError(
        `parts that others run have secrets of their own, which this stack must be told; nothing was changed\n${commands.join("\n")}`,
    );
}
const secrets = new SiteSecrets("secrets", plan.secrets, (name) => config.getSecret(name));
const site: SiteContext = { plan, secrets, ...makeHosts(plan) };

const zookeeper =
    plan.zookeeper.members.length > 0
        ? new ZooKeeperEnsemble("zookeeper", { ...plan.zookeeper, site })
        : ZooKeeperEnsemble.fromExisting(plan.zookeeper.connect);
const masters =
    plan.masters.members.length > 0
        ? new MesosMasters("masters", { ...plan.masters, zookeeper, site })
        : MesosMasters.fromExisting(plan.masters.endpoints);
const pools = plan.pools.map(({ name, agents }) => new AgentPool(name, { agents, masters, site }));

const secretOf = (name: string): pulumi.Output<string> =>
    generated.has(name) ? secrets.value(name) : config.requireSecret(name);
const scheduler = (kind: SchedulerPlan["kind"]): IScheduler => {
    const own = plan.schedulers.find((one) => one.kind === kind);
    const Service = kind === "marathon" ? MarathonService : MetronomeService;
    return own === undefined ? Service.fromExisting() : new Service(kind, { ...own, zookeeper, masters, site });
};
if (work.quotas.length + work.weights.length + work.maintenance.length > 0) {
    const operator = { principal: plan.operator.principal, secret: secrets.value(plan.operator.secret) };
    new OperatorSettings("settings", {
        ...work,
        masters: { masters: masters.endpoints, operator },
        after: masters.ready,
    });
}
if (work.marathon !== undefined) {
    const service = scheduler("marathon");
    const access = { site, after: [...zookeeper.ready, ...service.ready] };
    if (plan.loadBalancers.length > 0) new LoadBalancer("load-balancer", { members: plan.loadBalancers, ...access });
    if (plan.nameServers.length > 0) new Discovery("discovery", { members: plan.nameServers, ...access });
    new MarathonWork("marathon", { ...work, server: work.marathon, secret: secretOf, service });
}
if (work.metronome !== undefined) {
    const service = scheduler("metronome");
    new MetronomeWork("metronome", { ...work, server: work.metronome, secret: secretOf, service });
}

/** Of a large site not known before all is registered: the SDK waits for outputs, not for resources that are yet to be made. */
const rest = pools.flatMap((pool) => pool.rest ?? []);
export const cluster = rest.length === 0 ? plan.cluster : Promise.all(rest).then(() => plan.cluster);
export const endpoints = plan.endpoints;
export const operator = { principal: plan.operator.principal, secret: secrets.value(plan.operator.secret) };
/** Principal and secret of each framework. */
export const frameworks = Object.fromEntries(
    plan.frameworks.map(({ principal, secret }) => [principal, { secret: secrets.value(secret) }]),
);
