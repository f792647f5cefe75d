/** Two listeners on one port of one host. */
import { formatPath } from "../issue";
import { parsePorts } from "../plan/agents";
import { coalesce, formatRanges, holds } from "../plan/portRanges";
import { expandRange } from "../ranges";
import type { ResourcesConfig } from "../schema";
import type { Checked, Report, Use } from "./report";

interface Listener {
    readonly port: number;
    readonly what: string;
    readonly path: string;
}

function listenersOf({ site }: Checked, use: Use): Listener[] {
    const { clientPort, peerPort, electionPort, adminPort } = site.zookeeper;
    switch (use.role) {
        case "zookeeper":
            return [
                { port: clientPort, what: "ZooKeeper's clients", path: "zookeeper.clientPort" },
                { port: peerPort, what: "ZooKeeper's followers", path: "zookeeper.peerPort" },
                { port: electionPort, what: "ZooKeeper's election", path: "zookeeper.electionPort" },
                ...(adminPort === undefined
                    ? []
                    : [{ port: adminPort, what: "ZooKeeper's AdminServer", path: "zookeeper.adminPort" }]),
            ];
        case "marathon":
        case "metronome": {
            const { port = 0, libprocessPort = 0 } = site[use.role] ?? {};
            const what = use.role === "marathon" ? "Marathon" : "Metronome";
            return [
                { port, what, path: `${use.role}.port` },
                { port: libprocessPort, what: `${what}'s part of Mesos`, path: `${use.role}.libprocessPort` },
            ];
        }
        case "loadBalancer": {
            const { httpPort = 0, healthPort = 0 } = site.loadBalancer ?? {};
            return [
                { port: httpPort, what: "the load balancer", path: "loadBalancer.httpPort" },
                { port: healthPort, what: "the load balancer's health", path: "loadBalancer.healthPort" },
            ];
        }
        case "bastion":
            return [];
        case "monitoring": {
            const { port = 0, exporterPort = 0 } = site.monitoring ?? {};
            return [
                { port, what: "Prometheus", path: "monitoring.port" },
                { port: exporterPort, what: "Prometheus' exporter", path: "monitoring.exporterPort" },
            ];
        }
        case "nodeExporter": {
            const port = site.monitoring?.nodeExporterPort ?? 0;
            return [{ port, what: "the node exporter", path: "monitoring.nodeExporterPort" }];
        }
        case "discovery":
            return [{ port: site.discovery?.port ?? 0, what: "the name server", path: "discovery.port" }];
        case "workQueue": {
            const port = site.workloads.workQueue?.port ?? 0;
            return [{ port, what: "the Work Queue framework", path: "workloads.workQueue.port" }];
        }
        case "dds":
            return [{ port: site.workloads.dds?.port ?? 0, what: "the DDS framework", path: "workloads.dds.port" }];
        case "catalog": {
            const port = site.workloads.workQueue?.catalog.port ?? 0;
            return [{ port, what: "the Work Queue catalog", path: "workloads.workQueue.catalog.port" }];
        }
        case "buildStore": {
            const { port = 0, gitPort = 0, statusPort = 0 } = site.workloads.builds?.store ?? {};
            const at = (field: string): string => `workloads.builds.store.${field}`;
            return [
                { port, what: "the build store", path: at("port") },
                { port: gitPort, what: "the sources' mirror", path: at("gitPort") },
                { port: statusPort, what: "the build store's page", path: at("statusPort") },
            ];
        }
        case "validations":
        case "productions": {
            const name = use.campaign ?? "";
            const { port = 0, statusPort = 0 } = site.workloads[use.role][name] ?? {};
            const at = (field: string): string => formatPath(["workloads", use.role, name, field]);
            return [
                { port, what: `the manager of ${name}`, path: at("port") },
                { port: statusPort, what: `the page of ${name}`, path: at("statusPort") },
            ];
        }
        case "master":
            return [{ port: site.masters.port, what: "the Mesos master", path: "masters.port" }];
        case "agent": {
            const pool = use.pool ?? "";
            const port = site.pools[pool]?.port ?? 5051;
            return [{ port, what: "the Mesos agent", path: formatPath(["pools", pool, "port"]) }];
        }
    }
}

/** Two services on one port of one host; each pair of settings is reported once, not once a host. */
function checkListeners(checked: Checked, report: Report): void {
    const byHost = new Map<string, Listener[]>();
    for (const use of checked.uses)
        byHost.set(use.host, [...(byHost.get(use.host) ?? []), ...listenersOf(checked, use)]);
    const reported = new Set<string>();
    for (const [host, listeners] of byHost) {
        const seen = new Map<number, Listener>();
        for (const listener of listeners) {
            const other = seen.get(listener.port);
            const key = `${other?.path} ${listener.path}`;
            if (other && other.what !== listener.what && !reported.has(key)) {
                reported.add(key);
                report.fault(
                    "PORT_CLASH",
                    listener.path,
                    `${other.what} and ${listener.what} listen on the same port of ${host}`,
                    {
                        value: listener.port,
                        fix: `change ${listener.path} or ${other.path}`,
                    },
                );
            }
            seen.set(listener.port, listener);
        }
    }
    const { adminPort } = checked.site.zookeeper;
    if (adminPort === 8080)
        report.warn(
            "PORT_MARATHON",
            "zookeeper.adminPort",
            "Marathon listens on 8080 too, and usually beside ZooKeeper",
            {
                value: adminPort,
                allowed: "e.g. 9181",
            },
        );
}

function checkOffered(
    checked: Checked,
    report: Report,
    name: string,
    path: string,
    ports: ResourcesConfig["ports"],
): void {
    const pool = checked.site.pools[name];
    const ranges = ports.map(parsePorts);
    ranges.forEach(([low, high], index) => {
        if (low < 1 || high > 65535 || low > high)
            report.fault("PORTS_RANGE", `${path}[${index}]`, "is no range of ports", {
                value: ports[index],
                allowed: "low-high, both 1..65535",
            });
    });
    if (coalesce(ranges).length < ranges.length)
        report.fault("PORTS_OVERLAP", path, "the ranges overlap or touch", {
            value: ports,
            fix: formatRanges(coalesce(ranges)),
        });
    const members = new Set(pool?.hosts.flatMap((text) => expandRange(text).items.map((item) => item.text)));
    const listeners = new Map(
        checked.uses
            .filter(({ host }) => members.has(host))
            .flatMap((use) => listenersOf(checked, use))
            .map((listener) => [listener.path, listener]),
    );
    for (const { port, what } of listeners.values())
        if (holds(ranges, port))
            report.fault("PORTS_TAKEN", path, `tasks are offered port ${port}, which ${what} has`, {
                value: ports,
                fix: "leave it out of the ranges",
            });
}

/** Checks what listens where, and which ports tasks are offered. */
export function checkPorts(checked: Checked, report: Report): void {
    checkListeners(checked, report);
    for (const [name, pool] of Object.entries(checked.site.pools)) {
        const path = formatPath(["pools", name]);
        checkOffered(checked, report, name, `${path}.resources.ports`, pool.resources.ports);
        for (const [host, { resources }] of Object.entries(pool.overrides))
            if (resources?.ports)
                checkOffered(
                    checked,
                    report,
                    name,
                    `${formatPath(["pools", name, "overrides", host])}.resources.ports`,
                    resources.ports,
                );
    }
}
