/** What somebody changed by hand on a host is seen host by host, and mended there and nowhere else. */
import { agentIds, operatorCall } from "./support/endpoints";
import { invocations, on, tryOn } from "./support/hosts";
import { healthy, onTheLab } from "./support/site";
import { markChanged, preview, pulumi, up } from "./support/stack";
import { eventually } from "./support/steps";

onTheLab();

test("changes by hand are shown for each host, mended by up, and no other host is touched", async () => {
    await healthy();
    const lives = await invocations();
    markChanged();
    await Promise.all([
        on("bm2", "sed -i s/maxClientCnxns=60/maxClientCnxns=1/ /etc/zookeeper/conf/zoo.cfg"),
        on("bm3", "chmod 0666 /etc/mesos/acls.json"),
        on("bm5", "systemctl stop mesos-agent"),
        on("bm6", "rm /etc/mesos/agent-acls.json"),
    ]);

    const shown = await preview("--refresh");
    const seen = await pulumi(["refresh", "--preview-only", "--diff", "--non-interactive"]);
    for (const text of [shown, seen.text]) {
        expect(text).toContain("bm2: /etc/zookeeper/conf/zoo.cfg has another content");
        expect(text).toMatch(/maxClientCnxns=1$/m);
        expect(text).toContain("bm3: /etc/mesos/acls.json is root:root 0666, not root:root 0644");
        expect(text).toMatch(/bm5: mesos-agent\.service is inactive/);
        expect(text).toContain("bm6: /etc/mesos/agent-acls.json is missing");
        expect(text).not.toMatch(/bm[14]: \S+ (is|has) /);
    }
    // Looking has mended nothing.
    expect(await on("bm2", "cat /etc/zookeeper/conf/zoo.cfg")).toContain("maxClientCnxns=1\n");
    expect((await tryOn("bm5", "systemctl is-active mesos-agent")).stdout.trim()).toBe("inactive");

    await up("--refresh");
    await healthy();
    expect(await on("bm2", "cat /etc/zookeeper/conf/zoo.cfg")).toContain("maxClientCnxns=60\n");
    expect((await on("bm3", "stat -c %a /etc/mesos/acls.json")).trim()).toBe("644");
    expect(await on("bm6", "cat /etc/mesos/agent-acls.json")).toContain("{");
    const now = await invocations();
    const touched = Object.keys(now).filter((unit) => now[unit] !== lives[unit]);
    // A file's mode needs no restart.
    expect(touched.sort()).toEqual(["bm2/zookeeper", "bm5/mesos-agent", "bm6/mesos-agent"]);
    await up("--refresh", "--expect-no-changes");
});

test("an agent that a run which was killed, or a hand, has left drained is shown, and takes tasks again", async () => {
    const lives = await invocations();
    const id = (await agentIds())["bm4"] ?? "";
    markChanged();
    await operatorCall("DRAIN_AGENT", { drain_agent: { agent_id: { value: id }, mark_gone: false } });
    await eventually("bm4 is drained", async () => ((await agentIds())["bm4"] === undefined ? true : undefined));

    expect(await preview("--refresh")).toContain("bm4: the master gives it no tasks: it was drained");
    const told = await up("--refresh");
    expect(told).toContain("bm4: reactivated: takes tasks again");
    await healthy();
    expect((await agentIds())["bm4"]).toBe(id);
    expect(await invocations()).toEqual(lives);
    await up("--refresh", "--expect-no-changes");
});
