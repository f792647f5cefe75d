// Bundles what the engine runs. Source maps are left out on purpose: the SDK would resolve every resource's source
// position through them, which is the largest cost of a large program's own process.
//
//   bin/index.js                        the program with OpenStack's classes (the SDK itself stays outside: the runner has it)
//   bin/start.js, bin/sdk.js            loaded before the program: the SDK as one file with V8's code cache
//   bin/site.js                         the site tools: check, plan, picture, generated files
//   bin/rescue.js                       backup, inspect, restore, adopt
//   bin/report.js, bin/comment.js       what a preview would do, as a page and as a comment
//   bin/status.js                       how a site is, as a table and as a page
//   bin/build-now.js                    a release build at once
//   bin/policy.js                       the policy pack
//   bin/programs/*.js                   programs of ours that a site runs, for the Node.js of Debian 12 (npm run packages)
//   bin/host/exporter.js                what tells Prometheus of Mesos and ZooKeeper; for the Node.js of Debian 12
//   bin/host/discovery.js               what runs on hosts beside HAProxy and for names; for the Node.js of Debian 12
//   bin/lab/*-stand-in.js               what the lab has for Marathon and Metronome; never part of a site
//   bin/plugin/pulumi-resource-mesos    the resource plugin, an executable (plugin.js starts the bundle provider.js)
import { build } from "esbuild";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const common = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    sourcemap: false,
    logLevel: "warning",
    define: { PULUMI_MESOS_VERSION: JSON.stringify(version) },
    loader: { ".j2": "text", ".py": "text" },
};

/** For the Node.js of Debian 12. */
const standIns = () =>
    ["marathon", "metronome"].map((name) =>
        build({
            ...common,
            entryPoints: [`lab/${name}/main.ts`],
            outfile: `bin/lab/${name}-stand-in.js`,
            target: "node18",
        }),
    );

const programs = () =>
    ["workqueue", "campaign", "dds", "builds"].map((name) =>
        build({
            ...common,
            entryPoints: [`frameworks/${name}/main.ts`],
            outfile: `bin/programs/mesos-${name}.js`,
            target: "node18",
        }),
    );

// They are packed; whatever runs from the rest of bin is left alone.
const alone = { "stand-ins": standIns, programs }[process.argv[2]];
if (alone !== undefined) {
    await Promise.all(alone());
    process.exit(0);
}

mkdirSync(join(root, "bin", "plugin"), { recursive: true });
for (const dir of ["bin", join("bin", "plugin")]) {
    for (const name of readdirSync(join(root, dir))) {
        if (name.includes(".cache")) rmSync(join(root, dir, name), { force: true });
    }
}
rmSync(join(root, "bin", ".stamp"), { force: true });
const lean = { minifySyntax: true, minifyWhitespace: true };
await Promise.all([
    build({
        ...common,
        ...lean,
        entryPoints: ["index.ts"],
        outfile: "bin/index.js",
        external: ["@pulumi/pulumi", "@pulumi/pulumi/*"],
    }),
    build({ ...common, entryPoints: ["start/program.ts"], outfile: "bin/start.js" }),
    build({
        ...common,
        ...lean,
        entryPoints: ["start/sdk.ts"],
        outfile: "bin/sdk.js",
        external: ["typescript", "@npmcli/arborist"],
    }),
    build({ ...common, entryPoints: ["site/cli.ts"], outfile: "bin/site.js" }),
    build({ ...common, entryPoints: ["report/cli.ts"], outfile: "bin/report.js" }),
    build({ ...common, entryPoints: ["rescue/cli.ts"], outfile: "bin/rescue.js" }),
    build({ ...common, entryPoints: ["report/comment.ts"], outfile: "bin/comment.js" }),
    build({ ...common, entryPoints: ["status/cli.ts"], outfile: "bin/status.js" }),
    build({ ...common, entryPoints: ["builds/cli.ts"], outfile: "bin/build-now.js" }),
    build({
        ...common,
        entryPoints: ["policy/index.ts"],
        outfile: "bin/policy.js",
        external: ["@pulumi/pulumi", "@pulumi/pulumi/*", "@pulumi/policy", "@pulumi/policy/*"],
    }),
    ...standIns(),
    ...programs(),
    build({ ...common, entryPoints: ["discovery/main.ts"], outfile: "bin/host/discovery.js", target: "node18" }),
    build({ ...common, entryPoints: ["monitoring/main.ts"], outfile: "bin/host/exporter.js", target: "node18" }),
    build({ ...common, entryPoints: ["start/plugin.ts"], outfile: "bin/plugin/plugin.js" }),
    build({ ...common, ...lean, entryPoints: ["provider/main.ts"], outfile: "bin/plugin/provider.js" }),
]);
const launcher = join(root, "bin", "plugin", "pulumi-resource-mesos");
// The young generation: as in Pulumi.yaml.
writeFileSync(launcher, '#!/bin/sh\nexec node --min-semi-space-size=16 "$(dirname "$0")/plugin.js" "$@"\n');
chmodSync(launcher, 0o755);
writeFileSync(join(root, "bin", ".stamp"), `${version}\n`);
