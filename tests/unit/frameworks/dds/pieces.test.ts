/** The protocol, worker packages, what the plug-in of 2016 sends, and what a configuration may say. */
import { gunzipSync, gzipSync } from "node:zlib";
import { agentsOf } from "../../../../frameworks/dds/agents";
import { readConfig, specOf } from "../../../../frameworks/dds/config";
import { ready, troubleWith } from "../../../../frameworks/dds/packages";
import { allowList, isAllowed } from "../../../../frameworks/dds/server";
import { parseSubmission, parseSubmitFile, requestOf } from "../../../../frameworks/dds/submissions";
import { taskOf } from "../../../../frameworks/dds/task";
import { crc16, customBody, customText, decode, encode } from "../../../../frameworks/dds/wire";
import { filesOf, sessionOf, tarEntry, withSetting } from "../../../../frameworks/dds/workerPackage";
import { BadConfiguration } from "../../../../frameworks/service/config";

const ID = "0d9c2f6e-0f5b-4a58-9d75-6f0c0a3b1c2d";
const INFO = "[server]\nhost=head\nuser=alice\nport=20000\n[ui]\nhost=head\nuser=alice\nport=20001\n";

function workerPackage(files: Readonly<Record<string, string>>): Buffer {
    const entries = Object.entries(files).map(([name, text]) => tarEntry(name, Buffer.from(text)));
    const tar = Buffer.concat([...entries, Buffer.alloc(1024)]);
    return Buffer.concat([Buffer.from("#!/bin/bash\nexit 0\nPAYLOAD:\n"), gzipSync(tar)]);
}
const WHOLE = workerPackage({ "server_info.cfg": INFO, "dds.sid": `${ID}\n` });
const payloadOf = (data: Buffer) => filesOf(gunzip(data.subarray(data.indexOf("PAYLOAD:\n") + 9)));
const gunzip = (data: Buffer): Buffer => gunzipSync(data);
const messageOf = (work: () => unknown): string => {
    try {
        work();
    } catch (error) {
        return (error as Error).message;
    }
    return "";
};

test("the checksum is CRC-16/ARC", () => expect(crc16(Buffer.from("123456789"))).toBe(0xbb3d));

test("messages come out as they went in, whole or not at all", () => {
    const one = { command: 34, id: 7n, body: customBody("täxt", "rms") };
    const bytes = Buffer.concat([encode(one), encode({ ...one, id: 8n })]);
    for (const length of [0, 15, 16, 40]) {
        expect(decode(bytes.subarray(0, length))).toBeUndefined();
    }
    const first = decode(bytes);
    expect(first?.message).toEqual(one);
    expect(customText(first?.message.body ?? Buffer.alloc(0))).toBe("täxt");
    expect(decode(first?.rest ?? Buffer.alloc(0))?.message.id).toBe(8n);
    const broken = Buffer.from(bytes);
    broken.writeUInt8(1, 9);
    expect(() => decode(broken)).toThrow("no answer of a DDS commander");
});

test("a package tells its session", () => {
    expect(sessionOf(WHOLE)).toEqual({ id: ID, host: "head", agentPort: 20000, uiPort: 20001 });
});

test.each<[string, Buffer, RegExp]>([
    ["no script", Buffer.from("x\nPAYLOAD:\n"), /no worker package/],
    ["no payload", Buffer.from("#!/bin/bash\n"), /no worker package/],
    ["half of one", WHOLE.subarray(0, WHOLE.length - 40), /archive cannot be read/],
    ["no session", workerPackage({ "server_info.cfg": INFO }), /names no session/],
    [
        "no commander",
        workerPackage({ "dds.sid": ID, "server_info.cfg": "[ui]\nhost=h\nport=1\n" }),
        /where its commander/,
    ],
])("%s is told, without the session's id", (_, data, message) => {
    const said = messageOf(() => sessionOf(data));
    expect(said).toMatch(message);
    expect(said).not.toContain(ID);
});

test.each<[NodeJS.ErrnoException["code"], string, string]>([
    ["ENOENT", "stat", "there is no /srv/dds/one/DDSWorker.sh"],
    ["EISDIR", "read", "/srv/dds/one/DDSWorker.sh is a folder, the worker package in it is wanted"],
    [
        "EACCES",
        "stat",
        "the framework's user dds may not look into /srv/dds/one: let it (mode 0711 is enough, of each folder above too)",
    ],
    ["EACCES", "open", "the framework's user dds may not read /srv/dds/one/DDSWorker.sh: chown dds and chmod 0600 it"],
    ["EIO", "read", "EIO: i/o error"],
])("a package that cannot be read (%s of %s): why, and what to do", (code = "", syscall, told) => {
    const error = Object.assign(new Error(`${code}: i/o error`), { code, syscall });
    expect(troubleWith("/srv/dds/one/DDSWorker.sh", error, "dds")).toBe(told);
});

test("what a site adds comes after what the package has already, and changes nothing else", () => {
    const own = workerPackage({ "server_info.cfg": INFO, "dds.sid": ID, "user_worker_env.sh": "echo first" });
    const files = payloadOf(withSetting(own, { commander: "10.0.0.1", environment: { A: "it's" } }));
    const lines = files.get("user_worker_env.sh")?.toString().trim().split("\n") ?? [];
    expect(lines.slice(0, 2)).toEqual(["echo first", `export A='it'\\''s'`]);
    expect(lines[2]).toContain("10.0.0.1");
    expect(files.get("server_info.cfg")?.toString()).toBe(INFO);
    expect(withSetting(own, { environment: {} })).toBe(own);
    // Agents stay over a restart of the framework, whatever its packing is like.
    const spec = specOf({ agents: 1, commander: "10.0.0.1" });
    expect(ready(own, spec).generation).toBe(ready(own, spec).generation);
    expect(ready(own, { ...spec, commander: "10.0.0.2" }).generation).not.toBe(ready(own, spec).generation);
});

