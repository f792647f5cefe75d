/** The lab's stand-in for Marathon answers what the real one was recorded to answer, question by question. */
import { MarathonApi } from "../../lab/marathon/api";
import { Events } from "../../lab/marathon/events";
import { serve } from "../../lab/marathon/http";
import { Marathon } from "../../lab/marathon/marathon";
import { MemoryStore } from "../../lab/marathon/store";
import { FakeCluster } from "../fakes/cluster";
import { describeRecorded, type Exchange, exchanges, replay } from "./recordings";

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/g;

/** What depends on the moment: how far a deployment and its tasks are. */
const MOMENTARY = new Set(["tasks", "taskStats", "tasksStats", "lastTaskFailure", "versionInfo", "deployments"]);

type Body = unknown;

/** Without ids, times, chosen ports and the state of tasks. */
function plain(value: Body, key = ""): Body {
    if (typeof value === "string") {
        return value.replace(ID, "<id>").replace(TIME, "<time>");
    }
    if (Array.isArray(value)) {
        const list = value.map((one: Body) => plain(one));
        // The order of faults is that of a hash table.
        return key === "details" ? list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : list;
    }
    if (typeof value === "object" && value !== null) {
        const entries = Object.entries(value).filter(([name]) => !MOMENTARY.has(name));
        return Object.fromEntries(entries.map(([name, one]) => [name, plain(one as Body, name)]));
    }
    if ((key === "port" || key === "servicePort") && typeof value === "number" && value >= 10_000) {
        return "<port>";
    }
    return /^tasks(Running|Staged|Healthy|Unhealthy)$/.test(key) ? "<count>" : value;
}

/** Questions whose recorded answers rest on what happened before the recording, or on the cluster that it was made on. */
const ELSEWHERE: Readonly<Record<string, string>> = {
    "002-info": "flags of that server",
    "004-apps-empty-or-initial": "an app of an earlier recording",
    "005-root-group": "an app of an earlier recording",
    "010-app-get-min-no-embed-list": "an app of an earlier recording",
    "044-app-versions": "versions of an earlier recording",
    "045-app-version": "a version of an earlier recording",
    "048-app-rollback-version": "a version of an earlier recording",
    "057-apps-filter-label": "the rollback before it",
    "058-apps-filter-cmd": "an app of an earlier recording",
    "059-apps-filter-id": "the order of a hash table",
    "062-stuck-queue": "offers of that cluster",
    "077-fail-queue": "a task that fails",
    "095-unhealthy-deployments": "a task that is never healthy",
    "100-pod-status": "agents of that cluster",
    "106-pod2-status": "agents of that cluster",
    "119-group-deployments": "the moment",
    "129-group-versions": "versions of an earlier recording",
    "257-bad-json": "words of the Java parser",
    "281-badgroup-app-group-same-get": "an app and a group of one name: the real one mixes both",
    "284-app-delete": "an app that was made again in between",
};

/** The cluster holds still before these: the deployment of the question before is still under way. */
const isAtOnce = ({ name }: Exchange): boolean => /locked|during|put-force|force-cancel|deployment-rollback/.test(name);

const recorded = exchanges("marathon-1.11");

describeRecorded("Marathon 1.11, as recorded", () => {
    const marathon = new Marathon(
        { role: "*", features: ["gpu_resources", "secrets", "external_volumes"], hasPrincipal: true },
        new MemoryStore(),
        new Events(),
    );
    const cluster = new FakeCluster(marathon);
    const api = new MarathonApi(marathon, {
        leader: () => "127.0.0.1:8090",
        abdicate: () => undefined,
        info: () => ({}),
    });
    const server = serve((question, request, response) => api.handle(question, request, response));
    /** What was recorded → what it is here: ids of deployments, versions. */
    const here = new Map<string, string>();

    beforeAll(async () => {
        marathon.start(cluster);
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    });
    afterAll(() => {
        marathon.close();
        server.closeAllConnections();
        server.close();
    });

    /** The recorder deleted what it had made before it made it again. */
    async function makeRoom({ request, response }: Exchange): Promise<void> {
        const { id } = (request.body ?? {}) as { id?: unknown };
        const at = typeof id === "string" ? `/${id.replace(/^\//, "")}` : undefined;
        if (response.status !== 201 || request.method !== "POST" || at === undefined) {
            return;
        }
        const draft = marathon.draft();
        const stale = [...draft.specs.keys(), ...draft.groups.keys()].filter(
            (one) => one === at || one.startsWith(`${at}/`),
        );
        if (stale.length > 0) {
            stale.forEach((one) => (draft.specs.delete(one), draft.groups.delete(one)));
            marathon.apply(draft, { force: true });
            await cluster.settle();
        }
    }

    test.each(recorded.map((exchange) => [exchange.name, exchange] as const))("%s", async (name, exchange) => {
        const { response } = exchange;
        if (!isAtOnce(exchange)) {
            await cluster.settle();
        }
        await makeRoom(exchange);
        const answer = await replay(server, exchange, here);
        const deployment = response.headers["Marathon-Deployment-Id"];
        if (deployment !== undefined) {
            here.set(deployment, answer.headers.get("Marathon-Deployment-Id") ?? "none");
        }
        if (name in ELSEWHERE) {
            return;
        }
        const { body: wanted, text: wantedText } = response as { body?: Body; text?: string };
        expect([answer.status, plain(answer.body)]).toEqual([response.status, plain(wanted ?? wantedText ?? "")]);
        const names = ["Marathon-Deployment-Id", "Location"].filter((header) => header in response.headers);
        expect(names.filter((header) => answer.headers.has(header))).toEqual(names);
    });

    test("most of it was compared", () => {
        const compared = recorded.filter(({ name }) => !(name in ELSEWHERE));
        expect(compared.length).toBeGreaterThan(recorded.length * 0.9);
    });
});
