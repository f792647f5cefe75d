/** The public surface of `site/`: from a stack file's configuration to a plan, or to all of its faults. */
import { readFolders } from "./load";
import { expandNames } from "./plan/hosts";
import { makePlan } from "./plan/site";
import type { Issue, SitePlan } from "./plan/types";
import { planWork, type WorkPlan, type WorkSources } from "./plan/work";
import type { SiteConfig } from "./schema";
import { validateSite } from "./validate";

export { formatIssues } from "./issue";
export { fillSecrets, secretMark, secretsIn } from "./plan/secrets";
export type * from "./plan/types";
export type { WorkPlan } from "./plan/work";

/** A plan and the declaration that it was made from, with its defaults; or what stands in its way. */
export type PlanResult = { readonly plan: SitePlan; readonly site: SiteConfig } | { readonly issues: readonly Issue[] };

/**
 * Validates the value of `pulumi-mesos:site` and plans the site.
 * @param config the value as the stack file has it; `~` in paths must be expanded already
 * @returns the plan with its warnings, or every fault at once
 */
export function planSite(config: unknown): PlanResult {
    const { site, hosts, issues, warnings } = validateSite(config);
    return site && issues.length === 0 ? { plan: makePlan(site, hosts, warnings), site } : { issues };
}

/**
 * Plans the work that a site declares: apps and jobs from their folders, quotas, weights, maintenance.
 * @param site the declaration, as `planSite` has read it
 * @param plan what it has made of it
 * @param root the folder that `apps` and `jobs` are named from
 * @param values the stack's own values, for `${config:NAME}` and `${secret:NAME}`
 * @returns the plan, or every fault at once
 */
export function planSiteWork(
    site: SiteConfig,
    plan: SitePlan,
    root: string,
    values: Pick<WorkSources, "config" | "hasSecret">,
): { readonly work: WorkPlan } | { readonly issues: readonly Issue[] } {
    const [apps, jobs] = [readFolders(root, site.apps, "apps"), readFolders(root, site.jobs, "jobs")];
    const issues = [...apps.issues, ...jobs.issues];
    if (issues.length > 0) return { issues };
    const sources = { apps: apps.files, jobs: jobs.files, ...values };
    return planWork(site, plan, sources, (names) => expandNames(names, "maintenance").map(({ name }) => name));
}
