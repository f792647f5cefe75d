/** The site's work as a plan: apps, pods and jobs from files, judged alone, together, and against the pools. */
import { type Definition, type ReadFiles, readDefinitions, type SourceFile } from "../definitions/files";
import { isObject, type JsonObject, word } from "../definitions/fields";
import { type Finding, Findings, isRefused } from "../definitions/finding";
import {
    type App,
    type Capacity,
    checkFit,
    checkTogether,
    type Declared,
    type Demand,
    demandOfApp,
    demandOfJob,
    demandOfPod,
    dependenciesOf,
    factsSaid,
    inspectApp,
    inspectPod,
    type MarathonFacts,
} from "../marathon";
import { checkJobs, inspectJob } from "../metronome";
import type { SiteConfig } from "../schema";
import { buildDefinitions, storeApp } from "./builds";
import { capacitiesOf } from "./capacities";
import { planWindows, type WindowPlan } from "./maintenance";
import { planReservations, type ReservationPlan } from "./reservations";
import { schedulerRole } from "./schedulers";
import { secretMark, secretsIn } from "./secrets";
import type { Issue, SitePlan } from "./types";

type MarathonConfig = NonNullable<SiteConfig["marathon"]>;

/** A server that work is given to. */
export interface ServerPlan {
    readonly urls: readonly string[];
    /** Certificates of authorities, PEM. */
    readonly ca?: string;
    readonly user?: string;
    /** Name of the secret that is the password: of the stack's configuration, or a generated one. */
    readonly passwordSecret?: string;
}

export interface WorkItem {
    /** Name of the resource: the id without its first slash. */
    readonly name: string;
    readonly kind: "app" | "pod";
    readonly id: string;
    /** As declared, with marks where secrets belong. */
    readonly definition: JsonObject;
    /** Names of the other items that must run first. */
    readonly after: readonly string[];
}

export interface JobItem {
    readonly name: string;
    readonly definition: JsonObject;
    readonly schedule?: JsonObject;
    readonly after: readonly string[];
}

export interface WorkPlan {
    readonly marathon?: ServerPlan & {
        readonly role?: string;
        readonly features?: readonly string[];
        readonly defaultNetworkName?: string;
        readonly enforcedGroups?: readonly string[];
        readonly timeoutSec: number;
        readonly onFailure: "keep" | "rollBack";
    };
    readonly metronome?: ServerPlan;
    readonly groups: readonly {
        readonly id: string;
        readonly enforceRole?: boolean;
        readonly dependencies: readonly string[];
        /** Ids of what is declared in it. */
        readonly members: readonly string[];
    }[];
    readonly items: readonly WorkItem[];
    readonly jobs: readonly JobItem[];
    /** The store of release builds, and the builds. */
    readonly builds?: { readonly store: WorkItem; readonly jobs: readonly JobItem[] };
    readonly quotas: readonly {
        readonly role: string;
        readonly limits: Readonly<Record<string, number>>;
        readonly guarantees: Readonly<Record<string, number>>;
        readonly force: boolean;
    }[];
    readonly weights: readonly { readonly role: string; readonly weight: number }[];
    readonly maintenance: readonly WindowPlan[];
    readonly reservations: readonly ReservationPlan[];
    /** Names of the stack's secrets that definitions and servers need. */
    readonly secrets: readonly string[];
    readonly warnings: readonly Issue[];
}

export interface WorkSources {
    readonly apps: readonly SourceFile[];
    readonly jobs: readonly SourceFile[];
    config(name: string): string | undefined;
    hasSecret(name: string): boolean;
}

/** Verdicts that the server's flags decide. Where the stack file does not say them, they are left to the server's own answer. */
const byServer = /_(ROLE|ACCEPTED_ROLES|RESIDENT_ROLE|OFF|PRINCIPAL)$|^(APP|POD)_NETWORKS?$/;

