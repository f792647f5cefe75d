/**
 * The site plan: every host, file, unit, address and flag of a site as plain data.
 *
 * `site/` makes it from the stack file, `components/` turns it into resources, `provider/` gets one {@link HostSpec} per
 * host and service. Nothing here knows the Pulumi engine, so a plan can be printed, compared and golden-tested.
 */
import type { Connection, SchedulerService, HostSpec } from "./hostSpec";

export type * from "./hostSpec";

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
    /** "quorum" for masters, ZooKeeper and whatever else serves the whole site, else the pool's name: what rolls together. */
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
    /** The external network. */
    readonly routerTo?: { readonly id: string } | { readonly name: string };
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
    readonly protocol: "tcp" | "udp";
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
    /** Another number makes it anew. @default - it stays */
    readonly generation?: number;
    /** The same, of this one alone. @default - it stays */
    readonly ownGeneration?: number;
}

/** A part of ZooKeeper that one user owns. */
export interface StatePlan {
    /** `host:port` each. */
    readonly servers: readonly string[];
    readonly path: string;
    readonly user: string;
    /** Name of the user's secret. */
    readonly secret: string;
}

/** The site's own authority, and what it signs. */
export interface CertificatesPlan {
    readonly authority: {
        /** Part of the certificates' names. */
        readonly organisation: string;
        /** Life of its certificate. */
        readonly days: number;
        readonly overlapHours: number;
        readonly generation: number;
        readonly protect: boolean;
    };
    readonly servers: readonly {
        /** E.g. "marathon-bm1". */
        readonly name: string;
        /** Addresses and host names. */
        readonly names: readonly string[];
        readonly days: number;
    }[];
}

/** Marathon, Metronome or a framework of ours on the site's hosts. */
export interface SchedulerPlan {
    readonly kind: SchedulerService["kind"];
    readonly members: readonly HostSpec[];
    /** What its clients are told. */
    readonly urls: readonly string[];
    /** Certificates of those who may have signed the servers', PEM. @default - HTTP, or authorities that Node.js knows */
    readonly ca?: string;
    /** User and name of the generated password. @default - anybody may use its API */
    readonly login?: { readonly user: string; readonly secret: string };
    /** The same of its part of ZooKeeper. */
    readonly stateOwner: { readonly user: string; readonly secret: string };
}

/** Workers for Work Queue projects. */
export interface WorkQueuePlan extends SchedulerPlan {
    /** Those that this site runs itself. */
    readonly catalogs: readonly HostSpec[];
    /** `host:port` of every catalog. */
    readonly catalogAddresses: readonly string[];
    /** Name of the managers' password. @default - anybody may be a manager or a worker */
    readonly password?: string;
}

/** A validation or a production. */
export interface CampaignPlan {
    readonly name: string;
    readonly kind: "validation" | "production";
    readonly member: HostSpec;
    /** Its page. */
    readonly url: string;
}

/** Where release builds are found. */
export interface BuildsPlan {
    /** The store's page. */
    readonly url: string;
    /** What `aliBuild --remote-store` takes. */
    readonly store: string;
    /** Beginning of the sources' addresses. */
    readonly mirror: string;
}

export interface WorkloadsPlan {
    readonly workQueue?: WorkQueuePlan;
    readonly dds?: SchedulerPlan;
    readonly campaigns: readonly CampaignPlan[];
    readonly builds?: BuildsPlan;
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
        /** Their part of ZooKeeper. @default - it is anybody's, or the masters are somebody else's */
        readonly state?: StatePlan;
        readonly endpoints: readonly { readonly name: string; readonly address: string; readonly port: number }[];
    };
    /** Those that this site runs itself. */
    readonly schedulers: readonly SchedulerPlan[];
    readonly loadBalancers: readonly HostSpec[];
    readonly nameServers: readonly HostSpec[];
    readonly workloads: WorkloadsPlan;
    /** Hosts that back up what they lead. */
    readonly backups: readonly HostSpec[];
    /** Prometheus on each host that watches, and the node exporter on every host. @default - nobody watches */
    readonly monitoring?: { readonly monitors: readonly HostSpec[]; readonly nodes: readonly HostSpec[] };
    readonly pools: readonly PoolPlan[];
    readonly secrets: readonly SecretPlan[];
    /** @default - nobody has a certificate of the site's own authority */
    readonly certificates?: CertificatesPlan;
    /**
     * The stack file speaks of generations: whose a part of ZooKeeper is, is then seen to, so that it is nobody's by a former
     * password.
     * @default - not
     */
    readonly renewsSecrets?: true;
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
            /** Failure zone of its host. */
            readonly zone: string;
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
