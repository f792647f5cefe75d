import { Connections } from "../../../provider/resources/connections";
import { marathonDefinition } from "../../../provider/resources/marathonDefinition";
import { marathonGroup } from "../../../provider/resources/marathonGroup";
import {
    type CheckResult,
    type Context,
    InitError,
    type ResourceType,
    type State,
} from "../../../provider/resources/resource";
import { serviceTypes } from "../../../provider/resources/serviceTypes";
import type { Properties } from "../../../provider/wire";
import { FakeMarathon, type FakeMarathonOptions } from "../../fakes/marathon";

const quick = {
    http: { answerMs: 30_000, failoverMs: 1500, retryMs: 20 },
    locks: { lockMs: 300, retryMs: 20 },
    pollMs: 40,
    restMs: 5,
};

let fake: FakeMarathon;
let server: { urls: string[]; username?: string; password?: string };
let app: ResourceType;
let pod: ResourceType;
let group: ResourceType;
let said: string[];
const context: Context = {
    urn: "urn:pulumi:test::test::mesos:index:MarathonApp::web",
    name: "web",
    log: (severity, message) => said.push(`${severity} ${message}`),
};

async function begin(options: FakeMarathonOptions = {}): Promise<void> {
    fake = new FakeMarathon(options);
    server = { urls: [await fake.start()] };
    const connections = new Connections(quick);
    [app, pod, group] = [
        marathonDefinition("app", connections),
        marathonDefinition("pod", connections),
        marathonGroup(connections),
    ];
    said = [];
}

beforeEach(() => begin());
afterEach(() => fake.stop());

const web = { id: "/shop/web", cmd: "serve", instances: 3 };
const inputs = (definition: object, more: object = {}): Properties =>
    ({ server, definition, timeoutSec: 60, ...more }) as unknown as Properties;

/** As the engine does it: checked inputs are what everything else gets. */
async function checked(type: ResourceType, given: Properties, before?: Properties): Promise<Properties> {
    const result = (await type.check(given, before, context)) as CheckResult;
    if (result.failures.length > 0) throw new Error(result.failures.map(({ reason }) => reason).join());
    return result.inputs ?? given;
}

async function create(type: ResourceType, definition: object, more: object = {}): Promise<[Properties, State]> {
    const good = await checked(type, inputs(definition, more));
    return [good, await type.create(good, false, context)];
}

