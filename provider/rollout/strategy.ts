/** What a tier's rollout needs to know about the service that it rolls. One implementation per kind of service. */
import type { Issue, Service } from "../../site/plan/types";
import { type HostConfigInputs, plannedRestarts } from "../host/config";
import type { Observation } from "../host/inspect";
import type { Candidate, Role } from "./order";

/** A host in a batch, looked at and ready to be changed. */
export interface Prepared extends Candidate {
    readonly config: HostConfigInputs;
    /** The inputs before; undefined for a new host. */
    readonly before: HostConfigInputs | undefined;
    readonly seen: Observation;
    /** What is not as planned. */
    readonly drift: readonly string[];
    /** Of a host that leaves: it will be made again on another machine. @default false */
    readonly comesBack?: boolean;
    say(line: string): void;
    warn(line: string): void;
}

/** What the cluster says of a host's service. */
export interface Observed {
    readonly service: Service;
    /** What is not as planned, a line each. */
    readonly drift: readonly string[];
}

export interface Strategy {
    /** One cannot go on without the others: a fault on one host stops the whole batch. */
    readonly isQuorum: boolean;
    /** The live part of each host, by name. */
    roles(configs: readonly HostConfigInputs[]): Promise<ReadonlyMap<string, Role>>;
    waves(batch: readonly Prepared[]): Promise<Prepared[][]>;
    /**
     * Just before a host is changed: may it go down now, does it have to be emptied first?
     *
     * @returns paths to remove while its service is stopped
     * @throws UserError when it must not be changed now
     */
    before(host: Prepared): Promise<readonly string[]>;
    /** Waits until the host is healthy again. */
    after(host: Prepared): Promise<void>;
    /**
     * Before hosts are taken out of the tier: empties them.
     *
     * @returns why a host must stay, by name
     */
    beforeRemoval(leaving: readonly Prepared[], confirmed: boolean): Promise<ReadonlyMap<string, Error>>;
    /** What to put aside on a host whose service is taken away, for it must not meet a service to come. */
    outdated(host: Prepared, leaving: readonly Prepared[]): readonly string[];
    /** After a host's service is gone. */
    afterRemoval(host: Prepared): Promise<void>;
    /**
     * What the cluster knows of a host's service that the host itself does not, in the words of the plan.
     *
     * @throws UserError when the cluster can't be asked
     */
    observe(config: HostConfigInputs): Promise<Observed>;
    /** Why a change must not be, by what the cluster is at; nothing where that cannot be told. @default - any may be */
    objections?(config: HostConfigInputs, before: HostConfigInputs): Promise<readonly Issue[]>;
    /** One line for the preview: what will happen to this host. */
    foretell(config: HostConfigInputs, before: HostConfigInputs): string;
}

/** Of a service of which nothing that the cluster knows is planned: its part in it changes by itself. */
export const asPlanned = ({ service }: HostConfigInputs): Promise<Observed> => Promise.resolve({ service, drift: [] });

/** One line for each unit that a change restarts, with why. @param effect what that means for others, after a comma or a space */
export function restartLines(config: HostConfigInputs, before: HostConfigInputs, effect = ""): string[] {
    return plannedRestarts(before, config).map(
        ({ unit, because }) => `restarts ${unit}${effect} (${because.join(", ")})`,
    );
}

/** What is foretold of a host, in one line. */
export const foretold = (lines: readonly string[]): string =>
    lines.length === 0 ? "no service restarts" : lines.join("; ");

/** Polls until `probe` gives a value; the last `explain()` is the error. */
export async function waitFor<T>(
    probe: () => Promise<T | undefined>,
    timeoutSec: number,
    explain: () => Error,
    clock: Clock = realClock,
): Promise<T> {
    const deadline = clock.now() + timeoutSec * 1000;
    for (;;) {
        const value = await probe();
        if (value !== undefined) {
            return value;
        }
        if (clock.now() >= deadline) {
            throw explain();
        }
        await clock.sleep(500);
    }
}

export interface Clock {
    now(): number;
    sleep(ms: number): Promise<void>;
}

export const realClock: Clock = {
    now: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};
