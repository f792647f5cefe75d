import * as pulumi from "@pulumi/pulumi";
import { MarathonApp, MarathonGroup, MarathonPod, type MarathonServerArgs, type MastersArgs } from "../../provider/sdk";
import type { WorkPlan } from "../../site/plan/work";
import type { IScheduler } from "../shared/schedulerService";
import { filled, makeInOrder, type SecretOf, serverArgs } from "../shared/work";

export interface MarathonWorkArgs {
    readonly server: NonNullable<WorkPlan["marathon"]>;
    readonly groups: WorkPlan["groups"];
    readonly items: WorkPlan["items"];
    readonly secret: SecretOf;
    readonly service: IScheduler;
    /** Where the stack declares no agents: the masters that know those of others. */
    readonly agents?: MastersArgs;
}

/** What one app or pod is made with. */
export type ItemArgs = Pick<MarathonWorkArgs, "server" | "secret" | "agents">;

/** The server as its resources take it, and what only apps and pods are told. */
function argsOf({ server: plan, secret }: ItemArgs): {
    server: MarathonServerArgs;
    timeoutSec: number;
    onFailure: "keep" | "rollBack";
} {
    const { timeoutSec, onFailure, ...rest } = plan;
    return { server: serverArgs(rest, secret), timeoutSec, onFailure };
}

/** One app or pod. */
export function marathonItem(
    item: WorkPlan["items"][number],
    args: ItemArgs,
    opts: pulumi.CustomResourceOptions,
): pulumi.CustomResource {
    const { secret, agents } = args;
    const Type = item.kind === "app" ? MarathonApp : MarathonPod;
    return new Type(
        item.name,
        {
            ...argsOf(args),
            definition: filled(item.definition, secret),
            ...(agents === undefined ? {} : { agents }),
        },
        opts,
    );
}

/** The site's apps and pods on one Marathon; what depends on another is deployed after it. */
export class MarathonWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server: plan, groups, items, secret, service, agents }: MarathonWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:marathon:MarathonWork", name, {}, opts);
        const args: ItemArgs = { server: plan, secret, ...(agents === undefined ? {} : { agents }) };
        const { server } = argsOf(args);
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
        makeInOrder(items, (item, needed) =>
            marathonItem(item, args, { parent: this, dependsOn: [...service.ready, ...settings, ...needed] }),
        );
        this.registerOutputs({});
    }
}
