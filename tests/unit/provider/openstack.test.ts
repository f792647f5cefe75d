import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { cloudSettings, type Surroundings } from "../../../provider/clients/cloudCredentials";
import {
    CloudUnreachable,
    HttpOpenStack,
    type Named,
    type OpenStack,
    type Port,
} from "../../../provider/clients/openstack";
import {
    lookAtCloud,
    neededAround,
    neededFloatingIps,
    neededMore,
    shortfalls,
} from "../../../provider/functions/checkCloud";
import { clearLeftovers } from "../../../provider/functions/clearLeftovers";
import type { Context } from "../../../provider/resources/resource";
import { findOne, lookup } from "../../../provider/resources/lookup";
import { consoleKeys, machine } from "../../../provider/resources/machine";
import { UNKNOWN } from "../../../provider/wire";

const clouds = `clouds:
  one:
    auth: { auth_url: http://k:5000, username: u, password: p1, project_name: t }
    region_name: R1
  app:
    auth_type: v3applicationcredential
    auth: { auth_url: http://k:5000/v3/, application_credential_id: i, application_credential_secret: s1 }
    verify: false
`;

function around(files: Record<string, string>, env: Record<string, string> = {}): Surroundings {
    return { env, home: "/home/a", cwd: "/site", read: (path) => files[path] };
}

describe("credentials", () => {
    test("come from clouds.yaml, where OpenStack's own clients look for it", () => {
        for (const path of [
            "/site/clouds.yaml",
            "/home/a/.config/openstack/clouds.yaml",
            "/etc/openstack/clouds.yaml",
        ]) {
            expect(cloudSettings({ cloud: "one" }, around({ [path]: clouds }))).toMatchObject({
                authUrl: "http://k:5000/v3",
                region: "R1",
                verify: true,
            });
        }
        const given = around({ "/c.yaml": clouds }, { OS_CLIENT_CONFIG_FILE: "/c.yaml", OS_CLOUD: "one" });
        expect(cloudSettings({}, given).authUrl).toBe("http://k:5000/v3");
    });

    test("of a project that the site names are for that project", () => {
        const { request } = cloudSettings({ cloud: "one", tenant: "other" }, around({ "/site/clouds.yaml": clouds }));
        expect(request).toMatchObject({ auth: { scope: { project: { name: "other", domain: { name: "Default" } } } } });
    });

    test("of an application ask for no scope", () => {
        const settings = cloudSettings({ cloud: "app" }, around({ "/site/clouds.yaml": clouds }));
        expect(settings.verify).toBe(false);
        expect(settings.request).toEqual({
            auth: {
                identity: { methods: ["application_credential"], application_credential: { id: "i", secret: "s1" } },
            },
        });
    });

    test("may be split into secure.yaml", () => {
        const open = "clouds: { one: { auth: { auth_url: http://k, username: u, project_name: t } } }";
        const secure = "clouds: { one: { auth: { password: hidden } } }";
        const { request } = cloudSettings(
            { cloud: "one" },
            around({ "/site/clouds.yaml": open, "/site/secure.yaml": secure }),
        );
        expect(JSON.stringify(request)).toContain("hidden");
    });

    test("come from the environment where only Keystone's address is given", () => {
        const env = { OS_USERNAME: "u", OS_PASSWORD: "p", OS_CLOUD: "one", OS_REGION_NAME: "R2" };
        const settings = cloudSettings({ authUrl: "https://k/v3", tenant: "t" }, around({}, env));
        expect(settings).toMatchObject({ authUrl: "https://k/v3", region: "R2" });
    });

    test.each([
        [{ cloud: "two" }, {}, 'clouds.yaml has no cloud "two"; it has one, app'],
        [{}, {}, "nothing says where Keystone is"],
        [{ authUrl: "https://k" }, {}, "there are no credentials"],
    ])("%j without them: said in words, without a secret", (ref, env, message) => {
        const files = { "/site/clouds.yaml": clouds };
        expect(() => cloudSettings(ref, around(files, env))).toThrow(message);
    });
});

