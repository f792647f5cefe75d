/** `workloads`: what the cluster is for. Parts of it are written to hosts as they are, and read there by the same schemas. */
import * as z from "zod";
import { productionFields, validationFields } from "../../frameworks/campaign/declaration";
import { sessionSchema, submissionsSchema, toolsSchema } from "../../frameworks/dds/config";
import { avoidSchema, volumeSchema } from "../../frameworks/service/config";
import { ceilingSchema, containerSchema, sizeSchema } from "../../frameworks/workqueue/config";
import { buildsSchema } from "./builds";
import { managed } from "./services";
import { absolutePath, hostList, port, rolloutFields, seconds, text } from "./values";

const catalogSchema = z
    .strictObject({
        hosts: hostList("Hosts that a catalog of the site's own runs on").optional(),
        existing: z
            .array(z.string().regex(/^[^:/\s]+:\d{1,5}$/, { error: "must be like catalog.example.org:9097" }))
            .min(1)
            .optional()
            .describe("Catalogs that run already; instead of `hosts`."),
        port: port("the catalog, by TCP and UDP", 9097),
        lifetimeSec: seconds("How long a manager that is not heard of is listed", 180),
        ...rolloutFields(60),
    })
    .describe("Where Work Queue managers say that they are there; give either `hosts` or `existing`.");

const { package: program, systemUser, principal, user, frameworkName, zkPath } = managed("The framework", {
    program: "mesos-workqueue",
    port: 9099,
    // Nobody connects back to it: it speaks the HTTP API.
    libprocessPort: 9099,
});

export const workQueueSchema = z
    .strictObject({
        catalog: catalogSchema,
        members: hostList("Hosts that the framework runs on: one leads, the others stand by"),
        package: program,
        systemUser: systemUser.default("workqueue"),
        port: port("pages, metrics and health of the framework", 9099),
        principal: principal.default("workqueue"),
        role: text("Role that workers run under. Default: the principal's first role.").optional(),
        user,
        frameworkName: frameworkName.default("workqueue"),
        zkPath: zkPath.default("/workqueue"),
        failoverTimeoutSec: seconds("How long workers outlive a framework that has gone", 86_400),
        authentication: z
            .boolean()
            .default(true)
            .describe("Managers and workers prove to each other that they know a password, which is generated."),
        passwordFileOnAgents: absolutePath(
            "Where that password lies on every agent already. Default: Mesos hands it over as a secret, which Docker's containerizer cannot.",
        ).optional(),
        projects: text("Regular expression for the names of the projects that get workers.").default(".*"),
        roles: z
            .record(z.string(), z.string())
            .default({})
            .describe(
                "Projects with a role of their own, and so with a share, `weights` and `quotas` of their own: role → regular expression for whole names. The others run under `role`.",
            ),
        pollSec: seconds("How often managers are asked", 1),
        sizes: z.array(sizeSchema).min(1).describe("Sizes of workers, the smallest first."),
        ceiling: ceilingSchema.default({}),
        idleSec: seconds("A worker without work leaves after so long", 30),
        lifeSec: z
            .int()
            .min(1)
            .optional()
            .describe(
                "A worker that is given a task after so long leaves instead, and what it had is offered to whoever's turn it is by `weights`; much longer than tasks take; seconds. Default: it stays while there is work.",
            ),
        startSec: seconds("A worker that Mesos has not started within so long is given up", 300),
        avoid: avoidSchema.prefault({}),
        worker: text("Program of the worker, in the container if there is one.").default("work_queue_worker"),
        arguments: z.array(z.string()).default([]).describe("Further arguments of the worker."),
        environment: z.record(z.string(), z.string()).default({}).describe("Environment of workers; no place for secrets."),
        container: containerSchema.optional(),
        volumes: z.array(volumeSchema).default([]).describe("Directories of the agents that workers see in their containers."),
        ...rolloutFields(120),
    })
    .describe("Workers for Work Queue projects: catalogs, and the framework that starts workers on Mesos as projects have tasks.");

const ofDds = managed("The framework", { program: "mesos-dds", port: 9098, libprocessPort: 9098 });

export const ddsSchema = z
    .strictObject({
        members: hostList("Hosts that the framework runs on: one leads, the others stand by"),
        package: ofDds.package,
        systemUser: ofDds.systemUser.default("dds"),
        port: port("pages, metrics, health and worker packages of the framework", 9098),
        principal: ofDds.principal.default("dds"),
        role: text("Role that agents run under. Default: the principal's first role.").optional(),
        user: ofDds.user,
        frameworkName: ofDds.frameworkName.default("dds"),
        zkPath: ofDds.zkPath.default("/dds"),
        failoverTimeoutSec: seconds("How long agents outlive a framework that has gone", 86_400),
        sessions: z.record(z.string(), sessionSchema).default({}).describe("DDS sessions by name; who starts them is not this site."),
        submissions: submissionsSchema.optional(),
        tools: toolsSchema,
        pollSec: seconds("How often commanders are asked", 5),
        goneSec: seconds("Where nobody listens in a commander's place for so long, its session is over", 60),
        startSec: seconds("An agent that Mesos has not started within so long is given up", 300),
        avoid: avoidSchema.prefault({}),
        ...rolloutFields(120),
    })
    .describe("DDS agents as tasks of Mesos: the framework that keeps sessions' agents running.");

const campaignPlace = {
    host: text("Host that the run's manager and its results are on; workers connect to it."),
    port: port("the run's manager; one each on a host", 9123),
    statusPort: port("the run's page, metrics and health; one each on a host", 9180),
    dir: absolutePath("Folder of results and of what a resumed run needs. Default: /var/lib/mesos-campaign/NAME.").optional(),
};

export const workloadsSchema = z
    .strictObject({
        workQueue: workQueueSchema.optional(),
        dds: ddsSchema.optional(),
        validations: z
            .record(z.string(), z.strictObject({ ...campaignPlace, ...validationFields }))
            .default({})
            .describe("Release validations by name: pre-checks, then stages over a list of inputs, then a summary."),
        productions: z
            .record(z.string(), z.strictObject({ ...campaignPlace, ...productionFields }))
            .default({})
            .describe("Monte Carlo productions by name: jobs that differ by their seed alone."),
        builds: buildsSchema.optional(),
    })
    .describe("The site's own work, run on its cluster.");
