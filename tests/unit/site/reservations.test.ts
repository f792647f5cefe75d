/** Reservations of the stack file: where they go, and what of them cannot be. */
import { planSite, planSiteWork, type Issue, type WorkPlan } from "../../../site";
import { Findings } from "../../../site/definitions/finding";
import { type Capacity, checkFit, type Demand } from "../../../site/marathon";
import { changed, type Tree } from "./sites";

const nothing = { config: () => undefined, hasSecret: () => false };

function workOf(reservations: Tree, more: Tree = {}): { work: WorkPlan } | { issues: readonly Issue[] } {
    const site = changed({ "frameworks marathon": { roles: ["services"] }, reservations, ...more });
    const result = planSite(site);
    if ("issues" in result) return result;
    return planSiteWork(result.site, result.plan, "/nowhere", nothing);
}

const services = { pool: "work", role: "services", resources: { cpus: 1, diskMiB: 500 } };

test("one for each agent of a pool, by a name that stays when others come and go", () => {
    const result = workOf(
        {
            services: {
                ...services,
                volumes: { data: { sizeMiB: 300 }, logs: { sizeMiB: 100, containerPath: "var/log" } },
            },
            twins: { hosts: ["bm[5-6]"], role: "batch", resources: { memMiB: 1024 } },
        },
        { "quotas batch": {} },
    );
    expect(result).not.toHaveProperty("issues");
    const { reservations } = (result as { work: WorkPlan }).work;
    expect(reservations.map(({ name, pool }) => `${name} ${pool ?? ""}`)).toEqual([
        "bm4/services work",
        "bm5/services work",
        "bm6/services work",
        "bm5/batch work",
        "bm6/batch work",
    ]);
    expect(reservations[0]).toMatchObject({
        hostname: "bm4",
        resources: { cpus: 1, disk: 500 },
        volumes: { data: { sizeMiB: 300, containerPath: "data" }, logs: { sizeMiB: 100, containerPath: "var/log" } },
    });
});

test("ports, out of the agents' own, in order and joined; labels", () => {
    const resources = { cpus: 1, ports: ["31010-31019", "31000-31009"] };
    const result = workOf({ db: { ...services, resources, labels: { owner: "db" } } });
    const { reservations } = (result as { work: WorkPlan }).work;
    expect(reservations[0]).toMatchObject({
        resources: { cpus: 1 },
        ports: [[31000, 31019]],
        labels: { owner: "db" },
    });
});

const row = (more: Tree): Tree => ({ services: { ...services, ...more } });

test.each<[string, Tree, string]>([
    ["neither pool nor hosts", row({ pool: undefined }), "RESERVATION_WHERE reservations.services"],
    ["both", row({ hosts: ["bm4"] }), "RESERVATION_WHERE reservations.services"],
    ["a pool that is none", row({ pool: "wrok" }), "RESERVATION_POOL reservations.services.pool"],
    [
        "a host without an agent",
        row({ pool: undefined, hosts: ["bm1"] }),
        "RESERVATION_HOST reservations.services.hosts",
    ],
    ["everybody's role", row({ role: "*" }), "RESERVATION_ROLE reservations.services.role"],
    ["a role that nobody has", row({ role: "servces" }), "RESERVATION_ROLE reservations.services.role"],
    ["nothing", row({ resources: {} }), "RESERVATION_EMPTY reservations.services.resources"],
    ["more than an agent has", row({ resources: { cpus: 5 } }), "RESERVATION_FIT reservations.services.resources.cpus"],
    [
        "GPUs where there are none",
        row({ resources: { gpus: 1 } }),
        "RESERVATION_FIT reservations.services.resources.gpus",
    ],
    [
        "ports that an agent does not have",
        row({ resources: { ports: ["31990-32100"] } }),
        "RESERVATION_FIT reservations.services.resources.ports",
    ],
    [
        "ports from high to low",
        row({ resources: { ports: ["31009-31000"] } }),
        "RESERVATION_PORTS reservations.services.resources.ports[0]",
    ],
    ["no ports", row({ resources: { ports: ["ssh"] } }), "FORMAT reservations.services.resources.ports[0]"],
    [
        "volumes larger than the disk",
        row({ volumes: { data: { sizeMiB: 501 } } }),
        "RESERVATION_DISK reservations.services.resources.diskMiB",
    ],
    [
        "two volumes in one place",
        row({ volumes: { a: { sizeMiB: 1, containerPath: "x" }, b: { sizeMiB: 1, containerPath: "x" } } }),
        "RESERVATION_PATH reservations.services.volumes",
    ],
    [
        "the same role twice on an agent",
        { services, twins: { ...services, pool: undefined, hosts: ["bm4"] } },
        "RESERVATION_TWICE reservations.twins",
    ],
])("%s is refused, once", (_what, reservations, expected) => {
    const result = workOf(reservations);
    const issues = "issues" in result ? result.issues : [];
    expect(issues.map(({ code, path }) => `${code} ${path}`)).toEqual([expected]);
});