test("dds-info's lines", () => {
    const line = `Agent 0: id (17), pid (812), group name (mesos), startup time (1.5s), slots total/executing/idle (2/0/2), host (u@h), wrkDir ("/x/dds/t.1.2/")`;
    expect(agentsOf(`3 agents\n${line}\n`)).toEqual([
        { group: "mesos", slots: 2, idle: 2, host: "u@h", workDir: "/x/dds/t.1.2/" },
    ]);
    expect(agentsOf("")).toEqual([]);
});

test("a submit file of seven lines, and what is wrong with others", () => {
    const text = "m:5050\n4\nimage\nDDSEnvironment\n2\n2048\nrest:9098\n";
    expect(parseSubmitFile(text)).toMatchObject({
        agents: 4,
        image: "image",
        cpus: "2",
        memMiB: "2048",
        rest: "rest:9098",
    });
    expect(parseSubmitFile("")).toMatchObject({
        agents: 1,
        image: "",
        cpus: "1",
        memMiB: "1024",
        rest: "localhost:80",
    });
    const said = messageOf(() => parseSubmitFile("m\nmany\n\n\nno\n-1\nnowhere\nmore"));
    for (const part of ["5 faults", "line 2", "line 5", "line 6", "line 7", "more than seven"]) {
        expect(said).toContain(part);
    }
});

test("what the older plug-in posts is taken, and what is wrong with it told as a whole", () => {
    const rules = { replacements: 5, withinSec: 60, agentsPerHost: 1, commander: "10.0.0.1" };
    const file = { agents: 3, cpus: "0.5", memMiB: "512", image: "", directory: "DDSEnvironment" };
    const { spec, submission, data } = parseSubmission(JSON.stringify(requestOf(file, "u", WHOLE, 8)), rules);
    expect([submission, data.equals(WHOLE)]).toEqual(["u", true]);
    expect(spec).toMatchObject({ agents: 3, cpus: 0.5, memMiB: 512, slots: 8, replacements: 5, commander: "10.0.0.1" });
    expect(spec.container).toBeUndefined();
    const said = messageOf(() => parseSubmission(`{"Resources":{"NumAgents":0,"CpusPerTask":"x"}}`, rules));
    for (const part of ["DDSSubmissionId", "Resources.NumAgents", "Resources.CpusPerTask", "WorkerPackageData"]) {
        expect(said).toContain(part);
    }
});

test("who may submit", () => {
    const list = allowList(["127.0.0.1", "10.1.0.0/16", "2001:db8::/32"]);
    const answers = ["127.0.0.1", "::ffff:10.1.2.3", "10.2.0.1", "2001:db8::1", "::1", "", "x"].map((a) =>
        isAllowed(list, a),
    );
    expect(answers).toEqual([true, true, false, true, false, false, false]);
});

const CONFIG = { masters: ["m:5050"], zookeeper: "zk://z/dds", user: "dds" };
test("every fault of a configuration is told", () => {
    const bad = {
        ...CONFIG,
        user: "",
        sessions: {
            "r-1": { package: "/x", agents: 1 },
            s: {
                package: "x",
                agents: -1,
                joinSec: 1,
                diskMiB: 1,
                commander: "a b",
                environment: { A_TOKEN: "x" },
                slot: 1,
            },
        },
        submissions: { from: ["everybody"] },
    };
    let faults: readonly string[] = [];
    try {
        readConfig(JSON.stringify(bad));
    } catch (error) {
        ({ faults } = error as BadConfiguration);
    }
    expect(faults.map((line) => line.split(":")[0])).toEqual(
        expect.arrayContaining([
            "user",
            "sessions.s.package",
            "sessions.s.agents",
            "sessions.s.diskMiB",
            "sessions.s.commander",
            "sessions.s.joinSec",
            "sessions.s",
            "submissions.from[0]",
        ]),
    );
    const late = messageOf(() =>
        readConfig(
            JSON.stringify({
                ...CONFIG,
                sessions: { "r-1": { package: "/x", agents: 1, environment: { A_TOKEN: "x" } } },
            }),
        ),
    );
    expect(late).toMatch(/sessions\.r-1: names like this[^]*sessions\.r-1\.environment\.A_TOKEN/);
});

test("the task: a shell that a scout takes the place of, and nothing secret in what others see of it", () => {
    const spec = specOf({ agents: 1, slots: 8, container: { image: "i" }, volumes: [{ host: "/cvmfs" }] });
    const task = taskOf({ id: "s.a.1", session: "s", spec, agentId: "a", resources: [] }, "dds", {
        digest: "d",
        address: "10.0.0.1:9098",
        key: "k3y",
    });
    expect(task.command?.arguments?.slice(3)).toEqual(["dds-agent", "s", "d", "10.0.0.1", "9098", "1", "8"]);
    expect(task.command?.arguments?.[2]).toMatch(/\nexec \.\/DDSWorker\.sh "\$@"$/);
    expect(task.command?.user).toBe("dds");
    const variables = (task.command?.environment?.variables ?? []) as { name: string; type?: string; value?: string }[];
    expect(variables.find(({ name }) => name === "DDS_PACKAGE_KEY")).toMatchObject({ type: "SECRET" });
    expect(JSON.stringify(task)).not.toContain("k3y");
    expect(task.container).toMatchObject({ type: "MESOS", volumes: [{ host_path: "/cvmfs", mode: "RO" }] });
});
