/** Making, addressing and printing faults of the stack file. */
import type { Issue } from "./plan/types";

/** The parts of an {@link Issue} that not every fault has. */
export interface IssueDetails {
    /** The bad value; printed as JSON. Never pass a secret. */
    readonly value?: unknown;
    readonly allowed?: string;
    readonly fix?: string;
}

/** Makes an issue; `value` is turned into JSON here, so that callers cannot forget to. */
export function issue(code: string, path: string, message: string, details: IssueDetails = {}): Issue {
    return {
        code,
        path,
        message,
        ...(details.value === undefined ? {} : { value: JSON.stringify(details.value) }),
        ...(details.allowed === undefined ? {} : { allowed: details.allowed }),
        ...(details.fix === undefined ? {} : { fix: details.fix }),
    };
}

/** Writes a path as a person would: `hosts["bm[1-3]"].zone[0]`. */
export function formatPath(path: readonly PropertyKey[]): string {
    return path.reduce<string>((text, key) => {
        if (typeof key === "number") return `${text}[${key}]`;
        const name = String(key);
        if (/^[A-Za-z_][\w-]*$/.test(name)) return text === "" ? name : `${text}.${name}`;
        return `${text}[${JSON.stringify(name)}]`;
    }, "");
}

/** Prints faults for a terminal, one paragraph each. */
export function formatIssues(issues: readonly Issue[], kind: "error" | "warning" = "error"): string {
    return issues
        .map(({ code, path, message, value, allowed, fix }) =>
            [
                `${kind} ${code} at ${path}: ${message}`,
                ...(value === undefined ? [] : [`    value:   ${value}`]),
                ...(allowed === undefined ? [] : [`    allowed: ${allowed}`]),
                ...(fix === undefined ? [] : [`    fix:     ${fix}`]),
            ].join("\n"),
        )
        .join("\n");
}
