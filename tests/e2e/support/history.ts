/** What the quorums were like all through a run, asked of every server many times a second. */
import type { ZooKeeperSession } from "../../../frameworks/zookeeper/session";
import { leaderBy, type Mode, openSession, zookeeperMode } from "./endpoints";
import { on, QUORUM, type Unit } from "./hosts";
import { pause } from "./steps";

export type Role = Mode | undefined;

export interface Sample {
    /** Milliseconds since 1970; the hosts have this machine's clock. */
    readonly at: number;
    /** When the last answer was there. */
    readonly end: number;
    /** undefined: does not serve. */
    readonly roles: Readonly<Record<string, Role>>;
}

export type Tier = "zookeeper" | "mesos-master";

const PAUSE_MS = 100;

/** The role of each master by its own word: it answers, and whether it takes itself for the leader. */
async function masterRole(host: string): Promise<Role> {
    const { answers, leader } = await leaderBy(host);
    return answers ? (leader === host ? "leader" : "follower") : undefined;
}

export class History {
    public readonly samples: Record<Tier, Sample[]> = { zookeeper: [], "mesos-master": [] };
    private going = true;
    private readonly done: Promise<unknown>;

    private constructor() {
        this.done = Promise.all([this.follow("zookeeper", zookeeperMode), this.follow("mesos-master", masterRole)]);
    }

    /** What the quorums were like while `work` was done. It asks no longer than that, whatever becomes of the work. */
    public static async during(work: () => Promise<unknown>): Promise<History> {
        const history = new History();
        try {
            await work();
        } finally {
            await history.stop();
        }
        return history;
    }

    private async follow(tier: Tier, roleOf: (host: string) => Promise<Role>): Promise<void> {
        while (this.going) {
            const at = Date.now();
            const roles = await Promise.all(QUORUM.map(roleOf));
            this.samples[tier].push({
                at,
                end: Date.now(),
                roles: Object.fromEntries(QUORUM.map((host, i) => [host, roles[i]])),
            });
            await pause(PAUSE_MS);
        }
    }

    private async stop(): Promise<void> {
        this.going = false;
        await this.done;
    }

    /** The last sample that was complete before a moment. */
    public before(tier: Tier, at: number): Sample {
        const earlier = this.samples[tier].filter(({ end }) => end < at);
        const last = earlier[earlier.length - 1];
        if (last === undefined) {
            throw new Error(`no sample of ${tier} before ${new Date(at).toISOString()}`);
        }
        return last;
    }

    /** The first moment after `at` in which a host served. */
    public servedAgain(tier: Tier, host: string, at: number): number {
        return this.samples[tier].find((sample) => sample.at > at && sample.roles[host] !== undefined)?.at ?? Infinity;
    }

    /** Longest time, ms, between two samples in which some server led. */
    public longestWithoutLeader(tier: Tier): number {
        const led = this.samples[tier].filter(({ roles }) => Object.values(roles).includes("leader"));
        return led.reduce((longest, { at }, index) => Math.max(longest, at - (led[index - 1]?.at ?? at)), 0);
    }

    /** Fewest servers of a tier that served in any sample before `until`. */
    public fewestServing(tier: Tier, until = Infinity): number {
        const counts = this.samples[tier]
            .filter(({ end }) => end < until)
            .map(({ roles }) => Object.values(roles).filter(Boolean).length);
        return Math.min(...counts);
    }
}

/** When a unit last went down and came up, by systemd's word, milliseconds since 1970. */
export async function lastRestart(host: string, unit: Unit): Promise<{ host: string; down: number; up: number }> {
    const text = await on(
        host,
        `TZ=UTC systemctl show --timestamp=us+utc -p ActiveExitTimestamp -p ActiveEnterTimestamp ${unit}.service`,
    );
    const time = (name: string): number => {
        const match = new RegExp(`^${name}=\\w+ (\\S+) (\\S+) UTC$`, "m").exec(text);
        return match === null ? 0 : Date.parse(`${match[1] ?? ""}T${(match[2] ?? "").slice(0, 12)}Z`);
    };
    return { host, down: time("ActiveExitTimestamp"), up: time("ActiveEnterTimestamp") };
}

export interface Readings {
    readonly count: number;
    /** Longest time that one read took, its repetitions on other servers included, milliseconds. */
    readonly longestMs: number;
    readonly errors: readonly string[];
    readonly session: ZooKeeperSession;
}

/** A client that keeps one session and reads in it all the time. */
export class Reader {
    private going = true;
    private readonly result: Promise<Readings>;

    private constructor(private readonly session: ZooKeeperSession) {
        this.result = this.read();
    }

    /** What a client read while `work` was done. It reads no longer than that, whatever becomes of the work. */
    public static async during(work: () => Promise<unknown>): Promise<Readings> {
        const reader = new Reader(await openSession());
        try {
            await work();
        } finally {
            reader.going = false;
            await reader.result.then(
                () => reader.session.close(),
                () => reader.session.close(),
            );
        }
        return reader.result;
    }

    private async read(): Promise<Readings> {
        const errors: string[] = [];
        let count = 0;
        let longestMs = 0;
        while (this.going) {
            const began = Date.now();
            try {
                const names = await this.session.children("/mesos");
                if (!names.includes("log_replicas")) {
                    errors.push(`/mesos holds ${names.join(", ")}`);
                }
            } catch (error) {
                errors.push((error as Error).message);
            }
            count += 1;
            longestMs = Math.max(longestMs, Date.now() - began);
            await pause(50);
        }
        return { count, longestMs, errors, session: this.session };
    }
}
