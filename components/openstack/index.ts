import type * as openstack from "@pulumi/openstack";
import type { InstancePlan } from "../../site/plan/types";
import { projectProvider, VirtualMachine } from "./virtualMachine";

/** All virtual machines of a site, each in its project. */
export function makeInstances(plans: readonly InstancePlan[]): VirtualMachine[] {
    const providers = new Map<string, openstack.Provider>();
    return plans.map((plan) => {
        const provider = providers.get(plan.project) ?? projectProvider(plan.project);
        providers.set(plan.project, provider);
        return new VirtualMachine(plan.host, plan, { provider });
    });
}