describe("an app", () => {
    test("is there when all of its instances are healthy, and says how far it is", async () => {
        const [, state] = await create(app, { ...web, healthChecks: [{ protocol: "MESOS_TCP", portIndex: 0 }] });
        expect(state.id).toBe("/shop/web");
        expect(fake.held.get("/shop/web")?.healthy).toBe(3);
        expect(said).toContain("info /shop/web: 3 of 3 healthy");
    });

    test("is read as it was declared: nothing to do", async () => {
        const [good, state] = await create(app, web);
        const read = await app.read(state.id, good, state.outputs, context);
        expect(app.diff(read?.inputs ?? {}, good, context).changes).toEqual([]);
        const again = await checked(app, inputs(web), good);
        expect(app.diff(good, again, context).changes).toEqual([]);
    });

    test("is updated as a whole, never by force, and keeps its ports", async () => {
        const [good] = await create(app, { ...web, env: { A: "1", B: "2" } });
        const port = fake.held.get("/shop/web")?.definition["portDefinitions"];
        const next = await checked(app, inputs({ ...web, env: { A: "1" } }), good);
        expect(app.diff(good, next, context).changes).toEqual([{ path: ["definition", "env", "B"], kind: "delete" }]);
        await app.update("/shop/web", good, next, true, context);
        expect(said).toContain("info /shop/web: restarts 3 tasks: env.B");
        await app.update("/shop/web", good, next, false, context);
        expect(fake.changes.at(-1)).toBe("PUT /v2/apps/shop/web?force=false&partialUpdate=false");
        expect(fake.held.get("/shop/web")?.definition).toMatchObject({ env: { A: "1" }, portDefinitions: port });
    });

    test("edited by hand is seen and mended", async () => {
        const [good, state] = await create(app, web);
        const held = fake.held.get("/shop/web");
        if (held !== undefined) held.definition = { ...held.definition, cmd: "rm -rf /" };
        const read = await app.read(state.id, good, state.outputs, context);
        expect(app.diff(read?.inputs ?? {}, good, context).changes).toEqual([
            { path: ["definition", "cmd"], kind: "update" },
        ]);
        await app.update(state.id, read?.inputs ?? {}, good, false, context);
        expect(fake.held.get("/shop/web")?.definition["cmd"]).toBe("serve");
    });

    test("deleted by hand is gone, and is deleted without a complaint", async () => {
        const [good, state] = await create(app, web);
        fake.held.clear();
        expect(await app.read(state.id, good, state.outputs, context)).toBeUndefined();
        await app.delete(state.id, good, state.outputs, context);
    });

    test("is deleted without force", async () => {
        const [good, state] = await create(app, web);
        await app.delete(state.id, good, state.outputs, context);
        expect(fake.changes.at(-1)).toBe("DELETE /v2/apps/shop/web?force=false");
        expect(fake.deployments.size).toBe(0);
    });

    test("with another name is another app; with another volume the old one goes first", async () => {
        const good = await checked(app, inputs(web));
        const renamed = await checked(app, inputs({ ...web, id: "/shop/api" }));
        expect(app.diff(good, renamed, context)).toMatchObject({
            replaces: [["definition", "id"]],
            deleteBeforeReplace: false,
        });
        await fake.stop();
        await begin({ facts: { role: "services", features: [] } });
        const volume = {
            container: { type: "MESOS", volumes: [{ containerPath: "d", mode: "RW", persistent: { size: 10 } }] },
        };
        const [plain, resident] = [await checked(app, inputs(web)), await checked(app, inputs({ ...web, ...volume }))];
        expect(app.diff(plain, resident, context)).toMatchObject({ deleteBeforeReplace: true });
    });

    test("that is there already is not taken, but one that a stopped run left is", async () => {
        await create(app, web);
        await expect(create(app, { ...web, cmd: "other" })).rejects.toThrow(
            /there already.*\n.*pulumi import mesos:index:MarathonApp web \/shop\/web/,
        );
        const changes = fake.changes.length;
        await create(app, web);
        expect(fake.changes).toHaveLength(changes);
    });

    test("is refused at the check with the path, by the server's own role", async () => {
        const { failures } = (await app.check(
            inputs({ ...web, role: "prod", cpus: 0 }),
            undefined,
            context,
        )) as CheckResult;
        expect(failures[0]?.reason).toMatch(/APP_CPUS_ZERO in app \/shop\/web at \/cpus/);
        expect(failures[0]?.reason).toMatch(/APP_ROLE in app \/shop\/web at \/role/);
        expect(fake.changes).toEqual([]);
    });

    test("warnings are told once", async () => {
        const odd = { ...web, labels: { image: "{{ tag }}" } };
        const good = await checked(app, inputs(odd));
        expect(said.join()).toMatch(/APP_TEMPLATE/);
        said = [];
        await checked(app, inputs(odd), good);
        expect(said).toEqual([]);
    });
});

