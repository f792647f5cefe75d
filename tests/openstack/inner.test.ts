/**
 * A site on a network of its own, behind a bastion, with an application credential; and what may happen to its parts.
 *
 * The tests go on from each other.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { copyDir } from "../e2e/support/places";
import { must } from "../e2e/support/processes";
import { eventually, tell } from "../e2e/support/steps";
import { emptyProjects, expectNoOrphans, expectOnlyVolumes, holdings, openstack, serverIds } from "./support/cloud";
import { writeApplicationCredential } from "./support/credentials";
import { type CloudSite, HYBRID, Stack } from "./support/stack";

const cloudsFile = (): string => join(copyDir(), "clouds.yaml");
const inner = new Stack("inner", join(__dirname, "Pulumi.inner.yaml"), cloudsFile);
const LEFT = { head1: "10.55.0.11", work1: "10.55.0.21" } as const;

let ids: Record<string, string>;

beforeAll(async () => {
    await emptyProjects();
    await writeApplicationCredential(cloudsFile(), "inner", "lab-two");
    inner.declare();
    await inner.init();
});

beforeEach(() => {
    tell(`▸ ${expect.getState().currentTestName ?? ""}`);
});

/** A shell command on a host of the inner network, by way of the bastion. */
async function on(host: keyof typeof LEFT, command: string): Promise<string> {
    const [gate] = (await holdings()).floatingAddresses;
    const options = ["-o StrictHostKeyChecking=no", "-o UserKnownHostsFile=/dev/null", "-o LogLevel=ERROR"];
    const ssh = ["-i", join(HYBRID, "id_ed25519"), ...options].join(" ");
    const proxy = `ssh ${ssh} -W %h:%p root@${gate?.address ?? ""}`;
    const command2 = ["ssh", ...ssh.split(" "), "-o", `ProxyCommand=${proxy}`, `root@${LEFT[host]}`, command];
    const [program = "", ...args] = command2;
    return must(program, args, { timeoutSec: 60 });
}

/** Waits until the only agent is registered and active. */
async function agent(): Promise<string> {
    const { operator } = await inner.outputs();
    // The password goes by standard input: a process list shows arguments.
    const ask = `curl -sf -K - http://${LEFT.head1}:5050/slaves <<'E'\nuser = "${operator.principal}:${operator.secret}"\nE\n`;
    return eventually("the agent is active", async () => {
        const text = await on("head1", ask).catch(() => "");
        const { slaves = [] } = (text === "" ? {} : JSON.parse(text)) as { slaves?: { id: string; active: boolean }[] };
        const active = slaves.filter((one) => one.active);
        return active.length === 1 ? active[0]?.id : undefined;
    });
}

function another(change: (site: CloudSite) => void): void {
    inner.declare((site) => {
        const { kind, flavor } = site.hosts["work1"] ?? {};
        site.hosts["work2"] = { kind, flavor, address: "10.55.0.22", zone: "az1" };
        site.pools["work"]?.hosts.push("work2");
        change(site);
    });
}

test("network, router, address from outside, bastion, boot volume, XFS and a second network are made and used", async () => {
    await inner.up();
    await agent();
    await expectNoOrphans(inner);
    ids = await serverIds();
    expect(Object.keys(ids).sort()).toEqual(["gate1", "head1", "work1"]);
    const { servers, volumes, ports, securityGroups, networks } = await holdings();
    expect(networks.map(({ name }) => name).sort()).toEqual(["inner-lan", "inner-storage"]);
    const head = servers.find(({ name }) => name === "head1");
    const boot = volumes.find(({ id }) => id === head?.volumes[0]);
    expect(boot).toMatchObject({ sizeGiB: 3, type: "standard", status: "in-use" });
    expect(head?.image).toBeNull();
    expect(servers.find(({ name }) => name === "work1")?.addresses).toEqual(["10.55.0.21", "10.56.0.21"]);
    expect(await on("work1", "findmnt -no FSTYPE /data; ls /data")).toMatch(/^xfs\n(.*\n)*mesos$/m);
    expect(await on("work1", "ip -4 -o addr")).toContain("10.55.0.21/24");
    // Ours on every port, the project's default group on none.
    const common = securityGroups.find(({ name }) => name === "inner-hosts")?.id;
    const byDefault = securityGroups.find(({ name }) => name === "default")?.id;
    for (const port of ports) {
        expect(port.securityGroups).toContain(common);
        expect(port.securityGroups).not.toContain(byDefault);
    }
    await inner.changesNothing();
    expect(await serverIds()).toEqual(ids);
});

