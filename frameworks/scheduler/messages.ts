/**
 * The messages of the Mesos v1 scheduler API that this client speaks, in their JSON form (`application/json`).
 *
 * Names are Mesos' own (`include/mesos/v1/mesos.proto` and `scheduler/scheduler.proto` of 1.11), so they are snake_case here
 * and nowhere else. Only fields that schedulers use are listed; what else an agent offers is passed through untouched.
 */

export interface Id {
    readonly value: string;
}

export interface Label {
    readonly key: string;
    readonly value?: string;
}

export interface Range {
    /** First and last, both included. */
    readonly begin: number;
    readonly end: number;
}

export interface Reservation {
    readonly type: "STATIC" | "DYNAMIC";
    readonly role: string;
    readonly principal?: string;
    readonly labels?: { readonly labels: readonly Label[] };
}

export interface DiskInfo {
    readonly persistence?: { readonly id: string; readonly principal?: string };
    readonly volume?: {
        readonly mode: "RW" | "RO";
        readonly container_path: string;
        readonly host_path?: string;
    };
    readonly source?: unknown;
}

/** A named amount on one agent; as a whole it is taken or left by its name, reservations and disk. */
export interface Resource {
    readonly name: string;
    readonly type: "SCALAR" | "RANGES" | "SET";
    readonly scalar?: { readonly value: number };
    readonly ranges?: { readonly range: readonly Range[] };
    readonly set?: { readonly item: readonly string[] };
    /** Older form of a reservation; this client asks Mesos for `reservations`. */
    readonly role?: string;
    readonly reservations?: readonly Reservation[];
    readonly allocation_info?: { readonly role?: string };
    readonly disk?: DiskInfo;
    readonly revocable?: object;
    readonly shared?: object;
    readonly provider_id?: Id;
}

export interface Attribute {
    readonly name: string;
    readonly type: "TEXT" | "SCALAR" | "RANGES" | "SET";
    readonly text?: { readonly value: string };
    readonly scalar?: { readonly value: number };
    readonly ranges?: { readonly range: readonly Range[] };
    readonly set?: { readonly item: readonly string[] };
}

export interface DomainInfo {
    readonly fault_domain?: { readonly region: { readonly name: string }; readonly zone: { readonly name: string } };
}

export interface Offer {
    readonly id: Id;
    readonly framework_id: Id;
    readonly agent_id: Id;
    readonly hostname: string;
    /** Where the agent's own API is. */
    readonly url?: { readonly address?: { readonly ip?: string } };
    readonly domain?: DomainInfo;
    readonly resources: readonly Resource[];
    readonly attributes?: readonly Attribute[];
    readonly executor_ids?: readonly Id[];
    /** Since the framework has MULTI_ROLE every offer is of one role. */
    readonly allocation_info?: { readonly role?: string };
    readonly unavailability?: { readonly start: { readonly nanoseconds: number } };
}

export interface CommandUri {
    readonly value: string;
    readonly executable?: boolean;
    readonly extract?: boolean;
    readonly cache?: boolean;
    readonly output_file?: string;
}

export interface CommandInfo {
    readonly shell?: boolean;
    readonly value?: string;
    readonly arguments?: readonly string[];
    readonly user?: string;
    readonly uris?: readonly CommandUri[];
    readonly environment?: { readonly variables: readonly { readonly name: string; readonly value: string }[] };
}

export interface HealthCheck {
    readonly type: "COMMAND" | "HTTP" | "TCP";
    readonly command?: CommandInfo;
    readonly http?: { readonly scheme?: string; readonly port: number; readonly path?: string };
    readonly tcp?: { readonly port: number };
    readonly delay_seconds?: number;
    readonly interval_seconds?: number;
    readonly timeout_seconds?: number;
    readonly consecutive_failures?: number;
    readonly grace_period_seconds?: number;
}

export interface TaskInfo {
    readonly name: string;
    readonly task_id: Id;
    readonly agent_id: Id;
    readonly resources: readonly Resource[];
    readonly command?: CommandInfo;
    readonly executor?: ExecutorInfo;
    readonly container?: object;
    readonly health_check?: HealthCheck;
    readonly check?: object;
    readonly kill_policy?: { readonly grace_period: { readonly nanoseconds: number } };
    readonly labels?: { readonly labels: readonly Label[] };
    readonly discovery?: object;
    readonly limits?: Readonly<Record<string, { readonly value: number }>>;
    readonly data?: string;
}

export interface ExecutorInfo {
    readonly executor_id: Id;
    readonly type?: "DEFAULT" | "CUSTOM";
    readonly framework_id?: Id;
    readonly command?: CommandInfo;
    readonly resources?: readonly Resource[];
    readonly container?: object;
    readonly shutdown_grace_period?: { readonly nanoseconds: number };
    readonly labels?: { readonly labels: readonly Label[] };
}

/** `TASK_LOST` comes to frameworks without PARTITION_AWARE only. */
export type TaskState =
    | "TASK_STAGING"
    | "TASK_STARTING"
    | "TASK_RUNNING"
    | "TASK_KILLING"
    | "TASK_FINISHED"
    | "TASK_FAILED"
    | "TASK_KILLED"
    | "TASK_ERROR"
    | "TASK_LOST"
    | "TASK_DROPPED"
    | "TASK_UNREACHABLE"
    | "TASK_GONE"
    | "TASK_GONE_BY_OPERATOR"
    | "TASK_UNKNOWN";

