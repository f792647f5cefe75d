// Every tier but the long one, the cheapest first: npm test. With arguments, those tiers: node tests/run.mjs engine e2e.
// A tier that cannot run here is reported as skipped, with the reason; a tier that fails does not hide the ones after it.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureGo } from "../toolchain/engine.mjs";
import { preparePulumi } from "../toolchain/pulumi.mjs";
import { checkNode, ensureModules } from "../toolchain/project.mjs";
import { main, say } from "../toolchain/steps.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

function run(command, args, env = process.env) {
    return spawnSync(command, args, { cwd: root, stdio: "inherit", env }).status === 0;
}

const jest = (...args) => run(process.execPath, [join(root, "node_modules", "jest", "bin", "jest.js"), ...args]);
const again = [];
/**
 * Suites on real hosts, one after the other. Those that fail run once more, for a machine that others share may stall in the wrong
 * second; that they did is said at the end, and both runs are in the log.
 */
const suites = (tier, config = join("tests", tier, "jest.config.js")) => {
    const args = ["--config", config, "--runInBand"];
    if (jest(...args)) return true;
    say(`tier ${tier}: suites have failed; they run once more`);
    again.push(tier);
    return jest(...args, "--onlyFailures");
};
/** The tools that run before `npm ci` are plain modules; Node's own runner tests them. */
const toolTests = () => {
    const dir = join(root, "tests", "unit", "tools");
    return readdirSync(dir).map((name) => join(dir, name));
};

/** `npm run lab:openstack` and what belongs to it. */
const cloud = (verb, stdio = "inherit") =>
    spawnSync(process.execPath, ["lab/openstack/openstack.mjs", verb], { cwd: root, stdio }).status === 0;

const linux = () => (process.platform === "linux" ? undefined : `needs Linux, this is ${process.platform}`);

const rootOnly = (why) => linux() ?? (process.getuid() === 0 ? undefined : `needs root, ${why}`);

const tiers = {
    check: { what: "types, lint, format, generated files", run: () => run("npm", ["run", "-s", "check"]) },
    fast: {
        what: "unit, golden and graph tests",
        run: () => {
            const tools = run(process.execPath, ["--test", "--test-reporter=dot", ...toolTests()]);
            return jest() && tools;
        },
    },
    toolchain: {
        what: "the engine's parts that are ours, in Go; the workflow files",
        skip: () => (process.env.PULUMI_MESOS_ENGINE === "installed" ? "an installed engine is used" : undefined),
        run: async () => {
            const go = await ensureGo({ log: say });
            const workflows = ["../../.github/workflows/preview.yml"];
            return (
                run(go, ["-C", "toolchain/core", "test", "./..."]) &&
                run(go, ["-C", "toolchain/lint", "tool", "actionlint", ...workflows])
            );
        },
    },
    engine: {
        what: "the real Pulumi engine and plugin, no hosts",
        skip: linux,
        run: async () => {
            await preparePulumi();
            return jest("--config", "tests/engine/jest.config.js", "--runInBand");
        },
    },
    e2e: {
        what: "a whole site on real hosts",
        skip: () => rootOnly("to make hosts"),
        run: () => run(process.execPath, ["lab/lab.mjs", "up"]) && suites("e2e"),
    },
    long: {
        what: "disasters, upgrades and the site's work on real hosts, for an hour and a half",
        asked: true,
        skip: () => rootOnly("to make hosts"),
        run: () =>
            run(process.execPath, ["lab/lab.mjs", "up"]) && suites("long", join("tests", "e2e", "long.config.js")),
    },
    openstack: {
        what: "a hybrid site on a real OpenStack",
        skip: () => rootOnly("to make the cloud"),
        run: () => {
            const wasUp = cloud("status", "ignore");
            try {
                return cloud("up") && suites("openstack");
            } finally {
                // At rest it takes half a processor and 5 GiB.
                if (!wasUp) cloud("down");
            }
        },
    },
};

await main(async () => {
    checkNode();
    await ensureModules({ log: say });
    const asked = process.argv.slice(2);
    const unknown = asked.filter((name) => !(name in tiers));
    if (unknown.length > 0) {
        console.error(`no such tier: ${unknown.join(", ")}; there are ${Object.keys(tiers).join(", ")}`);
        return 2;
    }
    const results = { passed: [], failed: [], skipped: [] };
    for (const [name, { what, skip, asked: onlyAsked = false, run: start }] of Object.entries(tiers)) {
        if (asked.length > 0 ? !asked.includes(name) : onlyAsked) continue;
        const reason = skip?.();
        if (reason !== undefined) {
            say(`tier ${name} (${what}): skipped: ${reason}`);
            results.skipped.push(name);
            continue;
        }
        say(`tier ${name} (${what}) …`);
        const began = Date.now();
        const passed = await start();
        say(`tier ${name}: ${passed ? "passed" : "FAILED"} in ${Math.round((Date.now() - began) / 1000)} s`);
        results[passed ? "passed" : "failed"].push(name);
    }
    const { passed, failed, skipped } = results;
    say(
        `tiers passed: ${passed.join(", ") || "none"}; failed: ${failed.join(", ") || "none"}; skipped: ${skipped.join(", ") || "none"}`,
    );
    if (again.length > 0) say(`not every suite passed the first time in: ${again.join(", ")}: see above, and mend it`);
    console.log(`tiers: ${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
    return failed.length === 0 ? 0 : 1;
});
