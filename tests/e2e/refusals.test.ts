/** What cannot work is refused with one clear error, before anything is touched. */
import { join } from "node:path";
import { addressOf, fingerprint, HOSTS, invocations, lab, QUORUM } from "./support/hosts";
import { copyDir } from "./support/places";
import { must } from "./support/processes";
import { healthy, onTheLab } from "./support/site";
import { declare, failingUp, markConverged, pulumi, type Site } from "./support/stack";

onTheLab();

/** Puts a new host into a pool of its own or into another one. */
function withHost(site: Site, name: string, pool: string, more: Record<string, unknown> = {}): void {
    site.hosts[name] = { kind: "bareMetal", address: addressOf(name), ...more };
    site.pools[pool]?.hosts.push(name);
}

/** `running`: the hosts whose services must all go on. */
async function untouched(
    hosts: readonly string[],
    work: () => Promise<void>,
    running: readonly string[] = HOSTS,
): Promise<void> {
    const [prints, lives] = [await Promise.all(hosts.map(fingerprint)), await invocations(running)];
    await work();
    expect(await Promise.all(hosts.map(fingerprint))).toEqual(prints);
    expect(await invocations(running)).toEqual(lives);
}

/** The lines in which the engine reports what went wrong. */
function errorsOf(text: string): string[] {
    return text.split("\n").filter((line) => /^\s*error: /.test(line) && !/update failed|preview failed/.test(line));
}

test("a key that a host does not accept, and a host that is out of reach: each is named, the others are untouched", async () => {
    const key = join(copyDir(), "wrong_key");
    await must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await untouched(["bm4", "bm5"], async () => {
        declare((site) => {
            const net = addressOf("bm1").replace(/\d+$/, "");
            delete site.hosts["bm[4-6]"];
            Object.assign(site.hosts, {
                bm4: { kind: "bareMetal", address: `${net}14`, zone: "zone-a", ssh: { privateKeyFile: key } },
                "bm[5-6]": { kind: "bareMetal", address: `${net}[15-16]`, zone: ["zone-b", "zone-c"] },
            });
            // Something to do, so that both are asked.
            Object.assign(site.pools["build"] ?? {}, { gcDelayHours: 88 });
        });
        await lab("partition", "bm5");
        const text = await failingUp().finally(() => lab("heal", "bm5"));
        expect(text).toContain(`bm4: preflight: root@${addressOf("bm4")}:22 does not accept ${key}`);
        expect(text).toMatch(/fix: put the public key into authorized_keys there/);
        expect(text).toMatch(new RegExp(`bm5: preflight: cannot reach root@${addressOf("bm5")}:22`));
        expect(text).toMatch(/fix: check power, network and sshd of the host/);
        expect(errorsOf(text)).toHaveLength(2);
        expect(text).not.toMatch(/^\s+at .*\.js:\d+/m);
    });
});

test("a full disk and a system that is not supported are found before anything is installed", async () => {
    // One by one: hosts are made under a lock.
    await lab("add", "bm8", "--disk", "300M");
    await lab("add", "bm9", "--os", "alma9");
    await lab("fill-disk", "bm8");
    await untouched(["bm8", "bm9", ...HOSTS], async () => {
        declare((site) => {
            withHost(site, "bm8", "build");
            withHost(site, "bm9", "relval");
        });
        const text = await failingUp();
        expect(text).toMatch(
            /bm8: preflight: .*\/var\/lib\/mesos\S* has \d+ MiB free, \d+ MiB are needed; free some space/,
        );
        expect(text).toMatch(/bm9: preflight: the host runs AlmaLinux 9\.4 .*; supported: .*debian/);
        expect(errorsOf(text)).toHaveLength(2);
    });
});

describe("a declaration that would cost the quorum", () => {
    test.each([
        [
            "an even number of masters",
            (site: Site) => (site.masters.members = ["bm[1-2]"]),
            ["MASTERS_EVEN", "masters.members", "allowed: an odd number"],
        ],
        [
            "an even number of ZooKeeper members",
            (site: Site) => delete site.zookeeper.members["bm3"],
            ["ZK_EVEN", "zookeeper.members", "allowed: an odd number"],
        ],
        [
            "one master instead of three",
            (site: Site) => (site.masters.members = ["bm1"]),
            ["MASTER_LOG_LOST", "too few of the present masters stay"],
        ],
        [
            "another server id for a member",
            (site: Site) => (site.zookeeper.members["bm3"] = 4),
            ["ZK_ID_CHANGED", "a member keeps its id for ever"],
        ],
    ])("%s is refused by preview and by up", async (_, change, words) => {
        await untouched(QUORUM, async () => {
            declare((site) => void change(site));
            const seen = await pulumi(["preview", "--non-interactive"]);
            expect(seen.code).not.toBe(0);
            const text = await failingUp();
            for (const word of words) {
                expect(seen.text).toContain(word);
                expect(text).toContain(word);
            }
        });
        // Neither hosts nor state were touched, so there is nothing to bring back.
        markConverged();
    });

    test("a member that is taken out while another one is down is refused, and stays", async () => {
        await healthy();
        await lab("power-cut", "bm2");
        await untouched(
            ["bm1", "bm3"],
            async () => {
                declare((site) => {
                    delete site.zookeeper.members["bm3"];
                    site.zookeeper["allowEven"] = true;
                });
                const text = await failingUp();
                expect(text).toMatch(new RegExp(`bm2: preflight: cannot reach root@${addressOf("bm2")}:22`));
                expect(text).toContain("bm1: not changed: the rollout of zookeeper stopped at bm2 (preflight)");
                expect(text).not.toMatch(/bm3: .*(stopped and disabled|removed)/);
            },
            HOSTS.filter((host) => host !== "bm2"),
        ).finally(() => lab("power-on", "bm2"));
    });
});
