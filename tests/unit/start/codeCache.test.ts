import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";

const dir = mkdtempSync(join(tmpdir(), "pulumi-mesos-cache-"));
const loader = join(dir, "loader.js");
const bundle = join(dir, "bundle.js");

beforeAll(() => {
    // In processes of their own: the cache is written when one ends.
    buildSync({
        entryPoints: [join(__dirname, "..", "..", "..", "start", "codeCache.ts")],
        bundle: true,
        platform: "node",
        outfile: loader,
    });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function load(): string {
    const script = `process.stdout.write(String(require(${JSON.stringify(loader)}).requireCached(${JSON.stringify(bundle)}).answer()))`;
    return execFileSync(process.execPath, ["-e", script], { encoding: "utf8" });
}

const caches = (): string[] => readdirSync(dir).filter((name) => name.endsWith(".cache"));

test("the second process finds what the first has compiled; both get the same", () => {
    writeFileSync(
        bundle,
        "const { basename } = require('node:path'); exports.answer = () => basename(__filename) + 1;",
    );
    expect(load()).toBe("bundle.js1");
    const made = caches();
    expect(made).toHaveLength(1);
    expect(load()).toBe("bundle.js1");
    expect(caches()).toEqual(made);
});

test("a bundle that has changed is compiled anew, though it has the same length", () => {
    writeFileSync(bundle, "exports.answer = () => 'new';");
    expect(load()).toBe("new");
    writeFileSync(bundle, "exports.answer = () => 'old';");
    utimesSync(bundle, 1, 1);
    expect(load()).toBe("old");
});

test("a spoiled cache costs nothing but time", () => {
    for (const name of caches()) {
        writeFileSync(join(dir, name), "spoiled");
    }
    expect(load()).toBe("old");
});
