import * as pulumi from "@pulumi/pulumi";
import { MarathonApp, MarathonGroup, MarathonPod, type MarathonServerArgs } from "../../provider/sdk";
import type { WorkPlan } from "../../site/plan/work";
import { filled } from "../shared/definition";

export interface MarathonWorkArgs {
    readonly server: NonNullable<WorkPlan["marathon"]>;
    readonly groups: WorkPlan["groups"];
    readonly items: WorkPlan["items"];
    /** Value of a secret of the stack. */
    readonly secret: (name: string) => pulumi.Output<string>;
}

/** The site's apps and pods on one Marathon; what depends on another is deployed after it. */
export class MarathonWork extends pulumi.ComponentResource {
    public constructor(
        name: string,
        { server: plan, groups, items, secret }: MarathonWorkArgs,
        opts?: pulumi.ComponentResourceOptions,
    ) {
        super("pulumi-mesos:marathon:MarathonWork", name, {}, opts);
        const { timeoutSec, onFailure, user, passwordSecret, ...rest } = plan;
        const server: MarathonServerArgs = {
            ...rest,
            ...(user === undefined ? {} : { username: user }),
            ...(passwordSecret === undefined ? {} : { password: secret(passwordSecret) }),
        };
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
                    { parent: this },
                ),
        );
        const made = new Map<string, pulumi.Resource>();
        const byName = new Map(items.map((item) => [item.name, item]));
        const make = (itemName: string): pulumi.Resource => {
            const present = made.get(itemName);
            const item = byName.get(itemName);
            if (present !== undefined) return present;
            if (item === undefined) throw new Error(`the plan names no app ${itemName}`);
            const Type = item.kind === "app" ? MarathonApp : MarathonPod;
            const resource = new Type(
                item.name,
                { server, definition: filled(item.definition, secret), timeoutSec, onFailure },
                { parent: this, dependsOn: [...settings, ...item.after.map(make)] },
            );
            made.set(itemName, resource);
            return resource;
        };
        for (const { name: itemName } of items) make(itemName);
        this.registerOutputs({});
    }
}
