import { dealtZone } from "../../../site/plan/hosts";
import { changed, faultsOf, openstackSection, planOf, smallSite, type Tree } from "./sites";

/** What must never change for a host when others come and go. */
function identities(site: Tree) {
    const plan = planOf(site);
    const all = [...plan.zookeeper.members, ...plan.masters.members, ...plan.pools.flatMap(({ agents }) => agents)];
    return new Map(
        all.map(({ host, connection, service, files }) => [
            `${service.kind}/${host}`,
            {
                address: connection.address,
                zone: plan.instances.find((vm) => vm.host === host)?.failureDomain.name,
                env: files["/etc/mesos/agent.env"],
            },
        ]),
    );
}

function build(names: string, addresses: string): Tree {
    const vm = {
        kind: "openstack",
        flavor: "f",
        zone: ["a", "b", "c"],
    };
    return changed({
        openstack: openstackSection(),
        [`hosts ${names}`]: { ...vm, address: addresses },
        domain: { region: "here" },
        "pools build": { hosts: [names], resources: { cpus: 1, memMiB: 512, diskMiB: 1024 } },
    });
}

test.each([
    ["one more at the end", "b[01-09]", "10.1.0.[1-9]"],
    ["one less at the end", "b[01-07]", "10.1.0.[1-7]"],
    ["one less at the beginning", "b[02-08]", "10.1.0.[2-8]"],
    ["one less in the middle", "b[01-03,05-08]", "10.1.0.[1-8]"],
    ["one more at the beginning", "b[00-08]", "10.1.0.[0-8]"],
])("with %s, every other host keeps its zone, address and flags", (_what, names, addresses) => {
    const before = identities(build("b[01-08]", "10.1.0.[1-8]"));
    const after = identities(build(names, addresses));
    const common = [...before.keys()].filter((key) => after.has(key));
    expect(common.length).toBeGreaterThanOrEqual(before.size - 1);
    for (const key of common) expect(after.get(key)).toEqual(before.get(key));
});

test.each([
    [1, "a"],
    [2, "b"],
    [3, "c"],
    [4, "a"],
    [0, "c"],
    [undefined, "a"],
])("number %s has zone %s", (number, zone) => {
    expect(dealtZone(["a", "b", "c"], number)).toBe(zone);
});

test("a host's ssh settings win over the site's, field by field", () => {
    const plan = planOf(
        changed({
            ssh: { user: "admin", privateKeyFile: "/k", port: 2222 },
            "hosts bm[4-6]": {
                kind: "bareMetal",
                address: "10.0.0.[4-6]",
                ssh: { user: "aliprod", proxyJump: "gate" },
            },
        }),
    );
    expect(plan.pools[0]?.agents[0]?.connection).toEqual({
        address: "10.0.0.4",
        user: "aliprod",
        port: 2222,
        privateKeyFile: "/k",
        proxyJump: "gate",
    });
    expect(plan.masters.members[0]?.connection.user).toBe("admin");
});

test("only the named hosts of a range are protected", () => {
    const plan = planOf(
        changed({
            "hosts bm[4-6]": { kind: "bareMetal", address: "10.0.0.[4-6]", protect: ["bm5"] },
            "pools work attributes": { a: "b" },
        }),
    );
    expect(plan.pools[0]?.agents.map(({ host, protect }) => [host, protect])).toEqual([
        ["bm4", false],
        ["bm5", true],
        ["bm6", false],
    ]);
});

test("fails when hosts and addresses do not pair up", () => {
    expect(faultsOf(changed({ "hosts bm[4-6] address": "10.0.0.[4-7]" }))).toEqual([
        {
            code: "RANGE_LENGTH",
            path: 'hosts["bm[4-6]"].address',
            message: "hosts and addresses do not pair up",
            value: '"10.0.0.[4-7]"',
            allowed: 'a range over 3 numbers, as in "bm[4-6]"; this one spans 4',
        },
    ]);
});

test("the small site has no fault", () => {
    expect(faultsOf(smallSite())).toEqual([]);
});

test("a stack of apps, jobs and quotas on what others run needs no hosts", () => {
    const plan = planOf({
        cluster: "apps",
        distribution: { kind: "installed" },
        zookeeper: { existing: { servers: ["10.0.0.1:2181"] } },
        masters: { existing: { addresses: { m1: "10.0.0.1" } } },
        marathon: { existing: { urls: ["http://10.0.0.1:8080"] } },
        apps: ["apps"],
    });
    expect(plan.masters.endpoints).toEqual([{ name: "m1", address: "10.0.0.1", port: 5050 }]);
});
