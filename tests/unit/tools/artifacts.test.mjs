// A tarball counts as installed by what it has brought: ansible-templates/library/host_state.py, as the plugin asks it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const library = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "ansible-templates", "library");
const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-artifacts-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const owner = "grp.getgrgid(os.getgid()).gr_name";
const python = (code) =>
    execFileSync(
        "python3",
        [
            "-c",
            `import sys, os, grp, pwd
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(library)})
import host_state
host_state.STATE = ${JSON.stringify(join(dir, "state"))}
write = host_state.write_file
host_state.write_file = lambda path, data, want: write(path, data, dict(want, owner=pwd.getpwuid(os.getuid()).pw_name, group=${owner}))
os.makedirs(host_state.STATE + "/artifacts", exist_ok=True)
${code}`,
        ],
        { encoding: "utf8" },
    ).trim();

test("a tarball whose files are there is installed; one of which a file is gone, or without a note, is not", () => {
    const prefix = join(dir, "opt");
    mkdirSync(join(prefix, "sbin"), { recursive: true });
    writeFileSync(join(prefix, "sbin", "mesos-agent"), "x");
    const tarball = join(dir, "mesos.tar.gz");
    execFileSync("tar", ["-C", prefix, "-czf", tarball, "sbin"]);
    const artifact = `{"kind": "tarball", "prefix": ${JSON.stringify(prefix)}, "sha256": "aa"}`;
    assert.equal(python('print(host_state.artifact_present("aa"))'), "False");
    python(`host_state.stamp_artifact(${artifact}, ${JSON.stringify(tarball)})`);
    assert.equal(python('print(host_state.artifact_present("aa"))'), "True");
    rmSync(join(prefix, "sbin", "mesos-agent"));
    assert.equal(python('print(host_state.artifact_present("aa"))'), "False");
});

test("what a service has no more: its unit is stopped before the others start, its files go after", () => {
    const key = join(dir, "key.pem");
    writeFileSync(key, "k");
    const said = python(`
calls = []
host_state.run = lambda *argv: (calls.append(" ".join(argv)), (0, "", ""))[1]
host_state.must = lambda *argv: calls.append(" ".join(argv))
host_state.apply_units = lambda request, written, changes: calls.append("units")
host_state.read_bytes = lambda path: None
request = {"left": {"units": ["old.service"], "files": [${JSON.stringify(key)}, "/nowhere/at/all"]}}
print(host_state.converge(request, "units"))
print(calls, os.path.exists(${JSON.stringify(key)}))
print(host_state.converge({}, "units"))`);
    assert.deepEqual(said.split("\n"), [
        `['unit old.service stopped and disabled', 'removed ${key}']`,
        "['systemctl cat old.service', 'systemctl -q disable --now old.service', 'units'] False",
        "[]",
    ]);
});
