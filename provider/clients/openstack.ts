/** OpenStack's APIs, as far as they are looked at here. Nothing is made; what a cut-off run has left is deleted. */
import { readFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { UserError } from "../resources/resource";
import { type CloudRef, type CloudSettings, cloudSettings } from "./cloudCredentials";

export interface Server {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly fault?: { readonly message?: string };
}

export interface Flavor {
    readonly id: string;
    readonly name: string;
    readonly vcpus: number;
    readonly ram: number;
}

/** A limit and how much of it is used; -1 is no limit. */
export interface Usage {
    readonly limit: number;
    readonly used: number;
}

/** Where the things of one kind are listed. */
const LISTS = {
    image: ["image", "/images", "images"],
    network: ["network", "/networks", "networks"],
    subnet: ["network", "/subnets", "subnets"],
    router: ["network", "/routers", "routers"],
    securityGroup: ["network", "/security-groups", "security_groups"],
} as const;

export type Kind = keyof typeof LISTS;

export interface Named {
    readonly id: string;
    readonly name: string;
}

export interface FloatingIp {
    readonly id: string;
    /** The port that it leads to; null when none does. */
    readonly port_id: string | null;
}

export interface Port extends Named {
    readonly description: string;
    /** The server that has it; "" when none does. */
    readonly device_id: string;
}

export interface OpenStack {
    flavors(): Promise<Flavor[]>;
    /** @param name only those whose name holds this */
    servers(name?: string): Promise<Server[]>;
    server(id: string): Promise<Server | undefined>;
    /** What the console has shown lately; "" where it cannot be had. */
    console(serverId: string): Promise<string>;
    /** @param name only those of this name */
    list(kind: Kind, name?: string): Promise<Named[]>;
    floatingIps(): Promise<FloatingIp[]>;
    volumes(): Promise<Named[]>;
    /** @param name only those of this name */
    ports(name?: string): Promise<Port[]>;
    port(id: string): Promise<Port | undefined>;
    deleteServer(id: string): Promise<void>;
    deletePort(id: string): Promise<void>;
    /** Ids of the volumes that a server has. */
    attachedVolumes(serverId: string): Promise<string[]>;
    detach(serverId: string, volumeId: string): Promise<void>;
    /**
     * Usage by resource: instances, cores, ramMiB, serverGroups, volumes, gigabytes, ports, networks, subnets, routers, floatingIps,
     * securityGroups, securityGroupRules.
     */
    usage(): Promise<Record<string, Usage>>;
}

/** Milliseconds for one request; an API that is down must not hold up a preview. */
const TIMEOUT_MS = 15_000;

interface Answer {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | string[] | undefined>>;
    readonly body: string;
}

interface Options {
    readonly method?: "GET" | "POST" | "DELETE";
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
}

function send(url: string, settings: CloudSettings, { method = "GET", headers = {}, body }: Options): Promise<Answer> {
    return new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const tls = {
            rejectUnauthorized: settings.verify,
            ...(settings.caFile === undefined ? {} : { ca: readFileSync(settings.caFile) }),
        };
        const options = {
            method,
            timeout: TIMEOUT_MS,
            headers: { accept: "application/json", ...(text && { "content-type": "application/json" }), ...headers },
        };
        const call = url.startsWith("https:") ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
        call.on("response", (response) => {
            let received = "";
            response.setEncoding("utf8").on("data", (part: string) => (received += part));
            response.on("error", reject);
            response.on("end", () =>
                resolve({ status: response.statusCode ?? 0, headers: response.headers, body: received }),
            );
        });
        call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
        call.on("error", reject);
        call.end(text);
    });
}

interface Catalog {
    readonly type: string;
    readonly endpoints: readonly { readonly interface: string; readonly region: string; readonly url: string }[];
}

interface Token {
    readonly project?: { readonly id: string };
    readonly catalog?: readonly Catalog[];
}

/** An API is not reached, or does not let us in: a preview goes on without it. */
export class CloudUnreachable extends UserError {}

class NotFound extends UserError {}

const SERVICES = {
    compute: { types: ["compute"], version: "" },
    volume: { types: ["block-storage", "volumev3"], version: "" },
    network: { types: ["network"], version: "/v2.0" },
    image: { types: ["image"], version: "/v2" },
} as const;

type Service = keyof typeof SERVICES;

