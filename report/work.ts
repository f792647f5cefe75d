/** Apps, jobs and operator settings: what a preview does to them, in the provider's own words. */
import type { Step } from "./steps";

export interface WorkChange {
    readonly what: string;
    readonly id: string;
    readonly change: Step["change"];
    /** E.g. `restarts 4 tasks: container.docker.image`. */
    readonly verdict: string;
    /** Tasks that end for it: of a restart, a replacement or a deletion. */
    readonly tasks: number;
    /** Fields that differ, without values: those may be secrets. */
    readonly fields: readonly string[];
    readonly losesVolumes: boolean;
}

const kinds: Readonly<Record<string, string>> = {
    "mesos:index:MarathonApp": "app",
    "mesos:index:MarathonPod": "pod",
    "mesos:index:MarathonGroup": "group",
    "mesos:index:MetronomeJob": "job",
    "mesos:index:MetronomeSchedule": "schedule",
    "mesos:index:MesosQuota": "quota",
    "mesos:index:MesosWeight": "weight",
    "mesos:index:MesosMaintenance": "maintenance",
    "mesos:index:MesosReservation": "reservation",
};

type Definition = Readonly<Record<string, unknown>>;

export function definitionOf(step: Pick<Step, "before" | "after">, side: "before" | "after"): Definition | undefined {
    const definition = step[side]?.inputs?.["definition"];
    return typeof definition === "object" && definition !== null ? (definition as Definition) : undefined;
}

/** Instances of an app or pod, as its definition says. */
export function instancesOf(definition: Definition | undefined): number {
    if (definition === undefined) return 0;
    const scaling = definition["scaling"] as Definition | undefined;
    const count = definition["instances"] ?? scaling?.["instances"] ?? 1;
    return typeof count === "number" ? count : 1;
}

const hasVolumes = (definition: Definition | undefined): boolean =>
    JSON.stringify(definition?.["container"] ?? definition?.["volumes"] ?? null).includes('"persistent"');

const plain: Readonly<Record<Step["change"], string>> = {
    same: "stays",
    create: "is new",
    update: "changes",
    delete: "is deleted",
    replace: "is replaced",
};

function idOf(step: Step): string {
    const inputs = step.after?.inputs ?? step.before?.inputs ?? {};
    const id =
        definitionOf(step, "after")?.["id"] ??
        definitionOf(step, "before")?.["id"] ??
        inputs["groupId"] ??
        inputs["role"];
    return typeof id === "string" ? id : step.name;
}

/** @returns undefined for a step that changes none */
export function workChange(step: Step): WorkChange | undefined {
    const what = kinds[step.type];
    if (what === undefined || step.change === "same") return undefined;
    const id = idOf(step);
    const isTasks = what === "app" || what === "pod";
    const said = step.said
        .flatMap((line) => line.split("\n"))
        .find((line) => line.startsWith(`${id}: `) && /: (restarts|scales|replaces|starts|no change)/.test(line))
        ?.slice(id.length + 2);
    const running = instancesOf(definitionOf(step, "before"));
    const count = /(?:restarts|kills) (\d+) task/.exec(said ?? "")?.[1];
    const ends = step.change === "delete" || step.change === "replace" ? running : Number(count ?? 0);
    const tasks = isTasks ? ends : 0;
    const deleted =
        isTasks && step.change === "delete" ? `is deleted: ends ${running} task${running === 1 ? "" : "s"}` : undefined;
    return {
        what,
        id,
        change: step.change,
        verdict: deleted ?? said ?? plain[step.change],
        tasks,
        fields: step.paths.map((path) => path.replace(/^definition\./, "")),
        losesVolumes:
            tasks > 0 &&
            (step.change === "delete" || step.change === "replace") &&
            hasVolumes(definitionOf(step, "before")),
    };
}
