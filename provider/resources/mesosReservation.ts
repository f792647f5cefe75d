/** What agents keep for a role, and the persistent volumes on it: reserved by the operator, one resource for each role and agent. */
import { isObject, type JsonObject, word } from "../../site/definitions/fields";
import { differences, type Path, type Plain, type Properties } from "../wire";
import { coalesce, formatRanges, type NumberRange } from "../../site/plan/portRanges";
import { type Amounts, type Held, heldOf, isNothing, lacking, type Labels, resourcesOf } from "./heldResources";
import { type Scalars, SCALARS, type Volume } from "./heldResources";
import { mastersOf, type OperatorDependencies } from "./mesosOperator";
import { type CheckFailure, type Context, type ResourceType, UserError } from "./resource";

/** How long a change may take to be seen, and how long an agent that just starts is waited for, milliseconds. */
const SEEN_MS = 30_000;
const LOOK_MS = 300;

interface Inputs {
    readonly hostname: string;
    readonly role: string;
    readonly resources: Scalars;
    readonly ports: readonly NumberRange[];
    readonly labels: Labels;
    readonly volumes: Readonly<Record<string, Volume>>;
    readonly cluster: string;
    readonly confirmed: boolean;
}

const control = new Set<string | number | undefined>(["masters", "operator", "connection", "cluster", "confirmed"]);

const object = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** "31000-31009"; what is no range is one of nothing, for the check to find. */
function rangeOf(said: unknown): NumberRange {
    const [, low, high] = /^(\d{1,5})-(\d{1,5})$/.exec(word(said as Plain)) ?? [];
    return [Number(low ?? 1), Number(high ?? 0)];
}

function parse({ hostname, role, resources, ports, labels, volumes, cluster, confirmed }: Properties): Inputs {
    return {
        hostname: word(hostname ?? ""),
        role: word(role ?? ""),
        resources: object(resources),
        ports: Array.isArray(ports) ? ports.map(rangeOf) : [],
        labels: object(labels) as Labels,
        volumes: object(volumes) as unknown as Inputs["volumes"],
        cluster: word(cluster ?? ""),
        confirmed: confirmed === true,
    };
}

/** Whether the administrator allows what loses data: in the stack file, or (for what has left it) in the environment. */
const isConfirmed = ({ confirmed, cluster }: Inputs): boolean =>
    confirmed || (cluster !== "" && process.env["PULUMI_MESOS_CONFIRM"] === cluster);

/** Volumes whose data a change would lose. */
function lostVolumes(before: Inputs, after: Inputs): string[] {
    const isMoved =
        before.hostname !== after.hostname ||
        before.role !== after.role ||
        differences(before.labels, after.labels).length > 0;
    return Object.entries(before.volumes)
        .filter(([id, { containerPath }]) => isMoved || after.volumes[id]?.containerPath !== containerPath)
        .map(([id]) => id);
}

const lossOf = (volumes: readonly string[], { hostname, cluster }: Inputs): string =>
    `the data on volume${volumes.length === 1 ? "" : "s"} ${volumes.join(", ")} of ${hostname} would be lost\n  fix: put ${volumes.length === 1 ? "it" : "them"} back into the stack file; to lose the data all the same, confirm: ${cluster}`;

const amountsOf = ({ resources, ports }: Inputs): Amounts => ({ scalars: resources, ports: coalesce(ports) });

const described = ({ resources, ports, labels, volumes }: Inputs): string =>
    [
        ...Object.entries(resources).map(([name, amount]) => `${name} ${amount}`),
        ...(ports.length === 0 ? [] : [`ports ${formatRanges(ports)}`]),
        ...Object.entries(labels).map(([key, value]) => `label ${key}=${value}`),
        ...Object.entries(volumes).map(([id, { sizeMiB }]) => `volume ${id} of ${sizeMiB} MiB`),
    ].join(", ");

/** Makes what an agent holds for a role as it is wanted, one call of the operator API at a time. */
class Change {
    public constructor(
        private readonly dependencies: OperatorDependencies,
        private readonly properties: Properties,
        private readonly wanted: Inputs,
        /** What is there decides on the labels. */
        private readonly isImport = false,
    ) {}

    private get principal(): string | undefined {
        return mastersOf(this.properties)?.operator?.principal;
    }

    private get api() {
        return this.dependencies.operator(mastersOf(this.properties));
    }

