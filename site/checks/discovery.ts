/** The load balancer and the name servers. */
import type { Checked, Report } from "./report";

/** Checks `loadBalancer` and `discovery`. */
export function checkDiscovery({ site, uses }: Checked, report: Report): void {
    for (const role of ["loadBalancer", "discovery"] as const) {
        const config = site[role];
        if (config === undefined) continue;
        if (config.hosts.length === 0) report.fault("EMPTY", `${role}.hosts`, "must not be empty");
        if (site.marathon === undefined)
            report.fault("MARATHON_MISSING", role, "it follows Marathon, which this site does not have", {
                fix: "declare `marathon`, with `members` or `existing`",
            });
        const seen = new Set<string>();
        for (const use of uses.filter((one) => one.role === role)) {
            if (seen.has(use.host))
                report.fault("HOST_REUSED", use.path, `${use.host} is in ${role}.hosts twice`, { value: use.host });
            seen.add(use.host);
        }
    }
    const { loadBalancer } = site;
    if (loadBalancer?.httpPort === loadBalancer?.healthPort && loadBalancer !== undefined)
        report.fault("PORT_CLASH", "loadBalancer.healthPort", "apps are served on this port", {
            value: loadBalancer.healthPort,
        });
}
