/** HAProxy's configuration from apps and their labels. Pure: the same services make the same text, to the letter. */
import type { Service, Task } from "./services";

export interface BalancerSettings {
    /** Apps whose label HAPROXY_GROUP names it are served. */
    readonly group: string;
    /** Where requests are told apart by host name and path. */
    readonly httpPort: number;
    /** Where the load balancer itself says that it is well: GET /healthy. */
    readonly healthPort: number;
    readonly connectTimeoutSec: number;
    readonly idleTimeoutSec: number;
    /** How long connections of before a reload may go on, seconds. */
    readonly drainSec: number;
    readonly maxConnections: number;
}

interface Backend {
    readonly name: string;
    readonly mode: "http" | "tcp";
    /** Undefined for one that is only reached by host name. */
    readonly port?: number;
    readonly hosts: readonly string[];
    readonly path?: string;
    readonly balance: string;
    readonly check?: string;
    readonly servers: readonly { readonly name: string; readonly address: string; readonly port: number }[];
}

export interface Balanced {
    readonly text: string;
    /** Labels that cannot be followed, one line each: such a port is left out, the others are served. */
    readonly faults: readonly string[];
}

const BALANCES = ["roundrobin", "leastconn", "source", "first"];

/** Names of the labels of one port, as marathon-lb has them. */
const label = (index: number, name: string): string => `HAPROXY_${index}_${name}`;

function serversOf(tasks: readonly Task[], index: number): Backend["servers"] {
    return tasks.flatMap(({ id, address, ports }) => {
        const port = ports[index];
        return port === undefined || port === 0 ? [] : [{ name: id.replace(/[^\w.-]/g, "_"), address, port }];
    });
}

