import type * as pulumi from "@pulumi/pulumi";
import { type IScheduler, SchedulerService, type SchedulerServiceArgs } from "../shared/schedulerService";

/** Metronome on the site's hosts: package, unit, credentials, its own part of ZooKeeper. Tasks outlive a change of it. */
export class MetronomeService extends SchedulerService {
    public constructor(name: string, args: SchedulerServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:metronome:MetronomeService", name, args, opts);
    }

    /** A Metronome that runs already and stays in other hands. */
    public static fromExisting(): IScheduler {
        return { ready: [] };
    }
}
