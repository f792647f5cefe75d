/** Everything that can be wrong with a stack file, in one pass. */
import { checkBackup } from "./checks/backup";
import { checkFlags } from "./checks/flags";
import { checkFrameworks } from "./checks/frameworks";
import { checkBuilds } from "./checks/builds";
import { checkDiscovery } from "./checks/discovery";
import { checkBastions, checkDomains, checkHosts, sshBlocks } from "./checks/hosts";
import { checkMonitoring } from "./checks/monitoring";
import { checkOpenStack } from "./checks/openstack";
import { checkPools } from "./checks/pools";
import { checkPorts } from "./checks/ports";
import { checkMasters, checkZooKeeper } from "./checks/quorums";
import { Report, type Check, type Checked, type Use } from "./checks/report";
import { checkRoles } from "./checks/roles";
import { checkSchedulers } from "./checks/schedulers";
import { checkSecrets } from "./checks/secrets";
import { mended, shapeIssues } from "./checks/shape";
import { checkWork } from "./checks/work";
import { checkWorkloads } from "./checks/workloads";
import { formatPath } from "./issue";
import { expandHosts, expandNames, type Host } from "./plan/hosts";
import { workloadHosts } from "./plan/workloads";
import type { Issue } from "./plan/types";
import { siteSchema, type SiteConfig } from "./schema";
import type * as z from "zod";

/** A checked site: `site` can be planned when there are no issues. */
export interface Validated {
    /** Undefined when the file is too broken to read. */
    readonly site?: SiteConfig;
    readonly hosts: ReadonlyMap<string, Host>;
    /** What must be mended before anything is done. */
    readonly issues: readonly Issue[];
    /** What is allowed, but worth a look. */
    readonly warnings: readonly Issue[];
}

const checks: readonly Check[] = [
    checkHosts,
    checkBastions,
    checkRoles,
    checkDomains,
    checkOpenStack,
    checkZooKeeper,
    checkMasters,
    checkPools,
    checkPorts,
    checkFrameworks,
    checkSchedulers,
    checkSecrets,
    checkDiscovery,
    checkWork,
    checkWorkloads,
    checkBackup,
    checkBuilds,
    checkMonitoring,
    checkFlags,
    checkConfirm,
];

function checkConfirm({ site }: Checked, report: Report): void {
    if (site.confirm === undefined) return;
    if (site.confirm !== site.cluster)
        report.fault("CONFIRM_NAME", "confirm", "does not repeat the cluster's name", {
            value: site.confirm,
            allowed: site.cluster,
        });
    else
        report.warn("CONFIRM_SET", "confirm", "changes that lose data are allowed", {
            fix: "take it out when the change is done",
        });
}

/** Whoever does anything runs the node exporter too. */
function usesOf(site: SiteConfig): Use[] {
    const uses = declaredUses(site);
    if (site.monitoring === undefined) return uses;
    const names = new Set(uses.filter(({ role }) => role !== "bastion").map(({ host }) => host));
    return [
        ...uses,
        ...[...names].map((host): Use => ({ host, role: "nodeExporter", path: "monitoring.nodeExporterPort" })),
    ];
}

