/**
 * The one normal form of an app: what the server answers to a GET, without its reports. A declared and a live app with the same
 * normal form are the same app.
 */
import { isObject, type Json, type JsonObject, readFields, word } from "../definitions/fields";
import { Findings } from "../definitions/finding";
import { appDialect, appFields } from "./appFields";
import { absoluteId, topGroup } from "./paths";
import { isAtLeast, type MarathonFacts } from "./server";

/** An app in its normal form. */
export type App = JsonObject & { id: string };

export function objects(value: Json | undefined): JsonObject[] {
    return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Names of archives that Mesos' fetcher unpacks; letter case counts. */
export function isArchive(uri: string): boolean {
    const path = uri.replace(/[?#].*$/, "");
    return /\.(?:tgz|tar\.gz|tbz2|tar\.bz2|txz|tar\.xz|zip|gz|tar)$/.test(path);
}

function without(value: JsonObject, ...keys: string[]): JsonObject {
    return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}

/** `ipAddress` and `container.docker.network` as `networks`; undefined when neither is there. */
function networksOfOld(app: JsonObject, server: MarathonFacts): Json[] | undefined {
    const docker = dockerOf(app);
    const address = app["ipAddress"];
    switch (docker?.["network"]) {
        case "HOST":
        case "NONE":
            return [{ mode: "host" }];
        case "BRIDGE":
            return [{ mode: "container/bridge" }];
        default:
    }
    if (!isObject(address) && docker?.["network"] !== "USER") return undefined;
    const { networkName, labels } = isObject(address) ? address : {};
    const name = networkName ?? server.defaultNetworkName;
    return [
        { ...(name === undefined ? {} : { name }), mode: "container", ...(labels === undefined ? {} : { labels }) },
    ];
}

function dockerOf(app: JsonObject): JsonObject | undefined {
    const container = app["container"];
    return isObject(container) && isObject(container["docker"]) ? container["docker"] : undefined;
}

/** Names that the server gives to a container network without one. */
function namedNetworks(networks: Json, server: MarathonFacts): Json[] {
    return objects(networks).map((network) =>
        network["mode"] === "container" && network["name"] === undefined && server.defaultNetworkName !== undefined
            ? { name: server.defaultNetworkName, ...network }
            : network,
    );
}

function normalContainer(app: JsonObject, isHost: boolean, networks: readonly JsonObject[]): JsonObject | undefined {
    const given = isObject(app["container"]) ? app["container"] : undefined;
    if (given === undefined && isHost) return undefined;
    const container = given ?? { type: "MESOS", volumes: [] };
    const docker = isObject(container["docker"]) ? container["docker"] : undefined;
    const mappings = container["portMappings"] ?? docker?.["portMappings"];
    const isBridge = networks.some(({ mode }) => mode === "container/bridge");
    const normal = {
        ...without(container, "portMappings", "docker"),
        type: container["type"] ?? (docker === undefined ? "MESOS" : "DOCKER"),
        ...(docker === undefined ? {} : { docker: without(docker, "network", "portMappings", "credential") }),
    };
    if (isHost) return normal;
    const portMappings: JsonObject[] =
        mappings === undefined
            ? [{ containerPort: 0, labels: {}, name: "default", protocol: "tcp", servicePort: 0 }]
            : objects(mappings);
    return {
        ...normal,
        portMappings: portMappings.map((mapping) =>
            isBridge && mapping["hostPort"] === undefined ? { ...mapping, hostPort: 0 } : mapping,
        ),
    };
}

const marathonHttp = new Set<Json | undefined>(["HTTP", "HTTPS"]);
const withPath = new Set<Json | undefined>(["HTTP", "HTTPS", "MESOS_HTTP", "MESOS_HTTPS"]);

function normalHealthCheck(check: JsonObject): JsonObject {
    const { protocol } = check;
    const isCommand = protocol === "COMMAND";
    return {
        ...without(
            check,
            "ignoreHttp1xx",
            ...(withPath.has(protocol) ? [] : ["path"]),
            ...(isCommand ? ["port", "portIndex"] : ["command"]),
        ),
        ...(marathonHttp.has(protocol) ? { ignoreHttp1xx: check["ignoreHttp1xx"] ?? false } : {}),
    };
}

export function volumesOf(app: JsonObject): JsonObject[] {
    return isObject(app["container"]) ? objects(app["container"]["volumes"]) : [];
}

/** Whether an app has volumes of its own on an agent, and so stays with that agent. */
export function isResident(app: JsonObject): boolean {
    return volumesOf(app).some(({ persistent }) => persistent !== undefined);
}

export function hasExternalVolumes(app: JsonObject): boolean {
    return volumesOf(app).some(({ external }) => external !== undefined);
}

/** The upgrade strategy that the server gives to an app without one. */
export function defaultUpgrade(resident: boolean, external: boolean): JsonObject {
    if (external) return { maximumOverCapacity: 0, minimumHealthCapacity: 0 };
    return resident
        ? { maximumOverCapacity: 0, minimumHealthCapacity: 0.5 }
        : { maximumOverCapacity: 1, minimumHealthCapacity: 1 };
}

/** The unreachable strategy that the server gives to an app or pod without one; up to 1.4 tasks were kept for minutes. */
export function defaultUnreachable(resident: boolean, server: MarathonFacts): Json {
    if (resident) return "disabled";
    return isAtLeast(server, 1, 5)
        ? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 }
        : { inactiveAfterSeconds: 300, expungeAfterSeconds: 600 };
}

/** The role that the server gives to an app or pod without one. */
export function defaultRole(id: string, server: MarathonFacts): string {
    const top = topGroup(id);
    return top !== undefined && server.enforcedGroups?.includes(top) === true ? top : server.role;
}

/** From a read app (old spellings still in it) to the normal form. */
export function normalApp(read: JsonObject, server: MarathonFacts, base = "/"): App {
    const id = absoluteId(typeof read["id"] === "string" ? read["id"] : "", base);
    const networks = namedNetworks(
        read["networks"] ?? networksOfOld(read, server) ?? [{ mode: "host" }],
        server,
    ) as JsonObject[];
    const isHost = networks.every(({ mode }) => mode === "host");
    const container = normalContainer(read, isHost, networks);
    const resident = isResident(read);
    const fetch = [
        ...objects(read["fetch"]),
        ...(Array.isArray(read["uris"]) ? read["uris"] : []).map((uri) => ({
            uri,
            extract: isArchive(word(uri)),
            executable: false,
            cache: false,
        })),
    ];
    const oldPorts = Array.isArray(read["ports"])
        ? read["ports"].map((port) => ({ port, protocol: "tcp" }))
        : undefined;
    const healthChecks = objects(read["healthChecks"]).map(normalHealthCheck);
    const strategy = read["unreachableStrategy"];
    const dependencies = Array.isArray(read["dependencies"]) ? read["dependencies"] : [];
    return {
        ...without(
            read,
            "ports",
            "uris",
            "ipAddress",
            "portDefinitions",
            "container",
            "residency",
            "fetch",
            "healthChecks",
        ),
        id,
        networks,
        ...(container === undefined ? {} : { container }),
        ...(isHost
            ? {
                  portDefinitions: read["portDefinitions"] ??
                      oldPorts ?? [{ port: 0, name: "default", protocol: "tcp" }],
              }
            : { requirePorts: false }),
        ...(fetch.length === 0 ? {} : { fetch }),
        ...(healthChecks.length === 0 ? {} : { healthChecks }),
        ...(dependencies.length === 0
            ? {}
            : { dependencies: dependencies.map((other) => absoluteId(word(other), parentBase(id))) }),
        ...(resident
            ? {
                  residency: read["residency"] ?? {
                      relaunchEscalationTimeoutSeconds: 3600,
                      taskLostBehavior: "WAIT_FOREVER",
                  },
              }
            : {}),
        upgradeStrategy: read["upgradeStrategy"] ?? defaultUpgrade(resident, hasExternalVolumes(read)),
        unreachableStrategy: isObject(strategy)
            ? { inactiveAfterSeconds: 0, expungeAfterSeconds: 0, ...strategy }
            : (strategy ?? defaultUnreachable(resident, server)),
        role: read["role"] ?? defaultRole(id, server),
    };
}

function parentBase(id: string): string {
    return id.slice(0, id.lastIndexOf("/")) || "/";
}

/**
 * The normal form of a declared or a live app.
 * @param app as declared, or as `GET /v2/apps/…` gives it
 * @param base group that a relative id is in
 */
export function normalizeApp(app: unknown, server: MarathonFacts, base = "/"): App {
    return normalApp(readFields(appFields, app, appDialect, new Findings()), server, base);
}
