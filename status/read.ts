/** Asks a site's own endpoints how they are. Every question has a time limit: a dead host answers nothing at all. */
import { certificateLife, type Life } from "../provider/clients/certificate";
import { request as httpRequest } from "node:http";
import { accessClient } from "../provider/clients/access";
import { dial, type Route } from "../provider/clients/dial";
import { openSsh, type Ssh } from "../provider/clients/ssh";
import { schedulerClient } from "../provider/clients/schedulers";
import { zookeeperClient } from "../provider/clients/zookeeper";
import { certificatesOf } from "../site/checks/certificates";
import { servicesOf } from "../site/plan/services";
import type { HostSpec, Service, SitePlan } from "../site/plan/types";
import { backupsOf } from "./backups";
import { type Expiry, type HostStatus, type Load, problemsOf, type ServiceStatus, type SiteStatus, sum } from "./model";

const timeoutMs = 3000;
const dayMs = 86_400_000;

export interface Credential {
    readonly principal: string;
    readonly secret: string;
}

interface Answer {
    readonly status: number;
    readonly body: string;
}

const asRoute = ({ connection: { proxyJump, privateKeyFile, knownHostsFile } }: HostSpec): Route => ({
    ...(proxyJump === undefined ? {} : { proxyJump }),
    ...(privateKeyFile === undefined ? {} : { privateKeyFile }),
    ...(knownHostsFile === undefined ? {} : { knownHostsFile }),
});

/** @throws {Error} when there is no answer in time */
export function get(address: string, port: number, path: string, route: Route = {}, as?: Credential): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const stream = dial(address, port, route);
        const fail = (error: Error & { code?: string }): void => {
            clearTimeout(timer);
            stream.destroy();
            reject(new Error(error.code ?? error.message));
        };
        const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
        stream.on("error", fail);
        const request = httpRequest({
            createConnection: () => stream,
            host: address,
            port,
            path,
            headers: { Accept: "application/json", Connection: "close" },
            ...(as === undefined ? {} : { auth: `${as.principal}:${as.secret}` }),
        });
        request.on("error", fail);
        request.on("response", (response) => {
            let body = "";
            response.setEncoding("utf8").on("data", (text: string) => (body += text));
            response.on("error", fail);
            response.on("end", () => {
                clearTimeout(timer);
                resolve({ status: response.statusCode ?? 0, body });
            });
        });
        request.end();
    });
}

interface Slave {
    readonly hostname: string;
    readonly pid: string;
    readonly active: boolean;
    readonly deactivated?: boolean;
    readonly drain_info?: object;
    readonly version?: string;
    readonly resources?: Readonly<Record<string, unknown>>;
    readonly used_resources?: Readonly<Record<string, unknown>>;
}

interface Leader {
    readonly slaves: readonly Slave[];
    readonly metrics: Readonly<Record<string, number>>;
}

const number = (value: unknown): number => (typeof value === "number" ? value : 0);

function loadOf({ resources = {}, used_resources: used = {} }: Slave): Load {
    return {
        cpus: { used: number(used["cpus"]), total: number(resources["cpus"]) },
        memMiB: { used: number(used["mem"]), total: number(resources["mem"]) },
    };
}

/** What the leader says of an agent of the plan. */
export function agentStatus(spec: HostSpec, leader: Leader | undefined): ServiceStatus {
    if (spec.service.kind !== "mesosAgent") throw new Error(`${spec.host} is no agent`);
    const { pool, hostname, port } = spec.service;
    const base = { what: "agent", pool };
    if (leader === undefined) return { ...base, state: "unknown", trouble: "no master tells" };
    const mine = leader.slaves.filter((slave) => slave.hostname === hostname && slave.pid.endsWith(`:${port}`));
    const slave = mine.find(({ active }) => active) ?? mine[0];
    if (slave === undefined) return { ...base, state: "down", trouble: "not registered" };
    const drained = slave.deactivated === true || slave.drain_info !== undefined;
    const more = { ...(slave.version === undefined ? {} : { version: slave.version }), load: loadOf(slave) };
    if (drained)
        return spec.service.drained === true
            ? { ...base, ...more, state: "drained" }
            : { ...base, ...more, state: "drained", trouble: "drained, but not declared so" };
    return slave.active
        ? { ...base, ...more, state: "active" }
        : { ...base, ...more, state: "inactive", trouble: "the master lost it" };
}

