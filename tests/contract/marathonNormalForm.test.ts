/** The normal form of what was declared is what the real Marathon answered to a GET. */
import {
    checkApp,
    checkPod,
    classifyChange,
    keepServerChosen,
    type MarathonFacts,
    normalizeApp,
    normalizePod,
} from "../../site/marathon";
import { corpus, describeRecorded, exchanges, noRecordings } from "./recordings";

const server = (role: string): MarathonFacts => ({ role, features: [] });
const reports =
    /^(version|versionInfo|tasks|tasksStaged|tasksRunning|tasksHealthy|tasksUnhealthy|deployments|lastTaskFailure)$/;

type Properties = Record<string, unknown>;

function liveOf(body: unknown): Properties {
    const app = ((body as { app?: Properties }).app ?? body) as Properties;
    return Object.fromEntries(Object.entries(app).filter(([key]) => !reports.test(key)));
}

const cases = corpus().flatMap(({ file, kind, text, get, get2, otherRole }) => {
    if ((kind !== "apps" && kind !== "pods") || !file.endsWith(".json")) return [];
    const normalize = kind === "apps" ? normalizeApp : normalizePod;
    return [
        { file, normalize, text, role: "*", get, get2 },
        {
            file: `${file}, role slave_public`,
            normalize,
            text,
            role: "slave_public",
            get: otherRole?.get,
            get2: undefined,
        },
    ].filter((item) => item.get?.status === 200);
});

/** Every path of a value, with what is at its end. */
function leaves(value: unknown, at = ""): [string, unknown][] {
    if (typeof value !== "object" || value === null) return [[at, value]];
    return Object.entries(value).flatMap(([key, item]) => leaves(item, `${at}/${key}`));
}

if (cases.length === 0) test.skip(noRecordings ?? "no cases", () => undefined);
else {
    describe.each(cases.map((item) => [item.file, item] as const))(
        "%s",
        (_file, { normalize, text, role, get, get2 }) => {
            const facts = server(role);
            const declared = JSON.parse(text) as Properties;
            const live = liveOf(get?.body);

            test("declared and live meet", () => {
                expect(keepServerChosen(normalize(declared, facts), live as never)).toEqual(live);
            });

            test("the normal form of a live one is itself", () => {
                const normal = normalize(live, facts);
                expect(normal).toEqual(live);
                expect(normalize(normal, facts)).toEqual(normal);
            });

            test("no difference after a second PUT", () => {
                const before = normalize(live, facts);
                if (get2 === undefined) return;
                expect(classifyChange(before, normalize(liveOf(get2.body), facts)).kind).toBe("none");
            });

            test("each value that was lost is named", () => {
                const check = normalize === normalizeApp ? checkApp : checkPod;
                const kept = new Set(leaves(live).map(([, value]) => JSON.stringify(value).toLowerCase()));
                const paths = check(declared, facts).map(({ path }) => path.replace(/\((\d+)\)/g, "/$1"));
                const lost = leaves(declared).filter(
                    ([path, value]) =>
                        value !== null &&
                        // "x" → "/x", port 0 → 10000: rewritten, not lost. Defaults say nothing.
                        !kept.has(JSON.stringify(value).toLowerCase()) &&
                        ![0, false, true].includes(value as never) &&
                        !/^\/(id|portDefinitions|container\/docker\/network)\b|\/mode$|dependencies/.test(path) &&
                        !paths.some((named) => named !== "/" && path.startsWith(named)),
                );
                expect(lost).toEqual([]);
            });
        },
    );
    test("they are many", () => expect(cases.length).toBeGreaterThan(70));
}

describeRecorded("what the server wrote down of a health check's port is no difference", () => {
    // The recorded answers to apps whose checks name a protocol and no port, and to one that names neither.
    const sent = exchanges("marathon-1.11").filter(
        ({ request, response }) =>
            request.method === "POST" &&
            request.path.startsWith("/v2/apps") &&
            response.status === 201 &&
            JSON.stringify(request.body ?? "").includes('"healthChecks":[{'),
    );
    test.each(sent.map((exchange) => [exchange.name, exchange] as const))("%s", (_, { request, response }) => {
        const live = liveOf(response.body);
        const facts = server(String(live["role"]));
        const declared = keepServerChosen(normalizeApp(request.body, facts), live as never);
        expect(classifyChange(normalizeApp(live, facts), declared).causes).toEqual([]);
    });
});
