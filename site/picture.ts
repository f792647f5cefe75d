/** A Mermaid picture of the site, made from its plan. */
import type { HostSpec, SitePlan } from "./plan/types";

const id = (text: string) => text.replace(/[^A-Za-z0-9]/g, "_");

/** Pools with more hosts than this are drawn as one box. */
const few = 6;

function poolLines(name: string, agents: readonly HostSpec[]): string[] {
    const first = agents[0]?.service;
    const what =
        first?.kind === "mesosAgent"
            ? Object.entries(first.attributes)
                  .map(([key, value]) => `${key}:${value}`)
                  .join(" ")
            : "";
    const cpus = agents.reduce(
        (sum, { service }) => sum + (service.kind === "mesosAgent" ? service.resources.cpus : 0),
        0,
    );
    const boxes =
        agents.length <= few
            ? agents.map(({ host }) => `        agent_${id(host)}["${host}"]`)
            : [
                  `        agents_${id(name)}["${agents[0]?.host ?? ""} … ${agents.at(-1)?.host ?? ""}<br/>${agents.length} hosts"]`,
              ];
    return [
        `    subgraph pool_${id(name)}["pool ${name}: ${cpus} CPUs${what === "" ? "" : `, ${what}`}"]`,
        ...boxes,
        "    end",
    ];
}

/** Draws quorum hosts by zone, pools, and who talks to whom. */
export function pictureOf(plan: SitePlan): string {
    const roles = new Map<string, { zone: string; parts: string[] }>();
    const add = (name: string, zone: string, part: string) => {
        const entry = roles.get(name) ?? { zone, parts: [] };
        entry.parts.push(part);
        roles.set(name, entry);
    };
    for (const { service } of plan.zookeeper.members.slice(0, 1))
        if (service.kind === "zookeeper")
            service.members.forEach((member) => add(member.name, member.zone, `ZooKeeper ${member.id}`));
    for (const { service } of plan.masters.members.slice(0, 1))
        if (service.kind === "mesosMaster")
            service.members.forEach(({ name, zone }) => add(name, zone, "Mesos master"));
    const zones = [...new Set(Array.from(roles.values(), ({ zone }) => zone))].sort();
    return [
        "flowchart TB",
        `    subgraph quorum["${plan.cluster}: ZooKeeper and masters, quorum ${plan.masters.quorum}"]`,
        ...zones.flatMap((zone) => [
            `        subgraph zone_${id(zone)}["${zone}"]`,
            ...Array.from(roles)
                .filter(([, host]) => host.zone === zone)
                .map(([name, { parts }]) => `            host_${id(name)}["${name}<br/>${parts.join("<br/>")}"]`),
            "        end",
        ]),
        "    end",
        ...plan.pools.flatMap(({ name, agents }) => poolLines(name, agents)),
        ...(plan.frameworks.length > 0
            ? [`    frameworks(["frameworks: ${plan.frameworks.map(({ principal }) => principal).join(", ")}"])`]
            : []),
        ...(plan.frameworks.length > 0 ? ["    frameworks --> quorum"] : []),
        ...plan.pools.map(({ name }) => `    pool_${id(name)} --> quorum`),
        "",
    ].join("\n");
}

/** Puts a picture between the marks that a Markdown text has for it; a text without marks stays as it is. */
export function withPicture(text: string, picture: string): string {
    return text.replace(
        /(<!-- picture:.*-->\n)[^]*?(<!-- end of picture -->)/,
        (_all, begin: string, end: string) => `${begin}\n\`\`\`mermaid\n${picture.trim()}\n\`\`\`\n\n${end}`,
    );
}
