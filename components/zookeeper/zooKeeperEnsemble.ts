import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../../site/plan/types";
import { machinesOf, type SiteContext, serviceHost } from "../shared/serviceHost";

/** An ensemble that masters can use, ours or not. */
export interface IZooKeeperEnsemble {
    /** `host:port,host:port,…` */
    readonly connect: string;
    /** What must be there before a client connects; empty for an ensemble that something else manages. */
    readonly ready: readonly pulumi.Resource[];
}

export interface ZooKeeperEnsembleArgs {
    readonly members: readonly HostSpec[];
    /** `host:port,host:port,…` */
    readonly connect: string;
    readonly site: SiteContext;
}

/** One ZooKeeper server per member, one quorum. Members change one at a time, the leader last. */
export class ZooKeeperEnsemble extends pulumi.ComponentResource implements IZooKeeperEnsemble {
    public readonly connect: string;
    public readonly ready: readonly pulumi.Resource[];

    public constructor(name: string, args: ZooKeeperEnsembleArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:zookeeper:ZooKeeperEnsemble", name, {}, opts);
        this.connect = args.connect;
        const machines = machinesOf(args.members, args.site);
        this.ready = args.members.map((member) =>
            serviceHost("zookeeper", member, args.site, { parent: this, dependsOn: machines }),
        );
        this.registerOutputs({ connect: this.connect });
    }

    /**
     * An ensemble that runs already and stays in other hands.
     *
     * @param connect `host:port,host:port,…`
     */
    public static fromExisting(connect: string): IZooKeeperEnsemble {
        return { connect, ready: [] };
    }
}
