import * as pulumi from "@pulumi/pulumi";
import { MetronomeJob, MetronomeSchedule, type ServerArgs } from "../../provider/sdk";
import type { JobItem, ServerPlan } from "../../site/plan/work";
import { filled } from "../shared/definition";

export interface MetronomeWorkArgs {
    readonly server: ServerPlan;
    readonly jobs: readonly JobItem[];
    /** Value of a secret of the stack. */
    readonly secret: (name: string) => pulumi.Output<string>;
}

/** The site's jobs on one Metronome, each with its schedule. */
export class MetronomeWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server: { urls, user, passwordSecret }, jobs, secret }: MetronomeWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:metronome:MetronomeWork", name, {}, opts);
        const server: ServerArgs = {
            urls,
            ...(user === undefined ? {} : { username: user }),
            ...(passwordSecret === undefined ? {} : { password: secret(passwordSecret) }),
        };
        const made = new Map<string, MetronomeJob>();
        const byName = new Map(jobs.map((job) => [job.name, job]));
        const make = (jobName: string): MetronomeJob => {
            const present = made.get(jobName);
            const job = byName.get(jobName);
            if (present !== undefined) return present;
            if (job === undefined) throw new Error(`the plan names no job ${jobName}`);
            const resource = new MetronomeJob(
                jobName,
                { server, definition: filled(job.definition, secret) },
                { parent: this, dependsOn: job.after.map(make) },
            );
            made.set(jobName, resource);
            if (job.schedule !== undefined)
                new MetronomeSchedule(
                    jobName,
                    { server, jobId: resource.jobId, definition: job.schedule },
                    { parent: this, dependsOn: [resource] },
                );
            return resource;
        };
        for (const { name: jobName } of jobs) make(jobName);
        this.registerOutputs({});
    }
}
