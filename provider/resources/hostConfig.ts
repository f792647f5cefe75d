/** One service on one host: files, packages and units as planned, changed in its tier's order. */
import { checkMasterChange, checkZooKeeperChange } from "../../site/change/quorumChange";
import { checkSchedulerChange } from "../../site/change/schedulerChange";
import { checkSecretsTogether } from "../../site/change/secretChange";
import { checkVersionChange } from "../../site/change/versionChange";
import { formatIssues, issue } from "../../site/issue";
import type { Issue } from "../../site/plan/types";
import type { Ssh } from "../clients/ssh";
import { isControlOnly, type HostConfigInputs, parseInputs, withFormer } from "../host/config";
import {
    digest,
    drift,
    inspect,
    missingArtifacts,
    missingPackages,
    type Observation,
    preflightFaults,
} from "../host/inspect";
import type { Request, Tier } from "../rollout/tier";
import type { Strategy } from "../rollout/strategy";
import { type Difference, differences, type Plain, type Properties, UNKNOWN } from "../wire";
import { HostError } from "../host/errors";
import { type CheckFailure, type Context, type DiffResult, InitError, type ResourceType, type State } from "./resource";

export interface HostConfigDependencies {
    readonly ssh: Ssh;
    /** The tier of a host; the same object for every host of the tier. */
    tier(config: HostConfigInputs): Tier;
    strategy(config: HostConfigInputs): Strategy;
    /** Foretells a quorum tier's order, one call per host, answered together. */
    foretellOrder(config: HostConfigInputs, before: HostConfigInputs): Promise<string>;
}

/** All issues as one failure of the whole resource. */
function refuse(issues: readonly Issue[]): CheckFailure[] {
    return issues.length === 0
        ? []
        : [{ property: "", reason: `refused; the host was not changed\n${formatIssues(issues)}` }];
}

/** Whether the administrator allows what loses data: in the stack file, or (for what has left it) in the environment. */
function isConfirmed(config: HostConfigInputs): boolean {
    return config.confirmed || process.env["PULUMI_MESOS_CONFIRM"] === config.cluster;
}

/** A change of a secret file that a preview cannot know yet is no change: generated secrets are made once. */
function withoutUnknown(changes: readonly Difference[], after: Properties): Difference[] {
    return changes.filter(({ path }) => {
        const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], after);
        return value !== UNKNOWN || path[0] === "files";
    });
}

function outputsOf(config: HostConfigInputs, seen: Observation | undefined, unseen = UNKNOWN): Properties {
    return {
        host: config.host,
        // Where it is not known before the machine is, the whole connection is not.
        address: (config.connection as Partial<HostConfigInputs["connection"]>).address ?? unseen,
        system: seen?.osName ?? unseen,
        packages: seen === undefined ? (unseen === UNKNOWN ? UNKNOWN : {}) : { ...seen.packages },
    };
}

/** The text on the host; of a file too large to be sent, its digest: never the planned text for another one. */
function contentOf(planned: string, sha256: string, base64: string | undefined): string {
    if (sha256 === digest(planned)) {
        return planned;
    }
    return base64 === undefined
        ? `(another content, sha256 ${sha256})`
        : Buffer.from(base64, "base64").toString("utf8");
}

/** The inputs as the host has them now. Where all is as planned they are the planned ones, to the letter. */
export function observedInputs(config: HostConfigInputs, seen: Observation): HostConfigInputs {
    const files = Object.entries(config.files).flatMap(([path, planned]) => {
        const state = seen.files[path];
        if (state === undefined || state === null) {
            return [];
        }
        const { sha256, mode, owner, group } = state;
        return [
            [path, { content: contentOf(planned.content, sha256, seen.contents[path]), mode, owner, group }] as const,
        ];
    });
    const units = Object.entries(config.units).map(([name, planned]) => {
        const state = seen.units[name];
        return [
            name,
            { ...planned, enabled: state?.enabled ?? false, active: (state?.active ?? false) && state?.stale !== true },
        ] as const;
    });
    const missing = new Set(missingPackages(config, seen).map((name) => name.split("=")[0]));
    const lost = missingArtifacts(config, seen);
    return {
        ...config,
        files: Object.fromEntries(files),
        units: Object.fromEntries(units),
        directories: Object.fromEntries(
            Object.entries(seen.directories).map(([path, { mode, owner, group }]) => [path, { mode, owner, group }]),
        ),
        users: config.users.filter(({ name }) => seen.users[name] !== undefined),
        packages: config.packages.flatMap((wanted) => {
            const installed = seen.packages[wanted.name];
            return !missing.has(wanted.name)
                ? [wanted]
                : installed === undefined
                  ? []
                  : [{ ...wanted, version: installed }];
        }),
        artifacts: config.artifacts.filter((artifact) => !lost.includes(artifact)),
    };
}

/** A machine that moves to another failure domain is another machine: never in passing. */
function checkZone(before: HostConfigInputs, after: HostConfigInputs): Issue[] {
    const [from, to] = [before.machine?.zone, after.machine?.zone];
    if (from === undefined || to === undefined || from === to || isConfirmed(after)) {
        return [];
    }
    return [
        issue(
            "ZONE_MOVES",
            `hosts, zone of ${after.host}`,
            `the machine would move from ${from} to ${to}, and be made anew there`,
            {
                value: to,
                allowed: from,
                fix: `give a list for new hosts the number that it begins at, zone: { 1: [...], N: [...] }; to move the host all the same, confirm: ${after.cluster}`,
            },
        ),
    ];
}