    /** @returns undefined when the agent is not registered */
    public async look(): Promise<Held | undefined> {
        const { hostname, role } = this.wanted;
        const labels = this.isImport ? undefined : this.wanted.labels;
        const answer = await this.api.operate("GET_AGENTS", {});
        return heldOf(answer, { hostname, role, labels, principal: this.principal });
    }

    /** The same of an agent that must be there; one that just starts is waited for. */
    public async held(patienceMs = SEEN_MS): Promise<Held> {
        for (const deadline = Date.now() + patienceMs; ; await pause()) {
            const held = await this.look();
            if (held !== undefined) return held;
            if (Date.now() > deadline)
                throw new UserError(
                    `no agent ${this.wanted.hostname} is registered: nothing can be reserved on it\n  fix: bring the agent back, then run again`,
                );
        }
    }

    /** Sends one call and waits until the master tells what it was for. */
    private async send(
        type: string,
        agentId: string,
        parts: JsonObject,
        isSeen: (held: Held) => boolean,
    ): Promise<void> {
        const { hostname, role } = this.wanted;
        try {
            await this.api.operate(type, { [type.toLowerCase()]: { agent_id: { value: agentId }, ...parts } });
        } catch (error) {
            const fix =
                type.startsWith("RESERVE") || type.startsWith("GROW")
                    ? "tasks use what is asked for: stop some, drain the agent, or reserve less"
                    : "tasks still use it: stop them first";
            throw new UserError(`${hostname}, reservation for ${role}: ${(error as Error).message}\n  fix: ${fix}`);
        }
        for (const deadline = Date.now() + SEEN_MS; ; await pause()) {
            const held = await this.look();
            if (held !== undefined && isSeen(held)) return;
            if (Date.now() > deadline)
                throw new UserError(
                    `${hostname}, reservation for ${role}: ${type} was accepted, but is not seen after ${SEEN_MS / 1000} s`,
                );
        }
    }

    private resources(amounts: Partial<Amounts>): JsonObject[] {
        return resourcesOf({ scalars: {}, ports: [], ...amounts }, this.reservation());
    }

    private reservation(): JsonObject {
        const { principal } = this;
        const { role, labels } = this.wanted;
        const list = Object.entries(labels).map(([key, value]) => ({ key, value }));
        return {
            type: "DYNAMIC",
            role,
            ...(principal === undefined ? {} : { principal }),
            ...(list.length === 0 ? {} : { labels: { labels: list } }),
        };
    }

    private volume(id: string, { sizeMiB, containerPath }: Volume): JsonObject {
        const { principal } = this;
        const [disk = {}] = this.resources({ scalars: { disk: sizeMiB } });
        return {
            ...disk,
            disk: {
                persistence: { id, ...(principal === undefined ? {} : { principal }) },
                volume: { container_path: containerPath, mode: "RW" },
            },
        };
    }

    private async destroy(agentId: string, ids: readonly string[], held: Held): Promise<void> {
        const volumes = ids.flatMap((id) => held.volumes[id]?.raw ?? []);
        if (volumes.length > 0)
            await this.send("DESTROY_VOLUMES", agentId, { volumes }, (now) =>
                ids.every((id) => now.volumes[id] === undefined),
            );
    }

    private async reserve(agentId: string, held: Held): Promise<void> {
        const wanted = amountsOf(this.wanted);
        const more = lacking(wanted, held.total);
        if (!isNothing(more))
            await this.send("RESERVE_RESOURCES", agentId, { resources: this.resources(more) }, (now) =>
                isNothing(lacking(wanted, now.total)),
            );
    }

    private async unreserve(agentId: string, held: Held, wanted: Amounts): Promise<void> {
        const less = lacking(held.total, wanted);
        if (!isNothing(less))
            await this.send("UNRESERVE_RESOURCES", agentId, { resources: this.resources(less) }, (now) =>
                isNothing(lacking(now.total, wanted)),
            );
    }

    private async resize(agentId: string, id: string, held: Held, sizeMiB: number): Promise<void> {
        const present = held.volumes[id];
        if (present === undefined || present.sizeMiB === sizeMiB) return;
        const more = sizeMiB - present.sizeMiB;
        const [addition = {}] = this.resources({ scalars: { disk: more } });
        const isSeen = (now: Held): boolean => now.volumes[id]?.sizeMiB === sizeMiB;
        if (more > 0) await this.send("GROW_VOLUME", agentId, { volume: present.raw, addition }, isSeen);
        else await this.send("SHRINK_VOLUME", agentId, { volume: present.raw, subtract: { value: -more } }, isSeen);
    }

