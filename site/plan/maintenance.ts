/** Maintenance windows of the site's agents. */
import type { SiteConfig } from "../schema";
import type { Issue, SitePlan } from "./types";

/** Agents that are foretold to be away. */
export interface WindowPlan {
    readonly name: string;
    /** Both as the agents registered them. */
    readonly machines: readonly { readonly hostname: string; readonly ip: string }[];
    readonly start: string;
    readonly durationSec?: number;
}

/** Plans every window. @param issues takes what is wrong with them */
export function planWindows(
    site: SiteConfig,
    plan: SitePlan,
    expand: (names: readonly string[]) => readonly string[],
    issues: Issue[],
): WindowPlan[] {
    const agents = new Map(plan.pools.flatMap(({ agents: all }) => all.map((agent) => [agent.host, agent] as const)));
    return Object.entries(site.maintenance).map(([name, { hosts, start, durationSec }]) => {
        const path = `maintenance.${name}.hosts`;
        const machines = expand(hosts).flatMap((host) => {
            const agent = agents.get(host);
            if (agent?.service.kind !== "mesosAgent") {
                issues.push({
                    code: "MAINTENANCE_HOST",
                    path,
                    message: `${host} is no agent of this site`,
                    value: host,
                });
                return [];
            }
            const { address } = agent.connection;
            if (!/^[\d.]+$|:/.test(address)) {
                issues.push({
                    code: "MAINTENANCE_ADDRESS",
                    path,
                    message: `the address of ${host} is a name: Mesos knows machines by the IP address that they registered with`,
                    value: address,
                    fix: "give the host its IP address",
                });
                return [];
            }
            return [{ hostname: agent.service.hostname, ip: address }];
        });
        return { name, machines, start, ...(durationSec === undefined ? {} : { durationSec }) };
    });
}
