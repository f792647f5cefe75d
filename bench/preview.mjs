// A no-op preview of the prod stack beside one of a program that only loads the SDK, and what the difference is made of.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { projectDir } from "../toolchain/places.mjs";
import { best, engine, measure, note, project, ratio, round, scratch } from "./lib.mjs";

const RUNS = 5;
const GOAL = 1.5;

/** The same site with every virtual machine taken for a registered one: what is left out is OpenStack. */
function onBareMetal(text) {
    const stack = parse(text);
    const site = stack.config["pulumi-mesos:site"];
    site.hosts = Object.fromEntries(
        Object.entries(site.hosts).map(([name, { address, zone, protect, ssh }]) => [
            name,
            { kind: "bareMetal", address, zone, protect, ssh },
        ]),
    );
    return stringify(stack);
}

/** Where a program's own time goes, from V8's profile: seconds by the package whose code ran. */
function byPackage(file) {
    const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8"));
    const self = new Map();
    samples.forEach((id, index) => self.set(id, (self.get(id) ?? 0) + timeDeltas[index]));
    const sums = {};
    const heir = new Map();
    const index = new Map(nodes.map((node) => [node.id, node]));
    // A frame without a file (native code, JSON.parse) and Node's own belong to whoever called it.
    const visit = (id, owner) => {
        const {
            callFrame: { url, functionName },
            children = [],
        } = index.get(id);
        const packages = [...url.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)];
        let mine = owner;
        if (functionName === "(garbage collector)") mine = "garbage collection";
        else if (functionName === "(program)") mine = "V8 itself: compiling, start";
        else if (functionName === "(idle)") mine = "(idle)";
        else if (
            /wrapSafe|internalModuleStat|compileForInternalLoader|readPackage|Module\._(findPath|resolveFilename)|^toRealPath|tryStatSync/.test(
                functionName,
            ) &&
            /internal|^node:/.test(url)
        )
            mine = "finding and compiling modules";
        else if (packages.length > 0) mine = packages.at(-1)[1];
        else if (/bin\/(index|plugin)/.test(url) || /plugin\.js$/.test(url)) mine = "our bundle";
        heir.set(id, mine);
        sums[mine] = (sums[mine] ?? 0) + (self.get(id) ?? 0) / 1e6;
        for (const child of children) visit(child, mine);
    };
    visit(nodes[0].id, "Node.js");
    delete sums["(idle)"];
    return Object.entries(sums).sort((a, b) => b[1] - a[1]);
}

/** Inputs without the bridge's notes of its own (`__defaults`). */
const plain = (value) =>
    Array.isArray(value)
        ? value.map(plain)
        : value !== null && typeof value === "object"
          ? Object.fromEntries(
                Object.entries(value)
                    .filter(([key]) => !key.startsWith("__"))
                    .map(([key, item]) => [key, plain(item)]),
            )
          : value;

/**
 * A program that does nothing but register prod's OpenStack resources, with the inputs that they have in the state: what the
 * engine, the SDK and the OpenStack plugin take for them, whoever writes the program.
 */
async function sameCloud(prod) {
    const file = join(prod.dir, "exported.json");
    await prod.run(["stack", "export", "-s", "prod", "--file", file]);
    const { resources } = JSON.parse(readFileSync(file, "utf8")).deployment;
    const cloud = resources
        .filter(({ type, custom }) => custom && type.startsWith("openstack:"))
        .map(({ type, urn, inputs }) => ({ type, name: urn.split("::").pop(), inputs: plain(inputs) }));
    const register = `
const { CustomResource } = require("@pulumi/pulumi");
for (const { type, name, inputs } of ${JSON.stringify(cloud)}) new CustomResource(type, name, inputs, { ignoreChanges: ["userData"] });
`;
    return project("cloud", { prod: "config: {}\n" }, { main: register, plugins: true });
}

