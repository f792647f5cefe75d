/** What happens to the service of one host, from the inputs of its HostConfig before and after. */
import { type HostConfigInputs, isControlOnly, plannedRestarts } from "../provider/host/config";
import { UNKNOWN } from "../provider/wire";
import { type AgentChange, classifyAgentChange } from "../site/change/agentChange";
import { secretText } from "./events";
import { changedLines } from "./lines";
import type { Step } from "./steps";

export interface FileChange {
    readonly path: string;
    readonly change: "new" | "gone" | "changed";
    /** Lines that go (`-`) and come (`+`); empty for new files, whose text the plan shows. */
    readonly lines: readonly string[];
}

export type HostAction = "joins" | "leaves" | "changes" | "moves to another machine";

export interface HostChange {
    readonly host: string;
    readonly address: string;
    readonly tier: string;
    readonly kind: HostConfigInputs["service"]["kind"];
    readonly action: HostAction;
    readonly files: readonly FileChange[];
    /** E.g. `mesos 1.10.0 → 1.11.0`. */
    readonly packages: readonly string[];
    readonly restarts: readonly { readonly unit: string; readonly because: readonly string[] }[];
    /** Only of agents: what the change is to Mesos. */
    readonly agent?: AgentChange;
    /** Everything else that is not as before, by property path. */
    readonly others: readonly string[];
    /** Its place in the order of a quorum, as the provider foretells it. */
    readonly turn?: number;
    readonly role?: string;
    readonly maxUnavailable: number;
    readonly healthTimeoutSec: number;
    /** Agents only. */
    readonly drainGraceSec: number;
    readonly protect: boolean;
}

export const hostConfigType = "mesos:index:HostConfig";
/** Stands for a secret that is another one than before. */
const otherSecret = `${secretText}, another one`;

/** The inputs as far as they are known: what is not, is as if it were empty. */
export function inputsOf(inputs: Readonly<Record<string, unknown>> | undefined): HostConfigInputs | undefined {
    if (inputs === undefined) return undefined;
    const empty = {
        host: "",
        connection: { address: "" },
        rollout: { tier: "", maxUnavailable: 1, healthTimeoutSec: 300 },
        packages: [],
        artifacts: [],
        users: [],
        directories: {},
        files: {},
        units: {},
        service: {
            kind: "mesosAgent",
            pool: "",
            attributes: {},
            resources: { cpus: 0, memMiB: 0, diskMiB: 0, ports: [] },
            drainGraceSec: 0,
        },
    };
    const known = Object.entries(inputs).filter(([, value]) => value !== UNKNOWN && value !== secretText);
    return { ...empty, ...Object.fromEntries(known) } as unknown as HostConfigInputs;
}

type File = HostConfigInputs["files"][string];

function attributesOf({ mode, owner, group }: File): string {
    return `mode ${mode}, ${owner}:${group}`;
}

function fileLines(old: File, next: File): string[] {
    const [before, after] = [old.content, next.content];
    const attributes =
        attributesOf(old) === attributesOf(next) ? [] : [`-(${attributesOf(old)})`, `+(${attributesOf(next)})`];
    if (after === UNKNOWN) return [...attributes, "(its text is not known before up)"];
    if (after === otherSecret || before === secretText || after === secretText)
        return before === after ? attributes : [...attributes, "(its text is secret)"];
    return [...attributes, ...changedLines(before, after)];
}

function fileChanges(before: HostConfigInputs, after: HostConfigInputs): FileChange[] {
    const names = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])].sort();
    return names.flatMap((path): FileChange[] => {
        const [old, next] = [before.files[path], after.files[path]];
        if (old === undefined) return [{ path, change: "new", lines: [] }];
        if (next === undefined) return [{ path, change: "gone", lines: [] }];
        const lines = fileLines(old, next);
        return lines.length === 0 ? [] : [{ path, change: "changed", lines }];
    });
}

function versions(before: HostConfigInputs, after: HostConfigInputs): string[] {
    const any = "any version";
    const names = [...new Set([...before.packages, ...after.packages].map(({ name }) => name))];
    const packages = names.flatMap((name) => {
        const find = ({ packages: list }: HostConfigInputs): string => {
            const found = list.find((one) => one.name === name);
            return found === undefined ? "absent" : (found.version ?? any);
        };
        const [old, next] = [find(before), find(after)];
        return old === next ? [] : [`${name} ${old} → ${next}`];
    });
    const sources = ({ artifacts }: HostConfigInputs): string[] =>
        artifacts.map(({ source, sha256 }) => `${source} (sha256 ${sha256.slice(0, 12)}…)`);
    const [old, next] = [sources(before), sources(after)];
    return [
        ...packages,
        ...old.filter((one) => !next.includes(one)).map((one) => `${one} goes`),
        ...next.filter((one) => !old.includes(one)).map((one) => `${one} comes`),
    ];
}

function turnOf(said: readonly string[]): Pick<HostChange, "turn" | "role"> {
    const [, turn, role] = /; turn (\d+) of \d+(?:, (.+))?$/m.exec(said.join("\n")) ?? [];
    return turn === undefined ? {} : { turn: Number(turn), ...(role === undefined ? {} : { role }) };
}

/** Not shown as "others": files, packages and restarts have their own places, and the service is said by them. */
const told = /^(files|packages|artifacts|service)\b/;
const machineType = /^machine\b/;

const actions = { create: "joins", delete: "leaves", update: "changes", replace: "moves to another machine" } as const;

/** Masked, an old and a new secret look alike: only the engine's list of differences tells that a file has another one. */
function withChangedSecrets(
    inputs: HostConfigInputs | undefined,
    paths: readonly string[],
): HostConfigInputs | undefined {
    if (inputs === undefined) return undefined;
    const files = Object.entries(inputs.files).map(([path, file]) => {
        const isOther = file.content === secretText && paths.includes(`files[${JSON.stringify(path)}].content`);
        return [path, isOther ? { ...file, content: otherSecret } : file] as const;
    });
    return { ...inputs, files: Object.fromEntries(files) };
}

/** @returns undefined for a step that changes nothing on a host */
export function hostChange(step: Step): HostChange | undefined {
    if (step.type !== hostConfigType || step.change === "same") return undefined;
    const before = inputsOf(step.before?.inputs);
    const after = withChangedSecrets(inputsOf(step.after?.inputs), step.paths);
    const config = after ?? before;
    if (config === undefined) return undefined;
    const changed = before !== undefined && after !== undefined && step.change === "update";
    const [old, next] = [before?.service, after?.service];
    const agent =
        changed && old?.kind === "mesosAgent" && next?.kind === "mesosAgent"
            ? classifyAgentChange(old, next)
            : undefined;
    const others = step.paths.filter(
        (path) => !told.test(path) && !machineType.test(path) && !isControlOnly(path.split(/[.[]/)),
    );
    const { service, rollout } = config;
    return {
        host: config.host,
        address: config.connection.address === UNKNOWN ? "" : config.connection.address,
        tier: rollout.tier,
        kind: service.kind,
        action: actions[step.change],
        files: changed ? fileChanges(before, after) : [],
        packages: changed ? versions(before, after) : [],
        restarts: changed ? plannedRestarts(before, after) : [],
        ...(agent === undefined ? {} : { agent }),
        others: changed ? others : [],
        ...turnOf(step.said),
        maxUnavailable: rollout.maxUnavailable,
        healthTimeoutSec: rollout.healthTimeoutSec,
        drainGraceSec: service.kind === "mesosAgent" ? service.drainGraceSec : 0,
        protect: step.before?.protect === true,
    };
}
