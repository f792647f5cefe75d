import * as pulumi from "@pulumi/pulumi";
import { formatRanges } from "../../site/plan/portRanges";
import { type MastersArgs, MesosMaintenance, MesosQuota, MesosReservation, MesosWeight } from "../../provider/sdk";
import type { WorkPlan } from "../../site/plan/work";

export interface OperatorSettingsArgs extends Pick<WorkPlan, "quotas" | "weights" | "maintenance" | "reservations"> {
    readonly masters: MastersArgs;
    readonly cluster: string;
    /** The stack file allows what loses data. */
    readonly confirmed: boolean;
    /** What must be there before the masters can be asked. */
    readonly after: readonly pulumi.Resource[];
    /** The agents by the name of their pool, which must run before anything is reserved on them. */
    readonly pools: ReadonlyMap<string, pulumi.Resource>;
}

/** Quotas, weights, reservations and maintenance windows of the cluster. */
export class OperatorSettings extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { quotas, weights, maintenance, reservations, masters, cluster, confirmed, after, pools }: OperatorSettingsArgs,
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
        for (const { name: reservation, hostname, role, resources, volumes, pool, ...more } of reservations) {
            const ports = more.ports.map((range) => formatRanges([range]));
            const hasLabels = Object.keys(more.labels).length > 0;
            const agents = pool === undefined ? undefined : pools.get(pool);
            const hasData = Object.keys(volumes).length > 0;
            new MesosReservation(
                reservation,
                {
                    ...masters,
                    hostname,
                    role,
                    resources,
                    ...(ports.length > 0 ? { ports } : {}),
                    ...(hasLabels ? { labels: more.labels } : {}),
                    ...(hasData ? { volumes } : {}),
                    cluster,
                    confirmed,
                },
                {
                    parent: this,
                    dependsOn: [...after, ...(agents === undefined ? [] : [agents])],
                    // Volumes are data.
                    protect: hasData && !confirmed,
                },
            );
        }
        this.registerOutputs({});
    }
}
