/** Whoever sets a flag that the planner sets is told a field that there is. */
import { siteSchema } from "../../../site/schema";
import { mastersSchema } from "../../../site/schema/masters";
import { poolSchema } from "../../../site/schema/pools";
import { marathonSchema, metronomeSchema } from "../../../site/schema/services";
import { changed, faultsOf, planOf } from "./sites";

const frameworks = { marathon: { roles: ["services"], users: ["www"] } };
const services = {
    frameworks,
    "marathon members": ["bm1"],
    "metronome members": ["bm2"],
    "metronome principal": "marathon",
};

/** Names of a program's flags in the file of its unit, as the planner writes them. */
function flagsIn(text: string, prefix: string): string[] {
    return [...text.matchAll(new RegExp(`^${prefix}_(\\w+)=`, "gm"))].map(([, name = ""]) => name.toLowerCase());
}

const { masters, pools, schedulers } = planOf(changed(services));
const fileOf = (files: Readonly<Record<string, { readonly content: string }>> | undefined, path: string): string =>
    files?.[path]?.content ?? "";

const programs: [string, string, string[], object][] = [
    [
        "masters",
        "masters flags",
        flagsIn(fileOf(masters.members[0]?.files, "/etc/mesos/master.env"), "MESOS"),
        mastersSchema.shape,
    ],
    [
        "agents",
        "pools work flags",
        flagsIn(fileOf(pools[0]?.agents[0]?.files, "/etc/mesos/agent.env"), "MESOS"),
        poolSchema.shape,
    ],
    ...(["marathon", "metronome"] as const).map((kind): [string, string, string[], object] => [
        kind,
        `${kind} settings`,
        flagsIn(
            fileOf(schedulers.find((one) => one.kind === kind)?.members[0]?.files, `/etc/${kind}/${kind}.env`),
            kind === "marathon" ? "MARATHON" : "METRONOME",
        ),
        kind === "marathon" ? marathonSchema.shape : metronomeSchema.shape,
    ]),
];

test.each(programs)("of %s", (_what, at, flags, shape) => {
    expect(flags.length).toBeGreaterThan(5);
    const set = Object.fromEntries(flags.map((flag) => [flag, "x"]));
    const told = faultsOf(changed({ ...services, [at]: set })).filter(({ code }) => code === "FLAG_OWNED");
    expect(told.map(({ path }) => path.split(".").pop()).sort()).toEqual([...flags].sort());
    const known = [...Object.keys(shape), ...Object.keys(siteSchema.shape)];
    for (const { path, fix = "" } of told) {
        const named = /^set `([\w.]+)`$/.exec(fix)?.[1]?.split(".")[0];
        if (named !== undefined)
            expect([path, known.includes(named) ? "is a field" : named]).toEqual([path, "is a field"]);
    }
});
