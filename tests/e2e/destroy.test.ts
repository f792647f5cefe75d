/** `pulumi destroy` takes the services off the hosts and leaves their data; `up` brings the site back. */
import { agentIds, leaderBy, zookeeperMode } from "./support/endpoints";
import { HOSTS, on, QUORUM, unitsOf } from "./support/hosts";
import { healthy, onTheLab } from "./support/site";
import { declare, destroy, exportState, up } from "./support/stack";

onTheLab();

/** What of the site is left on a host. */
async function remains(host: string): Promise<Record<string, string>> {
    const text = await on(
        host,
        `echo "units=$(systemctl list-unit-files --no-legend 'mesos*' 'zookeeper*' | tr -d '\\n')"
         echo "processes=$(pgrep -l 'mesos|java' | tr '\\n' ' ')"
         echo "files=$(find /etc/mesos /etc/zookeeper/conf -type f 2>/dev/null | tr '\\n' ' ')"`,
    );
    return Object.fromEntries(
        text
            .trim()
            .split("\n")
            .map((line) => [line.split("=")[0] ?? "", line.split("=")[1] ?? ""]),
    );
}

test("destroy takes every service off its host and keeps the data; up brings the site back to health", async () => {
    await healthy();
    const told = await destroy();
    expect(told).not.toMatch(/^\s+at .*\.js:\d+/m);
    const left = await Promise.all(HOSTS.map(remains));
    HOSTS.forEach((host, index) => {
        expect([host, left[index]]).toEqual([host, { units: "", processes: "", files: "" }]);
    });
    expect(await Promise.all(QUORUM.map(zookeeperMode))).toEqual(QUORUM.map(() => undefined));
    expect((await Promise.all(QUORUM.map((host) => leaderBy(host)))).map(({ answers }) => answers)).toEqual(
        QUORUM.map(() => false),
    );
    for (const host of HOSTS) {
        // ZooKeeper's data is put aside: it belongs to the credentials that went with the stack.
        const data = unitsOf(host).includes("zookeeper")
            ? ["/var/lib/zookeeper/version-2.before-*/log.*", "/var/lib/mesos/master/replicated_log/CURRENT"]
            : ["/var/lib/mesos/agent/meta/slaves"];
        for (const path of data) {
            expect(await on(host, `ls -d ${path}`)).not.toBe("");
        }
    }
    expect((await exportState()).resources).toEqual([]);

    declare();
    await up();
    await healthy();
    expect(Object.keys(await agentIds()).sort()).toEqual(["bm4", "bm5", "bm6"]);
    await up("--refresh", "--expect-no-changes");
});
