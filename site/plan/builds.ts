/** Release builds: the store as an app, each build as a job, and what their hosts must have for them. */
import type { BuildText, StoreText } from "../../frameworks/builds/declaration";
import type { Definition } from "../definitions/files";
import type { JsonObject } from "../definitions/fields";
import { formatPath } from "../issue";
import type { PoolConfig, SiteConfig } from "../schema";
import { directory, file } from "./files";
import { expandNames } from "./hosts";
import { secretMark } from "./secrets";
import type { BuildsPlan, HostSpec, SecretPlan, SitePlan } from "./types";

export type BuildsConfig = NonNullable<SiteConfig["workloads"]["builds"]>;
/** What is planned already. */
type Made = Pick<SitePlan, "pools" | "schedulers">;
type ReleaseConfig = BuildsConfig["releases"][string];
type BuilderConfig = BuildsConfig["builders"][string];

const passwordSecret = "builds-password";
/** Who may leave files in the store, to rsync. */
const login = "builder";
const etc = "/etc/mesos-builds";
const paths = { password: `${etc}/password`, logins: `${etc}/logins` };

export const storeApp = "/builds/store";
export const jobOf = (release: string, builder: string): string => `builds.${release}.${builder}`;
/** What a build is called where its results are. */
export const buildOf = (release: string, builder: string): string => `${release}.${builder}`;

export function buildSecrets({ workloads: { builds } }: SiteConfig): SecretPlan[] {
    return builds === undefined ? [] : [{ name: passwordSecret, length: 32 }];
}

/** Attributes that every agent of a pool has. */
function commonAttributes({ attributes, overrides, hosts }: PoolConfig): [string, string][] {
    const members = expandNames(hosts, "").length;
    const changed = (name: string): boolean =>
        members > 0 && Object.values(overrides).some((override) => override.attributes?.[name] !== undefined);
    return Object.entries(attributes).flatMap(([name, value]) =>
        changed(name) ? [] : [[name, String(value)] as [string, string]],
    );
}

/**
 * What tells the agents of a pool from all others.
 * @returns an attribute with its value, the first by name; "none needed" where there is one pool; undefined when nothing does
 */
export function markOf(
    pools: SiteConfig["pools"],
    pool: string,
): { readonly attribute: string; readonly value: string } | "none needed" | undefined {
    const own = pools[pool];
    const others = Object.entries(pools).filter(([name]) => name !== pool);
    if (own === undefined) return undefined;
    if (others.length === 0) return "none needed";
    const isOurs = ([name, value]: [string, string]): boolean =>
        others.every(([, { attributes, overrides }]) =>
            [attributes, ...Object.values(overrides).map((override) => override.attributes ?? {})].every(
                (all) => String(all[name] ?? "") !== value,
            ),
        );
    const [found] = commonAttributes(own)
        .filter(isOurs)
        .sort(([a], [b]) => (a < b ? -1 : 1));
    return found === undefined ? undefined : { attribute: found[0], value: found[1] };
}

/** The agent's address that builders know. */
function storeAddress({ store }: BuildsConfig, plan: Pick<SitePlan, "pools">): string {
    const agents = plan.pools.flatMap(({ agents: all }) => all);
    return agents.find(({ host }) => host === store.host)?.connection.address ?? store.host;
}

function buildText(
    config: BuildsConfig,
    { release, builder, address }: { readonly release: string; readonly builder: string; readonly address: string },
    work: ReleaseConfig,
    { architecture, program, sizes }: BuilderConfig,
): BuildText {
    const { store, mirror } = config;
    const { recipes, packages, defaults, arguments: more, environment, qa, timeoutSec } = work;
    return {
        name: buildOf(release, builder),
        architecture,
        ...{ recipes, packages, defaults, arguments: more, environment, timeoutSec },
        ...(qa === undefined ? {} : { qa }),
        // As many as it has CPUs.
        jobs: Math.max(1, Math.floor(sizes[work.size]?.cpus ?? 1)),
        program,
        store: {
            rsync: `${address}:${store.port}`,
            url: `http://${address}:${store.statusPort}`,
            user: login,
            passwordFile: paths.password,
        },
        mirror: { url: `git://${address}:${store.gitPort}`, sources: mirror.sources, dir: mirror.dir },
        // Heard of a few times before it counts as lost.
        heartbeatSec: Math.max(1, Math.min(10, Math.floor(store.lostSec / 5))),
    };
}

function jobDefinition(
    config: BuildsConfig,
    site: SiteConfig,
    release: string,
    name: string,
    address: string,
): JsonObject[] {
    const builder = config.builders[name];
    const work = config.releases[release];
    const size = work === undefined ? undefined : builder?.sizes[work.size];
    if (builder === undefined || work === undefined || size === undefined) return [];
    const mark = markOf(site.pools, builder.pool);
    const constraints =
        mark === undefined || mark === "none needed"
            ? []
            : [{ attribute: mark.attribute, operator: "IS", value: mark.value }];
    return [
        {
            id: jobOf(release, name),
            description: `aliBuild of ${work.packages.join(", ")} for ${builder.architecture}`,
            run: {
                cmd: "exec /usr/bin/mesos-builds build",
                cpus: size.cpus,
                mem: size.memMiB,
                disk: size.diskMiB,
                user: config.user,
                env: {
                    MESOS_BUILD: JSON.stringify(buildText(config, { release, builder: name, address }, work, builder)),
                },
                placement: { constraints },
                maxLaunchDelay: work.schedule?.startWithinSec ?? 7200,
                // What it has to tell before it ends: why, and its logs.
                taskKillGracePeriodSeconds: 60,
                restart: { policy: "NEVER" },
            },
            ...(work.schedule === undefined
                ? {}
                : {
                      schedules: [
                          {
                              id: "schedule",
                              cron: work.schedule.cron,
                              timezone: work.schedule.timezone,
                              startingDeadlineSeconds: work.schedule.startWithinSec,
                              concurrencyPolicy: "FORBID",
                          },
                      ],
                  }),
        },
    ];
}

