/** A build's words: its name, what aliBuild has failed with, what git is told. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf, runName } from "../../../../frameworks/builds/build";
import { insteadOf, refresh } from "../../../../frameworks/builds/git";
import { command } from "../../../../frameworks/shared/command";

test.each([
    ["E:bad:0: \u001b[31mBUILD FAILED:\u001b[0m bad@1.2\nmore", { message: "bad 1.2 has failed", package: "bad" }],
    [
        "2026:ERROR:top:top:0: Unable to fetch symlinks from specified store.",
        { message: "Unable to fetch symlinks from specified store." },
    ],
    ["one\ntwo", { message: "one\ntwo" }],
    ["", { message: "aliBuild has failed and says nothing" }],
])("what aliBuild says (%j) is what it has failed with", (text, expected) => {
    expect(failureOf(text)).toEqual(expected);
});

test("a run's name tells build and time, and two of one second differ", () => {
    const at = new Date("2026-11-26T01:02:03.9Z");
    expect(runName("daily.el9", at, 0)).toBe("daily.el9-20261126-010203-0000");
    expect(runName("daily.el9", at, 0.99999999)).toBe("daily.el9-20261126-010203-zzzz");
});

describe("with git", () => {
    let dir: string;
    beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "git-"))));
    afterEach(() => rmSync(dir, { recursive: true }));
    const git = (...args: string[]): string =>
        execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@localhost", ...args], {
            cwd: join(dir, "up"),
            encoding: "utf8",
        });
    const commit = (text: string): void => {
        writeFileSync(join(dir, "up", "file"), text);
        git("add", ".");
        git("commit", "-q", "-m", text);
    };

    test("a copy is made once however many ask, is refreshed, and is read instead of where it comes from", async () => {
        execFileSync("git", ["init", "-q", "-b", "main", join(dir, "up")]);
        commit("one");
        const url = `file://${dir}/up`;
        const fetchAll = () => Promise.all([1, 2, 3].map(() => refresh(url, join(dir, "copies"), "up")));
        expect((await fetchAll()).map(({ code }) => code)).toEqual([0, 0, 0]);
        commit("two");
        git("tag", "v2");
        expect((await fetchAll()).map(({ code }) => code)).toEqual([0, 0, 0]);
        const from = "https://git.example.org/up.git";
        execFileSync("git", ["clone", "-q", "-b", "v2", from, join(dir, "down")], {
            env: { ...process.env, ...insteadOf({ [from]: `file://${dir}/copies/up` }) },
            stdio: "ignore",
        });
        expect(readFileSync(join(dir, "down", "file"), "utf8")).toBe("two");
    });

    test("what cannot be had leaves no half of a copy", async () => {
        const { code } = await refresh(`file://${dir}/nowhere`, join(dir, "copies"), "x");
        expect(code).not.toBe(0);
        expect(() => readFileSync(join(dir, "copies", "x", "HEAD"))).toThrow();
    });
});

test("what ends a program ends what it has started", async () => {
    const stop = new AbortController();
    const ended = command("sh", ["-c", "sleep 60 & echo $!; wait"], { signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    const { code, text } = await ended;
    expect(code).toBe("cancelled");
    const stat = `/proc/${text.trim()}/stat`;
    // Where nobody reaps it, its entry stays.
    expect(existsSync(stat) ? readFileSync(stat, "utf8") : "() Z").toMatch(/\) Z/);
    expect((await command("sleep", ["60"], { timeoutSec: 0.2 })).code).toBe("timeout");
    expect((await command("no-such-program", [])).code).toBe(127);
});
