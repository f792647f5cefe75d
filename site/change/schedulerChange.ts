/** What Marathon and Metronome cannot change while they are known to Mesos. */
import { issue } from "../issue";
import type { Issue, SchedulerService } from "../plan/types";

/** Setting of the stack file by what it becomes, with what a change would do. */
const fixed = {
    principal: "Mesos refuses a framework that comes back under another principal, and it ends itself",
    user: "Mesos refuses a framework that comes back with another user, and it ends itself",
    zkPath: "it would find nothing there, register as a new framework and run everything twice",
} as const;

const settings = ({ principal, user, zookeeper }: SchedulerService): Record<keyof typeof fixed, string> => ({
    principal,
    user,
    zkPath: zookeeper.path,
});

/**
 * Refuses another principal, user or path in ZooKeeper for a framework that has registered (docs/framework-id.md of Marathon).
 *
 * @param confirmed whether the stack file allows what loses data: then the old framework is given up
 */
export function checkSchedulerChange(before: SchedulerService, after: SchedulerService, confirmed: boolean): Issue[] {
    if (confirmed) return [];
    const [old, next] = [settings(before), settings(after)];
    return (Object.keys(fixed) as (keyof typeof fixed)[])
        .filter((name) => old[name] !== next[name])
        .map((name) =>
            issue("SCHEDULER_FIXED", `${after.kind}.${name}`, fixed[name], {
                value: next[name],
                allowed: old[name],
                fix: `take ${after.kind} out of the stack file with its work, run up, and put it back with the new value`,
            }),
        );
}
