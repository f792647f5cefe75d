/** What a framework tells the masters of itself. */
import type { Capability, FrameworkInfo } from "./messages";

export interface FrameworkDescription {
    readonly name: string;
    readonly user: string;
    /** At least one; offers come for each of them. */
    readonly roles: readonly string[];
    /** Of the tasks, when the framework goes away, seconds. @default 604800, a week */
    readonly failoverTimeoutSec?: number;
    /** Tasks outlive a restart of their agent. @default true */
    readonly checkpoint?: boolean;
    /** Offers of agents in other regions come too. @default false */
    readonly regionAware?: boolean;
    /** Lost agents' tasks are told apart: unreachable (may come back), gone, dropped. @default true */
    readonly partitionAware?: boolean;
    /** @default none */
    readonly capabilities?: readonly Capability[];
    readonly webuiUrl?: string;
    readonly hostname?: string;
}

export function frameworkInfo(
    framework: FrameworkDescription,
    principal: string | undefined,
    id: string | undefined,
): FrameworkInfo {
    const { name, user, roles, failoverTimeoutSec = 604_800, checkpoint = true, regionAware = false } = framework;
    const { partitionAware = true, capabilities = [], webuiUrl, hostname } = framework;
    const all = new Set<Capability>([
        "MULTI_ROLE",
        "RESERVATION_REFINEMENT",
        "TASK_KILLING_STATE",
        ...(partitionAware ? (["PARTITION_AWARE"] as const) : []),
        ...(regionAware ? (["REGION_AWARE"] as const) : []),
        ...capabilities,
    ]);
    return {
        user,
        name,
        roles,
        checkpoint,
        failover_timeout: failoverTimeoutSec,
        capabilities: [...all].map((type) => ({ type })),
        ...(principal !== undefined && { principal }),
        ...(id !== undefined && { id: { value: id } }),
        ...(webuiUrl !== undefined && { webui_url: webuiUrl }),
        ...(hostname !== undefined && { hostname }),
    };
}
