/** Who may do what: principals, their secrets, credentials files and ACLs. */
import type { SiteConfig } from "../schema";
import { secretMark } from "./secrets";
import type { SecretPlan } from "./types";

/** The provisioner's own principal. */
export const operatorPrincipal = "operator";
/** The principal that agents register with. */
export const agentPrincipal = "agent";
/** Whoever watches the site: it may read metrics and nothing else. */
export const monitorPrincipal = "monitor";
/** The one that Mesos-DNS reads the masters' state as: it may look, and nothing else. */
export const mesosDnsPrincipal = "mesos-dns";
/** User of ZooKeeper's digest authentication. */
export const zookeeperUser = "mesos";
/** Names of the secrets that are nobody's principal. */
export const zookeeperSecret = "zookeeper-digest";
export const executorKeySecret = "executor-key";
/** What managers and workers of Work Queue prove to each other. */
export const workQueuePasswordSecret = "workqueue-password";

const secretLength = 32;

/** Name of a principal's secret. */
export function principalSecret(principal: string): string {
    return `principal-${principal.toLowerCase().replace(/[^a-z0-9-]/g, "-")}`;
}

/** Whether somebody has to prove that he may read metrics. */
export const isWatched = ({ monitoring, authentication }: SiteConfig): boolean =>
    monitoring !== undefined && authentication.http;

/** Whether the masters are read by Mesos-DNS with a credential. */
const readsByMesosDns = ({ authentication, discovery }: SiteConfig): boolean =>
    authentication.http && discovery?.mesosDns !== undefined;

/** All who have a credential at the masters. */
export const principalsOf = (site: SiteConfig): string[] => [
    operatorPrincipal,
    agentPrincipal,
    ...(isWatched(site) ? [monitorPrincipal] : []),
    ...(readsByMesosDns(site) ? [mesosDnsPrincipal] : []),
    ...Object.keys(site.frameworks),
];

/** Every secret of the site. What belongs to parts that somebody else runs is given, not generated. */
export function planSecrets(site: SiteConfig): SecretPlan[] {
    const given = (yes: boolean) => (yes ? { given: true } : {});
    const foreign = site.masters.existing !== undefined;
    const zookeeper = site.zookeeper.existing === undefined || site.zookeeper.existing.authenticated;
    return [
        ...(zookeeper
            ? [{ name: zookeeperSecret, length: secretLength, ...given(site.zookeeper.existing !== undefined) }]
            : []),
        { name: principalSecret(operatorPrincipal), length: secretLength, ...given(foreign) },
        { name: principalSecret(agentPrincipal), length: secretLength, ...given(foreign) },
        ...(readsByMesosDns(site)
            ? [{ name: principalSecret(mesosDnsPrincipal), length: secretLength, ...given(foreign) }]
            : []),
        { name: executorKeySecret, length: 64 },
        ...(isWatched(site)
            ? [{ name: principalSecret(monitorPrincipal), length: secretLength, ...given(foreign) }]
            : []),
        ...Object.keys(site.frameworks).map((principal) => ({
            name: principalSecret(principal),
            length: secretLength,
            ...given(foreign),
        })),
    ];
}

/** A credential, with the mark of its secret. */
export function credential(principal: string): { principal: string; secret: string } {
    return { principal, secret: secretMark(principalSecret(principal)) };
}

type Entity = { readonly values: readonly string[] } | { readonly type: "ANY" | "NONE" };
type Acl = Readonly<Record<string, Entity>>;

const anybody: Entity = { type: "ANY" };
const only = (...values: readonly string[]): Entity => ({ values });

/** ACLs by the name of what is allowed, under the name of the ACL's object. */
type Rights = Readonly<Record<string, readonly string[]>>;

/** What the operator may do on masters and agents (`include/mesos/authorizer/acls.proto` of Mesos 1.11). */
const commonRights: Rights = {
    paths: ["get_endpoints"],
    flags: ["view_flags"],
    logs: ["access_mesos_logs"],
    level: ["set_log_level"],
    users: ["access_sandboxes", "view_executors", "view_frameworks", "view_tasks"],
    resource_providers: ["view_resource_providers"],
};

const masterRights: Rights = {
    ...commonRights,
    roles: [
        "create_volumes",
        "get_quotas",
        "reserve_resources",
        "resize_volumes",
        "update_quotas",
        "update_weights",
        "view_roles",
    ],
    reserver_principals: ["unreserve_resources"],
    creator_principals: ["destroy_volumes"],
    framework_principals: ["teardown_frameworks"],
    machines: [
        "get_maintenance_schedules",
        "get_maintenance_statuses",
        "start_maintenances",
        "stop_maintenances",
        "update_maintenance_schedules",
    ],
    agents: ["deactivate_agents", "drain_agents", "mark_agents_gone", "reactivate_agents"],
};

