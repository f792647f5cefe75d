import { changed, faultsOf, openstackSection, planOf, warningsOf, type Tree } from "./sites";

const vm = { kind: "openstack", flavor: "f", address: "10.0.0.[11-13]", zone: ["a", "b", "c"] };

function site(changes: Record<string, unknown> = {}): Tree {
    return changed({
        openstack: openstackSection(),
        "hosts vm[1-3]": { ...vm },
        "pools virtual": { hosts: ["vm[1-3]"], resources: { cpus: 1, memMiB: 512, diskMiB: 1024 } },
        ...changes,
    });
}

test("the small site has no fault", () => {
    expect(faultsOf(site())).toEqual([]);
});

const id = "6f1a52f0-3ad4-4b4e-9b60-0f4f6c4f8f11";

test.each<[what: string, changes: Record<string, unknown>, code: string, path: string]>([
    ["hosts without clouds", { openstack: undefined }, "OPENSTACK_MISSING", "openstack"],
    ["an unknown project", { "hosts vm[1-3] project": "q" }, "PROJECT_UNKNOWN", 'hosts["vm[1-3]"].project'],
    ["no project of two", { "openstack projects q": {} }, "PROJECT_MISSING", 'hosts["vm[1-3]"].project'],
    ["an unknown image", { "hosts vm[1-3] image": "j" }, "IMAGE_UNKNOWN", 'hosts["vm[1-3]"].image'],
    ["an unknown key pair", { "hosts vm[1-3] keyPair": "l" }, "KEY_PAIR_UNKNOWN", 'hosts["vm[1-3]"].keyPair'],
    ["an unknown zone", { "hosts vm[1-3] zone": ["a", "d"] }, "FAILURE_DOMAIN_UNKNOWN", 'hosts["vm[1-3]"].zone'],
    [
        "an unknown network",
        { "openstack failureDomains a network": "m" },
        "NETWORK_UNKNOWN",
        "openstack.failureDomains.a.network",
    ],
    [
        "a zone with a compute host",
        { "openstack failureDomains a zone": "nova:compute115" },
        "ZONE_HOST",
        "openstack.failureDomains.a.zone",
    ],
    [
        "an Ironic node in the zone",
        { "openstack failureDomains a zone": "nova::9a1b" },
        "ZONE_HOST",
        "openstack.failureDomains.a.zone",
    ],
    ["an image with an id and a name", { "openstack images i name": "Alma9_latest" }, "IMAGE_ID", "openstack.images.i"],
    ["an image without either", { "openstack images i": {} }, "IMAGE_ID", "openstack.images.i"],
    ["an image's id that is a name", { "openstack images i id": "Alma9_latest" }, "FORMAT", "openstack.images.i.id"],
    [
        "a data volume without a volume zone",
        { "hosts vm[1-3] dataVolume": { sizeGiB: 1 }, "openstack failureDomains b": {} },
        "VOLUME_ZONE",
        "openstack.failureDomains.b.volumeZone",
    ],
    [
        "a mount point of the system's",
        { "hosts vm[1-3] dataVolume": { sizeGiB: 1, mount: "/var" } },
        "MOUNT_POINT",
        'hosts["vm[1-3]"].dataVolume.mount',
    ],
    [
        "a mount point that leads elsewhere",
        { "hosts vm[1-3] dataVolume": { sizeGiB: 1, mount: "/data/../etc" } },
        "MOUNT_POINT",
        'hosts["vm[1-3]"].dataVolume.mount',
    ],
    [
        "an address outside of the network",
        { "openstack networks n cidr": "10.5.0.0/24" },
        "ADDRESS_OUTSIDE",
        'hosts["vm[1-3]"].address',
    ],
    [
        "an address of two hosts",
        { "hosts vm[1-3] address": "10.0.0.[1-3]" },
        "ADDRESS_TWICE",
        'hosts["vm[1-3]"].address',
    ],
    [
        "a network that is no network",
        { "openstack networks n cidr": "10.0.0.1/24" },
        "NETWORK_CIDR",
        "openstack.networks.n.cidr",
    ],
    ["a new network without addresses", { "openstack networks n": {} }, "NETWORK_ADDRESSES", "openstack.networks.n"],
    [
        "a router for somebody else's network",
        { "openstack networks n router": { external: id } },
        "NETWORK_OTHERS",
        "openstack.networks.n",
    ],
    [
        "a gateway outside",
        { "openstack networks n": { cidr: "10.0.0.0/24", gateway: "10.0.1.1" } },
        "GATEWAY_OUTSIDE",
        "openstack.networks.n.gateway",
    ],
    [
        "a password in Keystone's address",
        { "openstack projects p": { authUrl: "https://u:secret@k/v3" } },
        "AUTH_URL",
        "openstack.projects.p.authUrl",
    ],
    [
        "two ways to Keystone",
        { "openstack projects p authUrl": "https://k/v3" },
        "CLOUD_TWICE",
        "openstack.projects.p.authUrl",
    ],
    ["nobody who may use SSH", { "openstack security admins": [] }, "ADMINS_MISSING", "openstack.security.admins"],
    [
        "a server group for no pool",
        { "openstack serverGroups": { virtuel: "affinity" } },
        "SERVER_GROUP_TIER",
        "openstack.serverGroups.virtuel",
    ],
    [
        "an unknown policy",
        { "openstack serverGroups": { virtual: "apart" } },
        "NOT_ALLOWED",
        "openstack.serverGroups.virtual",
    ],
    [
        "two keys",
        { "openstack keyPairs k": { publicKey: "a", publicKeyFile: "/b" } },
        "KEY_TWICE",
        "openstack.keyPairs.k",
    ],
    [
        "addresses that do not pair up on another network",
        { "hosts vm[1-3] extraNetworks": [{ network: "n", address: "10.6.0.[1-2]" }] },
        "RANGE_LENGTH",
        'hosts["vm[1-3]"].extraNetworks[0].address',
    ],
    [
        "security groups on the host",
        { "hosts vm[1-3] securityGroups": ["default"] },
        "KEY_UNKNOWN",
        'hosts["vm[1-3]"].securityGroups',
    ],
    [
        "an image by name on the host",
        { "hosts vm[1-3] imageName": "Alma9" },
        "KEY_UNKNOWN",
        'hosts["vm[1-3]"].imageName',
    ],
])("%s is refused", (_what, changes, code, path) => {
    const faults = faultsOf(site(changes));
    expect(faults.map((fault) => `${fault.code} ${fault.path}`)).toContain(`${code} ${path}`);
    expect(JSON.stringify(faults)).not.toContain("secret@");
});

