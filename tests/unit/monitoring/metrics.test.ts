/** What Mesos, ZooKeeper and Marathon tell, as Prometheus reads it. */
import {
    appSamples,
    expose,
    mesosSamples,
    metricName,
    type Sample,
    zookeeperSamples,
} from "../../../monitoring/metrics";

test.each([
    ["registrar/log/recovered", "registrar_log_recovered"],
    ["master/http/cache_hits", "master_http_cache_hits"],
    ["allocator/mesos/roles/a.b/shares/dominant", "allocator_mesos_roles_a_b_shares_dominant"],
    ["90p", "_90p"],
])("%s becomes %s", (name, wanted) => {
    expect(metricName(name)).toBe(wanted);
});

test("samples are text, those of one name together, and no label breaks out of its quotes", () => {
    const samples: Sample[] = [
        { name: "b", value: 2 },
        { name: "a", value: 1, labels: { app: '/x"\\\n' } },
        { name: "b", value: 0.5, labels: { one: "1", two: "2" } },
    ];
    expect(expose(samples)).toBe('a{app="/x\\"\\\\\\n"} 1\nb 2\nb{one="1",two="2"} 0.5\n');
});

test("a snapshot's numbers are told, and nothing else is taken for one", () => {
    expect(mesosSamples({ "master/elected": 1, "master/uptime_secs": 2.5, odd: "x" })).toEqual([
        { name: "mesos_master_elected", value: 1 },
        { name: "mesos_master_uptime_secs", value: 2.5 },
    ]);
    expect(() => mesosSamples("No leader elected")).toThrow("no map of metrics");
});

test("a member's part is a label, its numbers are numbers; one without a quorum does not serve", () => {
    const mntr =
        "zk_version\t3.8.0-abc, built on 2022\nzk_server_state\tleader\nzk_synced_followers\t2\nzk_avg_latency\t0.5\n";
    expect(zookeeperSamples(mntr)).toEqual([
        { name: "zookeeper_role", value: 1, labels: { role: "leader" } },
        { name: "zookeeper_synced_followers", value: 2 },
        { name: "zookeeper_avg_latency", value: 0.5 },
    ]);
    expect(() => zookeeperSamples("This ZooKeeper instance is not currently serving requests\n")).toThrow(
        "not currently serving",
    );
    expect(() => zookeeperSamples("mntr is not executed because it is not in the whitelist.\n")).toThrow("whitelist");
});

test("an app without health checks serves as it runs, one with some as they say", () => {
    const base = { instances: 3, tasksRunning: 3, tasksHealthy: 1 };
    const serving = (apps: object[]) =>
        appSamples({ apps }).flatMap(({ name, value, labels }) =>
            name === "marathon_app_tasks_serving" ? [[labels?.["app"], value]] : [],
        );
    expect(
        serving([
            { id: "/plain", ...base },
            { id: "/checked", ...base, healthChecks: [{}] },
        ]),
    ).toEqual([
        ["/plain", 3],
        ["/checked", 1],
    ]);
    expect(() => appSamples({ message: "no leader" })).toThrow("no list of apps");
});
