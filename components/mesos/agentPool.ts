import * as pulumi from "@pulumi/pulumi";
import type { HostSpec } from "../../site/plan/types";
import { type SiteContext, serviceHost } from "../shared/serviceHost";
import type { IMesosMasters } from "./mesosMasters";

export interface AgentPoolArgs {
    readonly agents: readonly HostSpec[];
    readonly masters: IMesosMasters;
    readonly site: SiteContext;
}

/**
 * Registrations on their way at a time, per pool. The engine works on fewer at once anyhow, and each that only waits keeps its
 * request and its promises in memory: of ten thousand hosts some GiB.
 */
const WINDOW = 256;

/** A registration that fails ends the run by itself; whose turn is next does not depend on it. */
async function registered({ urn }: pulumi.Resource): Promise<void> {
    const output = urn as unknown as { promise(): Promise<string> };
    await output.promise().catch(() => undefined);
}

/** Agents of one kind. A host that leaves the pool is drained first, since its HostConfig is deleted before the host is. */
export class AgentPool extends pulumi.ComponentResource {
    /**
     * Ends when agents that had to wait for others are with the engine too; the program must not end before.
     * @default - undefined, when the pool is small enough to need no waiting
     */
    public readonly rest: Promise<void> | undefined;

    public constructor(name: string, { agents, masters, site }: AgentPoolArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:mesos:AgentPool", name, {}, opts);
        const make = (agent: HostSpec): pulumi.Resource =>
            serviceHost("agent", agent, site, { parent: this, dependsOn: masters.ready });
        const first = agents.slice(0, WINDOW).map(make);
        if (agents.length <= WINDOW) {
            this.registerOutputs({});
            return;
        }
        const waiting = agents.slice(WINDOW).values();
        const goOn = async (done: pulumi.Resource): Promise<void> => {
            await registered(done);
            for (const agent of waiting) {
                await registered(make(agent));
            }
        };
        this.rest = Promise.all(first.map(goOn)).then(() => this.registerOutputs({}));
    }
}
