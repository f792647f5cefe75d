import * as pulumi from "@pulumi/pulumi";
import type { HostConfigArgs } from "../../provider/sdk";
import type { HostSpec, SchedulerPlan } from "../../site/plan/types";
import type { IMesosMasters } from "../mesos/mesosMasters";
import type { IZooKeeperEnsemble } from "../zookeeper/zooKeeperEnsemble";
import { keepOwner } from "../zookeeper/stateOwner";
import { machinesOf, type SiteContext, serviceHost } from "./serviceHost";

/** Marathon or Metronome that work can be given to, ours or not. */
export interface IScheduler {
    /** What must be there before work is; empty for a server that something else manages. */
    readonly ready: readonly pulumi.Resource[];
}

export interface SchedulerServiceArgs extends Pick<SchedulerPlan, "kind" | "members" | "login" | "stateOwner"> {
    readonly zookeeper: IZooKeeperEnsemble;
    readonly masters: IMesosMasters;
    /** What else must be there before. @default - nothing */
    readonly after?: readonly pulumi.Resource[];
    readonly site: SiteContext;
}

/** With the certificates of the site's own authority in place of their mark. */
function trusting(service: HostSpec["service"], { secrets }: SiteContext): HostConfigArgs["service"] {
    const ca = "tls" in service ? service.tls?.ca : undefined;
    return ca === undefined ? service : { ...service, tls: { ca: secrets.text(ca) } };
}

/** What Marathon, Metronome and the frameworks of ours are to their hosts: servers over one state in ZooKeeper, changed one at a time, the leader last. */
export abstract class SchedulerService extends pulumi.ComponentResource implements IScheduler {
    public readonly ready: readonly pulumi.Resource[];

    protected constructor(
        type: string,
        name: string,
        { kind, members, login, stateOwner, zookeeper, masters, site, after = [] }: SchedulerServiceArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(type, name, {}, opts);
        const dependsOn = [...after, ...zookeeper.ready, ...masters.ready, ...machinesOf(members, site)];
        const credential = ({ user, secret }: SchedulerPlan["stateOwner"]) => ({
            principal: user,
            secret: site.secrets.value(secret),
        });
        const more = { stateOwner: credential(stateOwner), ...(login && { login: credential(login) }) };
        this.ready = members.map((member) =>
            serviceHost(
                kind,
                member,
                site,
                { parent: this, dependsOn },
                { ...more, service: trusting(member.service, site) },
            ),
        );
        const state = members[0]?.service;
        if (site.plan.renewsSecrets === true && state !== undefined && "zookeeper" in state)
            keepOwner(kind, { ...state.zookeeper, ...stateOwner }, members, site, {
                parent: this,
                dependsOn: [...this.ready],
            });
        this.registerOutputs({});
    }
}
