/** Pods: their normal form and every fault at once. */
import { isObject, type JsonObject, readFields, word } from "../definitions/fields";
import { type Finding, Findings } from "../definitions/finding";
import { checkPathId, checkSecrets, isUri, rolesFor } from "./appRules";
import { constraintFault } from "./constraints";
import { type App, defaultRole, defaultUnreachable, defaultUpgrade, objects } from "./normalizeApp";
import { absoluteId } from "./paths";
import { podDialect, podFields } from "./podFields";
import type { MarathonFacts } from "./server";
import { checkUnreachable } from "./strategyRules";
import { checkPersistent } from "./volumeRules";

function isResidentPod(pod: JsonObject): boolean {
    return objects(pod["volumes"]).some(({ persistent }) => persistent !== undefined);
}

function normalPod(read: JsonObject, server: MarathonFacts, base: string): App {
    const id = absoluteId(typeof read["id"] === "string" ? read["id"] : "", base);
    const resident = isResidentPod(read);
    const scheduling = isObject(read["scheduling"]) ? read["scheduling"] : {};
    const strategy = scheduling["unreachableStrategy"];
    const networks = objects(read["networks"]).map((network) =>
        network["mode"] === "container" && network["name"] === undefined && server.defaultNetworkName !== undefined
            ? { name: server.defaultNetworkName, ...network }
            : network,
    );
    return {
        ...read,
        id,
        ...(networks.length > 0 ? { networks } : {}),
        scheduling: {
            ...scheduling,
            upgrade: scheduling["upgrade"] ?? defaultUpgrade(resident, false),
            unreachableStrategy: isObject(strategy)
                ? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0, ...strategy }
                : (strategy ?? defaultUnreachable(resident, server)),
        },
        role: read["role"] ?? defaultRole(id, server),
    };
}

/** The normal form of a declared or a live pod. */
export function normalizePod(pod: unknown, server: MarathonFacts, base = "/"): App {
    return normalPod(readFields(podFields, pod, podDialect, new Findings()), server, base);
}

