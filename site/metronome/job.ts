/** Jobs: their normal form and every fault at once. */
import { isObject, type Json, type JsonObject, readFields, word } from "../definitions/fields";
import { type Finding, Findings } from "../definitions/finding";
import { isRegex } from "../marathon/constraints";
import { cyclesOf } from "../marathon/group";
import { objects } from "../marathon/normalizeApp";
import { jobDialect, jobFields } from "./fields";
import { checkSchedule } from "./schedule";

/** A job in its normal form, without its schedules. */
export type Job = JsonObject & { id: string };

function normalJob(read: JsonObject): Job {
    const run = isObject(read["run"]) ? read["run"] : {};
    const placement = isObject(run["placement"]) ? run["placement"] : {};
    const constraints = objects(placement["constraints"]).map((constraint) => ({
        ...constraint,
        operator: constraint["operator"] === "EQ" ? "IS" : (constraint["operator"] ?? "IS"),
    }));
    return {
        ...Object.fromEntries(Object.entries(read).filter(([key]) => key !== "schedules")),
        id: typeof read["id"] === "string" ? read["id"] : "",
        run: { ...run, placement: { ...placement, constraints } },
    };
}

/** Reports that `?embed=` adds to a job. */
const reports = ["activeRuns", "history", "historySummary"];

/** The normal form of a declared or a live job: what the server answers to a GET, without schedules and reports. */
export function normalizeJob(job: unknown): Job {
    return normalJob(readFields(jobFields, withoutReports(job), jobDialect, new Findings()));
}

function withoutReports(job: unknown): unknown {
    if (!isObject(job)) return job;
    return Object.fromEntries(Object.entries(job).filter(([key]) => !reports.includes(key)));
}

function checkRun(run: JsonObject, findings: Findings): void {
    const refuse = (code: string, path: string, message: string, error: string, fix?: string): void =>
        findings.refuse(code, path, message, {
            ...(fix === undefined ? {} : { fix }),
            server: { path: "/run", error },
        });
    const { cmd, args, docker, ucr, gpus } = run;
    if (cmd === undefined && docker === undefined && ucr === undefined)
        refuse(
            "JOB_COMMAND",
            "/run",
            "gives nothing to run: neither cmd, nor docker, nor ucr",
            "Cmd, Docker or UCR image must be specified",
        );
    if (docker !== undefined && ucr !== undefined)
        refuse(
            "JOB_CONTAINER_TWICE",
            "/run",
            "gives both docker and ucr",
            "Either Docker or UCR should be provided, but not both",
        );
    if (cmd !== undefined && Array.isArray(args) && args.length > 0)
        findings.refuse("JOB_CMD_AND_ARGS", "/run/args", "cmd and args together: one of them has no effect", {
            fix: "keep one of them",
        });
    if (typeof gpus === "number" && gpus > 0 && docker !== undefined)
        refuse("JOB_GPUS_DOCKER", "/run/gpus", "only ucr can use GPUs", "GPUs are not supported with Docker");
    const used = new Set<Json>(
        [
            ...Object.values(isObject(run["env"]) ? run["env"] : {}).map((value) =>
                isObject(value) ? value["secret"] : undefined,
            ),
            ...objects(run["volumes"]).map(({ secret }) => secret),
        ].filter((name) => name !== undefined),
    );
    const declared = Object.keys(isObject(run["secrets"]) ? run["secrets"] : {});
    for (const name of used)
        if (!declared.includes(word(name)))
            refuse(
                "JOB_SECRET_UNDEFINED",
                "/run/secrets",
                `the secret ${word(name)} is used, but not declared`,
                `The following secrets are referenced, but undefined: ${word(name)}. Please add them to the secrets field.`,
            );
    for (const name of declared)
        if (!used.has(name))
            refuse(
                "JOB_SECRET_UNUSED",
                `/run/secrets/${name}`,
                "is declared, but nothing uses it",
                `The following secrets are defined, but not referenced: ${name}. Please remove them from the secrets field.`,
            );
    objects(isObject(run["placement"]) ? run["placement"]["constraints"] : []).forEach(({ operator, value }, index) => {
        const at = `/run/placement/constraints(${index})`;
        if (operator === "LIKE" || operator === "UNLIKE") {
            if (typeof value !== "string" || !isRegex(value))
                findings.refuse("JOB_CONSTRAINT", at, "is not a valid regular expression: no agent would ever match", {
                    value,
                });
        } else if (value === undefined)
            findings.refuse("JOB_CONSTRAINT", at, "says nothing: the value is missing", { allowed: "IS with a value" });
    });
    objects(run["networks"]).forEach(({ mode, name }, index) => {
        if (mode === "container" && name === undefined)
            findings.refuse("JOB_NETWORK", `/run/networks(${index})`, "a container network needs a name", {
                server: { status: 500, error: "" },
            });
        if (mode !== "container" && name !== undefined)
            findings.refuse("JOB_NETWORK", `/run/networks(${index})/name`, "only a container network has a name");
    });
    checkVolumes(run, findings);
    if (run["user"] === "") findings.refuse("JOB_USER_EMPTY", "/run/user", "is empty: no user has such a name");
}

