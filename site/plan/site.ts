/** The whole plan. */
import type { SiteConfig } from "../schema";
import { planPool } from "./agents";
import { planBuilds, withBuilds } from "./builds";
import { planLoadBalancers, planNameServers } from "./discovery";
import { siteSecrets } from "./generations";
import { type Host, membersOf } from "./hosts";
import { masterEndpoints, masterMembers, planMasters } from "./masters";
import { type Placed, planOpenStack, tiersByHost, withDataVolume } from "./openstack";
import { operatorPrincipal, principalSecret } from "./principals";
import { majority } from "./quorum";
import type { HostSpec, Issue, SchedulerPlan, SitePlan } from "./types";
import { planBackups } from "./backup";
import { planCertificates } from "./certificates";
import { planMonitors, planNodeExporters, type Rest } from "./monitoring";
import { planSchedulers } from "./schedulers";
import { planWorkloads } from "./workloads";
import { mastersState, planZooKeeper, zookeeperMembers, zookeeperServers } from "./zookeeper";

/**
 * Turns a site without faults into its plan. The result depends on nothing but the arguments.
 * @param hosts every host of the site, expanded
 * @param warnings what validation found worth saying; carried along for whoever shows the plan
 */
export function makePlan(site: SiteConfig, hosts: ReadonlyMap<string, Host>, warnings: readonly Issue[]): SitePlan {
    const ensemble = zookeeperMembers(site, hosts);
    const servers = zookeeperServers(site, ensemble);
    const members = masterMembers(site, hosts);
    const masters = masterEndpoints(site, members);
    const zoned = (spec: HostSpec): HostSpec => {
        const host = hosts.get(spec.host);
        return { ...withDataVolume(spec, host?.vm), ...(host === undefined ? {} : { zone: host.zone }) };
    };
    const pools = Object.entries(site.pools).map(([name, pool]) => ({
        name,
        agents: planPool(site, name, pool, hosts, servers, masters).map((spec) => withBuilds(site, name, zoned(spec))),
    }));
    const schedulers = planSchedulers(site, hosts, servers, masters).map((scheduler) => ({
        ...scheduler,
        members: scheduler.members.map(zoned),
    }));
    const loadBalancers = planLoadBalancers(site, hosts, schedulers).map(zoned);
    const nameServers = planNameServers(site, hosts, servers, { schedulers, masters }).map(zoned);
    const builds = planBuilds(site, { pools });
    const workloads = {
        ...planWorkloads({ site, hosts, servers, masters }, zoned),
        ...(builds === undefined ? {} : { builds }),
    };
    const named = (specs: readonly HostSpec[]) => specs.map(({ host }) => ({ name: host }));
    const schedulersOf = (kind: SchedulerPlan["kind"]) =>
        named(schedulers.flatMap((scheduler) => (scheduler.kind === kind ? scheduler.members : [])));
    const placed: Placed = {
        zookeeper: ensemble,
        masters: members,
        marathon: schedulersOf("marathon"),
        metronome: schedulersOf("metronome"),
        balancers: named(loadBalancers),
        names: named(nameServers),
        monitors: membersOf(site.monitoring?.hosts ?? [], hosts),
        workloads: named([
            ...(workloads.workQueue?.catalogs ?? []),
            ...(workloads.workQueue?.members ?? []),
            ...(workloads.dds?.members ?? []),
            ...workloads.campaigns.map(({ member }) => member),
        ]),
    };
    const openstack = planOpenStack(site, hosts, tiersByHost(placed, pools, hosts));
    const certificates = planCertificates(site, hosts);
    const rest: Rest = {
        cluster: site.cluster,
        instances: openstack?.instances ?? [],
        ...(openstack === undefined ? {} : { openstack }),
        zookeeper: { members: planZooKeeper(site, hosts).map(zoned), connect: servers.join(",") },
        masters: {
            members: planMasters(site, hosts, servers).map(zoned),
            quorum: site.masters.quorum ?? majority(masters.length),
            ...mastersState(site, servers),
            endpoints: masters,
        },
        schedulers,
        loadBalancers,
        nameServers,
        workloads,
        backups: planBackups(site, hosts, schedulers, workloads).map(zoned),
        pools,
        secrets: siteSecrets(site),
        ...(site.secrets === undefined ? {} : { renewsSecrets: true as const }),
        ...(certificates === undefined ? {} : { certificates }),
        operator: { principal: operatorPrincipal, secret: principalSecret(operatorPrincipal) },
        frameworks: Object.entries(site.frameworks).map(([principal, { roles }]) => ({
            principal,
            secret: principalSecret(principal),
            roles,
        })),
        endpoints: {
            zookeeper: site.zookeeper.existing
                ? site.zookeeper.existing.servers.map((server) => {
                      const [address = "", port] = server.split(":");
                      return { name: address, address, port: Number(port) };
                  })
                : ensemble.map(({ name, address }) => ({ name, address, port: site.zookeeper.clientPort })),
            masters,
            agents: pools.flatMap(({ name: pool, agents }) =>
                agents.map(({ host, connection }) => ({
                    name: host,
                    address: connection.address,
                    port: site.pools[pool]?.port ?? 5051,
                    pool,
                    zone: hosts.get(host)?.zone ?? "",
                })),
            ),
        },
        warnings,
        ...(site.confirm === undefined ? {} : { confirm: site.confirm }),
    };
    // They look at a host whose volume is missing too.
    const nodes = planNodeExporters(site, hosts, rest).map((spec) => ({
        ...spec,
        zone: hosts.get(spec.host)?.zone ?? "",
    }));
    const monitors = planMonitors(site, hosts, rest).map(zoned);
    return monitors.length === 0 ? rest : { ...rest, monitoring: { nodes, monitors } };
}