/** A cloud of which every part can be said. */
function cloud(parts: Partial<OpenStack> = {}): OpenStack {
    const none = () => Promise.resolve([]);
    const done = () => Promise.resolve();
    return {
        flavors: () => Promise.resolve([{ id: "1", name: "m1", vcpus: 2, ram: 2048 }]),
        servers: none,
        server: () => Promise.resolve(undefined),
        console: () => Promise.resolve(""),
        list: none,
        volumes: none,
        ports: none,
        floatingIps: none,
        port: () => Promise.resolve(undefined),
        deleteServer: done,
        deletePort: done,
        attachedVolumes: none,
        detach: done,
        usage: () => Promise.resolve({}),
        ...parts,
    };
}

const wanted = (name: string, more: object = {}) => ({ name, flavor: "m1", ports: [name], floatingIp: false, ...more });
const NOTHING_AROUND = { networks: [], subnets: [], routers: [], securityGroups: [] };

describe("quotas", () => {
    test("are asked only for what is not there yet", () => {
        const flavors = new Map([["m1", { id: "1", name: "m1", vcpus: 2, ram: 2048 }]]);
        const there = { servers: new Set(["a"]), volumes: new Set(["a-data"]), ports: new Set(["a"]) };
        const machines = [
            wanted("a", { dataVolumeGiB: 10, bootVolumeGiB: 20 }),
            wanted("b", { dataVolumeGiB: 10, bootVolumeGiB: 20 }),
        ];
        expect(neededMore(machines, flavors, there)).toEqual({
            instances: 1,
            cores: 2,
            ramMiB: 2048,
            volumes: 2,
            gigabytes: 30,
            ports: 1,
        });
    });

    test("of networks and security groups count what is made around the machines", async () => {
        const wantedAround = {
            networks: ["s-lan", "s-storage"],
            subnets: ["s-lan", "s-storage"],
            routers: ["s-lan"],
            securityGroups: [
                { name: "s-hosts", rules: 3 },
                { name: "s-masters", rules: 5 },
            ],
        };
        const present = {
            networks: new Set(["s-lan"]),
            subnets: new Set(["s-lan"]),
            routers: new Set<string>(),
            securityGroups: new Set(["s-hosts"]),
        };
        // Neutron gives a new group two rules by itself.
        const needs = { networks: 1, subnets: 1, routers: 1, securityGroups: 1, securityGroupRules: 7 };
        expect(neededAround(wantedAround, present)).toEqual(needs);
        const api = cloud({
            list: (kind) => Promise.resolve([...present[`${kind as "network"}s`]].map((name) => ({ id: name, name }))),
            usage: () =>
                Promise.resolve({
                    networks: { limit: 2, used: 2 },
                    routers: { limit: 1, used: 0 },
                    securityGroupRules: { limit: 10, used: 4 },
                }),
        });
        const args = { project: "p", cloud: {}, machines: [], surroundings: wantedAround };
        expect((await lookAtCloud(() => api, args)).problems).toEqual([
            "project p: 1 more networks are needed, 0 are left of the quota of 2",
            "project p: 7 more security group rules are needed, 6 are left of the quota of 10",
        ]);
    });

    test("of floating IPs count neither those that lead to the machines nor those that may be theirs", () => {
        const machines = [wanted("a", { floatingIp: true }), wanted("b", { floatingIp: true }), wanted("c")];
        const ports = ["a", "b"].map((name) => ({ id: `id-${name}`, name, description: "", device_id: "" }));
        const led = { id: "1", port_id: "id-a" };
        expect(neededFloatingIps(machines, ports, [])).toBe(2);
        expect(neededFloatingIps(machines, ports, [led])).toBe(1);
        expect(neededFloatingIps(machines, ports, [led, { id: "2", port_id: null }])).toBe(0);
        expect(neededFloatingIps([wanted("c")], ports, [{ id: "2", port_id: null }])).toBe(0);
    });

    test("that do not suffice are one line each; those without a limit none", () => {
        const usage = { cores: { limit: 10, used: 9 }, ramMiB: { limit: -1, used: 0 }, ports: { limit: 3, used: 3 } };
        expect(shortfalls({ cores: 2, ramMiB: 9e9, ports: 1, volumes: 1 }, usage)).toEqual([
            "2 more cores are needed, 1 are left of the quota of 10",
            "1 more ports are needed, 0 are left of the quota of 3",
        ]);
    });

    test("and flavors are told together, with the project", async () => {
        const api = cloud({ usage: () => Promise.resolve({ instances: { limit: 1, used: 1 } }) });
        const machines = [wanted("a"), { ...wanted("b"), flavor: "m2" }];
        const { problems } = await lookAtCloud(() => api, {
            project: "p",
            cloud: {},
            machines,
            surroundings: NOTHING_AROUND,
        });
        expect(problems).toEqual([
            'project p: there is no flavor "m2"; there are m1; did you mean "m1"?',
            "project p: 2 more instances are needed, 0 are left of the quota of 1",
        ]);
    });

    test("are not checked where the cloud is out of reach, and this is said", async () => {
        const api = cloud({ servers: () => Promise.reject(new CloudUnreachable("Keystone is not reached")) });
        const args = { project: "p", cloud: {}, machines: [wanted("a")], surroundings: NOTHING_AROUND };
        const seen = await lookAtCloud(() => api, args);
        expect(seen).toEqual({ unreached: "Keystone is not reached", problems: [], servers: [] });
    });
});

