import type { Offer, TaskReference, TaskStatus } from "./messages";

/** What a framework does about what it hears. A method that throws or rejects is reported, and ends nothing. */
export interface Handler {
    /** Offers of a time before are void. */
    subscribed?(frameworkId: string, master: string): void;
    /** Every offer is to be accepted or declined: what is kept, others cannot have. */
    offers(offers: readonly Offer[]): void | Promise<void>;
    rescinded?(offerId: string): void;
    /** It is acknowledged when this has resolved, and repeated by Mesos when it rejects. The same one is told once. */
    update(status: TaskStatus): void | Promise<void>;
    message?(agentId: string, executorId: string, data: Buffer): void;
    /** An agent has been removed (no executor named), or an executor has ended. */
    failure?(agentId: string | undefined, executorId: string | undefined, status: number | undefined): void;
    disconnected?(reason: string): void;
    /** Tasks that are to be asked about after every subscription: all that may still run. */
    tasks(): Iterable<TaskReference>;
}
