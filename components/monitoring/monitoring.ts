import * as pulumi from "@pulumi/pulumi";
import type { SitePlan } from "../../site/plan/types";
import { bundled, withPrograms } from "../shared/programs";
import { type SiteContext, serviceHost } from "../shared/serviceHost";

const programs = { exporter: bundled("exporter") };

export interface MonitoringArgs extends NonNullable<SitePlan["monitoring"]> {
    readonly site: SiteContext;
    /** What is watched must know who may ask first. */
    readonly after: readonly pulumi.Resource[];
}

/** Prometheus with rules for alerts on the hosts that watch, and the node exporter on every host of the site. */
export class Monitoring extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { monitors, nodes, site, after }: MonitoringArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:monitoring:Monitoring", name, {}, opts);
        const parent = { parent: this };
        for (const spec of nodes) serviceHost("node-exporter", spec, site, { ...parent, dependsOn: [] });
        for (const spec of monitors)
            serviceHost("monitor", withPrograms(spec, programs), site, { ...parent, dependsOn: after });
        this.registerOutputs({});
    }
}
