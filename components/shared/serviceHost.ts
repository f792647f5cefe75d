/** From the plan of a service on a host to its one resource. */
import * as pulumi from "@pulumi/pulumi";
import { HostConfig, type HostConfigArgs } from "../../provider/sdk";
import type { HostSpec, SitePlan } from "../../site/plan/types";
import type { IHost } from "./host";
import type { SiteSecrets } from "./secrets";
import type { Turns } from "./turns";

/** What all services of a site share. */
export interface SiteContext {
    readonly plan: Pick<SitePlan, "cluster" | "confirm" | "operator">;
    readonly secrets: SiteSecrets;
    /** By name; a host that is not here is a registered one. */
    readonly hosts: ReadonlyMap<string, IHost>;
    /** Rejects when the clouds cannot have what is planned: nothing may be changed before. @default - nothing is asked */
    readonly gate?: Promise<void>;
    /** Order of machines that are replaced. @default - none is */
    readonly turns?: Turns;
}

/**
 * @param prefix First part of the resource's name: "zookeeper", "master" or "agent"
 * @param spec The plan
 * @param site What all services share
 * @param opts Parent and dependencies
 * @param more What only this kind of service has
 */
export function serviceHost(
    prefix: string,
    spec: HostSpec,
    site: SiteContext,
    opts: { parent: pulumi.Resource; dependsOn: readonly pulumi.Resource[] },
    more: Pick<HostConfigArgs, "login" | "stateOwner"> = {},
): HostConfig {
    const { protect, files, connection, ...rest } = spec;
    const host = site.hosts.get(spec.host);
    const machine = host?.machine;
    const dependsOn = [...(host?.dependsOn ?? []), ...opts.dependsOn];
    const { cluster, confirm, operator } = site.plan;
    const contents = Object.entries(files).map(([path, file]) => {
        const { mode, owner, group } = file;
        return [path, { content: site.secrets.content(file), mode, owner, group }] as const;
    });
    const service = new HostConfig(
        `${prefix}-${spec.host}`,
        {
            ...rest,
            // The volume's place is told with the volume.
            mount: undefined,
            connection: machine?.connection ?? connection,
            ...(machine !== undefined && {
                machine: pulumi.output(machine.instance).apply((instance) => ({ instance, zone: machine.zone })),
                ...(machine.volume !== undefined && { volume: machine.volume }),
            }),
            files: Object.fromEntries(contents),
            ...(spec.service.kind !== "zookeeper" && {
                operator: { principal: operator.principal, secret: site.secrets.value(operator.secret) },
            }),
            ...more,
            confirmed: confirm === cluster,
            cluster,
        },
        {
            parent: opts.parent,
            dependsOn: allowed(site, spec.host, dependsOn),
            protect,
        },
    );
    site.turns?.put(spec.host, service, spec.service.kind === "mesosAgent");
    return service;
}

/** Every service of the site, in the order in which they are made. */
export function servicesOf(plan: SitePlan): HostSpec[] {
    const { zookeeper, masters, schedulers, pools } = plan;
    return [
        ...zookeeper.members,
        ...masters.members,
        ...pools.flatMap(({ agents }) => agents),
        ...schedulers.flatMap(({ members }) => members),
        ...plan.loadBalancers,
        ...plan.nameServers,
    ];
}

/**
 * How many services must be healthy on a host before another one's machine is replaced. An agent beside a master does not
 * count: it comes after all masters.
 */
export function servicesByHost({ zookeeper, masters, schedulers, pools }: SitePlan): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const above = schedulers.flatMap(({ members }) => members);
    [...zookeeper.members, ...masters.members, ...above].forEach(({ host }) =>
        counts.set(host, (counts.get(host) ?? 0) + 1),
    );
    pools.flatMap(({ agents }) => agents).forEach(({ host }) => counts.has(host) || counts.set(host, 1));
    return counts;
}

/**
 * The machines of all members of a quorum: a first quorum can only form together, so nobody waits for it before all of its
 * machines are up.
 */
export function machinesOf(members: readonly HostSpec[], site: SiteContext): pulumi.Resource[] {
    return members.flatMap(({ host }) => site.hosts.get(host)?.dependsOn ?? []);
}

/** What a service waits for; without virtual machines, nothing but its dependencies, at once. */
function allowed(
    { gate, turns }: SiteContext,
    host: string,
    dependencies: readonly pulumi.Resource[],
): pulumi.Input<pulumi.Input<pulumi.Resource>[]> {
    return gate === undefined || turns === undefined
        ? [...dependencies]
        : gate.then(() => turns.withoutLater(host, dependencies));
}
