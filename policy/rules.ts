/**
 * The rules of the policy pack, as pure functions of what the engine is about to make. Each has one setting, an object whose
 * defaults are here; a site tunes them with `--policy-pack-config FILE`.
 */

/** One resource as the engine has it; a value that is not known yet is left out. */
export interface Declared {
    readonly type: string;
    readonly name: string;
    readonly urn: string;
    readonly protect: boolean;
    readonly props: Readonly<Record<string, unknown>>;
    /** Property paths of secrets, joined by dots. */
    readonly secrets: readonly string[];
}

export interface Violation {
    readonly urn: string;
    readonly message: string;
}

type Map = Readonly<Record<string, unknown>>;

const isMap = (value: unknown): value is Map => typeof value === "object" && value !== null && !Array.isArray(value);
const map = (value: unknown): Map => (isMap(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number => (typeof value === "number" ? value : 0);

const hostConfigs = (all: readonly Declared[]): Declared[] =>
    all.filter(({ type }) => type === "mesos:index:HostConfig");
const kindOf = ({ props }: Declared): string => text(map(props["service"])["kind"]);
const hostOf = ({ props }: Declared): string => text(props["host"]);
const definitionsOf = (all: readonly Declared[]): Declared[] =>
    all.filter(({ type }) => /^mesos:index:(MarathonApp|MarathonPod|MetronomeJob)$/.test(type));

/** `*` stands for any text. */
export function matches(name: string, pattern: string): boolean {
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(`^${escaped}$`).test(name);
}

/** Members of a quorum stand in zones of their own. */
export function checkZones(
    all: readonly Declared[],
    { quorum, pools }: { quorum: number; pools: number },
): Violation[] {
    const groups = new globalThis.Map<string, Declared[]>();
    for (const one of hostConfigs(all)) {
        const tier = text(map(one.props["rollout"])["tier"]);
        groups.set(tier, [...(groups.get(tier) ?? []), one]);
    }
    return [...groups].flatMap(([tier, members]) => {
        const [first] = members as [Declared];
        const isQuorum = ["zookeeper", "mesosMaster"].includes(kindOf(first));
        if (!isQuorum && kindOf(first) !== "mesosAgent") return [];
        const zones = new Set(members.map(({ props }) => text(props["zone"])).filter((zone) => zone !== ""));
        // One host cannot be in two zones.
        const wanted = Math.min(isQuorum ? quorum : pools, members.length);
        return zones.size >= wanted
            ? []
            : [
                  {
                      urn: first.urn,
                      message: `${tier}: ${members.length} hosts in ${zones.size} zone${zones.size === 1 ? "" : "s"} (${[...zones].sort().join(", ") || "none is known"}); ${wanted} are wanted`,
                  },
              ];
    });
}

/** Pets are protected: hosts by name, what holds the quorum's state, data volumes. */
export function checkProtection(
    all: readonly Declared[],
    { hosts, quorum, volumes }: { hosts: readonly string[]; quorum: boolean; volumes: boolean },
): Violation[] {
    const unprotected = all.filter(({ protect }) => !protect);
    const say = (one: Declared, why: string): Violation => ({
        urn: one.urn,
        message: `${one.name} is not protected, but ${why}; set protect: true on its host`,
    });
    return unprotected.flatMap((one) => {
        if (one.type === "mesos:index:HostConfig") {
            const pattern = hosts.find((wanted) => matches(hostOf(one), wanted));
            if (pattern !== undefined) return [say(one, `${hostOf(one)} is to be (${pattern})`)];
            if (quorum && ["zookeeper", "mesosMaster"].includes(kindOf(one)))
                return [say(one, "it is part of a quorum")];
        }
        if (volumes && one.type === "openstack:blockstorage/volume:Volume") return [say(one, "it is a data volume")];
        return [];
    });
}

function flagsOf(one: Declared, file: RegExp): ReadonlyMap<string, string> {
    const found = Object.entries(map(one.props["files"])).find(([path]) => file.test(path));
    const lines = text(map(found?.[1])["content"]).split("\n");
    return new globalThis.Map(
        lines.flatMap((line) => {
            const [, name, value] = /^MESOS_([A-Z_]+)=(.*)$/.exec(line) ?? [];
            return name === undefined ? [] : [[name.toLowerCase(), value ?? ""] as const];
        }),
    );
}

const authentications: Readonly<Record<string, readonly string[]>> = {
    mesosMaster: [
        "authenticate_frameworks",
        "authenticate_agents",
        "authenticate_http_readonly",
        "authenticate_http_readwrite",
    ],
    mesosAgent: ["authenticate_http_readonly", "authenticate_http_readwrite"],
};

/** Who speaks to masters and agents says who he is. */
export function checkAuthentication(all: readonly Declared[]): Violation[] {
    return hostConfigs(all).flatMap((one) => {
        const flags = flagsOf(one, /\/(master|agent)\.env$/);
        if (flags.size === 0) return [];
        const off = (authentications[kindOf(one)] ?? []).filter((flag) => flags.get(flag) !== "true");
        return off.length === 0
            ? []
            : [{ urn: one.urn, message: `${one.name}: ${off.join(", ")} is off: whoever reaches the port may use it` }];
    });
}

/** Packages are of the allowed versions; where `pinned`, each that a service is has one. */
export function checkVersions(
    all: readonly Declared[],
    { allowed, pinned }: { allowed: Readonly<Record<string, readonly string[]>>; pinned: readonly string[] },
): Violation[] {
    const found = new globalThis.Map<string, Violation>();
    for (const one of hostConfigs(all))
        for (const item of list(one.props["packages"]).map(map)) {
            const [name, version] = [text(item["name"]), text(item["version"])];
            const patterns = allowed[name] ?? [];
            const message =
                version === ""
                    ? pinned.includes(name) || patterns.length > 0
                        ? `package ${name} has no version: whatever is the newest when a host is made`
                        : undefined
                    : patterns.length > 0 && !patterns.some((pattern) => matches(version, pattern))
                      ? `package ${name} ${version} is none of ${patterns.join(", ")}`
                      : undefined;
            if (message !== undefined && !found.has(message))
                found.set(message, { urn: one.urn, message: `${one.name} and all like it: ${message}` });
        }
    return [...found.values()];
}

const secretName = /secret|passw|token|credential|private_?key|api_?key/i;

/** Variables that are named like secrets are secrets of the stack. */
export function checkPlainSecrets(all: readonly Declared[], { except }: { except: readonly string[] }): Violation[] {
    return definitionsOf(all).flatMap((one) => {
        const plain = new Set<string>();
        const visit = (value: unknown, path: readonly string[]): void => {
            // What is inside a secret is one.
            if (one.secrets.includes(path.join("."))) return;
            const name = path.at(-1) ?? "";
            if (typeof value === "string") {
                const isValue = path.at(-2) === "env" || path.at(-2) === "environment";
                if (
                    isValue &&
                    value !== "" &&
                    secretName.test(name) &&
                    !except.some((pattern) => matches(name, pattern))
                )
                    plain.add(name);
            } else if (Array.isArray(value)) value.forEach((item, index) => visit(item, [...path, String(index)]));
            else if (isMap(value)) for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
        };
        visit(one.props["definition"], ["definition"]);
        return [...plain].map((name) => ({
            urn: one.urn,
            message: `${one.name}: ${name} is in plain in its definition; write \${secret:NAME} and pulumi config set --secret pulumi-mesos:NAME`,
        }));
    });
}

interface Need {
    readonly cpus: number;
    readonly mem: number;
}

function needOf({ props }: Declared): Need {
    const definition = map(props["definition"]);
    const parts = Array.isArray(definition["containers"])
        ? list(definition["containers"]).map((part) => map(map(part)["resources"]))
        : [definition];
    const instances = definition["instances"] ?? map(definition["scaling"])["instances"] ?? 1;
    const sum = (key: string): number => parts.reduce((all, part) => all + number(part[key]), 0);
    return { cpus: number(instances) * sum("cpus"), mem: number(instances) * sum("mem") };
}

const plus = (a: Need, b: Need): Need => ({ cpus: a.cpus + b.cpus, mem: a.mem + b.mem });

/** The declared apps fit, with something to spare, when the zone that gives most is lost. */
export function checkHeadroom(all: readonly Declared[], { sparePercent }: { sparePercent: number }): Violation[] {
    const apps = definitionsOf(all).filter(({ type }) => !type.endsWith("MetronomeJob"));
    const [first] = apps;
    if (first === undefined) return [];
    const zones = new globalThis.Map<string, Need>();
    for (const { props } of hostConfigs(all).filter((one) => kindOf(one) === "mesosAgent")) {
        const service = map(props["service"]);
        if (service["drained"] === true) continue;
        const resources = map(service["resources"]);
        const zone = text(props["zone"]);
        zones.set(
            zone,
            plus(zones.get(zone) ?? { cpus: 0, mem: 0 }, {
                cpus: number(resources["cpus"]),
                mem: number(resources["memMiB"]),
            }),
        );
    }
    const need = apps.map(needOf).reduce(plus, { cpus: 0, mem: 0 });
    const total = [...zones.values()].reduce(plus, { cpus: 0, mem: 0 });
    const factor = 1 + sparePercent / 100;
    const faults = (["cpus", "mem"] as const).flatMap((what) => {
        const [worst, lost] = [...zones].reduce<[string, number]>(
            (most, [zone, has]) => (has[what] > most[1] ? [zone, has[what]] : most),
            ["", 0],
        );
        const left = total[what] - lost;
        const wanted = Math.round(need[what] * factor * 1000) / 1000;
        return wanted > left
            ? [
                  `without zone ${worst || "?"} there are ${left} ${what === "cpus" ? "CPUs" : "MiB of memory"}, and ${wanted} are wanted (${sparePercent} % to spare)`,
              ]
            : [];
    });
    return faults.map((message) => ({ urn: first.urn, message }));
}

/** Names as the site wants them; regular expressions, the empty text checks nothing. */
export function checkNaming(
    all: readonly Declared[],
    { hosts, pools, apps }: { hosts: string; pools: string; apps: string },
): Violation[] {
    const check = (one: Declared, what: string, name: string, pattern: string): Violation[] =>
        pattern === "" || name === "" || new RegExp(pattern).test(name)
            ? []
            : [{ urn: one.urn, message: `${what} ${name} is not named as ${pattern}` }];
    return [
        ...hostConfigs(all).flatMap((one) => [
            ...check(one, "host", hostOf(one), hosts),
            ...check(one, "pool", text(map(one.props["service"])["pool"]), pools),
        ]),
        ...definitionsOf(all).flatMap((one) =>
            check(one, "app or job", text(map(one.props["definition"])["id"]), apps),
        ),
    ];
}