function issueOf(source: string, { code, path, message, value, allowed, fix }: Finding): Issue {
    return {
        code,
        path: path === "/" || path === "" ? source : path.startsWith(source) ? path : `${source}${path}`,
        message,
        ...(value === undefined ? {} : { value }),
        ...(allowed === undefined ? {} : { allowed }),
        ...(fix === undefined ? {} : { fix }),
    };
}

class Planner {
    public readonly issues: Issue[] = [];
    public readonly warnings: Issue[] = [];

    public take(source: string, findings: readonly Finding[]): void {
        for (const finding of findings)
            (finding.severity === "refused" ? this.issues : this.warnings).push(issueOf(source, finding));
    }
}

function factsOf(site: SiteConfig, read?: ReadFiles): { facts: MarathonFacts; isKnown: boolean } {
    const { marathon } = site;
    const flags = marathonFlags(site);
    const trees = (read?.groups ?? []).map((group) => [group.id, group] as const);
    const enforcedGroups = [...Object.entries(marathon?.groups ?? {}), ...trees]
        .filter(([, { enforceRole }]) => enforceRole === true)
        .map(([path]) => path.slice(1));
    return {
        facts: {
            ...factsSaid(flags),
            ...(enforcedGroups.length === 0 ? {} : { enforcedGroups }),
        },
        isKnown: flags.role !== undefined && flags.features !== undefined,
    };
}

interface Judged extends Declared {
    readonly given: JsonObject;
}

/** Judges each app and pod alone, against the pools and together. */
function judgeItems(read: ReadFiles, site: SiteConfig, agents: readonly Capacity[], planner: Planner): Judged[] {
    const { facts, isKnown } = factsOf(site, read);
    const roles = [...new Set(agents.map(({ role }) => role))];
    const judged = read.definitions.flatMap(({ kind, definition: given, source }: Definition): Judged[] => {
        if (kind === "job") return [];
        const { findings, normal } = judge(kind, given, facts);
        const said = isKnown ? findings : findings.filter(({ code }) => !byServer.test(code));
        // What is only odd is told by the resource, once, when it changes.
        planner.take(
            source,
            said.filter(({ severity }) => severity === "refused"),
        );
        if (!isRefused(said)) {
            const demand: Demand = kind === "app" ? demandOfApp(normal) : demandOfPod(normal);
            const fit = new Findings();
            const isAnyRole =
                marathonFlags(site).role === undefined &&
                given["role"] === undefined &&
                demand.acceptedRoles === undefined;
            checkFit(kind.toUpperCase(), isAnyRole ? { ...demand, acceptedRoles: roles } : demand, agents, fit);
            planner.take(source, fit.all);
        }
        return [{ kind, definition: normal, source, given }];
    });
    const together = new Findings();
    checkTogether(judged, together, new Set(), agents.length);
    for (const finding of together.all) {
        const source = judged.find(({ definition }) => definition.id === finding.path)?.source ?? finding.path;
        planner.take(source, [{ ...finding, path: "/" }]);
    }
    return judged;
}

function judge(
    kind: "app" | "pod",
    given: JsonObject,
    facts: MarathonFacts,
): { findings: readonly Finding[]; normal: App } {
    if (kind === "app") {
        const { findings, app } = inspectApp(given, facts);
        return { findings, normal: app };
    }
    const { findings, pod } = inspectPod(given, facts);
    return { findings, normal: pod };
}

