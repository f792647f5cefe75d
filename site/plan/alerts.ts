/** The rules that say when somebody must look. Pure. */

/** What the rules must know of a site: what is declared, against what is seen. */
export interface Watched {
    readonly cluster: string;
    /** Members of the ensemble; 0 where it is not looked at. */
    readonly zookeeper: number;
    readonly masters: number;
    /** Agents that should take tasks. */
    readonly agents: number;
    readonly schedulers: readonly ("marathon" | "metronome")[];
    readonly access: readonly string[];
    readonly backups: boolean;
    /** Whether something speaks HTTPS. */
    readonly certificates: boolean;
}

export interface Thresholds {
    /** How long something must be so, seconds. */
    readonly forSec: number;
    readonly diskFreePercent: number;
    readonly memoryFreePercent: number;
    /** Between a host's clock and this one's, milliseconds. */
    readonly clockOffsetMs: number;
    /** Share of the agents' processors and memory that is given away. */
    readonly usedPercent: number;
    /** Tasks that may fail within ten minutes. */
    readonly failedTasks: number;
    readonly backupAgeHours: number;
    readonly certificateDays: number;
}

export interface Rule {
    readonly alert: string;
    readonly expr: string;
    readonly for: string;
    readonly labels: { readonly severity: "critical" | "warning"; readonly cluster: string };
    readonly annotations: { readonly summary: string; readonly runbook: string };
}

export interface RuleGroup {
    readonly name: string;
    readonly rules: readonly Rule[];
}

type Severity = Rule["labels"]["severity"];
/** Name, expression, severity, what is told (with Prometheus' templates), page of docs/runbooks. */
type Line = readonly [alert: string, expr: string, severity: Severity, summary: string, runbook: string];

const host = "{{ $labels.instance }}";

function hostLines({ diskFreePercent, memoryFreePercent, clockOffsetMs }: Thresholds): Line[] {
    const disks = 'fstype!~"tmpfs|ramfs|squashfs|nsfs|proc"';
    const free = (what: string) => `min by (instance, mountpoint) (100 * ${what}) < ${diskFreePercent}`;
    return [
        ["HostDown", 'up{job="node"} == 0', "warning", `${host} does not answer`, "check"],
        [
            "DiskFilling",
            free(`node_filesystem_avail_bytes{${disks}} / node_filesystem_size_bytes`),
            "warning",
            `${host}: {{ $value | printf "%.1f" }} % of {{ $labels.mountpoint }} are free`,
            "storage",
        ],
        [
            "InodesFilling",
            free(`node_filesystem_files_free{${disks}} / (node_filesystem_files > 0)`),
            "warning",
            `${host}: {{ $value | printf "%.1f" }} % of the inodes of {{ $labels.mountpoint }} are free`,
            "storage",
        ],
        [
            "MemoryShort",
            `100 * node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < ${memoryFreePercent}`,
            "warning",
            `${host}: {{ $value | printf "%.1f" }} % of its memory are free`,
            "check",
        ],
        [
            "ClockOff",
            `abs(node_time_seconds - timestamp(node_time_seconds)) > ${clockOffsetMs / 1000}`,
            "warning",
            `${host}: its clock is {{ $value | printf "%.3f" }} s off`,
            "check",
        ],
        [
            "UnitFailed",
            'node_systemd_unit_state{state="failed"} == 1',
            "warning",
            `${host}: {{ $labels.name }} has failed`,
            "check",
        ],
    ];
}

function zookeeperLines(members: number): Line[] {
    return [
        [
            "ZooKeeperDown",
            'probe_success{job="zookeeper"} == 0',
            "warning",
            `ZooKeeper on ${host} does not serve`,
            "masters",
        ],
        [
            "ZooKeeperWithoutLeader",
            `(count(zookeeper_role{role=~"leader|standalone"}) or vector(0)) != 1`,
            "critical",
            `ZooKeeper has {{ $value }} leaders of ${members} members`,
            "rescue",
        ],
        ...(members < 3
            ? []
            : [
                  [
                      "ZooKeeperBehind",
                      `zookeeper_synced_followers < ${members - 1}`,
                      "warning",
                      `only {{ $value }} of ${members - 1} followers of ZooKeeper are up to date: the next loss may be the quorum`,
                      "masters",
                  ] as const,
              ]),
    ];
}

