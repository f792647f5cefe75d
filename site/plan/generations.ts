/** Every secret of a site, with its generation. */
import type { SiteConfig } from "../schema";
import { backupSecrets } from "./backup";
import { buildSecrets } from "./builds";
import { discoverySecrets } from "./discovery";
import { executorKeySecret, planSecrets, workQueuePasswordSecret } from "./principals";
import { schedulerSecrets } from "./schedulers";
import type { SecretPlan } from "./types";
import { workloadSecrets } from "./workloads";

/** Running tasks hold them: under new ones, tasks are moved or lost. They are never made anew with all others. */
export const heldByTasks: ReadonlySet<string> = new Set([executorKeySecret, workQueuePasswordSecret]);

/** In the order in which parts are planned; each name once. */
export function siteSecrets(site: SiteConfig): SecretPlan[] {
    const all = [
        ...planSecrets(site),
        ...schedulerSecrets(site),
        ...discoverySecrets(site),
        ...workloadSecrets(site),
        ...backupSecrets(site),
        ...buildSecrets(site),
    ];
    const { generation, generations = {} } = site.secrets ?? {};
    return all.map((secret) => {
        const own = generations[secret.name];
        if (secret.given === true) return secret;
        return {
            ...secret,
            ...(generation === undefined || heldByTasks.has(secret.name) ? {} : { generation }),
            ...(own === undefined ? {} : { ownGeneration: own }),
        };
    });
}
