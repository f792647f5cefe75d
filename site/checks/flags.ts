/** Raw flags: those that the planner sets itself are refused, the rest goes through. */
import { formatPath } from "../issue";
import { agentFlags } from "../plan/agents";
import { mesosInstall } from "../plan/distribution";
import type { Host } from "../plan/hosts";
import { masterFlags } from "../plan/masters";
import type { PoolConfig, SiteConfig } from "../schema";
import type { Checked, Report } from "./report";

/** Where a flag of Mesos is set in the stack file, when not under a field of nearly the same name. */
const fields: Readonly<Record<string, string>> = {
    acls: "frameworks",
    authenticate_agents: "authentication.agents",
    authenticate_frameworks: "authentication.frameworks",
    authenticate_http_executors: "authentication.executors",
    authenticate_http_readonly: "authentication.http",
    authenticate_http_readwrite: "authentication.http",
    credentials: "frameworks",
    domain: "domain and hosts",
    hostname: "hosts",
    ip: "hosts",
    master: "zookeeper",
    work_dir: "workDir",
    zk: "zookeeper",
};

/** Refused because they would defeat what the planner guarantees, or leak secrets into logs. */
const forbidden: Readonly<Record<string, string>> = {
    advertise_ip: "the address of a host is under `hosts`",
    advertise_port: "set `port`",
    authenticate_http_frameworks: "set authentication.frameworks",
    credential: "credentials are generated",
    domain: "set `domain` and the hosts' zones",
    http_authenticators: "credentials are generated",
    http_credentials: "credentials are generated",
    image_providers: "set `imageProviders`",
    attributes: "set `attributes`",
    ip_discovery_command: "the address of a host is under `hosts`",
    jwt_secret_key: "keys are generated",
    log_dir: "logs go to the journal, where passwords are masked; Mesos' own files would hold them",
    roles: "it is a whitelist that Mesos gave up; say under `frameworks` who may use which role",
    weights: "it is ignored once weights were set by the API",
};

function checkOwn(
    path: string,
    flags: SiteConfig["masters"]["flags"],
    owned: ReadonlySet<string>,
    report: Report,
): void {
    for (const [flag, value] of Object.entries(flags)) {
        const at = `${path}.flags${formatPath(["x", flag]).slice(1)}`;
        if (!/^[a-z][a-z0-9_]*$/.test(flag)) {
            report.fault("FLAG_NAME", at, "is no flag's name", {
                value: flag,
                allowed: "lower-case letters, digits and _, without dashes before it",
                fix: `"${flag.replace(/^--/, "").replaceAll("-", "_").toLowerCase()}"`,
            });
            continue;
        }
        if (owned.has(flag) || forbidden[flag] !== undefined)
            report.fault("FLAG_OWNED", at, "this flag is not for `flags`", {
                value,
                fix:
                    forbidden[flag] ??
                    `set ${fields[flag] ?? `\`${flag.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}\``}`,
            });
        if (/['\n\r]/.test(String(value)))
            report.fault("FLAG_VALUE", at, "a flag's value cannot hold a single quote or a line break", { value });
    }
}

function agentOwned(site: SiteConfig, pool: PoolConfig, host: Host): Set<string> {
    const service = {
        kind: "mesosAgent",
        pool: "",
        port: 0,
        hostname: "",
        workDir: "",
        attributes: { any: "x" },
        resources: { cpus: 0, memMiB: 0, diskMiB: 0, ports: [] },
        domain: { region: "", zone: "" },
        masters: [],
        drainGraceSec: 0,
    } as const;
    return new Set(
        Object.keys(agentFlags(site, { ...pool, flags: {} }, host, service, mesosInstall(site.distribution))),
    );
}

/** Checks `masters.flags` and every pool's `flags`. */
export function checkFlags({ site }: Checked, report: Report): void {
    const host: Host = {
        name: "",
        address: "",
        zone: "",
        protect: false,
        connection: { address: "" },
        offset: 0,
        path: "",
    };
    const own = { ...site, masters: { ...site.masters, flags: {} } };
    checkOwn("masters", site.masters.flags, new Set(Object.keys(masterFlags(own, host, 0))), report);
    for (const [name, pool] of Object.entries(site.pools))
        checkOwn(formatPath(["pools", name]), pool.flags, agentOwned(site, pool, host), report);
}
