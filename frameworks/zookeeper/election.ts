/** Leader election by ephemeral, sequential nodes: the one with the lowest number leads, each watches the one before it. */
import { CODE, isCode } from "./errors";
import type { CreateOptions, ZooKeeperSession } from "./session";

/** The name with the lowest number behind `prefix`; undefined when there is none. */
export function lowest(names: readonly string[], prefix: string): string | undefined {
    const number = (name: string): number => Number(name.slice(prefix.length));
    return names
        .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
        .sort((a, b) => number(a) - number(b))[0];
}

/** Tells what the leader wrote into its node, now and at every change; undefined while there is no leader. */
export class LeaderWatch {
    private stopped = false;
    private last: string | undefined;

    public constructor(
        private readonly session: ZooKeeperSession,
        private readonly path: string,
        private readonly prefix: string,
        private readonly tell: (data: string | undefined) => void,
    ) {
        void this.look();
    }

    public stop(): void {
        this.stopped = true;
    }

    /** One and the same, so that the session wakes it once however often it has asked. */
    private readonly woken = (): void => void this.look();

    private async look(): Promise<void> {
        const isOver = (): boolean => this.stopped || this.session.closed || this.session.expired;
        if (isOver()) {
            return;
        }
        try {
            const names = await this.session.children(this.path, this.woken);
            const name = lowest(names, this.prefix);
            const data = name === undefined ? undefined : String(await this.session.data(`${this.path}/${name}`));
            if (!isOver() && data !== this.last) {
                this.last = data;
                this.tell(data);
            }
        } catch (error) {
            // Not yet there, gone between the two reads, or no server: look again.
            setTimeout(this.woken, isCode(error, CODE.noNode) ? 500 : 200).unref();
        }
    }
}

/** Stands for election. The node goes with the session: to resign, remove it or close the session. */
export async function standForElection(
    session: ZooKeeperSession,
    path: string,
    prefix: string,
    data: string,
    options: Pick<CreateOptions, "acl"> = {},
): Promise<{ readonly node: string; isLeader(): Promise<boolean>; resign(): Promise<void> }> {
    await session.ensure(path);
    const node = await session.create(`${path}/${prefix}`, data, { ...options, ephemeral: true, sequential: true });
    const name = node.slice(path.length + 1);
    return {
        node,
        isLeader: async () => lowest(await session.children(path), prefix) === name,
        resign: () => session.remove(node),
    };
}
