/** What the real Marathon refused and took, recorded; ours must say the same, or more. */
import {
    checkApp,
    checkGroup,
    checkPod,
    factsOfInfo,
    isRefused,
    type MarathonFacts,
    refusalOf,
} from "../../site/marathon";
import { type Answer, corpus, exchanges, noRecordings, type Sample } from "./recordings";

const features = ["vips", "task_killing", "external_volumes", "secrets", "gpu_resources"];
const server = (role: string): MarathonFacts => ({ role, features });

interface Details {
    readonly details?: { path: string; errors: string[] }[];
}

/** Order of details and of errors in one says nothing. */
function inOrder(body: unknown): unknown {
    const { details = [] } = body as Details;
    return details
        .map(({ path, errors }) => ({ path, errors: [...errors].sort() }))
        .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A definition on the server with role `*`, and on the one with another role where it was sent there too. */
function sendings(sample: Sample): [string, MarathonFacts, Answer][] {
    return [
        [sample.file, server("*"), sample.post],
        ...(sample.otherRole === undefined
            ? []
            : [
                  [`${sample.file}, role slave_public`, server("slave_public"), sample.otherRole.post] as [
                      string,
                      MarathonFacts,
                      Answer,
                  ],
              ]),
    ];
}

/** Syntax errors never reach a check; YAML is read in another test. */
const samples = (kind: Sample["kind"]): Sample[] =>
    corpus().filter(({ kind: is, post, file }) => is === kind && post.status !== 400 && file.endsWith(".json"));

if (noRecordings !== undefined) test.skip(noRecordings, () => undefined);

describe.each([
    ["apps", checkApp],
    ["pods", checkPod],
] as const)("public definitions of %s", (kind, check) => {
    const all = samples(kind).flatMap((sample) =>
        sendings(sample).map((sending) => [...sending, sample.text] as const),
    );
    if (all.length > 0)
        test.each(all)("%s", (_name, facts, answer, text) => {
            const findings = check(JSON.parse(text), facts);
            const refusal = refusalOf(findings);
            expect(refusal?.status ?? 201).toBe(answer.status);
            if (refusal !== undefined) expect(inOrder(refusal.body)).toEqual(inOrder(answer.body));
        });
});

describe("public definitions of groups", () => {
    const all = samples("groups").flatMap((sample) =>
        sendings(sample).map((sending) => [...sending, sample.text] as const),
    );
    if (all.length > 0)
        test.each(all)("%s", (_name, facts, answer, text) => {
            const findings = checkGroup(JSON.parse(text), facts);
            // 081 on a server whose role is the group's: refused for what was stored before.
            if (answer.status >= 400) expect(isRefused(findings)).toBe(true);
            else expect(refusalOf(findings)).toBeUndefined();
        });
});

/** Requests that the server judged by what was there before, not by what they say. */
const byState = /dup|app-id-is-group|no-ct|accept$|body-empty|json$/;

describe("requests sent to break it", () => {
    const info = exchanges("marathon-1.11").find(({ name }) => name === "002-info");
    const facts = factsOfInfo(info?.response.body);
    const all = exchanges("marathon-1.11").filter(
        ({ name, request, response }) =>
            request.method === "POST" &&
            ["/v2/apps", "/v2/pods"].includes(request.path) &&
            request.body != null &&
            response.status !== 409 &&
            !byState.test(name),
    );
    if (all.length > 0) {
        test.each(all.map((exchange) => [exchange.name, exchange] as const))("%s", (_name, { request, response }) => {
            const check = request.path === "/v2/apps" ? checkApp : checkPod;
            const refusal = refusalOf(check(request.body, facts));
            expect(refusal?.status ?? 201).toBe(response.status);
            if (refusal === undefined) return;
            expect(refusal.body.message).toBe((response.body as { message: string }).message);
            if (response.status === 422) expect(inOrder(refusal.body)).toEqual(inOrder(response.body));
        });
        test("there are many of them", () => expect(all.length).toBeGreaterThan(90));
    }
});

describe("what the server takes without a word", () => {
    const silent = exchanges("marathon-1.11").filter(
        ({ name, response }) => /-bad/.test(name) && !name.endsWith("-get") && response.status === 201,
    );
    // Odd, but harmless: their meaning is what it looks like.
    const harmless = /args-no-container|trailing-slash|badgroup/;
    const named = silent.filter(({ name, request }) => request.method === "POST" && !harmless.test(name));
    if (named.length > 0)
        test.each(named.map((exchange) => [exchange.name, exchange] as const))("%s is named", (_name, { request }) => {
            const check = request.path === "/v2/pods" ? checkPod : checkApp;
            expect(check(request.body, server("*"))).not.toEqual([]);
        });
});
