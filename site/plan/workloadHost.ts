/** What hosts of the site's own work have in common. */
import { debianFamily } from "./distribution";
import type { Host } from "./hosts";
import type { HostSpec } from "./types";

/** What is the same of every host of a workload. */
export function hostOf(
    host: Host,
    tier: string,
    healthTimeoutSec: number,
): Pick<HostSpec, "host" | "connection" | "rollout" | "preflight" | "artifacts" | "protect"> {
    return {
        host: host.name,
        connection: host.connection,
        rollout: { tier, maxUnavailable: 1, healthTimeoutSec },
        preflight: { os: debianFamily, freeMiB: {}, cgroup: "any" },
        artifacts: [],
        protect: host.protect,
    };
}

export const unitFile = (name: string): string => `/etc/systemd/system/${name}.service`;
