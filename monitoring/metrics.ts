/** Prometheus' text format, and what Mesos and ZooKeeper tell in it. Pure. */

/** One value at this moment. */
export interface Sample {
    /** `[a-zA-Z_][a-zA-Z0-9_]*` */
    readonly name: string;
    readonly value: number;
    readonly labels?: Readonly<Record<string, string>>;
}

/** "registrar/log/recovered" → "registrar_log_recovered"; a first character that is no letter gets a "_" before it. */
export const metricName = (text: string): string =>
    text.replace(/[^a-zA-Z0-9_]+/g, "_").replace(/^(?=[^a-zA-Z_])/, "_");

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

/** As `text/plain; version=0.0.4`: samples of one name are together, as the format wants them. */
export function expose(samples: readonly Sample[]): string {
    return [...samples]
        .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
        .map(({ name, value, labels = {} }) => {
            const pairs = Object.entries(labels).map(([label, text]) => `${metricName(label)}="${escaped(text)}"`);
            return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
        })
        .join("");
}

/** What a master or an agent answers to `/metrics/snapshot`, each as `mesos_…`. */
export function mesosSamples(snapshot: unknown): Sample[] {
    if (typeof snapshot !== "object" || snapshot === null) throw new Error("no map of metrics");
    return Object.entries(snapshot).flatMap(([name, value]) =>
        typeof value === "number" ? [{ name: `mesos_${metricName(name)}`, value }] : [],
    );
}

/** What a member answers to `mntr`: numbers as `zookeeper_…`, its part in the ensemble as `zookeeper_role{role}`. */
export function zookeeperSamples(mntr: string): Sample[] {
    const pairs = mntr.split("\n").flatMap((line) => {
        const match = /^zk_(\w+)\t(.*)$/.exec(line);
        return match === null ? [] : [[match[1] ?? "", match[2] ?? ""] as const];
    });
    const role = pairs.find(([name]) => name === "server_state")?.[1];
    // One that has no quorum answers, but says that it does not serve.
    if (role === undefined) throw new Error(mntr.trim().split("\n")[0] || "an empty answer");
    return [
        { name: "zookeeper_role", value: 1, labels: { role } },
        ...pairs.flatMap(([name, text]) => {
            const value = Number(text);
            return text === "" || Number.isNaN(value) ? [] : [{ name: `zookeeper_${metricName(name)}`, value }];
        }),
    ];
}

const count = (value: unknown): number => (typeof value === "number" ? value : 0);

/** Marathon's answer to `GET /v2/apps?embed=apps.counts`: wanted, running and healthy tasks of each app. */
export function appSamples(answer: unknown): Sample[] {
    const { apps } = (answer ?? {}) as { apps?: unknown };
    if (!Array.isArray(apps)) throw new Error("no list of apps");
    return (apps as Record<string, unknown>[]).flatMap((app) => {
        const labels = { app: String(app["id"]) };
        const isChecked = Array.isArray(app["healthChecks"]) && app["healthChecks"].length > 0;
        return [
            { name: "marathon_app_instances", value: count(app["instances"]), labels },
            { name: "marathon_app_tasks_running", value: count(app["tasksRunning"]), labels },
            {
                name: "marathon_app_tasks_serving",
                value: count(app[isChecked ? "tasksHealthy" : "tasksRunning"]),
                labels,
            },
        ];
    });
}
