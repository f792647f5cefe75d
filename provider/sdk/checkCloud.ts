import * as pulumi from "@pulumi/pulumi";
import type { CloudRef } from "../clients/cloudCredentials";
import type { CheckCloudArgs, CheckCloudResult } from "../functions/checkCloud";
import type { ClearLeftoversArgs } from "../functions/clearLeftovers";

export type { CheckCloudArgs, CheckCloudResult };

/** What a project has and lacks for the machines that are wanted. Changes nothing; says so when the cloud is out of reach. */
export function checkCloud(args: CheckCloudArgs): Promise<CheckCloudResult> {
    return pulumi.runtime.invoke("mesos:index:checkCloud", args) as Promise<CheckCloudResult>;
}

/** Nova's own words for why a server is in ERROR; "" when there are none. */
export async function serverFault(cloud: CloudRef, id: string): Promise<string> {
    const answer = (await pulumi.runtime.invoke("mesos:index:serverFault", { cloud, id })) as { message?: string };
    return answer.message ?? "";
}

/** Removes what a run that was cut off has left where something is about to be made. @returns what that was */
export async function clearLeftovers(args: ClearLeftoversArgs): Promise<readonly string[]> {
    const answer = (await pulumi.runtime.invoke("mesos:index:clearLeftovers", args)) as { removed?: string[] };
    return answer.removed ?? [];
}
