/** What the framework tells of itself: JSON, Prometheus' text, a page. Texts only; whoever calls serves them. */
import type { Standing } from "../service/framework";
import { metric, pageWith, sample, table } from "../service/pages";
import type { Views } from "../service/server";
import type { Counters, Waits } from "./book";
import type { Misfit } from "./demand";
import type { CatalogState, ManagerState } from "./watch";

export interface Report extends Standing {
    readonly catalogs?: readonly CatalogState[];
    readonly managers?: readonly ManagerState[];
    readonly workers?: readonly {
        readonly project: string;
        readonly size: string;
        readonly state: string;
        readonly count: number;
    }[];
    readonly wanted?: readonly { readonly project: string; readonly size: string; readonly count: number }[];
    readonly missing?: readonly { readonly project: string; readonly size: string; readonly count: number }[];
    readonly misfits?: readonly Misfit[];
    readonly counters?: Counters;
    readonly waits?: Waits;
}

const byProject = (managers: readonly ManagerState[], value: (manager: ManagerState) => number): [string, number][] => {
    const sums = new Map<string, number>();
    managers.forEach((manager) => sums.set(manager.project, (sums.get(manager.project) ?? 0) + value(manager)));
    return [...sums];
};

/** Prometheus' text format 0.0.4. */
export function metricsOf(report: Report): string {
    const { managers = [], workers = [], missing = [], wanted = [], counters, waits } = report;
    const P = "workqueue_framework_";
    const projects = (value: (manager: ManagerState) => number, name: string): string[] =>
        byProject(managers, value).map(([project, sum]) => sample(name, sum, { project }));
    const counted = (name: string, list: NonNullable<Report["missing"]>): string[] =>
        list.map(({ project, size, count }) => sample(name, count, { project, size }));
    const lines = [
        ...metric(`${P}leader`, "gauge", "Whether this instance leads.", [sample(`${P}leader`, Number(report.leads))]),
        ...metric(`${P}troubles`, "gauge", "Things that an operator should look at.", [
            sample(`${P}troubles`, report.troubles.length),
        ]),
    ];
    if (report.leads && counters !== undefined && waits !== undefined) {
        const up = (report.catalogs ?? []).map(({ address, error }) =>
            sample(`${P}catalog_up`, Number(error === undefined), { catalog: address }),
        );
        const states = workers.map(({ project, size, state, count }) =>
            sample(`${P}workers`, count, { project, size, state }),
        );
        const endings = (["finished", "failed", "lost"] as const).map((end) =>
            sample(`${P}workers_ended_total`, counters[end], { end }),
        );
        lines.push(
            ...metric(`${P}subscribed`, "gauge", "Whether a master has it.", [
                sample(`${P}subscribed`, Number(report.master !== undefined)),
            ]),
            ...metric(`${P}suppressed`, "gauge", "Whether it wants no offers.", [
                sample(`${P}suppressed`, Number(report.suppressed === true)),
            ]),
            ...metric(`${P}catalog_up`, "gauge", "Whether the catalog answers.", up),
            ...metric(
                `${P}tasks_waiting`,
                "gauge",
                "Work Queue tasks that wait.",
                projects((m) => m.waiting, `${P}tasks_waiting`),
            ),
            ...metric(
                `${P}tasks_on_workers`,
                "gauge",
                "Work Queue tasks on workers.",
                projects((m) => m.onWorkers, `${P}tasks_on_workers`),
            ),
            ...metric(`${P}workers`, "gauge", "Workers of this framework.", states),
            ...metric(
                `${P}workers_wanted`,
                "gauge",
                "Workers that the tasks need, without any limit.",
                counted(`${P}workers_wanted`, wanted),
            ),
            ...metric(
                `${P}workers_missing`,
                "gauge",
                "Workers to be started, within the ceiling.",
                counted(`${P}workers_missing`, missing),
            ),
            ...metric(`${P}hosts_avoided`, "gauge", "Hosts on which workers fail.", [
                sample(`${P}hosts_avoided`, report.avoided?.length ?? 0),
            ]),
            ...metric(`${P}workers_launched_total`, "counter", "Workers launched.", [
                sample(`${P}workers_launched_total`, counters.launched),
            ]),
            ...metric(`${P}workers_ended_total`, "counter", "Workers that have ended.", endings),
            ...metric(`${P}offers_total`, "counter", "Offers of Mesos.", [sample(`${P}offers_total`, counters.offers)]),
            ...metric(`${P}offers_declined_total`, "counter", "Offers declined.", [
                sample(`${P}offers_declined_total`, counters.declined),
            ]),
            `# HELP ${P}first_worker_seconds From a project's first task to its first worker that runs.`,
            `# TYPE ${P}first_worker_seconds summary`,
            sample(`${P}first_worker_seconds_sum`, waits.sumMs / 1000),
            sample(`${P}first_worker_seconds_count`, waits.count),
        );
    }
    return `${lines.join("\n")}\n`;
}

/** A page for people; it needs nothing from elsewhere. */
export function pageOf(report: Report): string {
    const {
        managers = [],
        workers = [],
        wanted = [],
        missing = [],
        misfits = [],
        avoided = [],
        catalogs = [],
    } = report;
    const count = (
        list: readonly { project: string; size: string; count: number }[],
        project: string,
        size: string,
    ): number =>
        list.filter((one) => one.project === project && one.size === size).reduce((sum, one) => sum + one.count, 0);
    const keys = new Map(
        [...wanted, ...workers].map(({ project, size }) => [`${project} ${size}`, [project, size] as const]),
    );
    return pageWith(
        report,
        `${table(
            "Projects",
            ["project", "size", "wanted", "to be started", "starting", "running", "unreachable"],
            [...keys.values()].map(([project, size]) => {
                const of = (...states: string[]): number =>
                    count(
                        workers.filter((one) => states.includes(one.state)),
                        project,
                        size,
                    );
                return [
                    project,
                    size,
                    count(wanted, project, size),
                    count(missing, project, size),
                    of("launching", "staging"),
                    of("running"),
                    of("unreachable"),
                ];
            }),
        )}${table(
            "Managers",
            ["project", "address", "tasks waiting", "on workers", "workers", ""],
            managers.map((one) => [
                one.project,
                one.address,
                one.waiting,
                one.onWorkers,
                one.workersConnected,
                one.error ?? "",
            ]),
        )}${table(
            "Tasks that fit no worker",
            ["project", "tasks", "each"],
            misfits.map((one) => [one.project, one.count, one.task]),
        )}${table(
            "Hosts avoided",
            ["host", "until", "why"],
            avoided.map((one) => [one.host, one.until, one.reason]),
        )}${table(
            "Catalogs",
            ["catalog", ""],
            catalogs.map((one) => [one.address, one.error ?? "answers"]),
        )}`,
    );
}

export const views: Views<Report> = { page: pageOf, metrics: metricsOf };
