/** `workloads.builds`: builders that exist and can, releases that fit them, a store that can be kept. */
import { isSecretName } from "../../frameworks/builds/declaration";
import { formatPath } from "../issue";
import { nearest } from "../nearest";
import { type BuildsConfig, markOf } from "../plan/builds";
import type { SiteConfig } from "../schema";
import type { Checked, Report } from "./report";

const at = (...rest: string[]): string => formatPath(["workloads", "builds", ...rest]);

/** A name that is not there, with the one that was probably meant. */
function unknown(
    report: Report,
    code: string,
    path: string,
    what: string,
    value: string,
    known: readonly string[],
): void {
    const near = nearest(value, known);
    report.fault(code, path, `there is no ${what} of this name`, {
        value,
        ...(known.length === 0 ? {} : { allowed: known.join(", ") }),
        ...(near === undefined ? {} : { fix: `did you mean "${near}"?` }),
    });
}

function checkUser({ user, builders, store }: BuildsConfig, { site, uses }: Checked, report: Report): void {
    if (user !== "root" && user !== "nobody") {
        const pools = new Set([
            ...Object.values(builders).map(({ pool }) => pool),
            ...uses.flatMap(({ host, pool }) => (host === store.host && pool !== undefined ? [pool] : [])),
        ]);
        for (const pool of pools)
            if (site.pools[pool]?.users.every(({ name }) => name !== user) === true)
                report.fault("BUILDS_USER", at("user"), `the pool ${pool} does not make this user`, {
                    value: user,
                    fix: `users: [{ name: ${user} }] under pools.${pool}`,
                });
    }
    for (const kind of ["marathon", "metronome"] as const) {
        const { members, principal = "" } = site[kind] ?? {};
        const framework = site.frameworks[principal];
        if (members !== undefined && framework?.users.includes(user) === false)
            report.fault("BUILDS_USER", at("user"), `the principal ${principal} may not use this user`, {
                value: user,
                allowed: framework.users.join(", "),
                fix: `add it to frameworks.${principal}.users`,
            });
    }
}

function checkStore({ store, mirror }: BuildsConfig, { site, hosts, uses }: Checked, report: Report): void {
    const host = hosts.get(store.host);
    const pool = uses.find((use) => use.host === store.host && use.role === "agent")?.pool;
    if (host !== undefined && pool === undefined)
        report.fault("STORE_AGENT", at("store", "host"), "is no agent: the store is an app, which runs on agents", {
            value: store.host,
            fix: "put the host into a pool",
        });
    if (host?.protect === false)
        report.warn("STORE_UNPROTECTED", at("store", "host"), "the host of all packages may be destroyed", {
            value: store.host,
            fix: `protect: true under hosts`,
        });
    const { dataDir = "", workDir, runtimeDir = "" } = site.pools[pool ?? ""] ?? {};
    for (const dir of [workDir ?? `${dataDir}/agent`, runtimeDir, mirror.dir])
        if (dir !== "" && `${store.dir}/`.startsWith(`${dir}/`))
            report.fault("STORE_DIR", at("store", "dir"), `lies in ${dir}, which is not kept`, {
                value: store.dir,
                fix: "a folder of its own, such as /srv/builds",
            });
    const disk = site.pools[pool ?? ""]?.resources.diskMiB;
    if (disk !== undefined && store.freeMiB > disk)
        report.warn("STORE_FREE", at("store", "freeMiB"), "is more than the whole disk that the pool offers", {
            value: store.freeMiB,
            allowed: `below ${disk}`,
        });
}