test("together more than an agent has", () => {
    const small = { ...services, role: "batch", resources: { cpus: 3.5 } };
    const result = workOf({ services, small }, { "quotas batch": {} });
    expect("issues" in result ? result.issues : []).toMatchObject([
        {
            code: "RESERVATION_FIT",
            path: "reservations.small.resources.cpus",
            message: expect.stringContaining("4.5") as string,
            allowed: "4 on each agent",
        },
    ]);
});

test("ports that another reservation of the agent has already, also on agents of others", () => {
    const web = { ...services, resources: { ports: ["31000-31009"] } };
    const batch = { ...services, role: "batch", resources: { ports: ["31005-31014"] } };
    for (const more of [{}, { pool: undefined, hosts: ["bm4"] }]) {
        const result = workOf({ web: { ...web, ...more }, batch: { ...batch, ...more } }, { "quotas batch": {} });
        expect("issues" in result ? result.issues : []).toMatchObject([
            {
                code: "RESERVATION_PORTS",
                path: "reservations.web.resources.ports",
                fix: "take 31005-31009 out of one of both",
            },
        ]);
    }
});

test.each([["/data"], ["../data"], ["a/../b"], ["a b"], [""]])("%j is no path in a task", (containerPath) => {
    const result = workOf(row({ volumes: { data: { sizeMiB: 1, containerPath } } }));
    expect("issues" in result ? result.issues.map(({ path }) => path) : []).toEqual([
        "reservations.services.volumes.data.containerPath",
    ]);
});

test("a pool that is one role's by its own flags takes no other", () => {
    const result = workOf(row({}), { "pools work defaultRole": "batch" });
    expect("issues" in result ? [...new Set(result.issues.map(({ code }) => code))] : []).toEqual([
        "RESERVATION_STATIC",
    ]);
});

describe("what is kept for a role", () => {
    const agent: Capacity = {
        pool: "work",
        hostname: "bm4",
        attributes: {},
        cpus: 4,
        memMiB: 4096,
        diskMiB: 1000,
        gpus: 0,
        role: "*",
        ports: [[31000, 31099]],
        reserved: [{ role: "services", cpus: 3, memMiB: 0, diskMiB: 0, gpus: 0, ports: [[31000, 31009]] }],
    };
    const demand = (role: string, cpus: number, acceptedRoles?: string[], hostPorts: number[] = []): Demand => ({
        instances: 1,
        cpus,
        mem: 0,
        disk: 0,
        gpus: 0,
        role,
        constraints: [],
        hostPorts,
        ...(acceptedRoles === undefined ? {} : { acceptedRoles }),
    });
    test.each([
        ["its own role has all", demand("services", 4), []],
        ["others have the rest", demand("other", 1), []],
        ["and no more", demand("other", 1.5), ["APP_FIT"]],
        ["who takes reserved ones only has these", demand("services", 3, ["services"]), []],
        ["and not the rest", demand("services", 3.5, ["services"]), ["APP_FIT"]],
        ["a port of its own", demand("services", 1, undefined, [31005]), []],
        ["not for others", demand("other", 1, undefined, [31005]), ["APP_FIT"]],
        ["who have the rest", demand("other", 1, undefined, [31010]), []],
        ["nor the rest for who takes reserved ones only", demand("services", 1, ["services"], [31010]), ["APP_FIT"]],
        ["nothing for a role without any", demand("other", 1, ["other"]), ["APP_FIT_ROLE"]],
    ])("%s", (_what, wanted, codes) => {
        const findings = new Findings();
        checkFit("APP", wanted, [agent], findings);
        expect(findings.all.map(({ code }) => code)).toEqual(codes);
    });
});
