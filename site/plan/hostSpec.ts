/**
 * What one service needs on one host, as plain data: what the plan gives to `provider/`.
 *
 * Nothing in it is filled in later but secrets, so it can be printed, compared and golden-tested.
 */

/** How to reach a host by SSH. Everything that is left out is what `ssh` itself would use. */
export interface Connection {
    /** Address or name to connect to. */
    readonly address: string;
    /** @default 22 */
    readonly port?: number;
    /** Must be root or have passwordless sudo. @default "root" */
    readonly user?: string;
    /** Absolute path on the machine that runs Pulumi. @default - the agent and keys that `ssh` finds */
    readonly privateKeyFile?: string;
    /** Absolute path on the machine that runs Pulumi; host keys are always checked. @default - ssh's own files */
    readonly knownHostsFile?: string;
    /** `[user@]host[:port]` of a bastion, for hosts that are not directly reachable. @default - none */
    readonly proxyJump?: string;
    /** A bastion that is a host of the site, by its name and how it is reached itself. @default - none */
    readonly jump?: Connection & { readonly host: string };
    /** The host's public keys; no other is accepted. @default - those in `knownHostsFile` */
    readonly hostKeys?: readonly string[];
}

/** A file on a host. Its content is complete: nothing is filled in later but secrets, see {@link secretMark}. */
export interface ManagedFile {
    /** Text, with `secretMark(name)` where a secret's value belongs. */
    readonly content: string;
    /** Octal, four digits, e.g. "0644". A file with secrets is always 0600 or 0640. */
    readonly mode: string;
    readonly owner: string;
    readonly group: string;
    /** Names of the secrets that `content` holds marks of. Empty for a plain file. */
    readonly secrets: readonly string[];
    /** The same of what anybody may read, see {@link valueMark}. @default - none */
    readonly values?: readonly string[];
}

export interface ManagedDirectory {
    readonly mode: string;
    readonly owner: string;
    readonly group: string;
}

/** A system user that a service or a task runs as. */
export interface ManagedUser {
    readonly name: string;
    /** Fixed where tasks share files between hosts. @default - the system chooses */
    readonly uid?: number;
    readonly home?: string;
}

export interface ManagedUnit {
    readonly enabled: boolean;
    readonly active: boolean;
    /** Paths of managed files whose change restarts the unit; a change of the package version does so too. */
    readonly restartOn: readonly string[];
}

/** A package from the host's own package manager. */
export interface ManagedPackage {
    readonly name: string;
    /** Exact version. @default - whatever is installed, or the newest when nothing is */
    readonly version?: string;
}

/** A file to fetch and install that no repository serves. */
export interface Artifact {
    /** `http(s)://…` as the host sees it, or an absolute path on the machine that runs Pulumi. */
    readonly source: string;
    /** Hex digest; what does not match is not installed. */
    readonly sha256: string;
    readonly kind: "package" | "tarball";
    /** Where a tarball is unpacked. */
    readonly prefix?: string;
}

/** What must hold on a host before anything is changed there. */
export interface Preflight {
    /** Accepted `ID` and `VERSION_ID` of /etc/os-release, e.g. {"debian": ["12"]}; an empty list accepts every version. */
    readonly os: Readonly<Record<string, readonly string[]>>;
    /** Free space needed, MiB, by directory (the nearest existing parent is measured). */
    readonly freeMiB: Readonly<Record<string, number>>;
    /** Cgroup version that the service needs. Apache Mesos up to 1.11 knows v1 only. */
    readonly cgroup: "v1" | "v2" | "any";
}

export interface QuorumMember {
    readonly name: string;
    readonly address: string;
    readonly zone: string;
}

export interface ZooKeeperMember extends QuorumMember {
    /** Server id, 1..255, given in the stack file and never reused. */
    readonly id: number;
}

export interface ZooKeeperService {
    readonly kind: "zookeeper";
    readonly clientPort: number;
    /** Tick, milliseconds: with initLimit and syncLimit it bounds how long a health gate waits. */
    readonly tickTimeMs: number;
    readonly members: readonly ZooKeeperMember[];
}

export interface MasterService {
    readonly kind: "mesosMaster";
    readonly port: number;
    /** Holds `replicated_log`, the registry's log. */
    readonly workDir: string;
    readonly quorum: number;
    readonly members: readonly QuorumMember[];
}

