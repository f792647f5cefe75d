import { UserError } from "../../../provider/resources/resource";
import type { OperatorDependencies } from "../../../provider/resources/mesosOperator";
import { mesosReservation } from "../../../provider/resources/mesosReservation";
import type { CheckFailure, Context } from "../../../provider/resources/resource";
import type { Properties } from "../../../provider/wire";
import { ReservingMaster } from "../../fakes/reservingMaster";

let master: ReservingMaster;
let said: string[];
const context: Context = { urn: "urn", name: "x", log: (_severity, message) => said.push(message) };
const dependencies: OperatorDependencies = {
    operator: () => master,
    exclusive: (_masters, work) => work(),
};
const type = mesosReservation(dependencies);

const inputs = (more: Properties = {}): Properties => ({
    masters: [{ name: "m1", address: "10.0.0.1", port: 5050 }],
    operator: { principal: "operator", secret: "s" },
    hostname: "w1",
    role: "services",
    resources: { cpus: 0.5, disk: 300 },
    volumes: { data: { sizeMiB: 100, containerPath: "data" } },
    cluster: "lab",
    confirmed: false,
    ...more,
});

beforeEach(() => {
    master = new ReservingMaster("w1", { cpus: 2, mem: 1024, disk: 1000 }, [[31000, 31099]]);
    said = [];
});

const update = (before: Properties, after: Properties): Promise<unknown> =>
    type.update("w1/services", before, after, false, context);

test("reserved, read, taken over, given back", async () => {
    await type.create(inputs(), true, context);
    expect(master.calls).toEqual([]);
    expect(said).toEqual(["w1: reserves for services: cpus 0.5, disk 300, volume data of 100 MiB"]);
    const { id } = await type.create(inputs(), false, context);
    expect(id).toBe("w1/services");
    expect(master.calls).toEqual(["RESERVE_RESOURCES", "CREATE_VOLUMES"]);
    expect(master.free()).toEqual({ cpus: 1.5, mem: 1024, disk: 700 });
    // A run that was stopped, and is run again.
    await type.create(inputs(), false, context);
    expect(master.calls).toHaveLength(2);
    const read = await type.read(id, inputs(), {}, context);
    expect(type.diff(read?.inputs ?? {}, inputs(), context).changes).toEqual([]);
    const { masters, operator } = inputs() as { masters: Properties[]; operator: Properties };
    const imported = await type.read(id, { masters, operator }, {}, context);
    expect(type.diff(imported?.inputs ?? {}, inputs(), context).changes).toEqual([]);
    await type.delete(id, inputs({ confirmed: true }), {}, context);
    expect(master.free()).toEqual({ cpus: 2, mem: 1024, disk: 1000 });
    expect(await type.read(id, inputs(), {}, context)).toBeUndefined();
});

test("more and less of each, volumes with their data: only the difference is asked for", async () => {
    await type.create(inputs(), false, context);
    const more = inputs({
        resources: { cpus: 0.2, mem: 64, disk: 500 },
        volumes: { data: { sizeMiB: 250, containerPath: "data" }, logs: { sizeMiB: 50, containerPath: "logs" } },
    });
    await update(inputs(), more);
    expect(master.calls.slice(2)).toEqual([
        "RESERVE_RESOURCES",
        "CREATE_VOLUMES",
        "GROW_VOLUME",
        "UNRESERVE_RESOURCES",
    ]);
    expect(master.free()).toEqual({ cpus: 1.8, mem: 960, disk: 500 });
    expect(master.volumes()).toEqual({ data: 250, logs: 50 });
    await update(
        more,
        inputs({ volumes: { ...(more["volumes"] as Properties), data: { sizeMiB: 100, containerPath: "data" } } }),
    );
    expect(master.volumes()).toEqual({ data: 100, logs: 50 });
    expect(master.free()).toEqual({ cpus: 1.5, mem: 1024, disk: 700 });
});

