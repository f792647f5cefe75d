/** Who may do what: principals, their secrets, credentials files and ACLs. */
import type { SiteConfig } from "../schema";
import { secretMark } from "./secrets";
import type { SecretPlan } from "./types";

/** The provisioner's own principal. */
export const operatorPrincipal = "operator";
/** The principal that agents register with. */
export const agentPrincipal = "agent";
/** User of ZooKeeper's digest authentication. */
export const zookeeperUser = "mesos";
/** Names of the secrets that are nobody's principal. */
export const zookeeperSecret = "zookeeper-digest";
export const executorKeySecret = "executor-key";

const secretLength = 32;

/** Name of a principal's secret. */
export function principalSecret(principal: string): string {
    return `principal-${principal.toLowerCase().replace(/[^a-z0-9-]/g, "-")}`;
}

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
        { name: executorKeySecret, length: 64 },
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

/**
 * What the operator may do, by the name of the ACL's object (`include/mesos/authorizer/acls.proto` of Mesos 1.11). Masters
 * and agents read the same file format; what one of them does not know is never asked.
 */
const operatorRights: Readonly<Record<string, readonly string[]>> = {
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
    paths: ["get_endpoints"],
    flags: ["view_flags"],
    logs: ["access_mesos_logs"],
    level: ["set_log_level"],
    images: ["prune_images"],
    machines: [
        "get_maintenance_schedules",
        "get_maintenance_statuses",
        "start_maintenances",
        "stop_maintenances",
        "update_maintenance_schedules",
    ],
    agents: ["deactivate_agents", "drain_agents", "mark_agents_gone", "reactivate_agents"],
    resource_providers: ["view_resource_providers"],
    users: [
        "access_sandboxes",
        "attach_containers_input",
        "attach_containers_output",
        "kill_nested_containers",
        "launch_nested_container_sessions_as_user",
        "launch_nested_container_sessions_under_parent_with_user",
        "launch_nested_containers_as_user",
        "launch_nested_containers_under_parent_with_user",
        "remove_nested_containers",
        "view_containers",
        "view_executors",
        "view_frameworks",
        "view_standalone_containers",
        "view_tasks",
        "wait_nested_containers",
    ],
};

function operatorAcls(): Record<string, Acl[]> {
    const acls: Record<string, Acl[]> = {};
    for (const [object, names] of Object.entries(operatorRights))
        for (const name of names) acls[name] = [{ principals: only(operatorPrincipal), [object]: anybody }];
    return acls;
}

function sorted(acls: Record<string, Acl[]>): Record<string, unknown> {
    return {
        permissive: false,
        ...Object.fromEntries(Object.entries(acls).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
}

/** ACLs of the masters: nobody may do what is not listed. */
export function masterAcls(site: SiteConfig): Record<string, unknown> {
    const acls = operatorAcls();
    const add = (name: string, acl: Acl) => (acls[name] ??= []).push(acl);
    // Without authentication there is no principal to match, and only "anybody" fits.
    add("register_agents", {
        principals: site.authentication.agents ? only(agentPrincipal) : anybody,
        agents: anybody,
    });
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
    if (!site.authentication.http) openReading(acls);
    return sorted(acls);
}

/** ACLs of the agents: the operator; executors are let in to their own containers by Mesos itself. */
export function agentAcls(site: SiteConfig): Record<string, unknown> {
    const acls = operatorAcls();
    if (!site.authentication.http) openReading(acls);
    return sorted(acls);
}

/** Without HTTP authentication nobody has a principal, the provisioner included: everything an operator may is open. */
function openReading(acls: Record<string, Acl[]>): void {
    for (const [object, names] of Object.entries(operatorRights))
        for (const name of names) acls[name] = [{ principals: anybody, [object]: anybody }];
}
