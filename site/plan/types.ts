/**
 * The site plan: every host, file, unit, address and flag of a site as plain data.
 *
 * `site/` makes it from the stack file, `components/` turns it into resources, `provider/` gets one {@link HostSpec} per
 * host and service. Nothing here knows the Pulumi engine, so a plan can be printed, compared and golden-tested.
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

/** Marathon or Metronome: servers of which one leads and the others stand by. */
export interface SchedulerService {
    readonly kind: "marathon" | "metronome";
    readonly port: number;
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

/** What makes apps reachable: HAProxy, or a name server. Each host answers alone. */
export type AccessService =
    | { readonly kind: "loadBalancer"; readonly port: number; readonly members: readonly QuorumMember[] }
    | {
          readonly kind: "nameServer";
          readonly port: number;
          /** The domain that it answers for. */
          readonly domain: string;
          readonly members: readonly QuorumMember[];
      };

export type Service = ZooKeeperService | MasterService | AgentService | SchedulerService | AccessService;

/** How the hosts of one tier are changed. */
export interface Rollout {
    /** "zookeeper", "masters", "marathon", "metronome", "loadBalancer", "discovery" or `pool/NAME`. */
    readonly tier: string;
    /** Hosts that may be out of service at a time; 1 for ZooKeeper and masters. */
    readonly maxUnavailable: number;
    /** How long a host may take to be healthy again, seconds. */
    readonly healthTimeoutSec: number;
}

/** Everything that one service needs on one host: the input of one HostConfig resource. */
export interface HostSpec {
    readonly host: string;
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

/** What fails together. */
export interface FailureDomainPlan {
    readonly name: string;
    /** Nova's availability zone. */
    readonly zone: string;
    /** Cinder's. */
    readonly volumeZone?: string;
    /** Network by the site's name for it. */
    readonly network: string;
    readonly subnet?: string;
}

/** A volume that outlives its machine. */
export interface DataVolumePlan {
    readonly sizeGiB: number;
    readonly type?: string;
    readonly mount: string;
    readonly filesystem: "ext4" | "xfs";
}

/** A virtual machine to be made for a host. Names are the site's own; components know what stands behind them. */
export interface InstancePlan {
    readonly host: string;
    readonly project: string;
    readonly address: string;
    readonly failureDomain: FailureDomainPlan;
    readonly flavor: string;
    readonly image: string;
    readonly keyPair: string;
    /** Goes with the machine. */
    readonly bootVolume?: { readonly sizeGiB: number; readonly type?: string };
    readonly dataVolume?: DataVolumePlan;
    readonly extraNetworks: readonly { readonly network: string; readonly address?: string }[];
    /** External network that gives it an address from outside. */
    readonly floatingIpPool?: string;
    /** "quorum" for masters and ZooKeeper, else the pool's name: what rolls together. */
    readonly tier: string;
    /** Names of security groups, all of the instance's project. */
    readonly securityGroups: readonly string[];
    readonly protect: boolean;
    /** How it is reached when it is there. */
    readonly connection: Connection;
    /** Machines of its tier that may be replaced at a time. */
    readonly maxUnavailable: number;
    /** What would make another machine of it, the image apart: in the instance's metadata, so that a run can tell. */
    readonly shape: string;
}

/** How OpenStack is reached. Never holds a credential. */
export interface ProjectPlan {
    readonly name: string;
    readonly cloud?: string;
    readonly authUrl?: string;
    readonly tenant?: string;
    readonly region?: string;
}

export interface NetworkPlan {
    readonly name: string;
    /** Undefined for one that is made. */
    readonly existing?: { readonly id: string } | { readonly name: string };
    readonly project: string;
    readonly subnet?: string;
    readonly cidr?: string;
    readonly gateway?: string;
    readonly dns: readonly string[];
    /** Id of the external network. */
    readonly routerTo?: string;
}

export interface ImagePlan {
    readonly name: string;
    /** Where a name is looked up. */
    readonly project: string;
    readonly id?: string;
    readonly imageName?: string;
    readonly generation: number;
}

export interface SecurityRulePlan {
    readonly ports: readonly [number, number];
    readonly remote: { readonly cidr: string } | { readonly group: string };
}

export interface SecurityGroupPlan {
    readonly name: string;
    readonly project: string;
    readonly rules: readonly SecurityRulePlan[];
}

export interface OpenStackPlan {
    readonly cluster: string;
    readonly projects: readonly ProjectPlan[];
    readonly networks: readonly NetworkPlan[];
    readonly images: readonly ImagePlan[];
    /** Key pairs that are made, in each project that uses one; those without a key exist. */
    readonly keyPairs: readonly {
        readonly name: string;
        readonly project: string;
        readonly publicKey?: string;
        readonly publicKeyFile?: string;
    }[];
    readonly serverGroups: readonly { readonly tier: string; readonly project: string; readonly policy: string }[];
    readonly securityGroups: readonly SecurityGroupPlan[];
    /** Security groups of others that every port has, by id. */
    readonly extraGroups: readonly string[];
    readonly instances: readonly InstancePlan[];
}

/** A secret that is generated once and kept in the state. */
export interface SecretPlan {
    /** E.g. "zookeeper-digest", "principal-marathon". */
    readonly name: string;
    /** Characters, letters and digits only. */
    readonly length: number;
    /**
     * The value is not ours to generate, because it belongs to an existing ensemble or existing masters: it is the stack's
     * secret `pulumi-mesos:NAME`.
     * @default false
     */
    readonly given?: boolean;
}

/** Marathon or Metronome on the site's hosts. */
export interface SchedulerPlan {
    readonly kind: SchedulerService["kind"];
    readonly members: readonly HostSpec[];
    /** What its clients are told. */
    readonly urls: readonly string[];
    /** User and name of the generated password. @default - anybody may use its API */
    readonly login?: { readonly user: string; readonly secret: string };
    /** The same of its part of ZooKeeper. */
    readonly stateOwner: { readonly user: string; readonly secret: string };
}

export interface PoolPlan {
    readonly name: string;
    readonly agents: readonly HostSpec[];
}

export interface SitePlan {
    readonly cluster: string;
    readonly instances: readonly InstancePlan[];
    /** Undefined for a site without virtual machines. */
    readonly openstack?: OpenStackPlan;
    readonly zookeeper: { readonly members: readonly HostSpec[]; readonly connect: string };
    readonly masters: {
        readonly members: readonly HostSpec[];
        readonly quorum: number;
        readonly endpoints: readonly { readonly name: string; readonly address: string; readonly port: number }[];
    };
    /** Those that this site runs itself. */
    readonly schedulers: readonly SchedulerPlan[];
    readonly loadBalancers: readonly HostSpec[];
    readonly nameServers: readonly HostSpec[];
    readonly pools: readonly PoolPlan[];
    readonly secrets: readonly SecretPlan[];
    /** The principal that the provisioner itself uses for the operator API. */
    readonly operator: { readonly principal: string; readonly secret: string };
    /** Frameworks' principals and the name of the secret of each. */
    readonly frameworks: readonly {
        readonly principal: string;
        readonly secret: string;
        readonly roles: readonly string[];
    }[];
    readonly endpoints: {
        readonly zookeeper: readonly { readonly name: string; readonly address: string; readonly port: number }[];
        readonly masters: readonly { readonly name: string; readonly address: string; readonly port: number }[];
        readonly agents: readonly {
            readonly name: string;
            readonly address: string;
            readonly port: number;
            readonly pool: string;
        }[];
    };
    readonly warnings: readonly Issue[];
    /** The cluster's name when the stack file repeats it to allow what loses data, else undefined. */
    readonly confirm?: string;
}

/** One fault (or warning) in the stack file, in the words of its user. */
export interface Issue {
    /** Stable, for tests and documents, e.g. "ZK_EVEN". */
    readonly code: string;
    /** Path in the stack file, e.g. `masters.members[1]`. */
    readonly path: string;
    /** What is wrong; lower case, no full stop. */
    readonly message: string;
    /** The bad value, as JSON, unless it is a secret. */
    readonly value?: string;
    readonly allowed?: string;
    readonly fix?: string;
}
