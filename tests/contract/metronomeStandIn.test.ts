/** The lab's stand-in for Metronome answers what the real one was recorded to answer, question by question. */
import { serve } from "../../lab/marathon/http";
import { MemoryStore } from "../../lab/marathon/store";
import { MetronomeApi } from "../../lab/metronome/api";
import { Metronome } from "../../lab/metronome/metronome";
import { describeRecorded, exchanges, replay } from "./recordings";

const RUN = /\d{14}[A-Za-z0-9]{5}/g;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+0000/g;

function plain(value: unknown): unknown {
    if (typeof value === "string") {
        return value.replace(ID, "<id>").replace(TIME, "<time>").replace(RUN, "<run>");
    }
    if (Array.isArray(value)) {
        const list = value.map((one: unknown) => plain(one));
        // The order of a list of jobs is that of a hash table.
        const isJobs = list.every((one) => typeof one === "object" && one !== null && "run" in one);
        return isJobs ? list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : list;
    }
    return typeof value === "object" && value !== null
        ? Object.fromEntries(
              Object.entries(value)
                  // The recorder's words for faults of the schema were not the real ones; their places are.
                  .filter(([name]) => name !== "errors")
                  .map(([name, one]) => [name, plain(one)]),
          )
        : value;
}

/** Questions whose recorded answers rest on the recorder's server. */
const ELSEWHERE: Readonly<Record<string, string>> = {
    "001-ping": "a page of the recorder",
    "002-info": "its version and settings",
    "003-leader": "its address",
    "158-bad-json": "words of the Java parser",
    "165-job-delete-ucr": "a schedule that the recorder removed",
    "168-job-delete-j1": "a job that it had lost count of",
    "112-dep-parent-delete": "the same",
};

const recorded = exchanges("metronome-0.6");

describeRecorded("Metronome 0.6, as recorded", () => {
    const metronome = new Metronome(new MemoryStore(), () => Date.parse("2026-11-25T03:20:00Z"));
    const { handle } = new MetronomeApi(metronome, { leader: () => "127.0.0.1:9100", version: "0.0.0" });
    const server = serve(handle);
    const here = new Map<string, string>();

    beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
    afterAll(() => {
        metronome.close();
        server.closeAllConnections();
        server.close();
    });

    /** What the tasks of the recorded cluster had done by then. */
    function catchUp(name: string): void {
        const [run] = [...metronome.runs.values()];
        if (run === undefined) {
            return;
        }
        if (name === "079-run-get-later" || name === "096-fail-history") {
            metronome.ended(
                {
                    ...run,
                    task: `${run.job}_${run.id}.00000000-0000-0000-0000-000000000000`,
                    taskStatus: "TASK_FINISHED",
                },
                name.startsWith("079"),
            );
        } else if (name === "083-run-long-active") {
            metronome.setRun({
                ...run,
                status: "ACTIVE",
                task: `long_${run.id}.00000000-0000-0000-0000-000000000000`,
                taskStatus: "TASK_RUNNING",
                startedAt: run.createdAt,
            });
        }
    }

    test.each(recorded.map((exchange) => [exchange.name, exchange] as const))("%s", async (name, exchange) => {
        const { request, response } = exchange;
        catchUp(name);
        // The recorder removed what it had made before it made it again.
        const { id } = (request.body ?? {}) as { id?: string };
        if (response.status === 201 && /^\/v[01]\/(jobs|scheduled-jobs)$/.test(request.path) && id !== undefined) {
            metronome.jobs.delete(id);
        }
        const { status, body: got } = await replay(server, exchange, here);
        const { body: wanted, text: wantedText } = response as { body?: unknown; text?: string };
        const [before, now] = [(wanted as { id?: unknown } | undefined)?.id, (got as { id?: unknown }).id];
        if (typeof before === "string" && typeof now === "string" && /^\d{14}/.test(before)) {
            here.set(before, now);
        }
        if (!(name in ELSEWHERE)) {
            expect([status, plain(got)]).toEqual([response.status, plain(wanted ?? wantedText ?? "")]);
        }
    });

    test("most of it was compared", () => {
        const compared = recorded.filter(({ name }) => !(name in ELSEWHERE));
        expect(compared.length).toBeGreaterThan(recorded.length * 0.9);
    });
});