function masterLines({ masters, agents }: Watched, { usedPercent, failedTasks }: Thresholds): Line[] {
    const atLeader = (expr: string) => `(${expr}) and on (instance) mesos_master_elected == 1`;
    return [
        [
            "MasterDown",
            'probe_success{job="mesos-master"} == 0',
            "warning",
            `the master on ${host} does not answer`,
            "masters",
        ],
        [
            "MesosWithoutLeader",
            "(sum(mesos_master_elected) or vector(0)) != 1",
            "critical",
            `{{ $value }} of ${masters} masters lead`,
            "rescue",
        ],
        [
            "RegistryNotRecovered",
            atLeader("mesos_registrar_log_recovered == 0"),
            "critical",
            `${host} leads without the registry`,
            "rescue",
        ],
        [
            "AgentsMissing",
            atLeader(`mesos_master_slaves_active < ${agents}`),
            "warning",
            `{{ $value }} of ${agents} agents are active`,
            "agents",
        ],
        [
            "FrameworkLost",
            atLeader("mesos_master_frameworks_disconnected + mesos_master_frameworks_inactive > 0"),
            "warning",
            "{{ $value }} frameworks are not connected: Mesos ends their tasks when their failover timeout is over",
            "check",
        ],
        [
            "TasksFailing",
            atLeader(`increase(mesos_master_tasks_failed[10m]) > ${failedTasks}`),
            "warning",
            '{{ $value | printf "%.0f" }} tasks have failed within ten minutes',
            "check",
        ],
        [
            "TasksLost",
            atLeader("increase(mesos_master_tasks_lost[10m]) + increase(mesos_master_tasks_unreachable[10m]) > 0"),
            "warning",
            '{{ $value | printf "%.0f" }} tasks were lost within ten minutes',
            "agents",
        ],
        [
            "ClusterFull",
            atLeader(
                `100 * clamp_min(mesos_master_cpus_percent, 0) > ${usedPercent} or 100 * mesos_master_mem_percent > ${usedPercent}`,
            ),
            "warning",
            '{{ $value | printf "%.0f" }} % of the cluster are in use',
            "agents",
        ],
    ];
}

function schedulerLines(kind: "marathon" | "metronome"): Line[] {
    const name = kind === "marathon" ? "Marathon" : "Metronome";
    return [
        [
            `${name}Down`,
            `probe_success{job="${kind}"} == 0`,
            "warning",
            `${name} on ${host} does not answer`,
            "masters",
        ],
        [
            `${name}WithoutLeader`,
            `(sum(${kind}_leads) or vector(0)) != 1`,
            "critical",
            `{{ $value }} servers of ${name} lead`,
            "masters",
        ],
        ...(kind === "metronome"
            ? []
            : [
                  [
                      "AppNotServing",
                      "marathon_app_tasks_serving < marathon_app_instances",
                      "warning",
                      "{{ $labels.app }}: {{ $value }} tasks serve, more are declared",
                      "check",
                  ] as const,
              ]),
    ];
}

const accessNames: Readonly<Record<string, string>> = {
    "load-balancer": "LoadBalancerDown",
    "name-server": "NameServerDown",
};

const backupLines = (hours: number): Line[] => [
    [
        "BackupOld",
        `time() - max by (part) (mesos_backup_last_success_timestamp_seconds) > ${hours * 3600}`,
        "critical",
        "the last good backup of {{ $labels.part }} is {{ $value | humanizeDuration }} old",
        "backup",
    ],
    ...["registry", "zookeeper"].map((part): Line => [
        "BackupMissing",
        `absent(mesos_backup_last_success_timestamp_seconds{part="${part}"})`,
        "warning",
        `no host tells of a backup of ${part}`,
        "backup",
    ]),
];

const certificateLines = (days: number): Line[] => [
    [
        "CertificateExpiring",
        `certificate_not_after_seconds - time() < ${days * 86_400}`,
        "warning",
        `the certificate of {{ $labels.job }} on ${host} ends in {{ $value | humanizeDuration }}`,
        "secrets",
    ],
];

/** Every rule that fits the site, by what it watches. */
export function alertRules(watched: Watched, thresholds: Thresholds): RuleGroup[] {
    const { cluster, zookeeper, masters, schedulers, access, backups, certificates } = watched;
    const groups: (readonly [name: string, lines: readonly Line[]])[] = [
        [
            "monitoring",
            [
                [
                    "ExporterDown",
                    'up{job!="node"} == 0',
                    "warning",
                    `nobody tells how {{ $labels.job }} on ${host} is`,
                    "check",
                ],
            ],
        ],
        ["hosts", hostLines(thresholds)],
        ["zookeeper", zookeeper > 0 ? zookeeperLines(zookeeper) : []],
        ["mesos", masters > 0 ? masterLines(watched, thresholds) : []],
        [
            "agents",
            [
                [
                    "AgentDown",
                    'probe_success{job="mesos-agent"} == 0',
                    "warning",
                    `the agent on ${host} does not answer`,
                    "agents",
                ],
            ],
        ],
        ...schedulers.map((kind) => [kind, schedulerLines(kind)] as const),
        [
            "access",
            access.map((job): Line => [
                accessNames[job] ?? "ServiceDown",
                `probe_success{job="${job}"} == 0`,
                "warning",
                `the ${job.replace("-", " ")} on ${host} does not answer`,
                "check",
            ]),
        ],
        ["backup", backups ? backupLines(thresholds.backupAgeHours) : []],
        ["certificates", certificates ? certificateLines(thresholds.certificateDays) : []],
    ];
    return groups
        .filter(([, lines]) => lines.length > 0)
        .map(([name, lines]) => ({
            name,
            rules: lines.map(([alert, expr, severity, summary, runbook]) => ({
                alert,
                expr,
                for: `${thresholds.forSec}s`,
                labels: { severity, cluster },
                annotations: { summary, runbook: `docs/runbooks/${runbook}.md` },
            })),
        }));
}
