import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../../site/plan/types";
import { bundled, withPrograms } from "../shared/programs";
import { type SiteContext, serviceHost } from "../shared/serviceHost";

const programs = { discovery: bundled("discovery") };

export interface DiscoveryArgs {
    readonly members: readonly HostSpec[];
    readonly site: SiteContext;
    /** What must be there before Marathon is followed. */
    readonly after: readonly pulumi.Resource[];
}

/** HAProxy on hosts of the site, fed from the apps' labels by a program of ours. Hosts change one at a time. */
export class LoadBalancer extends pulumi.ComponentResource {
    public constructor(name: string, { members, site, after }: DiscoveryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:discovery:LoadBalancer", name, {}, opts);
        for (const spec of members)
            serviceHost("balancer", withPrograms(spec, programs), site, { parent: this, dependsOn: after });
        this.registerOutputs({});
    }
}

/** Name servers for apps and for the leading master. Hosts change one at a time. */
export class Discovery extends pulumi.ComponentResource {
    public constructor(name: string, { members, site, after }: DiscoveryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:discovery:Discovery", name, {}, opts);
        for (const spec of members)
            serviceHost("names", withPrograms(spec, programs), site, { parent: this, dependsOn: after });
        this.registerOutputs({});
    }
}
