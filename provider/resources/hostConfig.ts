/** One service on one host: files, packages and units as planned, changed in its tier's order. */
import { checkMasterChange, checkZooKeeperChange } from "../../site/change/quorumChange";
import { formatIssues } from "../../site/issue";
import type { Issue } from "../../site/plan/types";
import type { Ssh } from "../clients/ssh";
import { isControlOnly, type HostConfigInputs, parseInputs } from "../host/config";
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
import { type Difference, differences, type Properties, UNKNOWN } from "../wire";
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
        address: config.connection.address,
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

export function hostConfig(dependencies: HostConfigDependencies): ResourceType {
    const request = (config: HostConfigInputs, context: Context): Omit<Request, "kind"> => ({
        config,
        confirmed: isConfirmed(config),
        say: (line) => context.log("info", `${config.host}: ${line}`),
        warn: (line) => context.log("warning", `${config.host}: ${line}`),
    });

    return {
        check(inputs, previous) {
            const config = parseInputs(inputs);
            const before = previous && parseInputs(previous);
            const { service } = config;
            if (before === undefined) {
                return [];
            }
            if (service.kind === "zookeeper" && before.service.kind === "zookeeper") {
                return refuse(checkZooKeeperChange(before.service.members, service.members, isConfirmed(config)));
            }
            if (service.kind === "mesosMaster" && before.service.kind === "mesosMaster") {
                return refuse(checkMasterChange(before.service, service, isConfirmed(config)));
            }
            return [];
        },

        diff(before, after): DiffResult {
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
            const config = parseInputs(inputs);
            const before = parseInputs(previous);
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

        async read(id, inputs, _outputs, context): Promise<State> {
            const config = parseInputs(inputs);
            const seen = await inspect(dependencies.ssh, config, "look");
            const lines = drift(config, seen);
            if (lines.length > 0) {
                lines.forEach((line) => context.log("warning", `${config.host}: ${line}`));
            }
            preflightFaults(config, seen).forEach((fault) => context.log("warning", `${config.host}: ${fault}`));
            return {
                id,
                outputs: outputsOf(config, seen),
                inputs: observedInputs(config, seen) as unknown as Properties,
            };
        },

        async delete(_id, inputs, _outputs, context): Promise<void> {
            const config = parseInputs(inputs);
            await dependencies.tier(config).submit({ kind: "remove", ...request(config, context) });
        },
    };
}