async function masterOf(
    spec: HostSpec,
    operator: Credential | undefined,
): Promise<{ status: ServiceStatus; leader?: Leader }> {
    if (spec.service.kind !== "mesosMaster") throw new Error(`${spec.host} is no master`);
    const { address } = spec.connection;
    const ask = (path: string): Promise<Answer> =>
        get(address, (spec.service as { port: number }).port, path, asRoute(spec), operator);
    try {
        const [snapshot, version] = await Promise.all([ask("/metrics/snapshot"), ask("/version")]);
        const told =
            version.status === 200 ? { version: (JSON.parse(version.body) as { version: string }).version } : {};
        if (snapshot.status !== 200)
            return {
                status: {
                    what: "master",
                    ...told,
                    state: "unknown",
                    trouble: `HTTP ${snapshot.status}${snapshot.status === 401 ? ": the operator's credential is refused" : ""}`,
                },
            };
        const metrics = JSON.parse(snapshot.body) as Record<string, number>;
        if (metrics["master/elected"] !== 1) return { status: { what: "master", ...told, state: "follower" } };
        const slaves = await ask("/slaves");
        const { slaves: list } =
            slaves.status === 200 ? (JSON.parse(slaves.body) as { slaves: Slave[] }) : { slaves: [] };
        return { status: { what: "master", ...told, state: "leader" }, leader: { slaves: list, metrics } };
    } catch (error) {
        return { status: { what: "master", state: "down", trouble: (error as Error).message } };
    }
}

/** As people call them. */
const names: Readonly<Record<Exclude<Service["kind"], "backup">, string>> = {
    zookeeper: "ZooKeeper",
    mesosMaster: "master",
    mesosAgent: "agent",
    marathon: "Marathon",
    metronome: "Metronome",
    workQueue: "Work Queue",
    dds: "DDS",
    loadBalancer: "load balancer",
    nameServer: "name server",
    monitoring: "Prometheus",
    nodeExporter: "node exporter",
    workQueueCatalog: "Work Queue catalog",
    campaign: "campaign",
};

async function otherOf(spec: HostSpec): Promise<ServiceStatus> {
    const { service, connection } = spec;
    if (service.kind === "backup") throw new Error(`the timer on ${spec.host} is no service`);
    const { address } = connection;
    const what = names[service.kind];
    if (service.kind === "zookeeper") {
        const mode = await zookeeperClient.mode(address, service.clientPort, asRoute(spec));
        const state = mode === "standalone" ? "leader" : mode === "observer" ? "follower" : mode;
        return state === undefined ? { what, state: "down", trouble: "does not serve" } : { what, state };
    }
    if ("frameworkName" in service) {
        const { kind, port, tls } = service;
        const url = `${tls ? "https" : "http"}://${address}:${port}`;
        const health = await schedulerClient.health(url, kind, undefined, tls?.ca);
        if (health === undefined) return { what, state: "down", trouble: "does not answer" };
        // One that asks for a password serves, and does not say who leads.
        if (health.leader === undefined) return { what, state: "serving" };
        const own = [address, spec.host].map((name) => `${name}:${service.port}`);
        return { what, state: own.includes(health.leader) ? "leader" : "follower" };
    }
    if (service.kind === "mesosMaster" || service.kind === "mesosAgent") throw new Error(`${what} is asked elsewhere`);
    const answers = await accessClient.answers(service, address, asRoute(spec));
    return answers ? { what, state: "serving" } : { what, state: "down", trouble: "does not answer" };
}

const expiryAt = ({ from, until }: Life, now: number) => ({
    until: until.toISOString(),
    daysLeft: Math.floor((until.getTime() - now) / dayMs),
    lifeDays: Math.round((until.getTime() - from.getTime()) / dayMs),
});

