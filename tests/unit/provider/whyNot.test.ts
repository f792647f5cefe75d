/** Why a deployment did not come to its end, from what Marathon tells: answers as the real one gives them. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { MarathonClient } from "../../../provider/clients/marathon";
import { whyNot } from "../../../provider/deployments/await";
import type { JsonObject } from "../../../site/definitions/fields";
import { HttpFake } from "../../fakes/httpFake";

const [OLD, NEW] = ["2026-11-25T02:47:16.561Z", "2026-11-25T03:00:00.000Z"];

const task = (version: string, alive: boolean, lastFailureCause?: string): JsonObject => ({
    state: "TASK_RUNNING",
    version,
    healthCheckResults: [{ alive, ...(lastFailureCause === undefined ? {} : { lastFailureCause }) }],
});

const app = (more: JsonObject): JsonObject => ({
    id: "/web",
    instances: 2,
    tasksRunning: 4,
    tasksHealthy: 2,
    tasksUnhealthy: 2,
    healthChecks: [{ protocol: "HTTP" }],
    deployments: [{ id: "d" }],
    version: NEW,
    versionInfo: { lastConfigChangeAt: NEW, lastScalingAt: NEW },
    ...more,
});

class OneApp extends HttpFake {
    public app: JsonObject = {};

    protected serve({ url = "" }: IncomingMessage, response: ServerResponse): Promise<void> {
        const body = url.startsWith("/v2/apps/web")
            ? { app: this.app }
            : url === "/v2/queue"
              ? { queue: [] }
              : undefined;
        response.writeHead(body === undefined ? 404 : 200, { "Content-Type": "application/json" });
        response.end(JSON.stringify(body ?? { message: `no ${url}` }));
        return Promise.resolve();
    }
}

let fake: OneApp;
let client: MarathonClient;
beforeEach(async () => {
    fake = new OneApp();
    client = new MarathonClient({ urls: [await fake.start()] });
});
afterEach(() => fake.stop());

const refused = "HTTP status 503";
const old = [task(OLD, true), task(OLD, true)];

test.each<[string, JsonObject, string]>([
    [
        "an update whose new tasks are ill",
        { tasks: [...old, task(NEW, false, refused), task(NEW, false, refused)] },
        `0 of 2 new instances are healthy after 60 s; 2 run, but fail their health check: ${refused}; 2 of the version before still run`,
    ],
    [
        "an update of which one is well, and nothing is known of the other",
        { tasks: [...old, task(NEW, true), task(NEW, false)], tasksHealthy: 3, tasksUnhealthy: 0 },
        "1 of 2 new instances are healthy after 60 s; 1 runs, but has not passed a health check yet; 2 of the version before still run",
    ],
    [
        "a failure of the version before is no reason",
        { tasks: old, tasksRunning: 2, lastTaskFailure: { version: OLD, state: "TASK_FAILED", message: "long ago" } },
        "0 of 2 new instances are healthy after 60 s; none is ill, failed or waits for an agent: it only takes longer; 2 of the version before still run",
    ],
    [
        "a failure of this version is",
        {
            tasks: old,
            tasksRunning: 2,
            lastTaskFailure: { version: NEW, state: "TASK_FAILED", host: "w1", message: "exited with status 7" },
        },
        "0 of 2 new instances are healthy after 60 s; the last task to fail: TASK_FAILED on w1: exited with status 7; 2 of the version before still run",
    ],
    [
        "tasks of before a mere scaling are no old ones",
        { tasks: old, tasksRunning: 2, instances: 3, versionInfo: { lastConfigChangeAt: OLD, lastScalingAt: NEW } },
        "2 of 3 instances are healthy after 60 s; none is ill, failed or waits for an agent: it only takes longer",
    ],
    [
        "one instance",
        { tasks: [task(NEW, false, refused)], tasksRunning: 1, tasksHealthy: 0, instances: 1 },
        `0 of 1 instance is healthy after 60 s; 1 runs, but fails its health check: ${refused}`,
    ],
])("%s", async (_what, more, expected) => {
    fake.app = app(more);
    expect(await whyNot(client, "/web", await client.alone("app", "/web"), 60)).toBe(expected);
});

test("sums tell old from new where tasks are not told", async () => {
    const stats = (running: number, healthy: number): JsonObject => ({ stats: { counts: { running, healthy } } });
    fake.app = app({ tasksStats: { withLatestConfig: stats(1, 0), withOutdatedConfig: stats(2, 2) }, tasksRunning: 3 });
    expect(await client.alone("app", "/web")).toMatchObject({ newest: { running: 1, healthy: 0 }, running: 3 });
});
