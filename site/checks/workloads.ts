/** `workloads`: the Work Queue framework, validations and productions. */
import { seedsOf, workFaults } from "../../frameworks/campaign/declaration";
import { configFaults, projectPattern } from "../../frameworks/workqueue/config";
import { sizeFor } from "../../frameworks/workqueue/sizes";
import { formatPath } from "../issue";
import { schedulerRole } from "../plan/schedulers";
import { campaignProject, campaignWork, cctools, frameworkConfig } from "../plan/workloads";
import type { Checked, Report } from "./report";
import { checkDds } from "./dds";
import { checkPrincipal } from "./schedulers";

const root = ["workloads", "workQueue"] as const;

function checkWorkQueue(checked: Checked, report: Report): void {
    const { site } = checked;
    const config = site.workloads.workQueue;
    if (config === undefined) return;
    const { catalog, members, container } = config;
    if ((catalog.hosts === undefined) === (catalog.existing === undefined))
        report.fault("CATALOG_WHICH", "workloads.workQueue.catalog", "give either `hosts` or `existing`", {
            allowed: "exactly one of the two",
        });
    if (catalog.hosts?.length === 0) report.fault("EMPTY", "workloads.workQueue.catalog.hosts", "must not be empty");
    if (members.length === 0)
        report.fault("EMPTY", "workloads.workQueue.members", "must not be empty", {
            fix: "name two hosts: one leads, one stands by",
        });
    checkPrincipal("workloads.workQueue", config, checked, report);
    if (site.frameworks[config.principal] !== undefined) {
        const text = frameworkConfig(site, config, {
            catalogs: ["catalog:9097"],
            servers: ["zk:2181"],
            address: "host",
        });
        for (const { path, message } of configFaults(text))
            report.fault("WORKQUEUE_CONFIG", formatPath([...root, ...path.map(String)]), message, {});
    }
    const weighed = [schedulerRole(site, config), ...Object.keys(config.roles)].find(
        (role) => site.weights[role] !== undefined,
    );
    if (weighed !== undefined && config.lifeSec === undefined)
        report.warn(
            "WEIGHT_WAITS",
            formatPath(["weights", weighed]),
            "workers stay while there is work, and a weight shares only what is free",
            {
                value: site.weights[weighed],
                fix: "lifeSec under workloads.workQueue, a few times as long as tasks take",
            },
        );
    const bare = Object.entries(site.pools).filter(([, pool]) => !pool.packages.includes(cctools));
    if (container === undefined && config.worker === "work_queue_worker" && bare.length > 0)
        report.warn(
            "WORKER_MISSING",
            "workloads.workQueue.worker",
            `agents of ${bare.length === 1 ? "the pool" : "the pools"} ${bare.map(([name]) => name).join(", ")} have no work_queue_worker, unless something else puts it there`,
            { fix: `packages: [${cctools}] under the pools, or \`container\` with an image that has it` },
        );
}

function checkCampaign(kind: "validations" | "productions", name: string, { site }: Checked, report: Report): void {
    const config = site.workloads[kind][name];
    if (config === undefined) return;
    const path = ["workloads", kind, name];
    const at = formatPath(path);
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
        report.fault("CAMPAIGN_NAME", at, "is no name for it", {
            value: name,
            allowed: "lower-case letters, digits and dashes",
        });
    const { workQueue } = site.workloads;
    if (workQueue === undefined) {
        report.fault("WORKQUEUE_MISSING", at, "it runs on Work Queue, which this site does not have", {
            fix: "declare `workloads.workQueue`",
        });
        return;
    }
    const work = campaignWork(kind, config);
    for (const fault of workFaults(work))
        report.fault("CAMPAIGN_WORK", `${at}.${fault.path}`, fault.message, {
            ...(fault.value === undefined ? {} : { value: fault.value }),
            ...(fault.allowed === undefined ? {} : { allowed: fault.allowed }),
        });
    const project = campaignProject(kind, name);
    if (
        configFaults({ projects: workQueue.projects }).every((fault) => fault.path[0] !== "projects") &&
        !projectPattern(workQueue).test(project)
    )
        report.fault("CAMPAIGN_PROJECT", at, `its project is called ${project}, and such projects get no workers`, {
            value: workQueue.projects,
            fix: "widen workloads.workQueue.projects",
        });
    const sizes = workQueue.sizes.map((size) => ({ ...size, cpus: size.cpus ?? size.cores }));
    const wanted = [
        { path: `${at}.resources`, resources: work.resources },
        ...(work.kind === "validation"
            ? work.stages.flatMap(({ resources }, index) =>
                  resources === undefined ? [] : [{ path: `${at}.stages[${index}].resources`, resources }],
              )
            : []),
    ];
    for (const { path: where, resources } of wanted)
        if (sizeFor(resources, sizes) === undefined)
            report.fault("CAMPAIGN_SIZE", where, "no size of workers is large enough for such a task", {
                value: resources,
                allowed: `one that fits ${workQueue.sizes.map((size) => size.name).join(" or ")}`,
                fix: "add a size to workloads.workQueue.sizes",
            });
}

/** Two productions with a seed in common would make the same events twice. */
function checkSeeds({ site }: Checked, report: Report): void {
    const ranges = Object.entries(site.workloads.productions)
        .map(([name, work]) => ({ name, range: seedsOf(work) }))
        .sort((a, b) => a.range[0] - b.range[0]);
    ranges.forEach(({ name, range: [first, last] }, index) => {
        const next = ranges[index + 1];
        if (next !== undefined && next.range[0] <= last)
            report.fault(
                "SEEDS_OVERLAP",
                formatPath(["workloads", "productions", next.name, "seed"]),
                `the seeds ${next.range[0]} to ${Math.min(last, next.range[1])} are ${name}'s too (${first} to ${last}): both would make the same events`,
                { value: next.range[0], fix: `begin at ${last + 1} or later` },
            );
    });
}

/** Checks `workloads`. */
export function checkWorkloads(checked: Checked, report: Report): void {
    checkWorkQueue(checked, report);
    checkDds(checked, report);
    for (const kind of ["validations", "productions"] as const)
        for (const name of Object.keys(checked.site.workloads[kind])) checkCampaign(kind, name, checked, report);
    checkSeeds(checked, report);
}
