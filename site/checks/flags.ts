/** Raw flags: those that the planner sets itself are refused, the rest goes through. */
import { formatPath } from "../issue";
import { agentFlags } from "../plan/agents";
import { mesosInstall } from "../plan/distribution";
import type { Host } from "../plan/hosts";
import { masterFlags } from "../plan/masters";
import type { PoolConfig, SiteConfig } from "../schema";
import { mastersSchema } from "../schema/masters";
import { poolSchema } from "../schema/pools";
import { fieldOf } from "./fieldOf";
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
    docker_store_dir: "dataDir",
    domain: "domain and hosts",
    enforce_container_disk_quota: "enforceDiskQuota",
    fetcher_cache_dir: "dataDir",
    fetcher_cache_size: "fetcherCacheMiB",
    hostname: "hosts",
    hostname_lookup: "hosts",
    http_framework_authenticators: "authentication.frameworks",
    ip: "hosts",
    launcher_dir: "distribution",
    master: "zookeeper",
    systemd_enable_support: "systemdSupport",
    zk: "zookeeper",
    zk_session_timeout: "masters.zkSessionTimeoutSec",
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
    recover: "running tasks are found again after a restart by it",
    reconfiguration_policy: "an agent keeps its id over a restart by it",
    strict: "running tasks are found again after a restart by it",
    log_dir: "logs go to the journal, where passwords are masked; Mesos' own files would hold them",
    roles: "it is a whitelist that Mesos gave up; say under `frameworks` who may use which role",
    weights: "it is ignored once weights were set by the API",
};

interface Owner {
    readonly path: string;
    readonly flags: SiteConfig["masters"]["flags"];
    /** Flags that the planner sets. */
    readonly owned: ReadonlySet<string>;
    /** Fields of the stack file beside `flags`. */
    readonly names: readonly string[];
}

function checkOwn({ path, flags, owned, names }: Owner, report: Report): void {
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
                fix: forbidden[flag] ?? `set \`${fields[flag] ?? fieldOf(flag, names) ?? flag}\``,
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
    checkOwn(
        {
            path: "masters",
            flags: site.masters.flags,
            owned: new Set(Object.keys(masterFlags(own, host, 0))),
            names: Object.keys(mastersSchema.shape),
        },
        report,
    );
    const names = Object.keys(poolSchema.shape);
    for (const [name, pool] of Object.entries(site.pools)) {
        const path = formatPath(["pools", name]);
        checkOwn({ path, flags: pool.flags, owned: agentOwned(site, pool, host), names }, report);
    }
}
