/** The plan in words, for a terminal. */
import type { HostSpec, SitePlan } from "./plan/types";

function line({ host, connection, service }: HostSpec): string {
    const what =
        service.kind === "zookeeper" ? `server id ${service.members.find(({ name }) => name === host)?.id ?? "?"}` : "";
    const agent = service.kind === "mesosAgent" ? service : undefined;
    const offer = agent
        ? `cpus:${agent.resources.cpus} mem:${agent.resources.memMiB} disk:${agent.resources.diskMiB} ` +
          Object.entries(agent.attributes)
              .map(([name, value]) => `${name}:${value}`)
              .join(" ")
        : "";
    return `  ${host.padEnd(20)} ${connection.address.padEnd(16)} ${what}${offer}`.trimEnd();
}

/** One line for each host and service. */
export function summaryOf(plan: SitePlan): string {
    const { zookeeper, masters, pools } = plan;
    return [
        `cluster ${plan.cluster}`,
        `ZooKeeper: ${zookeeper.connect}`,
        ...zookeeper.members.map(line),
        `masters: ${masters.endpoints.length}, quorum ${masters.quorum}`,
        ...masters.members.map(line),
        ...pools.flatMap(({ name, agents }) => [`pool ${name}: ${agents.length} agents`, ...agents.map(line)]),
        `virtual machines: ${plan.instances.length}`,
        "",
    ].join("\n");
}
