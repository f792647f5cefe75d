import type { OperatorApi } from "../../../provider/clients/mesos";
import {
    mesosMaintenance,
    mesosQuota,
    mesosWeight,
    type OperatorDependencies,
} from "../../../provider/resources/mesosOperator";
import type { CheckFailure, Context } from "../../../provider/resources/resource";
import type { Plain, Properties } from "../../../provider/wire";

/** The operator API's answers, after the master's own: one schedule for all, limits as scalars, an empty quota is none. */
class FakeMaster implements OperatorApi {
    public windows: Plain[] = [];
    public readonly quotas = new Map<string, Properties>();
    public readonly weights = new Map<string, number>();
    public readonly calls: string[] = [];

    public operate(type: string, parts: object): Promise<Properties> {
        this.calls.push(type);
        const given = parts as Record<string, Record<string, never>>;
        switch (type) {
            case "GET_QUOTA":
                return Promise.resolve({ get_quota: { status: { configs: [...this.quotas.values()] } } });
            case "UPDATE_QUOTA": {
                for (const config of given["update_quota"]?.["quota_configs"] as unknown as Properties[])
                    this.quotas.set(config["role"] as string, config);
                return Promise.resolve({});
            }
            case "GET_WEIGHTS":
                return Promise.resolve({
                    get_weights: { weight_infos: [...this.weights].map(([role, weight]) => ({ role, weight })) },
                });
            case "UPDATE_WEIGHTS": {
                for (const { role, weight } of given["update_weights"]?.["weight_infos"] as unknown as {
                    role: string;
                    weight: number;
                }[])
                    this.weights.set(role, weight);
                return Promise.resolve({});
            }
            case "GET_MAINTENANCE_SCHEDULE":
                return Promise.resolve({
                    get_maintenance_schedule: { schedule: { windows: structuredClone(this.windows) } },
                });
            case "UPDATE_MAINTENANCE_SCHEDULE": {
                const { schedule } = given["update_maintenance_schedule"] as unknown as {
                    schedule: { windows: Plain[] };
                };
                this.windows = schedule.windows;
                return Promise.resolve({});
            }
            default:
                return Promise.reject(new Error(`no such call: ${type}`));
        }
    }
}

let master: FakeMaster;
let dependencies: OperatorDependencies;
const context: Context = { urn: "urn", name: "x", log: () => undefined };

beforeEach(() => {
    master = new FakeMaster();
    let turn: Promise<unknown> = Promise.resolve();
    dependencies = {
        operator: () => master,
        exclusive: <T>(_masters: unknown, work: () => Promise<T>): Promise<T> => {
            const next = turn.then(work, work);
            turn = next;
            return next;
        },
    };
});

test("quota: made, read, changed, taken back", async () => {
    const quota = mesosQuota(dependencies);
    const inputs = { role: "services", limits: { cpus: 8, mem: 4096 } };
    await quota.create(inputs, true, context);
    expect(master.calls).toEqual([]);
    const { id } = await quota.create(inputs, false, context);
    expect(master.quotas.get("services")).toEqual({
        role: "services",
        limits: { cpus: { value: 8 }, mem: { value: 4096 } },
        guarantees: {},
    });
    const read = await quota.read(id, inputs, {}, context);
    expect(quota.diff(read?.inputs ?? {}, inputs, context).changes).toEqual([]);
    const imported = await quota.read(id, {}, {}, context);
    expect(quota.diff(imported?.inputs ?? {}, inputs, context).changes).toEqual([]);
    await quota.update(id, inputs, { role: "services", limits: { cpus: 4 } }, false, context);
    expect(quota.diff((await quota.read(id, inputs, {}, context))?.inputs ?? {}, inputs, context).changes).toHaveLength(
        2,
    );
    await quota.delete(id, inputs, {}, context);
    expect(await quota.read(id, inputs, {}, context)).toBeUndefined();
    expect(quota.diff(inputs, { ...inputs, role: "other" }, context).replaces).toEqual([["role"]]);
});

test.each<[Properties, string]>([
    [{ role: "*" }, "role"],
    [{ role: "" }, "role"],
    [{ role: "a", limits: { cpu: 1 } }, "limits.cpu"],
    [{ role: "a", limits: { cpus: -1 } }, "limits.cpus"],
    [{ role: "a", limits: { cpus: 1 }, guarantees: { cpus: 2 } }, "guarantees.cpus"],
])("quota %j is refused", (inputs, property) => {
    const failures = mesosQuota(dependencies).check(inputs, undefined, context) as CheckFailure[];
    expect(failures.map((failure) => failure.property)).toContain(property);
});