describe("ports and labels", () => {
    const bare = inputs();
    delete bare["volumes"];
    const labels = { owner: "db" };
    const labelled = (ports: string[], more: Properties = {}): Properties => ({
        ...bare,
        resources: {},
        ports,
        labels,
        ...more,
    });

    test("ranges are reserved and given back as a difference, under their labels, and taken over with them", async () => {
        const first = labelled(["31000-31009", "31020-31020"]);
        await type.create(first, true, context);
        expect(said).toEqual(["w1: reserves for services: ports 31000-31009, 31020-31020, label owner=db"]);
        const { id } = await type.create(first, false, context);
        expect(master.freePorts()).toBe("31010-31019, 31021-31099");
        const read = await type.read(id, first, {}, context);
        expect(type.diff(read?.inputs ?? {}, first, context).changes).toEqual([]);
        const { masters, operator } = bare as { masters: Properties[]; operator: Properties };
        const imported = await type.read(id, { masters, operator }, {}, context);
        expect(imported?.inputs).toMatchObject({ ports: ["31000-31009", "31020-31020"], labels });
        const second = labelled(["31005-31012"]);
        await update(first, second);
        expect(master.calls).toEqual(["RESERVE_RESOURCES", "RESERVE_RESOURCES", "UNRESERVE_RESOURCES"]);
        expect(master.freePorts()).toBe("31000-31004, 31013-31099");
        await type.delete(id, second, {}, context);
        expect(master.freePorts()).toBe("31000-31099");
    });

    test("what has other labels, or none, is somebody else's", async () => {
        const by = { type: "DYNAMIC", role: "services", principal: "operator" };
        master.reserve("cpus", 0.5, by);
        master.reserve("mem", 64, { ...by, labels: { labels: [{ key: "owner", value: "web" }] } });
        expect(await type.read("w1/services", labelled(["31000-31009"]), {}, context)).toBeUndefined();
        const plain = await type.read("w1/services", { ...bare, resources: { cpus: 0.5 } }, {}, context);
        expect(plain?.inputs).toMatchObject({ resources: { cpus: 0.5 } });
        expect(plain?.inputs).not.toHaveProperty("labels");
    });

    test("other labels are another reservation; ports are told in order and joined; what is none is refused", () => {
        const before = labelled(["31000-31009"]);
        expect(type.diff(before, labelled(["31000-31009"], { labels: { owner: "web" } }), context)).toMatchObject({
            replaces: [["labels", "owner"]],
            deleteBeforeReplace: true,
        });
        expect(type.check(labelled(["31005-31012", "31000-31004"]), undefined, context)).toMatchObject({
            failures: [],
            inputs: { ports: ["31000-31012"] },
        });
        const failures = type.check(labelled(["31009-31000", "x", "1-70000"]), undefined, context) as CheckFailure[];
        expect(failures.map(({ property }) => property)).toEqual(["ports[0]", "ports[1]", "ports[2]"]);
        const withVolume = { ...inputs(), labels };
        const moved = type.check({ ...inputs(), labels: { owner: "web" } }, withVolume, context) as CheckFailure[];
        expect(moved).toMatchObject([
            { property: "volumes", reason: expect.stringContaining("would be lost") as string },
        ]);
    });
});

test("what was taken back behind our back is seen, and made again", async () => {
    await type.create(inputs(), false, context);
    master.forget();
    expect(await type.read("w1/services", inputs(), {}, context)).toBeUndefined();
    await type.create(inputs({ volumes: {} }), false, context);
    const read = await type.read("w1/services", inputs(), {}, context);
    expect(type.diff(read?.inputs ?? {}, inputs(), context).changes.map(({ path }) => path.join("."))).toEqual([
        "volumes.data",
    ]);
    await update(read?.inputs ?? {}, inputs());
    expect(master.volumes()).toEqual({ data: 100 });
});

