/** From the engine's events to what happens to each resource, and what was said of it. */
import {
    type Diagnostic,
    type EngineEvent,
    nameOf,
    plainText,
    type PolicyViolation,
    type ResourceState,
    stackOf,
    type StepMetadata,
} from "./events";

export type Change = "same" | "create" | "update" | "delete" | "replace";

/** What happens to one resource. */
export interface Step {
    readonly change: Change;
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    readonly before?: ResourceState;
    readonly after?: ResourceState;
    /** Property paths that differ. */
    readonly paths: readonly string[];
    /** Those that make it a replacement. */
    readonly replacing: readonly string[];
    /** Lines that the provider has said of it in this preview. */
    readonly said: readonly string[];
}

/** A resource that is not as it was left, or that could not be looked at. */
export interface Look {
    readonly urn: string;
    readonly name: string;
    readonly type: string;
    readonly gone: boolean;
    readonly paths: readonly string[];
    readonly said: readonly string[];
    readonly before?: ResourceState;
    readonly after?: ResourceState;
}

export interface Preview {
    readonly stack: string;
    /** The stack's `pulumi-mesos:site`, as the engine has it. */
    readonly site: unknown;
    readonly steps: readonly Step[];
    /** Every resource that was refreshed; undefined when nothing was. */
    readonly looks: readonly Look[] | undefined;
    /** Why a look at everything came to no end; what was looked at until then is in `looks`. */
    readonly lookErrors?: readonly string[];
    readonly errors: readonly Diagnostic[];
    /** Of the program, not of one resource. */
    readonly warnings: readonly string[];
    readonly violations: readonly PolicyViolation[];
    readonly failed: boolean;
    /** Of the stack, before and after. */
    readonly outputs: { readonly before: unknown; readonly after: unknown };
}

const changes: Readonly<Record<string, Change>> = {
    same: "same",
    create: "create",
    update: "update",
    delete: "delete",
    replace: "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    import: "create",
};

const stackType = "pulumi:pulumi:Stack";

function siteOf(config: Readonly<Record<string, string>> | undefined): unknown {
    const text = Object.entries(config ?? {}).find(([key]) => key.endsWith(":site"))?.[1];
    try {
        return text === undefined ? undefined : JSON.parse(text);
    } catch {
        return undefined;
    }
}

/** One resource's replacement comes as several events; the first that has a side keeps it. */
function merge(present: Step | undefined, { op, urn, type, old, new: next, keys, detailedDiff }: StepMetadata): Step {
    const before = present?.before ?? old ?? undefined;
    const after = (op === "delete-replaced" ? present?.after : (next ?? present?.after)) ?? undefined;
    return {
        change: present?.change === "replace" ? "replace" : (changes[op] ?? "same"),
        urn,
        type,
        name: nameOf(urn),
        ...(before === undefined ? {} : { before }),
        ...(after === undefined || op === "delete" ? {} : { after }),
        paths: [...new Set([...(present?.paths ?? []), ...Object.keys(detailedDiff ?? {})])].sort(),
        replacing: [...new Set([...(present?.replacing ?? []), ...(keys ?? [])])].sort(),
        said: [],
    };
}

/**
 * What a preview says.
 *
 * Lines of the provider belong to the look at a resource while that goes on, and to the change afterwards.
 */
export function readPreview(events: readonly EngineEvent[]): Preview {
    const steps = new Map<string, Step>();
    const looks = new Map<string, Look>();
    const saidAtLook = new Map<string, string[]>();
    const said = new Map<string, string[]>();
    const errors: Diagnostic[] = [];
    const warnings: string[] = [];
    const violations: PolicyViolation[] = [];
    let [stack, failed, site] = ["", false, undefined as unknown];
    let outputs: Preview["outputs"] = { before: undefined, after: undefined };
    // The engine looks at everything before the program says what it wants.
    let refreshing = false;
    const note = (map: Map<string, string[]>, urn: string, line: string): void =>
        void map.set(urn, [...(map.get(urn) ?? []), line]);

    for (const event of events) {
        site ??= siteOf(event.preludeEvent?.config);
        const metadata = (event.resourcePreEvent ?? event.resOutputsEvent ?? event.resOpFailedEvent)?.metadata;
        if (metadata !== undefined) {
            const { urn, op, type, old, new: next } = metadata;
            stack ||= stackOf(urn);
            if (op === "refresh") {
                refreshing = true;
                if (event.resOutputsEvent !== undefined) {
                    const gone = next === null || next === undefined || (next.id === "" && old?.id !== "");
                    looks.set(urn, {
                        urn,
                        type,
                        name: nameOf(urn),
                        gone,
                        paths: Object.keys(metadata.detailedDiff ?? {}).sort(),
                        said: [],
                        ...(old ? { before: old } : {}),
                        ...(next ? { after: next } : {}),
                    });
                }
                continue;
            }
            refreshing = false;
            if (type === stackType)
                outputs = { before: outputs.before ?? old?.outputs, after: next?.outputs ?? outputs.after };
            else steps.set(urn, merge(steps.get(urn), metadata));
        }
        const diagnostic = event.diagnosticEvent;
        if (diagnostic !== undefined && diagnostic.ephemeral !== true) {
            const { severity, urn = "" } = diagnostic;
            const message = plainText(diagnostic.message);
            if (severity === "error") errors.push({ ...diagnostic, message });
            else if (severity === "warning" || severity === "info" || severity === "info#err") {
                if (urn === "" || urn.includes(`::${stackType}::`)) {
                    if (severity === "warning") warnings.push(message);
                } else note(refreshing ? saidAtLook : said, urn, message);
            }
        }
        if (event.policyEvent !== undefined)
            violations.push({ ...event.policyEvent, message: plainText(event.policyEvent.message) });
        if (event.summaryEvent?.result === "failed") failed = true;
    }
    const lines = (map: Map<string, string[]>, urn: string): string[] => [...new Set(map.get(urn) ?? [])];
    return {
        stack,
        site,
        steps: Array.from(steps.values(), (step) => ({ ...step, said: lines(said, step.urn) })),
        looks:
            looks.size === 0
                ? undefined
                : Array.from(looks.values(), (look) => ({ ...look, said: lines(saidAtLook, look.urn) })),
        errors,
        warnings: [...new Set(warnings)],
        violations,
        failed: failed || errors.length > 0,
        outputs,
    };
}