test("weight: what is taken away weighs 1", async () => {
    const weight = mesosWeight(dependencies);
    const inputs = { role: "services", weight: 3 };
    await weight.create(inputs, false, context);
    const read = await weight.read("services", {}, {}, context);
    expect(weight.diff(read?.inputs ?? {}, inputs, context).changes).toEqual([]);
    await weight.delete("services", inputs, {}, context);
    expect(master.weights.get("services")).toBe(1);
    expect(weight.check({ role: "a", weight: 0 }, undefined, context)).toHaveLength(1);
});

describe("maintenance", () => {
    const others = [
        { machine_ids: [{ hostname: "old", ip: "10.0.0.9" }], unavailability: { start: { nanoseconds: 5 } } },
    ];
    const inputs: Properties = {
        machines: [{ hostname: "w1", ip: "10.0.0.1" }],
        start: "2027-01-31T22:00:00Z",
        durationSec: 3600,
    };

    test("its window beside those of others, which stay to the letter", async () => {
        master.windows = structuredClone(others);
        const maintenance = mesosMaintenance(dependencies);
        const { id } = await maintenance.create(inputs, false, context);
        expect(master.windows).toHaveLength(2);
        expect(master.windows[0]).toEqual(others[0]);
        const read = await maintenance.read(id, inputs, {}, context);
        expect(maintenance.diff(read?.inputs ?? {}, inputs, context).changes).toEqual([]);
        const later = { ...inputs, start: "2027-02-28T23:00:00+01:00" };
        expect(maintenance.diff(inputs, later, context).changes).toHaveLength(1);
        expect(maintenance.diff(inputs, { ...inputs, start: "2027-01-31T23:00:00+01:00" }, context).changes).toEqual(
            [],
        );
        await maintenance.update(id, inputs, later, false, context);
        expect(master.windows).toHaveLength(2);
        await maintenance.delete(id, later, {}, context);
        expect(master.windows).toEqual(others);
    });

    test("two at a time do not overwrite each other", async () => {
        const maintenance = mesosMaintenance(dependencies);
        const second = { ...inputs, machines: [{ hostname: "w2", ip: "10.0.0.2" }] };
        await Promise.all([maintenance.create(inputs, false, context), maintenance.create(second, false, context)]);
        expect(master.windows).toHaveLength(2);
    });

    test("a machine is in one window", async () => {
        master.windows = structuredClone(others);
        const both = {
            ...inputs,
            machines: [
                { hostname: "old", ip: "10.0.0.9" },
                { hostname: "w1", ip: "10.0.0.1" },
            ],
        };
        await expect(mesosMaintenance(dependencies).create(both, false, context)).rejects.toThrow(
            /old: in another maintenance window/,
        );
        expect(master.windows).toEqual(others);
    });

    test.each<[Properties, string]>([
        [{ ...inputs, start: "tomorrow" }, "start"],
        [{ ...inputs, start: "2027-01-31T22:00:00" }, "start"],
        [{ ...inputs, start: "2027-13-31T22:00:00Z" }, "start"],
        [{ ...inputs, durationSec: 0 }, "durationSec"],
        [{ ...inputs, machines: [] }, "machines"],
        [{ ...inputs, machines: [{ hostname: "w1" }] }, "machines"],
    ])("%j is refused", (bad, property) => {
        const failures = mesosMaintenance(dependencies).check(bad, undefined, context) as CheckFailure[];
        expect(failures.map((failure) => failure.property)).toEqual([property]);
    });
});

test("a quota that was taken over is no change because the program says more words for the same", async () => {
    const quota = mesosQuota(dependencies);
    const declared: Properties = { role: "services", limits: { cpus: 2 }, guarantees: {}, force: false };
    await quota.create(declared, false, context);
    const imported = await quota.read("services", {}, {}, context);
    expect(quota.diff(imported?.inputs ?? {}, declared, context).changes).toEqual([]);
    expect(quota.diff(imported?.inputs ?? {}, { ...declared, limits: { cpus: 3 } }, context).changes).toHaveLength(1);
});
