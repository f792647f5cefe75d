/** What becomes of frameworks whose principal leaves the stack file. */
import { formatPath, issue } from "../issue";
import { registeringPrincipals } from "../plan/principals";
import type { Issue } from "../plan/types";

/** A framework, as the masters have it. */
export interface RunningFramework {
    readonly id: string;
    readonly name: string;
    readonly principal: string;
    /** Tasks that have not ended. */
    readonly tasks: number;
}

/** Principals that frameworks may not register under any more. @param before the masters' access rules, and after the change */
export function leavingPrincipals(before: string | undefined, after: string | undefined): string[] {
    if (before === undefined || after === undefined || before === after) return [];
    const staying = new Set(registeringPrincipals(after));
    return registeringPrincipals(before).filter((principal) => !staying.has(principal));
}

/**
 * Refuses to lock frameworks out that have tasks: masters that know a principal no more cut its frameworks off when they restart,
 * long before what is left of the stack could say a word about those tasks, and end them after the framework's time-out.
 */
export function checkPrincipalsChange(
    leaving: readonly string[],
    frameworks: readonly RunningFramework[],
    cluster: string,
): Issue[] {
    return frameworks
        .filter(({ principal, tasks }) => tasks > 0 && leaving.includes(principal))
        .map(({ id, name, principal, tasks }) =>
            issue(
                "PRINCIPAL_IN_USE",
                formatPath(["frameworks", principal]),
                `${tasks} tasks of the framework "${name}" (${id}) still run under this principal, which the stack file does not declare any more`,
                {
                    fix: `end its work first, with the principal still there, and take both out in a second run; to give the tasks up, confirm: ${cluster} or PULUMI_MESOS_CONFIRM=${cluster}`,
                },
            ),
        );
}
