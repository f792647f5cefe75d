/** The whole plan. */
import type { SiteConfig } from "../schema";
import { planPool } from "./agents";
import { discoverySecrets, planLoadBalancers, planNameServers } from "./discovery";
import type { Host } from "./hosts";
import { masterEndpoints, masterMembers, planMasters } from "./masters";
import { planOpenStack, tiersByHost, withDataVolume } from "./openstack";
import { operatorPrincipal, planSecrets, principalSecret } from "./principals";
import { majority } from "./quorum";
import type { HostSpec, Issue, SitePlan } from "./types";
import { planSchedulers, schedulerSecrets } from "./schedulers";
import { planZooKeeper, zookeeperMembers, zookeeperServers } from "./zookeeper";

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
    const onVolume = (spec: HostSpec): HostSpec => withDataVolume(spec, hosts.get(spec.host)?.vm);
    const pools = Object.entries(site.pools).map(([name, pool]) => ({
        name,
        agents: planPool(site, name, pool, hosts, servers, masters).map(onVolume),
    }));
    const schedulers = planSchedulers(site, hosts, servers, masters).map((scheduler) => ({
        ...scheduler,
        members: scheduler.members.map(onVolume),
    }));
    const openstack = planOpenStack(site, hosts, tiersByHost(ensemble, members, pools));
    return {
        cluster: site.cluster,
        instances: openstack?.instances ?? [],
        ...(openstack === undefined ? {} : { openstack }),
        zookeeper: { members: planZooKeeper(site, hosts).map(onVolume), connect: servers.join(",") },
        masters: {
            members: planMasters(site, hosts, servers).map(onVolume),
            quorum: site.masters.quorum ?? majority(masters.length),
            endpoints: masters,
        },
        schedulers,
        loadBalancers: planLoadBalancers(site, hosts, schedulers).map(onVolume),
        nameServers: planNameServers(site, hosts, servers, schedulers).map(onVolume),
        pools,
        secrets: [...planSecrets(site), ...schedulerSecrets(site), ...discoverySecrets(site)],
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
                })),
            ),
        },
        warnings,
        ...(site.confirm === undefined ? {} : { confirm: site.confirm }),
    };
}
