import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { programMark } from "../../site/plan/discovery";
import type { HostSpec } from "../../site/plan/types";
import { type SiteContext, serviceHost } from "../shared/serviceHost";

let program: string | undefined;

/** The program for hosts as `build.mjs` makes it, beside this one's own bundle. */
function programText(): string {
    program ??= readFileSync(join(__dirname, "host", "discovery.js"), "utf8");
    return program;
}

/** A host's plan with the program's text in place of its mark. */
export function withProgram(spec: HostSpec, text: () => string = programText): HostSpec {
    const files = Object.entries(spec.files).map(
        ([path, file]) => [path, file.content === programMark ? { ...file, content: text() } : file] as const,
    );
    return { ...spec, files: Object.fromEntries(files) };
}

export interface DiscoveryArgs {
    readonly members: readonly HostSpec[];
    readonly site: SiteContext;
    /** What must be there before Marathon is followed. */
    readonly after: readonly pulumi.Resource[];
}

/** HAProxy on hosts of the site, fed from the apps' labels by a program of ours. Hosts change one at a time. */
export class LoadBalancer extends pulumi.ComponentResource {
    public constructor(name: string, { members, site, after }: DiscoveryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:discovery:LoadBalancer", name, {}, opts);
        for (const spec of members)
            serviceHost("balancer", withProgram(spec), site, { parent: this, dependsOn: after });
        this.registerOutputs({});
    }
}

/** Name servers for apps and for the leading master. Hosts change one at a time. */
export class Discovery extends pulumi.ComponentResource {
    public constructor(name: string, { members, site, after }: DiscoveryArgs, opts?: pulumi.ComponentResourceOptions) {
        super("pulumi-mesos:discovery:Discovery", name, {}, opts);
        for (const spec of members) serviceHost("names", withProgram(spec), site, { parent: this, dependsOn: after });
        this.registerOutputs({});
    }
}
