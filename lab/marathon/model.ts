/** What the stand-in knows: definitions with their versions, instances, and how both are told apart. */
import { isObject, type JsonObject } from "../../site/definitions/fields";
import { type App, objects } from "../../site/marathon/normalizeApp";

/** An app or pod at one version. */
export interface Spec {
    readonly kind: "app" | "pod";
    readonly id: string;
    /** Normal form, ports assigned. */
    readonly definition: App;
    readonly version: string;
    readonly lastScalingAt: string;
    /** Instances of another configuration are old. */
    readonly lastConfigChangeAt: string;
}

export interface GroupSettings {
    readonly id: string;
    readonly version: string;
    readonly dependencies: readonly string[];
    readonly enforceRole: boolean;
}

export interface Agent {
    readonly id: string;
    readonly hostname: string;
    /** Its IP address, where the offer tells it. */
    readonly address?: string;
    /** Of attributes and of the fault domain (`@region`, `@zone`). */
    readonly attributes: Readonly<Record<string, string>>;
}

/** What a health check of one kind has found. */
export interface Health {
    readonly alive: boolean;
    readonly consecutiveFailures: number;
    readonly firstSuccess?: string;
    readonly lastSuccess?: string;
    readonly lastFailure?: string;
    readonly lastFailureCause?: string;
}

export interface Instance {
    readonly id: string;
    readonly spec: string;
    readonly kind: Spec["kind"];
    /** `lastConfigChangeAt` of what it was made from. */
    readonly config: string;
    readonly version: string;
    /** Of its tasks; counts the launches. */
    readonly attempt: number;
    readonly goal: "Running" | "Stopped";
    /** Mesos' word; Scheduled while it waits for an offer. */
    readonly state: string;
    readonly agent?: Agent;
    readonly tasks: readonly string[];
    readonly states: Readonly<Record<string, string>>;
    readonly ports: readonly number[];
    readonly stagedAt?: string;
    readonly startedAt?: string;
    /** One for each health check; undefined entries have not been looked at yet. */
    readonly health: readonly (Health | null)[];
}

export interface TaskFailure {
    readonly appId: string;
    readonly host: string;
    readonly message: string;
    readonly state: string;
    readonly taskId: string;
    readonly timestamp: string;
    readonly version: string;
    readonly slaveId?: string;
}

export interface Action {
    readonly action: "StartApplication" | "ScaleApplication" | "RestartApplication" | "StopApplication";
    readonly id: string;
    readonly kind: Spec["kind"];
}

export interface Deployment {
    readonly id: string;
    readonly version: string;
    readonly steps: readonly (readonly Action[])[];
    /** Index of the step that is under way. */
    readonly current: number;
    /** What was there before, for a rollback; null where nothing was. */
    readonly before: Readonly<Record<string, Spec | null>>;
}

/** An object without some of its keys. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
    return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

export const affected = ({ steps }: Deployment): string[] => [...new Set(steps.flat().map(({ id }) => id))];

export function targetOf({ definition }: Spec): number {
    const scaling = definition["scaling"];
    return Number((isObject(scaling) ? scaling["instances"] : definition["instances"]) ?? 1);
}

export function withTarget(definition: App, instances: number): App {
    const scaling = definition["scaling"];
    return isObject(scaling) ? { ...definition, scaling: { ...scaling, instances } } : { ...definition, instances };
}

/** Upgrade strategy, wherever apps and pods have it. */
export function upgradeOf({ definition }: Spec): { minimum: number; over: number } {
    const scheduling = isObject(definition["scheduling"]) ? definition["scheduling"]["upgrade"] : undefined;
    const strategy = scheduling ?? definition["upgradeStrategy"];
    const { minimumHealthCapacity = 1, maximumOverCapacity = 1 } = isObject(strategy) ? strategy : {};
    return { minimum: Number(minimumHealthCapacity), over: Number(maximumOverCapacity) };
}

export const healthChecksOf = ({ definition }: Spec): JsonObject[] => objects(definition["healthChecks"]);

/** Checks that Marathon itself runs. */
const OWN = new Set<unknown>(["HTTP", "HTTPS", "TCP"]);
export const isOwnCheck = ({ protocol }: JsonObject): boolean => OWN.has(protocol);

export const isRunning = ({ state }: Instance): boolean => state === "TASK_RUNNING";

/** Undefined while no check has spoken, and for what has no checks. */
export function isHealthy({ health }: Instance): boolean | undefined {
    const known = health.filter((one) => one !== null);
    return known.length === 0 ? undefined : known.length === health.length && known.every(({ alive }) => alive);
}

/** Serves: what a deployment waits for. */
export const isReady = (spec: Spec, instance: Instance): boolean =>
    isRunning(instance) && (healthChecksOf(spec).length === 0 || isHealthy(instance) === true);

/** Timestamps as versions: no two are the same, and each is later than the one before it. */
export class Versions {
    private last = 0;

    public next(now = Date.now()): string {
        this.last = Math.max(this.last + 1, now);
        return new Date(this.last).toISOString();
    }

    /** A version that was given out in an earlier life. */
    public seen(version: string): void {
        this.last = Math.max(this.last, Date.parse(version) || 0);
    }
}
