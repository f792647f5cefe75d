import * as openstack from "@pulumi/openstack";
import * as pulumi from "@pulumi/pulumi";
import { readFileSync } from "node:fs";
import type { OpenStackPlan, ProjectPlan, SecurityGroupPlan } from "../../site/plan/types";

/**
 * One project of OpenStack in one region: its provider, key pairs, server groups and security groups.
 *
 * No credential passes through here: the plugin takes them from clouds.yaml or the environment by itself, and the state
 * knows the cloud's name at most.
 */
export class Project extends pulumi.ComponentResource {
    public readonly provider: openstack.Provider;
    private readonly groups = new Map<string, openstack.networking.SecGroup>();
    private readonly serverGroups = new Map<string, openstack.compute.ServerGroup>();
    private readonly keyPairs = new Map<string, openstack.compute.Keypair>();

    public constructor(
        private readonly plan: ProjectPlan,
        site: OpenStackPlan,
        opts: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:openstack:Project", plan.name, {}, opts);
        const { cloud, authUrl, tenant, region } = plan;
        this.provider = new openstack.Provider(
            `openstack-${plan.name}`,
            {
                // With an address of Keystone's, `OS_CLOUD` in the environment is somebody else's.
                ...(cloud !== undefined ? { cloud } : authUrl !== undefined && { cloud: "", authUrl }),
                ...(tenant !== undefined && { tenantName: tenant }),
                ...(region !== undefined && { region }),
            },
            { parent: this },
        );
        const own = <T extends { readonly project: string }>(items: readonly T[]): T[] =>
            items.filter(({ project }) => project === plan.name);
        for (const { name, publicKey, publicKeyFile } of own(site.keyPairs)) {
            const key = publicKey ?? readFileSync(publicKeyFile ?? "", "utf8").trim();
            this.keyPairs.set(
                name,
                new openstack.compute.Keypair(this.named(name), { name, publicKey: key }, this.child()),
            );
        }
        for (const { tier, policy } of own(site.serverGroups)) {
            const name = `${site.cluster}-${tier}`;
            const group = new openstack.compute.ServerGroup(
                this.named(name),
                { name, policies: [policy] },
                this.child(),
            );
            this.serverGroups.set(tier, group);
        }
        const groups = own(site.securityGroups);
        for (const { name } of groups) {
            const description = `Made by pulumi-mesos for the site ${site.cluster}`;
            this.groups.set(
                name,
                new openstack.networking.SecGroup(this.named(name), { name, description }, this.child()),
            );
        }
        groups.forEach((group) => this.rules(group));
        this.registerOutputs({});
    }

    /** Names of resources are unique in a site, those of OpenStack in a project. */
    private named(name: string): string {
        return `${this.plan.name}-${name}`;
    }

    public child(): pulumi.CustomResourceOptions {
        return { parent: this, provider: this.provider };
    }

    private rules({ name, rules }: SecurityGroupPlan): void {
        for (const { protocol, ports, remote } of rules) {
            const [low, high] = ports;
            const from = "group" in remote ? remote.group : remote.cidr;
            const range = `${protocol === "tcp" ? "" : `${protocol}-`}${low === high ? low : `${low}-${high}`}`;
            new openstack.networking.SecGroupRule(
                this.named(`${name}-${range}-from-${from}`),
                {
                    securityGroupId: this.securityGroup(name),
                    direction: "ingress",
                    ethertype: "IPv4",
                    protocol,
                    portRangeMin: low,
                    portRangeMax: high,
                    ...("group" in remote
                        ? { remoteGroupId: this.securityGroup(remote.group) }
                        : { remoteIpPrefix: remote.cidr }),
                },
                this.child(),
            );
        }
    }

    /** @throws Error when the plan names a group that it does not list: a fault of the planner, not of the user */
    public securityGroup(name: string): pulumi.Output<string> {
        const group = this.groups.get(name);
        if (group === undefined) {
            throw new Error(`the plan lists no security group ${name} in the project ${this.plan.name}`);
        }
        return group.id;
    }

    public serverGroup(tier: string): pulumi.Output<string> | undefined {
        return this.serverGroups.get(tier)?.id;
    }

    /** A key pair that is not made here exists. */
    public keyPair(name: string): pulumi.Input<string> {
        return this.keyPairs.get(name)?.name ?? name;
    }
}
