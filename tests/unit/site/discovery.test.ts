/** The load balancer and the name servers in a stack file: what hosts get, and what is refused. */
import { withPrograms } from "../../../components/shared/programs";
import { programMark } from "../../../site/plan/files";
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
    expect(first.files[path]?.content).toBe(programMark("discovery"));
    const filled = withPrograms(first, { discovery: () => "the program" });
    expect(filled.files[path]?.content).toBe("the program");
    expect(filled.files["/etc/pulumi-mesos/balance.json"]).toBe(first.files["/etc/pulumi-mesos/balance.json"]);
});

describe("by the package of Mesos-DNS", () => {
    const mesosDns = { package: { version: "0.9.3" }, settings: { timeout: 3 } };
    const tree = (more: object = {}) =>
        changed({ ...structuredClone(both), loadBalancer: undefined, "discovery mesosDns": mesosDns, ...more });

    test("its configuration says where the masters are and as whom to look, in a file that only it may read", () => {
        const { nameServers, secrets } = planOf(tree());
        const [first] = nameServers;
        expect(JSON.parse(textOf(nameServers, "/etc/mesos-dns/config.json"))).toEqual({
            IPSources: ["netinfo", "mesos", "host"],
            SOAMname: "ns1.mesos",
            SOARname: "root.ns1.mesos",
            dnson: true,
            domain: "mesos",
            externalon: false,
            httpon: false,
            listener: "10.0.0.3",
            masters: ["10.0.0.1:5050", "10.0.0.2:5050", "10.0.0.3:5050"],
            mesosAuthentication: "basic",
            mesosCredentials: { principal: "mesos-dns", secret: "@@secret:principal-mesos-dns@@" },
            port: 53,
            refreshSeconds: 10,
            timeout: 3,
            ttl: 5,
            zk: "zk://10.0.0.1:2181,10.0.0.2:2181,10.0.0.3:2181/mesos",
        });
        expect(first?.files["/etc/mesos-dns/config.json"]).toMatchObject({ mode: "0600", owner: "mesos-dns" });
        expect(textOf(nameServers, "/etc/systemd/system/mesos-dns.service")).toContain(
            "AmbientCapabilities=CAP_NET_BIND_SERVICE\nNoNewPrivileges=true\nExecStart=/usr/bin/mesos-dns -config=/etc/mesos-dns/config.json\n",
        );
        expect(first?.packages).toEqual([{ name: "mesos-dns", version: "0.9.3" }]);
        expect(first?.service).toMatchObject({ kind: "nameServer", port: 53, domain: "mesos" });
        expect(secrets.map(({ name }) => name)).toContain("principal-mesos-dns");
        expect(first?.files).not.toHaveProperty(["/usr/local/lib/pulumi-mesos/names.js"]);
    });

    test("the masters let it look, and nothing else; without HTTP authentication nobody has a credential", () => {
        const { members } = planOf(tree()).masters;
        expect(textOf(members, "/etc/mesos/credentials.json")).toContain("@@secret:principal-mesos-dns@@");
        const acls = JSON.parse(textOf(members, "/etc/mesos/acls.json")) as Record<string, unknown>;
        const mayDo = Object.keys(acls).filter((name) => JSON.stringify(acls[name]).includes("mesos-dns"));
        expect(mayDo).toEqual(["view_executors", "view_frameworks", "view_roles", "view_tasks"]);
        const open = planOf(tree({ "authentication http": false }));
        expect(textOf(open.nameServers, "/etc/mesos-dns/config.json")).not.toContain("mesosCredentials");
        expect(JSON.stringify(open.masters)).not.toContain("principal-mesos-dns");
        expect(JSON.stringify(planOf(changed(structuredClone(both))).masters)).not.toContain("principal-mesos-dns");
    });

    test("it needs no Marathon; its principal and what has a field are not for others", () => {
        expect(faultsOf(tree({ marathon: undefined }))).toEqual([]);
        const settings = { "discovery mesosDns": { settings: { TTL: 1, httpon: true, SOARefresh: 30 } } };
        const named = { "frameworks mesos-dns": { roles: ["services"], users: ["root"] } };
        expect(
            faultsOf(tree({ ...settings, ...named }))
                .map(({ code, path }) => `${code} ${path}`)
                .sort(),
        ).toEqual(["FLAG_OWNED discovery.mesosDns.settings.TTL", "PRINCIPAL_RESERVED frameworks.mesos-dns"]);
    });
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
