/** Hosts of the DDS framework. */
import type { ConfigText } from "../../frameworks/dds/config";
import { render } from "../render/templates";
import type { SiteConfig } from "../schema";
import { directory, file, jsonFile, unit } from "./files";
import { type Host, membersOf } from "./hosts";
import type { Endpoint } from "./masters";
import { principalSecret } from "./principals";
import { schedulerRole, schedulerService, schedulerUser } from "./schedulers";
import { secretMark } from "./secrets";
import type { HostSpec, ManagedFile, SchedulerPlan } from "./types";
import { hostOf, unitFile } from "./workloadHost";

type DdsConfig = NonNullable<SiteConfig["workloads"]["dds"]>;

/** Name of the secret, and user, of its part of ZooKeeper: packages lie there, and with them the ids of sessions. */
export const ddsSecret = "dds-zookeeper";
const zookeeperUser = "dds";

const program = "mesos-dds";
const etc = `/etc/${program}`;
const state = `/var/lib/${program}`;
const paths = { config: `${etc}/config.json`, secret: `${etc}/mesos-secret`, digest: `${etc}/zookeeper-digest` };

/** What the framework reads; the same for all its instances but for their own addresses. */
export function ddsFrameworkConfig(
    site: SiteConfig,
    config: DdsConfig,
    { servers, address }: { servers: readonly string[]; address: string },
): ConfigText {
    const { sessions, submissions, tools, pollSec, goneSec, startSec, avoid } = config;
    return {
        name: config.frameworkName,
        masters: `zk://${servers.join(",")}${site.masters.zkPath}`,
        zookeeper: `zk://${servers.join(",")}${config.zkPath}`,
        zookeeperDigestFile: paths.digest,
        role: schedulerRole(site, config),
        user: schedulerUser(site, config),
        principal: config.principal,
        secretFile: paths.secret,
        failoverTimeoutSec: config.failoverTimeoutSec,
        sessions,
        ...(submissions === undefined ? {} : { submissions }),
        tools,
        stateDir: state,
        pollSec,
        goneSec,
        startSec,
        avoid,
        http: { port: config.port },
        advertise: `${address}:${config.port}`,
    };
}

export function planDds(
    site: SiteConfig,
    hosts: ReadonlyMap<string, Host>,
    servers: readonly string[],
    masters: readonly Endpoint[],
): SchedulerPlan | undefined {
    const config = site.workloads.dds;
    if (config === undefined) return undefined;
    const members = membersOf(config.members, hosts);
    const owner = config.systemUser;
    const service = schedulerService("dds", config, { site, members, masters, servers });
    const shared: Record<string, ManagedFile> = {
        [paths.secret]: file(secretMark(principalSecret(config.principal)), "0600", owner),
        [paths.digest]: file(`${zookeeperUser}:${secretMark(ddsSecret)}`, "0600", owner),
        [unitFile(program)]: file(
            render("workload.service", {
                title: "Agents of DDS sessions on Mesos",
                user: owner,
                command: `/usr/bin/${program} ${paths.config}`,
            }),
        ),
    };
    return {
        kind: "dds",
        urls: members.map(({ address }) => `http://${address}:${config.port}`),
        stateOwner: { user: zookeeperUser, secret: ddsSecret },
        members: members.flatMap((member): HostSpec[] => {
            const host = hosts.get(member.name);
            if (!host) return [];
            const files = {
                [paths.config]: jsonFile(ddsFrameworkConfig(site, config, { servers, address: member.address })),
                ...shared,
            };
            return [
                {
                    ...hostOf(host, "dds", config.healthTimeoutSec),
                    packages: [config.package],
                    users: [{ name: owner }],
                    directories: { [etc]: directory(), [state]: directory(owner) },
                    files,
                    units: { [`${program}.service`]: unit(Object.keys(files)) },
                    service,
                },
            ];
        }),
    };
}
