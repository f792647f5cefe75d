/** Marathon and Metronome as services of the site. */
import { formatPath } from "../issue";
import { nearest } from "../nearest";
import { membersOf } from "../plan/hosts";
import { marathonSettings, metronomeSettings } from "../plan/schedulers";
import type { SiteConfig } from "../schema";
import { marathonSchema, metronomeSchema } from "../schema/services";
import { checkAuthorities, checkTls } from "./certificates";
import { fieldOf } from "./fieldOf";
import type { Checked, Report } from "./report";

type Kind = "marathon" | "metronome";

const shapes = { marathon: marathonSchema.shape, metronome: metronomeSchema.shape } as const;

const place = (site: SiteConfig) => ({ site, address: "", servers: [] });

/** Names of the settings that the plan sets, whether they are set for this site or not. */
function ownedBy(kind: Kind, site: SiteConfig): Set<string> {
    const { marathon, metronome } = site;
    const all = { settings: {}, authentication: true, features: ["x"], defaultNetworkName: "x" };
    const names = [undefined, { certificate: "", keySecret: "x" }].flatMap((tls) => {
        if (kind === "marathon" && marathon !== undefined)
            return Object.keys(marathonSettings({ ...marathon, ...all, tls }, place(site)));
        return metronome === undefined
            ? []
            : Object.keys(metronomeSettings({ ...metronome, settings: {}, tls }, place(site)));
    });
    return new Set(names);
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
    https_port: "port",
    play_server_https_port: "port",
    disable_http: "tls",
    ssl_keystore_path: "tls",
    ssl_keystore_password: "tls",
    play_server_https_keystore_path: "tls",
    play_server_https_keystore_password: "tls",
    play_server_https_keystore_type: "tls",
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
                    : `set \`${fields[name] ?? fieldOf(name, Object.keys(shapes[kind])) ?? name}\``,
            });
        if (/['\n\r]/.test(String(value)))
            report.fault("FLAG_VALUE", at, "a value cannot hold a single quote or a line break", { value });
    }
}

/** A framework's principal must be declared, and its role and its tasks' user be among the principal's. */
export function checkPrincipal(
    path: string,
    config: {
        readonly principal: string;
        readonly role?: string | undefined;
        readonly user?: string | undefined;
        /** By further roles. */
        readonly roles?: object;
    },
    { site }: Checked,
    report: Report,
): void {
    const { principal, role, user, roles = {} } = config;
    const framework = site.frameworks[principal];
    if (framework === undefined) {
        const near = nearest(principal, Object.keys(site.frameworks));
        report.fault("SCHEDULER_PRINCIPAL", `${path}.principal`, "no framework has this principal", {
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
                `${path}.${field}`,
                `the principal ${principal} may not use this ${what}: Mesos would refuse the framework or its tasks`,
                { value, allowed: list.join(", "), fix: `add it to frameworks.${principal}.${what}s` },
            );
    };
    member(role, framework.roles, "role", "role");
    for (const name of Object.keys(roles)) member(name, framework.roles, formatPath(["roles", name]), "role");
    member(user, framework.users, "user", "user");
}

/** HTTPS: of servers of the site's own by `tls`, of others' by their addresses. */
function checkHttps(kind: Kind, { site, hosts }: Checked, report: Report): void {
    const { tls, members = [], existing } = site[kind] ?? {};
    if (tls !== undefined && existing !== undefined)
        report.fault("TLS_WHICH", `${kind}.tls`, "servers that run already have a certificate", {
            fix: `take it away; \`${kind}.existing.ca\` says who has signed theirs`,
        });
    if (tls !== undefined && tls.issuer !== "site") {
        const addresses = membersOf(members, hosts).map(({ address }) => address);
        checkTls(`${kind}.tls`, tls, addresses, report);
    }
    if (existing?.ca === undefined) return;
    checkAuthorities(`${kind}.existing.ca`, existing.ca, report);
    const plain = existing.urls.findIndex((url) => url.startsWith("http:"));
    if (plain >= 0)
        report.fault("TLS_WHICH", `${kind}.existing.urls[${plain}]`, "`ca` is given, but this address is plain HTTP", {
            value: existing.urls[plain],
            fix: "write https://…, or take `ca` away",
        });
}

/** Where a third of the authority's life is left, a certificate must still fit into it. */
function checkLives({ certificates: { days, authority } }: SiteConfig, report: Report): void {
    const most = Math.floor(authority.days / 3);
    if (days > most)
        report.fault("TLS_LIFE", "certificates.days", "a certificate would outlive the authority that has signed it", {
            value: days,
            allowed: `up to ${most}, a third of certificates.authority.days`,
        });
}

/** Checks `marathon`, `metronome` and the site's own certificates. */
export function checkSchedulers(checked: Checked, report: Report): void {
    const { site } = checked;
    checkLives(site, report);
    for (const kind of ["marathon", "metronome"] as const) {
        const config = site[kind];
        if (config === undefined) continue;
        if ((config.members === undefined) === (config.existing === undefined))
            report.fault("SCHEDULER_WHICH", kind, "give either `members` or `existing`", {
                allowed: "exactly one of the two",
            });
        checkHttps(kind, checked, report);
        if (config.members === undefined) continue;
        if (config.members.length === 0)
            report.fault("EMPTY", `${kind}.members`, "must not be empty", {
                fix: "name two hosts: one leads, one stands by",
            });
        checkPrincipal(kind, config, checked, report);
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
