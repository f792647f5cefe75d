import type * as pulumi from "@pulumi/pulumi";
import { SchedulerService, type SchedulerServiceArgs } from "../shared/schedulerService";

/** Agents of DDS sessions as tasks of Mesos: the framework that keeps them running, of which one instance leads. */
export class DdsSession extends SchedulerService {
    public constructor(name: string, args: SchedulerServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:workloads:DdsSession", name, args, opts);
    }
}
