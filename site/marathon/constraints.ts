/** Placement constraints of apps. */
import { type Json, word } from "../definitions/fields";
import type { Findings } from "../definitions/finding";
import { nearest } from "../nearest";

export const operators = ["UNIQUE", "CLUSTER", "GROUP_BY", "LIKE", "UNLIKE", "MAX_PER", "IS"] as const;
export type Operator = (typeof operators)[number];

export interface Constraint {
    readonly field: string;
    readonly operator: Operator;
    readonly value?: string;
}

/** The constraints of an app that can be read. */
export function constraintsOf(constraints: Json | undefined): Constraint[] {
    if (!Array.isArray(constraints)) return [];
    return constraints.flatMap((constraint) => {
        if (!Array.isArray(constraint)) return [];
        const [field, operator, value] = constraint;
        if (typeof field !== "string" || !operators.includes(operator as Operator)) return [];
        return [{ field, operator: operator as Operator, ...(typeof value === "string" ? { value } : {}) }];
    });
}

/** Whether Java would read it; what only one of the two languages knows is taken for valid. */
export function isRegex(text: string): boolean {
    // Possessive quantifiers, inline flags and \A, \z, \Q…\E are Java's own.
    const java = text.replace(/([*+?}])\+/g, "$1").replace(/\(\?[a-z]+\)/g, "");
    try {
        new RegExp(java);
        return true;
    } catch {
        return false;
    }
}

const isWholeNumber = (value: string): boolean => /^[+-]?\d{1,10}$/.test(value);

/** What is wrong with one constraint, in the server's words; undefined when it is right. */
export function constraintFault(operator: string, value: string | undefined): string | undefined {
    switch (operator) {
        case "UNIQUE":
            return value === undefined ? undefined : "UNIQUE does not accept a value";
        case "LIKE":
        case "UNLIKE":
            if (value === undefined || value === "")
                return "LIKE and UNLIKE require a non-empty, regular expression value";
            return isRegex(value) ? undefined : "is not a valid regular expression";
        case "GROUP_BY":
            return value === undefined || isWholeNumber(value)
                ? undefined
                : "GROUP BY must define an integer value or else no value at all";
        case "MAX_PER":
            return value !== undefined && isWholeNumber(value) ? undefined : "MAX_PER requires an integer value";
        case "CLUSTER":
        case "IS":
            return operator === "IS" && (value === undefined || value === "") ? "IS requires a value" : undefined;
        default:
            return "is not an operator";
    }
}

/** Checks the constraints of an app. */
export function checkConstraints(constraints: Json | undefined, findings: Findings): void {
    if (!Array.isArray(constraints)) return;
    constraints.forEach((constraint, index) => {
        const at = `/constraints(${index})`;
        if (!Array.isArray(constraint)) return;
        const [field, operator, value] = constraint.map(word);
        const refuse = (code: string, message: string, error: string, more: object = {}): void =>
            findings.refuse(code, at, message, { value: constraint, server: { path: "/constraints", error }, ...more });
        if (constraint.length < 2 || constraint.length > 3) {
            const error = "Each constraint must have either 2 or 3 fields";
            refuse(
                "APP_CONSTRAINT",
                "a constraint is an attribute, an operator and, for some operators, a value",
                error,
            );
            return;
        }
        if (!operators.includes(operator as Operator)) {
            const near = nearest(operator ?? "", operators);
            const right = operators.find((known) => known === operator?.toUpperCase());
            findings.refuse("APP_CONSTRAINT_OPERATOR", at, `there is no operator "${operator ?? ""}"`, {
                value: constraint,
                allowed: operators.join(", "),
                ...((right ?? near) === undefined ? {} : { fix: `did you mean "${right ?? near ?? ""}"?` }),
                server:
                    right === undefined
                        ? { path: "/constraints", error: `'${operator ?? ""}' is not an operator` }
                        : { status: 500, error: `illegal constraint specification ${constraint.map(word).join(",")}` },
            });
            return;
        }
        const fault = constraintFault(operator ?? "", constraint.length === 3 ? value : undefined);
        if (fault !== undefined) refuse("APP_CONSTRAINT", fault, fault);
        else if (field?.trim() === "")
            findings.refuse("APP_CONSTRAINT", at, "the attribute of a constraint must not be empty");
        else if (operator === "MAX_PER" && Number(value) < 1)
            findings.refuse("APP_CONSTRAINT", at, `MAX_PER ${value ?? ""} places nothing at all`, {
                allowed: "1 or more",
            });
        else if (operator === "GROUP_BY" && value === undefined)
            findings.warn("APP_GROUP_BY_GUESS", at, "GROUP_BY without a number of groups does not spread evenly", {
                fix: `say how many different values of ${field ?? ""} there are`,
            });
    });
}
