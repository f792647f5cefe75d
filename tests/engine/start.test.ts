/** The program and the plugin start from code caches: made by the first run, good for every later one. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { siteOf, Stack } from "./stack";

const bin = join(__dirname, "..", "..", "bin");

/** When each cache of the newest bundles was written. */
function caches(): Record<string, number> {
    const names = readdirSync(bin).filter((name) => name.endsWith(".cache"));
    return Object.fromEntries(names.map((name) => [name, statSync(join(bin, name)).mtimeMs]));
}

test("V8 takes the caches of an earlier run, so that none is written again", () => {
    const stack = new Stack(siteOf("lab/Pulumi.lab.yaml"));
    try {
        expect(stack.pulumi("preview", "-s", "test").ok).toBe(true);
        const made = caches();
        expect(Object.keys(made).map((name) => name.split(".")[0])).toEqual(expect.arrayContaining(["index", "sdk"]));
        expect(stack.pulumi("preview", "-s", "test").ok).toBe(true);
        expect(caches()).toEqual(made);
    } finally {
        stack.remove();
    }
});
