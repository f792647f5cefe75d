/** Virtual machines as resources: what can never happen to them. */
import { changed, openstackSection } from "../unit/site/sites";
import { register, type Registered, siteOf } from "./register";

const types = {
    instance: "openstack:compute/instance:Instance",
    port: "openstack:networking/port:Port",
    volume: "openstack:blockstorage/volume:Volume",
    attachment: "openstack:compute/volumeAttach:VolumeAttach",
    config: "mesos:index:HostConfig",
    machine: "mesos:index:Machine",
};

const otherImage = "7a1b52f0-3ad4-4b4e-9b60-0f4f6c4f8f22";
const network = "5b2e7c1a-9d34-4c60-8f2b-7a1e3d5c9b02";

/** Three masters on machines with data volumes, a pool of two that boot from volumes, a second project, a registered pool. */
function hybrid(changes: Record<string, unknown> = {}): Record<string, unknown> {
    return changed({
        openstack: openstackSection(),
        "openstack projects q": { cloud: "d", region: "r" },
        "openstack networks storage": { id: network },
        "openstack failureDomains a network": "n",
        "openstack failureDomains b network": "n",
        "openstack failureDomains c network": "n",
        "hosts os[1-3]": {
            kind: "openstack",
            project: "p",
            flavor: "f",
            address: "10.0.0.[11-13]",
            zone: ["a", "b", "c"],
            dataVolume: { sizeGiB: 10, mount: "/data" },
            protect: ["os1"],
        },
        "hosts vm[1-2]": {
            kind: "openstack",
            project: "q",
            flavor: "f",
            address: "10.0.0.[21-22]",
            zone: ["a", "b"],
            bootVolume: { sizeGiB: 20 },
            extraNetworks: [{ network: "storage", address: "10.8.0.[1-2]" }],
        },
        "zookeeper members": { os1: 1, os2: 2, os3: 3 },
        "zookeeper dataDir": "/data/zookeeper",
        "masters members": ["os[1-3]"],
        "masters workDir": "/data/master",
        "pools virtual": { hosts: ["vm[1-2]"], resources: { cpus: 1, memMiB: 512, diskMiB: 1024 } },
        ...changes,
    });
}

const of = (all: readonly Registered[], type: string) => all.filter((one) => one.type === type);
const named = (all: readonly Registered[], name: string) => all.find((one) => one.name === name);

let all: Registered[];
beforeAll(async () => {
    all = await register(hybrid());
}, 60_000);

test("an instance has an image or a boot volume, never both", () => {
    for (const { inputs } of of(all, types.instance)) {
        expect([inputs["imageId"] !== undefined, inputs["blockDevices"] !== undefined].sort()).toEqual([false, true]);
        expect(inputs["imageName"]).toBeUndefined();
    }
    const [device] = named(all, "vm1-instance")?.inputs["blockDevices"] as Record<string, unknown>[];
    expect(device).toMatchObject({ sourceType: "image", destinationType: "volume", volumeSize: 20, bootIndex: 0 });
});

test("security groups are on ports, never on instances, and the default group is nowhere", () => {
    for (const { inputs } of of(all, types.instance)) {
        expect(inputs["securityGroups"]).toBeUndefined();
        expect(inputs["networks"]).toEqual([{ port: expect.stringMatching(/-port-id$/) as string }]);
    }
    for (const { inputs } of of(all, types.port)) {
        expect((inputs["securityGroupIds"] as string[]).length).toBeGreaterThan(0);
    }
});

test("a port without any group says so, or Neutron would put the default group there", async () => {
    const bare = await register(hybrid({ "openstack security": { manage: false } }));
    for (const { inputs } of of(bare, types.port)) {
        expect(inputs["securityGroupIds"]).toBeUndefined();
        expect(inputs["noSecurityGroups"]).toBe(true);
    }
}, 60_000);

test("an instance is deleted before its successor has its port, and frozen texts replace nothing", () => {
    for (const { options } of of(all, types.instance)) {
        expect(options.deleteBeforeReplace).toBe(true);
        expect(options.ignoreChanges).toEqual(
            expect.arrayContaining(["userData", "keyPair", "metadata", "availabilityZone"]),
        );
        expect(options.ignoreChanges).not.toContain("imageId");
    }
});

test("data volumes are apart from instances, stay when these go, and are of the failure domain's volume zone", () => {
    for (const { inputs } of of(all, types.instance)) {
        expect(inputs["volumes"]).toBeUndefined();
    }
    const volumes = of(all, types.volume);
    expect(volumes.map(({ name, inputs }) => `${name} ${String(inputs["availabilityZone"])}`)).toEqual([
        "os1-data va",
        "os2-data vb",
        "os3-data vc",
    ]);
    expect(volumes.map(({ options }) => options.retainOnDelete)).toEqual([true, true, true]);
    expect(volumes.map(({ options }) => options.protect)).toEqual([true, false, false]);
    expect(of(all, types.attachment)).toHaveLength(3);
});

