import * as openstack from "@pulumi/openstack";
import type * as pulumi from "@pulumi/pulumi";
import { Lookup } from "../../provider/sdk";
import type { CloudRef } from "../../provider/clients/cloudCredentials";
import type { NetworkPlan } from "../../site/plan/types";
import { cloudRef } from "./cloudRef";
import type { Project } from "./project";
import type { ProjectPlan } from "../../site/plan/types";

/** A network that machines are on, ours or not. */
export interface SiteNetwork {
    readonly id: pulumi.Input<string>;
    /** Undefined where Neutron is to choose the subnet that holds the address. */
    readonly subnet?: pulumi.Input<string>;
    /** What must be there before an address from outside leads in. */
    readonly way: readonly pulumi.Resource[];
}

/** A network that exists: by its id without any look-up, by its name found once. */
export function existingNetwork(plan: NetworkPlan, project: ProjectPlan, opts: pulumi.ResourceOptions): SiteNetwork {
    const { existing, name: alias, subnet } = plan;
    const id =
        existing === undefined || "id" in existing
            ? (existing?.id ?? "")
            : new Lookup(
                  `network-${alias}`,
                  { kind: "network", alias, cloud: cloudRef(project), name: existing.name, generation: 1 },
                  opts,
              ).found;
    return { id, ...(subnet === undefined ? {} : { subnet }), way: [] };
}

/** What a network of our own, its subnet and its router are called. */
export function networkName(cluster: string, network: string): string {
    return `${cluster}-${network}`;
}

/** A network of our own: with a subnet, and a router where it leads out. */
export function ownNetwork(plan: NetworkPlan, cluster: string, project: Project, cloud: CloudRef): SiteNetwork {
    const name = networkName(cluster, plan.name);
    const network = new openstack.networking.Network(`network-${plan.name}`, { name }, project.child());
    const { cidr, gateway, dns, routerTo } = plan;
    const subnet = new openstack.networking.Subnet(
        `subnet-${plan.name}`,
        {
            name,
            networkId: network.id,
            ipVersion: 4,
            ...(cidr !== undefined && { cidr }),
            ...(gateway !== undefined && { gatewayIp: gateway }),
            dnsNameservers: [...dns],
        },
        project.child(),
    );
    if (routerTo === undefined) {
        return { id: network.id, subnet: subnet.id, way: [] };
    }
    const outside =
        "id" in routerTo
            ? routerTo.id
            : new Lookup(
                  `network-${plan.name}-external`,
                  { kind: "network", alias: routerTo.name, cloud, name: routerTo.name, generation: 1 },
                  { parent: project },
              ).found;
    const router = new openstack.networking.Router(
        `router-${plan.name}`,
        { name, externalNetworkId: outside },
        project.child(),
    );
    const leg = new openstack.networking.RouterInterface(
        `router-${plan.name}-interface`,
        { routerId: router.id, subnetId: subnet.id },
        project.child(),
    );
    return { id: network.id, subnet: subnet.id, way: [leg] };
}