    /** @param former ids of the volumes that were declared before: what is no longer wanted of them is destroyed */
    public async apply(former: readonly string[]): Promise<void> {
        const { volumes } = this.wanted;
        const found = await this.held();
        const { agentId } = found;
        const isOther = (id: string): boolean => {
            const present = found.volumes[id];
            return present !== undefined && present.containerPath !== volumes[id]?.containerPath;
        };
        const going = [...new Set([...former, ...Object.keys(volumes)])].filter(isOther);
        if (going.length > 0 && !isConfirmed(this.wanted)) throw new UserError(lossOf(going, this.wanted));
        await this.destroy(agentId, going, found);
        await this.reserve(agentId, await this.held());
        // Those that shrink first: what they give may be what others need.
        const bySize = Object.entries(volumes).sort(
            ([a, one], [b, other]) =>
                one.sizeMiB - (found.volumes[a]?.sizeMiB ?? 0) - (other.sizeMiB - (found.volumes[b]?.sizeMiB ?? 0)),
        );
        for (const [id, volume] of bySize) {
            const held = await this.held();
            if (held.volumes[id] === undefined)
                await this.send(
                    "CREATE_VOLUMES",
                    agentId,
                    { volumes: [this.volume(id, volume)] },
                    (now) => now.volumes[id] !== undefined,
                );
            else await this.resize(agentId, id, held, volume.sizeMiB);
        }
        await this.unreserve(agentId, await this.held(), amountsOf(this.wanted));
    }

    public async remove(): Promise<void> {
        const found = await this.held(0);
        const ids = Object.keys(found.volumes);
        if (ids.length > 0 && !isConfirmed(this.wanted))
            throw new UserError(
                `${lossOf(ids, this.wanted).split("\n")[0] ?? ""}\n  fix: put the reservation back into the stack file; to lose the data all the same, run with PULUMI_MESOS_CONFIRM=${this.wanted.cluster}`,
            );
        await this.destroy(found.agentId, ids, found);
        await this.unreserve(found.agentId, await this.held(0), { scalars: {}, ports: [] });
    }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

function checkVolumes({ volumes, resources }: Inputs): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const [id, { sizeMiB, containerPath }] of Object.entries(volumes)) {
        const property = `volumes.${id}`;
        if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(id))
            failures.push({ property, reason: `"${id}" is no id of a volume` });
        if (typeof sizeMiB !== "number" || sizeMiB < 1)
            failures.push({ property, reason: "needs sizeMiB of 1 or more" });
        if (typeof containerPath !== "string" || containerPath === "" || /^\/|(^|\/)\.\.?(\/|$)/.test(containerPath))
            failures.push({ property, reason: "needs containerPath: a path in the task's folder, without . and .." });
    }
    const sum = Object.values(volumes).reduce((total, { sizeMiB }) => total + sizeMiB, 0);
    if (sum > (resources.disk ?? 0))
        failures.push({
            property: "resources.disk",
            reason: `${resources.disk ?? 0} is less than the volumes together, ${sum}`,
        });
    return failures;
}

