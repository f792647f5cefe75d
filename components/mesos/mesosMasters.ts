import * as pulumi from "@pulumi/pulumi";
import type { HostSpec, StatePlan } from "../../site/plan/types";
import { machinesOf, type SiteContext, serviceHost } from "../shared/serviceHost";
import { keepOwner } from "../zookeeper/stateOwner";
import type { IZooKeeperEnsemble } from "../zookeeper/zooKeeperEnsemble";

export interface MasterEndpoint {
    readonly name: string;
    readonly address: string;
    readonly port: number;
}

/** Masters that agents can join, ours or not. */
export interface IMesosMasters {
    readonly endpoints: readonly MasterEndpoint[];
    /** What must be there before an agent registers; empty for masters that something else manages. */
    readonly ready: readonly pulumi.Resource[];
}

export interface MesosMastersArgs {
    readonly members: readonly HostSpec[];
    /** Their part of ZooKeeper. @default - nobody sees to whose it is */
    readonly state?: StatePlan;
    readonly endpoints: readonly MasterEndpoint[];
    readonly zookeeper: IZooKeeperEnsemble;
    readonly site: SiteContext;
}

/** Mesos masters over one replicated log. They change one at a time, the leading master last. */
export class MesosMasters extends pulumi.ComponentResource implements IMesosMasters {
    public readonly endpoints: readonly MasterEndpoint[];
    public readonly ready: readonly pulumi.Resource[];

    public constructor(name: string, args: MesosMastersArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:mesos:MesosMasters", name, {}, opts);
        this.endpoints = args.endpoints;
        const dependsOn = [...args.zookeeper.ready, ...machinesOf(args.members, args.site)];
        this.ready = args.members.map((member) =>
            serviceHost("master", member, args.site, { parent: this, dependsOn }),
        );
        if (args.state !== undefined)
            keepOwner("masters", args.state, args.members, args.site, { parent: this, dependsOn: [...this.ready] });
        this.registerOutputs({});
    }

    /** @param endpoints Masters that run already and stay in other hands */
    public static fromExisting(endpoints: readonly MasterEndpoint[]): IMesosMasters {
        return { endpoints, ready: [] };
    }
}