test("no credential is in the state or in what was shown", async () => {
    const secret = /application_credential_secret: (\S+)/.exec(readFileSync(cloudsFile(), "utf8"))?.[1] ?? "";
    expect(secret.length).toBeGreaterThan(20);
    const { stdout } = await inner.run("stack", "export", "--show-secrets");
    expect(stdout).not.toContain(secret);
    expect((await inner.preview()).includes(secret)).toBe(false);
});

test("a machine and its port that are deleted behind our back are made again with their address", async () => {
    await openstack("delete", "lab-two", "server", "work1");
    await openstack("delete", "lab-two", "port", "work1");
    await inner.up("--refresh");
    await agent();
    const after = await serverIds();
    expect({ ...after, work1: "" }).toEqual({ ...ids, work1: "" });
    expect(after["work1"]).not.toBe(ids["work1"]);
    ids = after;
    const { servers } = await holdings();
    expect(servers.find(({ name }) => name === "work1")?.addresses).toEqual(["10.55.0.21", "10.56.0.21"]);
    await expectNoOrphans(inner);
    await inner.changesNothing();
});

test("a file system that is not ours is left as it is, whatever was declared", async () => {
    const off = "systemctl stop mesos-agent && umount /data && mkfs.ext4 -qF -L precious";
    const device = (await on("work1", "findmnt -no SOURCE /data")).trim();
    await on("work1", `${off} ${device}`);
    const said = await inner.upFails("--refresh");
    expect(said).toMatch(
        /work1: preflight: the data volume \S+ is not ours to format: it holds ext4, labelled precious/,
    );
    expect(await on("work1", `blkid -o value -s LABEL ${device}`)).toBe("precious\n");
    // What is on it is nobody's any more: said by hand, and only then.
    await on("work1", `wipefs -qa ${device}`);
    await inner.up("--refresh");
    expect(await on("work1", "findmnt -no FSTYPE /data")).toBe("xfs\n");
    await agent();
    await inner.up("--refresh", "--expect-no-changes");
});

test("an instance that no compute host has room for ends the run with Nova's own words, and is made when it fits", async () => {
    another((site) => Object.assign(site.hosts["work2"] ?? {}, { flavor: "m1.nowhere" }));
    expect(await inner.upFails()).toMatch(/work2: Nova says: No valid host was found/);
    another(() => undefined);
    await inner.up();
    await expectNoOrphans(inner);
    const { work2, ...others } = await serverIds();
    expect(work2).toBeDefined();
    expect(others).toEqual(ids);
    inner.declare();
    await inner.up();
    await expectNoOrphans(inner);
    expect(await serverIds()).toEqual(ids);
});

test("another image makes the bastion anew first, and what is behind it through the new one", async () => {
    inner.declare((site) => {
        site.openstack["images"] = { debian: { name: "debian-12.2", generation: 2 } };
    });
    const said = await inner.up();
    expect(said).toMatch(/replaced in this order, .*: gate1, head1, work1/);
    await agent();
    const after = await serverIds();
    expect(Object.values(after).filter((id) => Object.values(ids).includes(id))).toEqual([]);
    await expectNoOrphans(inner);
    await inner.up("--refresh", "--expect-no-changes");
});

test("destroy leaves nothing but the data volume", async () => {
    const volumes = (await holdings()).volumes.filter(({ name }) => name !== "");
    await inner.destroy();
    await expectOnlyVolumes(volumes);
});
