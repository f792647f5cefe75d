/** What the stand-in says of its things, as the real one words it. */
import { isObject, type JsonObject } from "../../site/definitions/fields";
import { objects } from "../../site/marathon/normalizeApp";
import { actionBody, type Marathon } from "./marathon";
import { scalarsOf } from "./matching";
import { type Deployment, type Instance, isHealthy, isRunning, type Spec } from "./model";
import { portDefinitionsOf } from "./taskInfo";

/** Fields in the order in which the real one prints them matter to nobody; that all are there does. */
export function appBody(spec: Spec): JsonObject {
    const { definition, version, lastScalingAt, lastConfigChangeAt } = spec;
    return { ...definition, version, versionInfo: { lastScalingAt, lastConfigChangeAt } };
}

const STAGED = new Set(["TASK_STAGING", "TASK_STARTING"]);

export function countsOf(instances: readonly Instance[]): JsonObject {
    const running = instances.filter(isRunning);
    return {
        tasksStaged: instances.filter(({ state }) => STAGED.has(state)).length,
        tasksRunning: running.length,
        tasksHealthy: running.filter((one) => isHealthy(one) === true).length,
        tasksUnhealthy: running.filter((one) => isHealthy(one) === false).length,
    };
}

/** @param servicePorts the list of all tasks tells them, others leave them empty */
export function taskBody(marathon: Marathon, instance: Instance, servicePorts = false): JsonObject[] {
    const spec = marathon.specs.get(instance.spec);
    const { agent, health, ports, stagedAt, startedAt, version } = instance;
    const failed = Object.keys(instance.states).slice(0, 1);
    const names = instance.tasks.length > 0 ? instance.tasks : failed;
    const services = spec === undefined ? [] : portDefinitionsOf(spec.definition).map(({ port, servicePort }) => servicePort ?? port);
    return names.map((id) => ({
        appId: instance.spec,
        healthCheckResults: health.flatMap((one) =>
            one === null ? [] : [{ ...one, instanceId: `instance [${instance.id}]` }],
        ),
        host: agent?.hostname ?? "",
        id,
        ipAddresses: agent === undefined ? [] : [{ ipAddress: agent.address ?? agent.hostname, protocol: "IPv4" }],
        ports: [...ports],
        servicePorts: servicePorts ? services.filter((port) => typeof port === "number") : [],
        ...(agent && { slaveId: agent.id }),
        state: instance.goal === "Stopped" ? "TASK_KILLING" : (instance.states[id] ?? instance.state),
        ...(stagedAt !== undefined && { stagedAt }),
        ...(startedAt !== undefined && { startedAt }),
        ...(instance.tasks.length > 0 && { version }),
        localVolumes: [],
        role: spec?.definition["role"] ?? marathon.facts.role,
    }));
}

const hasTask = ({ state, states }: Instance): boolean => state !== "Scheduled" || Object.keys(states).length > 0;

export const tasksOf = (marathon: Marathon, id: string, servicePorts = false): JsonObject[] =>
    marathon
        .instancesOf(id)
        .filter(hasTask)
        .flatMap((instance) => taskBody(marathon, instance, servicePorts));

function stats(instances: readonly Instance[], now: number): JsonObject | undefined {
    const ages = instances
        .flatMap(({ startedAt }) => (startedAt === undefined ? [] : (now - Date.parse(startedAt)) / 1000))
        .sort((a, b) => a - b);
    if (instances.length === 0) {
        return undefined;
    }
    const { tasksStaged: staged, tasksRunning: running, tasksHealthy: healthy, tasksUnhealthy: unhealthy } = countsOf(instances) as Record<string, number>;
    const average = ages.reduce((sum, age) => sum + age, 0) / Math.max(1, ages.length);
    return {
        stats: {
            counts: { staged: staged ?? 0, running: running ?? 0, healthy: healthy ?? 0, unhealthy: unhealthy ?? 0 },
            ...(ages.length > 0 && { lifeTime: { averageSeconds: average, medianSeconds: ages[Math.floor(ages.length / 2)] ?? 0 } }),
        },
    };
}

