/** A minimal v1 HTTP framework: it launches tasks where it is told to, and notes everything that it hears of them. */
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { ask, leadingMaster } from "./endpoints";
import { addressOf, on } from "./hosts";
import { outputs } from "./stack";
import { eventually, pause } from "./steps";

const PRINCIPAL = "tester";
const ROLE = "tests";

interface Resource {
    readonly name: string;
    readonly scalar?: { readonly value: number };
}

interface Id {
    readonly value: string;
}

interface Offer {
    readonly id: Id;
    readonly agent_id: Id;
    readonly hostname: string;
    readonly resources: readonly Resource[];
}

interface Status {
    readonly task_id: Id;
    readonly agent_id?: Id;
    readonly state: string;
    readonly reason?: string;
    readonly uuid?: string;
}

interface Event {
    readonly type: string;
    readonly subscribed?: { readonly framework_id: Id };
    readonly offers?: { readonly offers: readonly Offer[] };
    readonly update?: { readonly status: Status };
}

interface Wish {
    readonly task: string;
    readonly host: string;
    readonly command: string;
}

export class Framework {
    public id: Id | undefined;
    /** States of each task, in the order in which they were heard; repeated ones once. */
    public readonly states = new Map<string, string[]>();
    /** Masters that it has been subscribed at. */
    public readonly masters: string[] = [];
    private readonly wishes: Wish[] = [];
    private streamId = "";
    private master: string | undefined;
    private stream: ClientRequest | undefined;
    private closed = false;

    private constructor(private readonly secret: string) {}

    public static async subscribe(): Promise<Framework> {
        const { frameworks } = await outputs();
        const framework = new Framework(frameworks[PRINCIPAL]?.secret ?? "");
        void framework.staySubscribed();
        await eventually("the framework is subscribed", () => framework.id, { timeoutSec: 30 });
        return framework;
    }

    private get auth(): string {
        return `${PRINCIPAL}:${this.secret}`;
    }

    /** As the schedulers of real frameworks do: whoever leads, under the same id. */
    private async staySubscribed(): Promise<void> {
        while (!this.closed) {
            const leader = await leadingMaster();
            if (leader !== undefined) {
                await this.listen(leader).catch(() => undefined);
                this.master = undefined;
            }
            await pause(200);
        }
    }