test("all faults come at once", () => {
    const codes = faultsOf(
        site({ "hosts vm[1-3] image": "j", "openstack security admins": [], "openstack failureDomains a zone": "x:y" }),
    ).map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["IMAGE_UNKNOWN", "ADMINS_MISSING", "ZONE_HOST"]));
});

test("a near name is offered", () => {
    const [fault] = faultsOf(site({ "hosts vm[1-3] image": "ii", "openstack images": { alma9: { id } } }));
    expect(fault?.allowed).toBe("alma9");
});

test("data that does not lie on the volume is warned of", () => {
    const warnings = warningsOf(site({ "hosts vm[1-3] dataVolume": { sizeGiB: 1, mount: "/data" } }));
    expect(warnings.map(({ code, message }) => `${code} ${message}`)).toEqual([
        expect.stringContaining("DATA_VOLUME_UNUSED pools.virtual.dataDir (/var/lib/mesos)"),
    ]);
});

test("a zone that holds a majority of a quorum is warned of, with the zones that there are", () => {
    const warnings = warningsOf(
        site({
            "hosts vm[1-3] zone": ["a", "b", "a"],
            "zookeeper members": { vm1: 1, vm2: 2, vm3: 3 },
        }),
    );
    const found = warnings.find(({ code }) => code === "ZONE_MAJORITY");
    expect(found?.message).toContain("the zone a holds a majority");
    expect(found?.value).toBe('["vm1","vm3"]');
});

