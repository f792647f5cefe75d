/** A host's planned configuration and what a look at it finds, for tests of the provider. */
import type { HostConfigInputs } from "../../provider/host/config";
import { hostRequest, type Observation } from "../../provider/host/inspect";
import type { AgentService, MasterService, Service, ZooKeeperService } from "../../site/plan/types";

const names = ["m1", "m2", "m3"] as const;

const members = names.map((name, index) => ({
    name,
    address: `10.0.0.${index + 1}`,
    zone: `zone-${index}`,
    id: index + 1,
}));

export const zookeeperService: ZooKeeperService = { kind: "zookeeper", clientPort: 2181, tickTimeMs: 500, members };

export const masterService: MasterService = {
    kind: "mesosMaster",
    port: 5050,
    workDir: "/var/lib/mesos/master",
    quorum: 2,
    members,
};

export const agentService: AgentService = {
    kind: "mesosAgent",
    pool: "build",
    port: 5051,
    hostname: "a1",
    workDir: "/var/lib/mesos/agent",
    attributes: { rack: "r1" },
    resources: { cpus: 4, memMiB: 4096, diskMiB: 10000, ports: [[31000, 32000]] },
    masters: members.map(({ name, address }) => ({ name, address, port: 5050 })),
    drainGraceSec: 30,
};

const file = (content: string) => ({ content, mode: "0644", owner: "root", group: "root" });

export function hostConfig(host: string, service: Service, changes: Partial<HostConfigInputs> = {}): HostConfigInputs {
    return {
        host,
        connection: { address: "10.0.0.9", user: "root" },
        rollout: { tier: service.kind, maxUnavailable: 1, healthTimeoutSec: 5 },
        preflight: { os: { debian: ["12"] }, freeMiB: { "/var/lib/x": 100 }, cgroup: "v1" },
        packages: [{ name: "thing" }],
        artifacts: [],
        users: [{ name: "thing" }],
        directories: { "/var/lib/x": { mode: "0755", owner: "root", group: "root" } },
        files: { "/etc/thing.conf": file("a=1\n"), "/etc/notes": file("hello\n") },
        units: { "thing.service": { enabled: true, active: true, restartOn: ["/etc/thing.conf"] } },
        service,
        confirmed: false,
        cluster: "test",
        ...changes,
    };
}

/** A host on which everything is as `config` plans it. */
export function observation(config: HostConfigInputs, changes: Partial<Observation> = {}): Observation {
    return {
        os: "debian",
        osVersion: "12",
        osName: "Debian GNU/Linux 12 (bookworm)",
        uid: 0,
        systemd: true,
        time: Date.now() / 1000,
        cgroup: "v1",
        freeMiB: Object.fromEntries(Object.keys(config.preflight.freeMiB).map((path) => [path, 5000])),
        packages: Object.fromEntries(config.packages.map(({ name }) => [name, "1.0-1"])),
        files: hostRequest(config).files,
        contents: {},
        directories: config.directories,
        users: Object.fromEntries(config.users.map(({ name }) => [name, 900])),
        units: Object.fromEntries(
            Object.keys(config.units).map((name) => [
                name,
                { enabled: true, active: true, state: "active (running)", stale: false },
            ]),
        ),
        artifacts: [],
        present: [],
        ...changes,
    };
}
