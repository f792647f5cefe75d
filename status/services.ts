/** Certificates that a site depends on. */
import type { SiteConfig } from "../site/schema";
import type { SitePlan } from "../site/plan/types";

/** https addresses of the site's own servers and of what others run for it, each once. */
export function secureUrls(plan: SitePlan, site: SiteConfig): string[] {
    const urls = [
        ...(plan.openstack?.projects ?? []).map(({ authUrl }) => authUrl),
        ...plan.schedulers.flatMap((scheduler) => scheduler.urls),
        ...(site.marathon?.existing?.urls ?? []),
        ...(site.metronome?.existing?.urls ?? []),
    ];
    return [...new Set(urls.flatMap((url) => (url?.startsWith("https://") === true ? [new URL(url).origin] : [])))];
}
