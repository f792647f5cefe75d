/** What is not any more as it was when somebody reviewed it: two previews of one stack, compared. */
import { UNKNOWN } from "../provider/wire";
import { secretText } from "./events";
import { sorted } from "./fold";
import { changedLines } from "./lines";
import type { Preview, Step } from "./steps";

export interface Moved {
    readonly names: readonly string[];
    readonly lines: readonly string[];
}

const verbs: Readonly<Record<Step["change"], string>> = {
    same: "stays as it is",
    create: "is made",
    update: "is changed",
    delete: "is deleted",
    replace: "is replaced",
};

/** Texts, and all else as JSON, by property path. */
function leaves(value: unknown, path: string, into: Map<string, string>): void {
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0)
        for (const [key, item] of Object.entries(value)) leaves(item, path === "" ? key : `${path}.${key}`, into);
    else if (value !== undefined) into.set(path, typeof value === "string" ? value : JSON.stringify(value));
}

function differences(before: Step["after"], after: Step["after"]): string[] {
    const [old, next] = [new Map<string, string>(), new Map<string, string>()];
    leaves(before?.inputs, "", old);
    leaves(after?.inputs, "", next);
    return sorted(new Set([...old.keys(), ...next.keys()])).flatMap((path) => {
        const [a = "", b = ""] = [old.get(path), next.get(path)];
        if (a === b || a === UNKNOWN || b === UNKNOWN) return [];
        if (a === secretText || b === secretText) return [`${path}: a secret`];
        return changedLines(a, b).map((line) => `${path}: ${line}`);
    });
}

/**
 * @param reviewed the preview that was looked at
 * @param now the same, made again
 * @returns nothing when what would be done is the same; equal differences of several resources are one
 */
export function movedSince(reviewed: Preview, now: Preview): Moved[] {
    const [old, next] = [reviewed, now].map(({ steps }) => new Map(steps.map((step) => [step.urn, step]))) as [
        Map<string, Step>,
        Map<string, Step>,
    ];
    const groups = new Map<string, string[]>();
    const tell = (name: string, lines: readonly string[]): void => {
        if (lines.length === 0) return;
        const key = JSON.stringify(lines);
        groups.set(key, [...(groups.get(key) ?? []), name]);
    };
    for (const urn of new Set([...old.keys(), ...next.keys()])) {
        const [was, is] = [old.get(urn), next.get(urn)];
        const [from, to] = [was?.change ?? "same", is?.change ?? "same"];
        const name = (is ?? was)?.name ?? urn;
        const isComponent = (is ?? was)?.type.startsWith("pulumi-mesos:") === true;
        if (isComponent) continue;
        if (from !== to) tell(name, [`when reviewed, it ${verbs[from]}; now it ${verbs[to]}`]);
        else if (to !== "delete")
            tell(name, [
                ...differences(was?.before, is?.before).map((line) => `as it is: ${line}`),
                ...differences(was?.after, is?.after).map((line) => `as it is to be: ${line}`),
            ]);
    }
    const changed = Array.from(groups, ([key, names]) => ({
        names: sorted(names),
        lines: JSON.parse(key) as string[],
    }));
    return now.failed ? [...changed, { names: [now.stack], lines: ["the preview is refused now"] }] : changed;
}