/** @param embeds of `?embed=`, without their prefix */
export function appWith(marathon: Marathon, spec: Spec, embeds: ReadonlySet<string>): JsonObject {
    const instances = marathon.instancesOf(spec.id).filter(hasTask);
    const failure = marathon.failures.get(spec.id);
    const newest = instances.filter(({ config }) => config === spec.lastConfigChangeAt);
    const parts: [string, JsonObject | undefined][] = [
        ["startedAfterLastScaling", stats(instances.filter(({ stagedAt = "" }) => stagedAt >= spec.lastScalingAt), Date.now())],
        ["withLatestConfig", stats(newest, Date.now())],
        ["withOutdatedConfig", stats(instances.filter((one) => !newest.includes(one)), Date.now())],
        ["totalSummary", stats(instances, Date.now())],
    ];
    return {
        ...appBody(spec),
        ...countsOf(instances.filter(({ state }) => state !== "Scheduled")),
        deployments: marathon.deploymentsOf(spec.id).map(({ id }) => ({ id })),
        ...(embeds.has("tasks") && { tasks: tasksOf(marathon, spec.id) }),
        ...(embeds.has("lastTaskFailure") && failure !== undefined && { lastTaskFailure: { ...failure } }),
        ...(embeds.has("readiness") && { readinessCheckResults: [] }),
        ...(embeds.has("taskStats") && {
            tasksStats: Object.fromEntries(parts.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
        }),
    };
}

export function deploymentBody({ id, version, steps, current }: Deployment): JsonObject {
    const of = (kind: "app" | "pod"): string[] => [
        ...new Set(steps.flat().filter((action) => action.kind === kind).map((action) => action.id)),
    ];
    return {
        id,
        version,
        affectedApps: of("app"),
        affectedPods: of("pod"),
        steps: steps.map((actions) => ({ actions: actions.map(actionBody) })),
        currentActions: (steps[current] ?? []).map((action) => ({ ...actionBody(action), readinessCheckResults: [] })),
        currentStep: current + 1,
        totalSteps: steps.length,
    };
}

export function queueBody(marathon: Marathon): JsonObject[] {
    return [...marathon.waiting].flatMap(([id, { since, until, rejections }]) => {
        const spec = marathon.specs.get(id);
        const count = marathon.scheduled().filter((one) => one.spec === id).length;
        if (spec === undefined || count === 0) {
            return [];
        }
        const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
        const { lastUnusedAt, lastUsedAt } = rejections;
        return [
            {
                count,
                role: spec.definition["role"] ?? "*",
                delay: { timeLeftSeconds: left, overdue: left === 0 },
                since,
                processedOffersSummary: {
                    processedOffersCount: rejections.processed,
                    unusedOffersCount: rejections.unused,
                    ...(lastUnusedAt !== undefined && { lastUnusedOfferAt: lastUnusedAt }),
                    ...(lastUsedAt !== undefined && { lastUsedOfferAt: lastUsedAt }),
                    rejectSummaryLastOffers: rejections.summary(),
                    rejectSummaryLaunchAttempt: rejections.summary(),
                },
                [spec.kind]: spec.kind === "app" ? appBody(spec) : podBody(spec),
            },
        ];
    });
}

export const podBody = ({ definition, version }: Spec): JsonObject => ({ ...definition, version });

/** `/v2/pods/ID::status`. */
export function podStatus(marathon: Marathon, spec: Spec): JsonObject {
    const now = new Date().toISOString();
    const instances = marathon.instancesOf(spec.id);
    const of = ({ state, goal }: Instance): string =>
        goal === "Stopped" ? "TERMINAL" : state === "TASK_RUNNING" ? "STABLE" : state === "Scheduled" ? "PENDING" : "STAGING";
    const target = isObject(spec.definition["scaling"]) ? Number(spec.definition["scaling"]["instances"] ?? 1) : 1;
    const stable = instances.filter((one) => of(one) === "STABLE").length;
    return {
        id: spec.id,
        spec: podBody(spec),
        status: stable === target && instances.length === target ? "STABLE" : "DEGRADED",
        statusSince: spec.version,
        instances: instances.filter(({ state }) => state !== "Scheduled").map((instance) => ({
            id: instance.id,
            status: of(instance),
            statusSince: instance.startedAt ?? instance.stagedAt ?? now,
            conditions: [],
            ...(instance.agent && { agentHostname: instance.agent.hostname, agentId: instance.agent.id,
                    ...(instance.agent.attributes["@region"] !== undefined && {
                        agentRegion: instance.agent.attributes["@region"],
                        agentZone: instance.agent.attributes["@zone"],
                    }),
                }),
            resources: scalarsOf(spec),
            networks: instance.agent === undefined ? [] : [{ addresses: [instance.agent.hostname] }],
            containers: objects(spec.definition["containers"]).map((one, index) => ({
                name: one["name"] ?? "",
                status: instance.states[instance.tasks[index] ?? ""] ?? instance.state,
                statusSince: instance.startedAt ?? instance.stagedAt ?? now,
                conditions: [],
                containerId: instance.tasks[index] ?? "",
                endpoints: [],
                resources: one["resources"] ?? {},
                lastUpdated: now,
                lastChanged: instance.startedAt ?? instance.stagedAt ?? now,
            })),
            specReference: `/v2/pods${spec.id}::versions/${instance.version}`,
            localVolumes: [],
            lastUpdated: now,
            lastChanged: instance.startedAt ?? instance.stagedAt ?? now,
            role: spec.definition["role"] ?? "*",
        })),
        terminationHistory: [],
        lastUpdated: now,
        lastChanged: spec.version,
    };
}
