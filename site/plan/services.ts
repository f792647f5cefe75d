/** The services of a plan, whatever they are. */
import type { HostSpec, SitePlan } from "./types";

/** Every service of the site, in the order in which they are made. */
export function servicesOf(plan: Omit<SitePlan, "warnings">): HostSpec[] {
    const { zookeeper, masters, schedulers, pools } = plan;
    return [
        ...zookeeper.members,
        ...masters.members,
        ...pools.flatMap(({ agents }) => agents),
        ...schedulers.flatMap(({ members }) => members),
        ...plan.loadBalancers,
        ...plan.nameServers,
        ...(plan.workloads.workQueue?.catalogs ?? []),
        ...(plan.workloads.workQueue?.members ?? []),
        ...(plan.workloads.dds?.members ?? []),
        ...plan.workloads.campaigns.map(({ member }) => member),
        ...plan.backups,
        ...(plan.monitoring?.nodes ?? []),
        ...(plan.monitoring?.monitors ?? []),
    ];
}
