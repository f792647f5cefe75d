/** The container that a framework's tasks run in. */
import type { z } from "zod";
import type { volumeSchema } from "./config";

export interface Container {
    readonly image: string;
    readonly containerizer: "docker" | "mesos";
    readonly privileged: boolean;
}

/** @returns undefined where tasks need none */
export function containerOf(
    container: Container | undefined,
    volumes: readonly z.output<typeof volumeSchema>[],
    more: readonly { readonly host_path: string; readonly container_path: string; readonly mode: "RO" | "RW" }[] = [],
): object | undefined {
    if (container === undefined && volumes.length === 0) {
        return undefined;
    }
    const mounts = volumes.map(({ host, container: inside = host, readOnly }) => ({
        host_path: host,
        container_path: inside,
        mode: readOnly ? ("RO" as const) : ("RW" as const),
    }));
    if (container !== undefined) {
        mounts.push(...more);
    }
    if (container?.containerizer === "docker") {
        const { image, privileged } = container;
        return { type: "DOCKER", docker: { image, privileged, network: "HOST" }, volumes: mounts };
    }
    return {
        type: "MESOS",
        volumes: mounts,
        ...(container !== undefined && {
            mesos: { image: { type: "DOCKER", docker: { name: container.image } } },
        }),
    };
}