describe("data", () => {
    const without = inputs({ volumes: {} });
    const moved = inputs({ volumes: { data: { sizeMiB: 100, containerPath: "elsewhere" } } });

    test.each([
        ["a volume that is taken away", without],
        ["one whose path changes", moved],
        ["another agent", inputs({ hostname: "w2" })],
        ["another role", inputs({ role: "batch" })],
    ])("%s is refused at preview", (_what, after) => {
        const failures = type.check(after, inputs(), context) as CheckFailure[];
        expect(failures).toMatchObject([
            {
                property: "volumes",
                reason: expect.stringMatching(/data on volume data of w1 would be lost\n.*confirm: lab/) as string,
            },
        ]);
        expect(type.check({ ...after, confirmed: true }, inputs(), context)).toEqual([]);
    });

    test("a size is no loss", () => {
        const larger = inputs({ volumes: { data: { sizeMiB: 200, containerPath: "data" } } });
        expect(type.check(larger, inputs(), context)).toEqual([]);
    });

    test("is not touched by an update or a deletion without the confirmation", async () => {
        await type.create(inputs(), false, context);
        await expect(update(inputs(), without)).rejects.toThrow(/would be lost/);
        await expect(type.delete("w1/services", inputs(), {}, context)).rejects.toThrow(/PULUMI_MESOS_CONFIRM=lab/);
        expect(master.volumes()).toEqual({ data: 100 });
        await update(inputs(), { ...without, confirmed: true });
        expect(master.volumes()).toEqual({});
    });

    test("a framework's volume on it is no part of it, and is not taken along", async () => {
        await type.create(inputs(), false, context);
        master.addVolume("theirs", 50, "marathon");
        const read = await type.read("w1/services", inputs(), {}, context);
        expect(type.diff(read?.inputs ?? {}, inputs(), context).changes).toEqual([]);
        await expect(type.delete("w1/services", without, {}, context)).rejects.toThrow(/data, theirs/);
    });
});

test("what tasks use is not taken from them: the master's words, and what to do", async () => {
    const wanted = inputs({ resources: { cpus: 3 }, volumes: {} });
    await expect(type.create(wanted, false, context)).rejects.toThrow(
        /w1, reservation for services: .*does not contain[^]*fix: tasks use/,
    );
    await expect(type.create(wanted, false, context)).rejects.toThrow(UserError);
});

test("reservations of frameworks, by flags and of other roles are others'", async () => {
    master.reserve("cpus", 0.5, { type: "DYNAMIC", role: "services", principal: "marathon" });
    master.reserve("cpus", 0.1, {
        type: "DYNAMIC",
        role: "services",
        principal: "operator",
        labels: { labels: [{ key: "framework" }] },
    });
    master.reserve("mem", 100, { type: "STATIC", role: "services" });
    master.reserve("mem", 100, { type: "DYNAMIC", role: "batch", principal: "operator" });
    expect(await type.read("w1/services", inputs(), {}, context)).toBeUndefined();
});

describe("an agent that is away", () => {
    test("keeps what is remembered of it, and is no reason to make anything again", async () => {
        await type.create(inputs(), false, context);
        master.away = true;
        const read = await type.read("w1/services", inputs(), {}, context);
        expect(read?.inputs).toEqual(inputs());
        expect(said.at(-1)).toMatch(/w1 is not registered: its reservation is kept/);
        await expect(type.read("w1/services", {}, {}, context)).rejects.toThrow(/no agent w1/);
        await type.delete("w1/services", inputs(), {}, context);
        expect(said.at(-1)).toMatch(/if it comes back, it still has/);
    });
});

test.each([
    [{ role: "*" }, "role"],
    [{ role: "a b" }, "role"],
    [{ hostname: "" }, "hostname"],
    [{ resources: {}, volumes: {} }, "resources"],
    [{ resources: { ports: 1, disk: 300 } }, "resources.ports"],
    [{ resources: { cpus: 0, disk: 300 } }, "resources.cpus"],
    [{ resources: { cpus: 1 } }, "resources.disk"],
    [{ volumes: { "a/b": { sizeMiB: 1, containerPath: "a" } } }, "volumes.a/b"],
    [{ volumes: { a: { sizeMiB: 0, containerPath: "a" } } }, "volumes.a"],
    [{ volumes: { a: { sizeMiB: 1, containerPath: "../a" } } }, "volumes.a"],
    [{ volumes: { a: { sizeMiB: 1, containerPath: "/a" } } }, "volumes.a"],
])("%j is refused", (more, property) => {
    const failures = type.check(inputs(more), undefined, context) as CheckFailure[];
    expect(failures.map((failure) => failure.property)).toEqual([property]);
});

test("an id that is none is said so", async () => {
    await expect(type.read("w1", {}, {}, context)).rejects.toThrow(/HOSTNAME\/ROLE/);
});
