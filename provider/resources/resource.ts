/** What a resource type must do. One implementation per type; the server in `provider/server.ts` does the protocol. */
import type { Difference, Path, Properties } from "../wire";

export interface CheckFailure {
    /** Property path, or "" for the whole resource. */
    readonly property: string;
    readonly reason: string;
}

export interface Context {
    readonly urn: string;
    /** The resource's own name, the last part of the URN. */
    readonly name: string;
    /** For `diff` and `update`: the outputs as the last run has left them. */
    readonly outputs?: Properties;
    /** Writes a line to the engine's log, attached to the resource. Never hand it a secret. */
    log(severity: "debug" | "info" | "warning", message: string): void;
}

export interface CheckResult {
    readonly failures: readonly CheckFailure[];
    /** The inputs in their normal form; a value that was secret stays so wherever it comes to stand. @default - as given */
    readonly inputs?: Properties;
}

export interface DiffResult {
    readonly changes: readonly Difference[];
    /** Paths whose change needs a new resource. */
    readonly replaces?: readonly Path[];
    /** The new one cannot be made beside the old one. @default false */
    readonly deleteBeforeReplace?: boolean;
}

export interface State {
    readonly id: string;
    readonly outputs: Properties;
    /** Only from `read`: the inputs as the real thing has them now. */
    readonly inputs?: Properties;
    /** Paths in `inputs` that are secret although nothing that was given is. */
    readonly secretInputs?: readonly Path[];
    /** Paths in outputs that are secret although no input was. */
    readonly secretOutputs?: readonly Path[];
}

export interface ResourceType {
    check(
        inputs: Properties,
        previous: Properties | undefined,
        context: Context,
    ): CheckFailure[] | CheckResult | Promise<CheckFailure[] | CheckResult>;
    diff(before: Properties, after: Properties, context: Context): DiffResult;
    /** `preview`: touch nothing; what is not known may be left out. */
    create(inputs: Properties, preview: boolean, context: Context): Promise<State>;
    /** @returns undefined when the real thing is gone */
    read(id: string, inputs: Properties, outputs: Properties, context: Context): Promise<State | undefined>;
    update(id: string, before: Properties, after: Properties, preview: boolean, context: Context): Promise<State>;
    delete(id: string, inputs: Properties, outputs: Properties, context: Context): Promise<void>;
}

/**
 * The real thing exists, but is not as it should be: it is in the state all the same, so that the next `up` goes on with it
 * and `destroy` removes it.
 */
export class InitError extends Error {
    public constructor(
        message: string,
        public readonly state: State,
    ) {
        super(message);
    }
}

/** A failure that the user can act on: its message is printed as it is, without a stack trace. */
export class UserError extends Error {}

/**
 * No server of a group answers, or none leads: nothing is known of what they keep. A refresh keeps what the state says and warns,
 * for the same run may be the one that starts them again.
 */
export class UnreachableError extends UserError {}
