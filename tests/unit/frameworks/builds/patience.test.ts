/** A store that is away for a while: what reads from it waits, and takes its absence for nothing else. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAway, patiently } from "../../../../frameworks/builds/patience";

const FAILED = { code: 128, text: "refused" };
const GOOD = { code: 0, text: "" };

/** @param away what each look at the store finds */
async function asked(answers: readonly (typeof GOOD)[], away: readonly boolean[], patienceSec = 60) {
    const [left, looks, lines] = [[...answers], [...away], [] as string[]];
    const answer = await patiently(
        () => Promise.resolve(left.shift() ?? FAILED),
        () => Promise.resolve(looks.shift() ?? false),
        { patienceSec, signal: new AbortController().signal, log: (line) => lines.push(line), retryMs: 1 },
    );
    return { answer, tries: answers.length - left.length, lines };
}

test("it is asked until it is back", async () => {
    const { answer, lines } = await asked([FAILED, FAILED, FAILED, GOOD], [true, true, true]);
    expect([answer, lines]).toEqual([GOOD, ["the store is away: waits for it"]]);
});

test("what it refuses while it is there is asked once more, and no longer", async () => {
    expect(await asked([FAILED, FAILED, GOOD], [false, false])).toEqual({ answer: FAILED, tries: 2, lines: [] });
    expect(await asked([FAILED, GOOD], [false])).toMatchObject({ answer: GOOD });
});

test("not for ever", async () => {
    expect(await asked([FAILED, FAILED, GOOD], [true, true], -1)).toMatchObject({ answer: FAILED, tries: 1 });
});

test("where nobody listens it is away", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `git://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await isAway(url)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isAway(url)).toBe(true);
});

describe("aliBuild's way to the store", () => {
    let dir: string;
    const at = (...names: string[]): string => join(dir, ...names);
    beforeEach(() => {
        dir = mkdtempSync(join(tmpdir(), "stage-"));
        mkdirSync(at("alibuild_helpers"));
        mkdirSync(at("bin"));
        mkdirSync(at("work", "TARS", "aa"), { recursive: true });
        writeFileSync(at("alibuild_helpers", "__init__.py"), "");
        // As aliBuild's own: a tarball that cannot be had is as one that is not there, a list is not.
        writeFileSync(
            at("alibuild_helpers", "sync.py"),
            `import os, subprocess, sys
def resolve_store_path(architecture, one): return f"TARS/{one}"
def resolve_links_path(architecture, package): return f"TARS/links/{package}"
class RsyncRemoteSync:
    def __init__(self, store, workdir):
        self.remoteStore, self.workdir, self.architecture = store, workdir, "x"
    def fetch_tarball(self, spec):
        if subprocess.run(["rsync", "get"]).returncode == 0:
            open(os.path.join(self.workdir, "TARS/aa/one.tar.gz"), "w").close()
    def fetch_symlinks(self, spec):
        if subprocess.run(["rsync", "links"]).returncode != 0: sys.exit(1)
`,
        );
        // Answers one status after the other, then always the last one.
        writeFileSync(
            at("bin", "rsync"),
            `#!/bin/sh
echo "$1" >>${at("asked")}
read -r status rest <${at("statuses")}
[ -z "$rest" ] || echo "$rest" >${at("statuses")}
exit "$status"
`,
        );
        chmodSync(at("bin", "rsync"), 0o755);
        writeFileSync(
            at("aliBuild"),
            `import sys
from alibuild_helpers import sync
getattr(sync.RsyncRemoteSync("rsync://s/store", ${JSON.stringify(at("work"))}), sys.argv[1])({"package": "one", "remote_hashes": ["aa"]})
`,
        );
    });
    afterEach(() => rmSync(dir, { recursive: true }));

    /** @param statuses of rsync, one after the other */
    function does(what: string, statuses: string, patienceSec = "30") {
        writeFileSync(at("statuses"), `${statuses}\n`);
        const program = join(__dirname, "../../../../frameworks/builds/stage.py");
        const { status, stderr } = spawnSync(
            "python3",
            [program, at("record"), at("logs"), patienceSec, at("aliBuild"), what],
            {
                env: {
                    PATH: `${at("bin")}:${process.env["PATH"] ?? ""}`,
                    PYTHONPATH: dir,
                    STAGE_RETRY_SEC: "0",
                },
                encoding: "utf8",
            },
        );
        const asked = readFileSync(at("asked"), "utf8").trim().replaceAll("--list-only", "look").split("\n").join(" ");
        return { status, stderr, asked };
    }

    test.each([
        ["a package that it has", "fetch_tarball", "0 0", "look get"],
        ["one that it has not", "fetch_tarball", "0 1 0", "look get look"],
        ["before it is asked", "fetch_tarball", "10 35 0 0", "look look look get"],
        ["in the middle of a package", "fetch_tarball", "0 12 10 10 0 0", "look get look look look get"],
        ["a list that it has", "fetch_symlinks", "0 0 0", "look look links"],
        ["a list that it has not", "fetch_symlinks", "0 23", "look look"],
        ["in the middle of a list", "fetch_symlinks", "0 0 12 10 0 0 0", "look look links look look look links"],
    ])("%s", (_, what, statuses, asked) => {
        expect(does(what, statuses)).toEqual({ status: 0, stderr: "", asked });
    });

    test("a list that it does not give ends the build", () => {
        expect(does("fetch_symlinks", "0 0 11 0")).toMatchObject({ status: 1, asked: "look look links look" });
    });

    test("a store that stays away ends it, in words", () => {
        const { status, stderr } = does("fetch_tarball", "10", "0");
        expect([status, stderr]).toEqual([1, "ERROR: the store has not answered for 0 s\n"]);
    });
});