export async function preview() {
    const prodText = readFileSync(join(projectDir, "Pulumi.prod.yaml"), "utf8");
    const prod = await project("prod", { prod: prodText, metal: onBareMetal(prodText) });
    const empty = await project("empty", { prod: "config: {}\n" }, { main: 'require("@pulumi/pulumi");\n' });
    note("preview: states as after an up");
    await empty.run(["up", "-s", "prod", "--yes", "--skip-preview", "--non-interactive", "--suppress-progress"]);
    for (const stack of ["prod", "metal"]) await prod.pretendUp(stack);
    const bare = await sameCloud(prod);
    await bare.pretendUp("prod");
    const unchanged = (result) => {
        if (/ to (create|update|replace|delete)/.test(result.output))
            throw new Error(`not a no-op preview:\n${result.output.slice(-2000)}`);
        return result;
    };
    const measured = {
        empty: () => empty.preview("prod"),
        prod: async () => unchanged(await prod.preview("prod")),
        metal: async () => unchanged(await prod.preview("metal")),
        cloud: async () => unchanged(await bare.preview("prod")),
    };
    const all = { empty: [], prod: [], metal: [], cloud: [] };
    // Once unmeasured each (compile cache, file cache), then in turn, so that whatever else the machine does meets all alike.
    for (const run of Object.values(measured)) await run();
    for (let i = 0; i < RUNS; i++) {
        for (const [name, run] of Object.entries(measured)) all[name].push(await run());
        note(`preview: round ${i + 1} of ${RUNS}`);
    }
    const result = Object.fromEntries(
        await Promise.all(
            Object.entries(all).map(async ([name, runs]) => {
                const queue = [...runs];
                return [name, await best(RUNS, async () => queue.shift())];
            }),
        ),
    );
    const { env } = await engine();
    const load = (text) => best(3, () => measure("node", ["-e", text], { cwd: prod.dir, env }));
    const node = await load("0");
    const sdk = await load('require("@pulumi/pulumi")');
    const openstack = await load(
        'require("@pulumi/pulumi"); const o = require("@pulumi/openstack"); o.networking.Port; o.compute.Instance; o.compute.VolumeAttach; o.blockstorage.Volume; o.Provider',
    );
    const profiles = scratch("profile");
    // Not by NODE_OPTIONS, where Node.js 20 refuses it.
    const file = join(prod.dir, "Pulumi.yaml");
    const settings = readFileSync(file, "utf8");
    const preload = "--require ./start.js";
    if (!settings.includes(preload)) throw new Error(`no "${preload}" in Pulumi.yaml`);
    writeFileSync(file, settings.replace(preload, `${preload} --cpu-prof --cpu-prof-dir=${profiles}`));
    await prod.preview("prod");
    writeFileSync(file, settings);
    const profile = readdirSync(profiles)
        .filter((name) => name.endsWith(".cpuprofile"))
        .map((name) => byPackage(join(profiles, name)))
        .sort((a, b) => total(b) - total(a));
    const value = ratio(result.prod.cpu, result.empty.cpu);
    const resources = /(\d+) unchanged/.exec(result.prod.output)?.[1] ?? "?";
    const row = (name, what) => [
        what,
        result[name].cpu,
        result[name].cpuMedian,
        result[name].wall,
        result[name].peakMiB,
    ];
    const kinds = [...new Set(Object.values(result).flatMap(({ kinds: k }) => Object.keys(k)))];
    return {
        data: {
            ...Object.fromEntries(Object.entries(result).map(([k, v]) => [k, { ...v, output: undefined }])),
            node: node.cpu,
            sdk: sdk.cpu,
            openstackSdk: openstack.cpu,
            profile,
        },
        tables: [
            {
                title: "No-op preview of the prod stack",
                head: ["preview of", `CPU s, best of ${RUNS}`, "median", "wall s", "peak MiB"],
                rows: [
                    row("empty", "an empty program"),
                    row("prod", `the prod stack, ${resources} resources`),
                    row("cloud", "a program that only registers the prod stack's OpenStack resources"),
                    row("metal", "the same site on bare metal only: no OpenStack"),
                ],
            },
            {
                title: "Of these CPU seconds (sampled, so a little less than the sums above)",
                head: ["process", "empty", "prod", "bare metal only", "OpenStack resources only"],
                rows: kinds.map((kind) => [
                    kind,
                    ...["empty", "prod", "metal", "cloud"].map((name) => result[name].kinds[kind]?.cpu ?? 0),
                ]),
            },
            {
                title: "Loading alone, CPU s, with the compile cache where Node.js has one",
                head: ["node", "CPU s"],
                rows: [
                    ["an empty script", node.cpu],
                    ['require("@pulumi/pulumi")', sdk.cpu],
                    ["… and the five OpenStack classes that the program uses", openstack.cpu],
                ],
            },
            {
                title: "The program's process in a profiled preview of the prod stack, seconds by whose code ran",
                head: ["package", "s"],
                rows: (profile[0] ?? []).slice(0, 14).map(([name, s]) => [name, round(s)]),
            },
        ],
        goals: [
            {
                what: "no-op preview of prod, CPU seconds against an empty program",
                value: `${value} ×`,
                goal: `≤ ${GOAL} ×`,
                met: value <= GOAL,
            },
            {
                what: "… against a program that only registers the same OpenStack resources (for comparison)",
                value: `${ratio(result.prod.cpu, result.cloud.cpu)} ×`,
                goal: "–",
                met: undefined,
            },
            {
                what: "… the same site without OpenStack (for comparison)",
                value: `${ratio(result.metal.cpu, result.empty.cpu)} ×`,
                goal: "–",
                met: undefined,
            },
        ],
    };
}

const total = (rows) => rows.reduce((sum, [, s]) => sum + s, 0);