function checkVolumes(run: JsonObject, findings: Findings): void {
    objects(run["volumes"]).forEach(({ hostPath, mode, secret }, index) => {
        const at = `/run/volumes(${index})`;
        const isHost = hostPath !== undefined && mode !== undefined && secret === undefined;
        const isSecret = secret !== undefined && hostPath === undefined && mode === undefined;
        if (!isHost && !isSecret)
            findings.refuse("JOB_VOLUME", at, "must have either hostPath and mode, or secret", {
                server: { error: "Instance does not match any schema." },
            });
        if (isSecret && run["ucr"] === undefined)
            findings.refuse("JOB_VOLUME_SECRET", at, "secrets as files need ucr", {
                server: { path: "/run", error: "Secret volumes are only supported with UCR" },
            });
    });
}

/** Every fault and warning of a job and of the schedules in it, and its normal form. */
export function inspectJob(
    job: unknown,
    now = Date.now(),
): { readonly findings: readonly Finding[]; readonly job: Job } {
    const findings = new Findings();
    // Their absence is the server's default, so they are the reader's business, not the writer's.
    for (const key of reports)
        if (isObject(job) && job[key] !== undefined)
            findings.refuse("JOB_READ_ONLY", `/${key}`, "is a report of the server, not a setting", {
                fix: "take it out",
                server: { path: "", error: `Additional properties are not allowed but found '${key}'.` },
            });
    const shape = new Findings();
    const read = readFields(jobFields, withoutReports(job), jobDialect, shape);
    const normal = normalJob(read);
    const refused = new Set(shape.all.map(({ path }) => path));
    const rules = new Findings();
    // What was refused for its type must not be called missing.
    if (isObject(read["run"]) && ![...refused].some((path) => /^\/run(\/(cmd|docker|ucr)|$)/.test(path)))
        checkRun(normal["run"] as JsonObject, rules);
    const schedules = objects(read["schedules"]);
    const dependencies = objects(normal["dependencies"]).map(({ id }) => word(id));
    if (dependencies.includes(normal.id))
        rules.refuse("JOB_DEPENDS_ON_ITSELF", "/dependencies", "the job depends on itself", {
            server: { path: "/dependencies", error: `Dependencies contain unknown jobs. unknown=[${normal.id}]` },
        });
    if (dependencies.length > 0 && schedules.length > 0)
        rules.refuse(
            "JOB_DEPENDENCIES_AND_SCHEDULES",
            "/schedules",
            "a job with dependencies runs after them, not on a schedule",
        );
    if (schedules.length > 1)
        rules.refuse("JOB_SCHEDULES", "/schedules", "a job has at most one schedule", {
            server: { error: `has size ${schedules.length}, expected 1 or less` },
        });
    schedules.forEach((schedule, index) => {
        for (const finding of checkSchedule(schedule, now))
            rules.all.push({ ...finding, path: `/schedules(${index})${finding.path === "/" ? "" : finding.path}` });
    });
    const isConsequence = (at: string): boolean =>
        [...refused].some((path) => path === at || path.startsWith(`${at}/`));
    return {
        findings: [...findings.all, ...shape.all, ...rules.all.filter(({ path }) => !isConsequence(path))],
        job: normal,
    };
}

/** Every fault and warning of a job. */
export function checkJob(job: unknown, now = Date.now()): readonly Finding[] {
    return inspectJob(job, now).findings;
}

/**
 * Faults between jobs. A cycle must be found before anything is sent: Metronome 0.6 never again accepts a change of a job after it
 * has refused one for a cycle.
 */
export function checkJobs(jobs: readonly Job[], known: ReadonlySet<string> = new Set()): readonly Finding[] {
    const findings = new Findings();
    const all = jobs.map((job) => ({
        id: job.id,
        dependencies: objects(job["dependencies"]).map(({ id }) => word(id)),
    }));
    const ids = new Set([...all.map(({ id }) => id), ...known]);
    for (const { id, dependencies } of all)
        for (const other of dependencies)
            if (!ids.has(other))
                findings.refuse("JOB_DEPENDENCY_UNKNOWN", `/${id}/dependencies`, `there is no job ${other}`, {
                    server: { path: "", error: `Dependencies contain unknown jobs. unknown=[${other}]` },
                });
    for (const cycle of cyclesOf(all))
        findings.refuse(
            "JOB_CYCLE",
            `/${cycle[0] ?? ""}/dependencies`,
            `the jobs wait for each other: ${cycle.join(" → ")}`,
            {
                server: { path: "", error: "Dependencies have a cycle." },
            },
        );
    return findings.all;
}
