import {
    type App,
    classifyChange,
    keepServerChosen,
    normalizeApp,
    normalizePod,
    plainMarathon,
} from "../../../../site/marathon";

const app = (more: object = {}): App =>
    normalizeApp({ id: "/web", cmd: "serve", instances: 4, ...more }, plainMarathon);
const resident = (size: number): object => ({
    container: { type: "MESOS", volumes: [{ containerPath: "data", mode: "RW", persistent: { size } }] },
});

test.each<[string, App, App, string, string]>([
    ["nothing", app(), app(), "none", "no change"],
    [
        "the order of what has none",
        app({
            constraints: [
                ["a", "UNIQUE"],
                ["b", "LIKE", "x"],
            ],
        }),
        app({
            constraints: [
                ["b", "LIKE", "x"],
                ["a", "UNIQUE"],
            ],
        }),
        "none",
        "no change",
    ],
    [
        "an old spelling for a new one",
        app({ uris: ["http://x/a.tgz"] }),
        app({ fetch: [{ uri: "http://x/a.tgz" }] }),
        "none",
        "no change",
    ],
    ["instances", app(), app({ instances: 6 }), "scale", "scales 4 → 6"],
    ["the command", app(), app({ cmd: "serve 2" }), "restart", "restarts 4 tasks: cmd"],
    ["a label", app(), app({ labels: { a: "b" } }), "restart", "restarts 4 tasks: labels.a"],
    [
        "an environment variable taken away",
        app({ env: { A: "1", B: "2" } }),
        app({ env: { A: "1" } }),
        "restart",
        "restarts 4 tasks: env.B",
    ],
    [
        "command and instances",
        app(),
        app({ cmd: "x2", instances: 5 }),
        "restart",
        "restarts 4 tasks and scales 4 → 5: cmd",
    ],
    [
        "a stopped app",
        app({ instances: 0 }),
        app({ instances: 0, cmd: "x2" }),
        "restart",
        "restarts nothing, for none runs: cmd",
    ],
    ["the name", app(), { ...app(), id: "/other" }, "replace", "replaces it: kills 4 tasks: id"],
    [
        "a volume's size",
        app(resident(10)),
        app(resident(20)),
        "replace",
        "replaces it: kills 4 tasks and their volumes: container.volumes",
    ],
    ["a first volume", app(), app(resident(20)), "replace", "replaces it: kills 4 tasks: container.volumes"],
    [
        "an image",
        app({ container: { docker: { image: "a:1" } } }),
        app({ container: { docker: { image: "a:2" } } }),
        "restart",
        "restarts 4 tasks: container.docker.image",
    ],
])("%s", (_what, before, after, kind, text) => {
    expect(classifyChange(before, after)).toMatchObject({ kind, text });
});

test("pods scale by their own word", () => {
    const pod = (instances: number): App =>
        normalizePod(
            {
                id: "/p",
                scaling: { kind: "fixed", instances },
                containers: [{ name: "a", resources: { cpus: 1, mem: 32 } }],
            },
            plainMarathon,
        );
    expect(classifyChange(pod(1), pod(3))).toMatchObject({ kind: "scale", text: "scales 1 → 3" });
});

test("ports that the server chose stay", () => {
    const live = app({ portDefinitions: [{ port: 10017, name: "http" }] });
    const declared = app({ portDefinitions: [{ port: 0, name: "http" }] });
    expect(keepServerChosen(declared, live)).toEqual(live);
    expect(classifyChange(live, keepServerChosen(declared, live)).kind).toBe("none");
    const fixed = app({ portDefinitions: [{ port: 10018, name: "http" }] });
    expect(classifyChange(live, keepServerChosen(fixed, live)).text).toBe("restarts 4 tasks: portDefinitions[0].port");
});

test("a health check without a port is of the first one, whether the server writes that down or not", () => {
    const check = { protocol: "HTTP", path: "/" };
    const declared = app({ healthChecks: [check] });
    const differs = (live: object, from = declared): readonly string[] =>
        classifyChange(app({ healthChecks: [live] }), keepServerChosen(from, app({ healthChecks: [live] }))).causes;
    expect(differs({ ...check, portIndex: 0 })).toEqual([]);
    expect(differs(check)).toEqual([]);
    expect(differs({ ...check, portIndex: 1 })).toEqual(["healthChecks[0].portIndex"]);
    expect(differs({ ...check, portIndex: 0 }, app({ healthChecks: [{ ...check, port: 80 }] }))).not.toEqual([]);
});