test("services on a data volume wait for it, and free space is not asked of the disk below", () => {
    const plan = planOf(
        site({ "hosts vm[1-3] dataVolume": { sizeGiB: 1, mount: "/build" }, "pools virtual dataDir": "/build/mesos" }),
    );
    const agent = plan.pools.find(({ name }) => name === "virtual")?.agents[0];
    expect(agent?.files["/etc/systemd/system/mesos-agent.service.d/data-volume.conf"]?.content).toContain(
        "RequiresMountsFor=/build\n",
    );
    expect(agent?.preflight.freeMiB).toEqual({});
    expect(agent?.mount).toBe("/build");
});

describe("security groups", () => {
    const groupsOf = (changes: Record<string, unknown> = {}) =>
        planOf(site(changes)).openstack?.securityGroups.map(({ name, project, rules }) => [
            `${project} ${name}`,
            rules.map(
                ({ protocol, ports, remote }) =>
                    `${protocol === "udp" ? "udp " : ""}${ports.join("-")} ${"group" in remote ? remote.group : remote.cidr}`,
            ),
        ]) ?? [];

    test("name declared members and nobody else: own machines by group, others by the fewest networks", () => {
        expect(groupsOf()).toEqual([
            ["p small-hosts", ["22-22 10.9.0.0/16"]],
            [
                "p small-agents",
                [
                    "5051-5051 10.0.0.1/32",
                    "5051-5051 10.0.0.2/31",
                    "5051-5051 10.9.0.0/16",
                    "31000-32000 small-hosts",
                    "31000-32000 10.0.0.1/32",
                    "31000-32000 10.0.0.2/31",
                    "31000-32000 10.0.0.4/31",
                    "31000-32000 10.0.0.6/32",
                ],
            ],
        ]);
    });

    test("are one for each of ZooKeeper, masters and agents in each project", () => {
        const groups = groupsOf({
            "openstack projects q": {},
            "hosts vm[1-3] project": "p",
            "hosts zk[1-3]": { ...vm, address: "10.0.0.[21-23]", project: "q" },
            "zookeeper members": { zk1: 1, zk2: 2, zk3: 3 },
        });
        expect(groups.map(([name]) => name)).toEqual([
            "p small-hosts",
            "p small-agents",
            "q small-hosts",
            "q small-zookeeper",
        ]);
        const zookeeper = groups.at(-1)?.[1] as string[];
        expect(zookeeper.filter((rule) => /^(2888|3888)/.test(rule))).toEqual([
            "2888-2888 small-zookeeper",
            "3888-3888 small-zookeeper",
        ]);
        expect(zookeeper).toContain("2181-2181 10.0.0.12/31");
    });

    test("open what Marathon, Metronome, the load balancer and the name servers listen on, on hosts that do nothing else", () => {
        const plan = planOf(
            site({
                "hosts up[1-2]": { ...vm, address: "10.0.0.[31-32]" },
                frameworks: { marathon: {}, metronome: {} },
                marathon: { members: ["up1"] },
                metronome: { members: ["up1"] },
                loadBalancer: { hosts: ["up2"], servicePorts: ["10000-10100"] },
                discovery: { hosts: ["up2"] },
                "openstack security": { admins: ["10.9.0.0/16"], clients: ["10.8.0.0/16"] },
            }),
        );
        const machines = plan.openstack?.instances ?? [];
        expect(machines.map(({ host, tier }) => `${host} ${tier}`)).toEqual(
            expect.arrayContaining(["up1 quorum", "up2 quorum"]),
        );
        expect(machines.find(({ host }) => host === "up2")?.securityGroups).toEqual([
            "small-hosts",
            "small-balancers",
            "small-names",
        ]);
        const opened = Object.fromEntries(
            (plan.openstack?.securityGroups ?? []).map(({ name, rules }) => [
                name,
                [...new Set(rules.map(({ protocol, ports }) => `${protocol} ${ports.join("-")}`))],
            ]),
        );
        expect(opened).toMatchObject({
            "small-marathon": ["tcp 8080-8080", "tcp 15101-15101"],
            "small-metronome": ["tcp 9000-9000", "tcp 15201-15201"],
            "small-balancers": ["tcp 80-80", "tcp 8405-8405", "tcp 10000-10100"],
            "small-names": ["udp 53-53", "tcp 53-53"],
        });
        const fromOutside = plan.openstack?.securityGroups
            .find(({ name }) => name === "small-marathon")
            ?.rules.filter(({ remote }) => "cidr" in remote && remote.cidr === "10.8.0.0/16");
        // Others may use its API, and only Mesos its part of Mesos.
        expect(fromOutside?.map(({ ports }) => ports[0])).toEqual([8080]);
    });

    test("are not made where others manage them", () => {
        expect(groupsOf({ "openstack security": { manage: false, groups: [id] } })).toEqual([]);
        const plan = planOf(site({ "openstack security": { manage: false, groups: [id] } }));
        expect(plan.openstack?.extraGroups).toEqual([id]);
        expect(plan.openstack?.instances[0]?.securityGroups).toEqual([]);
    });
});

