/**
 * One tier of hosts: gathers the engine's concurrent calls into batches and rolls each batch.
 *
 * The engine calls per host and in parallel; order, health gates and "never two at once" are decided here. A batch is closed
 * when every member of a quorum has called or when no call has come for a moment; what comes later waits for the next one.
 */
import type { Ansible, Job, Outcome } from "../clients/ansible";
import type { Ssh } from "../clients/ssh";
import type { HostConfigInputs } from "../host/config";
import { HostError } from "../host/errors";
import {
    drift,
    inspect,
    leftOf,
    type Observation,
    preflightFaults,
    missingArtifacts,
    missingPackages,
    restarts,
} from "../host/inspect";
import { UserError } from "../resources/resource";
import { byName, leaderLast, type Role } from "./order";
import type { Prepared, Strategy } from "./strategy";

export interface Request {
    readonly kind: "converge" | "remove";
    readonly config: HostConfigInputs;
    readonly before?: HostConfigInputs;
    /** The run allows what loses data. */
    readonly confirmed: boolean;
    /** The service is taken off because its machine is replaced: it will be made again. @default false */
    readonly comesBack?: boolean;
    readonly say: (line: string) => void;
    readonly warn: (line: string) => void;
}

interface Pending extends Request {
    readonly resolve: (seen: Observation | undefined) => void;
    readonly reject: (error: unknown) => void;
}

export interface Tools {
    readonly ssh: Ssh;
    readonly ansible: Ansible;
}

/** Quiet time, ms, after which a batch is closed. The engine's calls for one tier come within some ten ms of each other. */
const QUIET_MS = { quorum: 600, pool: 250 };

/** Clocks further apart than this break certificates, leases and everyone's reading of logs, seconds. */
const MAX_SKEW_SEC = 30;

/** Members that may call before a batch must close: all of a quorum; a pool has no such number. */
function expected({ config: { service } }: Request): number {
    return service.kind === "mesosAgent" ? Infinity : service.members.length;
}

export class Tier {
    private queue: Pending[] = [];
    private timer: NodeJS.Timeout | undefined;
    private working = false;
    private stopped = false;
    private refusedHost: string | undefined;

    public constructor(
        private readonly strategy: Strategy,
        private readonly tools: Tools,
    ) {}

    /** @returns what the host looked like when all was done; undefined after a removal of a host that is out of reach */
    public submit(request: Request): Promise<Observation | undefined> {
        return new Promise((resolve, reject) => {
            this.queue.push({ ...request, resolve, reject });
            this.arm();
        });
    }

    /** A host of the tier has a change that is refused before it comes here: a quorum's others must not go on without it. */
    public refused(host: string): void {
        this.refusedHost ??= host;
    }

    /** Nothing new is begun; what is being done to a host is finished. */
    public stop(): void {
        this.stopped = true;
    }

    private arm(): void {
        clearTimeout(this.timer);
        const [first] = this.queue;
        if (this.working || first === undefined) {
            return;
        }
        const quiet =
            this.queue.length >= expected(first) ? 0 : this.strategy.isQuorum ? QUIET_MS.quorum : QUIET_MS.pool;
        this.timer = setTimeout(() => void this.work(), quiet);
    }

    private async work(): Promise<void> {
        this.working = true;
        const batch = this.queue;
        this.queue = [];
        try {
            // The engine deletes after it has created and updated, so a batch is of one kind; should it not be, both are served.
            await this.converge(batch.filter(({ kind }) => kind === "converge"));
            await this.remove(batch.filter(({ kind }) => kind === "remove"));
        } catch (error) {
            batch.forEach(({ reject }) => reject(error));
        } finally {
            this.working = false;
            this.arm();
        }
    }

    private async look(pending: Pending): Promise<Observation> {
        const { config } = pending;
        const seen = await inspect(this.tools.ssh, config, "preflight");
        if (pending.kind === "converge") {
            const faults = preflightFaults(config, seen);
            if (faults.length > 0) {
                throw new HostError(config.host, "preflight", faults.join("; "));
            }
            const skew = Math.round(seen.time - Date.now() / 1000);
            if (Math.abs(skew) > MAX_SKEW_SEC) {
                pending.warn(`the host's clock is ${Math.abs(skew)} s ${skew > 0 ? "ahead" : "behind"}; run NTP on it`);
            }
        }
        return seen;
    }

