/** Marathon and Metronome as services of the site. */
import { nearest } from "../nearest";
import { marathonSettings, metronomeSettings } from "../plan/schedulers";
import type { SiteConfig } from "../schema";
import type { Checked, Report } from "./report";

type Kind = "marathon" | "metronome";

const place = (site: SiteConfig) => ({ site, address: "", servers: [] });

/** Names of the settings that the plan sets, whether they are set for this site or not. */
function ownedBy(kind: Kind, site: SiteConfig): Set<string> {
    const { marathon, metronome } = site;
    if (kind === "marathon" && marathon !== undefined) {
        const all = { ...marathon, settings: {}, authentication: true, features: ["x"], defaultNetworkName: "x" };
        return new Set(Object.keys(marathonSettings(all, place(site))));
    }
    return metronome === undefined
        ? new Set()
        : new Set(Object.keys(metronomeSettings({ ...metronome, settings: {} }, place(site))));
}

/** Where a setting has its field, when not under nearly the same name. */
const fields: Readonly<Record<string, string>> = {
    master: "zookeeper",
    mesos_master_url: "zookeeper",
    zk: "zkPath",
    zk_url: "zkPath",
    hostname: "hosts",
    leader_election_hostname: "hosts",
    web_ui_url: "port",
    http_port: "port",
    play_server_http_port: "port",
    http_credentials: "authentication",
    mesos_role: "role",
    mesos_user: "user",
    failover_timeout: "failoverTimeoutSec",
    enable_features: "features",
};

function checkSettings(kind: Kind, { site }: Checked, report: Report): void {
    const owned = ownedBy(kind, site);
    for (const [name, value] of Object.entries(site[kind]?.settings ?? {})) {
        const at = `${kind}.settings.${name}`;
        if (!/^[a-z][a-z0-9_]*$/.test(name))
            report.fault("FLAG_NAME", at, "is no setting's name", {
                value: name,
                allowed: "lower-case letters, digits and _",
                fix: `"${name.replace(/^--/, "").replaceAll("-", "_").toLowerCase()}"`,
            });
        else if (owned.has(name))
            report.fault("FLAG_OWNED", at, "this setting is not for `settings`", {
                value,
                fix: name.startsWith("mesos_authentication")
                    ? "credentials are generated"
                    : `set \`${fields[name] ?? name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}\``,
            });
        if (/['\n\r]/.test(String(value)))
            report.fault("FLAG_VALUE", at, "a value cannot hold a single quote or a line break", { value });
    }
}

function checkPrincipal(kind: Kind, { site }: Checked, report: Report): void {
    const config = site[kind];
    if (config === undefined) return;
    const { principal, role, user } = config;
    const framework = site.frameworks[principal];
    if (framework === undefined) {
        const near = nearest(principal, Object.keys(site.frameworks));
        report.fault("SCHEDULER_PRINCIPAL", `${kind}.principal`, "no framework has this principal", {
            value: principal,
            fix:
                near === undefined
                    ? `frameworks: { ${principal}: { roles: [services], users: [nobody] } }`
                    : `did you mean "${near}"?`,
        });
        return;
    }
    const member = (value: string | undefined, list: readonly string[], field: string, what: string): void => {
        if (value !== undefined && !list.includes(value))
            report.fault(
                "SCHEDULER_RIGHTS",
                `${kind}.${field}`,
                `the principal ${principal} may not use this ${what}: Mesos would refuse the framework or its tasks`,
                { value, allowed: list.join(", "), fix: `add it to frameworks.${principal}.${what}s` },
            );
    };
    member(role, framework.roles, "role", "role");
    member(user, framework.users, "user", "user");
}

/** Checks `marathon` and `metronome`. */
export function checkSchedulers(checked: Checked, report: Report): void {
    const { site } = checked;
    for (const kind of ["marathon", "metronome"] as const) {
        const config = site[kind];
        if (config === undefined) continue;
        if ((config.members === undefined) === (config.existing === undefined))
            report.fault("SCHEDULER_WHICH", kind, "give either `members` or `existing`", {
                allowed: "exactly one of the two",
            });
        if (config.members === undefined) continue;
        if (config.members.length === 0)
            report.fault("EMPTY", `${kind}.members`, "must not be empty", {
                fix: "name two hosts: one leads, one stands by",
            });
        checkPrincipal(kind, checked, report);
        checkSettings(kind, checked, report);
    }
    const { marathon, metronome } = site;
    if (marathon?.members !== undefined && metronome?.members !== undefined) {
        if (marathon.zkPath === metronome.zkPath)
            report.fault("SCHEDULER_PATH", "metronome.zkPath", "Marathon keeps its state there", {
                value: metronome.zkPath,
            });
        if (marathon.frameworkName === metronome.frameworkName)
            report.fault("SCHEDULER_NAME", "metronome.frameworkName", "Marathon has this name", {
                value: metronome.frameworkName,
            });
    }
}
