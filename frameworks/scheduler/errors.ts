/** What ends a framework's subscription for good, in words for its operator. */

export type EndKind =
    /** The masters know the framework as completed: its id is dead. */
    | "removed"
    /** Another process has subscribed under the same id. */
    | "superseded"
    /** Credential, role or what the framework says of itself was refused. */
    | "refused"
    /** The id could not be kept: going on would orphan the tasks at the next start. */
    | "id not kept";

export class SubscriptionEnded extends Error {
    public override readonly name = "SubscriptionEnded";

    public constructor(
        public readonly kind: EndKind,
        message: string,
    ) {
        super(message);
    }
}

/** A call that a master did not take, or that may not have reached it (`status` 0). */
export class CallFailed extends Error {
    public override readonly name = "CallFailed";

    public constructor(
        public readonly call: string,
        public readonly status: number,
        message: string,
    ) {
        super(`${call}: ${message}`);
    }
}

export interface Who {
    readonly name: string;
    readonly frameworkId: string | undefined;
    readonly principal: string | undefined;
}

const named = ({ name, frameworkId }: Who): string =>
    `framework "${name}"${frameworkId === undefined ? "" : ` (${frameworkId})`}`;

/** An ERROR event: Mesos sends one only when it will not hear of this subscription any more. */
export function explainError(message: string, who: Who): SubscriptionEnded {
    if (/has been removed|has been torn down|completed framework/i.test(message)) {
        return new SubscriptionEnded(
            "removed",
            `${named(who)}: the masters have removed it (torn down, or away for longer than its failover time-out), and its tasks are gone. ` +
                `The id can never be used again: remove it from where it is stored, then start anew. Mesos said: ${message}`,
        );
    }
    if (/failed over/i.test(message)) {
        return new SubscriptionEnded(
            "superseded",
            `${named(who)}: another process has subscribed under the same id. Only one may: end this one or that one. Mesos said: ${message}`,
        );
    }
    return new SubscriptionEnded("refused", `${named(who)}: ${message}`);
}

/** A SUBSCRIBE that was answered by a status that no repetition will change. */
export function explainRefusal(status: number, body: string, who: Who): SubscriptionEnded {
    const said = body.trim() === "" ? "" : ` Mesos said: ${body.trim().slice(0, 300)}`;
    const by = who.principal === undefined ? "without a credential" : `principal "${who.principal}"`;
    switch (status) {
        case 401:
            return new SubscriptionEnded(
                "refused",
                `${named(who)}: the master does not accept it, ${by} (401). The principal and its secret must stand in the masters' credentials.${said}`,
            );
        case 403:
            return new SubscriptionEnded(
                "refused",
                `${named(who)}: ${by} may not register as this framework (403): the masters' ACLs must allow it the roles and the principal that it names.${said}`,
            );
        default:
            return new SubscriptionEnded(
                "refused",
                `${named(who)}: the master refuses the subscription (${status}).${said}`,
            );
    }
}