const agentRights: Rights = {
    ...commonRights,
    roles: ["view_roles"],
    images: ["prune_images"],
    users: [
        ...(commonRights["users"] ?? []),
        "attach_containers_input",
        "attach_containers_output",
        "kill_nested_containers",
        "launch_nested_container_sessions_as_user",
        "launch_nested_container_sessions_under_parent_with_user",
        "launch_nested_containers_as_user",
        "launch_nested_containers_under_parent_with_user",
        "remove_nested_containers",
        "view_containers",
        "view_standalone_containers",
        "wait_nested_containers",
    ],
};

/** Without HTTP authentication nobody has a principal, the provisioner included: then anybody may what the operator may. */
function operatorAcls(site: SiteConfig, rights: Rights): Record<string, Acl[]> {
    const principals = site.authentication.http ? only(operatorPrincipal) : anybody;
    const acls: Record<string, Acl[]> = {};
    for (const [object, names] of Object.entries(rights))
        for (const name of names) acls[name] = [{ principals, [object]: anybody }];
    if (isWatched(site))
        acls["get_endpoints"]?.push({ principals: only(monitorPrincipal), paths: only("/metrics/snapshot") });
    return acls;
}

/** One ACL a line, so that a diff shows who gains or loses what. */
function aclsText(acls: Readonly<Record<string, readonly Acl[]>>): string {
    const blocks = Object.keys(acls)
        .sort()
        .map((name) => {
            const lines = (acls[name] ?? []).map((acl) => `    ${JSON.stringify(acl)}`);
            return `  ${JSON.stringify(name)}: [\n${lines.join(",\n")}\n  ]`;
        });
    return `{\n  "permissive": false,\n${blocks.join(",\n")}\n}\n`;
}

/** ACLs of the masters: nobody may do what is not listed. */
export function masterAcls(site: SiteConfig): string {
    const acls = operatorAcls(site, masterRights);
    const add = (name: string, acl: Acl) => (acls[name] ??= []).push(acl);
    // Without authentication there is no principal to match, and only "anybody" fits.
    add("register_agents", {
        principals: site.authentication.agents ? only(agentPrincipal) : anybody,
        agents: anybody,
    });
    if (readsByMesosDns(site)) {
        const principals = only(mesosDnsPrincipal);
        for (const name of ["view_executors", "view_frameworks", "view_tasks"])
            add(name, { principals, users: anybody });
        add("view_roles", { principals, roles: anybody });
    }
    for (const [principal, { roles, users, reserve }] of Object.entries(site.frameworks)) {
        const principals = only(principal);
        add("register_frameworks", { principals, roles: only(...roles) });
        add("run_tasks", { principals, users: only(...users) });
        if (!reserve) continue;
        const own = roles.filter((role) => role !== "*");
        if (own.length === 0) continue;
        add("reserve_resources", { principals, roles: only(...own) });
        add("unreserve_resources", { principals, reserver_principals: principals });
        add("create_volumes", { principals, roles: only(...own) });
        add("resize_volumes", { principals, roles: only(...own) });
        add("destroy_volumes", { principals, creator_principals: principals });
    }
    if (!site.authentication.frameworks) {
        add("register_frameworks", { principals: anybody, roles: anybody });
        add("run_tasks", { principals: anybody, users: anybody });
    }
    return aclsText(acls);
}

/** Principals that frameworks may register under, as {@link masterAcls} writes them down; none of a text that is none of its. */
export function registeringPrincipals(acls: string): string[] {
    let rights: readonly Acl[];
    try {
        rights = (JSON.parse(acls) as Partial<Record<string, readonly Acl[]>>)["register_frameworks"] ?? [];
    } catch {
        return [];
    }
    return rights.flatMap(({ principals }) =>
        principals !== undefined && "values" in principals ? principals.values : [],
    );
}

/**
 * ACLs of the agents: the operator; executors are let in to their own containers by Mesos itself. An agent asks once more
 * whether a task may run, although only its master hands it tasks and has asked already: it says yes, so that a new framework
 * restarts the masters and not every agent.
 */
export function agentAcls(site: SiteConfig): string {
    return aclsText({
        ...operatorAcls(site, agentRights),
        run_tasks: [{ principals: anybody, users: anybody }],
    });
}
