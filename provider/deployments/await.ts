/** Waits until what was sent runs: the deployment is gone, the app has our version, all instances run and are healthy. */
import type { Accepted, DefinitionKind, MarathonClient, Running } from "../clients/marathon";

export interface Wanted {
    readonly kind: DefinitionKind;
    readonly id: string;
    readonly accepted: Accepted;
    readonly timeoutSec: number;
    readonly say: (line: string) => void;
    /** Fields in which what is there is not what was sent. */
    readonly differs: (running: Running) => readonly string[];
}

export type Outcome =
    | { readonly kind: "done"; readonly running: Running }
    | { readonly kind: "late" | "gone" | "superseded"; readonly reason: string };

/** Longest time between two looks when no event comes, milliseconds. */
const POLL_MS = 1500;
/** Time between two looks at how far it is, milliseconds. */
const PROGRESS_MS = 2000;
/** A look is not repeated before this time, however many events come, milliseconds. */
const REST_MS = 250;

/** Looks at the deployments for everybody who waits: one request serves all. */
export class DeploymentWatch {
    private readonly sleepers = new Set<() => void>();
    private look: Promise<ReadonlySet<string>> | undefined;
    private stop: (() => void) | undefined;
    private waiters = 0;

    public constructor(
        private readonly client: MarathonClient,
        private readonly pollMs = POLL_MS,
        private readonly restMs = REST_MS,
    ) {}

    /** Ids of the running deployments, no older than a moment. */
    private running(): Promise<ReadonlySet<string>> {
        this.look ??= (async () => {
            await new Promise((resolve) => setTimeout(resolve, this.restMs));
            const ids = new Set((await this.client.deployments()).map(({ id }) => id));
            return ids;
        })().finally(() => (this.look = undefined));
        return this.look;
    }

    /** Until something happened, or it is time to look again. */
    private change(): Promise<void> {
        return new Promise((resolve) => {
            const wake = (): void => {
                clearTimeout(timer);
                this.sleepers.delete(wake);
                resolve();
            };
            const timer = setTimeout(wake, this.pollMs);
            this.sleepers.add(wake);
        });
    }

    private async listening<T>(work: () => Promise<T>): Promise<T> {
        if (this.waiters++ === 0)
            this.stop = this.client.events.listen(() => {
                for (const wake of [...this.sleepers]) wake();
            });
        try {
            return await work();
        } finally {
            if (--this.waiters === 0) this.stop?.();
        }
    }

    /** Waits for a deployment to be gone; false when it is still there at the end of the time. */
    public waitGone(deploymentId: string | undefined, timeoutSec: number): Promise<boolean> {
        if (deploymentId === undefined) return Promise.resolve(true);
        const deadline = Date.now() + timeoutSec * 1000;
        return this.listening(async () => {
            while ((await this.running()).has(deploymentId)) {
                if (Date.now() > deadline) return false;
                await this.change();
            }
            return true;
        });
    }

    public wait(wanted: Wanted): Promise<Outcome> {
        return this.listening(() => this.follow(wanted));
    }

    private async follow({ kind, id, accepted, timeoutSec, say, differs }: Wanted): Promise<Outcome> {
        const deadline = Date.now() + timeoutSec * 1000;
        let said = "";
        let looked = 0;
        let strange = 0;
        for (;;) {
            const runs = accepted.deploymentId !== undefined && (await this.running()).has(accepted.deploymentId);
            const isLate = Date.now() > deadline;
            if (!runs || isLate || Date.now() - looked > PROGRESS_MS) {
                const now = await this.client.get(kind, id);
                looked = Date.now();
                const text = now === undefined ? "" : progress(now);
                if (text !== said && text !== "") say(text);
                said = text;
                if (!runs) {
                    // A new leader may still tell an older state: what is strange must be so twice.
                    const others = now === undefined ? [] : differs(now);
                    strange = now === undefined || others.length > 0 ? strange + 1 : 0;
                    if (strange > 1) return strangeOutcome(id, now, others);
                    if (now !== undefined && strange === 0 && isWell(now)) return { kind: "done", running: now };
                }
                if (isLate) {
                    const closely = await this.client.alone(kind, id);
                    return { kind: "late", reason: await whyNot(this.client, id, closely, timeoutSec) };
                }
            }
            await this.change();
        }
    }
}

function strangeOutcome(id: string, now: Running | undefined, others: readonly string[]): Outcome {
    return now === undefined
        ? { kind: "gone", reason: `${id} is not there any more: somebody else deleted it or took the deployment back` }
        : {
              kind: "superseded",
              reason: `the deployment ended, but ${id} is not what was sent (${others.join(", ")}): somebody else took it back or changed it`,
          };
}

/** Whether all instances run and are healthy, and nothing is under way. */
export function isWell({ instances, running, healthy, unhealthy, deployments }: Running): boolean {
    return deployments.length === 0 && running === instances && healthy === instances && unhealthy === 0;
}

/** Instances of former versions that still run; 0 where the server does not tell. */
const formerOf = ({ newest, running }: Running): number => (newest === undefined ? 0 : running - newest.running);

function progress(now: Running): string {
    const { instances, running, newest = now } = now;
    if (instances === 0) return running === 0 ? "" : `${running} still to be stopped`;
    const former = formerOf(now);
    if (former > 0)
        return `${newest.healthy} of ${instances} new ones healthy, ${former} old ${former === 1 ? "one runs" : "ones run"}`;
    return newest.healthy === newest.running
        ? `${newest.healthy} of ${instances} healthy`
        : `${newest.healthy} of ${instances} healthy, ${newest.running} running`;
}

const illness = (causes: readonly string[] = [], has: string, fails: string): string =>
    causes.length === 0
        ? `${has} not passed a health check yet`
        : `${fails} health check: ${causes.slice(0, 3).join(", ")}`;

/** One paragraph: how far it came, what failed last, what no agent has. */
export async function whyNot(
    client: MarathonClient,
    id: string,
    now: Running | undefined,
    timeoutSec: number,
): Promise<string> {
    if (now === undefined) return `${id} is not there`;
    const { instances, newest } = now;
    const { running, healthy } = newest ?? now;
    const former = formerOf(now);
    const parts = [
        `${healthy} of ${instances} ${former > 0 ? "new " : ""}instance${instances === 1 ? " is" : "s are"} healthy after ${timeoutSec} s`,
    ];
    if (running > healthy)
        parts.push(
            running - healthy === 1
                ? `1 runs, but ${illness(newest?.causes, "has", "fails its")}`
                : `${running - healthy} run, but ${illness(newest?.causes, "have", "fail their")}`,
        );
    const { waiting, reasons } = await client.rejections(id).catch(() => ({ waiting: 0, reasons: [] as string[] }));
    if (waiting > 0)
        parts.push(
            `${waiting} wait for an agent: ${reasons.length > 0 ? reasons.join(", ") : "no offer came that could be looked at"}`,
        );
    if (now.lastFailure !== undefined) {
        const { state, host, message } = now.lastFailure;
        parts.push(`the last task to fail: ${state}${host === "" ? "" : ` on ${host}`}: ${message}`);
    }
    if (parts.length === 1) parts.push("none is ill, failed or waits for an agent: it only takes longer");
    if (former > 0) parts.push(`${former} of the version before still run${former === 1 ? "s" : ""}`);
    return parts.join("; ");
}
