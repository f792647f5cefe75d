import * as pulumi from "@pulumi/pulumi";
import type { CampaignPlan } from "../../site/plan/types";
import { machinesOf, type SiteContext, serviceHost } from "../shared/serviceHost";
import type { WorkQueue } from "./workQueue";

export interface CampaignArgs extends Pick<CampaignPlan, "member"> {
    /** Gives its tasks workers. */
    readonly queue: WorkQueue;
    readonly site: SiteContext;
}

/** Many tasks on Work Queue, each result there once: the manager's host runs them and keeps what they make. */
abstract class Campaign extends pulumi.ComponentResource {
    protected constructor(
        kind: "ReleaseValidation" | "MonteCarlo",
        name: string,
        prefix: string,
        { member, queue, site }: CampaignArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super(`pulumi-mesos:workloads:${kind}`, name, {}, opts);
        const dependsOn = [...queue.ready, ...machinesOf([member], site)];
        serviceHost(`${prefix}-${name}`, member, site, { parent: this, dependsOn });
        this.registerOutputs({});
    }
}

/** Pre-checks, then stages over a list of inputs (reconstruction, merge, QA), then a summary. */
export class ReleaseValidation extends Campaign {
    public constructor(name: string, args: CampaignArgs, opts?: pulumi.ComponentResourceOptions) {
        super("ReleaseValidation", name, "validation", args, opts);
    }
}

/** Jobs that differ by their seed alone. */
export class MonteCarlo extends Campaign {
    public constructor(name: string, args: CampaignArgs, opts?: pulumi.ComponentResourceOptions) {
        super("MonteCarlo", name, "production", args, opts);
    }
}