function checkContainers(pod: JsonObject, findings: Findings, server: MarathonFacts): void {
    const containers = objects(pod["containers"]);
    const names = containers.map(({ name }) => name);
    if (new Set(names).size < names.length)
        findings.refuse("POD_CONTAINER_NAMES", "/containers", "two containers have the same name", {
            value: names,
            server: { error: "container names must be unique" },
        });
    const volumes = new Set(objects(pod["volumes"]).map(({ name }) => name));
    const isHost = objects(pod["networks"]).every(({ mode }) => mode === "host");
    const endpoints = containers.flatMap((container) => objects(container["endpoints"]));
    const hostPorts = endpoints.map(({ hostPort }) => hostPort).filter((port) => port !== undefined && port !== 0);
    if (new Set(hostPorts).size < hostPorts.length)
        findings.refuse("POD_HOST_PORTS", "/", "two endpoints have the same host port", {
            value: hostPorts,
            server: { error: "host ports must be unique across all containers" },
        });
    const endpointNames = endpoints.map(({ name }) => name);
    if (new Set(endpointNames).size < endpointNames.length)
        findings.refuse("POD_ENDPOINT_NAMES", "/", "two endpoints have the same name", {
            value: endpointNames,
            server: { error: "endpoint names are unique across all containers" },
        });
    containers.forEach((container, index) => {
        const at = `/containers(${index})`;
        objects(container["volumeMounts"]).forEach(({ name }, mount) => {
            if (!volumes.has(name))
                findings.refuse(
                    "POD_MOUNT",
                    `${at}/volumeMounts(${mount})/name`,
                    "the pod has no volume of that name",
                    {
                        value: name,
                        allowed: [...volumes].map(word).join(", ") || "add it under volumes",
                        server: { error: "Referenced Volume in VolumeMount should exist" },
                    },
                );
        });
        const own = objects(container["endpoints"]);
        own.forEach(({ containerPort, hostPort, protocol }, endpoint) => {
            if (!isHost && containerPort === undefined)
                findings.refuse(
                    "POD_CONTAINER_PORT",
                    `${at}/endpoints(${endpoint})/containerPort`,
                    "is needed in a container network",
                    {
                        server: { error: "not defined" },
                    },
                );
            if (isHost && hostPort === undefined)
                findings.refuse(
                    "POD_HOST_PORT",
                    `${at}/endpoints(${endpoint})/hostPort`,
                    "is needed in the host's network",
                    {
                        fix: "0 lets the server choose",
                        server: { error: "is required when using host-mode networking" },
                    },
                );
            for (const word of Array.isArray(protocol) ? protocol : [])
                if (word !== "tcp" && word !== "udp")
                    findings.warn(
                        "POD_PROTOCOL",
                        `${at}/endpoints(${endpoint})/protocol`,
                        "is no protocol that can be mapped",
                        {
                            value: word,
                            allowed: "tcp, udp",
                        },
                    );
        });
        for (const kind of ["healthCheck", "check"] as const)
            checkPodHealth(container[kind], own, `${at}/${kind}`, findings);
        checkSecrets(container["environment"], pod["secrets"], server, findings, `${at}/environment`);
        objects(container["artifacts"]).forEach(({ uri }, artifact) => {
            if (typeof uri === "string" && !isUri(uri))
                findings.refuse("POD_URI", `${at}/artifacts(${artifact})/uri`, "is not a URI", {
                    value: uri,
                    server: { error: "URI has invalid syntax." },
                });
        });
        const resources = isObject(container["resources"]) ? container["resources"] : {};
        if (resources["mem"] === 0)
            findings.refuse("POD_MEM_ZERO", `${at}/resources/mem`, "is 0: nothing can run in it");
        if (
            typeof resources["gpus"] === "number" &&
            resources["gpus"] > 0 &&
            !server.features.includes("gpu_resources")
        )
            findings.refuse("POD_GPUS_OFF", `${at}/resources/gpus`, "the server does not hand out GPUs", {
                fix: "start Marathon with --enable_features gpu_resources",
                server: { error: "gpu resources are not enabled" },
            });
        if (container["exec"] === undefined && container["image"] === undefined)
            findings.warn("POD_NOTHING_TO_RUN", at, "has neither a command nor an image: there is nothing to run");
    });
}

function checkPodHealth(check: unknown, endpoints: readonly JsonObject[], at: string, findings: Findings): void {
    if (!isObject(check)) return;
    const { timeoutSeconds, intervalSeconds } = check;
    if (typeof timeoutSeconds === "number" && typeof intervalSeconds === "number" && timeoutSeconds >= intervalSeconds)
        findings.refuse("POD_CHECK_TIMEOUT", `${at}/timeoutSeconds`, "must be less than the interval", {
            value: timeoutSeconds,
            allowed: `less than ${intervalSeconds}`,
            server: { error: `got ${timeoutSeconds}, expected less than ${intervalSeconds}` },
        });
    const kinds = ["http", "tcp", "exec"].filter((kind) => check[kind] !== undefined);
    if (kinds.length !== 1)
        findings.refuse("POD_CHECK_KIND", at, "must have exactly one of http, tcp and exec", { value: kinds });
    for (const kind of ["http", "tcp"]) {
        const part = check[kind];
        if (isObject(part) && !endpoints.some(({ name }) => name === part["endpoint"]))
            findings.refuse(
                "POD_CHECK_ENDPOINT",
                `${at}/${kind}/endpoint`,
                "the container has no endpoint of that name",
                {
                    value: part["endpoint"],
                    allowed: endpoints.map(({ name }) => word(name)).join(", ") || "add an endpoint",
                    server: { path: `${at}/${kind}`, error: "contains invalid endpoint" },
                },
            );
    }
}