/** Until when the certificate of an https address is good. */
export async function expiryOf(url: string, now: number): Promise<Expiry> {
    const what = `certificate of ${new URL(url).host}`;
    try {
        return { what, ...expiryAt(await certificateLife(url, timeoutMs), now) };
    } catch (error) {
        const { code, message } = error as Error & { code?: string };
        return { what, trouble: code ?? message };
    }
}

/** Until when the site's own authorities are good: those that sign, and those that are trusted besides. */
export function authorityExpiries(pem: string, now: number): Expiry[] {
    return certificatesOf(pem).map((one) => ({
        what: `certificate of ${/CN=(.*)/.exec(one.subject)?.[1] ?? "the authority"}`,
        ...expiryAt({ from: new Date(one.validFrom), until: new Date(one.validTo) }, now),
    }));
}

export interface Asked {
    readonly stack: string;
    readonly plan: SitePlan;
    /** https addresses of others that the site uses. */
    readonly urls: readonly string[];
    readonly operator?: Credential;
    /** Certificates of the site's own authority, PEM. @default - it has none */
    readonly authorities?: string;
    readonly drift?: readonly string[];
    readonly now?: Date;
    /** An older backup is a problem, hours. @default - none is too old */
    readonly maxBackupHours?: number;
    /** @default - the system's OpenSSH client */
    readonly ssh?: Ssh;
}

/** Looks at everything at once; takes no longer than the slowest answer. */
export async function readStatus({
    stack,
    plan,
    urls,
    operator,
    authorities = "",
    drift,
    now = new Date(),
    maxBackupHours,
    ssh = openSsh,
}: Asked): Promise<SiteStatus> {
    // A timer serves nobody: what it has done is told apart.
    const specs = servicesOf(plan).filter(({ service }) => service.kind !== "backup");
    const masters = await Promise.all(plan.masters.members.map((spec) => masterOf(spec, operator)));
    const leader = masters.find((one) => one.leader !== undefined)?.leader;
    const has = { zookeeper: plan.zookeeper.members.length > 0, registry: plan.masters.members.length > 0 };
    const [others, expiries, backups] = await Promise.all([
        Promise.all(
            specs.map((spec): Promise<ServiceStatus> => {
                if (spec.service.kind === "mesosMaster")
                    return Promise.resolve(masters[plan.masters.members.indexOf(spec)]?.status as ServiceStatus);
                return spec.service.kind === "mesosAgent" ? Promise.resolve(agentStatus(spec, leader)) : otherOf(spec);
            }),
        ),
        Promise.all(urls.map((url) => expiryOf(url, now.getTime()))),
        plan.backups.length === 0 ? [] : backupsOf(plan.backups, has, ssh, now),
    ]);
    const zones = new Map<string, Map<string, { host: Omit<HostStatus, "services">; services: ServiceStatus[] }>>();
    specs.forEach((spec, index) => {
        const zone =
            zones.get(spec.zone ?? "?") ??
            new Map<string, { host: Omit<HostStatus, "services">; services: ServiceStatus[] }>();
        zones.set(spec.zone ?? "?", zone);
        const entry = zone.get(spec.host) ?? {
            host: { name: spec.host, address: spec.connection.address, protect: spec.protect },
            services: [],
        };
        entry.services.push(others[index] as ServiceStatus);
        zone.set(spec.host, entry);
    });
    const byName = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
    const metrics = leader?.metrics;
    const status: Omit<SiteStatus, "problems"> = {
        version: 1,
        stack,
        cluster: plan.cluster,
        at: now.toISOString(),
        zones: [...zones]
            .sort(([a], [b]) => byName(a, b))
            .map(([name, hosts]) => ({
                name,
                hosts: [...hosts.values()]
                    .map(({ host, services }) => ({ ...host, services }))
                    .sort((a, b) => byName(a.name, b.name)),
            })),
        load: sum(others.flatMap(({ load }) => load ?? [])),
        tasks: metrics && {
            running: number(metrics["master/tasks_running"]),
            staging: number(metrics["master/tasks_staging"]),
        },
        frameworks: metrics && number(metrics["master/frameworks_active"]),
        expiries: [...expiries, ...authorityExpiries(authorities, now.getTime())],
        backups,
        drift,
    };
    return { ...status, problems: problemsOf(status, maxBackupHours) };
}
