import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../../site/plan/types";
import { SchedulerService, type SchedulerServiceArgs } from "../shared/schedulerService";
import { machinesOf, type SiteContext, serviceHost } from "../shared/serviceHost";

/** Where Work Queue managers say that they are there. Each answers alone. */
export class WorkQueueCatalog extends pulumi.ComponentResource {
    public readonly ready: readonly pulumi.Resource[];

    public constructor(
        name: string,
        { members, site }: { readonly members: readonly HostSpec[]; readonly site: SiteContext },
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:workloads:WorkQueueCatalog", name, {}, opts);
        const dependsOn = machinesOf(members, site);
        this.ready = members.map((member) => serviceHost("catalog", member, site, { parent: this, dependsOn }));
        this.registerOutputs({});
    }
}

export interface WorkQueueArgs extends SchedulerServiceArgs {
    /** @default - none of this site's own */
    readonly catalogs?: readonly HostSpec[];
}

/** Workers for Work Queue projects: catalogs, then the framework, of which one instance leads. */
export class WorkQueue extends SchedulerService {
    public constructor(
        name: string,
        { catalogs = [], ...args }: WorkQueueArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        const after =
            catalogs.length === 0
                ? []
                : new WorkQueueCatalog(`${name}-catalog`, { members: catalogs, site: args.site }).ready;
        super("pulumi-mesos:workloads:WorkQueue", name, { ...args, after }, opts);
    }
}
