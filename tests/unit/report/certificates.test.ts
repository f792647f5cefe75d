import { certificateGroups } from "../../../report/certificates";
import { dangersOf } from "../../../report/dangers";
import type { Change, Preview, Step } from "../../../report/steps";

const step = (name: string, change: Change, until: string, said: string[] = [], type = "Certificate"): Step => {
    const state = { type: `mesos:index:${type}`, urn: name, outputs: { notAfter: until } } as unknown as Step["before"];
    const urn = `urn:pulumi:test::pulumi-mesos::mesos:index:${type}::${name}`;
    return {
        ...{ change, urn, type: `mesos:index:${type}`, name, paths: [], replacing: [], said },
        ...(change === "create" || state === undefined ? {} : { before: state }),
    };
};

test("what changes is told first, in the provider's words; equal ones are one", () => {
    const said = ["a new key and certificate: 28 days are left, 90 is its life"];
    expect(
        certificateGroups([
            step("authority", "same", "2036-11-24T00:00:00.000Z", [], "CertificateAuthority"),
            step("marathon-bm1", "update", "2026-12-25T00:00:00.000Z", said),
            step("marathon-bm2", "update", "2026-12-25T01:00:00.000Z", said),
            step("metronome-bm3", "create", ""),
            step("zookeeper-digest", "same", "", [], "GeneratedSecret"),
        ]).map(({ names, text }) => `${names.join(", ")}: ${text}`),
    ).toEqual([
        "marathon-bm1, marathon-bm2: a new key and certificate: 28 days are left, 90 is its life (the one of now is good until 2026-12-25)",
        "metronome-bm3: is new",
        "authority: good until 2036-11-24",
    ]);
});

test("an authority that goes is a danger", () => {
    const amounts = { total: { agents: 0, cpus: 0, memMiB: 0 }, pools: {}, declared: { cpus: 0, memMiB: 0 } };
    const dangers = (change: Change) =>
        dangersOf({
            preview: {
                ...{ stack: "s", site: {}, looks: undefined, errors: [], warnings: [], violations: [], failed: false },
                outputs: { before: undefined, after: undefined },
                steps: [step("authority", change, "2036-11-24T00:00:00.000Z", [], "CertificateAuthority")],
            } satisfies Preview,
            ...{ hosts: [], cloud: [], work: [] },
            before: amounts as never,
            after: amounts as never,
        });
    expect(dangers("delete")).toEqual([
        { kind: "data", text: "the site's own authority goes: whoever trusts it must be told of another" },
    ]);
    expect(dangers("update")).toEqual([]);
});