function checkPlacement(pod: JsonObject, server: MarathonFacts, findings: Findings): void {
    const scheduling = isObject(pod["scheduling"]) ? pod["scheduling"] : {};
    const placement = isObject(scheduling["placement"]) ? scheduling["placement"] : {};
    objects(placement["constraints"]).forEach(({ operator, value }, index) => {
        const fault = constraintFault(word(operator), typeof value === "string" ? value : undefined);
        if (fault !== undefined)
            findings.refuse("POD_CONSTRAINT", `/scheduling/placement/constraints(${index})`, fault, {
                value: { operator, value },
                server: { error: fault },
            });
    });
    const role = word(pod["role"]);
    const allowed = rolesFor(word(pod["id"]), server);
    if (!allowed.includes(role))
        findings.refuse("POD_ROLE", "/role", "this server does not start tasks for that role", {
            value: role,
            allowed: allowed.join(", "),
            server: { error: `got ${role}, expected one of: [${allowed.join(", ")}]` },
        });
    const accepted = placement["acceptedResourceRoles"];
    if (Array.isArray(accepted) && accepted.some((item) => item !== "*" && item !== role))
        findings.refuse(
            "POD_ACCEPTED_ROLES",
            "/scheduling/placement/acceptedResourceRoles",
            "names a role whose resources this pod cannot use",
            {
                value: accepted,
                allowed: [...new Set(["*", role])].join(", "),
                server: { error: `acceptedResourceRoles can only contain ${[...new Set(["*", role])].join(" and ")}` },
            },
        );
    if (isResidentPod(pod) && role === "*")
        findings.refuse("POD_RESIDENT_ROLE", "/role", "volumes on an agent need a role to be reserved for", {
            server: { stage: 3, error: "Resident pods cannot have the role *" },
        });
    checkUnreachable(scheduling["unreachableStrategy"], "/scheduling/unreachableStrategy", findings);
}

/** Every fault and warning of a pod, and its normal form. */
export function inspectPod(
    pod: unknown,
    server: MarathonFacts,
    base = "/",
): { readonly findings: readonly Finding[]; readonly pod: App } {
    const shape = new Findings();
    const read = readFields(podFields, pod, podDialect, shape);
    const normal = normalPod(read, server, base);
    const rules = new Findings();
    checkPathId(read["id"], normal.id, "POD", rules);
    checkContainers(normal, rules, server);
    checkSecrets(normal["environment"], normal["secrets"], server, rules, "/environment");
    for (const network of objects(normal["networks"]))
        if (network["mode"] === "container" && network["name"] === undefined)
            rules.refuse(
                "POD_NETWORK",
                "/networks",
                "a container network needs a name: this server has no default one",
                {
                    server: { error: "Network name must be specified when container network is selected." },
                },
            );
        else if (network["mode"] !== "container" && network["name"] !== undefined)
            rules.refuse("POD_NETWORK", "/networks", "only a container network has a name", {
                server: {
                    error:
                        network["mode"] === "host"
                            ? "Host networks may not have names"
                            : "Bridge networks may not have names",
                },
            });
    objects(normal["volumes"]).forEach(({ persistent }, index) => {
        if (isObject(persistent)) checkPersistent(persistent, `/volumes(${index})/persistent`, rules);
        if (isObject(persistent) && server.hasPrincipal === false)
            rules.refuse(
                "POD_VOLUME_PRINCIPAL",
                `/volumes(${index})`,
                "this Marathon has no principal: its task launcher would die of it",
                {
                    fix: "give Marathon --mesos_authentication_principal",
                },
            );
    });
    checkPlacement(normal, server, rules);
    const refused = new Set(shape.all.filter(({ severity }) => severity === "refused").map(({ path }) => path));
    return {
        findings: [...shape.all, ...rules.all.filter(({ path }) => path === "/" || !refused.has(path))],
        pod: normal,
    };
}

/** Every fault and warning of a pod. */
export function checkPod(pod: unknown, server: MarathonFacts, base = "/"): readonly Finding[] {
    return inspectPod(pod, server, base).findings;
}
