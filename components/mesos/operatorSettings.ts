import * as pulumi from "@pulumi/pulumi";
import { type MastersArgs, MesosMaintenance, MesosQuota, MesosWeight } from "../../provider/sdk";
import type { WorkPlan } from "../../site/plan/work";

export interface OperatorSettingsArgs extends Pick<WorkPlan, "quotas" | "weights" | "maintenance"> {
    readonly masters: MastersArgs;
    /** What must be there before the masters can be asked. */
    readonly after: readonly pulumi.Resource[];
}

/** Quotas, weights and maintenance windows of the cluster. */
export class OperatorSettings extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { quotas, weights, maintenance, masters, after }: OperatorSettingsArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:mesos:OperatorSettings", name, {}, opts);
        const options = { parent: this, dependsOn: [...after] };
        for (const quota of quotas) new MesosQuota(quota.role, { ...masters, ...quota }, options);
        for (const { role, weight } of weights) new MesosWeight(role, { ...masters, role, weight }, options);
        for (const { name: window, machines, start, durationSec } of maintenance)
            new MesosMaintenance(
                window,
                { ...masters, machines, start, ...(durationSec === undefined ? {} : { durationSec }) },
                options,
            );
        this.registerOutputs({});
    }
}
