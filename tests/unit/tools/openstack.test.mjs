import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import YAML from "yaml";
import { cloudsYaml, databases, ini, makeConfig, serviceUsers } from "../../../lab/openstack/config.mjs";
import { control, namespaces, onHost } from "../../../lab/openstack/control-plane.mjs";
import { cables } from "../../../lab/openstack/network.mjs";
import { serviceEnv } from "../../../lab/openstack/services.mjs";
import { countdownSector } from "../../../lab/openstack/virtualisation.mjs";
import { readOpenstackSettings, readSettings } from "../../../lab/settings.mjs";
import { projectDir } from "../../../toolchain/places.mjs";

const secret = (name) => `secret-of-${name}`;

/** INI text → { section: { key: value } }, as oslo.config reads it. */
function parse(text) {
    const sections = {};
    let section;
    for (const line of text.split("\n")) {
        const head = /^\[(.+)\]$/.exec(line);
        const [key, ...value] = line.split(" = ");
        if (head) section = sections[head[1]] ??= {};
        else if (line) section[key] = value.join(" = ");
    }
    return sections;
}

describe("settings", () => {
    for (const env of [
        { PULUMI_MESOS_OPENSTACK_NET: "10.77" },
        { PULUMI_MESOS_OPENSTACK_PREFIX: "much-too-long" },
        { PULUMI_MESOS_OPENSTACK_VIRT: "xen" },
        { PULUMI_MESOS_OPENSTACK_ZONES: "6" },
        { PULUMI_MESOS_OPENSTACK_ZONES: "none" },
    ]) {
        test(`${Object.keys(env)[0]}=${Object.values(env)[0]} is refused`, () =>
            assert.throws(() => readOpenstackSettings(env), new RegExp(`${Object.keys(env)[0]} is "`)));
    }

    test("the cloud's network is not the bare-metal hosts'", () =>
        assert.notEqual(readOpenstackSettings({}).net, readSettings({}).net));

    test("no two services share a port", () => {
        const ports = Object.values(readOpenstackSettings({ PULUMI_MESOS_OPENSTACK_PORT: "20000" }).ports);
        assert.equal(new Set(ports).size, ports.length);
        assert.equal(Math.min(...ports), 20_000);
    });

    test("names of interfaces fit, with the longest prefix and the most zones", () => {
        const settings = readOpenstackSettings({
            PULUMI_MESOS_OPENSTACK_PREFIX: "abcdefgh",
            PULUMI_MESOS_OPENSTACK_ZONES: "5",
        });
        const names = [settings.bridge, ...settings.compute.flatMap((host) => Object.values(cables(settings, host)))];
        assert.deepEqual(
            names.filter((name) => name.length > 15),
            [],
        );
    });

    test("the addresses that DHCP hands out leave room for compute hosts and declared ones", () => {
        const { compute, network } = readOpenstackSettings({ PULUMI_MESOS_OPENSTACK_ZONES: "5" });
        const last = (address) => Number(address.split(".")[3]);
        assert.ok(Math.max(...compute.map(({ address }) => last(address))) < 10);
        assert.ok(last(network.pool[0]) >= 100);
    });
});

