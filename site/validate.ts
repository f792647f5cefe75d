/** Everything that can be wrong with a stack file, in one pass. */
import { expandHosts, type Host } from "./plan/hosts";
import type { Issue } from "./plan/types";
import { siteSchema, type SiteConfig } from "./schema";
import { schemaIssue } from "./checks/shape";

export interface Validated {
    readonly site?: SiteConfig;
    readonly hosts: ReadonlyMap<string, Host>;
    readonly issues: readonly Issue[];
    readonly warnings: readonly Issue[];
}

export function validateSite(config: unknown): Validated {
    const parsed = siteSchema.safeParse(config);
    if (!parsed.success)
        return { hosts: new Map(), issues: parsed.error.issues.map((i) => schemaIssue(i, config)), warnings: [] };
    const { hosts, issues } = expandHosts(parsed.data);
    return { site: parsed.data, hosts, issues, warnings: [] };
}
