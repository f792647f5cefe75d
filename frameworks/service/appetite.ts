/** Whether a framework wants offers, role by role: suppressed while it wants nothing, revived when it wants more than before. */

/** Between two revives. */
const REVIVE_EVERY_MS = 1000;

/** How long offers are refused, seconds. */
export const REFUSE = {
    /** Nothing is wanted. A revive makes every refusal void, so this may be long. */
    idle: 3600,
    /** Something is wanted, and this offer is too small for it: as long as nothing more of the agent becomes free. */
    small: 60,
    /** What is left of an offer that has been used. */
    rest: 5,
} as const;

/** How many tasks are to be started, by what they are. */
export type Wanted = ReadonlyMap<string, number>;

/** Roles whose offers Mesos is to hold back, or to make again. */
export interface Wish {
    readonly suppress: readonly string[];
    readonly revive: readonly string[];
}

const NOTHING: Wanted = new Map();

class Appetite {
    public suppressed = false;
    /** What was wanted at the last revive. */
    private revivedFor = new Map<string, number>();
    private revivedMs = 0;

    /** What Mesos is to be told about offers in general; undefined when nothing changes. The caller does it. */
    public next(wanted: Wanted, isPaused: boolean, nowMs: number): "suppress" | "revive" | undefined {
        if (wanted.size === 0) {
            this.revivedFor.clear();
            if (this.suppressed) {
                return undefined;
            }
            this.suppressed = true;
            return "suppress";
        }
        if (isPaused || nowMs - this.revivedMs < REVIVE_EVERY_MS) {
            return undefined;
        }
        // What was refused as not wanted, or as too small, may serve now.
        const more = [...wanted].some(([key, count]) => count > (this.revivedFor.get(key) ?? 0));
        if (!this.suppressed && !more) {
            return undefined;
        }
        this.suppressed = false;
        this.revivedMs = nowMs;
        this.revivedFor = new Map(wanted);
        return "revive";
    }

    /** After a subscription, or a call that was lost: what Mesos was told may not hold. */
    public forget(): void {
        this.suppressed = false;
        this.revivedFor.clear();
        this.revivedMs = 0;
    }

    /** Offers have been refused for another reason than their size. */
    public refused(): void {
        this.revivedFor.clear();
    }

    /**
     * After a launch: what is wanted from now on is what no offer had room for, and no new wish. Of what is wanted no more, offers
     * have been refused for long, and it is a new wish when it comes again.
     */
    public launched(wanted: Wanted): void {
        this.revivedFor = new Map(
            [...wanted].map(([key, count]) => [key, Math.max(count, this.revivedFor.get(key) ?? 0)] as const),
        );
    }
}

/** Of a framework in all its roles. */
export class Appetites {
    private readonly ofRole: ReadonlyMap<string, Appetite>;

    public constructor(roles: readonly string[]) {
        this.ofRole = new Map(roles.map((role) => [role, new Appetite()]));
    }

    /** Whether no offers come at all. */
    public get suppressed(): boolean {
        return [...this.ofRole.values()].every(({ suppressed }) => suppressed);
    }

    /** What Mesos is to be told about offers in general. The caller does it. */
    public next(wanted: ReadonlyMap<string, Wanted>, isPaused: boolean, nowMs: number): Wish {
        const steps = [...this.ofRole].map(
            ([role, one]) => [role, one.next(wanted.get(role) ?? NOTHING, isPaused, nowMs)] as const,
        );
        const of = (call: keyof Wish): string[] => steps.flatMap(([role, step]) => (step === call ? [role] : []));
        return { suppress: of("suppress"), revive: of("revive") };
    }

    public forget(): void {
        this.ofRole.forEach((one) => one.forget());
    }

    public refused(): void {
        this.ofRole.forEach((one) => one.refused());
    }

    public launched(wanted: ReadonlyMap<string, Wanted>): void {
        this.ofRole.forEach((one, role) => one.launched(wanted.get(role) ?? NOTHING));
    }
}
