/** The store for people (HTML) and for Prometheus. Pure. */
import { escape, link, page, table } from "../shared/page";
import type { RunRecord, State } from "./runs";
import type { StoreStatus } from "./store";

const time = (at: number | undefined): string =>
    at === undefined ? "" : new Date(at).toISOString().replace("T", " ").slice(0, 19);

const STATES: readonly State[] = ["running", "published", "failed", "cancelled", "refused", "lost"];

function count({ packages }: RunRecord): string {
    if (packages.length === 0) return "";
    const reused = packages.filter((one) => one.reused).length;
    return `${packages.length - reused} built, ${reused} reused`;
}

export function pageOf({ runs, mirror, freeMiB, troubles }: StoreStatus): string {
    const rows = runs.map((run) => [
        link(`/results/${run.run}/`, run.run),
        run.state === "running" ? `running: ${run.stage}` : run.state,
        count(run),
        run.host,
        time(run.startedAt),
        run.endedAt === undefined ? "" : Math.round((run.endedAt - run.startedAt) / 1000),
        run.message.split("\n")[0] ?? "",
    ]);
    const sources = mirror.map(({ name, freshAt, trouble = "" }) => [name, time(freshAt), trouble]);
    return page(
        "Release builds",
        `<h1>Release builds</h1>
${troubles.map((text) => `<p class="trouble">${escape(text)}</p>`).join("\n")}
${table(["run", "state", "packages", "builder", "from (UTC)", "seconds", "why"], rows)}
<h2>Sources</h2>${table(["repository", "fetched (UTC)", "trouble"], sources)}
<p>${freeMiB} MiB are free.</p>`,
        10,
    );
}

/** @param files paths below the run's folder */
export function runPageOf(run: RunRecord, files: readonly string[]): string {
    const packages = run.packages.map(({ name, version, revision, reused }) => [
        name,
        `${version}-${revision}`,
        reused ? "reused" : "built",
    ]);
    return page(
        `${run.run}: ${run.state}`,
        `<h1>${escape(run.run)}: ${run.state}</h1>
<p>${escape(run.build)} for ${escape(run.architecture)} on ${escape(run.host)}, from ${time(run.startedAt)} to ${time(run.endedAt)} UTC${run.recipes === undefined || run.recipes === "" ? "" : `, recipes ${escape(run.recipes)}`}.</p>
${run.message === "" ? "" : `<pre class="trouble">${escape(run.message)}</pre>`}
<h2>Logs and results</h2><ul>${files.map((file) => `<li>${link(file, file).html}</li>`).join("")}</ul>
<h2>Packages</h2>${table(["package", "version", ""], packages)}`,
        run.state === "running" ? 10 : undefined,
    );
}

/** Prometheus' text format 0.0.4. */
export function metricsOf({ runs, mirror, freeMiB, troubles }: StoreStatus): string {
    const builds = [...new Set(runs.map(({ build }) => build))].sort();
    const of = (build: string): readonly RunRecord[] => runs.filter((run) => run.build === build);
    const published = (build: string): number =>
        Math.max(0, ...of(build).map(({ state, endedAt = 0 }) => (state === "published" ? endedAt : 0)));
    const gauge = (name: string, help: string, lines: readonly string[]): string[] => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} gauge`,
        ...lines,
    ];
    return [
        ...gauge(
            "builds_runs",
            "Runs that are kept, by build and state.",
            builds.flatMap((build) =>
                STATES.map(
                    (state) =>
                        `builds_runs{build="${build}",state="${state}"} ${of(build).filter((run) => run.state === state).length}`,
                ),
            ),
        ),
        ...gauge(
            "builds_last_published_seconds",
            "When a build was published last; seconds since 1970.",
            builds.map((build) => `builds_last_published_seconds{build="${build}"} ${published(build) / 1000}`),
        ),
        ...gauge(
            "builds_source_fetched_seconds",
            "When a source was fetched last; seconds since 1970.",
            mirror.map(({ name, freshAt = 0 }) => `builds_source_fetched_seconds{source="${name}"} ${freshAt / 1000}`),
        ),
        ...gauge("builds_store_free_mebibytes", "Free space of the store.", [`builds_store_free_mebibytes ${freeMiB}`]),
        ...gauge("builds_troubles", "Things that an operator should look at.", [`builds_troubles ${troubles.length}`]),
        "",
    ].join("\n");
}
