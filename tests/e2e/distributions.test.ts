/** Mesos as one package file and as a built tree, beside the repository that every other test installs it from. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agents } from "./support/endpoints";
import { on } from "./support/hosts";
import { LAB } from "./support/places";
import { must } from "./support/processes";
import { healthy, onTheLab } from "./support/site";
import { declare, destroy, preview, up } from "./support/stack";

// A small site cannot become the lab's in one step, so it ends first.
afterEach(async () => {
    await destroy();
});
onTheLab();

const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-distribution-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const sha256 = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

function packageFile(): string {
    const repository = join(LAB, "repository");
    const name = readdirSync(repository).find((file) => /^mesos_1\.11\.0.*\.deb$/.test(file));
    if (name === undefined) {
        throw new Error(`no Mesos package in ${repository}`);
    }
    return join(repository, name);
}

/** A tree as `make install` under a prefix leaves it: sbin, libexec/mesos, lib/mesos. */
async function tarball(): Promise<string> {
    const tree = join(dir, "tree");
    await must("dpkg-deb", ["-x", packageFile(), tree]);
    const file = join(dir, "mesos-1.11.0.tar.gz");
    await must("tar", ["-C", join(tree, "usr"), "-czf", file, "sbin", "libexec", "lib"]);
    return file;
}

/** One server and one agent, made from nothing. */
async function smallSite(distribution: Record<string, unknown>): Promise<void> {
    await destroy();
    for (const host of ["bm1", "bm4"]) {
        await on(host, "apt-get -qq purge -y mesos >/dev/null 2>&1; rm -rf /opt/mesos");
    }
    declare((site) => {
        site["distribution"] = distribution;
        site.zookeeper.members = { bm1: 1 };
        site.masters.members = ["bm1"];
        const build = site.pools["build"];
        site.pools = build === undefined ? {} : { build: { ...build, hosts: ["bm4"] } };
    });
    await up();
    await healthy(["bm4"], { quorum: ["bm1"] });
    expect(((await agents()) ?? []).map(({ hostname }) => hostname)).toEqual(["bm4"]);
    await preview("--expect-no-changes");
    await up("--refresh", "--expect-no-changes");
}

const program = async (host: string, unit: string): Promise<string> =>
    (await on(host, `readlink /proc/$(systemctl show -P MainPID ${unit}.service)/exe`)).trim();

test("a package file from the administrator's machine", async () => {
    const source = packageFile();
    await smallSite({ kind: "package", source, sha256: sha256(source) });
    expect((await on("bm4", "dpkg-query -W -f '${Version}' mesos")).trim()).toMatch(/^1\.11\.0-/);
    expect(await program("bm4", "mesos-agent")).toBe("/usr/lib/mesos/mesos-host");

    await on("bm4", "systemctl stop mesos-agent; apt-get -qq purge -y mesos >/dev/null 2>&1");
    expect(await up("--refresh")).toMatch(/bm4: .*install the debian package file/i);
    await healthy(["bm4"], { quorum: ["bm1"] });
});

test("a tarball under a prefix of its own", async () => {
    const source = await tarball();
    await smallSite({ kind: "tarball", source, sha256: sha256(source), prefix: "/opt/mesos" });
    expect((await on("bm4", "dpkg-query -W mesos 2>/dev/null || true")).trim()).toBe("");
    expect(await program("bm1", "mesos-master")).toMatch(/^\/opt\/mesos\//);
    expect(await program("bm4", "mesos-agent")).toMatch(/^\/opt\/mesos\//);
});
