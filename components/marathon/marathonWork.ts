import * as pulumi from "@pulumi/pulumi";
import { MarathonApp, MarathonGroup, MarathonPod, type MarathonServerArgs } from "../../provider/sdk";
import type { WorkPlan } from "../../site/plan/work";
import type { IScheduler } from "../shared/schedulerService";
import { filled, makeInOrder, type SecretOf, serverArgs } from "../shared/work";

export interface MarathonWorkArgs {
    readonly server: NonNullable<WorkPlan["marathon"]>;
    readonly groups: WorkPlan["groups"];
    readonly items: WorkPlan["items"];
    readonly secret: SecretOf;
    readonly service: IScheduler;
}

/** The site's apps and pods on one Marathon; what depends on another is deployed after it. */
export class MarathonWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server: plan, groups, items, secret, service }: MarathonWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:marathon:MarathonWork", name, {}, opts);
        const { timeoutSec, onFailure, ...rest } = plan;
        const server: MarathonServerArgs = serverArgs(rest, secret);
        const settings = groups.map(
            (group) =>
                new MarathonGroup(
                    group.id.slice(1),
                    {
                        server,
                        groupId: group.id,
                        dependencies: group.dependencies,
                        members: group.members,
                        ...(group.enforceRole === undefined ? {} : { enforceRole: group.enforceRole }),
                    },
                    { parent: this, dependsOn: [...service.ready] },
                ),
        );
        makeInOrder(items, (item, needed) => {
            const Type = item.kind === "app" ? MarathonApp : MarathonPod;
            return new Type(
                item.name,
                { server, definition: filled(item.definition, secret), timeoutSec, onFailure },
                { parent: this, dependsOn: [...service.ready, ...settings, ...needed] },
            );
        });
        this.registerOutputs({});
    }
}
