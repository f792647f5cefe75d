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

/** The site's jobs on one Metronome, each with its schedule. */
export class MetronomeWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server: plan, jobs, secret, service }: MetronomeWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:metronome:MetronomeWork", name, {}, opts);
        const server = serverArgs(plan, secret);
        makeInOrder(jobs, (job, needed) => {
            const resource = new MetronomeJob(
                job.name,
                { server, definition: filled(job.definition, secret) },
                { parent: this, dependsOn: [...service.ready, ...needed] },
            );
            if (job.schedule !== undefined)
                new MetronomeSchedule(
                    job.name,
                    { server, jobId: resource.jobId, definition: job.schedule },
                    { parent: this, dependsOn: [resource] },
                );
            return resource;
        });
        this.registerOutputs({});
    }
}
