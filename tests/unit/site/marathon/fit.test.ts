import {
    type App,
    type Capacity,
    checkFit,
    checkTogether,
    type Declared,
    demandOfApp,
    Findings,
    normalizeApp,
    plainMarathon,
} from "../../../../site/marathon";

const agent = (hostname: string, more: Partial<Capacity> = {}): Capacity => ({
    pool: "work",
    hostname,
    attributes: { rack: hostname < "w4" ? "r1" : "r2" },
    cpus: 15.5,
    memMiB: 64_000,
    diskMiB: 100_000,
    gpus: 0,
    role: "*",
    ports: [[31000, 32000]],
    ...more,
});
const agents = ["w1", "w2", "w3", "w4", "w5"].map((name) => agent(name));
const app = (more: object): App => normalizeApp({ id: "/web", cmd: "serve", ...more }, plainMarathon);

function said(definition: App, on: readonly Capacity[] = agents): string[] {
    const findings = new Findings();
    checkFit("APP", demandOfApp(definition), on, findings);
    return findings.all.map(({ message }) => message);
}

const mapped = (hostPort: number): object => ({
    networks: [{ mode: "container/bridge" }],
    container: { docker: { image: "a" }, portMappings: [{ containerPort: 80, hostPort }] },
});

test.each<[string, object, string[], Capacity[]?]>([
    ["a small app", { cpus: 2 }, []],
    ["too many CPUs", { cpus: 32 }, ["no pool can hold one instance: cpus 32 > 15.5"]],
    [
        "too much of two",
        { cpus: 32, mem: 100_000 },
        ["no pool can hold one instance: cpus 32 > 15.5, mem 100000 > 64000"],
    ],
    [
        "UNIQUE",
        { instances: 8, constraints: [["hostname", "UNIQUE"]] },
        ["constraint hostname UNIQUE needs 8 agents, 5 match"],
    ],
    [
        "UNIQUE by rack",
        { instances: 3, constraints: [["rack", "UNIQUE"]] },
        ["constraint rack UNIQUE needs 3 agents, 2 match"],
    ],
    [
        "MAX_PER",
        { instances: 5, constraints: [["rack", "MAX_PER", "2"]] },
        ["constraint rack MAX_PER 2 needs room for 5 instances, 4 match"],
    ],
    [
        "a value that nothing has",
        { constraints: [["rack", "LIKE", "r[5-9]"]] },
        ["constraint rack LIKE r[5-9] matches no agent"],
    ],
    [
        "an attribute that nothing has",
        { constraints: [["disk", "IS", "ssd"]] },
        ["constraint disk IS ssd matches no agent"],
    ],
    ["UNLIKE an attribute that nothing has", { constraints: [["disk", "UNLIKE", "ssd"]] }, []],
    [
        "a port of the system",
        mapped(80),
        ["no pool can hold one instance: host port 80 is outside of every pool's ports"],
    ],
    ["one port on each agent", { ...mapped(31080), instances: 6 }, ["even empty pools hold 5 of 6 instances"]],
    ["no instances", { cpus: 99, instances: 0 }, []],
    ["another role's agents", { cpus: 1 }, ["no pool gives resources to the role *"], [agent("x", { role: "gpu" })]],
    [
        "constraints before size",
        { cpus: 12, constraints: [["rack", "IS", "r3"]] },
        [],
        [agent("x", { attributes: { rack: "r3" } })],
    ],
])("%s", (_what, more, expected, on = agents) => {
    expect(said(app(more), on)).toEqual(expected);
});

test("nothing is said of a site without pools", () => {
    expect(said(app({ cpus: 99 }), [])).toEqual([]);
});

describe("together", () => {
    const declared = (...apps: object[]): Declared[] =>
        apps.map((more, index) => ({ kind: "app", definition: app(more), source: `apps/${index}.json` }));
    const told = (all: Declared[], count = 5): string[] => {
        const findings = new Findings();
        checkTogether(all, findings, new Set(["/known"]), count);
        return findings.all.map(({ path, message }) => `${path} ${message}`);
    };
    test.each<[string, object[], string[]]>([
        ["different apps", [{ id: "/a" }, { id: "/b" }], []],
        ["one id", [{ id: "/a" }, { id: "a" }], ["/a is declared twice: in apps/0.json and in apps/1.json"]],
        [
            "one service port",
            [
                { id: "/a", portDefinitions: [{ port: 10001 }] },
                { id: "/b", portDefinitions: [{ port: 10001 }] },
            ],
            ["/b wants service port 10001, which /a has"],
        ],
        [
            "one host port on too few agents",
            [
                { id: "/a", instances: 3, ...mapped(31080) },
                { id: "/b", instances: 3, ...mapped(31080) },
            ],
            ["/b wants host port 31080 as /a does: together they need 6 agents, there are 5"],
        ],
        [
            "one host port on enough agents",
            [
                { id: "/a", instances: 2, ...mapped(31080) },
                { id: "/b", instances: 3, ...mapped(31080) },
            ],
            [],
        ],
        [
            "an app that is a group",
            [{ id: "/shop" }, { id: "/shop/web" }],
            ["/shop is an app and, because of /shop/web, a group"],
        ],
        ["a dependency", [{ id: "/a/b", dependencies: ["/g", "/known"] }, { id: "/g/c" }], []],
        ["an unknown dependency", [{ id: "/a", dependencies: ["/x"] }], ["/a depends on /x, which is not declared"]],
        [
            "a ring",
            [
                { id: "/a", dependencies: ["/b"] },
                { id: "/b", dependencies: ["/a"] },
            ],
            ["/a the apps wait for each other: /a → /b → /a"],
        ],
    ])("%s", (_what, apps, expected) => {
        expect(told(declared(...apps))).toEqual(expected);
    });
});
