/** Whether an agent may take one more instance of an app. */
import type { Constraint } from "../../site/marathon/constraints";
import type { Agent } from "./model";

function valueOf({ hostname, attributes }: Agent, field: string): string | undefined {
    return field === "hostname" || field === "@hostname" ? hostname : attributes[field];
}

/** The whole value must match, as in Java. */
const matches = (value: string, pattern: string): boolean => new RegExp(`^(?:${pattern})$`).test(value);

/** @param placed agents of the instances that are there already, one entry for each instance */
export function admits({ field, operator, value = "" }: Constraint, agent: Agent, placed: readonly Agent[]): boolean {
    const here = valueOf(agent, field);
    if (here === undefined) {
        return operator === "UNLIKE";
    }
    const there = placed.map((other) => valueOf(other, field));
    const count = there.filter((other) => other === here).length;
    switch (operator) {
        case "UNIQUE":
            return count === 0;
        case "CLUSTER":
            return (value === "" || here === value) && count === there.length;
        case "GROUP_BY": {
            const groups = new Map<string, number>();
            there.forEach((other) => other !== undefined && groups.set(other, (groups.get(other) ?? 0) + 1));
            const wanted = Number(value || 0);
            if (groups.size < wanted) {
                return !groups.has(here);
            }
            return count <= Math.min(...groups.values(), groups.has(here) ? Infinity : 0);
        }
        case "LIKE":
            return matches(here, value);
        case "UNLIKE":
            return !matches(here, value);
        case "MAX_PER":
            return count < Number(value);
        case "IS":
            return here === value;
    }
}
