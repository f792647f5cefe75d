/** Whether an app fits on the agents that run, from the master's own answers. */
import type { OperatorApi } from "../../../provider/clients/mesos";
import { capacitiesFor, liveAgents } from "../../../provider/resources/liveAgents";
import { Findings } from "../../../site/definitions/finding";
import { checkFit, type Demand } from "../../../site/marathon";

const scalar = (name: string, value: number, role?: string): object => ({
    name,
    type: "SCALAR",
    scalar: { value },
    ...(role === undefined ? {} : { reservations: [{ type: "STATIC", role }] }),
});
const agent = (hostname: string, resources: object[], more: object = {}): object => ({
    active: true,
    agent_info: {
        hostname,
        attributes: [{ name: "rack", type: "TEXT", text: { value: "r1" } }],
        domain: { fault_domain: { region: { name: "eu" }, zone: { name: "a" } } },
    },
    total_resources: [
        ...resources,
        { name: "ports", type: "RANGES", ranges: { range: [{ begin: 31000, end: 31010 }] } },
    ],
    ...more,
});
const master = (agents: object[]): OperatorApi => ({
    operate: () => Promise.resolve({ get_agents: { agents } } as never),
});
const plain = [scalar("cpus", 4), scalar("mem", 1024), scalar("disk", 100)];
const demand = (more: Partial<Demand>): Demand => ({
    instances: 1,
    cpus: 1,
    mem: 32,
    disk: 0,
    gpus: 0,
    role: "*",
    constraints: [],
    hostPorts: [],
    ...more,
});

async function said(agents: object[], wanted: Demand): Promise<string[]> {
    const findings = new Findings();
    const running = (await liveAgents(master(agents), 1000)) ?? [];
    checkFit("APP", wanted, capacitiesFor(running, wanted), findings, "running agent");
    return findings.all.map(({ message }) => message);
}

test.each<[string, object[], Partial<Demand>, string[]]>([
    ["it fits", [agent("w1", plain)], { cpus: 4 }, []],
    ["too large", [agent("w1", plain)], { cpus: 5 }, ["no running agent can hold one instance: cpus 5 > 4"]],
    [
        "what is reserved for others does not count",
        [agent("w1", [...plain, scalar("cpus", 8, "gpu")])],
        { cpus: 5 },
        ["no running agent can hold one instance: cpus 5 > 4"],
    ],
    [
        "what is reserved for its role does",
        [agent("w1", [...plain, scalar("cpus", 8, "web")])],
        { cpus: 12, role: "web" },
        [],
    ],
    [
        "agents that take no tasks now do not count",
        [
            agent("w1", plain),
            agent("w2", plain, { deactivated: true }),
            agent("w3", plain, { active: false }),
            agent("w4", plain, { drain_info: {} }),
        ],
        { instances: 2, constraints: [{ field: "hostname", operator: "UNIQUE" }] },
        ["constraint hostname UNIQUE needs 2 agents, 1 match"],
    ],
    [
        "attributes, domain and ports are theirs",
        [agent("w1", plain)],
        {
            constraints: [
                { field: "rack", operator: "IS", value: "r1" },
                { field: "@zone", operator: "IS", value: "a" },
            ],
            hostPorts: [31005],
        },
        [],
    ],
    ["nothing is said when nothing runs", [], { cpus: 99 }, []],
])("%s", async (_what, agents, more, expected) => {
    expect(await said(agents, demand(more))).toEqual(expected);
});

test("a master that does not answer in time, or refuses, is done without", async () => {
    expect(await liveAgents({ operate: () => new Promise(() => undefined) }, 20)).toBeUndefined();
    expect(await liveAgents({ operate: () => Promise.reject(new Error("HTTP 401")) }, 1000)).toBeUndefined();
});
