/**
 * The engine's events, as `pulumi preview --event-log FILE` writes them: one JSON object a line (sdk/go/common/apitype/events.go
 * of Pulumi). Only what a report needs is typed. Secrets stand in them as `[secret]`: the engine masks them itself.
 */

/** What a resource was or will be. */
export interface ResourceState {
    readonly type: string;
    readonly urn: string;
    readonly id?: string;
    readonly protect?: boolean;
    readonly retainOnDelete?: boolean;
    readonly inputs?: Readonly<Record<string, unknown>>;
    readonly outputs?: Readonly<Record<string, unknown>>;
}

export type Operation =
    | "same"
    | "create"
    | "update"
    | "delete"
    | "replace"
    | "create-replacement"
    | "delete-replaced"
    | "read"
    | "refresh"
    | "import"
    | "discard"
    | (string & {});

export interface StepMetadata {
    readonly op: Operation;
    readonly urn: string;
    readonly type: string;
    readonly old?: ResourceState | null;
    readonly new?: ResourceState | null;
    /** Paths of properties that make it a replacement. */
    readonly keys?: readonly string[] | null;
    readonly diffs?: readonly string[] | null;
    readonly detailedDiff?: Readonly<Record<string, { readonly diffKind: string }>> | null;
}

export interface Diagnostic {
    readonly urn?: string;
    readonly message: string;
    readonly severity: string;
    readonly ephemeral?: boolean;
}

export interface PolicyViolation {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly policyPackName: string;
    readonly enforcementLevel: string;
}

export interface EngineEvent {
    readonly timestamp?: number;
    readonly preludeEvent?: { readonly config: Readonly<Record<string, string>> };
    readonly resourcePreEvent?: { readonly metadata: StepMetadata };
    readonly resOutputsEvent?: { readonly metadata: StepMetadata };
    readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
    readonly diagnosticEvent?: Diagnostic;
    readonly policyEvent?: PolicyViolation;
    readonly summaryEvent?: {
        readonly durationSeconds: number;
        readonly result?: string;
        readonly resourceChanges: Readonly<Record<string, number>>;
    };
}

/** How the engine marks a secret in a property (sdk/v3/go/common/resource/sig). */
const signature = "4dabf18193072939515e22adb298388d";

/** What stands for a secret in a report, and for all that is in it. */
export const secretText = "[secret]";

/** A value with each secret in it replaced, whatever the engine has left of it. */
function masked(_key: string, value: unknown): unknown {
    return typeof value === "object" && value !== null && signature in value ? secretText : value;
}

/**
 * Reads an event log. A last line that a killed run has cut off is passed over.
 *
 * @throws {Error} when a line in the middle is no event
 */
export function parseEvents(text: string): EngineEvent[] {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.flatMap((line, index) => {
        try {
            return [JSON.parse(line, masked) as EngineEvent];
        } catch {
            if (index === lines.length - 1) return [];
            throw new Error(`line ${index + 1} of the event log is no event: ${line.slice(0, 80)}`);
        }
    });
}

/** A diagnostic's text without the engine's marks for colours. */
export function plainText(message: string): string {
    return message
        .replace(/<\{%[^%]*%\}>/g, "")
        .replaceAll("\u001b", "")
        .trim();
}

/** The last part of a URN. */
export function nameOf(urn: string): string {
    return urn.slice(urn.lastIndexOf("::") + 2);
}

/** The stack's name in a URN: `urn:pulumi:STACK::PROJECT::TYPE::NAME`. */
export function stackOf(urn: string): string {
    return urn.split("::")[0]?.split(":").at(-1) ?? "";
}