function judgeJobs(read: ReadFiles, agents: readonly Capacity[], planner: Planner): JobItem[] {
    const jobs = read.definitions.flatMap(({ kind, definition, source }) => {
        if (kind !== "job") return [];
        const { findings, job } = inspectJob(definition);
        planner.take(source, findings);
        const roles = [...new Set(agents.map(({ role }) => role))];
        const fit = new Findings();
        if (!isRefused(findings)) checkFit("JOB", { ...demandOfJob(job, "*"), acceptedRoles: roles }, agents, fit);
        planner.take(source, fit.all);
        return [{ job, definition, source }];
    });
    const twice = new Map<string, string>();
    for (const { job, source } of jobs) {
        const other = twice.get(job.id);
        if (other !== undefined)
            planner.issues.push({
                code: "JOB_DUPLICATE",
                path: source,
                message: `job ${job.id} is declared twice: see ${other}`,
            });
        twice.set(job.id, source);
    }
    for (const finding of checkJobs(jobs.map(({ job }) => job))) {
        const id = finding.path.split("/")[1];
        planner.take(jobs.find(({ job }) => job.id === id)?.source ?? "jobs", [{ ...finding, path: "/dependencies" }]);
    }
    return jobs.map(({ job, definition }) => {
        const { schedules, ...rest } = definition;
        const [schedule] = Array.isArray(schedules) ? schedules.filter(isObject) : [];
        const needs = Array.isArray(job["dependencies"]) ? job["dependencies"].filter(isObject) : [];
        return {
            name: job.id,
            definition: rest,
            ...(schedule === undefined ? {} : { schedule }),
            after: needs.map(({ id }) => word(id)),
        };
    });
}

const amountNames: Readonly<Record<string, string>> = { cpus: "cpus", memMiB: "mem", diskMiB: "disk", gpus: "gpus" };

/** By Mesos' own names. */
function amountsOf(amounts: object): Record<string, number> {
    return Object.fromEntries(
        Object.entries(amounts).flatMap(([name, amount]) =>
            typeof amount === "number" ? [[amountNames[name] ?? name, amount]] : [],
        ),
    );
}

/** A server as the stack file gives it: this site's own, or one that runs already. */
export function serverOf(kind: "marathon" | "metronome", site: SiteConfig, plan: SitePlan): ServerPlan {
    const own = plan.schedulers.find((scheduler) => scheduler.kind === kind);
    if (own !== undefined) {
        const { urls, ca, login } = own;
        return {
            urls,
            ...(ca === undefined ? {} : { ca }),
            ...(login === undefined ? {} : { user: login.user, passwordSecret: login.secret }),
        };
    }
    const { urls = [], ca, user, passwordSecret } = site[kind]?.existing ?? {};
    return {
        urls,
        ...(ca === undefined ? {} : { ca }),
        ...(user === undefined ? {} : { user }),
        ...(passwordSecret === undefined ? {} : { passwordSecret }),
    };
}

/** What is known of Marathon's flags: of this site's own, all that matters. */
function marathonFlags(site: SiteConfig): Partial<Pick<MarathonConfig, "role" | "features" | "defaultNetworkName">> {
    const { marathon } = site;
    if (marathon?.members === undefined) return marathon ?? {};
    return { ...marathon, role: schedulerRole(site, marathon), features: marathon.features ?? [] };
}

function marathonOf(
    site: SiteConfig,
    plan: SitePlan,
    marathon: MarathonConfig,
    enforcedGroups: readonly string[],
): NonNullable<WorkPlan["marathon"]> {
    const { timeoutSec, onFailure } = marathon;
    const { role, features, defaultNetworkName } = marathonFlags(site);
    return {
        ...serverOf("marathon", site, plan),
        ...(role === undefined ? {} : { role }),
        ...(features === undefined ? {} : { features }),
        ...(defaultNetworkName === undefined ? {} : { defaultNetworkName }),
        ...(enforcedGroups.length === 0 ? {} : { enforcedGroups }),
        timeoutSec,
        onFailure,
    };
}

/**
 * Plans the site's work.
 * @param expand names of hosts out of ranges such as `w[1-3]`
 * @returns the plan, or every fault at once
 */
