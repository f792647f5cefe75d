/** What is to be done about the instances of one app or pod, as a pure function; a rolling update is nothing else. */
import {
    healthChecksOf,
    type Instance,
    isHealthy,
    isOwnCheck,
    isReady,
    isRunning,
    type Spec,
    targetOf,
    upgradeOf,
} from "./model";

export interface Orders {
    readonly start: number;
    readonly kill: readonly string[];
}

const isOld = (spec: Spec, { config }: Instance): boolean => config !== spec.lastConfigChangeAt;

/** Of those that may go: first what does not run, then by age. */
function victims(spec: Spec, candidates: readonly Instance[], count: number): string[] {
    const youngest = spec.definition["killSelection"] !== "OLDEST_FIRST";
    const age = ({ startedAt = "", stagedAt = "" }: Instance): string => startedAt || stagedAt || "~";
    const rank = (instance: Instance): number => (isHealthy(instance) === false ? 0 : isRunning(instance) ? 2 : 1);
    return [...candidates]
        .sort((a, b) => rank(a) - rank(b) || (youngest ? 1 : -1) * (age(a) < age(b) ? 1 : age(a) > age(b) ? -1 : 0))
        .slice(0, Math.max(0, count))
        .map(({ id }) => id);
}

/** The real one counts no old instance as healthy when it has checks that Marathon runs (measured on 1.11). */
function countsOldAsHealthy(spec: Spec): boolean {
    const readiness = spec.definition["readinessChecks"];
    return !healthChecksOf(spec).some(isOwnCheck) && spec.definition["check"] === undefined && readiness === undefined;
}

export function ordersFor(spec: Spec, all: readonly Instance[]): Orders {
    const target = targetOf(spec);
    const alive = all.filter(({ goal }) => goal === "Running");
    const old = alive.filter((instance) => isOld(spec, instance));
    const current = alive.filter((instance) => !isOld(spec, instance));
    if (old.length === 0) {
        const excess = current.length - target;
        return { start: Math.max(0, -excess), kill: victims(spec, current, excess) };
    }
    const { minimum, over } = upgradeOf(spec);
    const atLeast = Math.ceil(target * minimum);
    let atMost = Math.floor(target * (1 + over));
    const single = minimum === 0 && over === 0;
    if (atMost === atLeast && !single) {
        atMost += 1;
    }
    const ready = current.filter((instance) => isReady(spec, instance)).length;
    const oldReady = old.filter((instance) => isRunning(instance) && isHealthy(instance) !== false).length;
    // What does not serve is of no use: it goes first and is no loss.
    const idle = old.length - oldReady;
    const spare = countsOldAsHealthy(spec) || ready > 0 ? oldReady + ready - atLeast : Math.min(0, oldReady - atLeast);
    const kill = victims(spec, old, Math.min(old.length, idle + Math.max(0, spare)));
    // Old ones that are being killed take their place until they are gone.
    const start = Math.max(0, Math.min(target - current.length, atMost - all.length));
    return { start, kill };
}

/** Whether the app is as its newest version wants it. */
export function isSettled(spec: Spec, all: readonly Instance[]): boolean {
    const target = targetOf(spec);
    return all.length === target && all.every((instance) => !isOld(spec, instance) && isReady(spec, instance));
}
