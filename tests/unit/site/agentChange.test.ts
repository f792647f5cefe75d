import { classifyAgentChange } from "../../../site/change/agentChange";
import type { AgentService } from "../../../site/plan/types";

const agent: AgentService = {
    kind: "mesosAgent",
    pool: "build",
    port: 5051,
    hostname: "bm4",
    workDir: "/var/lib/mesos/agent",
    attributes: { rack: "2", type: "build", ids: "[1-5]", set: "{a,b}" },
    resources: { cpus: 4, memMiB: 4096, diskMiB: 10000, ports: [[31000, 32000]] },
    masters: [],
    drainGraceSec: 600,
};
const domain = { region: "cern", zone: "a" };
const withAttributes = (attributes: Record<string, string>) => ({ attributes: { ...agent.attributes, ...attributes } });
const withResources = (resources: Partial<AgentService["resources"]>) => ({
    resources: { ...agent.resources, ...resources },
});

test.each<[string, Partial<AgentService>, string, string[]]>([
    ["nothing", {}, "none", []],
    ["another pool, drain time or master", { pool: "other", drainGraceSec: 5 }, "none", []],
    ["more CPUs", withResources({ cpus: 8 }), "inPlace", ["cpus grows from 4 to 8"]],
    ["fewer CPUs", withResources({ cpus: 2 }), "newAgentId", ["cpus shrinks from 4 to 2"]],
    ["less memory", withResources({ memMiB: 4095 }), "newAgentId", ["mem shrinks from 4096 to 4095"]],
    ["a GPU", withResources({ gpus: 1 }), "inPlace", ["gpus grows from 0 to 1"]],
    [
        "more ports",
        withResources({
            ports: [
                [53, 53],
                [31000, 32000],
            ],
        }),
        "inPlace",
        ["ports grow from 31000-32000 to 53-53, 31000-32000"],
    ],
    [
        "fewer ports",
        withResources({ ports: [[31000, 31999]] }),
        "newAgentId",
        ["ports change from 31000-32000 to 31000-31999"],
    ],
    [
        "the same ports in two parts",
        withResources({
            ports: [
                [31501, 32000],
                [31000, 31500],
            ],
        }),
        "none",
        [],
    ],
    ["resources of a role", withResources({ role: "ci" }), "newAgentId", ["the resources' role changes from * to ci"]],
    ["a new attribute", withAttributes({ u: "1" }), "inPlace", ["attribute u:1 is new"]],
    ["a larger scalar attribute", withAttributes({ rack: "3" }), "inPlace", ["attribute rack changes from 2 to 3"]],
    ["a smaller scalar attribute", withAttributes({ rack: "1" }), "newAgentId", ["attribute rack changes from 2 to 1"]],
    ["another text", withAttributes({ type: "relval" }), "newAgentId", ["attribute type changes from build to relval"]],
    ["a wider range", withAttributes({ ids: "[1-9]" }), "inPlace", ["attribute ids changes from [1-5] to [1-9]"]],
    ["a narrower range", withAttributes({ ids: "[1-4]" }), "newAgentId", ["attribute ids changes from [1-5] to [1-4]"]],
    ["a larger set", withAttributes({ set: "{a,b,c}" }), "inPlace", ["attribute set changes from {a,b} to {a,b,c}"]],
    ["a smaller set", withAttributes({ set: "{a}" }), "newAgentId", ["attribute set changes from {a,b} to {a}"]],
    ["text where a number was", withAttributes({ rack: "r3" }), "newAgentId", ["attribute rack changes from 2 to r3"]],
    [
        "no attributes",
        { attributes: {} },
        "newAgentId",
        [
            "attribute rack is taken away",
            "attribute type is taken away",
            "attribute ids is taken away",
            "attribute set is taken away",
        ],
    ],
    ["a domain for the first time", { domain }, "inPlace", ["the fault domain changes from none to cern/a"]],
    ["another port", { port: 5052 }, "newAgentId", ["the port changes from 5051 to 5052"]],
    [
        "another work directory",
        { workDir: "/data" },
        "newAgentId",
        ["the work directory moves from /var/lib/mesos/agent to /data"],
    ],
    ["another name", { hostname: "bm5" }, "replaceHost", ["the hostname changes from bm4 to bm5"]],
])("%s", (_what, change, kind, reasons) => {
    expect(classifyAgentChange(agent, { ...agent, ...change })).toEqual({ kind, reasons });
});

test("a domain is never changed or taken away in place", () => {
    const placed = { ...agent, domain };
    expect(classifyAgentChange(placed, agent).kind).toBe("newAgentId");
    expect(classifyAgentChange(placed, { ...agent, domain: { region: "cern", zone: "b" } }).kind).toBe("newAgentId");
});

test("the worst change decides, all are told", () => {
    const change = classifyAgentChange(agent, { ...agent, ...withResources({ cpus: 8, memMiB: 1 }) });
    expect(change).toEqual({ kind: "newAgentId", reasons: ["cpus grows from 4 to 8", "mem shrinks from 4096 to 1"] });
});