export function planWork(
    site: SiteConfig,
    plan: SitePlan,
    sources: WorkSources,
    expand: (names: readonly string[]) => readonly string[],
): { readonly work: WorkPlan } | { readonly issues: readonly Issue[] } {
    const planner = new Planner();
    const values = {
        config: (name: string) => sources.config(name),
        hasSecret: (name: string) => sources.hasSecret(name),
        secretMark,
    };
    const { facts } = factsOf(site);
    const fromFiles = readDefinitions([...sources.apps, ...sources.jobs], values, facts);
    const made = buildDefinitions(site, plan);
    const read = { ...fromFiles, definitions: [...fromFiles.definitions, ...made] };
    for (const finding of read.findings) planner.take(finding.path, [{ ...finding, path: "/" }]);
    const { reservations, issues: unreserved } = planReservations(site, plan, expand);
    planner.issues.push(...unreserved);
    const agents = capacitiesOf(plan, reservations);
    const items = judgeItems(read, site, agents, planner);
    const jobs = judgeJobs(read, agents, planner);
    const need = (what: string, key: "marathon" | "metronome", count: number): void => {
        if (count > 0 && site[key] === undefined)
            planner.issues.push({
                code: "SERVER_MISSING",
                path: key,
                message: `${count} ${what}${count === 1 ? " is" : "s are"} declared, but not where to run ${count === 1 ? "it" : "them"}`,
                fix: `${key}: { members: [HOST, HOST] } to run it here, or ${key}: { existing: { urls: ["http://…"] } }`,
            });
    };
    need("app", "marathon", items.length);
    need("job", "metronome", jobs.length);
    const maintenance = planWindows(site, plan, expand, planner.issues);
    const name = (id: string): string => id.slice(1);
    const groups = new Map(read.groups.map((group) => [group.id, group]));
    for (const [id, { enforceRole, dependencies }] of Object.entries(site.marathon?.groups ?? {}))
        groups.set(id, { id, dependencies, ...(enforceRole === undefined ? {} : { enforceRole }) });
    if (planner.issues.length > 0) return { issues: planner.issues };
    const enforcedGroups = [...groups.values()]
        .filter(({ enforceRole }) => enforceRole === true)
        .map(({ id }) => name(id));
    const passwords = [site.marathon, site.metronome].flatMap((server) => server?.existing?.passwordSecret ?? []);
    const text = JSON.stringify([items.map(({ given }) => given), jobs]);
    const all = items.map(({ kind, definition, given }) => ({
        name: name(definition.id),
        kind,
        id: definition.id,
        definition: given,
        after: dependenciesOf(definition, definition.id).flatMap((other) =>
            items
                .map(({ definition: { id } }) => id)
                .filter((id) => id === other || id.startsWith(`${other}/`))
                .map(name),
        ),
    }));
    const ids = new Set(made.map(({ definition }) => definition["id"]));
    const store = made.length === 0 ? undefined : all.find(({ id }) => id === storeApp);
    return {
        work: {
            ...(store === undefined ? {} : { builds: { store, jobs: jobs.filter((job) => ids.has(job.name)) } }),
            ...(site.marathon === undefined ? {} : { marathon: marathonOf(site, plan, site.marathon, enforcedGroups) }),
            ...(site.metronome === undefined ? {} : { metronome: serverOf("metronome", site, plan) }),
            groups: [...groups.values()].map(({ id, enforceRole, dependencies = [] }) => ({
                id,
                dependencies,
                ...(enforceRole === undefined ? {} : { enforceRole }),
                members: items.map(({ definition }) => definition.id).filter((member) => member.startsWith(`${id}/`)),
            })),
            items: all.filter(({ id }) => !ids.has(id)),
            jobs: jobs.filter((job) => !ids.has(job.name)),
            quotas: Object.entries(site.quotas).map(([role, { limits, guarantees, force }]) => ({
                role,
                limits: amountsOf(limits),
                guarantees: amountsOf(guarantees),
                force,
            })),
            weights: Object.entries(site.weights).map(([role, weight]) => ({ role, weight })),
            maintenance,
            reservations,
            secrets: [...new Set([...secretsIn(text), ...passwords])].sort(),
            warnings: planner.warnings,
        },
    };
}
