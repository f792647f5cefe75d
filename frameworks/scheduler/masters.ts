/** Who leads the masters? */
import { LeaderWatch } from "../zookeeper/election";
import type { ZooKeeperSession } from "../zookeeper/session";

export interface LeaderDetector {
    /**
     * @param hint whom a master has just named as the leader
     * @returns `host:port` of the master to subscribe at; undefined when none is known
     */
    find(hint?: string): Promise<string | undefined>;
    /** Called whenever another master leads, by those who can know. */
    onChange(listener: (master: string | undefined) => void): void;
    close(): void;
}

/** A fixed list, asked in turn: a master that does not lead names the one that does. */
export class MastersList implements LeaderDetector {
    private turn = 0;

    /** @param masters `host:port` each */
    public constructor(private readonly masters: readonly string[]) {
        if (masters.length === 0) {
            throw new Error("no master is given: host:port of at least one is wanted");
        }
    }

    public find(hint?: string): Promise<string | undefined> {
        return Promise.resolve(hint ?? this.masters[this.turn++ % this.masters.length]);
    }

    public onChange(): void {
        // It hears of a change only from the masters themselves.
    }

    public close(): void {
        // It holds nothing.
    }
}

interface MasterInfo {
    readonly address?: { readonly ip?: string; readonly hostname?: string; readonly port?: number };
}

/** @returns `ip:port` of a MasterInfo as masters write it into ZooKeeper */
export function addressOfMaster(json: string): string | undefined {
    const { address } = JSON.parse(json) as MasterInfo;
    const host = address?.ip ?? address?.hostname;
    return host === undefined ? undefined : `${host}:${address?.port ?? 5050}`;
}

/** The election in ZooKeeper: a change of the leader is heard at once, before the old one's stream falls silent. */
export class ZooKeeperMasters implements LeaderDetector {
    private leader: string | undefined;
    private readonly listeners: ((master: string | undefined) => void)[] = [];
    private readonly watch: LeaderWatch;

    /** @param path of the masters' `--zk`, `/mesos` */
    public constructor(session: ZooKeeperSession, path = "/mesos") {
        this.watch = new LeaderWatch(session, path, "json.info_", (json) => {
            this.leader = json === undefined ? undefined : addressOfMaster(json);
            this.listeners.forEach((listener) => listener(this.leader));
        });
    }

    public find(): Promise<string | undefined> {
        return Promise.resolve(this.leader);
    }

    public onChange(listener: (master: string | undefined) => void): void {
        this.listeners.push(listener);
    }

    public close(): void {
        this.watch.stop();
    }
}
