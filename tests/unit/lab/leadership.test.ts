/** Who of the stand-ins leads, by a ZooKeeper of a few lines. */
import { join } from "../../../lab/marathon/leadership";
import type { ZooKeeperSession } from "../../../frameworks/zookeeper/session";

/** What the election asks of a session: children of one node, told of every change to whoever asked. */
class Node {
    private readonly nodes = new Map<string, string>();
    private watchers: (() => void)[] = [];

    private change(): void {
        const waiting = this.watchers;
        this.watchers = [];
        for (const wake of waiting) wake();
    }

    public readonly session = {
        ensure: () => Promise.resolve(),
        create: (path: string, data: string) => {
            const name = `${path.slice(path.lastIndexOf("/") + 1)}${String(this.nodes.size).padStart(10, "0")}`;
            this.nodes.set(name, data);
            this.change();
            return Promise.resolve(`/leader/${name}`);
        },
        children: (_path: string, watcher?: () => void) => {
            if (watcher !== undefined) this.watchers.push(watcher);
            return Promise.resolve([...this.nodes.keys()]);
        },
        data: (path: string) => Promise.resolve(this.nodes.get(path.slice("/leader/".length)) ?? ""),
    } as unknown as ZooKeeperSession;
}

test("who is elected begins once, however many join while it begins", async () => {
    const node = new Node();
    let elected = 0;
    let begun: () => void = () => undefined;
    const member = (address: string) =>
        join({
            session: node.session,
            path: "/leader",
            address,
            port: 0,
            bind: "127.0.0.1",
            elected: async () => {
                elected += 1;
                await new Promise<void>((resolve) => (begun = resolve));
                return () => Promise.resolve({ status: 200 });
            },
            redirected: new Set(),
            header: "X-Test",
        });
    const servers = [await member("one:1")];
    await new Promise((resolve) => setTimeout(resolve, 20));
    servers.push(await member("two:2"), await member("three:3"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    begun();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    expect(elected).toBe(1);
});