describe("configuration", () => {
    const settings = readOpenstackSettings({});
    const config = makeConfig(settings, secret);
    const host = { name: "c1", address: "10.77.0.2", home: "/h", virt: "lxc", socket: "/s" };

    test("a list is one line per value, an absent value none", () =>
        assert.equal(ini({ a: { x: [1, 2], y: undefined }, b: { z: "w" } }), "[a]\nx = 1\nx = 2\n\n[b]\nz = w\n"));

    test("nothing undefined gets into a file", () => {
        const texts = [
            config.keystone(),
            config.glance(),
            config.placement(),
            config.cinder(),
            config.nova(host),
            config.neutron(host),
            config.ml2(host),
            ...Object.values(config.files),
        ];
        for (const text of texts) assert.doesNotMatch(text, /undefined|\[object|NaN/);
    });

    test("each zone of instances has volumes of its own", () => {
        const cinder = parse(config.cinder());
        const zones = settings.compute.map(({ zone }) => zone);
        assert.equal(cinder.DEFAULT.enabled_backends, zones.join(","));
        for (const zone of zones) assert.equal(cinder[zone].backend_availability_zone, zone);
    });

    test("containers name their volumes as virtual machines do", () => {
        assert.equal(parse(config.nova(host)).libvirt.disk_prefix, "vd");
        assert.equal(parse(config.nova({ ...host, virt: "kvm" })).libvirt.disk_prefix, undefined);
    });

    test("a config drive is made for virtual machines only: containers cannot have one", () => {
        assert.equal(parse(config.nova(host)).DEFAULT.force_config_drive, "false");
        assert.equal(parse(config.nova({ ...host, virt: "qemu" })).DEFAULT.force_config_drive, "true");
    });

    test("every database has an account of a service", () => {
        const accounts = new Set(["keystone", ...Object.values(serviceUsers)]);
        for (const account of Object.values(databases)) assert.ok(accounts.has(account), account);
    });

    test("clouds.yaml has a user for each project, and the administrator", () => {
        const { clouds } = YAML.parse(cloudsYaml(settings, secret));
        assert.deepEqual(Object.keys(clouds), [...settings.projects, settings.adminCloud]);
        for (const name of settings.projects) {
            assert.equal(clouds[name].auth.project_name, name);
            assert.equal(clouds[name].auth.password, `secret-of-user-${name}`);
        }
    });
});

describe("services", () => {
    const settings = readOpenstackSettings({});
    const everything = [
        ...Object.values(control(settings)),
        ...settings.compute.flatMap((host) => [
            namespaces(settings, host),
            ...Object.values(onHost(settings, host, 4711)),
        ]),
    ];

    test("have names of their own", () =>
        assert.equal(new Set(everything.map(({ name }) => name)).size, everything.length));

    test("have no secret on their command line", () => {
        for (const { command } of everything) assert.doesNotMatch(command.join(" "), /password|secret/i);
    });

    test("all compute hosts but the first have a network of their own", () =>
        assert.deepEqual(
            settings.compute.map((host) => namespaces(settings, host).command.includes("--net")),
            [false, true, true],
        ));

    test("see Debian's programs first, and no credentials of another cloud", () => {
        const env = serviceEnv({
            PATH: "/opt/pyenv/shims:/usr/bin",
            OS_PASSWORD: "x",
            PYTHONPATH: "/y",
            HOME: "/root",
        });
        assert.deepEqual(Object.keys(env).sort(), ["HOME", "LC_ALL", "PATH"]);
        assert.doesNotMatch(env.PATH, /pyenv/);
    });
});

test("the probe of virtualisation is a boot sector", () => {
    const sector = countdownSector();
    assert.equal(sector.length, 512);
    assert.equal(sector.readUInt16LE(510), 0xaa55);
    assert.equal(sector.readUInt32LE(2), 100_000_000);
});

describe("nova-compute of the lab", () => {
    /** nova_compute.py does this over a libvirt that refuses with these words, as often as there are words. */
    const over = (what, ...refusals) => {
        const program = `
import json, runpy, sys, types
def module(name, **parts):
    one = sys.modules[name] = types.ModuleType(name)
    vars(one).update(parts)
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules.get(parent) or module(parent), last, one)
    return one
class libvirtError(Exception): pass
refusals = json.loads(sys.argv[1])
class Guest:
    def attach_device(self, conf, persistent=False, live=False):
        print("asked", conf, persistent, live)
        if refusals: raise libvirtError(refusals.pop(0))
    def poweroff(self):
        print("off")
        if refusals: raise libvirtError(refusals.pop(0))
def main():
    try: ${what}
    except libvirtError as error: print("refused:", error)
module("libvirt", libvirtError=libvirtError)
module("nova.cmd.compute", main=main)
module("nova.privsep.fs")
module("nova.virt.disk.api")
module("nova.virt.libvirt.guest", Guest=Guest)
module("nova.virt.libvirt.volume.volume", LibvirtVolumeDriver=type("D", (), {"get_config": None}))
runpy.run_path(sys.argv[2])
`;
        const file = join(projectDir, "lab", "openstack", "nova_compute.py");
        const args = ["-I", "-c", program, JSON.stringify(refusals), file];
        const { stdout, stderr } = spawnSync("python3", args, { encoding: "utf8", timeout: 20_000 });
        assert.equal(stderr, "");
        return stdout.trim().split("\n");
    };
    const attach = (...refusals) => over('Guest().attach_device("vdb", persistent=True, live=True)', ...refusals);
    const off = (...refusals) => over("Guest().poweroff()", ...refusals);
    const early = "Requested operation is not valid: Cannot attach disk until init PID is known";

    test("asks for a volume again until libvirt knows the instance's first process", () =>
        assert.deepEqual(attach(early, early), Array(3).fill("asked vdb True True")));

    test("ends a container again when a session's cgroup went meanwhile, ten times at most", () => {
        const gone = "Failed to read /sys/fs/cgroup/cpu/machine/lxc-1/session-2.scope/tasks: No such device";
        assert.deepEqual(off(gone), ["off", "off"]);
        assert.deepEqual(off("the domain is not running"), ["off", "refused: the domain is not running"]);
        assert.deepEqual(off(...Array(20).fill(gone)), [...Array(10).fill("off"), `refused: ${gone}`]);
    });

    test("is refused a volume at once for any other reason", () =>
        assert.deepEqual(attach("no such device"), ["asked vdb True True", "refused: no such device"]));
});
