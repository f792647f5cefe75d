/** What the timer on hosts does, with a real age; the copies themselves are made and checked on the lab. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chosen, open } from "../../../rescue/open";
import { openStore } from "../../../rescue/openStore";

const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-host-backup-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const hasAge = spawnSync("age", ["--version"]).status === 0;
const onlyWithAge = hasAge ? test : test.skip;
// Each starts Python and age several times.
jest.setTimeout(60_000);

const facts = { zxid: "0x20", nodes: 7, top: ["marathon", "mesos"] };

/** Runs the program with a leader that has these facts; where it notes its success is in `dir`. */
function backUp(settings: object, { leads = true, now = 1_800_000_000, more = "" } = {}) {
    writeFileSync(join(dir, "settings.json"), JSON.stringify(settings));
    const code = `
import io, sys, tarfile, json
sys.dont_write_bytecode = True
sys.path.insert(0, "rescue/host")
import mesos_backup as m, mesos_stores
m.mesos_stores = mesos_stores
m.LAST = ${JSON.stringify(join(dir, "last"))}
m.METRICS = ${JSON.stringify(join(dir, "metrics"))}
m.time.time = lambda: ${now}
m.part_now = lambda settings: {"serves": True, "leads": ${leads ? "True" : "False"}}
def pack(settings, out):
    facts = {"part": settings["part"], "cluster": "alpha", "time": ${now}, **json.loads('${JSON.stringify(facts)}')}
    with tarfile.open(fileobj=out, mode="w|gz") as archive:
        text = json.dumps(facts).encode()
        head = tarfile.TarInfo("part.json")
        head.size = len(text)
        archive.addfile(head, io.BytesIO(text))
    return facts
m.pack = pack
${more}
sys.argv = ["mesos_backup.py", ${JSON.stringify(join(dir, "settings.json"))}]
m.main()
`;
    const { status, stdout, stderr } = spawnSync("python3", ["-c", code], { encoding: "utf8" });
    return { status, stdout, stderr };
}

function settingsFor(to: string, recipients: readonly string[], keep = 2): object {
    return { cluster: "alpha", host: "m1", recipients, keep, to, parts: [{ part: "zookeeper" }] };
}

function newKey(name: string): string {
    execFileSync("age-keygen", ["-o", join(dir, name)], { stdio: "ignore" });
    return /age1\w+/.exec(readFileSync(join(dir, name), "utf8"))?.[0] ?? "";
}

onlyWithAge("what a host keeps is opened by a restore, rotated, and noted for status and monitoring", async () => {
    const [one, two] = [newKey("one.key"), newKey("two.key")];
    const place = join(dir, "kept");
    mkdirSync(join(dir, "metrics"), { recursive: true });
    mkdirSync(join(place, "alpha-20270101T000000Z"), { recursive: true });
    for (const day of [0, 1, 2]) {
        const said = backUp(settingsFor(place, [one, two]), { now: 1_800_000_000 + day * 86_400 });
        expect([said.status, said.stderr]).toEqual([0, ""]);
    }
    expect(readdirSync(place).sort()).toEqual([
        // Not the hosts' own: theirs to remove who made it.
        "alpha-20270101T000000Z",
        "alpha-20270116T080000Z-zookeeper",
        "alpha-20270117T080000Z-zookeeper",
    ]);
    const folder = "alpha-20270117T080000Z-zookeeper";
    expect(statSync(join(place, folder)).mode & 0o777).toBe(0o700);
    expect(statSync(join(place, folder, "zookeeper.age")).mode & 0o777).toBe(0o600);
    const expected = {
        cluster: "alpha",
        maxAgeHours: 48,
        acceptOld: false,
        now: new Date((1_800_000_000 + 2 * 86_400) * 1000),
        paths: ["/marathon"],
    };
    const store = openStore(place, "/");
    for (const key of ["one.key", "two.key"]) {
        const opened = await open(
            store,
            await chosen(store, "alpha", undefined, ["zookeeper"]),
            join(dir, key),
            expected,
        );
        expect([...opened.folders]).toEqual([["zookeeper", folder]]);
        expect(opened.archives.zookeeper?.subarray(0, 2).toString("hex")).toBe("1f8b");
    }
    expect(JSON.parse(readFileSync(join(dir, "last/zookeeper.json"), "utf8"))).toMatchObject({
        time: 1_800_172_800,
        folder,
    });
    expect(readFileSync(join(dir, "metrics/mesos_backup_zookeeper.prom"), "utf8")).toContain(
        'mesos_backup_last_success_timestamp_seconds{part="zookeeper"} 1800172800',
    );
});

onlyWithAge("a host that does not lead keeps nothing and is well", () => {
    const { status, stdout } = backUp(settingsFor(join(dir, "none"), [newKey("n.key")]), { leads: false });
    expect([status, stdout]).toEqual([0, "zookeeper: another host leads\n"]);
    expect(readdirSync(dir)).not.toContain("none");
});

onlyWithAge.each<[string, string, RegExp]>([
    [
        "a disk that changes what is written",
        "m.mesos_stores.Folder.read = lambda s, f, n, r=m.mesos_stores.Folder.read: r(s, f, n)[:-1] + b'x' if n.endswith('age') else r(s, f, n)",
        /not what was written/,
    ],
    [
        "a copy that is not what the leader has",
        "def pack(s, o):\n    raise ValueError('the copy ends too early')\nm.pack = pack",
        /the copy ends too early/,
    ],
    [
        "a place that cannot be written",
        "m.os.makedirs = lambda *a, **k: (_ for _ in ()).throw(PermissionError(13, 'denied'))",
        /denied/,
    ],
    ["a key that is none", "m.json.load = lambda t, l=m.json.load: {**l(t), 'recipients': ['age1bad']}", /age:/],
])("%s: no backup, the older ones stay, and nothing is noted", (_what, more, why) => {
    const place = mkdtempSync(join(dir, "bad-"));
    mkdirSync(join(place, "alpha-20200101T000000Z-zookeeper"));
    rmSync(join(dir, "last"), { recursive: true, force: true });
    const { status, stderr } = backUp(settingsFor(place, [newKey(`${Math.random()}.key`)], 1), { more });
    expect(status).toBe(1);
    expect(stderr).toMatch(why);
    expect(readdirSync(place)).toContain("alpha-20200101T000000Z-zookeeper");
    expect(readdirSync(dir)).not.toContain("last");
});
