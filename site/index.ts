/** The public surface of `site/`: from a stack file's configuration to a plan, or to all of its faults. */
import { makePlan } from "./plan/site";
import type { Issue, SitePlan } from "./plan/types";
import { validateSite } from "./validate";

export { formatIssues } from "./issue";
export { fillSecrets, secretMark, secretsIn } from "./plan/secrets";
export type * from "./plan/types";

/** A plan, or what stands in its way. */
export type PlanResult = { readonly plan: SitePlan } | { readonly issues: readonly Issue[] };

/**
 * Validates the value of `pulumi-mesos:site` and plans the site.
 * @param config the value as the stack file has it; `~` in paths must be expanded already
 * @returns the plan with its warnings, or every fault at once
 */
export function planSite(config: unknown): PlanResult {
    const { site, hosts, issues, warnings } = validateSite(config);
    return site && issues.length === 0 ? { plan: makePlan(site, hosts, warnings) } : { issues };
}