/** Builds with a schedule, and where Metronome is that runs them; undefined where it lets in only who has a password. */
function patrolOf({ releases }: BuildsConfig, site: SiteConfig, plan: Made): StoreText["patrol"] {
    const own = plan.schedulers.find(({ kind }) => kind === "metronome");
    const { urls, ca, user } = { user: undefined, ...(own ?? site.metronome?.existing ?? { urls: [] }) };
    const jobs = Object.entries(releases).flatMap(([release, { builders, schedule }]) =>
        schedule === undefined
            ? []
            : builders.map((builder) => ({
                  job: jobOf(release, builder),
                  build: buildOf(release, builder),
                  startWithinSec: schedule.startWithinSec,
              })),
    );
    if (jobs.length === 0 || urls.length === 0 || user !== undefined) return undefined;
    return { urls: [...urls], ...(ca === undefined ? {} : { ca }), jobs };
}

function storeDefinition(config: BuildsConfig, site: SiteConfig, plan: Made): JsonObject {
    const { store, mirror, user } = config;
    const patrol = patrolOf(config, site, plan);
    const { sources, everySec, credentialFile } = mirror;
    const text: StoreText = {
        dir: store.dir,
        keepRuns: store.keepRuns,
        freeMiB: store.freeMiB,
        lostSec: store.lostSec,
        ports: { rsync: store.port, git: store.gitPort, page: store.statusPort },
        user: login,
        secretsFile: paths.logins,
        mirror: { sources, everySec, ...(credentialFile === undefined ? {} : { credentialFile }) },
        ...(patrol === undefined ? {} : { patrol }),
    };
    return {
        id: storeApp,
        cmd: "exec /usr/bin/mesos-builds store",
        cpus: store.cpus,
        mem: store.memMiB,
        instances: 1,
        user,
        env: { MESOS_BUILDS_STORE: JSON.stringify(text) },
        constraints: [["hostname", "LIKE", store.host.replaceAll(".", "\\.")]],
        portDefinitions: [],
        healthChecks: [
            {
                ...{ protocol: "MESOS_HTTP", path: "/health", port: store.statusPort },
                ...{
                    delaySeconds: 2,
                    gracePeriodSeconds: 60,
                    intervalSeconds: 10,
                    timeoutSeconds: 10,
                    maxConsecutiveFailures: 6,
                },
            },
        ],
        // There is one folder: the new one starts when the old one has ended.
        upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    };
}

const root = ["workloads", "builds"] as const;

/** The store and all builds, as if somebody had written them into files. */
export function buildDefinitions(site: SiteConfig, plan: Made): Definition[] {
    const { builds } = site.workloads;
    if (builds === undefined) return [];
    const address = storeAddress(builds, plan);
    return [
        { kind: "app", definition: storeDefinition(builds, site, plan), source: formatPath([...root, "store"]) },
        ...Object.entries(builds.releases).flatMap(([release, { builders }]) =>
            builders.flatMap((builder) =>
                jobDefinition(builds, site, release, builder, address).map((definition): Definition => ({
                    kind: "job",
                    definition,
                    source: formatPath([...root, "releases", release]),
                })),
            ),
        ),
    ];
}

export function planBuilds(site: SiteConfig, plan: Pick<SitePlan, "pools">): BuildsPlan | undefined {
    const { builds } = site.workloads;
    if (builds === undefined) return undefined;
    const address = storeAddress(builds, plan);
    return {
        url: `http://${address}:${builds.store.statusPort}/`,
        store: `rsync://${address}:${builds.store.port}/store`,
        mirror: `git://${address}:${builds.store.gitPort}`,
    };
}

/** The user's; nobody else is in root's group, and not every user has a group of its name. */
const owned = <T extends { readonly owner: string }>(one: T, owner: string): T => ({ ...one, owner });

/** Packages and files that builds need on the hosts of their pools, and the store on its own. */
export function withBuilds({ workloads: { builds } }: SiteConfig, pool: string, spec: HostSpec): HostSpec {
    if (builds === undefined) return spec;
    const { user, store, mirror, builders } = builds;
    const isBuilder = Object.values(builders).some((builder) => builder.pool === pool);
    const keeps = spec.host === store.host;
    if (!isBuilder && !keeps) return spec;
    const wanted = ["mesos-builds", ...(isBuilder ? ["alibuild"] : [])].filter(
        (name) => !spec.packages.some((present) => present.name === name),
    );
    return {
        ...spec,
        packages: [...spec.packages, ...wanted.map((name) => ({ name }))],
        directories: {
            ...spec.directories,
            [etc]: directory(),
            ...(isBuilder ? { [mirror.dir]: owned(directory(), user) } : {}),
            ...(keeps ? { [store.dir]: owned(directory(), user) } : {}),
        },
        files: {
            ...spec.files,
            ...(isBuilder ? { [paths.password]: owned(file(secretMark(passwordSecret)), user) } : {}),
            ...(keeps ? { [paths.logins]: owned(file(`${login}:${secretMark(passwordSecret)}\n`), user) } : {}),
        },
        preflight: keeps
            ? { ...spec.preflight, freeMiB: { ...spec.preflight.freeMiB, [store.dir]: store.freeMiB } }
            : spec.preflight,
    };
}
