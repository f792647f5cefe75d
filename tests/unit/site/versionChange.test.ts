/** Version and configuration in one run. */
import { checkVersionChange, type Versioned } from "../../../site/change/versionChange";

const unknown = "(unknown)";
const base: Versioned = {
    host: "bm1",
    rollout: { tier: "masters" },
    packages: [{ name: "mesos", version: "1.10.0-1" }],
    artifacts: [],
    files: { "/etc/mesos/master.env": { content: "A=1" }, "/etc/apt/sources.list.d/mesos.list": { content: "old" } },
    units: { "mesos-master.service": { restartOn: ["/etc/mesos/master.env"] } },
};
const newer = { packages: [{ name: "mesos", version: "1.11.0-1" }] };
const other = { files: { ...base.files, "/etc/mesos/master.env": { content: "A=2" } } };
const found = (before: Partial<Versioned>, after: Partial<Versioned>, confirmed = false): string[] =>
    checkVersionChange({ ...base, ...before }, { ...base, ...after }, confirmed, unknown).map(({ code }) => code);

test("both at once are refused, with what they are; either alone is not", () => {
    expect(found({}, { ...newer, ...other })).toEqual(["VERSION_MIXED"]);
    expect(found({}, newer)).toEqual([]);
    expect(found({}, other)).toEqual([]);
    const [issue] = checkVersionChange(base, { ...base, ...newer, ...other }, false, unknown);
    expect(issue?.value).toBe('{"versions":["mesos 1.10.0-1 → 1.11.0-1"],"files":["/etc/mesos/master.env"]}');
});

test("the way back is the same change", () => {
    expect(found(newer, { ...base, ...other })).toEqual(["VERSION_MIXED"]);
});

test.each<[string, Partial<Versioned>, Partial<Versioned>, boolean]>([
    [
        "what nobody restarts for",
        {},
        { ...newer, files: { ...base.files, "/etc/apt/sources.list.d/mesos.list": { content: "new" } } },
        false,
    ],
    ["a first installation", { packages: [], files: {} }, { ...newer, ...other }, false],
    [
        "a secret that a preview does not know yet",
        {},
        { ...newer, files: { ...base.files, "/etc/mesos/master.env": { content: unknown } } },
        false,
    ],
    ["a version that nobody declares", { packages: [{ name: "mesos" }] }, { ...newer, ...other }, false],
    ["what is confirmed", {}, { ...newer, ...other }, true],
])("%s is not refused", (_what, before, after, confirmed) => expect(found(before, after, confirmed)).toEqual([]));

test("another package file or tarball is another version, another kind of distribution is not", () => {
    const file = (sha256: string) => ({ artifacts: [{ source: `/srv/${sha256}.deb`, sha256 }] });
    expect(found(file("a"), { ...file("b"), ...other })).toEqual(["VERSION_MIXED"]);
    expect(found({}, { packages: [], ...file("b"), ...other })).toEqual([]);
});
