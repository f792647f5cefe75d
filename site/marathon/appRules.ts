/** What no field table can say about an app: rules between fields, and those that depend on the server. */
import { isObject, type Json, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import { checkConstraints } from "./constraints";
import { checkHealth } from "./healthRules";
import { checkAppNetworks, checkOldNetworks } from "./networkRules";
import { isResident, objects } from "./normalizeApp";
import { checkStrategies } from "./strategyRules";
import { topGroup } from "./paths";
import type { Judged, Rule } from "./rule";
import type { MarathonFacts } from "./server";
import { checkVolumes } from "./volumeRules";

const reserved = ["restart", "tasks", "versions", ".", ".."];

/** What is left of a file name's 255 characters beside `.instance-`, a UUID, the container's name or `_app`, and the attempt. */
const longestId = 190;

/** Ids of apps and pods. */
export function checkPathId(given: Json | undefined, id: string, kind: "APP" | "POD", findings: Findings): void {
    if (typeof given !== "string") return;
    if (id === "/") {
        findings.refuse(`${kind}_ID_ROOT`, "/id", "needs a name of its own", {
            value: given,
            server: { error: "Path must contain at least one path element" },
        });
        findings.refuse(`${kind}_ID_ROOT`, "/", "the root is a group", { server: { error: "must not be root" } });
        return;
    }
    const last = id.slice(id.lastIndexOf("/") + 1);
    if (reserved.includes(last))
        findings.refuse(
            `${kind}_ID_RESERVED`,
            "/id",
            `the last part must not be "${last}": it is a part of the API's own paths`,
            {
                value: given,
                server: { error: `must not end with any of the following reserved keywords: ${reserved.join(", ")}` },
            },
        );
    if (given.split("/").some((part) => part === ".." || part === "."))
        findings.warn(`${kind}_ID_DOTS`, "/id", `is ${id} in full`, { value: given, fix: `write "${id}"` });
    // A task's folder on its agent bears the whole id, and Linux' file names have 255 characters.
    if (id.length > longestId)
        findings.refuse(`${kind}_ID_TOO_LONG`, "/id", "no task of it can start: its sandbox would have no valid name", {
            value: given,
            allowed: `up to ${longestId} characters`,
        });
    // Each part of an id becomes a part of a DNS name.
    else if (id.split("/").some((part) => part.length > 63))
        findings.warn(`${kind}_ID_LONG`, "/id", "a part of more than 63 characters has no DNS name");
}

const checkId: Rule = ({ read, app }, findings) => checkPathId(read["id"], app.id, "APP", findings);

const checkCommand: Rule = ({ read }, findings) => {
    const cmd = read["cmd"];
    const hasCmd = typeof cmd === "string";
    const hasArgs = Array.isArray(read["args"]) && read["args"].length > 0;
    const container = isObject(read["container"]) ? read["container"] : {};
    const hasImage = isObject(container["docker"]) || isObject(container["appc"]);
    if ((hasCmd && hasArgs) || (!hasCmd && !hasArgs && !hasImage))
        findings.refuse(
            "APP_COMMAND",
            "/",
            hasCmd ? "gives both cmd and args" : "gives nothing to run: neither cmd, nor args, nor a container image",
            {
                fix: hasCmd ? "keep one of them" : "add cmd",
                server: {
                    error: "AppDefinition must either contain one of 'cmd' or 'args', and/or a 'container'.",
                },
            },
        );
    if (hasCmd && cmd.length === 1)
        findings.refuse("APP_COMMAND_SHORT", "/cmd", "the server takes a command of one character for empty", {
            value: cmd,
            server: { path: "/", error: "must not be an empty string" },
        });
    if (hasCmd && cmd.trim() === "") findings.refuse("APP_COMMAND_BLANK", "/cmd", "is blank");
    if (read["user"] === "")
        findings.refuse("APP_USER_EMPTY", "/user", "is empty: no user has such a name", { fix: "leave it out" });
    const executor = read["executor"];
    if (typeof executor === "string" && executor !== "" && executor !== "//cmd" && !executor.startsWith("/"))
        findings.refuse("APP_EXECUTOR", "/executor", "is neither empty, nor //cmd, nor a path on the agent", {
            value: executor,
        });
};

const checkResources: Rule = ({ app, server }, findings) => {
    if (app["cpus"] === 0)
        findings.refuse("APP_CPUS_ZERO", "/cpus", "is 0: Mesos starts no task without CPU", {
            allowed: "0.001 or more",
        });
    else if (typeof app["cpus"] === "number" && app["cpus"] < 0.001)
        findings.refuse("APP_CPUS_ZERO", "/cpus", "is less than Mesos can count", { allowed: "0.001 or more" });
    if (app["mem"] === 0)
        findings.refuse("APP_MEM_ZERO", "/mem", "is 0: no task can run in it", { allowed: "more than 0, MiB" });
    else if (typeof app["mem"] === "number" && app["mem"] < 4)
        findings.warn("APP_MEM_SMALL", "/mem", "is in MiB: less than any program needs", { value: app["mem"] });
    if (typeof app["gpus"] === "number" && app["gpus"] > 0) {
        if (!server.features.includes("gpu_resources"))
            findings.refuse("APP_GPUS_OFF", "/gpus", "the server does not hand out GPUs", {
                fix: "start Marathon with --enable_features gpu_resources",
                server: { error: "GPU resources only work with the Mesos containerizer" },
            });
        if (isObject(app["container"]) && app["container"]["type"] === "DOCKER")
            findings.refuse("APP_GPUS_DOCKER", "/gpus", "only the MESOS container type can use GPUs", {
                fix: 'set container.type to "MESOS"',
                server: { path: "/", error: "GPU resources only work with the Mesos containerizer" },
            });
    }
    const limits = app["resourceLimits"];
    for (const name of ["cpus", "mem"] as const) {
        const limit = isObject(limits) ? limits[name] : undefined;
        const asked = app[name];
        if (typeof limit === "number" && typeof asked === "number" && limit < asked)
            findings.refuse("APP_LIMIT", `/resourceLimits/${name}`, "the limit is below what is asked for", {
                value: limit,
                allowed: `${asked} or more, or "unlimited"`,
                server: {
                    error: `resource limit must be greater than or equal to requested resource value (${asked})`,
                },
            });
    }
};

/** The roles that an app or pod may have: its top-level group's alone where that is enforced. */
export function rolesFor(id: string, server: MarathonFacts): string[] {
    const top = topGroup(id);
    if (top !== undefined && server.enforcedGroups?.includes(top) === true) return [top];
    return [...new Set([server.role, ...(top === undefined ? [] : [top])])];
}

/** Roles depend on the server's flags and on the top-level group, never on the file alone. */
const checkRoles: Rule = ({ read, app, server }, findings) => {
    const allowed = rolesFor(app.id, server);
    const role = word(app["role"]);
    if (!allowed.includes(role))
        findings.refuse("APP_ROLE", "/role", "this server does not start tasks for that role", {
            value: role,
            allowed: allowed.join(", "),
            server: { error: `got ${role}, expected one of: [${allowed.join(", ")}]` },
        });
    const accepted = read["acceptedResourceRoles"];
    if (Array.isArray(accepted)) {
        const known = new Set<Json>(["*", role]);
        if (accepted.length === 0)
            findings.refuse("APP_ACCEPTED_ROLES", "/acceptedResourceRoles", "must not be empty", {
                fix: "leave it out to accept every resource that the role may use",
                server: { error: "must not be empty" },
            });
        else if (accepted.some((item) => !known.has(item))) {
            const words = [...known].map(word).join(" and ");
            findings.refuse(
                "APP_ACCEPTED_ROLES",
                "/acceptedResourceRoles",
                "names a role whose resources this app cannot use",
                {
                    value: accepted,
                    allowed: [...known].map(word).join(", "),
                    fix: `this Marathon has the role ${server.role}`,
                    server: { error: `acceptedResourceRoles can only contain ${words}` },
                },
            );
        }
    }
    if (isResident(app) && role === "*")
        findings.refuse("APP_RESIDENT_ROLE", "/role", "volumes on an agent need a role to be reserved for", {
            value: role,
            fix: "start Marathon with --mesos_role, or put the app in a group that enforces its role",
            server: { stage: 3, error: "Resident apps cannot have the role *" },
        });
};

/** Secrets must be declared and used, and the server must know of secrets at all. */
export function checkSecrets(
    env: Json | undefined,
    secrets: Json | undefined,
    server: MarathonFacts,
    findings: Findings,
    prefix = "/env",
): void {
    const declared = isObject(secrets) ? Object.keys(secrets) : [];
    const used = new Set<string>();
    for (const [name, value] of Object.entries(isObject(env) ? env : {})) {
        if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name))
            findings.warn("APP_ENV_NAME", `${prefix}/${name}`, "no shell can read a variable of that name");
        if (!isObject(value) || typeof value["secret"] !== "string") continue;
        used.add(value["secret"]);
        if (!declared.includes(value["secret"]))
            findings.refuse(
                "APP_SECRET_UNDEFINED",
                `${prefix}/${name}/secret`,
                "names a secret that is not declared under secrets",
                {
                    allowed: declared.join(", ") || "declare it: secrets: { NAME: { source: … } }",
                    server: { error: "references an undefined secret" },
                },
            );
    }
    if (declared.length > 0 && !server.features.includes("secrets"))
        findings.refuse("APP_SECRETS_OFF", "/secrets", "the server does not know secrets", {
            fix: "start Marathon with --enable_features secrets and a secrets plugin",
            server: {
                path: "/secrets",
                error: "Feature secrets is not enabled. Enable with --enable_features secrets)",
            },
        });
}