/** Resources of one agent that are kept for a role. Id: `HOSTNAME/ROLE`. */
export function mesosReservation(dependencies: OperatorDependencies): ResourceType {
    const change = (properties: Properties, inputs = parse(properties), isImport = false): Change =>
        new Change(dependencies, properties, inputs, isImport);
    const idOf = ({ hostname, role }: Inputs): string => `${hostname}/${role}`;
    return {
        check(properties, previous) {
            const inputs = parse(properties);
            const { hostname, role, resources } = inputs;
            const failures: CheckFailure[] = checkVolumes(inputs);
            if (hostname === "")
                failures.push({ property: "hostname", reason: "names the agent: it must not be empty" });
            if (role === "" || role === "*" || /\s|^[.-]|\/\/|^\/|\/$/.test(role))
                failures.push({ property: "role", reason: `"${role}" is no role that resources can be kept for` });
            for (const [name, amount] of Object.entries(resources))
                if (!(SCALARS as readonly string[]).includes(name))
                    failures.push({
                        property: `resources.${name}`,
                        reason: `only ${SCALARS.join(", ")} can be reserved`,
                    });
                else if (typeof amount !== "number" || amount < 0.001)
                    failures.push({ property: `resources.${name}`, reason: "must be a number above 0" });
            if (Object.keys(resources).length + inputs.ports.length === 0)
                failures.push({ property: "resources", reason: "names at least one resource" });
            for (const [index, [low, high]] of inputs.ports.entries())
                if (low < 1 || low > high || high > 65_535)
                    failures.push({ property: `ports[${index}]`, reason: "must be LOW-HIGH, as 31000-31009" });
            for (const [key, value] of Object.entries(inputs.labels))
                if (key === "" || typeof value !== "string")
                    failures.push({ property: `labels.${key}`, reason: "must be a text with a name" });
            const lost = previous === undefined ? [] : lostVolumes(parse(previous), inputs);
            if (lost.length > 0 && !isConfirmed(inputs))
                failures.push({ property: "volumes", reason: lossOf(lost, parse(previous ?? {})) });
            if (failures.length > 0 || inputs.ports.length === 0) return failures;
            // As they are read back: in order, and joined.
            const ports = coalesce(inputs.ports).map((range) => formatRanges([range]));
            return { failures, inputs: { ...properties, ports } };
        },

        diff(before, after) {
            const changes = differences(before, after).filter(({ path }) => !control.has(path[0]));
            const whose = new Set<Path[number] | undefined>(["hostname", "role", "labels"]);
            const replaces = changes.map(({ path }) => path).filter(([key]) => whose.has(key));
            // Both may not fit on the agent at a time.
            return { changes, replaces, deleteBeforeReplace: replaces.length > 0 };
        },

        async create(properties, preview, context) {
            const inputs = parse(properties);
            if (preview) context.log("info", `${inputs.hostname}: reserves for ${inputs.role}: ${described(inputs)}`);
            else await change(properties).apply([]);
            return { id: idOf(inputs), outputs: {} };
        },

        async update(id, before, properties, preview, context) {
            const inputs = parse(properties);
            const lost = lostVolumes(parse(before), inputs);
            if (!preview) await change(properties).apply(Object.keys(parse(before).volumes));
            else if (lost.length > 0)
                context.log("warning", `${inputs.hostname}: the data on ${lost.join(", ")} is lost`);
            else context.log("info", `${inputs.hostname}: will be reserved for ${inputs.role}: ${described(inputs)}`);
            return { id, outputs: {} };
        },

        async read(id, properties, _outputs, context: Context) {
            const slash = id.indexOf("/");
            const [hostname, role] = [id.slice(0, slash), id.slice(slash + 1)];
            if (slash < 1 || role === "")
                throw new UserError(`"${id}" is no id of a reservation\n  fix: HOSTNAME/ROLE, as in pm4/services`);
            const declared = parse(properties);
            const isImport = properties["hostname"] === undefined;
            const held = await change(properties, { ...declared, hostname, role }, isImport).look();
            if (held === undefined) {
                if (isImport) throw new UserError(`no agent ${hostname} is registered`);
                context.log(
                    "warning",
                    `agent ${hostname} is not registered: its reservation is kept as it was remembered`,
                );
                return { id, outputs: {}, inputs: properties };
            }
            if (isNothing(held.total)) return undefined;
            const own = Object.entries(held.volumes).filter(
                ([name, { isOurs }]) => declared.volumes[name] !== undefined || (isImport && isOurs),
            );
            const volumes = Object.fromEntries(
                own.map(([name, { sizeMiB, containerPath }]) => [name, { sizeMiB, containerPath }]),
            );
            return {
                id,
                outputs: {},
                inputs: {
                    ...properties,
                    hostname,
                    role,
                    resources: held.total.scalars as JsonObject,
                    ...(held.total.ports.length > 0 || properties["ports"] !== undefined
                        ? { ports: held.total.ports.map((range) => formatRanges([range])) }
                        : {}),
                    ...(Object.keys(held.labels).length > 0 ? { labels: held.labels } : {}),
                    ...(own.length > 0 || properties["volumes"] !== undefined ? { volumes } : {}),
                },
            };
        },

        async delete(_id, properties, _outputs, context) {
            const inputs = parse(properties);
            const it = change(properties);
            if ((await it.look()) === undefined)
                context.log(
                    "warning",
                    `agent ${inputs.hostname} is not registered: if it comes back, it still has its reservation for ${inputs.role}`,
                );
            else await it.remove();
        },
    };
}