const images: Named[] = [
    { id: "1", name: "debian-12" },
    { id: "2", name: "alma-9" },
    { id: "3", name: "alma-9" },
];
const catalog = cloud({
    list: (_kind, name) => Promise.resolve(images.filter((item) => name === undefined || item.name === name)),
});

describe("a look-up", () => {
    test("finds exactly one, or fails with the candidates", async () => {
        expect(await findOne(catalog, "image", "debian-12")).toBe("1");
        await expect(findOne(catalog, "image", "alma-9")).rejects.toThrow('2 images are called "alma-9": 2, 3');
        await expect(findOne(catalog, "image", "debian-11")).rejects.toThrow(
            /no image is called "debian-11"; there are alma-9, debian-12\n.*did you mean "debian-12"/,
        );
    });

    const lines: string[] = [];
    const context: Context = { urn: "u", name: "n", log: (_severity, line) => void lines.push(line) };
    const type = lookup(() => catalog);
    const inputs = { kind: "image", alias: "base", cloud: {}, name: "debian-12", generation: 1 };

    test("is recorded, and another name alone is refused: it would replace hosts in passing", async () => {
        const { outputs } = await type.create(inputs, false, context);
        expect(outputs["found"]).toBe("1");
        const renamed = { ...inputs, name: "debian-13" };
        const failures = JSON.stringify(await type.check(renamed, inputs, context));
        expect(failures).toContain("set its generation to 2");
        expect(type.diff(inputs, renamed, context).changes).toEqual([]);
        expect(await type.check({ ...renamed, generation: 2 }, inputs, context)).toEqual([]);
        expect(type.diff(inputs, { ...renamed, generation: 2 }, context).changes).toHaveLength(1);
    });

    test("is not asked again by a refresh: a deleted image replaces nobody", async () => {
        const state = await type.read("id", inputs, { found: "gone" }, context);
        expect(state?.outputs["found"]).toBe("gone");
    });

    test("by id asks nobody, in a preview without a cloud neither", async () => {
        const silent = lookup(() => {
            throw new Error("no cloud");
        });
        const { outputs } = await silent.create(
            { kind: "image", alias: "base", cloud: {}, given: "9", generation: 1 },
            true,
            context,
        );
        expect(outputs["found"]).toBe("9");
        const unknown = await silent.create(inputs, true, context);
        expect(unknown.outputs["found"]).toBe(UNKNOWN);
        await expect(silent.create(inputs, false, context)).rejects.toThrow("image base: no cloud");
    });
});

const ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMbDnGJ0FqAmCTZEFvV5s0cpHnNCg1n4qX4lW1r0Zc9p";
const printed = (key: string) => `[ 12.3] cloud-init[1]: x
-----BEGIN SSH HOST KEY KEYS-----
[   12.4] ${key} root@os1
-----END SSH HOST KEY KEYS-----
`;

describe("a machine", () => {
    test("tells its keys on the console; of several boots the last ones count", () => {
        expect(consoleKeys(printed(ed))).toEqual([ed]);
        const other = ed.replace("IMbD", "IXXX");
        expect(consoleKeys(printed(ed) + printed(other))).toEqual([other]);
        expect(consoleKeys("-----BEGIN SSH HOST KEY KEYS-----\ngarbage")).toEqual([]);
    });

    const world = (console: string, contact: string[], parts: Partial<OpenStack> = {}) => {
        let now = 0;
        const used: unknown[] = [];
        const lines: string[] = [];
        const type = machine({
            ssh: {
                run: (_host, connection) => {
                    used.push(connection.hostKeys);
                    return Promise.resolve("");
                },
                firstContact: () => Promise.resolve(contact),
            },
            openstack: () => cloud({ console: () => Promise.resolve(console), ...parts }),
            clock: { now: () => now, sleep: (ms) => Promise.resolve(void (now += ms)) },
        });
        const context: Context = { urn: "u", name: "n", log: (_severity, line) => void lines.push(line) };
        return { type, context, used, lines };
    };
    const inputs = { host: "os1", instance: "i1", cloud: {}, connection: { address: "10.0.0.1" } };

    test("is trusted by the keys of its console, which no network could have changed", async () => {
        const { type, context, used } = world(printed(ed), ["ssh-ed25519 somebody-else"]);
        const { outputs } = await type.create(inputs, false, context);
        expect(outputs["hostKeys"]).toEqual([ed]);
        expect(used).toEqual([[ed]]);
    });

    test("without keys there is trusted by its first contact, which is said and recorded", async () => {
        const { type, context, lines } = world("", [ed]);
        const { outputs } = await type.create(inputs, false, context);
        expect(outputs["hostKeys"]).toEqual([ed]);
        expect(lines.join("\n")).toContain("those of the first contact are recorded");
    });

    test("that does not come up is an error in bounded time, and stays in the state", async () => {
        const { type, context } = world("", []);
        await expect(type.create(inputs, false, context)).rejects.toThrow(/did not come up within 900 s/);
    });

    test.each(["ERROR", "ACTIVE"])(
        "in %s: the plugin deletes every server but one in ERROR, which goes before",
        async (status) => {
            let present = true;
            const deleted: string[] = [];
            const { type, context, lines } = world("", [], {
                server: (id) =>
                    Promise.resolve(
                        present ? { id, name: "os1", status, metadata: {}, fault: { message: "no disk" } } : undefined,
                    ),
                deleteServer: (id) => {
                    present = false;
                    return Promise.resolve(void deleted.push(id));
                },
            });
            await type.delete("machine/os1", inputs, {}, context);
            expect(deleted).toEqual(status === "ERROR" ? ["i1"] : []);
            expect(lines).toEqual(status === "ERROR" ? ["os1: Nova has it in ERROR (no disk): deletes it"] : []);
        },
    );

    test("goes without a word where its cloud is out of reach", async () => {
        const { type, context } = world("", [], { server: () => Promise.reject(new CloudUnreachable("no Nova")) });
        await expect(type.delete("machine/os1", inputs, {}, context)).resolves.toBeUndefined();
    });

    test("that is to be replaced loses its services first; one that was made again keeps them to be mended", () => {
        const { type, context } = world("", []);
        expect(type.diff(inputs, { ...inputs, instance: UNKNOWN }, context)).toMatchObject({
            replaces: [["instance"]],
            deleteBeforeReplace: true,
        });
        const again = type.diff(inputs, { ...inputs, instance: "i2" }, context);
        expect(again.changes).toHaveLength(1);
        expect(again.replaces).toBeUndefined();
    });
});