    /** Subscribes and takes events until the stream ends. */
    private listen(leader: string): Promise<void> {
        const info = {
            user: "root",
            name: "e2e",
            principal: PRINCIPAL,
            roles: [ROLE],
            checkpoint: true,
            failover_timeout: 600,
            capabilities: [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }, { type: "TASK_KILLING_STATE" }],
            ...(this.id !== undefined && { id: this.id }),
        };
        const call = {
            type: "SUBSCRIBE",
            subscribe: { framework_info: info },
            ...(this.id !== undefined && { framework_id: this.id }),
        };
        return new Promise((resolve, reject) => {
            const stream = request({
                host: addressOf(leader),
                port: 5050,
                method: "POST",
                path: "/api/v1/scheduler",
                auth: this.auth,
                agent: false,
                headers: { "Content-Type": "application/json", Accept: "application/json" },
            });
            this.stream = stream;
            stream.on("error", reject);
            // The master's heartbeat comes every 15 s; a master that lost its power says nothing at all.
            stream.setTimeout(20_000, () => stream.destroy());
            stream.on("response", (response) => {
                if (response.statusCode !== 200) {
                    stream.destroy();
                    reject(new Error(`HTTP ${response.statusCode ?? 0}`));
                    return;
                }
                this.streamId = String(response.headers["mesos-stream-id"]);
                this.master = leader;
                this.masters.push(leader);
                this.take(response);
                response.on("close", resolve);
                response.on("error", () => resolve());
            });
            stream.end(JSON.stringify(call));
        });
    }

    /** RecordIO: a length, a newline, that many bytes. */
    private take(response: IncomingMessage): void {
        let rest = Buffer.alloc(0);
        response.on("data", (data: Buffer) => {
            rest = Buffer.concat([rest, data]);
            for (;;) {
                const newline = rest.indexOf("\n");
                const length = newline < 0 ? NaN : Number(rest.subarray(0, newline).toString());
                if (Number.isNaN(length) || rest.length < newline + 1 + length) {
                    return;
                }
                const text = rest.subarray(newline + 1, newline + 1 + length).toString("utf8");
                rest = rest.subarray(newline + 1 + length);
                this.event(JSON.parse(text) as Event);
            }
        });
    }

    private event({ type, subscribed, offers, update }: Event): void {
        if (type === "SUBSCRIBED") {
            this.id = subscribed?.framework_id;
        } else if (type === "OFFERS") {
            offers?.offers.forEach((offer) => void this.consider(offer));
        } else if (type === "UPDATE" && update !== undefined) {
            const { task_id, agent_id, state, uuid } = update.status;
            const states = this.states.get(task_id.value) ?? [];
            if (states[states.length - 1] !== state) {
                this.states.set(task_id.value, [...states, state]);
            }
            if (uuid !== undefined) {
                void this.call({ type: "ACKNOWLEDGE", acknowledge: { agent_id, task_id, uuid } });
            }
        }
    }

    private async call(body: object): Promise<void> {
        if (this.master === undefined) {
            return;
        }
        const text = JSON.stringify({ ...body, framework_id: this.id });
        await new Promise<void>((resolve) => {
            const call = request({
                host: addressOf(this.master ?? ""),
                port: 5050,
                method: "POST",
                path: "/api/v1/scheduler",
                auth: this.auth,
                agent: false,
                headers: { "Content-Type": "application/json", "Mesos-Stream-Id": this.streamId },
            });
            // A lost call is repeated by the protocol: offers come again, updates too until they are acknowledged.
            call.on("error", () => resolve());
            call.on("response", (response) => response.resume().on("close", resolve));
            call.setTimeout(5000, () => call.destroy());
            call.end(text);
        });
    }

    private async consider(offer: Offer): Promise<void> {
        const amount = (name: string): number =>
            offer.resources.filter((r) => r.name === name).reduce((sum, { scalar }) => sum + (scalar?.value ?? 0), 0);
        const index = this.wishes.findIndex(({ host }) => host === offer.hostname);
        const wish = amount("cpus") >= 0.1 && amount("mem") >= 32 ? this.wishes[index] : undefined;
        if (wish === undefined) {
            const filters = { refuse_seconds: 1 };
            await this.call({ type: "DECLINE", decline: { offer_ids: [offer.id], filters } });
            return;
        }
        this.wishes.splice(index, 1);
        const some = (name: string, value: number): object[] =>
            offer.resources
                .filter((r) => r.name === name)
                .slice(0, 1)
                .map((r) => ({ ...r, scalar: { value } }));
        const task = {
            name: wish.task,
            task_id: { value: wish.task },
            agent_id: offer.agent_id,
            resources: [...some("cpus", 0.1), ...some("mem", 32)],
            command: { shell: true, value: wish.command },
        };
        const operations = [{ type: "LAUNCH", launch: { task_infos: [task] } }];
        const filters = { refuse_seconds: 1 };
        await this.call({ type: "ACCEPT", accept: { offer_ids: [offer.id], operations, filters } });
    }

    /** Runs a command as a task on a host. @returns when it runs */
    public async launch(task: string, host: string, command: string): Promise<void> {
        // What a task of this name wrote in an earlier run of the tests must not be taken for its own.
        await on(host, `rm -rf /var/lib/mesos/agent/slaves/*/frameworks/*/executors/${task}`);
        this.wishes.push({ task, host, command });
        await this.reaches(task, "TASK_RUNNING");
    }

    public stateOf(task: string): string | undefined {
        return this.states.get(task)?.slice(-1)[0];
    }

    public async reaches(task: string, state: string, timeoutSec = 60): Promise<void> {
        await eventually(
            `task ${task} is ${state}`,
            () => (this.states.get(task)?.includes(state) === true ? true : undefined),
            { timeoutSec },
            () => `(heard: ${this.states.get(task)?.join(", ") ?? "nothing"})`,
        );
    }

    /** Ends the framework and all its tasks. */
    public async teardown(): Promise<void> {
        this.closed = true;
        await eventually("a leading master", async () => this.master ?? (await leadingMaster()), { timeoutSec: 30 });
        await this.call({ type: "TEARDOWN" });
        this.stream?.destroy();
    }

    /** Whether the leading master counts the framework's task as running. */
    public async runsByMaster(task: string, auth: string): Promise<boolean> {
        const leader = await leadingMaster();
        const answer = await ask(leader ?? "bm1", 5050, "/tasks?limit=100", { auth });
        const { tasks = [] } = JSON.parse(answer.body || "{}") as { tasks?: { id: string; state: string }[] };
        return tasks.some(({ id, state }) => id === task && state === "TASK_RUNNING");
    }
}

/** A task that says how it is: it notes each start, a beat every 0.2 s, and an orderly end. */
export const DIARY =
    "echo $$ >>starts; trap 'date >ended; exit 0' TERM; while :; do date +%s%N >>beats; sleep 0.2; done";

/** Reads a file of a task's sandbox; "" when it is not there. Of several runs, all. */
export async function diary(host: string, task: string, file: "starts" | "beats" | "ended"): Promise<string> {
    const place = `/var/lib/mesos/agent/slaves/*/frameworks/*/executors/${task}/runs/*/${file}`;
    return on(host, `for f in $(ls -d ${place} 2>/dev/null | grep -v /latest/); do cat $f; done`);
}

/** Longest time, ms, between two beats, the last of them until now. */
export function longestPause(beats: string): number {
    const times = [
        ...beats
            .trim()
            .split("\n")
            .map((line) => Number(BigInt(line) / 1_000_000n)),
        Date.now(),
    ];
    return times.reduce((longest, at, index) => Math.max(longest, at - (times[index - 1] ?? at)), 0);
}