export interface TaskStatus {
    readonly task_id: Id;
    readonly state: TaskState;
    readonly message?: string;
    readonly source?: string;
    readonly reason?: string;
    readonly agent_id?: Id;
    readonly executor_id?: Id;
    /** Seconds since 1970. */
    readonly timestamp?: number;
    /** Base64. Only statuses that have one are acknowledged. */
    readonly uuid?: string;
    readonly healthy?: boolean;
    readonly check_status?: unknown;
    readonly container_status?: {
        readonly container_id?: Id;
        readonly network_infos?: readonly { readonly ip_addresses?: readonly { readonly ip_address?: string }[] }[];
    };
    readonly labels?: { readonly labels: readonly Label[] };
    readonly data?: string;
}

export interface Filters {
    /** Seconds that the refused resources are not offered again. @default 5 (Mesos) */
    readonly refuse_seconds?: number;
}

export type Operation =
    | { readonly type: "LAUNCH"; readonly launch: { readonly task_infos: readonly TaskInfo[] } }
    | {
          readonly type: "LAUNCH_GROUP";
          readonly launch_group: {
              readonly executor: ExecutorInfo;
              readonly task_group: { readonly tasks: readonly TaskInfo[] };
          };
      }
    | { readonly type: "RESERVE"; readonly reserve: { readonly resources: readonly Resource[] } }
    | { readonly type: "UNRESERVE"; readonly unreserve: { readonly resources: readonly Resource[] } }
    | { readonly type: "CREATE"; readonly create: { readonly volumes: readonly Resource[] } }
    | { readonly type: "DESTROY"; readonly destroy: { readonly volumes: readonly Resource[] } };

export type Capability =
    | "REVOCABLE_RESOURCES"
    | "TASK_KILLING_STATE"
    | "GPU_RESOURCES"
    | "SHARED_RESOURCES"
    | "PARTITION_AWARE"
    | "MULTI_ROLE"
    | "RESERVATION_REFINEMENT"
    | "REGION_AWARE";

export interface FrameworkInfo {
    readonly user: string;
    readonly name: string;
    readonly id?: Id;
    readonly principal?: string;
    readonly roles: readonly string[];
    readonly checkpoint?: boolean;
    /** Seconds that tasks outlive a framework that has gone. */
    readonly failover_timeout?: number;
    readonly hostname?: string;
    readonly webui_url?: string;
    readonly capabilities?: readonly { readonly type: Capability }[];
    readonly labels?: { readonly labels: readonly Label[] };
}

export interface TaskReference {
    readonly task_id: Id;
    readonly agent_id?: Id;
}

/** What a scheduler says; `framework_id` is added by the client. */
export type Call =
    | {
          readonly type: "SUBSCRIBE";
          readonly subscribe: { readonly framework_info: FrameworkInfo; readonly suppressed_roles?: readonly string[] };
      }
    | {
          readonly type: "ACCEPT";
          readonly accept: {
              readonly offer_ids: readonly Id[];
              readonly operations: readonly Operation[];
              readonly filters?: Filters;
          };
      }
    | { readonly type: "DECLINE"; readonly decline: { readonly offer_ids: readonly Id[]; readonly filters?: Filters } }
    | { readonly type: "REVIVE"; readonly revive: { readonly roles: readonly string[] } }
    | { readonly type: "SUPPRESS"; readonly suppress: { readonly roles: readonly string[] } }
    | {
          readonly type: "KILL";
          readonly kill: {
              readonly task_id: Id;
              readonly agent_id?: Id;
              readonly kill_policy?: { readonly grace_period: { readonly nanoseconds: number } };
          };
      }
    | { readonly type: "SHUTDOWN"; readonly shutdown: { readonly executor_id: Id; readonly agent_id: Id } }
    | {
          readonly type: "ACKNOWLEDGE";
          readonly acknowledge: { readonly agent_id: Id; readonly task_id: Id; readonly uuid: string };
      }
    | { readonly type: "RECONCILE"; readonly reconcile: { readonly tasks: readonly TaskReference[] } }
    | {
          readonly type: "MESSAGE";
          readonly message: { readonly agent_id: Id; readonly executor_id: Id; readonly data: string };
      }
    | { readonly type: "TEARDOWN" };

/** What a master says. */
export type Event =
    | {
          readonly type: "SUBSCRIBED";
          readonly subscribed: {
              readonly framework_id: Id;
              readonly heartbeat_interval_seconds?: number;
              readonly master_info?: { readonly hostname?: string; readonly id?: string };
          };
      }
    | { readonly type: "HEARTBEAT" }
    | { readonly type: "OFFERS"; readonly offers: { readonly offers: readonly Offer[] } }
    | { readonly type: "RESCIND"; readonly rescind: { readonly offer_id: Id } }
    | { readonly type: "UPDATE"; readonly update: { readonly status: TaskStatus } }
    | {
          readonly type: "MESSAGE";
          readonly message: { readonly agent_id: Id; readonly executor_id: Id; readonly data: string };
      }
    | {
          readonly type: "FAILURE";
          readonly failure: { readonly agent_id?: Id; readonly executor_id?: Id; readonly status?: number };
      }
    | { readonly type: "ERROR"; readonly error: { readonly message: string } };

const ENDED: readonly TaskState[] = [
    "TASK_FINISHED",
    "TASK_FAILED",
    "TASK_KILLED",
    "TASK_ERROR",
    "TASK_LOST",
    "TASK_DROPPED",
    "TASK_GONE",
    "TASK_GONE_BY_OPERATOR",
];

/**
 * Whether a task in this state will never run again.
 *
 * TASK_UNREACHABLE and TASK_UNKNOWN are not among them: the agent may come back with the task still running.
 */
export const isTerminal = (state: TaskState): boolean => ENDED.includes(state);
