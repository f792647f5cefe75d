/** What the real Metronome refused, took and made of it, recorded. Of its refusals only status and path are facts. */
import { checkJob, checkSchedule, normalizeJob, normalizeSchedule, refusalOf } from "../../site/metronome";
import { corpus, exchanges, noRecordings } from "./recordings";

const at = Date.UTC(2026, 10, 25);
const paths = (body: unknown): string[] =>
    ((body as { details?: { path: string }[] }).details ?? []).map(({ path }) => path).sort();
const without = (value: unknown, ...keys: string[]): object =>
    Object.fromEntries(Object.entries(value as object).filter(([key]) => !keys.includes(key)));

const jobs = corpus().filter(({ kind, post }) => kind === "jobs" && post.status !== 400);
if (jobs.length === 0) test.skip(noRecordings ?? "no jobs", () => undefined);
else {
    test.each(jobs.map((job) => [job.file, job] as const))("%s", (_file, { text, post, get }) => {
        const refusal = refusalOf(checkJob(JSON.parse(text), at));
        expect(refusal?.status ?? 201).toBe(post.status);
        if (refusal !== undefined) expect(paths(refusal.body)).toEqual(paths(post.body));
        if (get?.status !== 200) return;
        const live = without(get.body, "schedules", "history", "historySummary", "activeRuns");
        expect(normalizeJob(JSON.parse(text))).toEqual(live);
        expect(normalizeJob(live)).toEqual(live);
    });

    // What was there before decides these, not what they say.
    const byState = /dup|second|missing|cycle|dep-/;
    const sent = exchanges("metronome-0.6").filter(
        ({ name, request, response }) =>
            ["POST", "PUT"].includes(request.method) &&
            request.body != null &&
            /jobs/.test(request.path) &&
            ![404, 409, 415].includes(response.status) &&
            !byState.test(name),
    );
    test.each(sent.map((exchange) => [exchange.name, exchange] as const))("%s", (_name, { request, response }) => {
        const isSchedule = /\/schedules(\/|$)/.test(request.path);
        const findings = isSchedule ? checkSchedule(request.body, at) : checkJob(request.body, at);
        const refusal = refusalOf(findings);
        expect(refusal?.status ?? 200).toBe(response.status === 201 ? 200 : response.status);
        if (refusal !== undefined) {
            expect(paths(refusal.body)).toEqual(paths(response.body));
            return;
        }
        const { id } = response.body as { id: string };
        const normal = isSchedule ? normalizeSchedule(request.body) : normalizeJob(request.body);
        expect({ ...normal, id }).toEqual(without(response.body, "nextRunAt", "schedules"));
    });
    test("they are many", () => expect(sent.length).toBeGreaterThan(60));
}
