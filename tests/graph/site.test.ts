/** The resources of whole sites, by Pulumi's mocks: what there is, under which name, and what waits for what. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { register, type Registered, siteOf } from "./register";

const names = (all: readonly Registered[], type: string) =>
    all
        .filter((one) => one.type === type)
        .map(({ name }) => name)
        .sort();

describe("the lab's site", () => {
    let all: Registered[];
    beforeAll(async () => (all = await register(siteOf("lab/Pulumi.lab.yaml"))));

    test("has one HostConfig for each service on each host", () => {
        expect(names(all, "mesos:index:HostConfig")).toEqual([
            "agent-bm4",
            "agent-bm5",
            "agent-bm6",
            "master-bm1",
            "master-bm2",
            "master-bm3",
            "zookeeper-bm1",
            "zookeeper-bm2",
            "zookeeper-bm3",
        ]);
    });

    test("has one component each for the ensemble, the masters and every pool", () => {
        const components = all
            .filter(({ type }) => type.startsWith("pulumi-mesos:"))
            .map(({ type, name }) => `${type} ${name}`);
        expect(components.sort()).toEqual([
            "pulumi-mesos:mesos:AgentPool build",
            "pulumi-mesos:mesos:AgentPool relval",
            "pulumi-mesos:mesos:MesosMasters masters",
            "pulumi-mesos:shared:SiteSecrets secrets",
            "pulumi-mesos:zookeeper:ZooKeeperEnsemble zookeeper",
        ]);
    });

    test("has no mark of a secret left in any file, and no secret outside of files that only root may read", () => {
        for (const { name, inputs } of all.filter(({ type }) => type === "mesos:index:HostConfig")) {
            const files = inputs["files"] as Record<string, { content: string; mode: string }>;
            for (const [path, { content, mode }] of Object.entries(files)) {
                expect(`${name} ${path} ${content}`).not.toContain("@@secret:");
                if (content.includes("value-of-")) {
                    expect(`${path} ${mode}`).toMatch(/ 06[04]0$/);
                }
            }
        }
    });
});

test("the production site's resources keep their names: each is an address in the state", async () => {
    const all = await register(siteOf("Pulumi.prod.yaml"));
    expect(all.map(({ type, name }) => `${type} ${name}`).sort()).toMatchSnapshot();
}, 60_000);

describe("the site's own work", () => {
    let all: Registered[];
    beforeAll(async () => (all = await register(siteOf("examples/Pulumi.workloads.yaml"))));
    const after = (name: string) => all.find((one) => one.name === name)?.options.dependsOn ?? [];

    test("has one component for each thing, and one HostConfig for each service on each host", () => {
        const own = all.filter(({ type }) => type.startsWith("pulumi-mesos:workloads:"));
        expect(own.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
            "pulumi-mesos:workloads:MonteCarlo pilot",
            "pulumi-mesos:workloads:ReleaseValidation pass1",
            "pulumi-mesos:workloads:WorkQueue work-queue",
            "pulumi-mesos:workloads:WorkQueueCatalog work-queue-catalog",
        ]);
        expect(names(all, "mesos:index:HostConfig").filter((name) => !/^(agent|master|zookeeper)/.test(name))).toEqual([
            "catalog-mesos3",
            "production-pilot-store1",
            "validation-pass1-store1",
            "workQueue-mesos1",
            "workQueue-mesos2",
        ]);
    });

    test("comes after the masters and the catalog, and campaigns after the framework", () => {
        expect(after("workQueue-mesos1")).toEqual(
            expect.arrayContaining(["catalog-mesos3", "master-mesos1", "zookeeper-mesos1"]),
        );
        for (const name of ["production-pilot-store1", "validation-pass1-store1"]) {
            expect(after(name)).toEqual(expect.arrayContaining(["workQueue-mesos1", "workQueue-mesos2"]));
        }
    });

    test("a pet with results on it is protected", () => {
        expect(all.find(({ name }) => name === "production-pilot-store1")?.options.protect).toBe(true);
    });
});

test("DDS sessions: one component, one HostConfig on each host, after the masters", async () => {
    const all = await register(siteOf("examples/Pulumi.dds.yaml"));
    expect(
        all.filter(({ type }) => type.startsWith("pulumi-mesos:workloads:")).map(({ type, name }) => `${type} ${name}`),
    ).toEqual(["pulumi-mesos:workloads:DdsSession dds"]);
    const hosts = all.filter(({ name }) => name.startsWith("dds-mesos"));
    expect(hosts.map(({ name }) => name)).toEqual(["dds-mesos1", "dds-mesos2"]);
    for (const { options } of hosts)
        expect(options.dependsOn).toEqual(expect.arrayContaining(["master-mesos1", "zookeeper-mesos1"]));
});

describe("release builds", () => {
    let all: Registered[];
    beforeAll(async () => (all = await register(siteOf("examples/Pulumi.builds.yaml"))));
    const one = (type: string, name: string): Registered => {
        const found = all.find((resource) => resource.type === type && resource.name === name);
        if (found === undefined) throw new Error(`there is no ${type} ${name}`);
        return found;
    };

    test("are one component with the store, the jobs and their schedules, and nothing of it elsewhere", () => {
        const own = all.filter(
            ({ type, name }) => /builds/.test(name) && !/HostConfig|GeneratedSecret|Quota/.test(type),
        );
        expect(own.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
            "mesos:index:MarathonApp builds/store",
            "mesos:index:MetronomeJob builds.daily.el9",
            "mesos:index:MetronomeJob builds.daily.el9-arm",
            "mesos:index:MetronomeJob builds.o2-tag.el9",
            "mesos:index:MetronomeSchedule builds.daily.el9",
            "mesos:index:MetronomeSchedule builds.daily.el9-arm",
            "pulumi-mesos:workloads:ReleaseBuilder builds",
        ]);
    });

    test("the store comes after Marathon and the hosts' files, builds after the store", () => {
        expect(one("mesos:index:MarathonApp", "builds/store").options.dependsOn).toEqual(
            expect.arrayContaining(["marathon-mesos1", "agent-build01", "agent-store1"]),
        );
        expect(one("mesos:index:MetronomeJob", "builds.daily.el9").options.dependsOn).toEqual(
            expect.arrayContaining(["metronome-mesos2", "builds/store"]),
        );
    });

    test("the password is in files of hosts alone", () => {
        const others = all.filter(({ type }) => type !== "mesos:index:HostConfig");
        expect(JSON.stringify(others.map(({ inputs }) => inputs))).not.toContain("value-of-builds-password");
        const files = one("mesos:index:HostConfig", "agent-build01").inputs["files"] as Record<string, object>;
        expect(files["/etc/mesos-builds/password"]).toMatchObject({
            content: "value-of-builds-password",
            mode: "0600",
            owner: "builder",
        });
    });
});

describe("parts that others own", () => {
    const attached = () => ({
        ...siteOf("lab/Pulumi.lab.yaml"),
        zookeeper: { existing: { servers: ["zk1.example.org:2181"] } },
        masters: { existing: { addresses: { other1: "10.9.9.1" } } },
    });
    const secretNames = [
        "zookeeper-digest",
        "principal-operator",
        "principal-agent",
        "principal-marathon",
        "principal-tester",
    ];
    const given = Object.fromEntries(secretNames.map((name) => [`pulumi-mesos:${name}`, `given-${name}`]));

    test("are attached to, not made", async () => {
        const all = await register(attached(), given);
        expect(names(all, "mesos:index:HostConfig")).toEqual(["agent-bm4", "agent-bm5", "agent-bm6"]);
        expect(names(all, "pulumi-mesos:mesos:MesosMasters")).toEqual([]);
    });

    test("fail without the secrets that they accept, and all of these are named", async () => {
        await expect(register(attached())).rejects.toThrow(
            /--secret zookeeper-digest\n[^]*--secret principal-operator\n[^]*--secret principal-agent/,
        );
    });
});

test("a secret that the stack's configuration gives is used, not generated", async () => {
    const all = await register(siteOf("lab/Pulumi.lab.yaml"), { "pulumi-mesos:principal-agent": "given-by-hand" });
    expect(names(all, "mesos:index:GeneratedSecret")).not.toContain("principal-agent");
    expect(JSON.stringify(all.find(({ name }) => name === "agent-bm4"))).toContain("given-by-hand");
});

describe("a site that speaks of generations of secrets", () => {
    const { frameworks, hosts, marathon, masters, metronome, pools, ...rest } = siteOf(
        "examples/services/Pulumi.services.yaml",
    );
    const { cluster, distribution, zookeeper } = rest;
    const services = { cluster, distribution, frameworks, hosts, marathon, masters, metronome, pools, zookeeper };
    const site = (): object => ({ ...services, secrets: { generation: 2 } });

    test("sees to whose its parts of ZooKeeper are, when all who use them have the present password", async () => {
        const all = await register(site());
        const owners = all.filter(({ type }) => type === "mesos:index:ZooKeeperOwner");
        const of = (kind: string): string[] =>
            all
                .filter(({ type, name }) => type === "mesos:index:HostConfig" && name.startsWith(`${kind}-`))
                .map(({ name }) => name);
        const users = { masters: "master", marathon: "marathon", metronome: "metronome" } as const;
        expect(owners.map(({ name }) => name).sort()).toEqual(Object.keys(users).sort());
        for (const { name, inputs, options } of owners) {
            const members = of(users[name as keyof typeof users]);
            expect(members.length).toBeGreaterThan(0);
            expect(options.dependsOn).toEqual(expect.arrayContaining(members));
            const secret = name === "masters" ? "zookeeper-digest" : `${name}-zookeeper`;
            const user = name === "masters" ? "mesos" : name;
            expect(inputs["owner"]).toEqual({ principal: user, secret: `value-of-${secret}` });
        }
    });

    test("tells each generated secret its generation; one that does not is as before", async () => {
        const inputsOf = (all: readonly Registered[]): Record<string, unknown> =>
            Object.fromEntries(
                all.filter(({ type }) => type.endsWith(":GeneratedSecret")).map(({ name, inputs }) => [name, inputs]),
            );
        const now = inputsOf(await register(site()));
        expect(now["principal-agent"]).toEqual({ length: 32, generation: 2 });
        expect(now["executor-key"]).toEqual({ length: 64 });
        const before = await register(services);
        expect(inputsOf(before)["principal-agent"]).toEqual({ length: 32 });
        expect(names(before, "mesos:index:ZooKeeperOwner")).toEqual([]);
    });

    test("warns where the configuration gives the secret, and says how it is generated again", async () => {
        const warned = jest.spyOn(console, "warn").mockImplementation(() => undefined);
        try {
            await register(site(), { "pulumi-mesos:principal-agent": "given", "pulumi-mesos:executor-key": "given" });
            const text = warned.mock.calls.flat().join("\n");
            expect(text).toMatch(/principal-agent: given by the stack's configuration, .*\n {2}fix: pulumi config rm/);
            // Of no generation.
            expect(text).not.toContain("executor-key");
        } finally {
            warned.mockRestore();
        }
    });
});

test("a site with faults registers nothing and names them all", async () => {
    const lab = siteOf("lab/Pulumi.lab.yaml");
    const broken = { ...lab, cluster: "Not A Name", masters: { members: ["bm1", "bm9"] } };
    await expect(register(broken)).rejects.toThrow(/cluster[^]*masters\.members/);
});

describe("work from folders", () => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-mesos-graph-"));
    let all: Registered[];
    beforeAll(async () => {
        for (const kind of ["apps", "jobs"]) mkdirSync(join(folder, kind));
        const write = (name: string, definition: object): void =>
            writeFileSync(join(folder, name), JSON.stringify(definition));
        write("apps/web.json", {
            id: "/shop/web",
            cmd: "serve",
            dependencies: ["db"],
            env: { DB: "u:${secret:db}@h" },
        });
        write("apps/db.json", { id: "/shop/db", cmd: "store" });
        write("apps/pod.json", {
            id: "/pod",
            containers: [{ name: "a", resources: { cpus: 0.1, mem: 32 }, exec: { command: { shell: "run" } } }],
        });
        write("jobs/backup.json", {
            id: "backup",
            run: { cmd: "run", cpus: 0.1, mem: 32, disk: 0 },
            schedules: [{ id: "s1", cron: "0 4 * * *" }],
        });
        const site = {
            ...siteOf("lab/Pulumi.lab.yaml"),
            marathon: {
                existing: { urls: ["http://10.0.0.1:8080"], user: "ops", passwordSecret: "pw" },
                groups: { "/shop": {} },
            },
            metronome: { existing: { urls: ["http://10.0.0.1:9000"] } },
            apps: [join(folder, "apps")],
            jobs: [join(folder, "jobs")],
            quotas: { services: { limits: { cpus: 1 } } },
            weights: { services: 2 },
            maintenance: { later: { hosts: ["bm4"], start: "2027-01-31T22:00:00Z" } },
            reservations: {
                services: {
                    pool: "relval",
                    role: "services",
                    resources: { cpus: 0.5, diskMiB: 100 },
                    volumes: { data: { sizeMiB: 100 } },
                },
            },
        };
        all = await register(site, { "pulumi-mesos:db": "geheim", "pulumi-mesos:pw": "password" });
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test("is one resource each, under names that stay", () => {
        const made = all.filter(({ type }) => /index:(Marathon|Metronome|Mesos)/.test(type));
        expect(made.map(({ type, name }) => `${type} ${name}`).sort()).toEqual([
            "mesos:index:MarathonApp shop/db",
            "mesos:index:MarathonApp shop/web",
            "mesos:index:MarathonGroup shop",
            "mesos:index:MarathonPod pod",
            "mesos:index:MesosMaintenance later",
            "mesos:index:MesosQuota services",
            "mesos:index:MesosReservation bm6/services",
            "mesos:index:MesosWeight services",
            "mesos:index:MetronomeJob backup",
            "mesos:index:MetronomeSchedule backup",
        ]);
    });

    test("says what is reserved, in Mesos' own names", () => {
        expect(all.find(({ name }) => name === "bm6/services")?.inputs).toMatchObject({
            hostname: "bm6",
            role: "services",
            resources: { cpus: 0.5, disk: 100 },
            volumes: { data: { sizeMiB: 100, containerPath: "data" } },
            cluster: "lab",
            confirmed: false,
        });
    });

    test("is made after what it depends on", () => {
        const at = (name: string): number => all.findIndex((one) => one.name === name);
        expect(at("shop/db")).toBeLessThan(at("shop/web"));
        expect(at("shop")).toBeLessThan(at("shop/db"));
    });

    test("has its secrets filled in, and the password nowhere else", () => {
        const web = all.find(({ name }) => name === "shop/web");
        expect(web?.inputs["definition"]).toMatchObject({ env: { DB: "u:geheim@h" } });
        expect(web?.inputs["server"]).toMatchObject({ username: "ops", password: "password" });
    });
});