    /** Looks at all hosts at once. A host that fails is answered here; those left can be worked on. */
    private async prepare(batch: readonly Pending[]): Promise<(Pending & { prepared: Prepared })[]> {
        const looks = await Promise.allSettled(batch.map((pending) => this.look(pending)));
        const failed = batch.filter((_, index) => looks[index]?.status === "rejected");
        batch.forEach((pending, index) => {
            const look = looks[index];
            if (look?.status === "rejected") {
                pending.reject(look.reason);
            } else if (this.strategy.isQuorum && failed.length > 0) {
                pending.reject(this.notChanged(pending, failed[0]?.config.host ?? "", "preflight"));
            }
        });
        if (this.strategy.isQuorum && failed.length > 0) {
            return [];
        }
        const ready = batch.filter((pending) => !failed.includes(pending));
        const roles: ReadonlyMap<string, Role> =
            ready.length > 0
                ? await this.strategy.roles(ready.map(({ before, config }) => before ?? config))
                : new Map();
        return batch.flatMap((pending, index) => {
            const look = looks[index];
            if (look?.status !== "fulfilled") {
                return [];
            }
            const { config, before, say, warn } = pending;
            const role = roles.get(config.host) ?? "absent";
            const lines = drift(config, look.value);
            const prepared: Prepared = {
                host: config.host,
                config,
                before,
                seen: look.value,
                drift: lines,
                role,
                isNew: before === undefined && (role === "absent" || role === "down"),
                restarts: restarts(config, look.value, lines),
                say,
                warn,
            };
            return [{ ...pending, prepared }];
        });
    }

    private notChanged({ config }: Request, host: string, step: string): UserError {
        return new UserError(
            `${config.host}: not changed: the rollout of ${config.rollout.tier} stopped at ${host} (${step})`,
        );
    }

    private async converge(batch: readonly Pending[]): Promise<void> {
        if (batch.length === 0) {
            return;
        }
        const { refusedHost } = this;
        if (this.strategy.isQuorum && refusedHost !== undefined) {
            batch.forEach((pending) => pending.reject(this.notChanged(pending, refusedHost, "its change is refused")));
            return;
        }
        const ready = await this.prepare(batch);
        const pendingOf = new Map(ready.map((pending) => [pending.config.host, pending]));
        let left = await this.strategy.waves(ready.map(({ prepared }) => prepared));
        const inTurn = left.length > 1;
        let [stoppedAt, turn]: [HostError | undefined, number] = [undefined, 0];
        for (let [wave, ...rest] = left; wave !== undefined; [wave, ...rest] = left) {
            left = rest;
            if (stoppedAt === undefined && !this.stopped) {
                wave.forEach((host) => {
                    turn += 1;
                    if (host.drift.length > 0 && inTurn) {
                        host.say(`turn ${turn} of ${ready.length}${host.role === "leader" ? ", the leader" : ""}`);
                    }
                });
                const errors = await this.wave(wave, pendingOf);
                stoppedAt = errors[0];
                left = stoppedAt === undefined ? await this.reordered(rest) : rest;
                continue;
            }
            for (const { host } of wave) {
                const pending = pendingOf.get(host);
                pending?.reject(
                    stoppedAt === undefined
                        ? new UserError(`${host}: not changed: the run was cancelled`)
                        : this.notChanged(pending, stoppedAt.host, stoppedAt.step),
                );
            }
        }
    }

    /** Whoever leads by now goes last. Where only one is left, or it cannot be told, it stays as it was. */
    private async reordered(waves: Prepared[][]): Promise<Prepared[][]> {
        const hosts = waves.flat();
        if (waves.length < 2 || !hosts.some(({ role }) => ["leader", "follower"].includes(role))) return waves;
        const asked = this.strategy.roles(hosts.map(({ before, config }) => before ?? config));
        return leaderLast(waves, await asked.catch(() => new Map<string, Role>()));
    }

    /** Changes the hosts of one wave together; @returns the errors, each already given to its host's call */
    private async wave(wave: readonly Prepared[], pendingOf: ReadonlyMap<string, Pending>): Promise<HostError[]> {
        const errors: HostError[] = [];
        const fail = (host: Prepared, error: unknown): void => {
            pendingOf.get(host.host)?.reject(error);
            errors.push(
                error instanceof HostError ? error : new HostError(host.host, "rollout", (error as Error).message),
            );
        };
        const jobs: { host: Prepared; job: Job }[] = [];
        const healthy: Prepared[] = [];
        await Promise.all(
            wave.map(async (host) => {
                try {
                    const forget = await this.strategy.before(host);
                    const left = leftOf(host.before, host.config);
                    if (host.drift.length === 0 && forget.length === 0 && left === undefined) {
                        healthy.push(host);
                    } else {
                        jobs.push({ host, job: { config: host.config, seen: host.seen, forget, left } });
                    }
                } catch (error) {
                    fail(host, error);
                }
            }),
        );
        const outcomes = await this.apply(jobs);
        jobs.forEach(({ host }, index) => {
            const outcome = outcomes[index];
            if (outcome !== undefined && "error" in outcome) {
                outcome.error.touched = true;
                fail(host, outcome.error);
            } else {
                healthy.push(host);
            }
        });
        await Promise.all(
            healthy.map(async (host) => {
                try {
                    await this.strategy.after(host);
                    pendingOf.get(host.host)?.resolve(await inspect(this.tools.ssh, host.config, "last look"));
                } catch (error) {
                    const told = await this.withLastWords(host.config, error);
                    if (told instanceof HostError) {
                        told.touched = true;
                    }
                    fail(host, told);
                }
            }),
        );
        return errors.sort(byName);
    }