describe("server groups", () => {
    test("keep masters apart by default, and pools by choice", () => {
        const plan = planOf(
            site({
                "hosts m[1-3]": { ...vm, address: "10.0.0.[31-33]" },
                "masters members": ["m[1-3]"],
                "openstack serverGroups": { virtual: "anti-affinity" },
            }),
        );
        expect(plan.openstack?.serverGroups).toEqual([
            { project: "p", tier: "quorum", policy: "soft-anti-affinity" },
            { project: "p", tier: "virtual", policy: "anti-affinity" },
        ]);
    });
});

describe("a bastion of the site", () => {
    const gate = { ...vm, address: "10.0.0.51", zone: "a", floatingIp: { pool: "outside" } };
    const behind = (changes: Record<string, unknown> = {}): Tree =>
        site({ "hosts gate": gate, "ssh bastion": "gate", ...changes });

    test("is made although it runs nothing, is reached straight itself, and may use SSH on the others", () => {
        const { openstack } = planOf(behind());
        const { gate: own, vm1 } = Object.fromEntries((openstack?.instances ?? []).map((one) => [one.host, one]));
        expect(own?.connection.jump).toBeUndefined();
        expect(own?.securityGroups).toEqual(["small-hosts", "small-bastions"]);
        expect(vm1?.connection.jump).toMatchObject({ host: "gate", address: "10.0.0.51", user: "root" });
        const ssh = openstack?.securityGroups.find(({ name }) => name === "small-hosts")?.rules ?? [];
        expect(ssh.map(({ remote }) => remote)).toContainEqual({ group: "small-bastions" });
        expect(warningsOf(behind()).map(({ code }) => code)).not.toContain("HOST_UNUSED");
    });

    test("is not in the way of a host that says so, or that has a way of its own", () => {
        const { pools } = planOf(behind({ "hosts bm[4-6] ssh": { bastion: "none" } }));
        const hosts = new Map(pools.flatMap(({ agents }) => agents).map((agent) => [agent.host, agent.connection]));
        expect(hosts.get("vm1")?.jump?.host).toBe("gate");
        expect([...hosts].filter(([, { jump }]) => jump === undefined).map(([name]) => name)).toEqual([
            "bm4",
            "bm5",
            "bm6",
        ]);
        const own = planOf(behind({ "hosts vm[1-3] ssh": { proxyJump: "other" } })).pools.flatMap(
            (pool) => pool.agents,
        );
        expect(own.find(({ host }) => host === "vm1")?.connection).toMatchObject({ proxyJump: "other" });
        expect(own.find(({ host }) => host === "vm1")?.connection.jump).toBeUndefined();
    });

    test.each<[what: string, changes: Record<string, unknown>, code: string, path: string]>([
        ["an unknown one", { "ssh bastion": "gaet" }, "HOST_UNKNOWN", "ssh.bastion"],
        ["two ways", { "ssh proxyJump": "other" }, "BASTION_TWICE", "ssh.bastion"],
        ["one behind another", { "hosts gate ssh": { bastion: "vm1" } }, "BASTION_CHAIN", "ssh.bastion"],
    ])("refuses %s", (_what, changes, code, path) => {
        expect(faultsOf(behind(changes)).map((fault) => `${fault.code} ${fault.path}`)).toContain(`${code} ${path}`);
    });
});
