/** `workloads.dds`: its framework, and whether sessions' agents have room. */
import { configFaults, type SessionSpec } from "../../frameworks/dds/config";
import { formatPath } from "../issue";
import { agentShapes, type AgentShape } from "../plan/agents";
import { ddsFrameworkConfig } from "../plan/dds";
import type { SiteConfig } from "../schema";
import type { Checked, Report } from "./report";
import { checkPrincipal } from "./schedulers";

const root = ["workloads", "dds"] as const;

/** How many agents of a session one of Mesos' agents has room for, were there nothing else. */
function roomOn(spec: SessionSpec, { resources, attributes, state }: AgentShape): number {
    const suits = Object.entries(spec.attributes).every(([name, value]) => attributes[name] === value);
    if (!suits || state === "drained") return 0;
    return Math.min(
        spec.agentsPerHost,
        Math.floor(resources.cpus / spec.cpus + 1e-9),
        Math.floor(resources.memMiB / spec.memMiB),
        Math.floor(resources.diskMiB / spec.diskMiB),
    );
}

function checkRoom(name: string, spec: SessionSpec, site: SiteConfig, report: Report): void {
    const pools = Object.values(site.pools);
    // Others' agents are not known here.
    if (pools.length === 0) return;
    const shapes = pools.flatMap(agentShapes);
    const room = shapes.reduce((sum, shape) => sum + roomOn(spec, shape), 0);
    if (room >= spec.agents) return;
    const at = formatPath([...root, "sessions", name]);
    report.fault("DDS_ROOM", `${at}.agents`, `the pools have room for ${room} such agents, were there nothing else`, {
        value: spec.agents,
        allowed: `${room} at most, with ${spec.cpus} CPUs, ${spec.memMiB} MiB of memory, ${spec.diskMiB} MiB of disk each and ${spec.agentsPerHost} on a host`,
        fix: room === 0 ? `make agents smaller, or look at ${at}.attributes` : "ask for fewer or smaller agents",
    });
}

function checkQueues(name: string, spec: SessionSpec, site: SiteConfig, report: Report): void {
    if (spec.agentsPerHost === 1) return;
    const mixed = Object.entries(site.pools).filter(
        ([, { isolation }]) => isolation.includes("namespaces/pid") && !isolation.includes("namespaces/ipc"),
    );
    if (mixed.length === 0) return;
    report.fault(
        "DDS_QUEUES",
        formatPath([...root, "sessions", name, "agentsPerHost"]),
        `agents of one session name their message queues by process ids: in the ${mixed.length === 1 ? "pool" : "pools"} ${mixed.map(([pool]) => pool).join(", ")} two on a host have the same ids and one /dev/shm, and mix what their tasks tell each other`,
        {
            value: spec.agentsPerHost,
            allowed: "1",
            fix: "one agent with more slots a host, or namespaces/ipc in the pools' isolation",
        },
    );
}

export function checkDds(checked: Checked, report: Report): void {
    const { site } = checked;
    const config = site.workloads.dds;
    if (config === undefined) return;
    if (config.members.length === 0)
        report.fault("EMPTY", "workloads.dds.members", "must not be empty", {
            fix: "name two hosts: one leads, one stands by",
        });
    checkPrincipal("workloads.dds", config, checked, report);
    if (site.frameworks[config.principal] !== undefined) {
        const text = ddsFrameworkConfig(site, config, { servers: ["zk:2181"], address: "host" });
        for (const { path, message } of configFaults({ ...text, advertise: undefined }))
            report.fault("DDS_CONFIG", formatPath([...root, ...path.map(String)]), message, {});
    }
    for (const [name, spec] of Object.entries(config.sessions)) {
        checkRoom(name, spec, site, report);
        checkQueues(name, spec, site, report);
    }
}
