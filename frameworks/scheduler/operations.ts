/** What may be done with an offer, in the order in which it is to be done. */
import type { ExecutorInfo, Operation, Reservation, Resource, TaskInfo } from "./messages";

export const launch = (...tasks: readonly TaskInfo[]): Operation => ({ type: "LAUNCH", launch: { task_infos: tasks } });

/** Tasks that start, and end, together on one agent under Mesos' own default executor. */
export const launchGroup = (executor: ExecutorInfo, tasks: readonly TaskInfo[]): Operation => ({
    type: "LAUNCH_GROUP",
    launch_group: { executor, task_group: { tasks } },
});

export const reserve = (resources: readonly Resource[]): Operation => ({ type: "RESERVE", reserve: { resources } });
export const unreserve = (resources: readonly Resource[]): Operation => ({
    type: "UNRESERVE",
    unreserve: { resources },
});
export const createVolumes = (volumes: readonly Resource[]): Operation => ({ type: "CREATE", create: { volumes } });
export const destroyVolumes = (volumes: readonly Resource[]): Operation => ({ type: "DESTROY", destroy: { volumes } });

/** The resource as it is once reserved: what `reserve` is given, and what later operations on the same offer name. */
export function withReservation(resource: Resource, reservation: Omit<Reservation, "type">): Resource {
    return { ...resource, reservations: [...(resource.reservations ?? []), { type: "DYNAMIC", ...reservation }] };
}

/** A reserved disk resource as a persistent volume. @param containerPath relative: below the task's sandbox */
export function asVolume(
    disk: Resource,
    { id, containerPath, principal }: { id: string; containerPath: string; principal?: string },
): Resource {
    return {
        ...disk,
        disk: {
            ...disk.disk,
            persistence: { id, ...(principal !== undefined && { principal }) },
            volume: { mode: "RW", container_path: containerPath },
        },
    };
}

/** Mesos' DurationInfo. */
export const durationInfo = (seconds: number): { readonly nanoseconds: number } => ({ nanoseconds: seconds * 1e9 });

export const gracePeriod = (seconds: number): { readonly grace_period: { readonly nanoseconds: number } } => ({
    grace_period: durationInfo(seconds),
});