test("further networks are attached, not part of the instance", () => {
    const attached = of(all, "openstack:compute/interfaceAttach:InterfaceAttach");
    expect(attached.map(({ inputs }) => inputs)).toEqual([
        { instanceId: "vm1-instance-id", portId: "vm1-storage-port-id" },
        { instanceId: "vm2-instance-id", portId: "vm2-storage-port-id" },
    ]);
});

test("a HostConfig knows its machine, the machine's keys and its volume", () => {
    const { inputs } = named(all, "zookeeper-os2") as Registered;
    expect(inputs["machine"]).toEqual({ instance: "os2-instance-id", zone: "b" });
    expect(inputs["volume"]).toEqual({ id: "os2-data-id", device: "/dev/vdb", mount: "/data", filesystem: "ext4" });
    expect((inputs["connection"] as Record<string, unknown>)["hostKeys"]).toEqual(["key-of-os2-machine"]);
    expect(named(all, "agent-bm4")?.inputs["machine"]).toBeUndefined();
});

test("a first quorum waits for all of its machines", () => {
    expect(named(all, "zookeeper-os1")?.options.dependsOn).toEqual(
        expect.arrayContaining(["os1-machine", "os2-machine", "os3-machine"]),
    );
});

test("each project has a provider of its own, without any credential", () => {
    const providers = of(all, "pulumi:providers:openstack");
    expect(providers.map(({ name }) => name).sort()).toEqual(["openstack-p", "openstack-q"]);
    for (const { inputs } of providers) {
        expect(Object.keys(inputs).filter((key) => /password|secret|token|user/i.test(key))).toEqual([]);
    }
});

/** What an instance is made of. */
const instancesOf = (list: readonly Registered[]) =>
    of(list, types.instance).map(({ name, inputs }) => ({ name, inputs }));

test.each<[what: string, changes: Record<string, unknown>]>([
    ["an agent's flag", { "pools virtual flags": { executor_shutdown_grace_period: "10secs" } }],
    ["an attribute", { "pools virtual attributes": { rack: "r9" } }],
    ["a master's flag", { "masters flags": { offer_timeout: "2mins" } }],
    ["a further network", { "hosts os[1-3] extraNetworks": [{ network: "storage" }] }],
    ["a larger data volume", { "hosts os[1-3] dataVolume": { sizeGiB: 20, mount: "/data" } }],
    [
        "a host more in the pool",
        {
            "hosts vm[1-3]": {
                kind: "openstack",
                project: "q",
                flavor: "f",
                address: "10.0.0.[21-23]",
                zone: ["a", "b"],
                bootVolume: { sizeGiB: 20 },
                extraNetworks: [{ network: "storage", address: "10.8.0.[1-3]" }],
            },
            "hosts vm[1-2]": undefined,
            "pools virtual hosts": ["vm[1-3]"],
        },
    ],
])(
    "%s leaves every instance as it is",
    async (_what, changes) => {
        const after = new Map(instancesOf(await register(hybrid(changes))).map((one) => [one.name, one.inputs]));
        for (const { name, inputs } of instancesOf(all)) {
            expect(after.get(name)).toEqual(inputs);
        }
    },
    60_000,
);

test("another image under the same generation reaches no instance: the recorded one is used", async () => {
    const after = await register(hybrid({ "openstack images i id": otherImage }));
    const lookup = named(after, "image-i");
    expect(lookup?.inputs).toMatchObject({ given: otherImage, generation: 1 });
    // What an instance gets is the lookup's answer, which the plugin keeps; the mocks answer with the new id.
    expect(named(after, "os1-instance")?.inputs["imageId"]).toBe(otherImage);
}, 60_000);

test("the production site has this many resources, and no more", async () => {
    const counts: Record<string, number> = {};
    for (const { type } of await register(siteOf("Pulumi.prod.yaml"))) {
        const kind = type.split(":").pop() ?? "";
        counts[kind] = (counts[kind] ?? 0) + 1;
    }
    expect(counts).toMatchObject({
        Instance: 20,
        Port: 20,
        Machine: 20,
        Volume: 19,
        VolumeAttach: 19,
        Lookup: 2,
        SecGroup: 6,
    });
    expect(counts["SecGroupRule"]).toBeLessThan(70);
}, 60_000);

test("another image or flavor is another machine: nothing is rebuilt or resized under running services", () => {
    for (const { options } of of(all, types.instance)) {
        expect(options.replaceOnChanges).toEqual(["imageId", "flavorName"]);
    }
});