    /** A service that does not become healthy has usually said why: its last lines belong into the error. */
    private async withLastWords(config: HostConfigInputs, error: unknown): Promise<unknown> {
        if (!(error instanceof HostError) || error.step !== "health") {
            return error;
        }
        const units = Object.keys(config.units);
        const command = `sh -c 'systemctl is-active ${units.join(" ")}; journalctl -n 8 -o cat --no-pager ${units.map((unit) => `-u ${unit}`).join(" ")}'`;
        const words = await this.tools.ssh
            .run(config.host, config.connection, command, { step: "read the log", stdin: "", timeoutSec: 20 })
            .catch((problem: unknown) => (problem as Error).message);
        return new HostError(
            error.host,
            error.step,
            `${error.reason}\n  the service's last words: ${words.trim().split("\n").join("\n    ")}`,
            error.fix,
        );
    }

    private async apply(jobs: readonly { host: Prepared; job: Job }[]): Promise<Outcome[]> {
        if (jobs.length === 0) {
            return [];
        }
        const hosts = new Map(jobs.map(({ host }) => [host.host, host]));
        jobs.forEach(({ host, job }) => {
            const packages = [
                ...missingPackages(job.config, job.seen),
                ...missingArtifacts(job.config, job.seen).map(({ source }) => source),
            ];
            if (packages.length > 0) {
                host.say(`installs ${packages.join(", ")}`);
            }
        });
        return this.tools.ansible.run(
            jobs.map(({ job }) => job),
            (host, changes) => hosts.get(host)?.say(changes.join(", ")),
        );
    }

    private async remove(batch: readonly Pending[]): Promise<void> {
        const looks = await Promise.all(
            batch.map((pending) => this.look(pending).catch((error: unknown) => error as Error)),
        );
        const leaving = batch.flatMap((pending, index) => {
            const seen = looks[index];
            if (seen === undefined) {
                return [];
            }
            // The machine that the service was on is gone: an `up` that failed had made another one in its place.
            const isGone = seen instanceof HostError && seen.isOtherMachine && pending.config.machine !== undefined;
            if (isGone) {
                pending.say("its machine is gone, and another one answers there: nothing is left to take away");
            }
            // A host that is out of reach can only be left behind as it is, and only if the administrator says so.
            if (seen instanceof Error && !isGone && !pending.confirmed && pending.comesBack !== true) {
                const fix = `to forget the host without cleaning it up, run with PULUMI_MESOS_CONFIRM=${pending.config.cluster}`;
                pending.reject(new UserError(`${seen.message}\n  ${fix}`));
                return [];
            }
            return [{ pending, host: asLeaving(pending, seen), seen }];
        });
        if (leaving.length === 0) {
            return;
        }
        const confirmed = leaving.every(({ pending }) => pending.confirmed);
        const failed = new Map<string, Error>(
            await this.strategy.beforeRemoval(
                leaving.map(({ host }) => host),
                confirmed,
            ),
        );
        const staying = leaving.filter(({ host }) => failed.has(host.host));
        const going = leaving.filter((one) => !staying.includes(one)).map(({ host }) => host);
        const reachable = leaving.flatMap(({ host, seen }) => {
            const job = { config: host.config, remove: true, forget: this.strategy.outdated(host, going) };
            return seen instanceof Error || failed.has(host.host) ? [] : [{ host, job: { ...job, seen } }];
        });
        const outcomes = await this.apply(reachable);
        reachable.forEach(({ host }, index) => {
            const outcome = outcomes[index];
            if (outcome !== undefined && "error" in outcome) {
                failed.set(host.host, outcome.error);
            }
        });
        await Promise.all(
            leaving.map(async ({ pending, host, seen }) => {
                if (seen instanceof Error) {
                    pending.warn(`out of reach and left as it is: ${seen.message.split("\n")[0] ?? ""}`);
                }
                try {
                    const error = failed.get(host.host);
                    if (error !== undefined) {
                        throw error;
                    }
                    await this.strategy.afterRemoval(host);
                    pending.resolve(undefined);
                } catch (error) {
                    pending.reject(error);
                }
            }),
        );
    }
}

/** A host whose service goes; what is on it does not matter any more, so an unanswered look is as good as any. */
function asLeaving({ config, comesBack = false, say, warn }: Pending, seen: Observation | Error): Prepared {
    return {
        comesBack,
        host: config.host,
        config,
        before: config,
        seen: seen as Observation,
        drift: [],
        role: "absent",
        isNew: false,
        restarts: true,
        say,
        warn,
    };
}
