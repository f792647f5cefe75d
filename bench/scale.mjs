// Planning and preview of large sites: the time per host must not grow.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { measure, note, project, ratio, round } from "./lib.mjs";

const SIZES = (process.env.BENCH_SIZES ?? "100,1000,10000").split(",").map(Number);
const MAX_WALL_SEC = 300;
const MAX_MIB = 4096;
const GROUP = 250;

/** A site of three masters and n registered agents in one pool, addresses by ranges. */
export function largeSite(n) {
    const groups = Array.from({ length: Math.ceil(n / GROUP) }, (_, i) => {
        const last = Math.min(GROUP, n - i * GROUP);
        return {
            hosts: `r${String(i).padStart(2, "0")}n[001-${String(last).padStart(3, "0")}]`,
            address: `10.30.${i}.[1-${last}]`,
        };
    });
    return `config:
  pulumi-mesos:site:
    cluster: large
    ssh: {user: root}
    distribution: {kind: apt, package: mesos}
    hosts:
      "m[1-3]": {kind: bareMetal, address: "10.29.0.[1-3]", zone: [a, b, c]}
${groups.map(({ hosts, address }) => `      "${hosts}": {kind: bareMetal, address: "${address}", zone: a}`).join("\n")}
    zookeeper: {members: {m1: 1, m2: 2, m3: 3}}
    masters: {members: ["m[1-3]"]}
    pools:
      all:
        hosts: [${groups.map(({ hosts }) => `"${hosts}"`).join(", ")}]
        attributes: {rack: r1, type: build}
        resources: {cpus: 30, memMiB: 120000, diskMiB: 900000}
    frameworks:
      marathon: {roles: [services], users: [root, nobody]}
`;
}

export async function scale() {
    const runs = {};
    for (const n of SIZES) {
        const p = await project(`scale${n}`, { large: largeSite(n) });
        const file = join(p.dir, "site.yaml");
        writeFileSync(file, largeSite(n));
        const plan = await measure("node", [join(p.dir, "bin", "site.js"), "check", "-s", file], {
            cwd: p.dir,
            env: p.env,
        });
        note(`scale ${n}: planning ${plan.cpu} CPU s`);
        const create = await p.preview("large", [], { timeoutSec: 900 });
        note(`scale ${n}: create preview ${create.cpu} CPU s, ${create.wall} s, ${create.peakMiB} MiB`);
        let noop;
        if (n <= Number(process.env.BENCH_NOOP_MAX ?? 10_000)) {
            await p.pretendUp("large", { timeoutSec: 1800 });
            noop = await p.preview("large", [], { timeoutSec: 900 });
            if (/ to (create|update|replace|delete)/.test(noop.output))
                throw new Error(`not a no-op preview:\n${noop.output.slice(-2000)}`);
            note(`scale ${n}: no-op preview ${noop.cpu} CPU s, ${noop.wall} s, ${noop.peakMiB} MiB`);
        }
        runs[n] = { plan, create, ...(noop && { noop }) };
        for (const run of Object.values(runs[n])) delete run.output;
    }
    const kinds = ["program", "plugin mesos", "engine"];
    const rows = SIZES.flatMap((n) =>
        Object.entries(runs[n]).map(([name, run]) => [
            n,
            { plan: "planning alone", create: "create preview", noop: "no-op preview" }[name],
            run.cpu,
            run.wall,
            round((run.cpu / n) * 1000),
            run.peakMiB,
            ...kinds.map((kind) =>
                name === "plan" ? "" : `${run.kinds[kind]?.cpu ?? 0} (${Math.round(run.kinds[kind]?.peakMiB ?? 0)})`,
            ),
        ]),
    );
    const goals = [];
    // What one host more costs: the constant start is left out, so that it cannot hide a growth.
    const slope = (name, key, a, b) => (runs[b][name][key] - runs[a][name][key]) / (b - a);
    if (SIZES.length >= 3) {
        const [a, b, c] = SIZES.slice(-3);
        for (const name of ["plan", "create", "noop"]) {
            if (!runs[c][name]) continue;
            for (const key of ["cpu", "wall"]) {
                const value = ratio(slope(name, key, b, c), slope(name, key, a, b));
                goals.push({
                    what: `${name}: ${key} of one host more, ${b}–${c} against ${a}–${b}`,
                    value: `${value} × (${round(slope(name, key, a, b) * 1000)} → ${round(slope(name, key, b, c) * 1000)} ms)`,
                    goal: "≤ 1.1 × (does not grow; 10 % is noise)",
                    met: value <= 1.1,
                });
            }
        }
    }
    const last = SIZES.at(-1);
    for (const name of ["create", "noop"]) {
        if (!runs[last][name]) continue;
        const { wall, peakMiB } = runs[last][name];
        goals.push(
            {
                what: `${name} preview of ${last}: wall`,
                value: `${wall} s`,
                goal: `≤ ${MAX_WALL_SEC} s`,
                met: wall <= MAX_WALL_SEC,
            },
            {
                what: `${name} preview of ${last}: peak memory, all processes`,
                value: `${peakMiB} MiB`,
                goal: `≤ ${MAX_MIB} MiB`,
                met: peakMiB <= MAX_MIB,
            },
        );
    }
    return {
        data: runs,
        tables: [
            {
                title: "Planning and preview of n registered agents (one run each; memory is the sum over all processes at one moment)",
                head: [
                    "n",
                    "what",
                    "CPU s",
                    "wall s",
                    "CPU ms/host",
                    "peak MiB",
                    ...kinds.map((kind) => `${kind}: CPU s (peak MiB)`),
                ],
                rows,
            },
        ],
        goals,
    };
}
