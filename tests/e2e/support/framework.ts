/** The tests' own framework: it launches tasks where it is told to, and notes everything that it hears of them. */
import {
    isTerminal,
    launch,
    MastersList,
    MemoryIdStore,
    type Offer,
    Scheduler,
    takeResources,
    type TaskReference,
    type TaskStatus,
} from "../../../frameworks/scheduler";
import { ask, leadingMaster } from "./endpoints";
import { addressOf, on, QUORUM } from "./hosts";
import { outputs } from "./stack";
import { eventually } from "./steps";

const PRINCIPAL = "tester";
const ROLE = "tests";
const TASK = { scalars: { cpus: 0.1, mem: 32 } };
const LEADER_TIMEOUT_SEC = 30;

interface Wish {
    readonly task: string;
    readonly host: string;
    readonly command: string;
}

export class Framework {
    /** States of each task, in the order in which they were heard; repeated ones once. */
    public readonly states = new Map<string, string[]>();
    /** Masters that it has been subscribed at. */
    public readonly masters: string[] = [];
    private readonly wishes: Wish[] = [];
    private readonly places = new Map<string, TaskReference>();
    private readonly scheduler: Scheduler;

    private constructor(secret: string) {
        this.scheduler = new Scheduler({
            masters: new MastersList(QUORUM.map((host) => `${addressOf(host)}:5050`)),
            framework: { name: "e2e", user: "root", roles: [ROLE], failoverTimeoutSec: 600 },
            credential: { principal: PRINCIPAL, secret },
            store: new MemoryIdStore(),
            // A master that lost its power says nothing at all.
            missedHeartbeats: 1.3,
            backoff: { maxMs: 500 },
            handler: {
                subscribed: (_id, master) => this.masters.push(master),
                offers: (offers) => Promise.all(offers.map((offer) => this.consider(offer))).then(() => undefined),
                update: (status) => this.note(status),
                tasks: () => this.places.values(),
            },
        });
    }

    public static async subscribe(): Promise<Framework> {
        const { frameworks } = await outputs();
        const framework = new Framework(frameworks[PRINCIPAL]?.secret ?? "");
        await framework.scheduler.start();
        return framework;
    }

    private note({ task_id: { value: task }, agent_id: agent, state }: TaskStatus): void {
        const states = this.states.get(task) ?? [];
        if (states[states.length - 1] !== state) {
            this.states.set(task, [...states, state]);
        }
        if (isTerminal(state)) {
            this.places.delete(task);
        } else {
            this.places.set(task, { task_id: { value: task }, ...(agent !== undefined && { agent_id: agent }) });
        }
    }

    private async consider({ id, agent_id: agent, hostname, resources }: Offer): Promise<void> {
        const index = this.wishes.findIndex(({ host }) => host === hostname);
        const wish = this.wishes[index];
        const found = takeResources(resources, TASK);
        if (wish === undefined || "lacking" in found) {
            await this.scheduler.decline([id], 1).catch(() => undefined);
            return;
        }
        this.wishes.splice(index, 1);
        const task = {
            name: wish.task,
            task_id: { value: wish.task },
            agent_id: agent,
            resources: found.taken,
            command: { shell: true, value: wish.command },
        };
        await this.scheduler.accept([id], [launch(task)], { refuse_seconds: 1 });
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
        await eventually("a subscription", () => this.scheduler.master, { timeoutSec: LEADER_TIMEOUT_SEC });
        await this.scheduler.teardown();
    }

    /** Whether the leading master counts the framework's task as running. */
    public async runsByMaster(task: string, auth: string): Promise<boolean> {
        const leader = await leadingMaster();
        const answer = await ask(leader ?? QUORUM[0], 5050, "/tasks?limit=100", { auth });
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