describe("what a cut-off run has left", () => {
    const mark = "pulumi-mesos site s";
    const server = (id: string, status: string, site = mark) => ({
        id,
        name: "a",
        status,
        metadata: { "pulumi-mesos-site": site },
    });
    const run = async (servers: ReturnType<typeof server>[], holder: string) => {
        const deleted: string[] = [];
        const api = cloud({
            servers: () => Promise.resolve(servers),
            port: () => Promise.resolve({ id: "p", name: "a", description: mark, device_id: holder }),
            deleteServer: (id) => Promise.resolve(void deleted.push(id)),
        });
        const clear = clearLeftovers(() => api);
        const answer = clear({ cloud: {}, kind: "server", name: "a", mark, port: "p" });
        await answer.catch(() => undefined);
        return { answer, deleted };
    };

    test("is removed: the server on our port, and failed ones of the name", async () => {
        const { deleted } = await run([server("1", "ACTIVE"), server("2", "ERROR"), server("3", "ACTIVE")], "1");
        expect(deleted).toEqual(["1", "2"]);
    });

    test("never is somebody else's: a server without the site's mark stops the run", async () => {
        const { answer, deleted } = await run([server("1", "ACTIVE", "another site")], "1");
        await expect(answer).rejects.toThrow("which is not of this site");
        expect(deleted).toEqual([]);
    });

    test("of ports: only marked ones that nobody has", async () => {
        const deleted: string[] = [];
        const ports: Port[] = [
            { id: "1", name: "a", description: mark, device_id: "" },
            { id: "2", name: "a", description: mark, device_id: "x" },
            { id: "3", name: "a", description: "", device_id: "" },
        ];
        const api = cloud({
            ports: () => Promise.resolve(ports),
            deletePort: (id) => Promise.resolve(void deleted.push(id)),
        });
        await clearLeftovers(() => api)({ cloud: {}, kind: "port", name: "a", mark });
        expect(deleted).toEqual(["1"]);
    });
});

describe("the client", () => {
    let server: Server;
    let base: string;
    const asked: string[] = [];
    beforeAll(async () => {
        server = createServer((request, response) => {
            asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
            if (request.url === "/v3/auth/tokens") {
                const endpoints = [{ interface: "public", region: "R", url: `${base}/network` }];
                response.writeHead(201, { "x-subject-token": "t0k" });
                response.end(
                    JSON.stringify({ token: { project: { id: "p" }, catalog: [{ type: "network", endpoints }] } }),
                );
                return;
            }
            const marker = /marker=(\d+)/.exec(request.url ?? "")?.[1];
            const from = marker === undefined ? 0 : Number(marker) + 1;
            const ports = Array.from({ length: Math.min(500, 700 - from) }, (_, index) => ({
                id: String(from + index),
                name: "n",
            }));
            response.end(JSON.stringify({ ports }));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
        server.closeAllConnections();
        server.close();
    });

    const environment = { OS_USERNAME: "u", OS_PASSWORD: "p" };
    beforeEach(() => Object.assign(process.env, environment));
    afterEach(() => Object.keys(environment).forEach((name) => Reflect.deleteProperty(process.env, name)));

    test("logs in once and reads all pages", async () => {
        const api = new HttpOpenStack({ authUrl: `${base}/v3`, tenant: "t", region: "R" });
        expect(await api.ports()).toHaveLength(700);
        expect(asked.filter((line) => line.startsWith("POST"))).toHaveLength(1);
    });

    test("says which service is missing where, and what is not reached", async () => {
        const api = new HttpOpenStack({ authUrl: `${base}/v3`, tenant: "t", region: "R" });
        await expect(api.flavors()).rejects.toThrow("the cloud has no compute service in the region R");
        const nobody = new HttpOpenStack({ authUrl: "http://127.0.0.1:1/v3", tenant: "t" });
        await expect(nobody.ports()).rejects.toThrow(CloudUnreachable);
    });
});
