/** What a change of definitions takes, step by step: dependencies first. */
import { classifyChange } from "../../site/marathon/change";
import { dependenciesOf } from "../../site/marathon/group";
import { type Action, type Spec, targetOf } from "./model";

export interface Change {
    readonly before: Spec | undefined;
    readonly after: Spec | undefined;
}

export type Kind = "none" | "start" | "stop" | "scale" | "restart";

/** @param forced restarts although nothing is different */
export function kindOf({ before, after }: Change, forced = false): Kind {
    if (before === after && !forced) {
        return "none";
    }
    if (before === undefined || after === undefined) {
        return before === after ? "none" : before === undefined ? "start" : "stop";
    }
    if (forced) {
        return "restart";
    }
    // A change of kind (app to pod) is refused elsewhere.
    const { causes, kind } = classifyChange(before.definition, after.definition);
    if (causes.length === 0) {
        return "none";
    }
    return kind === "scale" || causes.every((cause) => cause === "instances" || cause === "scaling.instances")
        ? "scale"
        : "restart";
}

/** Length of the longest chain of dependencies below each id. */
export function depths(specs: ReadonlyMap<string, Spec>, ids: readonly string[]): Map<string, number> {
    const known = new Map<string, number>();
    const depth = (id: string, trail: readonly string[]): number => {
        const spec = specs.get(id);
        if (known.has(id) || spec === undefined || trail.includes(id)) {
            return known.get(id) ?? 0;
        }
        // A dependency may be a group: everything in it.
        const below = dependenciesOf(spec.definition, id).flatMap((other) =>
            [...specs.keys()].filter((one) => one === other || one.startsWith(`${other}/`)),
        );
        const value = Math.max(0, ...below.filter((one) => one !== id).map((one) => depth(one, [...trail, id]) + 1));
        known.set(id, value);
        return value;
    };
    ids.forEach((id) => depth(id, []));
    return known;
}

export function stepsOf(
    changes: readonly Change[],
    specs: ReadonlyMap<string, Spec>,
    forced: ReadonlySet<string> = new Set(),
): Action[][] {
    const of = (kind: Kind): Spec[] =>
        changes
            .filter((change) => kindOf(change, forced.has(change.after?.id ?? "")) === kind)
            .flatMap(({ before, after }) => after ?? before ?? []);
    const action = (name: Action["action"]) => (spec: Spec): Action => ({ action: name, id: spec.id, kind: spec.kind });
    const [starts, stops, scales, restarts] = [of("start"), of("stop"), of("scale"), of("restart")];
    const later = [
        ...starts.filter((spec) => targetOf(spec) > 0).map(action("ScaleApplication")),
        ...scales.map(action("ScaleApplication")),
        ...restarts.map(action("RestartApplication")),
    ];
    const depth = depths(specs, later.map(({ id }) => id));
    const levels = [...new Set(later.map(({ id }) => depth.get(id) ?? 0))].sort((a, b) => a - b);
    return [
        stops.map(action("StopApplication")),
        starts.map(action("StartApplication")),
        ...levels.map((level) => later.filter(({ id }) => (depth.get(id) ?? 0) === level)),
    ].filter((step) => step.length > 0);
}