function declaredUses(site: SiteConfig): Use[] {
    return [
        ...sshBlocks(site).flatMap(({ path, ssh: { bastion } }): Use[] =>
            bastion === undefined || bastion === "none"
                ? []
                : [{ host: bastion, role: "bastion", path: `${path}.bastion` }],
        ),
        ...Object.keys(site.zookeeper.members ?? {}).map((host): Use => ({
            host,
            role: "zookeeper",
            path: formatPath(["zookeeper", "members", host]),
        })),
        ...expandNames(site.masters.members ?? [], "masters.members").map(({ name, path }): Use => ({
            host: name,
            role: "master",
            path,
        })),
        ...(["marathon", "metronome"] as const).flatMap((role) =>
            expandNames(site[role]?.members ?? [], `${role}.members`).map(({ name, path }): Use => ({
                host: name,
                role,
                path,
            })),
        ),
        ...(["loadBalancer", "discovery", "monitoring"] as const).flatMap((role) =>
            expandNames(site[role]?.hosts ?? [], `${role}.hosts`).map(({ name, path }): Use => ({
                host: name,
                role,
                path,
            })),
        ),
        ...workloadHosts(site).flatMap(({ role, names, path, name: campaign }) =>
            expandNames(names, path).map(({ name, path: at }): Use => ({
                host: name,
                role,
                ...(campaign === undefined ? {} : { campaign }),
                path: campaign === undefined ? at : path,
            })),
        ),
        ...(site.workloads.builds === undefined
            ? []
            : [
                  {
                      host: site.workloads.builds.store.host,
                      role: "buildStore",
                      path: "workloads.builds.store.host",
                  } as const,
              ]),
        ...Object.entries(site.pools).flatMap(([pool, { hosts }]) =>
            expandNames(hosts, `${formatPath(["pools", pool])}.hosts`).map(({ name, path }): Use => ({
                host: name,
                role: "agent",
                pool,
                path,
            })),
        ),
    ];
}

function checkAll(site: SiteConfig): { hosts: ReadonlyMap<string, Host>; report: Report } {
    const { hosts, issues } = expandHosts(site);
    const report = new Report();
    report.faults.push(...issues);
    const checked: Checked = { site, hosts, uses: usesOf(site) };
    for (const check of checks) check(checked, report);
    return { hosts, report };
}

/** Whether two paths are the same or one is inside the other. */
function overlaps(a: string, b: string): boolean {
    const [short, long] = a.length < b.length ? [a, b] : [b, a];
    return long === short || (long.startsWith(short) && /^[.[]/.test(long.slice(short.length)));
}

/** What can be read of a faulty file; undefined when even mending does not help. */
function readRest(config: unknown, faults: z.core.$ZodError["issues"]): SiteConfig | undefined {
    let rest = config;
    let left = faults;
    // Each round may uncover what the one before took away: a wrong value of a required field is then a missing one.
    for (let round = 0; round < 4; round++) {
        rest = mended(rest, left);
        const parsed = siteSchema.safeParse(rest);
        if (parsed.success) return parsed.data;
        left = parsed.error.issues;
    }
    return undefined;
}

/**
 * Sorts the keys of every map. The engine hands the file's maps over in alphabetical order, the site tools read them as they
 * are written: nothing may depend on that, or a preview would show other lines than `site plan`.
 */
function inOrder(config: unknown): unknown {
    if (Array.isArray(config)) return config.map(inOrder);
    if (typeof config !== "object" || config === null) return config;
    const entries = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, value]) => [key, inOrder(value)]));
}

/**
 * Checks the value of `pulumi-mesos:site`. Faults of the file's shape do not hide the others: what is left without the
 * faulty parts is checked all the same.
 */
export function validateSite(value: unknown): Validated {
    const config = inOrder(value);
    const parsed = siteSchema.safeParse(config);
    if (parsed.success) {
        const { hosts, report } = checkAll(parsed.data);
        return { site: parsed.data, hosts, issues: report.faults, warnings: report.warnings };
    }
    const faults = parsed.error.issues;
    const issues = faults.flatMap((fault) => shapeIssues(fault, config));
    const rest = readRest(config, faults);
    if (rest === undefined) return { hosts: new Map(), issues, warnings: [] };
    // A host or pool that could not be read makes others look wrong: what refers to it is judged when it is mended.
    const hostsUnread = issues.some(({ path }) => overlaps(path, "hosts"));
    // What stands beside a choice that there is not was read as if another had been made.
    const unread = faults.flatMap((fault) =>
        fault.code === "invalid_union" && fault.discriminator !== undefined
            ? [formatPath(fault.path.slice(0, -1))]
            : [],
    );
    const more = checkAll(rest).report.faults.filter(
        ({ code, path }) =>
            !(hostsUnread && code === "HOST_UNKNOWN") &&
            ![...issues.map((known) => known.path), ...unread].some((known) => overlaps(known, path)),
    );
    return { hosts: new Map(), issues: [...issues, ...more], warnings: [] };
}