const checkAppSecrets: Rule = ({ app, server }, findings) => {
    checkSecrets(app["env"], app["secrets"], server, findings);
    const used = JSON.stringify([app["env"] ?? {}, app["container"] ?? {}]);
    for (const name of Object.keys(isObject(app["secrets"]) ? app["secrets"] : {}))
        if (!used.includes(`"secret":${JSON.stringify(name)}`))
            findings.warn("APP_SECRET_UNUSED", `/secrets/${name}`, "is declared, but nothing uses it");
};

/** Java's URI syntax, as far as it refuses what people write. */
export function isUri(text: string): boolean {
    return (
        !/[\s<>"{}|\\^`]/.test(text) &&
        /^(?:[A-Za-z][A-Za-z0-9+.-]*:[^:]?|[^:]*$|[^:/?#]*[/?#])/.test(text) &&
        !text.startsWith(":")
    );
}

const checkFetch: Rule = ({ read, app }, findings) => {
    if (objects(read["fetch"]).length > 0 && Array.isArray(read["uris"]) && read["uris"].length > 0)
        findings.refuse("APP_FETCH_TWICE", "/uris", "is the old spelling of fetch: give one of them", {
            fix: "move its entries to fetch",
            server: { stage: 1, error: "may not be set in conjunction with fetch" },
        });
    objects(app["fetch"]).forEach(({ uri }, index) => {
        if (typeof uri === "string" && !isUri(uri))
            findings.refuse("APP_URI", `/fetch(${index})/uri`, "is not a URI", {
                value: uri,
                server: { error: "URI has invalid syntax." },
            });
        if (typeof uri === "string" && /^\$/.test(uri))
            findings.refuse(
                "APP_TEMPLATE",
                `/fetch(${index})/uri`,
                "starts with a variable: the fetcher fills in none",
                {
                    value: uri,
                },
            );
    });
};

const checkDependencies: Rule = ({ app }, findings) => {
    if (Array.isArray(app["dependencies"]) && app["dependencies"].includes(app.id))
        findings.refuse("APP_DEPENDS_ON_ITSELF", "/dependencies", "the app depends on itself", {
            server: { path: "/", error: "Dependency graph has cyclic dependencies." },
        });
};

const rules: readonly Rule[] = [
    checkId,
    checkOldNetworks,
    checkCommand,
    checkResources,
    checkRoles,
    ({ app }, findings) => checkConstraints(app["constraints"], findings),
    checkAppNetworks,
    checkHealth,
    checkVolumes,
    checkStrategies,
    checkAppSecrets,
    checkFetch,
    checkDependencies,
];

/** Applies every rule. */
export function checkAppRules(judged: Judged, findings: Findings): void {
    for (const rule of rules) rule(judged, findings);
}