function checkBuilders({ builders }: BuildsConfig, { site }: Checked, report: Report): void {
    for (const [name, { pool, architecture, sizes }] of Object.entries(builders)) {
        const path = at("builders", name);
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
            report.fault("BUILDER_NAME", path, "is no name for it", {
                value: name,
                allowed: "lower-case letters, digits and single dashes",
            });
        const config = site.pools[pool];
        if (config === undefined) {
            unknown(report, "BUILDER_POOL", `${path}.pool`, "pool", pool, Object.keys(site.pools));
            continue;
        }
        if (markOf(site.pools, pool) === undefined)
            report.fault("BUILDER_MARK", `${path}.pool`, "no attribute tells its agents from those of other pools", {
                value: pool,
                fix: `attributes: { builder: ${name} } under ${formatPath(["pools", pool])}`,
            });
        const machine = config.attributes["architecture"];
        if (machine !== undefined && machine !== architecture)
            report.fault("BUILDER_ARCHITECTURE", `${path}.architecture`, `the pool ${pool} has another architecture`, {
                value: architecture,
                allowed: String(machine),
            });
        checkSizes(sizes, config.resources, `${path}.sizes`, pool, report);
    }
}

function checkSizes(
    sizes: BuildsConfig["builders"][string]["sizes"],
    resources: SiteConfig["pools"][string]["resources"],
    path: string,
    pool: string,
    report: Report,
): void {
    if (Object.keys(sizes).length === 0) report.fault("EMPTY", path, "must not be empty");
    for (const [name, size] of Object.entries(sizes))
        for (const [resource, amount] of Object.entries(size)) {
            const most = resources[resource as keyof typeof size];
            if (typeof most === "number" && amount > most)
                report.fault("BUILDER_SIZE", `${path}.${name}.${resource}`, `is more than an agent of ${pool} has`, {
                    value: amount,
                    allowed: `at most ${most}`,
                });
        }
}

function checkRelease(name: string, { releases, builders, mirror }: BuildsConfig, report: Report): void {
    const release = releases[name];
    if (release === undefined) return;
    const path = at("releases", name);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))
        report.fault("RELEASE_NAME", path, "is no name for it", {
            value: name,
            allowed: "lower-case letters, digits and single dashes",
        });
    const seen = new Map<string, string>();
    release.builders.forEach((builder, index) => {
        const where = `${path}.builders[${index}]`;
        const config = builders[builder];
        if (config === undefined) {
            unknown(report, "RELEASE_BUILDER", where, "builder", builder, Object.keys(builders));
            return;
        }
        const other = seen.get(config.architecture);
        if (other !== undefined)
            report.fault("RELEASE_TWICE", where, `${other} builds it for ${config.architecture} already`, {
                value: builder,
            });
        seen.set(config.architecture, builder);
        if (config.sizes[release.size] === undefined)
            unknown(
                report,
                "RELEASE_SIZE",
                `${path}.size`,
                `size of ${builder}`,
                release.size,
                Object.keys(config.sizes),
            );
    });
    const { source } = release.recipes;
    if (!source.includes("://") && mirror.sources[source] === undefined)
        unknown(
            report,
            "RELEASE_RECIPES",
            `${path}.recipes.source`,
            "source in the mirror",
            source,
            Object.keys(mirror.sources),
        );
    for (const variable of Object.keys(release.environment))
        if (isSecretName(variable))
            report.fault(
                "RELEASE_SECRET",
                formatPath(["workloads", "builds", "releases", name, "environment", variable]),
                "looks like a secret, and an environment is no place for one",
                { fix: "put it into a file on the builders and name that" },
            );
    const own = ["-a", "--architecture", "-w", "--work-dir", "-c", "--config-dir", "--remote-store", "--write-store"];
    release.arguments.forEach((argument, index) => {
        if ([...own, "--reference-sources"].includes(argument.split("=")[0] ?? ""))
            report.fault("RELEASE_ARGUMENT", `${path}.arguments[${index}]`, "this argument is the build's own", {
                value: argument,
            });
    });
}

/** Checks `workloads.builds`. */
export function checkBuilds(checked: Checked, report: Report): void {
    const { builds } = checked.site.workloads;
    if (builds === undefined) return;
    checkUser(builds, checked, report);
    checkStore(builds, checked, report);
    checkBuilders(builds, checked, report);
    for (const name of Object.keys(builds.releases)) checkRelease(name, builds, report);
}
