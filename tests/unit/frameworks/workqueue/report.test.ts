/** What is told to Prometheus, programs and people. */
import { metricsOf, pageOf, type Report, views } from "../../../../frameworks/workqueue/report";
import { answer } from "../../../../frameworks/service/server";

const STANDBY: Report = { name: "wq", version: "1", leader: "h2:9099", leads: false, troubles: [] };
const LEADER: Report = {
    ...STANDBY,
    leads: true,
    master: "m1:5050",
    suppressed: false,
    catalogs: [{ address: "c1:9097" }, { address: "c2:9097", error: "refused" }],
    managers: [
        { project: 'a "b"\n', address: "h:1", waiting: 3, onWorkers: 1, workersConnected: 1 },
        { project: 'a "b"\n', address: "h:2", waiting: 4, onWorkers: 0, workersConnected: 0 },
        { project: "<script>", address: "h:3", waiting: 0, onWorkers: 0, workersConnected: 0, error: "gone" },
    ],
    workers: [{ project: "<script>", size: "small", state: "running", count: 2 }],
    wanted: [{ project: "<script>", size: "small", count: 5 }],
    missing: [{ project: "<script>", size: "small", count: 3 }],
    misfits: [{ project: "a", count: 2, task: "99 cores" }],
    avoided: [{ host: "bad", until: "2026-01-01T00:00:00.000Z", reason: "exit 127" }],
    counters: { launched: 9, finished: 5, failed: 1, lost: 1, offers: 20, declined: 12 },
    waits: { count: 2, sumMs: 3500, lastMs: 1500 },
    lastError: "",
    troubles: ["c2 does not answer"],
};

test("metrics are sums by project, in Prometheus' form", () => {
    const text = metricsOf(LEADER);
    expect(
        text
            .split("\n")
            .filter(
                (line) =>
                    line !== "" &&
                    !/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="([^"\\\n]|\\.)*",?)+\})? \d+(\.\d+)?)$/.test(line),
            ),
    ).toEqual([]);
    expect(text).toContain('workqueue_framework_tasks_waiting{project="a \\"b\\"\\n"} 7\n');
    expect(text).toContain('workqueue_framework_catalog_up{catalog="c2:9097"} 0\n');
    expect(text).toContain('workqueue_framework_workers{project="<script>",size="small",state="running"} 2\n');
    expect(text).toContain("workqueue_framework_first_worker_seconds_sum 3.5\n");
    // No name twice.
    const types = text.split("\n").filter((line) => line.startsWith("# TYPE"));
    expect(new Set(types).size).toBe(types.length);
});

test("an instance that stands by says so, and nothing of workers", () => {
    expect(metricsOf(STANDBY)).toContain("workqueue_framework_leader 0\n");
    expect(metricsOf(STANDBY)).not.toContain("workers");
    expect(pageOf(STANDBY)).toContain("h2:9099 leads");
});

test("what others have named is text on the page, not HTML", () => {
    const page = pageOf(LEADER);
    expect(page).not.toContain("<script>");
    expect(page).toContain("&#60;script&#62;");
    for (const shown of ["99 cores", "exit 127", "bad", "c2 does not answer"]) expect(page).toContain(shown);
});

test.each([
    ["GET", "/", 200],
    ["GET", "/status.json", 200],
    ["GET", "/metrics", 200],
    ["GET", "/health", 200],
    ["GET", "/etc/passwd", 404],
    ["POST", "/", 405],
])("%s %s is %d", (method, path, status) => expect(answer(method, path, () => LEADER, views)[0]).toBe(status));
