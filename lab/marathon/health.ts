/** Checks that Marathon itself runs against its tasks: HTTP, HTTPS and TCP. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { JsonObject } from "../../site/definitions/fields";
import type { Marathon } from "./marathon";
import { type Health, healthChecksOf, type Instance, isHealthy, isOwnCheck, isRunning } from "./model";

const seconds = (value: unknown, otherwise: number): number => (typeof value === "number" ? value : otherwise);

/** @returns undefined when all is well, else the cause */
export function probe(check: JsonObject, host: string, port: number): Promise<string | undefined> {
    const timeoutMs = seconds(check["timeoutSeconds"], 20) * 1000;
    return new Promise((resolve) => {
        const { protocol, path } = check;
        const options = { host, port, path: typeof path === "string" ? path : "/", agent: false, rejectUnauthorized: false } as const;
        const attempt =
            protocol === "TCP" ? connect({ host, port }) : protocol === "HTTPS" ? httpsRequest(options) : httpRequest(options);
        const end = (cause?: string): void => {
            clearTimeout(timer);
            attempt.destroy();
            resolve(cause);
        };
        const timer = setTimeout(() => end(`no answer within ${timeoutMs} ms`), timeoutMs);
        attempt.on("error", (error: Error) => end(error.message));
        if (protocol === "TCP") {
            attempt.on("connect", () => end());
            return;
        }
        attempt.on("response", ({ statusCode = 0 }: { statusCode?: number }) =>
            end(statusCode >= 200 && statusCode < 400 ? undefined : `HTTP status ${statusCode}`),
        );
        attempt.end();
    });
}

/** What one more result makes of what was known. */
export function afterProbe(known: Health | null, cause: string | undefined, now: string): Health {
    if (cause === undefined) {
        return { alive: true, consecutiveFailures: 0, firstSuccess: known?.firstSuccess ?? now, lastSuccess: now };
    }
    return {
        ...known,
        alive: false,
        consecutiveFailures: (known?.consecutiveFailures ?? 0) + 1,
        lastFailure: now,
        lastFailureCause: cause,
    };
}

const LOOK_MS = 200;

export class HealthChecker {
    private readonly due = new Map<string, number>();
    private readonly clock: NodeJS.Timeout;

    public constructor(private readonly marathon: Marathon) {
        this.clock = setInterval(() => this.look(), LOOK_MS);
    }

    public close(): void {
        clearInterval(this.clock);
    }

    private look(): void {
        const now = Date.now();
        const seen = new Set<string>();
        for (const instance of this.marathon.instances.values()) {
            const spec = this.marathon.specs.get(instance.spec);
            if (spec === undefined || instance.goal === "Stopped" || !isRunning(instance)) {
                continue;
            }
            healthChecksOf(spec).forEach((check, index) => {
                const key = `${instance.tasks[0] ?? ""} ${index}`;
                seen.add(key);
                const due = this.due.get(key) ?? now;
                if (isOwnCheck(check) && index < instance.health.length && due <= now) {
                    this.due.set(key, now + seconds(check["intervalSeconds"], 60) * 1000);
                    void this.check(instance.id, instance.tasks[0] ?? "", check, index);
                }
            });
        }
        [...this.due.keys()].filter((key) => !seen.has(key)).forEach((key) => this.due.delete(key));
    }

    private async check(id: string, task: string, check: JsonObject, index: number): Promise<void> {
        const { marathon } = this;
        const before = marathon.instances.get(id);
        const port = Number(check["port"] ?? before?.ports[Number(check["portIndex"] ?? 0)] ?? 0);
        const cause = await probe(check, before?.agent?.hostname ?? "", port);
        const instance = marathon.instances.get(id);
        if (instance?.tasks[0] !== task || !isRunning(instance)) {
            return;
        }
        const known = instance.health[index] ?? null;
        if (cause !== undefined && this.isForgiven(instance, known, check)) {
            return;
        }
        const health = instance.health.map((one, at) => (at === index ? afterProbe(one, cause, new Date().toISOString()) : one));
        const next = { ...instance, health };
        this.tell(instance, next, cause);
        marathon.setInstance(next);
        const most = seconds(check["maxConsecutiveFailures"], 3);
        if (most > 0 && (health[index]?.consecutiveFailures ?? 0) >= most) {
            this.replace(next, cause ?? "");
        }
    }

    /** While it starts, and has never been well, a failure does not count. */
    private isForgiven({ startedAt = "" }: Instance, known: Health | null, check: JsonObject): boolean {
        const grace = seconds(check["gracePeriodSeconds"], 300) * 1000;
        return known?.firstSuccess === undefined && Date.now() - Date.parse(startedAt) < grace;
    }

    private tell(before: Instance, after: Instance, cause: string | undefined): void {
        const { events } = this.marathon;
        const subject = { appId: after.spec, taskId: after.tasks[0] ?? "", instanceId: after.id, version: after.version };
        if (cause !== undefined) {
            events.tell("failed_health_check_event", subject);
        }
        if (isHealthy(before) !== isHealthy(after)) {
            const alive = isHealthy(after) === true;
            events.tell("health_status_changed_event", { ...subject, alive });
            events.tell("instance_health_changed_event", {
                instanceId: after.id,
                runSpecId: after.spec,
                runSpecVersion: after.version,
                healthy: alive,
            });
        }
    }

    /** Killed with the goal to run: it is started again. */
    private replace(instance: Instance, reason: string): void {
        this.marathon.events.tell("unhealthy_instance_kill_event", {
            appId: instance.spec,
            taskId: instance.tasks[0] ?? "",
            instanceId: instance.id,
            version: instance.version,
            reason,
            host: instance.agent?.hostname ?? "",
            slaveId: instance.agent?.id ?? null,
        });
        this.marathon.killTasks(instance);
    }
}