/** The message of an API's error, whatever it is wrapped in. */
function messageOf({ status, body }: Answer): string {
    try {
        const values = Object.values(JSON.parse(body) as Record<string, unknown>);
        const inner = values.find((value) => typeof value === "object" && value !== null && "message" in value);
        return `${status}: ${(inner as { message?: string } | undefined)?.message ?? body.slice(0, 200)}`;
    } catch {
        return `${status}: ${body
            .replace(/<[^>]*>/g, " ")
            .replace(/\s+/g, " ")
            .slice(0, 200)}`;
    }
}

export class HttpOpenStack implements OpenStack {
    private session: Promise<{ token: string; projectId: string; catalog: readonly Catalog[] }> | undefined;
    private readonly settings: CloudSettings;

    /** @throws UserError when there are no credentials for the project */
    public constructor(ref: CloudRef) {
        this.settings = cloudSettings(ref);
    }

    private async authenticate(): Promise<{ token: string; projectId: string; catalog: readonly Catalog[] }> {
        const url = `${this.settings.authUrl}/auth/tokens`;
        const answer = await send(url, this.settings, { method: "POST", body: this.settings.request }).catch(
            (error: unknown) => {
                throw new CloudUnreachable(
                    `Keystone at ${this.settings.authUrl} is not reached: ${(error as Error).message}`,
                );
            },
        );
        const token = answer.headers["x-subject-token"];
        if (answer.status !== 201 || typeof token !== "string") {
            throw new CloudUnreachable(`Keystone at ${this.settings.authUrl} says ${messageOf(answer)}`);
        }
        const { token: content } = JSON.parse(answer.body) as { token: Token };
        return { token, projectId: content.project?.id ?? "", catalog: content.catalog ?? [] };
    }

    private async call<T>(service: Service, path: string, options: Options = {}): Promise<T> {
        this.session ??= this.authenticate();
        const { token, catalog } = await this.session;
        const { types, version } = SERVICES[service];
        const { region, endpointType } = this.settings;
        const endpoint = catalog
            .filter(({ type }) => (types as readonly string[]).includes(type))
            .flatMap(({ endpoints }) => endpoints)
            .find((item) => item.interface === endpointType && (region === undefined || item.region === region));
        if (endpoint === undefined) {
            throw new CloudUnreachable(
                `the cloud has no ${service} service${region === undefined ? "" : ` in the region ${region}`}`,
            );
        }
        const base = endpoint.url.replace(/\/+$/, "");
        const url = `${version !== "" && !base.endsWith(version) ? `${base}${version}` : base}${path}`;
        const headers = { "x-auth-token": token, ...options.headers };
        const answer = await send(url, this.settings, { ...options, headers }).catch((error: unknown) => {
            throw new CloudUnreachable(`the ${service} service at ${base} is not reached: ${(error as Error).message}`);
        });
        if (answer.status >= 300) {
            const Kind = answer.status >= 500 ? CloudUnreachable : answer.status === 404 ? NotFound : UserError;
            throw new Kind(`the ${service} service says ${messageOf(answer)}`);
        }
        return (answer.body === "" ? {} : JSON.parse(answer.body)) as T;
    }

    /** Undefined for what is not there. */
    private async found<T>(service: Service, path: string, options: Options = {}): Promise<T | undefined> {
        return this.call<T>(service, path, options).catch((error: unknown) => {
            if (error instanceof NotFound) {
                return undefined;
            }
            throw error;
        });
    }

    /** All pages of a list that goes on after a marker. */
    private async all<T extends Pick<Named, "id">>(service: Service, path: string, key: string): Promise<T[]> {
        const items: T[] = [];
        for (let page = 0; page < 100; page++) {
            const marker = items.at(-1)?.id;
            const query = `${path.includes("?") ? "&" : "?"}limit=500${marker === undefined ? "" : `&marker=${marker}`}`;
            const answer = await this.call<Record<string, T[]>>(service, `${path}${query}`);
            const found = answer[key] ?? [];
            items.push(...found);
            if (found.length < 500) {
                break;
            }
        }
        return items;
    }

    public flavors(): Promise<Flavor[]> {
        return this.all<Flavor>("compute", "/flavors/detail?is_public=None", "flavors").catch(() =>
            this.all<Flavor>("compute", "/flavors/detail", "flavors"),
        );
    }

