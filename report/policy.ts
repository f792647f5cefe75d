/** Which reports make a pipeline fail. */
import { dangerKinds } from "./dangers";
import type { Report } from "./model";

export const policyWords = ["refused", "danger", "change", "drift", "unseen", "never"] as const;
export type PolicyWord = (typeof policyWords)[number] | (typeof dangerKinds)[number];

/** @param text words separated by commas */
export function parsePolicy(text: string): { words: readonly PolicyWord[] } | { unknown: readonly string[] } {
    const words = text
        .split(",")
        .map((word) => word.trim())
        .filter((word) => word !== "");
    const known: readonly string[] = [...policyWords, ...dangerKinds];
    const unknown = words.filter((word) => !known.includes(word));
    return unknown.length > 0 ? { unknown } : { words: words as PolicyWord[] };
}

/** Why the report fails; nothing when it does not. */
export function failures(report: Report, words: readonly PolicyWord[]): string[] {
    const reasons: string[] = [];
    const on = (word: PolicyWord, isSo: boolean, reason: string): void => {
        if (words.includes(word) && isSo) reasons.push(reason);
    };
    on("refused", report.verdict === "refused", "the preview was refused");
    on("change", report.verdict === "changes", "something would be changed");
    on(
        "danger",
        report.dangers.length > 0,
        `dangers: ${[...new Set(report.dangers.map(({ kind }) => kind))].join(", ")}`,
    );
    on("drift", (report.drift?.length ?? 0) > 0, "something is not as this stack has left it");
    on("unseen", report.unseen.length > 0, "not everything could be looked at");
    for (const kind of dangerKinds)
        if (kind !== "refused")
            on(
                kind,
                report.dangers.some((danger) => danger.kind === kind),
                `danger: ${kind}`,
            );
    return words.includes("never") ? [] : reasons;
}
