import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../../site/plan/types";
import { type SiteContext, serviceHost } from "../shared/serviceHost";
import type { IMesosMasters } from "./mesosMasters";

export interface AgentPoolArgs {
    readonly agents: readonly HostSpec[];
    readonly masters: IMesosMasters;
    readonly site: SiteContext;
}

/** Agents of one kind. A host that leaves the pool is drained first, since its HostConfig is deleted before the host is. */
export class AgentPool extends pulumi.ComponentResource {
    public constructor(name: string, args: AgentPoolArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:mesos:AgentPool", name, {}, opts);
        for (const agent of args.agents) {
            serviceHost("agent", agent, args.site, { parent: this, dependsOn: args.masters.ready });
        }
        this.registerOutputs({});
    }
}
