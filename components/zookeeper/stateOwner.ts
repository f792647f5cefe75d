/** From the plan of a part of ZooKeeper to the resource that keeps it its owner's alone. */
import type * as pulumi from "@pulumi/pulumi";
import { ZooKeeperOwner } from "../../provider/sdk";
import type { HostSpec, StatePlan } from "../../site/plan/types";
import { type SiteContext, wayTo } from "../shared/serviceHost";

/**
 * @param name Resource name
 * @param state The part
 * @param members Those who use it: the way to the first one leads to the ensemble too
 * @param site What all services share
 * @param opts Parent; and all members as dependencies, for a former password is shut out only when none has it any more
 */
export function keepOwner(
    name: string,
    { servers, path, user, secret }: StatePlan,
    members: readonly HostSpec[],
    site: SiteContext,
    opts: { parent: pulumi.Resource; dependsOn: pulumi.Resource[] },
): void {
    const [first] = members;
    if (first === undefined) return;
    const owner = { principal: user, secret: site.secrets.value(secret) };
    new ZooKeeperOwner(name, { servers, path, owner, connection: wayTo(first, site) }, opts);
}
