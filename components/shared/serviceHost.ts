/** From the plan of a service on a host to its one resource. */
import * as pulumi from "@pulumi/pulumi";
import { type ConnectionArgs, HostConfig, type HostConfigArgs } from "../../provider/sdk";
import { servicesOf } from "../../site/plan/services";
import type { HostSpec, SitePlan } from "../../site/plan/types";
import { type IHost, through } from "./host";
import type { SiteSecrets } from "./secrets";
import type { Turns } from "./turns";

export { servicesOf };

/** What all services of a site share. */
export interface SiteContext {
    readonly plan: Pick<SitePlan, "cluster" | "confirm" | "operator" | "renewsSecrets">;
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
    more: Partial<Pick<HostConfigArgs, "login" | "stateOwner" | "service">> = {},
): HostConfig {
    const { protect, files, ...rest } = spec;
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
            connection: wayTo(spec, site),
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

/** How the host of a service is reached. */
export function wayTo({ host, connection }: HostSpec, { hosts }: SiteContext): ConnectionArgs {
    return hosts.get(host)?.machine?.connection ?? through(hosts.get(connection.jump?.host ?? ""), connection);
}

/**
 * How many services must be healthy on a host before another one's machine is replaced, its agent apart: that comes after all
 * masters, and counts only where it is alone.
 */
export function servicesByHost(plan: SitePlan): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { host, service } of servicesOf(plan))
        counts.set(host, (counts.get(host) ?? 0) + (service.kind === "mesosAgent" ? 0 : 1));
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