describe("a deployment that does not end", () => {
    const ill = {
        ...web,
        labels: { TEST_NEVER_HEALTHY: "1" },
        healthChecks: [{ protocol: "MESOS_TCP", portIndex: 0 }],
    };

    test("of a new app is told in one paragraph, and the app is in the state", async () => {
        const work = create(app, { ...web, cpus: 99 }, { timeoutSec: 0.2 });
        await expect(work).rejects.toThrow(InitError);
        await expect(work).rejects.toThrow(
            "/shop/web: 0 of 3 instances are healthy after 0.2 s; 3 wait for an agent: InsufficientCpus (3 of 3 offers)",
        );
    });

    test("names the last failure", async () => {
        await expect(create(app, { ...web, labels: { TEST_CRASHES: "1" } }, { timeoutSec: 0.3 })).rejects.toThrow(
            "the last task to fail: TASK_FAILED on w1: Command exited with status 7",
        );
    });

    test("says that tasks run but are not healthy", async () => {
        await expect(create(app, ill, { timeoutSec: 0.3 })).rejects.toThrow(
            "3 run, but have not passed a health check yet",
        );
    });

    test("is rolled back by choice: the old version serves", async () => {
        const [good] = await create(app, web);
        const bad = await checked(app, inputs(ill, { timeoutSec: 0.3, onFailure: "rollBack" }), good);
        await expect(app.update("/shop/web", good, bad, false, context)).rejects.toThrow(
            "rolled back: the version before serves",
        );
        expect(fake.held.get("/shop/web")?.definition["cmd"]).toBe("serve");
        expect(fake.held.get("/shop/web")?.healthy).toBe(3);
        expect(fake.deployments.size).toBe(0);
    });

    test("of a new app rolled back leaves nothing, so nothing is in the state", async () => {
        const work = create(app, ill, { timeoutSec: 0.3, onFailure: "rollBack" });
        await expect(work).rejects.not.toThrow(InitError);
        expect(fake.held.size).toBe(0);
    });

    test("that somebody else takes back is not taken for done", async () => {
        const [good] = await create(app, web);
        const bad = await checked(app, inputs(ill, { timeoutSec: 5 }), good);
        const work = app.update("/shop/web", good, bad, false, context);
        const stop = (async () => {
            while (fake.deployments.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
            const [id] = fake.deployments.keys();
            await fetch(`${server.urls[0]}/v2/deployments/${id}`, { method: "DELETE" });
        })();
        await expect(work).rejects.toThrow(/somebody else took it back or changed it$/);
        await stop;
    });
});

describe("locks and leaders", () => {
    test("a lock is waited for", async () => {
        const [good] = await create(app, web);
        await fetch(`${server.urls[0]}/v2/apps/shop/web?partialUpdate=false`, {
            method: "PUT",
            body: JSON.stringify({ ...web, labels: { TEST_NEVER_HEALTHY: "1" } }),
        });
        const patient = marathonDefinition(
            "app",
            new Connections({ ...quick, locks: { lockMs: 60_000, retryMs: 20 } }),
        );
        const next = await checked(patient, inputs({ ...web, cmd: "v2" }, { timeoutSec: 60 }), good);
        const work = patient.update("/shop/web", good, next, false, context);
        while (!said.some((line) => /waits for deployment [0-9a-f-]{36}/.test(line)))
            await new Promise((resolve) => setTimeout(resolve, 5));
        const [id] = fake.deployments.keys();
        await fetch(`${server.urls[0]}/v2/deployments/${id}`, { method: "DELETE" });
        await work;
        expect(fake.held.get("/shop/web")?.definition["cmd"]).toBe("v2");
    }, 60_000);

    test("a lock that stays is named with the way out", async () => {
        const [good] = await create(app, web);
        await fetch(`${server.urls[0]}/v2/apps/shop/web?partialUpdate=false`, {
            method: "PUT",
            body: JSON.stringify({ ...web, labels: { TEST_NEVER_HEALTHY: "1" } }),
        });
        const next = await checked(app, inputs({ ...web, cmd: "v2" }), good);
        await expect(app.update("/shop/web", good, next, false, context)).rejects.toThrow(
            /locked by deployment ([0-9a-f-]{36}); nothing was changed\n {2}fix: .*curl -X DELETE http:\S+\/v2\/deployments\/\1/,
        );
    });

    test("a change of leader in the middle is waited out", async () => {
        const good = await checked(app, inputs(web));
        fake.leaderless = true;
        setTimeout(() => (fake.leaderless = false), 200);
        await app.create(good, false, context);
        expect(fake.held.get("/shop/web")?.healthy).toBe(3);
    });

    test("a dead server is not the end while another one answers", async () => {
        server.urls.unshift("http://127.0.0.1:9");
        await create(app, web);
        expect(fake.held.size).toBe(1);
    });

    test("without events it is asked again and again", async () => {
        fake.deaf = true;
        await create(app, web);
        expect(fake.held.get("/shop/web")?.healthy).toBe(3);
    });

    test("credentials are sent, and stay out of messages", async () => {
        await fake.stop();
        await begin({ credentials: "ops:geheim" });
        await expect(create(app, web)).rejects.toThrow(/refuses these credentials \(HTTP 401\)/);
        server = { ...server, username: "ops", password: "falsch" };
        await expect(create(app, web)).rejects.not.toThrow(/falsch/);
        server = { ...server, password: "geheim" };
        await create(app, web);
        expect(said.join()).not.toMatch(/geheim/);
    });
});

test("a hundred apps share their requests", async () => {
    const all = await Promise.all(
        Array.from({ length: 100 }, (_, index) => create(app, { ...web, id: `/many/app-${index}` })),
    );
    expect(fake.held.size).toBe(100);
    const before = fake.requests;
    await Promise.all(all.map(([good, state]) => app.read(state.id, good, state.outputs, context)));
    expect(fake.requests - before).toBeLessThan(5);
}, 60_000);

describe("a pod", () => {
    const worker = {
        id: "/worker",
        containers: [{ name: "main", resources: { cpus: 0.1, mem: 32 }, exec: { command: { shell: "work" } } }],
    };

    test("lives as an app does", async () => {
        const [good, state] = await create(pod, worker);
        expect(fake.held.get("/worker")?.healthy).toBe(1);
        const read = await pod.read(state.id, good, state.outputs, context);
        expect(pod.diff(read?.inputs ?? {}, good, context).changes).toEqual([]);
        const more = await checked(pod, inputs({ ...worker, scaling: { kind: "fixed", instances: 3 } }), good);
        await pod.update(state.id, good, more, true, context);
        expect(said).toContain("info /worker: scales 1 → 3");
        await pod.update(state.id, good, more, false, context);
        expect(fake.held.get("/worker")?.healthy).toBe(3);
        await pod.delete(state.id, more, state.outputs, context);
        expect(fake.held.size).toBe(0);
    });
});

describe("a group", () => {
    const shop = (more: object): Properties => ({ server, groupId: "/shop", ...more });

    test("has its settings, and its members are left alone", async () => {
        await create(app, web);
        await group.create(shop({ enforceRole: true }), false, context);
        expect(fake.groups.get("/shop")).toEqual({ enforceRole: true });
        await group.delete("/shop", shop({}), {}, context);
        expect(fake.held.size).toBe(1);
        expect(said.join()).toMatch(/stays, for it is not empty: \/shop\/web/);
    });

    test("that enforces its role gives it to its apps: by the stack's word before it is there, by the server's after that", async () => {
        const enforcing = { server: { ...server, enforcedGroups: ["shop"] } };
        const before = await checked(app, inputs(web, enforcing));
        expect(before["definition"]).toMatchObject({ role: "shop" });
        expect((await checked(app, inputs(web)))["definition"]).toMatchObject({ role: "*" });
        fake.groups.set("/shop", { enforceRole: true });
        const later = marathonDefinition("app", new Connections(quick));
        expect((await checked(later, inputs(web)))["definition"]).toMatchObject({ role: "shop" });
    });

    test("the root is nobody's", async () => {
        expect(await group.check(shop({ groupId: "/" }), undefined, context)).toHaveLength(1);
        await expect(group.delete("/", shop({ groupId: "/" }), {}, context)).rejects.toThrow(/never deleted/);
        expect(fake.changes).toEqual([]);
    });
});

test("import needs no inputs but the plugin's configuration", async () => {
    await create(app, web);
    const connections = new Connections(quick);
    const bare = marathonDefinition("app", connections);
    await expect(bare.read("/shop/web", {}, {}, context)).rejects.toThrow(/pulumi config set mesos:marathon/);
    connections.configure({ marathon: server.urls.join() });
    const read = await bare.read("/shop/web", {}, {}, context);
    const declared = await checked(app, inputs(web));
    expect(bare.diff(read?.inputs ?? {}, declared, context).changes).toEqual([]);
});

describe("what an import was told goes into the state, its passwords as secrets", () => {
    const connections = new Connections(quick);
    beforeEach(() =>
        connections.configure({
            marathon: server.urls.join(),
            marathonCredentials: "me:mine:all",
            metronome: "http://10.0.0.3:9000",
            masters: "http://10.0.0.1:5050,http://10.0.0.2",
            mastersCredentials: "operator:geheim",
        }),
    );

    test("an app's server", async () => {
        await create(app, web);
        const state = await serviceTypes(connections)["MarathonApp"]?.read("/shop/web", {}, {}, context);
        expect(state).toMatchObject({
            inputs: {
                server: { urls: server.urls, username: "me", password: "mine:all" },
                definition: { cmd: web.cmd },
            },
            secretInputs: [["server", "password"]],
        });
        // The next refresh has only the state.
        const later = serviceTypes(new Connections(quick))["MarathonApp"];
        const again = await later?.read("/shop/web", state?.inputs ?? {}, {}, context);
        expect(again?.inputs).toEqual(state?.inputs);
        expect(again?.secretInputs).toBeUndefined();
    });

    test("the masters, and Metronome", () => {
        expect(connections.remembered("masters")).toEqual({
            inputs: {
                masters: [
                    { name: "10.0.0.1", address: "10.0.0.1", port: 5050 },
                    { name: "10.0.0.2", address: "10.0.0.2", port: 5050 },
                ],
                operator: { principal: "operator", secret: "geheim" },
            },
            secrets: [["operator", "secret"]],
        });
        expect(connections.remembered("metronome").inputs).toEqual({ server: { urls: ["http://10.0.0.3:9000"] } });
    });
});