    public servers(name?: string): Promise<Server[]> {
        const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
        return this.all<Server>("compute", `/servers/detail${query}`, "servers");
    }

    public async server(id: string): Promise<Server | undefined> {
        return (await this.found<{ server: Server }>("compute", `/servers/${id}`))?.server;
    }

    public async console(serverId: string): Promise<string> {
        const body = { "os-getConsoleOutput": { length: null } };
        const answer = await this.call<{ output?: string }>("compute", `/servers/${serverId}/action`, {
            method: "POST",
            body,
        }).catch(() => ({ output: "" }));
        return answer.output ?? "";
    }

    public list(kind: Kind, name?: string): Promise<Named[]> {
        const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
        const [service, path, key] = LISTS[kind];
        return this.all(service, `${path}${query}`, key);
    }

    public floatingIps(): Promise<FloatingIp[]> {
        return this.all("network", "/floatingips?fields=id&fields=port_id", "floatingips");
    }

    public volumes(): Promise<Named[]> {
        return this.all("volume", "/volumes", "volumes");
    }

    public ports(name?: string): Promise<Port[]> {
        const query = name === undefined ? "" : `&name=${encodeURIComponent(name)}`;
        return this.all("network", `/ports?fields=id&fields=name&fields=description&fields=device_id${query}`, "ports");
    }

    public async port(id: string): Promise<Port | undefined> {
        return (await this.found<{ port: Port }>("network", `/ports/${id}`))?.port;
    }

    public async deleteServer(id: string): Promise<void> {
        await this.found("compute", `/servers/${id}`, { method: "DELETE" });
    }

    public async deletePort(id: string): Promise<void> {
        await this.found("network", `/ports/${id}`, { method: "DELETE" });
    }

    public async attachedVolumes(serverId: string): Promise<string[]> {
        const path = `/servers/${serverId}/os-volume_attachments`;
        const answer = await this.found<{ volumeAttachments: { volumeId: string }[] }>("compute", path);
        return (answer?.volumeAttachments ?? []).map(({ volumeId }) => volumeId);
    }

    public async detach(serverId: string, volumeId: string): Promise<void> {
        await this.found("compute", `/servers/${serverId}/os-volume_attachments/${volumeId}`, { method: "DELETE" });
    }

    public async usage(): Promise<Record<string, Usage>> {
        interface Limits {
            readonly limits: { readonly absolute: Readonly<Record<string, number>> };
        }
        const usage: Record<string, Usage> = {};
        const take = (absolute: Readonly<Record<string, number>>, name: string, limit: string, used: string): void => {
            usage[name] = { limit: absolute[limit] ?? -1, used: absolute[used] ?? 0 };
        };
        const { absolute } = (await this.call<Limits>("compute", "/limits")).limits;
        take(absolute, "instances", "maxTotalInstances", "totalInstancesUsed");
        take(absolute, "cores", "maxTotalCores", "totalCoresUsed");
        take(absolute, "ramMiB", "maxTotalRAMSize", "totalRAMUsed");
        take(absolute, "serverGroups", "maxServerGroups", "totalServerGroupsUsed");
        const volume = await this.call<Limits>("volume", "/limits").catch((error: unknown) => {
            if (error instanceof CloudUnreachable) {
                return undefined;
            }
            throw error;
        });
        if (volume !== undefined) {
            take(volume.limits.absolute, "volumes", "maxTotalVolumes", "totalVolumesUsed");
            take(volume.limits.absolute, "gigabytes", "maxTotalVolumeGigabytes", "totalGigabytesUsed");
        }
        const { projectId } = (await this.session) ?? { projectId: "" };
        const { quota } = await this.call<{ quota: Record<string, Usage & { reserved?: number }> }>(
            "network",
            `/quotas/${projectId}/details.json`,
        );
        for (const [name, key] of [
            ["ports", "port"],
            ["networks", "network"],
            ["subnets", "subnet"],
            ["routers", "router"],
            ["floatingIps", "floatingip"],
            ["securityGroups", "security_group"],
            ["securityGroupRules", "security_group_rule"],
        ] as const) {
            const found = quota[key];
            if (found !== undefined) {
                usage[name] = { limit: found.limit, used: found.used + (found.reserved ?? 0) };
            }
        }
        return usage;
    }
}
