/** Tasks as Mesos wants them, from apps and pods. */
import {
    type CommandInfo,
    durationInfo,
    type ExecutorInfo,
    gracePeriod,
    type HealthCheck,
    type Offer,
    type Resource,
    takeResources,
    type TaskInfo,
} from "../../frameworks/scheduler";
import { isObject, type Json, type JsonObject, word } from "../../site/definitions/fields";
import { objects } from "../../site/marathon/normalizeApp";
import { type Instance, isOwnCheck, type Spec } from "./model";

type Variables = Readonly<Record<string, string>>;

const upper = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9_]/g, "_");

/** A number as Scala prints a double. */
const double = (value: Json | undefined): string => {
    const number = Number(value ?? 0);
    return Number.isInteger(number) ? number.toFixed(1) : String(number);
};

function texts(env: Json | undefined): Variables {
    const entries = Object.entries(isObject(env) ? env : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** PORT, PORT0…, PORTS, and the ones by service port and by name. */
export function portVariables(definitions: readonly JsonObject[], ports: readonly number[]): Variables {
    const all: Record<string, string> = {};
    ports.forEach((port, index) => {
        const { port: service, containerPort, name } = definitions[index] ?? {};
        const number = containerPort ?? service;
        all[`PORT${index}`] = String(port);
        if (typeof number === "number" && number > 0) {
            all[`PORT_${number}`] = String(port);
        }
        if (typeof name === "string" && name !== "default") {
            all[`PORT_${upper(name)}`] = String(port);
        }
    });
    return ports.length === 0 ? all : { ...all, PORT: String(ports[0]), PORTS: ports.join(",") };
}

export const portDefinitionsOf = ({ container, portDefinitions }: JsonObject): JsonObject[] =>
    isObject(container) && Array.isArray(container["portMappings"])
        ? objects(container["portMappings"])
        : objects(portDefinitions);

function appVariables({ id, definition, version }: Spec, host: string, task: string): Variables {
    const labels = Object.entries(texts(definition["labels"]));
    const { container } = definition;
    const docker = isObject(container) && isObject(container["docker"]) ? container["docker"] : {};
    return {
        MARATHON_APP_ID: id,
        MARATHON_APP_VERSION: version,
        MARATHON_APP_RESOURCE_CPUS: double(definition["cpus"]),
        MARATHON_APP_RESOURCE_MEM: double(definition["mem"]),
        MARATHON_APP_RESOURCE_DISK: double(definition["disk"]),
        MARATHON_APP_RESOURCE_GPUS: String(Number(definition["gpus"] ?? 0)),
        MARATHON_APP_LABELS: labels.map(([name]) => upper(name)).join(" "),
        MARATHON_APP_ENFORCE_GROUP_ROLE: "FALSE",
        ...(typeof docker["image"] === "string" && { MARATHON_APP_DOCKER_IMAGE: docker["image"] }),
        ...Object.fromEntries(labels.map(([name, value]) => [`MARATHON_APP_LABEL_${upper(name)}`, value])),
        MESOS_TASK_ID: task,
        HOST: host,
    };
}

const environment = (variables: Variables): CommandInfo["environment"] => ({
    variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
});

const uris = (fetch: Json | undefined): CommandInfo["uris"] =>
    objects(fetch).map(({ uri, extract, executable, cache, destPath }) => ({
        value: word(uri),
        extract: extract === true,
        executable: executable === true,
        cache: cache === true,
        ...(typeof destPath === "string" && { output_file: destPath }),
    }));

/** A check that the executor runs. Of several, Mesos takes one. */
function mesosCheck(check: JsonObject, ports: readonly number[]): HealthCheck {
    const { protocol, command, path, portIndex, port } = check;
    const number = Number(port ?? ports[Number(portIndex ?? 0)] ?? 0);
    const times = {
        delay_seconds: Number(check["delaySeconds"] ?? 15),
        grace_period_seconds: Number(check["gracePeriodSeconds"] ?? 300),
        interval_seconds: Number(check["intervalSeconds"] ?? 60),
        timeout_seconds: Number(check["timeoutSeconds"] ?? 20),
        consecutive_failures: Number(check["maxConsecutiveFailures"] ?? 3),
    };
    if (protocol === "COMMAND") {
        const value = isObject(command) ? word(command["value"]) : word(command);
        return { type: "COMMAND", command: { shell: true, value }, ...times };
    }
    if (protocol === "MESOS_TCP") {
        return { type: "TCP", tcp: { port: number }, ...times };
    }
    const scheme = protocol === "MESOS_HTTPS" ? "https" : "http";
    return { type: "HTTP", http: { scheme, port: number, path: typeof path === "string" ? path : "/" }, ...times };
}

export function containerOf(definition: JsonObject): object | undefined {
    const given = definition["container"];
    if (!isObject(given)) {
        return undefined;
    }
    const docker = isObject(given["docker"]) ? given["docker"] : undefined;
    const volumes = objects(given["volumes"]).flatMap(({ containerPath, hostPath, mode }) =>
        typeof hostPath === "string"
            ? [{ mode: mode === "RO" ? "RO" : "RW", container_path: word(containerPath), host_path: hostPath }]
            : [],
    );
    const isDocker = given["type"] === "DOCKER";
    if (!isDocker && docker === undefined && volumes.length === 0) {
        return undefined;
    }
    const image = docker === undefined ? {} : { image: word(docker["image"]) };
    return isDocker
        ? { type: "DOCKER", volumes, docker: { ...image, network: "HOST" } }
        : { type: "MESOS", volumes, ...(docker && { mesos: { image: { type: "DOCKER", docker: { name: image.image } } } }) };
}

/** What an app or a job runs. @param variables what it gets besides its own */
export function commandOf({ cmd, args, user, env, fetch }: JsonObject, variables: Variables): CommandInfo {
    return {
        ...(typeof cmd === "string"
            ? { shell: true, value: cmd }
            : { shell: false, ...(Array.isArray(args) && { value: word(args[0]), arguments: args.map(word) }) }),
        ...(typeof user === "string" && { user }),
        environment: environment({ ...variables, ...texts(env) }),
        uris: uris(fetch),
    };
}

/** The one task of an app's instance. */
export function appTask(spec: Spec, instance: Instance, offer: Offer, resources: readonly Resource[]): TaskInfo {
    const { definition } = spec;
    const { taskKillGracePeriodSeconds: grace } = definition;
    const [task = ""] = instance.tasks;
    const variables = {
        ...appVariables(spec, offer.hostname, task),
        ...portVariables(portDefinitionsOf(definition), instance.ports),
    };
    const check = objects(definition["healthChecks"]).find((one) => !isOwnCheck(one));
    const labels = Object.entries(texts(definition["labels"])).map(([key, value]) => ({ key, value }));
    const box = containerOf(definition);
    return {
        // DNS names are made of it: the innermost part comes first.
        name: spec.id.slice(1).split("/").reverse().join("."),
        task_id: { value: task },
        agent_id: offer.agent_id,
        resources,
        command: commandOf(definition, variables),
        labels: { labels },
        ...(box && { container: box }),
        ...(check && { health_check: mesosCheck(check, instance.ports) }),
        ...(typeof grace === "number" && { kill_policy: gracePeriod(grace) }),
    };
}

/** A pod's containers as one task group; the resources are those of the whole pod. */
export function podGroup(
    spec: Spec,
    instance: Instance,
    offer: Offer,
    resources: readonly Resource[],
    frameworkId: string,
): { readonly executor: ExecutorInfo; readonly tasks: readonly TaskInfo[] } {
    const { definition } = spec;
    const own = isObject(definition["executorResources"]) ? definition["executorResources"] : {};
    let rest = resources;
    const part = (ask: JsonObject, ports: readonly number[]): readonly Resource[] => {
        const scalars = Object.fromEntries(["cpus", "mem", "disk", "gpus"].map((name) => [name, Number(ask[name] ?? 0)]));
        const found = takeResources(rest, { scalars, ports });
        if ("lacking" in found) {
            throw new Error(`pod ${spec.id}: the parts are more than the whole: ${found.lacking.join(", ")}`);
        }
        rest = found.rest;
        return found.taken;
    };
    const executor: ExecutorInfo = {
        executor_id: { value: `instance-${instance.id}` },
        type: "DEFAULT",
        framework_id: { value: frameworkId },
        resources: part(own, []),
        shutdown_grace_period: durationInfo(5),
    };
    const ports = [...instance.ports];
    const tasks = objects(definition["containers"]).map((one, index) => {
        const endpoints = objects(one["endpoints"]).filter(({ hostPort }) => typeof hostPort === "number");
        const mine = ports.splice(0, endpoints.length);
        const exec = isObject(one["exec"]) && isObject(one["exec"]["command"]) ? one["exec"]["command"] : {};
        const { shell, argv } = exec;
        const task = instance.tasks[index] ?? "";
        const endpointVariables = Object.fromEntries(
            endpoints.map(({ name }, at) => [`ENDPOINT_${upper(word(name))}`, String(mine[at])]),
        );
        const variables = {
            MESOS_TASK_ID: task,
            POD_ID: spec.id,
            HOST: offer.hostname,
            ...endpointVariables,
            ...texts(definition["environment"]),
            ...texts(one["environment"]),
        };
        const check = isObject(one["healthCheck"]) ? podCheck(one["healthCheck"], endpoints, mine) : undefined;
        return {
            name: word(one["name"]),
            task_id: { value: task },
            agent_id: offer.agent_id,
            resources: part(isObject(one["resources"]) ? one["resources"] : {}, mine),
            command: {
                ...(typeof shell === "string"
                    ? { shell: true, value: shell }
                    : { shell: false, ...(Array.isArray(argv) && { value: word(argv[0]), arguments: argv.map(word) }) }),
                ...(typeof definition["user"] === "string" && { user: definition["user"] }),
                environment: environment(variables),
                uris: uris(one["artifacts"]),
            },
            ...(check && { health_check: check }),
        };
    });
    return { executor, tasks };
}

function podCheck(check: JsonObject, endpoints: readonly JsonObject[], ports: readonly number[]): HealthCheck | undefined {
    const { http, tcp, exec } = check;
    const portOf = (name: Json | undefined): number => ports[endpoints.findIndex((one) => one["name"] === name)] ?? 0;
    if (isObject(exec) && isObject(exec["command"])) {
        return mesosCheck({ ...check, protocol: "COMMAND", command: { value: word(exec["command"]["shell"]) } }, []);
    }
    if (isObject(tcp)) {
        return mesosCheck({ ...check, protocol: "MESOS_TCP", port: portOf(tcp["endpoint"]) }, []);
    }
    return isObject(http)
        ? mesosCheck({ ...check, protocol: "MESOS_HTTP", port: portOf(http["endpoint"]), path: http["path"] ?? "/" }, [])
        : undefined;
}
