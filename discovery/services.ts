/** What Marathon's answer says of the ports that apps serve on, and of the tasks behind them. Pure. */

/** One running task of an app. */
export interface Task {
    readonly id: string;
    /** Address that its agent reaches it at. */
    readonly address: string;
    readonly ports: readonly number[];
}

export interface Service {
    /** E.g. "/shop/web". */
    readonly app: string;
    readonly labels: Readonly<Record<string, string>>;
    /** By index of the port; 0 where Marathon has given none. */
    readonly servicePorts: readonly number[];
    /** Path of the HTTP health check of a port, by its index: the load balancer asks the same. */
    readonly checks: readonly (string | undefined)[];
    /** Those that take requests: running, not about to be killed, and healthy where that is checked. */
    readonly tasks: readonly Task[];
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
    typeof value === "object" && value !== null && !Array.isArray(value);
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);

function servicePortsOf(app: Json): number[] {
    const container = isObject(app["container"]) ? app["container"] : {};
    const mappings = list(container["portMappings"]);
    return mappings.length > 0
        ? mappings.map(({ servicePort }) => number(servicePort))
        : list(app["portDefinitions"]).map(({ port }) => number(port));
}

function checksOf(app: Json, ports: number): (string | undefined)[] {
    const http = list(app["healthChecks"]).filter(({ protocol }) => /^(MESOS_)?HTTP$/.test(text(protocol)));
    return Array.from({ length: ports }, (_, index) => {
        const check = http.find(({ portIndex }) => number(portIndex) === index);
        return check === undefined ? undefined : text(check["path"]) || "/";
    });
}

/**
 * A task that has not yet been looked at by all of its checks is not known to serve. One that did serve still does: a new leader
 * knows nothing of the checks that the old one ran, and begins with no results.
 */
function isReady(task: Json, checks: number, served: ReadonlySet<string>): boolean {
    if (task["state"] !== undefined && task["state"] !== "TASK_RUNNING") return false;
    const results = list(task["healthCheckResults"]);
    const isComplete = results.length >= checks || served.has(text(task["id"]));
    return isComplete && results.every(({ alive }) => alive === true);
}

/** Mesos tells a task's own address; where it does not, the agent's name has to do. */
function addressOf(task: Json): string {
    const [own] = list(task["ipAddresses"]).filter(({ protocol }) => protocol !== "IPv6");
    return text(own?.["ipAddress"]) || text(task["host"]);
}

function tasksOf(app: Json, served: ReadonlySet<string>): Task[] {
    const checks = list(app["healthChecks"]).length;
    return list(app["tasks"])
        .filter((task) => isReady(task, checks, served))
        .map((task) => ({
            id: text(task["id"]),
            address: addressOf(task),
            ports: Array.isArray(task["ports"]) ? task["ports"].map(number) : [],
        }))
        .filter(({ address }) => /^[A-Za-z0-9.-]+$/.test(address))
        .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The services in the answer to `GET /v2/apps?embed=apps.tasks`, by app id.
 * @param before what the answer before told
 * @throws {Error} when it is no such answer: whoever follows keeps what it knows
 */
export function servicesOf(answer: unknown, before: readonly Service[] = []): Service[] {
    if (!isObject(answer) || !Array.isArray(answer["apps"])) throw new Error("Marathon's answer holds no apps");
    const served = new Set(before.flatMap(({ tasks }) => tasks.map(({ id }) => id)));
    return list(answer["apps"])
        .map((app) => {
            const servicePorts = servicePortsOf(app);
            const labels = isObject(app["labels"]) ? app["labels"] : {};
            return {
                app: text(app["id"]),
                labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, text(value)])),
                servicePorts,
                checks: checksOf(app, servicePorts.length),
                tasks: tasksOf(app, served),
            };
        })
        .sort((a, b) => (a.app < b.app ? -1 : 1));
}