/** @returns what is wrong instead of a backend */
function backendOf({ app, labels, servicePorts, checks, tasks }: Service, index: number): Backend | string {
    const of = (name: string): string | undefined => labels[label(index, name)];
    const bad = (name: string, allowed: string): string =>
        `${app}: ${label(index, name)} is "${of(name) ?? ""}": ${allowed}; the port is not served`;
    const hosts = (of("VHOST") ?? "").split(",").map((host) => host.trim().toLowerCase());
    const path = of("PATH");
    const declared = of("PORT");
    const mode = of("MODE") ?? (of("VHOST") === undefined && checks[index] === undefined ? "tcp" : "http");
    const balance = of("BALANCE") ?? "roundrobin";
    const named = hosts.filter(Boolean);
    if (!named.every((host) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host)))
        return bad("VHOST", "host names, separated by commas, are wanted");
    if (path !== undefined && !/^\/[\w./~%-]*$/.test(path)) return bad("PATH", "a path such as /shop is wanted");
    if (declared !== undefined && !(/^\d+$/.test(declared) && Number(declared) >= 1 && Number(declared) <= 65_535))
        return bad("PORT", "1..65535 is wanted");
    if (mode !== "http" && mode !== "tcp") return bad("MODE", "http or tcp is wanted");
    if (!BALANCES.includes(balance)) return bad("BALANCE", `one of ${BALANCES.join(", ")} is wanted`);
    if (mode === "tcp" && named.length > 0) return bad("VHOST", "needs HTTP: take MODE away");
    const port = declared === undefined ? servicePorts[index] : Number(declared);
    const check = mode === "http" ? checks[index] : undefined;
    return {
        name: `${app.slice(1).replaceAll("/", "_")}_${index}`,
        mode,
        ...(port === undefined || port === 0 ? {} : { port }),
        hosts: named,
        ...(path === undefined ? {} : { path }),
        balance,
        ...(check !== undefined && /^[\x21-\x7e]+$/.test(check) && !/["'\\#]/.test(check) ? { check } : {}),
        servers: serversOf(tasks, index),
    };
}

function backendsOf(
    services: readonly Service[],
    settings: BalancerSettings,
): { backends: Backend[]; faults: string[] } {
    const faults: string[] = [];
    const taken = new Map<number, string>([
        [settings.httpPort, "host names"],
        [settings.healthPort, "the load balancer's health"],
    ]);
    const backends: Backend[] = [];
    for (const service of services.filter(({ labels }) => labels["HAPROXY_GROUP"] === settings.group))
        service.servicePorts.forEach((_, index) => {
            if (service.labels[label(index, "ENABLED")] === "false") return;
            const backend = backendOf(service, index);
            if (typeof backend === "string") {
                faults.push(backend);
                return;
            }
            const { port } = backend;
            const owner = port === undefined ? undefined : taken.get(port);
            if (port !== undefined && owner === undefined) taken.set(port, service.app);
            if (owner !== undefined)
                faults.push(`${service.app}: port ${port ?? 0} is taken by ${owner}; it is not served there`);
            const served: Backend =
                owner === undefined
                    ? backend
                    : (Object.fromEntries(
                          Object.entries(backend).filter(([key]) => key !== "port"),
                      ) as unknown as Backend);
            if (served.hosts.length > 0 || "port" in served) backends.push(served);
        });
    return { backends, faults };
}

function backendText({ name, mode, balance, check, servers }: Backend): string[] {
    return [
        "",
        `backend ${name}`,
        `    mode ${mode}`,
        `    balance ${balance}`,
        ...(check === undefined ? [] : [`    option httpchk GET ${check}`]),
        ...servers.map(({ name: server, address, port }) => `    server ${server} ${address}:${port} check`),
    ];
}

/** The longer path first, so that /shop/cart is not served by /shop. */
function routesOf(backends: readonly Backend[]): string[] {
    return backends
        .flatMap(({ name, hosts, path = "" }) => hosts.map((host) => ({ name, host, path })))
        .sort((a, b) => b.path.length - a.path.length || (a.host + a.name < b.host + b.name ? -1 : 1))
        .map(({ name, host, path }) => {
            const under =
                path === "" || path === "/" ? "" : ` { path ${path} } or { path_beg ${path.replace(/\/$/, "")}/ }`;
            const is = `{ req.hdr(host),field(1,:),lower -m str ${host} }`;
            return under === ""
                ? `    use_backend ${name} if ${is}`
                : under
                      .split(" or ")
                      .map((one) => `    use_backend ${name} if ${is} ${one.trim()}`)
                      .join("\n");
        });
}

/**
 * Makes the configuration. A task that has just gone refuses its connections until the next configuration: such a request goes to
 * another task. A request that a task has taken and not answered is repeated only where that is harmless.
 */
export function balance(services: readonly Service[], settings: BalancerSettings): Balanced {
    const { backends, faults } = backendsOf(services, settings);
    const { httpPort, healthPort, connectTimeoutSec, idleTimeoutSec, drainSec, maxConnections } = settings;
    const lines = [
        "# Written by pulumi-mesos from Marathon's apps, at every change: changes by hand are undone.",
        "global",
        "    log stdout format raw local0 notice",
        "    user haproxy",
        "    group haproxy",
        `    maxconn ${maxConnections}`,
        `    hard-stop-after ${drainSec}s`,
        "",
        "defaults",
        "    log global",
        "    mode http",
        `    timeout connect ${connectTimeoutSec}s`,
        `    timeout client ${idleTimeoutSec}s`,
        `    timeout server ${idleTimeoutSec}s`,
        `    timeout queue ${connectTimeoutSec}s`,
        "    retries 8",
        "    option redispatch 1",
        "    option dontlognull",
        "    default-server inter 2s fastinter 500ms downinter 1s fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down init-addr last,libc,none",
        "",
        "frontend health",
        `    bind :${healthPort}`,
        "    mode http",
        "    monitor-uri /healthy",
        "",
        "frontend by-name",
        `    bind :${httpPort}`,
        ...httpLines,
        ...routesOf(backends),
        ...backends.flatMap((backend) =>
            backend.port === undefined
                ? []
                : [
                      "",
                      `frontend ${backend.name}`,
                      `    bind :${backend.port}`,
                      ...(backend.mode === "http" ? httpLines : ["    mode tcp"]),
                      `    default_backend ${backend.name}`,
                  ],
        ),
        ...backends.flatMap((backend) => [
            ...backendText(backend),
            ...(backend.mode === "http" ? ["    retry-on conn-failure empty-response"] : []),
        ]),
        "",
    ];
    return { text: lines.join("\n"), faults };
}

const httpLines = [
    "    mode http",
    "    option forwardfor",
    // A client that keeps its connection learns of the reload from its next answer, not from a closed connection.
    "    option idle-close-on-response",
    "    http-request disable-l7-retry unless { method GET HEAD OPTIONS }",
];
