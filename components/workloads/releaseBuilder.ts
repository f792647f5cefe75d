import * as pulumi from "@pulumi/pulumi";
import type { WorkPlan } from "../../site/plan/work";
import { type ItemArgs, marathonItem } from "../marathon/marathonWork";
import { metronomeJob, type MetronomeWorkArgs } from "../metronome/metronomeWork";
import type { IScheduler } from "../shared/schedulerService";

export interface ReleaseBuilderArgs extends NonNullable<WorkPlan["builds"]> {
    readonly marathon: ItemArgs & { readonly service: IScheduler };
    readonly metronome: Pick<MetronomeWorkArgs, "server" | "secret" | "service">;
    /** Its hosts must have what builds need. */
    readonly pools: readonly pulumi.Resource[];
}

/** Release building: the store of what has passed, then the builds, each a job that runs by its schedule and on demand. */
export class ReleaseBuilder extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { store, jobs, marathon, metronome, pools }: ReleaseBuilderArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:workloads:ReleaseBuilder", name, {}, opts);
        const kept = marathonItem(store, marathon, {
            parent: this,
            dependsOn: [...marathon.service.ready, ...pools],
        });
        for (const job of jobs)
            metronomeJob(job, metronome, { parent: this, dependsOn: [...metronome.service.ready, kept] });
        this.registerOutputs({});
    }
}
