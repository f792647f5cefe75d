/** From the plan of a service on a host to its one resource. */
import type * as pulumi from "@pulumi/pulumi";
import { HostConfig } from "../../provider/sdk";
import type { HostSpec, SitePlan } from "../../site/plan/types";
import type { IHost } from "./host";
import type { SiteSecrets } from "./secrets";

/** What all services of a site share. */
export interface SiteContext {
    readonly plan: Pick<SitePlan, "cluster" | "confirm" | "operator">;
    readonly secrets: SiteSecrets;
    /** By name; a host that is not here is a registered one. */
    readonly hosts: ReadonlyMap<string, IHost>;
}

/**
 * @param prefix First part of the resource's name: "zookeeper", "master" or "agent"
 * @param spec The plan
 * @param site What all services share
 * @param opts Parent and dependencies
 */
export function serviceHost(
    prefix: string,
    spec: HostSpec,
    site: SiteContext,
    opts: { parent: pulumi.Resource; dependsOn: readonly pulumi.Resource[] },
): HostConfig {
    const { protect, files, ...rest } = spec;
    const { cluster, confirm, operator } = site.plan;
    const contents = Object.entries(files).map(([path, file]) => {
        const { mode, owner, group } = file;
        return [path, { content: site.secrets.content(file), mode, owner, group }] as const;
    });
    return new HostConfig(
        `${prefix}-${spec.host}`,
        {
            ...rest,
            files: Object.fromEntries(contents),
            ...(spec.service.kind !== "zookeeper" && {
                operator: { principal: operator.principal, secret: site.secrets.value(operator.secret) },
            }),
            confirmed: confirm === cluster,
            cluster,
        },
        {
            parent: opts.parent,
            dependsOn: [...(site.hosts.get(spec.host)?.dependsOn ?? []), ...opts.dependsOn],
            protect,
        },
    );
}
