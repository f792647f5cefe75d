/** Hosts of the DDS framework. */
import type { ConfigText } from "../../frameworks/dds/config";
import type { SiteConfig } from "../schema";
import { directory } from "./files";
import type { SchedulerPlan } from "./types";
import { connected, frameworkPaths, type Place, planFrameworkHosts, type SiteHosts } from "./workloadHost";

type DdsConfig = NonNullable<SiteConfig["workloads"]["dds"]>;

/** Name of the secret, and user, of its part of ZooKeeper: packages lie there, and with them the ids of sessions. */
export const ddsSecret = "dds-zookeeper";
const stateOwner = { user: "dds", secret: ddsSecret };

const program = "mesos-dds";
const state = `/var/lib/${program}`;

/** What the framework reads; the same for all its instances but for their own addresses. */
export function ddsFrameworkConfig(site: SiteConfig, config: DdsConfig, place: Place): ConfigText {
    const { sessions, submissions, tools, pollSec, goneSec, startSec, avoid } = config;
    const own = {
        sessions,
        ...(submissions === undefined ? {} : { submissions }),
        tools,
        stateDir: state,
        pollSec,
        goneSec,
        startSec,
        avoid,
    };
    return connected(own, site, config, frameworkPaths(program), place);
}

export function planDds(at: SiteHosts): SchedulerPlan | undefined {
    const { site, servers } = at;
    const { dds } = site.workloads;
    if (dds === undefined) return undefined;
    return planFrameworkHosts(
        {
            kind: "dds",
            program,
            title: "Agents of DDS sessions on Mesos",
            stateOwner,
            text: (address) => ddsFrameworkConfig(site, dds, { servers, address }),
            directories: { [state]: directory(dds.systemUser) },
        },
        dds,
        at,
    );
}
