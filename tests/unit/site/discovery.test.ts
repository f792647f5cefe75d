/** The load balancer and the name servers in a stack file: what hosts get, and what is refused. */
import { withProgram } from "../../../components/discovery/discovery";
import { programMark } from "../../../site/plan/discovery";
import { changed, faultsOf, planOf, textOf } from "./sites";

const both = {
    frameworks: { marathon: { roles: ["services"], users: ["root"] } },
    marathon: { members: ["bm[1-2]"] },
    loadBalancer: { hosts: ["bm[1-2]"] },
    discovery: { hosts: ["bm3"] },
};

test("a load balancer follows the site's own Marathon, by a password that only it may read", () => {
    const { loadBalancers, nameServers, secrets } = planOf(changed(both));
    expect(loadBalancers.map(({ host }) => host)).toEqual(["bm1", "bm2"]);
    expect(JSON.parse(textOf(loadBalancers, "/etc/pulumi-mesos/balance.json"))).toMatchObject({
        marathon: {
            urls: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"],
            user: "marathon",
            passwordFile: "/etc/pulumi-mesos/balance-password",
        },
        balancer: { group: "external", httpPort: 80 },
    });
    const password = loadBalancers[0]?.files["/etc/pulumi-mesos/balance-password"];
    expect(password).toMatchObject({ mode: "0600", owner: "haproxy", secrets: ["marathon-http"] });
    expect(secrets.map(({ name }) => name)).toContain("marathon-http");
    expect(JSON.parse(textOf(nameServers, "/etc/pulumi-mesos/names.json"))).toMatchObject({
        listen: { address: "10.0.0.3", port: 53 },
        masters: "zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/mesos",
    });
    expect(textOf(nameServers, "/etc/systemd/system/pulumi-mesos-names.service")).toContain("CAP_NET_BIND_SERVICE");
});

test("nothing but its unit restarts HAProxy: all else it learns by a reload", () => {
    const [first] = planOf(changed(both)).loadBalancers;
    expect(first?.units["haproxy.service"]?.restartOn).toEqual(["/etc/systemd/system/haproxy.service"]);
    expect(first?.units["pulumi-mesos-balance.service"]?.restartOn).toContain("/etc/pulumi-mesos/balance.json");
});

test("of a Marathon that others run, the password is the stack's secret", () => {
    const existing = { urls: ["http://m:8080"], user: "ops", passwordSecret: "marathon-password" };
    const plan = planOf(changed({ marathon: { existing }, loadBalancer: { hosts: ["bm1"] } }));
    expect(plan.secrets).toContainEqual({ name: "marathon-password", length: 32, given: true });
    expect(textOf(plan.loadBalancers, "/etc/pulumi-mesos/balance-password")).toBe("@@secret:marathon-password@@");
});

test("the program's text is in the plan only as a mark, and on hosts as it is", () => {
    const [first] = planOf(changed(both)).loadBalancers;
    if (first === undefined) throw new Error("no load balancer");
    const path = "/usr/local/lib/pulumi-mesos/balance.js";
    expect(first.files[path]?.content).toBe(programMark);
    const filled = withProgram(first, () => "the program");
    expect(filled.files[path]?.content).toBe("the program");
    expect(filled.files["/etc/pulumi-mesos/balance.json"]).toBe(first.files["/etc/pulumi-mesos/balance.json"]);
});

test.each([
    ["no Marathon", { marathon: undefined }, "MARATHON_MISSING loadBalancer"],
    ["no hosts", { "discovery hosts": [] }, "EMPTY discovery.hosts"],
    ["a host twice", { "loadBalancer hosts": ["bm1", "bm[1-2]"] }, "HOST_REUSED loadBalancer.hosts[1]"],
    ["an unknown host", { "discovery hosts": ["bm9"] }, "HOST_UNKNOWN discovery.hosts[0]"],
    ["a bad range", { "discovery hosts": ["bm[3-1]"] }, "RANGE_SYNTAX discovery.hosts[0]"],
    ["one port for two", { "loadBalancer healthPort": 80 }, "PORT_CLASH loadBalancer.healthPort"],
    ["Marathon's port", { "loadBalancer httpPort": 8080 }, "PORT_CLASH loadBalancer.httpPort"],
    ["no domain", { "discovery domain": "Mesos." }, "FORMAT discovery.domain"],
])("%s is refused", (_what, changes, expected) => {
    const found = faultsOf(changed({ ...structuredClone(both), ...changes })).map(
        ({ code, path }) => `${code} ${path}`,
    );
    expect(found).toContain(expected);
});