/** Scalar resources and port ranges of an agent, as Mesos is told them. */
export interface AgentResources {
    readonly cpus: number;
    readonly memMiB: number;
    readonly diskMiB: number;
    readonly gpus?: number;
    /** Inclusive ranges, e.g. [[31000, 32000]]. */
    readonly ports: readonly (readonly [number, number])[];
    /** Role that they are reserved for. @default "*" */
    readonly role?: string;
}

export interface FaultDomain {
    readonly region: string;
    readonly zone: string;
}

export interface AgentService {
    readonly kind: "mesosAgent";
    readonly pool: string;
    readonly port: number;
    readonly hostname: string;
    readonly workDir: string;
    /** In the order in which they are given to Mesos. */
    readonly attributes: Readonly<Record<string, string>>;
    readonly resources: AgentResources;
    readonly domain?: FaultDomain;
    /** Where the operator API is: for draining and for "is the agent registered". */
    readonly masters: readonly { readonly name: string; readonly address: string; readonly port: number }[];
    /** Longest time that a drain gives tasks to end, seconds. */
    readonly drainGraceSec: number;
    /** The agent runs, but gets no tasks, and those that it had have ended. Left out where it takes tasks. */
    readonly drained?: true;
}

/** Marathon, Metronome or a framework of ours (Work Queue, DDS): servers of which one leads and the others stand by. */
export interface SchedulerService {
    readonly kind: "marathon" | "metronome" | "workQueue" | "dds";
    readonly port: number;
    /** It speaks HTTPS; `ca` holds the certificates of those who may have signed its own, PEM or a mark. @default - HTTP */
    readonly tls?: { readonly ca?: string };
    readonly members: readonly QuorumMember[];
    /** Where the operator API is. */
    readonly masters: readonly { readonly name: string; readonly address: string; readonly port: number }[];
    /** Name, principal and tasks' user that it registers with. */
    readonly frameworkName: string;
    readonly principal: string;
    readonly user: string;
    /** Where its state is, its framework id with it. */
    readonly zookeeper: { readonly servers: readonly string[]; readonly path: string };
}

/**
 * What makes apps reachable, HAProxy or a name server; a Work Queue catalog; the manager of a campaign; who watches the site, and
 * what tells of a host. Each host answers alone.
 */
export type AccessService =
    | {
          readonly kind: "loadBalancer" | "workQueueCatalog" | "campaign" | "monitoring" | "nodeExporter";
          readonly port: number;
          readonly members: readonly QuorumMember[];
      }
    | {
          readonly kind: "nameServer";
          readonly port: number;
          /** The domain that it answers for. */
          readonly domain: string;
          readonly members: readonly QuorumMember[];
      };

/** A timer that keeps what its host leads. */
export interface BackupService {
    readonly kind: "backup";
    readonly members: readonly QuorumMember[];
}

export type Service =
    ZooKeeperService | MasterService | AgentService | SchedulerService | AccessService | BackupService;

/** How the hosts of one tier are changed. */
export interface Rollout {
    /**
     * "zookeeper", "masters", "marathon", "metronome", "loadBalancer", "discovery", "workQueue", "workQueue/catalog", "dds", "backup",
     * "monitoring", "nodeExporter", `pool/NAME`,
     * `validation/NAME` or `production/NAME`.
     */
    readonly tier: string;
    /** Hosts that may be out of service at a time; 1 for ZooKeeper and masters. */
    readonly maxUnavailable: number;
    /** How long a host may take to be healthy again, seconds. */
    readonly healthTimeoutSec: number;
}

/** Everything that one service needs on one host: the input of one HostConfig resource. */
export interface HostSpec {
    readonly host: string;
    /** Failure zone: nothing on the host depends on it, but whoever counts what is lost with a zone. @default - not known */
    readonly zone?: string;
    readonly connection: Connection;
    readonly rollout: Rollout;
    readonly preflight: Preflight;
    readonly packages: readonly ManagedPackage[];
    readonly artifacts: readonly Artifact[];
    readonly users: readonly ManagedUser[];
    readonly directories: Readonly<Record<string, ManagedDirectory>>;
    readonly files: Readonly<Record<string, ManagedFile>>;
    readonly units: Readonly<Record<string, ManagedUnit>>;
    readonly service: Service;
    /** Volume that must be mounted before anything is written there. @default - none */
    readonly mount?: string;
    /** Kept by `pulumi destroy` and by removal from the stack file until the mark is taken away (pets). */
    readonly protect: boolean;
}
