/** The load balancer and the name servers. */
import { mesosDnsSettings } from "../plan/mesosDns";
import type { Checked, Report } from "./report";
import { checkOwnHosts } from "./roles";

/** Where a setting of Mesos-DNS has its field. */
const fields: Readonly<Record<string, string>> = {
    zk: "zookeeper",
    masters: "masters",
    mesosauthentication: "authentication.http",
    mesoscredentials: "authentication.http",
    listener: "discovery.hosts",
    ttl: "discovery.ttlSec",
    refreshseconds: "discovery.pollSec",
    domain: "discovery.domain",
    port: "discovery.port",
    soamname: "discovery.domain",
    soarname: "discovery.domain",
};

/** It reads its settings whatever their case, and knows nothing of those that it does not know. */
function checkMesosDns({ site }: Checked, report: Report): void {
    const { discovery } = site;
    if (discovery?.mesosDns === undefined) return;
    const bare = { ...discovery, mesosDns: { ...discovery.mesosDns, settings: {} } };
    const authenticated = { ...site, authentication: { ...site.authentication, http: true } };
    const place = { site: authenticated, address: "", servers: [], masters: [] };
    const free = new Set(["ipsources", "httpon"]);
    const owned = new Set(Object.keys(mesosDnsSettings(bare, place)).map((name) => name.toLowerCase()));
    for (const [name, value] of Object.entries(discovery.mesosDns.settings)) {
        const lower = name.toLowerCase();
        if (!owned.has(lower) || free.has(lower)) continue;
        const field = fields[lower];
        report.fault("FLAG_OWNED", `discovery.mesosDns.settings.${name}`, "this setting is not for `settings`", {
            value,
            fix: field === undefined ? "leave it out" : `set \`${field}\``,
        });
    }
}

/** Checks `loadBalancer` and `discovery`. */
export function checkDiscovery({ site, hosts, uses }: Checked, report: Report): void {
    for (const role of ["loadBalancer", "discovery"] as const) {
        if (site[role] === undefined) continue;
        checkOwnHosts(role, { site, hosts, uses }, report);
        const isOfMarathon = role === "loadBalancer" || site.discovery?.mesosDns === undefined;
        if (site.marathon === undefined && isOfMarathon)
            report.fault("MARATHON_MISSING", role, "it follows Marathon, which this site does not have", {
                fix: "declare `marathon`, with `members` or `existing`",
            });
    }
    checkMesosDns({ site, hosts, uses }, report);
    const { loadBalancer } = site;
    if (loadBalancer?.httpPort === loadBalancer?.healthPort && loadBalancer !== undefined)
        report.fault("PORT_CLASH", "loadBalancer.healthPort", "apps are served on this port", {
            value: loadBalancer.healthPort,
        });
}