/** Whether the machine is to be replaced: the new one is not known before the old one is gone. */
function losesMachine(before: Properties, after: Properties): boolean {
    const of = ({ machine }: Properties): Plain | undefined =>
        machine === UNKNOWN ? UNKNOWN : (machine as Properties | undefined)?.["instance"];
    const [old, now] = [of(before), of(after)];
    return old !== undefined && old !== UNKNOWN && now === UNKNOWN;
}

/** What must not be done to a host's service, from what it was and what it is to be. */
function changeIssues(before: HostConfigInputs | undefined, config: HostConfigInputs): Issue[] {
    if (before === undefined) {
        return [];
    }
    const { service } = config;
    const confirmed = isConfirmed(config);
    const first = [...checkZone(before, config), ...checkVersionChange(before, config, confirmed, UNKNOWN)];
    if (first.length > 0) {
        return first;
    }
    if (service.kind === "zookeeper" && before.service.kind === "zookeeper") {
        return checkZooKeeperChange(before.service.members, service.members, confirmed);
    }
    if (service.kind === "mesosMaster" && before.service.kind === "mesosMaster") {
        return checkMasterChange(before.service, service, confirmed);
    }
    if (service.kind === "mesosAgent") {
        return checkSecretsTogether(before.files, config.files);
    }
    if ("frameworkName" in service && "frameworkName" in before.service) {
        return checkSchedulerChange(before.service, service, confirmed);
    }
    return [];
}

export function hostConfig(dependencies: HostConfigDependencies): ResourceType {
    const request = (config: HostConfigInputs, context: Context): Omit<Request, "kind"> => ({
        config,
        confirmed: isConfirmed(config),
        say: (line) => context.log("info", `${config.host}: ${line}`),
        warn: (line) => context.log("warning", `${config.host}: ${line}`),
    });

    /** Hosts whose machine is replaced in this run: what is deleted now is made again. */
    const comingBack = new Set<string>();

    return {
        async check(inputs, previous) {
            const config = parseInputs(inputs);
            const before = previous && parseInputs(previous);
            const issues = changeIssues(before, config);
            if (issues.length === 0 && before !== undefined && !isConfirmed(config)) {
                issues.push(...((await dependencies.strategy(config).objections?.(config, before)) ?? []));
            }
            if (issues.length > 0) {
                dependencies.tier(config).refused(config.host);
            }
            return refuse(issues);
        },

        diff(before, after, { urn }): DiffResult {
            if (losesMachine(before, after)) {
                // The machine is about to be replaced: the service is taken off it first, an agent is drained.
                comingBack.add(urn);
                const change = { path: ["machine"], kind: "update" as const };
                return { changes: [change], replaces: [change.path], deleteBeforeReplace: true };
            }
            const changes = differences(before, after).filter(({ path }) => !isControlOnly(path));
            return { changes: withoutUnknown(changes, after) };
        },

        async create(inputs, preview, context): Promise<State> {
            const config = parseInputs(inputs);
            const id = `${config.rollout.tier}/${config.host}`;
            if (preview) {
                return { id, outputs: outputsOf(config, undefined) };
            }
            const work = dependencies.tier(config).submit({ kind: "converge", ...request(config, context) });
            const seen = await work.catch((error: unknown) => {
                if (error instanceof HostError && error.touched) {
                    throw new InitError(error.message, { id, outputs: outputsOf(config, undefined, "") });
                }
                throw error;
            });
            return { id, outputs: outputsOf(config, seen) };
        },

        async update(id, previous, inputs, preview, context): Promise<State> {
            const config = withFormer(parseInputs(inputs), parseInputs(previous));
            const before = withFormer(parseInputs(previous), parseInputs(inputs));
            if (preview) {
                const order = await dependencies.foretellOrder(config, before);
                context.log(
                    "info",
                    `${config.host}: ${dependencies.strategy(config).foretell(config, before)}${order}`,
                );
                return { id, outputs: outputsOf(config, undefined) };
            }
            const seen = await dependencies
                .tier(config)
                .submit({ kind: "converge", before, ...request(config, context) });
            return { id, outputs: outputsOf(config, seen) };
        },

        async read(id, inputs, outputs, context): Promise<State> {
            const config = parseInputs(inputs);
            const seen = await inspect(dependencies.ssh, config, "look").catch((error: unknown) => {
                if (error instanceof HostError && config.machine !== undefined) {
                    // Nova knows whether the machine is still there, and the next update makes a lost one again.
                    context.log(
                        "warning",
                        `${config.host}: kept as it was remembered: ${error.message.split("\n")[0] ?? ""}`,
                    );
                    return undefined;
                }
                throw error;
            });
            if (seen === undefined) {
                return { id, inputs, outputs };
            }
            const observed = await dependencies
                .strategy(config)
                .observe(config)
                .catch((error: unknown) => {
                    const [reason = ""] = (error as Error).message.split("\n");
                    return { service: config.service, drift: [`looked at without the masters: ${reason}`] };
                });
            for (const line of [...drift(config, seen), ...observed.drift, ...preflightFaults(config, seen)]) {
                context.log("warning", `${config.host}: ${line}`);
            }
            return {
                id,
                outputs: outputsOf(config, seen),
                inputs: { ...observedInputs(config, seen), service: observed.service } as unknown as Properties,
            };
        },

        async delete(_id, inputs, _outputs, context): Promise<void> {
            const config = parseInputs(inputs);
            const comesBack = comingBack.delete(context.urn);
            await dependencies.tier(config).submit({ kind: "remove", comesBack, ...request(config, context) });
        },
    };
}
