import * as pulumi from "@pulumi/pulumi";
import { MetronomeJob, MetronomeSchedule } from "../../provider/sdk";
import type { JobItem, ServerPlan } from "../../site/plan/work";
import type { IScheduler } from "../shared/schedulerService";
import { filled, makeInOrder, type SecretOf, serverArgs } from "../shared/work";

export interface MetronomeWorkArgs {
    readonly server: ServerPlan;
    readonly jobs: readonly JobItem[];
    readonly secret: SecretOf;
    readonly service: IScheduler;
}

/** One job, with its schedule. */
export function metronomeJob(
    job: JobItem,
    { server: plan, secret }: Pick<MetronomeWorkArgs, "server" | "secret">,
    opts: pulumi.CustomResourceOptions,
): pulumi.CustomResource {
    const server = serverArgs(plan, secret);
    const resource = new MetronomeJob(job.name, { server, definition: filled(job.definition, secret) }, opts);
    if (job.schedule !== undefined)
        new MetronomeSchedule(
            job.name,
            { server, jobId: resource.jobId, definition: job.schedule },
            { ...opts, dependsOn: [resource] },
        );
    return resource;
}

/** The site's jobs on one Metronome, each with its schedule. */
export class MetronomeWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server, jobs, secret, service }: MetronomeWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:metronome:MetronomeWork", name, {}, opts);
        makeInOrder(jobs, (job, needed) =>
            metronomeJob(job, { server, secret }, { parent: this, dependsOn: [...service.ready, ...needed] }),
        );
        this.registerOutputs({});
    }
}
