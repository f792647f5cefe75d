import * as pulumi from "@pulumi/pulumi";

type Inputs<T> = { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** Where a Marathon or Metronome is. */
export interface ServerArgs {
    /** Base URLs of all servers, e.g. ["http://10.0.0.1:8080"]; whichever leads is found. */
    readonly urls: readonly string[];
    /** For HTTP basic authentication. @default - none */
    readonly username?: pulumi.Input<string>;
    readonly password?: pulumi.Input<string>;
    /** Certificates of the authorities that may have signed the servers', PEM. @default - those that Node.js knows */
    readonly ca?: pulumi.Input<string>;
}

export interface MarathonServerArgs extends ServerArgs {
    /** `--mesos_role`, for checks while the server does not answer. @default "*" */
    readonly role?: string;
    /** `--enable_features`, likewise. @default - none */
    readonly features?: readonly string[];
    readonly defaultNetworkName?: string;
    /** Top-level groups that enforce their role, or will when this stack has made them. @default - as the server says */
    readonly enforcedGroups?: readonly string[];
}

export interface MarathonDefinitionArgs {
    /** @default - the one of the plugin's configuration, `mesos:marathon` */
    readonly server?: MarathonServerArgs;
    /** The app or pod as Marathon's API has it; old spellings are taken too. */
    readonly definition: pulumi.Input<Record<string, unknown>>;
    /** Masters whose agents it must fit on: told at preview. @default - nothing is said of running agents */
    readonly agents?: MastersArgs;
    /** How long a deployment may take, seconds. @default 600 */
    readonly timeoutSec?: number;
    /** What becomes of a deployment that does not come to its end. @default "keep" */
    readonly onFailure?: "keep" | "rollBack";
}

/** An app of Marathon. Made and changed only when all of its instances run and are healthy. */
export class MarathonApp extends pulumi.CustomResource {
    declare public readonly appId: pulumi.Output<string>;
    /** The server's version of the definition. */
    declare public readonly version: pulumi.Output<string>;

    public constructor(name: string, args: MarathonDefinitionArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MarathonApp", name, { ...args, appId: undefined, version: undefined }, opts);
    }
}

/** A pod of Marathon. */
export class MarathonPod extends pulumi.CustomResource {
    declare public readonly appId: pulumi.Output<string>;
    declare public readonly version: pulumi.Output<string>;

    public constructor(name: string, args: MarathonDefinitionArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MarathonPod", name, { ...args, appId: undefined, version: undefined }, opts);
    }
}

export interface MarathonGroupArgs {
    readonly server?: MarathonServerArgs;
    /** Absolute, never the root. */
    readonly groupId: string;
    readonly dependencies?: readonly string[];
    /** Ids of what is declared in it; whatever else runs there is listed. @default - nothing is listed */
    readonly members?: readonly string[];
    /** Whether services in it must take its name as role; top-level groups only. */
    readonly enforceRole?: boolean;
}

/** Settings of a group. Its members are left alone, and it is only deleted when it is empty. */
export class MarathonGroup extends pulumi.CustomResource {
    public constructor(name: string, args: MarathonGroupArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MarathonGroup", name, { ...args }, opts);
    }
}

export interface MetronomeJobArgs {
    readonly server?: ServerArgs;
    /** The job as Metronome's API has it, without schedules. */
    readonly definition: pulumi.Input<Record<string, unknown>>;
}

/** A job of Metronome. Its runs are left alone. */
export class MetronomeJob extends pulumi.CustomResource {
    declare public readonly jobId: pulumi.Output<string>;

    public constructor(name: string, args: MetronomeJobArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MetronomeJob", name, { ...args, jobId: undefined }, opts);
    }
}

export interface MetronomeScheduleArgs {
    readonly server?: ServerArgs;
    readonly jobId: pulumi.Input<string>;
    readonly definition: pulumi.Input<Record<string, unknown>>;
}

/** When a job runs. A job has at most one schedule. */
export class MetronomeSchedule extends pulumi.CustomResource {
    declare public readonly scheduleId: pulumi.Output<string>;

    public constructor(name: string, args: MetronomeScheduleArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MetronomeSchedule", name, { ...args, scheduleId: undefined }, opts);
    }
}

/** Where the masters are and as whom to speak to them. */
export interface MastersArgs {
    /** @default - those of the plugin's configuration, `mesos:masters` */
    readonly masters?: readonly { readonly name: string; readonly address: string; readonly port: number }[];
    readonly operator?: Inputs<{ principal: string; secret: string }>;
}

type Amounts = Partial<Record<"cpus" | "mem" | "disk" | "gpus", number>>;

export interface MesosQuotaArgs extends MastersArgs {
    readonly role: string;
    /** What the role may use at most: CPUs, MiB, MiB, GPUs. @default - no limit */
    readonly limits?: Amounts;
    /** What is kept free for the role. @default - nothing */
    readonly guarantees?: Amounts;
    /** Take a limit although the role uses more. @default false */
    readonly force?: boolean;
}

/** Quota of a role. */
export class MesosQuota extends pulumi.CustomResource {
    public constructor(name: string, args: MesosQuotaArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MesosQuota", name, { ...args }, opts);
    }
}

/** A role's share against other roles; 1 is what a role without one has. */
export class MesosWeight extends pulumi.CustomResource {
    public constructor(
        name: string,
        args: MastersArgs & { role: string; weight: number },
        opts?: pulumi.CustomResourceOptions,
    ) {
        super("mesos:index:MesosWeight", name, { ...args }, opts);
    }
}

export interface MesosMaintenanceArgs extends MastersArgs {
    /** Both as the agent registered them, or Mesos does not know the machine. */
    readonly machines: readonly { readonly hostname: string; readonly ip: string }[];
    /** E.g. "2027-01-31T22:00:00Z". */
    readonly start: string;
    /** @default - for ever */
    readonly durationSec?: number;
}

/** A maintenance window of some agents; those of others stay as they are. */
export class MesosMaintenance extends pulumi.CustomResource {
    public constructor(name: string, args: MesosMaintenanceArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MesosMaintenance", name, { ...args }, opts);
    }
}

export interface MesosReservationArgs extends MastersArgs {
    /** As the agent registered. */
    readonly hostname: string;
    readonly role: string;
    /** What is kept for the role: CPUs, MiB, MiB (volumes included), GPUs. */
    readonly resources: Amounts;
    /** Ranges, e.g. ["31000-31009"]. @default - none */
    readonly ports?: readonly string[];
    /** Labels of the reservation; another reservation is told by them. @default - none */
    readonly labels?: Readonly<Record<string, string>>;
    /** Persistent volumes on the reserved disk, by id. @default - none */
    readonly volumes?: Readonly<Record<string, { readonly sizeMiB: number; readonly containerPath: string }>>;
    /** Name of the cluster, which a confirmation repeats. */
    readonly cluster?: string;
    /** Volumes may be destroyed, with the data on them. @default false */
    readonly confirmed?: boolean;
}

/** Resources of one agent that are kept for a role, reserved by the operator. */
export class MesosReservation extends pulumi.CustomResource {
    public constructor(name: string, args: MesosReservationArgs, opts?: pulumi.CustomResourceOptions) {
        super("mesos:index:MesosReservation", name, { ...args }, opts);
    }
}
